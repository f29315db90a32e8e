// Preloaded into a program: stops it where its main would begin, and forks it there for each task.
//
// It stands on nothing but the C library that the program brings, of whatever version: it has no
// needed library and no symbol version, so that each name binds to whatever is there. What a
// library might not have (dlsym was in one of its own once) is not used. Everything that the
// program's constructors and loader did is done once; everything that a task gives (arguments,
// environment, directory, limits, streams) is put in place in the fork, as exec would have.
//
// A task's process must be a child of PID 1 of the namespace, who reaps it and counts what it used.
// So it is forked by a child that shares the memory of this process (vfork) and exits at once.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/forkserver/stub_wire.h"

typedef int (*main_function)(int, char**, char**);
typedef int (*start_function)(main_function, int, char**, void (*)(void), void (*)(void),
                              void (*)(void), void*);

extern char* program_invocation_name __attribute__((weak));
extern char* program_invocation_short_name __attribute__((weak));

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned __rseq_size __attribute__((weak));

static main_function real_main;

int __libc_start_main(main_function main, int argc, char** argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void* stack_end)
    __attribute__((visibility("default")));

// A pointer of a dynamic section: glibc has made it absolute, other libraries and the kernel's own
// object have not.
static const void* absolute(const struct link_map* object, ElfW(Addr) pointer) {
  return (const void*)(pointer < object->l_addr ? object->l_addr + pointer : pointer);
}

struct tables {
  const ElfW(Sym) * symbols;
  const char* names;
  const uint32_t* gnu_hash;
  const uint32_t* hash;
};

static struct tables tables_of(const struct link_map* object) {
  struct tables found = {0};
  for (const ElfW(Dyn)* entry = object->l_ld; entry && entry->d_tag != DT_NULL; ++entry) {
    const void* value = absolute(object, entry->d_un.d_ptr);
    if (entry->d_tag == DT_SYMTAB) found.symbols = value;
    if (entry->d_tag == DT_STRTAB) found.names = value;
    if (entry->d_tag == DT_GNU_HASH) found.gnu_hash = value;
    if (entry->d_tag == DT_HASH) found.hash = value;
  }
  return found;
}

static int is_it(const struct tables* in, uint32_t index, const char* name) {
  const ElfW(Sym)* symbol = &in->symbols[index];
  return symbol->st_shndx != SHN_UNDEF && strcmp(in->names + symbol->st_name, name) == 0;
}

static uint32_t find_by_gnu_hash(const struct tables* in, const char* name) {
  uint32_t hash = 5381;
  for (const char* at = name; *at; ++at) hash = hash * 33 + (unsigned char)*at;
  const uint32_t bucket_count = in->gnu_hash[0];
  const uint32_t first = in->gnu_hash[1];
  const uint32_t bloom_words = in->gnu_hash[2] * (uint32_t)(sizeof(ElfW(Addr)) / 4);
  const uint32_t* buckets = in->gnu_hash + 4 + bloom_words;
  const uint32_t* chains = buckets + bucket_count;
  uint32_t index = bucket_count ? buckets[hash % bucket_count] : 0;
  if (index < first) return 0;
  for (;; ++index) {
    const uint32_t entry = chains[index - first];
    if ((entry | 1) == (hash | 1) && is_it(in, index, name)) return index;
    if (entry & 1) return 0;
  }
}

static uint32_t find_by_hash(const struct tables* in, const char* name) {
  const uint32_t symbol_count = in->hash[1];
  for (uint32_t index = 1; index < symbol_count; ++index) {
    if (is_it(in, index, name)) return index;
  }
  return 0;
}

// The first definition in an object other than this one.
static void* find_function(const struct link_map* objects, const char* name, const void* own) {
  for (; objects; objects = objects->l_next) {
    const struct tables in = tables_of(objects);
    if (!in.symbols || !in.names) continue;
    uint32_t index = 0;
    if (in.gnu_hash) {
      index = find_by_gnu_hash(&in, name);
    } else if (in.hash) {
      index = find_by_hash(&in, name);
    }
    void* found = index ? (void*)(objects->l_addr + in.symbols[index].st_value) : NULL;
    if (found && found != own) return found;
  }
  return NULL;
}

