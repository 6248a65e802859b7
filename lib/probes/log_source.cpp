#include "lib/probes/log_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "lib/base/error.h"
#include "lib/os/child_program.h"
#include "lib/store/input_file.h"

namespace triage::probes::logs {
namespace {

constexpr std::size_t block = std::size_t{1} << 20U;

std::string error_text(int number) {
  return std::generic_category().message(number);
}

[[noreturn]] void cannot_open(const std::string& path, int number) {
  if (number == ENOENT || number == ENOTDIR)
    throw Error(ErrorCode::not_found, fmt::format("there is no log {}", path),
                "check the path; triage logs reads files, or stdin as '-'");
  if (number == EACCES || number == EPERM)
    throw Error(ErrorCode::refused, fmt::format("log {} is not readable for this user", path),
                fmt::format("sudo setfacl -m u:$(id -un):r {}   (or: sudo cat {} | triage logs -)",
                            path, path));
  throw Error(ErrorCode::refused, fmt::format("log {}: {}", path, error_text(number)));
}

os::Fd open_log(const std::string& path) {
  // A named pipe without a writer would block for ever.
  os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) cannot_open(path, errno);
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return fd;
}

os::Fd temporary_file() {
  const std::string folder = "/var/tmp";
  os::Fd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd) fd = os::Fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd)
    throw Error(ErrorCode::refused,
                fmt::format("no temporary file for stdin: {}", error_text(errno)),
                "write the log to a file and name it");
  return fd;
}

void write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      throw Error(ErrorCode::refused, fmt::format("temporary file: {}", error_text(errno)),
                  "write the log to a file and name it");
    data += count;
    size -= static_cast<std::size_t>(count);
  }
}

/// Splits blocks into lines; keeps at most one line between them.
class LineSplitter {
 public:
  LineSplitter(const LogSource::OnLine& on_line, LogSource::Reading& reading)
      : on_line_(on_line), reading_(reading) {}

  /// False when on_line wants no more.
  bool add(std::string_view data) {
    while (!data.empty()) {
      const std::size_t end = data.find('\n');
      const std::string_view part = data.substr(0, end);
      const bool whole = end != std::string_view::npos;
      if (!kept_.empty() || skipping_ || !whole) keep(part);
      if (whole && !finish(kept_.empty() && !skipping_ ? part : std::string_view(kept_)))
        return false;
      if (!whole) break;
      data.remove_prefix(end + 1);
    }
    return true;
  }

  bool end() { return (kept_.empty() && !skipping_) || finish(kept_); }

 private:
  void keep(std::string_view part) {
    const std::size_t room = LogSource::longest_line - kept_.size();
    kept_.append(part.substr(0, room));
    skipping_ = skipping_ || part.size() > room;
  }

  bool finish(std::string_view line) {
    ++reading_.lines_count;
    if (skipping_) ++reading_.cut_count;
    while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    // After `> app.log` on an open log the writer's offset stays: the file starts with zeros.
    const std::size_t first = line.find_first_not_of('\0');
    line.remove_prefix(std::min(first, line.size()));
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const bool more = on_line_(line);
    kept_.clear();
    skipping_ = false;
    return more;
  }

  const LogSource::OnLine& on_line_;
  LogSource::Reading& reading_;
  std::string kept_;
  bool skipping_ = false;
};

}  // namespace

LogSource::LogSource(std::string name, Session& session) : name_(std::move(name)) {
  const bool standard_input = name_ == "-";
  fd_ = standard_input ? os::Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) : open_log(name_);
  if (!fd_) cannot_open("on stdin", errno);
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) cannot_open(name_, errno);
  if (S_ISDIR(status.st_mode))
    throw Error(ErrorCode::usage, fmt::format("{} is a folder", name_),
                fmt::format("name its files: triage logs {}/*.log", name_));
  if (::isatty(fd_.get()) != 0)
    throw Error(ErrorCode::usage, "stdin is a terminal",
                "pipe a log into it: kubectl logs deploy/api | triage logs -");
  if (!S_ISREG(status.st_mode)) {
    if (!standard_input && !S_ISFIFO(status.st_mode))
      throw Error(ErrorCode::usage, fmt::format("{} is a device, not a log", name_));
    spool(session);
  } else {
    changed_s_ = status.st_mtim.tv_sec;
  }
  check_format(session);
}

