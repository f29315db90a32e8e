// What the preloaded stub and the worker say to each other. For C and C++; both ends are of one
// build, since kiln-nursery carries the stub.
#pragma once

#include <stdint.h>

// Where the stub finds its socket (SOCK_SEQPACKET), and the variable that says so: without it the
// stub does nothing.
#define KILN_STUB_SOCKET 3
#define KILN_STUB_VARIABLE "KILN_FORKSERVER"

// Stub to worker.
struct kiln_stub_word {
  int32_t kind;    // one of the below
  int32_t number;  // a pid, errno, or as below
};
enum {
  KILN_STUB_HELLO = 1,  // constructors have run, main has not; how many descriptors it has opened
  KILN_STUB_FORKED,     // by the held process: the task's is there, and is the init's own child
  KILN_STUB_REFUSED,    // by the held process: it could not fork, errno
  KILN_STUB_BEGINS,     // by the task's: main is next
  // By the task's, with errno; it then exits.
  KILN_STUB_NO_MEMORY,
  KILN_STUB_NO_DESCRIPTORS,
  KILN_STUB_NO_LIMITS,
  KILN_STUB_NO_DIRECTORY,
};

// Worker to stub, with the descriptors: a memory file, then what becomes 0, 1 and 2.
struct kiln_stub_request {
  // The memory file: cwd, the name for the process list, the arguments, the environment, each
  // ended by a zero byte; then, aligned, room for the pointers to the last two and their ends.
  uint64_t file_bytes;
  uint64_t pointers_at;
  uint32_t argument_count;
  uint32_t environment_count;
  uint32_t umask;
  uint32_t reserved;
  uint64_t most_processes;      // the soft and the hard limit are lowered to it
  uint64_t most_bytes_of_file;  // likewise; 0: as it is
};