// The loader's list, as it is left for debuggers: by way of the program's own headers, which the
// kernel names behind the environment.
static const struct link_map* loaded_objects(char** argv, int argc) {
  char** at = argv + argc + 1;
  while (*at) ++at;
  const ElfW(auxv_t)* entry = (const ElfW(auxv_t)*)(at + 1);
  const ElfW(Phdr)* headers = NULL;
  size_t count = 0;
  for (; entry->a_type != AT_NULL; ++entry) {
    if (entry->a_type == AT_PHDR) headers = (const ElfW(Phdr)*)entry->a_un.a_val;
    if (entry->a_type == AT_PHNUM) count = entry->a_un.a_val;
  }
  ElfW(Addr) base = 0;
  const ElfW(Dyn)* dynamic = NULL;
  for (size_t i = 0; i < count; ++i) {
    if (headers[i].p_type == PT_PHDR) base = (ElfW(Addr))headers - headers[i].p_vaddr;
  }
  for (size_t i = 0; i < count; ++i) {
    if (headers[i].p_type == PT_DYNAMIC) dynamic = (const ElfW(Dyn)*)(base + headers[i].p_vaddr);
  }
  for (; dynamic && dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag != DT_DEBUG || !dynamic->d_un.d_ptr) continue;
    return ((const struct r_debug*)dynamic->d_un.d_ptr)->r_map;
  }
  return NULL;
}

// The kernel takes the registration of restartable sequences from a vfork's child, and so from the
// fork of one; a C library that has one (glibc since 2.35) relies on it.
static void register_sequences(void) {
#if defined(__x86_64__)
  const unsigned signature = 0x53053053;
#else
  const unsigned signature = 0xd428bc00;
#endif
  const unsigned first_size = 32;  // what every kernel takes
  if (!&__rseq_offset || !&__rseq_size || __rseq_size == 0) return;
  char* area = (char*)__builtin_thread_pointer() + __rseq_offset;
  syscall(SYS_rseq, area, first_size, 0, signature);
}