LogSource LogSource::of_journal(const std::string& unit, std::int64_t from_ms, std::int64_t to_ms,
                                Session& session) {
  constexpr std::chrono::seconds most{30};
  if (unit.empty() || unit.front() == '-')
    throw Error(ErrorCode::usage, fmt::format("--journal: '{}' is no unit", unit),
                "for example --journal api.service");
  session.progress("reading the journal of " + unit);
  os::Fd copy = temporary_file();
  const auto time = [](std::int64_t ms) { return fmt::format("@{}.{:03}", ms / 1000, ms % 1000); };
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::min<Duration>(session.remaining(), most));
  const auto result =
      os::run_program({"journalctl", "--unit", unit, "--output", "json", "--no-pager", "--quiet",
                       "--since", time(from_ms), "--until", time(to_ms)},
                      copy.get(), left);
  std::string said = result.error_text.substr(0, result.error_text.find('\n'));
  switch (result.end) {
    case os::ProgramResult::End::not_found:
      throw Error(ErrorCode::not_found, "there is no journalctl here",
                  "name the log files, or pipe them: ssh host journalctl -u api -o json | triage "
                  "logs -");
    case os::ProgramResult::End::timed_out:
      throw Error(ErrorCode::budget, fmt::format("the journal of {} did not end in time", unit),
                  "shorten --window");
    case os::ProgramResult::End::killed:
      throw Error(ErrorCode::refused, fmt::format("journalctl did not run: {}", said));
    case os::ProgramResult::End::finished:
      break;
  }
  if (result.status != 0)
    throw Error(ErrorCode::refused, fmt::format("journalctl: {}", said),
                "as root, or as a member of systemd-journal");
  return {"journal:" + unit, std::move(copy)};
}

void LogSource::spool(Session& session) {
  session.progress("reading stdin until it ends");
  os::Fd copy = temporary_file();
  std::vector<char> buffer(block);
  while (!session.cancelled()) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    write_all(copy.get(), buffer.data(), static_cast<std::size_t>(count));
  }
  fd_ = std::move(copy);
}

void LogSource::check_format(Session& session) {
  std::array<char, 4> start{};
  const std::string_view magic(start.data(), read_at(start.data(), start.size(), 0));
  if (magic.starts_with("\x1F\x8B") || magic == "\x28\xB5\x2F\xFD") return unpack(session);
  constexpr std::string_view xz =
      "\xFD"
      "7zX";
  const char* tool = magic == xz ? "xzcat" : magic.starts_with("BZh") ? "bzcat" : nullptr;
  if (tool == nullptr) return;
  throw Error(ErrorCode::malformed, fmt::format("{} is packed with xz or bzip2", name_),
              fmt::format("{} {} | triage logs -", tool, name_ == "-" ? "FILE" : name_));
}

/// The window hangs on the last line, so a packed log is read twice as well.
void LogSource::unpack(Session& session) {
  session.progress("unpacking " + name_);
  // By its descriptor: stdin that was spooled has no name.
  store::InputFile input(fmt::format("/proc/self/fd/{}", fd_.get()));
  os::Fd copy = temporary_file();
  std::vector<char> buffer(block);
  std::size_t bytes = 0;
  while (!session.cancelled()) {
    const std::size_t count = input.read(buffer.data(), buffer.size());
    if (count == 0) break;
    write_all(copy.get(), buffer.data(), count);
    bytes += count;
  }
  problem_ = session.cancelled() ? "stopped while it was unpacked" : input.problem();
  if (bytes == 0 && !problem_.empty())
    throw Error(ErrorCode::malformed, fmt::format("{} cannot be unpacked: {}", name_, problem_),
                "check it with gzip -t or zstd -t, and copy it again");
  fd_ = std::move(copy);
}

std::size_t LogSource::read_at(char* target, std::size_t size, std::int64_t offset) const {
  for (;;) {
    const ssize_t count = ::pread(fd_.get(), target, size, offset);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR)
      throw Error(ErrorCode::refused, fmt::format("log {}: {}", name_, error_text(errno)));
  }
}

LogSource::Reading LogSource::read(const OnLine& on_line, const Session& session) {
  Reading reading;
  LineSplitter splitter(on_line, reading);
  std::vector<char> buffer(block);
  for (;;) {
    const std::size_t count = read_at(buffer.data(), buffer.size(), reading.bytes);
    if (count == 0) break;
    reading.bytes += static_cast<std::int64_t>(count);
    const std::string_view data(buffer.data(), count);
    reading.zero_bytes += std::count(data.begin(), data.end(), '\0');
    if (session.cancelled() || !splitter.add(data)) {
      reading.complete = false;
      return reading;
    }
  }
  reading.complete = splitter.end();
  return reading;
}

void LogSource::read_tail(std::size_t bytes, const OnLine& on_line) {
  const auto size = ::lseek(fd_.get(), 0, SEEK_END);
  const std::int64_t start = std::max<std::int64_t>(0, size - static_cast<std::int64_t>(bytes));
  std::vector<char> buffer(bytes);
  const std::size_t count = read_at(buffer.data(), buffer.size(), start);
  Reading reading;
  LineSplitter splitter(on_line, reading);
  if (splitter.add({buffer.data(), count})) splitter.end();
}

std::string read_small_file(const std::string& path) {
  const os::Fd fd = open_log(path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) cannot_open(path, errno);
  if (!S_ISREG(status.st_mode) || status.st_size > (1 << 20))
    throw Error(ErrorCode::usage, fmt::format("{} is not a file of at most 1 MiB", path));
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t count = ::pread(fd.get(), text.data(), text.size(), 0);
  if (count < 0) cannot_open(path, errno);
  text.resize(static_cast<std::size_t>(count));
  return text;
}

}  // namespace triage::probes::logs
