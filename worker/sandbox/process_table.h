// The processes of a PID namespace, seen by its init.
#pragma once

#include <cstdint>
#include <memory>

#include <dirent.h>

namespace kiln::worker {

class ProcessTable {
 public:
  // Reads the /proc of this process's own PID namespace.
  ProcessTable();

  // Resident bytes of all processes but the init. Pages that they share count for each.
  std::uint64_t resident_bytes() const;

 private:
  struct Closer {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  std::unique_ptr<DIR, Closer> proc_;
};

}  // namespace kiln::worker