static void say(int32_t kind, int32_t number) {
  const struct kiln_stub_word word = {kind, number};
  while (send(KILN_STUB_SOCKET, &word, sizeof word, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

__attribute__((noreturn)) static void give_up(int32_t kind) {
  say(kind, errno);
  _exit(127);
}

struct received {
  struct kiln_stub_request request;
  int descriptors[4];
};

// False: the worker is gone, or says what this stub does not know.
static int receive(struct received* received) {
  struct iovec part = {&received->request, sizeof received->request};
  union {
    char bytes[CMSG_SPACE(sizeof received->descriptors)];
    struct cmsghdr aligned;
  } control;
  struct msghdr message = {0};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t count;
  do {
    count = recvmsg(KILN_STUB_SOCKET, &message, 0);
  } while (count < 0 && errno == EINTR);
  const struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (count != (ssize_t)sizeof received->request || !head ||
      head->cmsg_len != CMSG_LEN(sizeof received->descriptors)) {
    return 0;
  }
  memcpy(received->descriptors, CMSG_DATA(head), sizeof received->descriptors);
  return 1;
}

static void close_received(const struct received* received) {
  for (int i = 0; i < 4; ++i) close(received->descriptors[i]);
}

static int lower(int resource, rlim_t most) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return 0;
  if (now.rlim_max > most) now.rlim_max = most;
  if (now.rlim_cur > now.rlim_max) now.rlim_cur = now.rlim_max;
  return setrlimit(resource, &now) == 0;
}

// Fills in the pointers to the strings that follow each other from `text`; returns behind them.
static char* point(char** pointers, uint32_t count, char* text) {
  for (uint32_t i = 0; i < count; ++i) {
    pointers[i] = text;
    text += strlen(text) + 1;
  }
  pointers[count] = NULL;
  return text;
}

struct program {
  int argc;
  char** argv;
  char** environment;
};

// In the task's own process: what exec would have set up.
static struct program become(const struct received* received) {
  const struct kiln_stub_request* request = &received->request;
  char* text = mmap(NULL, request->file_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                    received->descriptors[0], 0);
  if (text == MAP_FAILED) give_up(KILN_STUB_NO_MEMORY);
  register_sequences();
  setsid();
  for (int fd = 0; fd <= 2; ++fd) {
    if (dup2(received->descriptors[fd + 1], fd) < 0) give_up(KILN_STUB_NO_DESCRIPTORS);
  }
  close_received(received);
  if (!lower(RLIMIT_CORE, 0) || !lower(RLIMIT_NPROC, request->most_processes) ||
      (request->most_bytes_of_file && !lower(RLIMIT_FSIZE, request->most_bytes_of_file))) {
    give_up(KILN_STUB_NO_LIMITS);
  }
  umask(request->umask);
  if (chdir(text) != 0) give_up(KILN_STUB_NO_DIRECTORY);
  char* name = text + strlen(text) + 1;
  prctl(PR_SET_NAME, name, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  char** argv = (char**)(void*)(text + request->pointers_at);
  char** variables = argv + request->argument_count + 1;
  char* behind = point(argv, request->argument_count, name + strlen(name) + 1);
  point(variables, request->environment_count, behind);
  environ = variables;
  if (&program_invocation_name) program_invocation_name = argv[0];
  if (&program_invocation_short_name) {
    char* slash = strrchr(argv[0], '/');
    program_invocation_short_name = slash ? slash + 1 : argv[0];
  }
  say(KILN_STUB_BEGINS, 0);
  close(KILN_STUB_SOCKET);
  return (struct program){(int)request->argument_count, argv, variables};
}

// Returns in the task's process with 0, in the held one with what became of the other.
static pid_t fork_orphan(void) {
  volatile pid_t forked = -1;
  volatile int number = 0;
  const pid_t between = vfork();
  if (between == 0) {
    forked = fork();
    if (forked == 0) return 0;
    number = errno;
    _exit(0);
  }
  if (between < 0) number = errno;
  // Only then has the task's process become the init's.
  while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR) {
  }
  errno = number;
  return forked;
}

// How many the program has opened: exec would have left them to the task, a fork cannot tell them
// from what belongs to the worker.
static int32_t own_descriptors(void) {
  const int most = 256;
  int32_t count = 0;
  for (int fd = KILN_STUB_SOCKET + 1; fd < most; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static int serve(int argc, char** argv, char** environment) {
  (void)argc, (void)argv, (void)environment;
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  say(KILN_STUB_HELLO, own_descriptors());
  struct received received;
  while (receive(&received)) {
    const pid_t forked = fork_orphan();
    if (forked == 0) {
      const struct program program = become(&received);
      return real_main(program.argc, program.argv, program.environment);
    }
    say(forked > 0 ? KILN_STUB_FORKED : KILN_STUB_REFUSED, forked > 0 ? forked : errno);
    close_received(&received);
  }
  _exit(0);
}

static int is_asked_for(char** argv, int argc) {
  static const char variable[] = KILN_STUB_VARIABLE "=";
  for (char** at = argv + argc + 1; *at; ++at) {
    if (strncmp(*at, variable, sizeof variable - 1) == 0) return 1;
  }
  return 0;
}

int __libc_start_main(main_function main, int argc, char** argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void* stack_end) {
  const start_function start = (start_function)(uintptr_t)find_function(
      loaded_objects(argv, argc), "__libc_start_main", (const void*)(uintptr_t)__libc_start_main);
  if (!start) _exit(126);
  real_main = main;
  return start(is_asked_for(argv, argc) ? serve : main, argc, argv, init, fini, rtld_fini,
               stack_end);
}
