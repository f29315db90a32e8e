#include "tests/unit/worker/server/processes.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <unistd.h>

namespace kiln::worker {

std::set<pid_t> descendants(pid_t ancestor) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    char state = 0;
    int parent = 0;
    const auto end = text.rfind(')');
    if (end == std::string::npos) continue;
    if (std::sscanf(text.c_str() + end + 1, " %c %d", &state, &parent) == 2 && state != 'Z')
      children.emplace(parent, std::stoi(name));
  }
  std::set<pid_t> found = {ancestor};
  for (std::size_t before = 0; before != found.size();) {
    before = found.size();
    for (const auto& [parent, child] : children) {
      if (found.contains(parent)) found.insert(child);
    }
  }
  found.erase(ancestor);
  return found;
}

bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  return end != std::string::npos && text.substr(end, 4).find('Z') == std::string::npos;
}

bool runs_below(pid_t ancestor, const std::string& program) {
  const auto below = descendants(ancestor);
  return std::any_of(below.begin(), below.end(), [&program](pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    std::getline(file, name);
    return name == program;
  });
}

std::uint64_t resident_bytes(const std::set<pid_t>& processes) {
  std::uint64_t sum = 0;
  for (const auto pid : processes) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    file >> total >> resident;
    sum += resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return sum;
}

}  // namespace kiln::worker
