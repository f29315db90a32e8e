// The processes of a PID namespace, seen by its init.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <dirent.h>
#include <sys/types.h>

namespace kiln::worker {

class ProcessTable {
 public:
  // Reads the /proc of this process's own PID namespace, as it is mounted in the directory `root`.
  // Looks past `others` as past the init.
  ProcessTable(int root, std::vector<pid_t> others);

  // Resident bytes of all other processes. Pages that they share count for each.
  std::uint64_t resident_bytes() const;

  // Sends each other process the signal, once.
  void signal_all(int number) const;

 private:
  struct Closer {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  // All but the init and `others_`, as they are now.
  std::vector<pid_t> processes() const;

  std::unique_ptr<DIR, Closer> proc_;
  std::vector<pid_t> others_;
};

}  // namespace kiln::worker
