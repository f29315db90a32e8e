"""Calls that take their time: at least ten seconds of work for a compiler, and little memory."""

SLOW_CC = """
template <int N> struct T { static constexpr unsigned f(unsigned x) {
  unsigned s = x; for (int i = 0; i < 200000; ++i) s = s * 31 + i; return s; } };
template <int N> struct S { static constexpr unsigned v = T<N>::f(S<N - 1>::v) % 7; };
template <> struct S<0> { static constexpr unsigned v = 1; };
unsigned result = S<400>::v;
"""
SLOW_CALL = ("kiln", "g++", "-fconstexpr-ops-limit=2000000000", "-c", "slow.cc", "-o", "slow.o")
# Minutes of it, for tests that end the call.
ENDLESS_CC = "\n".join(f"namespace n{number} {{{SLOW_CC}}}" for number in range(30))
