#include "client/toolchain/elf.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <sstream>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace kiln::client {
namespace {

std::string architecture_of(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_386:
      return "i686";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "armv7l";
    case EM_RISCV:
      return "riscv64";
    case EM_PPC64:
      return "ppc64le";
    case EM_S390:
      return "s390x";
    default:
      return "elf-machine-" + std::to_string(machine);
  }
}

// An open file that is read at offsets which the file itself names, so each read may fall short.
class Reader {
 public:
  Reader(int fd, const std::string& path) : fd_(fd), path_(path) {}

  template <typename T>
  Result<T> object(std::uint64_t offset) const {
    T value{};
    KILN_TRY(bytes(offset, &value, sizeof value));
    return value;
  }
  Status bytes(std::uint64_t offset, void* to, std::size_t size) const {
    const ssize_t got = ::pread(fd_, to, size, static_cast<off_t>(offset));
    if (got == static_cast<ssize_t>(size)) return {};
    if (got < 0) return fail_errno("cannot read " + path_, errno);
    return fail(Errc::corrupt, path_ + " is a truncated ELF file");
  }

 private:
  int fd_;
  const std::string& path_;
};

template <typename Header, typename Segment>
Result<ProgramFile> inspect_elf(const Reader& reader) {
  KILN_TRY_ASSIGN(const Header header, reader.object<Header>(0));
  ProgramFile file;
  file.kind = ProgramKind::elf;
  file.architecture = architecture_of(header.e_machine);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    KILN_TRY_ASSIGN(const Segment segment,
                    reader.object<Segment>(header.e_phoff + i * std::uint64_t{sizeof(Segment)}));
    if (segment.p_type == PT_DYNAMIC) file.is_dynamic = true;
    if (segment.p_type != PT_INTERP || segment.p_filesz == 0 || segment.p_filesz > 4096) continue;
    file.loader.resize(segment.p_filesz);
    KILN_TRY(reader.bytes(segment.p_offset, file.loader.data(), file.loader.size()));
    file.loader.resize(file.loader.find_last_not_of('\0') + 1);
  }
  return file;
}

ProgramFile inspect_script(std::string_view head) {
  ProgramFile file;
  file.kind = ProgramKind::script;
  std::istringstream line(std::string(head.substr(2, head.find('\n') - 2)));
  for (std::string word; line >> word;) file.interpreter.push_back(word);
  return file;
}

}  // namespace

Result<ProgramFile> inspect_program(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return fail_errno("cannot open " + path, errno);
  std::array<char, 512> buffer{};
  const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return fail_errno("cannot read " + path, errno);
  const std::string_view head(buffer.data(), static_cast<std::size_t>(got));
  if (head.starts_with("#!")) return inspect_script(head);
  if (!head.starts_with(ELFMAG) || head.size() < EI_NIDENT) return ProgramFile{};
  const Reader reader(fd.get(), path);
  if (head[EI_CLASS] == ELFCLASS64) return inspect_elf<Elf64_Ehdr, Elf64_Phdr>(reader);
  return inspect_elf<Elf32_Ehdr, Elf32_Phdr>(reader);
}

}  // namespace kiln::client
