// Visits a variant with one lambda a kind.
#pragma once

namespace kiln::worker {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace kiln::worker
