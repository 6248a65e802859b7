#include "lib/os/child_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "lib/base/clock.h"
#include "lib/os/fd.h"

namespace triage::os {
namespace {

constexpr std::size_t most_error_bytes = 2000;
constexpr int exit_not_found = 127;

[[noreturn]] void child(const std::vector<char*>& arguments, int output, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  _exit(errno == ENOENT ? exit_not_found : 126);
}

/// Until the program closes its stderr, which it does at its end; false when the time is over.
bool read_errors(int fd, std::chrono::milliseconds wall, std::string& text) {
  const SystemClock clock;
  const Duration end = clock.monotonic() + wall;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - clock.monotonic()).count();
    if (left <= 0) return false;
    pollfd wait{fd, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return true;
    if (ready <= 0) continue;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    text.append(buffer.data(),
                std::min(static_cast<std::size_t>(got), most_error_bytes - text.size()));
  }
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments, int output,
                          std::chrono::milliseconds wall) {
  std::vector<std::string> texts = arguments;
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  ProgramResult result;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {ProgramResult::End::killed, 0, "no pipe"};
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return {ProgramResult::End::killed, 0, "no process"};
  if (pid == 0) child(pointers, output, writer.get());
  writer = Fd();
  const bool in_time = read_errors(reader.get(), wall, result.error_text);
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time)
    result.end = ProgramResult::End::timed_out;
  else if (WIFSIGNALED(status))
    result.end = ProgramResult::End::killed;
  else if (WEXITSTATUS(status) == exit_not_found)
    result.end = ProgramResult::End::not_found;
  else
    result.status = WEXITSTATUS(status);
  return result;
}

}  // namespace triage::os
