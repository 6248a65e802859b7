#include "lib/os/descriptor_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "lib/base/error.h"

namespace triage::os {
namespace {

/// Names in a directory, read with large getdents64 calls: readdir's 32 KiB buffer needs eight
/// times as many. Layout: struct linux_dirent64, getdents64(2).
std::vector<int> numbers_in(const Fd& directory) {
  constexpr std::size_t name_offset = 19;  // d_ino 8, d_off 8, d_reclen 2, d_type 1
  constexpr std::size_t size = std::size_t{256} << 10U;
  const auto buffer = std::make_unique_for_overwrite<char[]>(size);
  std::vector<int> numbers;
  for (;;) {
    const long count = ::syscall(SYS_getdents64, directory.get(), buffer.get(), size);
    if (count <= 0) return numbers;
    for (std::size_t at = 0; at + name_offset < static_cast<std::size_t>(count);) {
      std::uint16_t length = 0;
      std::memcpy(&length, &buffer[at + 16], sizeof length);
      if (length == 0) return numbers;
      const char* name = &buffer[at + name_offset];
      int number = 0;
      if (std::from_chars(name, name + std::strlen(name), number).ec == std::errc())
        numbers.push_back(number);
      at += length;
    }
  }
}

}  // namespace

std::vector<Descriptor> read_descriptors(const Procfs& procfs, const ProcessIdentity& id) {
  const Fd process = procfs.open_process(id);
  const Fd directory(::openat(process.get(), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    if (errno == EACCES || errno == EPERM)
      throw Error(ErrorCode::refused,
                  fmt::format("the descriptors of process {} belong to another user", id.pid),
                  fmt::format("run: sudo triage fds {}", id.pid));
    throw Error(ErrorCode::not_found, fmt::format("process {} has ended", id.pid));
  }
  std::vector<Descriptor> descriptors;
  std::array<char, 4097> link{};
  for (const int number : numbers_in(directory)) {
    std::array<char, 16> name{};
    std::to_chars(name.data(), name.data() + name.size() - 1, number);
    const ssize_t length = ::readlinkat(directory.get(), name.data(), link.data(), link.size() - 1);
    if (length >= 0)
      descriptors.push_back({number, {link.data(), static_cast<std::size_t>(length)}});
  }
  // The directory is that of this process and of no later one with its pid: it answers while the
  // process is there.
  if (::faccessat(process.get(), "stat", F_OK, 0) != 0)
    throw Error(ErrorCode::not_found, fmt::format("process {} has ended", id.pid));
  return descriptors;
}

std::optional<std::int64_t> count_descriptors(const Procfs& procfs, pid_t pid) {
  struct stat status = {};
  const std::string path = fmt::format("{}/{}/fd", procfs.root(), pid);
  if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) return std::nullopt;
  return status.st_size;
}

std::string protocol_of_socket(const Procfs& procfs, pid_t pid, int number) {
  std::array<char, 64> name{};
  const std::string path = fmt::format("{}/{}/fd/{}", procfs.root(), pid, number);
  const ssize_t length =
      ::getxattr(path.c_str(), "system.sockprotoname", name.data(), name.size() - 1);
  return length > 0 ? std::string(name.data()) : std::string();
}

std::string kind_of_link(const std::string& link) {
  const auto starts = [&](std::string_view prefix) {
    return std::string_view(link).substr(0, prefix.size()) == prefix;
  };
  constexpr std::string_view deleted = " (deleted)";
  if (starts("socket:")) return "socket";
  if (starts("pipe:")) return "pipe";
  if (starts("anon_inode:")) {
    std::string kind = link.substr(std::strlen("anon_inode:"));
    if (!kind.empty() && kind.front() == '[') kind = kind.substr(1, kind.size() - 2);
    return kind == "eventpoll" ? "epoll" : kind;
  }
  if (starts("/memfd:")) return "memfd";
  if (starts("/dev/")) return "device";
  if (!starts("/")) return "other";
  return link.size() > deleted.size() &&
                 link.compare(link.size() - deleted.size(), deleted.size(), deleted) == 0
             ? "deleted file"
             : "file";
}

}  // namespace triage::os
