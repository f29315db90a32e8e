#include "client/toolchain/probe.h"

#include <gtest/gtest.h>

namespace kiln::client {
namespace {

const ProbeOutcome kGood{0, "object", "a warning"};

std::string refusal(const ProbeOutcome& local, const ProbeOutcome& remote) {
  const auto compared = compare(local, remote);
  if (compared) return "";
  EXPECT_EQ(compared.error().code, Errc::unsupported);
  return compared.error().message;
}

TEST(Probe, accepts_what_is_equal) {
  EXPECT_EQ(refusal(kGood, kGood), "");
}

TEST(Probe, refuses_a_compiler_that_fails_here) {
  const ProbeOutcome failed{1, "", "no such option"};
  EXPECT_NE(refusal(failed, failed).find("on this machine: exit code 1"), std::string::npos);
  const ProbeOutcome empty{0, "", ""};
  EXPECT_NE(refusal(empty, empty), "");
}

TEST(Probe, says_what_differs_in_the_root) {
  EXPECT_NE(refusal(kGood, {127, "", "cc1: not found"}).find("127 in the toolchain's root: cc1"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, {0, "object", "eine Warnung"}).find("there: eine Warnung"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, {0, "another", "a warning"}).find("object differs"), std::string::npos);
  EXPECT_NE(refusal(kGood, {0, "", "a warning"}), "");
}

TEST(Probe, is_made_of_the_languages_that_the_toolchain_has) {
  Toolchain toolchain;
  toolchain.family = CompilerFamily::gcc;
  toolchain.files = {{{}, "/usr/bin/x86_64-linux-gnu-gcc-12", 1}, {{}, "/usr/lib/gcc/12/cc1", 1}};
  EXPECT_TRUE(can_compile(toolchain, Language::c));
  EXPECT_FALSE(can_compile(toolchain, Language::cxx)) << "gcc without the package g++";
  toolchain.files.push_back({{}, "/usr/lib/gcc/12/cc1plus", 1});
  EXPECT_TRUE(can_compile(toolchain, Language::cxx));
  toolchain.family = CompilerFamily::clang;
  toolchain.files = {{{}, "/usr/lib/llvm-14/bin/clang", 1}};
  EXPECT_TRUE(can_compile(toolchain, Language::cxx));
}

}  // namespace
}  // namespace kiln::client
