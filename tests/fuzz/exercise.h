// What must hold for any bytes at all. The fuzzers and the seeded mutation test share it.
#pragma once

#include <string_view>

namespace kiln::wire {

// Each aborts the program when a promise of the codec is broken.
void exercise_decode(std::string_view bytes);
void exercise_stream(std::string_view bytes);
void exercise_directory(std::string_view bytes);

}  // namespace kiln::wire
