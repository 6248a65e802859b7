#include "lib/os/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/base/error.h"
#include "lib/os/fd.h"

namespace triage::os {

std::string read_head(const std::string& path, std::size_t limit) {
  const auto fail = [&path] {
    throw Error(ErrorCode::usage, fmt::format("{} cannot be read: {}", path, std::strerror(errno)),
                "check the path and its permissions");
  };
  // a pipe without a writer must not hold the program
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) fail();
  std::string text(limit, '\0');
  std::size_t size = 0;
  while (size < limit) {
    const ssize_t got = ::read(file.get(), text.data() + size, limit - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail();
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

}  // namespace triage::os
