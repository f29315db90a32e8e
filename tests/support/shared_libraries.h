// Which files a program needs beside itself, asked of the loader that this process was started by.
// `ldd` says the same and starts four processes for each program.
#pragma once

#include <array>
#include <cstdio>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <link.h>

namespace kiln::test_support {

inline std::string own_loader() {
  std::string path;
  ::dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* to) {
        for (int index = 0; index < object->dlpi_phnum; ++index) {
          const auto& part = object->dlpi_phdr[index];
          if (part.p_type != PT_INTERP) continue;
          // The address is the loader's own word for where that part lies.
          // NOLINTNEXTLINE(performance-no-int-to-ptr)
          *static_cast<std::string*>(to) =
              reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr);
        }
        return 1;  // the program itself comes first, and no other is asked
      },
      &path);
  return path;
}

// Absolute paths, the loader among them; empty when the programs cannot be loaded.
inline std::set<std::string> libraries_of(const std::vector<std::string>& programs) {
  std::string command = "for program in";
  for (const auto& program : programs) command += " " + program;
  command += "; do " + own_loader() + " --list $program; done";
  std::string told;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 4096> buffer{};
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    told.append(buffer.data(), count);
  }
  ::pclose(pipe);
  std::set<std::string> paths;
  std::istringstream words(told);
  for (std::string word; words >> word;) {
    if (word.front() == '/') paths.insert(word);
  }
  return paths;
}

}  // namespace kiln::test_support
