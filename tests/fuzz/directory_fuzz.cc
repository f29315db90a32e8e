#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kiln::wire::exercise_directory({reinterpret_cast<const char*>(data), size});
  return 0;
}
