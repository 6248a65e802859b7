#include "lib/os/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "lib/base/clock.h"
#include "lib/os/fd.h"

namespace triage::os {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

constexpr int exit_threw = 1;
/// Stands before the message of an exception; no JSON text holds it.
constexpr char error_mark = '\x1e';

void limit(int resource, std::uint64_t value) {
  const rlimit both{value, value};
  setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

void write_all(int fd, std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t written = write(fd, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    at += static_cast<std::size_t>(written);
  }
}

/// Address space in use, so that the limit is on what the child adds.
std::uint64_t mapped_bytes() {
  std::uint64_t pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
    std::array<char, 64> line{};
    if (std::fgets(line.data(), static_cast<int>(line.size()), file) != nullptr)
      std::from_chars(line.data(), line.data() + line.size(), pages);
    std::fclose(file);
  }
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// The child's whole life. It leaves by _exit: the parent's buffers must not be written twice.
[[noreturn]] void child(int fd, const ChildLimits& limits,
                        const std::function<void(const Emit&)>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGXCPU}) signal(number, SIG_DFL);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, static_cast<std::uint64_t>(std::max<std::int64_t>(limits.cpu.count(), 1)));
  if (!sanitized) limit(RLIMIT_AS, mapped_bytes() + limits.memory_bytes);
  // libraries print their assertions; the user gets one line from the parent instead
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, standard);
  std::string message;
  try {
    work([fd](std::string_view text) { write_all(fd, text); });
    _exit(0);
  } catch (const std::bad_alloc&) {
    message = "out of memory";
  } catch (const std::exception& error) {
    message = error.what();
  }
  write_all(fd, error_mark + message);
  _exit(exit_threw);
}

/// Reads until the other end is closed; false when the time is over first.
bool read_all(int fd, std::chrono::milliseconds wall, std::string& text) {
  const SystemClock clock;
  const Duration end = clock.monotonic() + wall;
  std::array<char, 65536> buffer{};
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - clock.monotonic());
    if (left.count() <= 0) return false;
    pollfd wait{fd, POLLIN, 0};
    const int ready =
        poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready < 0 && errno != EINTR) return true;
    if (ready <= 0) continue;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

ChildResult result_of(int status, bool in_time, std::string text) {
  ChildResult result;
  result.output = std::move(text);
  const bool cpu_used_up =
      WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
  if (!in_time || cpu_used_up) {
    result.end = ChildResult::End::timed_out;
    result.why = "it did not end within its time limit";
  } else if (WIFSIGNALED(status)) {
    result.end = ChildResult::End::killed;
    result.why = fmt::format("it died of signal {} ({}): out of memory, or a bug in a library",
                             WTERMSIG(status), strsignal(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    const auto mark = result.output.rfind(error_mark);
    result.why =
        mark == std::string::npos ? "it ended without an answer" : result.output.substr(mark + 1);
    result.output.resize(std::min(mark, result.output.size()));
  } else {
    result.end = ChildResult::End::finished;
  }
  return result;
}

}  // namespace

ChildResult run_bounded(const ChildLimits& limits, const std::function<void(const Emit&)>& work) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return {ChildResult::End::failed, {}, fmt::format("no pipe: {}", std::strerror(errno))};
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t pid = fork();
  if (pid < 0)
    return {ChildResult::End::failed, {}, fmt::format("no child: {}", std::strerror(errno))};
  if (pid == 0) child(writer.get(), limits, work);
  writer = Fd();
  std::string text;
  const bool in_time = read_all(reader.get(), limits.wall, text);
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return result_of(status, in_time, std::move(text));
}

}  // namespace triage::os
