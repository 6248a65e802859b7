#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <unordered_set>

#include "lib/backends/loki.h"
#include "lib/probes/log_follow.h"
#include "lib/probes/log_line.h"
#include "lib/probes/log_source.h"

namespace triage::probes::logs {
namespace {

constexpr std::size_t block = std::size_t{256} << 10U;
constexpr std::int64_t ns_per_s = 1'000'000'000;
/// A line may reach journald or Loki so long after its time stamp.
constexpr std::int64_t late_s = 5;

/// Cuts what was read into lines; the last one waits for its end.
class Lines {
 public:
  void add(std::string_view data, const FollowedSource::OnLine& on_line) {
    while (!data.empty()) {
      const auto end = data.find('\n');
      const std::string_view part = data.substr(0, end);
      if (kept_.size() + part.size() <= LogSource::longest_line) kept_ += part;
      if (end == std::string_view::npos) return;
      finish(on_line);
      data.remove_prefix(end + 1);
    }
  }
  void finish(const FollowedSource::OnLine& on_line) {
    while (!kept_.empty() && kept_.back() == '\r') kept_.pop_back();
    if (!kept_.empty()) on_line(kept_);
    kept_.clear();
  }

 private:
  std::string kept_;
};

class FollowedFile final : public FollowedSource {
 public:
  explicit FollowedFile(const std::string& name) : name_(name) {
    Gap gap;
    if (!open(gap)) throw Error(error_code_of(gap.code), gap.why, gap.remedy);
    offset_ = size();
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

  void poll(const OnLine& on_line) override {
    Gap gap;
    if (!fd_ && !open(gap)) return;
    read_rest(on_line);
    if (!replaced()) return;
    // What was written between the last look and the rename is still in the old file.
    read_rest(on_line);
    lines_.finish(on_line);
    fd_ = os::Fd();
    offset_ = 0;
    if (open(gap)) read_rest(on_line);
  }

 private:
  bool open(Gap& gap) {
    os::Fd fd(::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd) {
      const bool absent = errno == ENOENT || errno == ENOTDIR;
      gap = {"", std::string(name_of(absent ? ErrorCode::not_found : ErrorCode::refused)),
             absent ? fmt::format("there is no log {}", name_)
                    : fmt::format("log {} is not readable for this user", name_),
             "check the path and its permissions"};
      return false;
    }
    if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      gap = {"", std::string(name_of(ErrorCode::usage)),
             fmt::format("{} is no file that can be followed", name_),
             "name a log file, or '-' for stdin"};
      return false;
    }
    device_ = status.st_dev;
    inode_ = status.st_ino;
    fd_ = std::move(fd);
    return true;
  }
  [[nodiscard]] off_t size() const {
    struct stat status {};
    return ::fstat(fd_.get(), &status) == 0 ? status.st_size : 0;
  }
  /// Whether the name leads to another file by now. While it leads to none, the old one is kept.
  [[nodiscard]] bool replaced() const {
    struct stat status {};
    return ::stat(name_.c_str(), &status) == 0 &&
           (status.st_dev != device_ || status.st_ino != inode_);
  }
  void read_rest(const OnLine& on_line) {
    if (size() < offset_) {
      lines_.finish(on_line);
      offset_ = 0;
    }
    std::string buffer(block, '\0');
    while (true) {
      const ssize_t count = ::pread(fd_.get(), buffer.data(), buffer.size(), offset_);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      offset_ += count;
      lines_.add({buffer.data(), static_cast<std::size_t>(count)}, on_line);
    }
  }

  std::string name_;
  os::Fd fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t offset_ = 0;
  Lines lines_;
};

class FollowedStdin final : public FollowedSource {
 public:
  FollowedStdin() : fd_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {
    if (!fd_) throw Error(ErrorCode::not_found, "stdin is closed", "pipe a log into it");
    if (::isatty(fd_.get()) != 0)
      throw Error(ErrorCode::usage, "stdin is a terminal",
                  "pipe a log into it: kubectl logs -f deploy/api | triage logs --follow -");
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool ended() const override { return ended_; }

  void poll(const OnLine& on_line) override {
    std::string buffer(block, '\0');
    while (!ended_) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 0) <= 0) return;
      const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      ended_ = count <= 0;
      if (ended_)
        lines_.finish(on_line);
      else
        lines_.add({buffer.data(), static_cast<std::size_t>(count)}, on_line);
    }
  }

 private:
  std::string name_ = "-";
  os::Fd fd_;
  Lines lines_;
  bool ended_ = false;
};

/// Which lines of the last seconds were given already; older ones are not asked for again.
class SeenLines {
 public:
  /// Whether it is new. Equal lines of one moment are told apart by the number in this look.
  bool add(std::int64_t at_ns, const std::string& line) {
    const std::string key = fmt::format("{} {} {}", at_ns, line, counts_[line]++);
    if (!keys_.insert(key).second) return false;
    order_.emplace_back(at_ns, key);
    return true;
  }
  /// Before each look.
  void start(std::int64_t oldest_ns) {
    counts_.clear();
    while (!order_.empty() && order_.front().first < oldest_ns) {
      keys_.erase(order_.front().second);
      order_.pop_front();
    }
  }

 private:
  std::unordered_set<std::string> keys_;
  std::unordered_map<std::string, int> counts_;
  std::deque<std::pair<std::int64_t, std::string>> order_;
};

std::int64_t now_ns(const Session& session) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             session.clock().now().time_since_epoch())
      .count();
}

class FollowedJournal final : public FollowedSource {
 public:
  FollowedJournal(const std::string& unit, Session& session)
      : name_("journal:" + unit), unit_(unit), session_(session), start_ns_(now_ns(session)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }

  void poll(const OnLine& on_line) override {
    const std::int64_t now = now_ns(session_);
    const std::int64_t from = std::max(start_ns_, now - late_s * ns_per_s);
    seen_.start(from - ns_per_s);
    LogSource source =
        LogSource::of_journal(unit_, from / 1'000'000, now / 1'000'000 + 1, session_);
    source.read(
        [&](std::string_view line) {
          const auto at_ms = parse_line(line, now / 1'000'000).at_ms;
          if (seen_.add(at_ms.value_or(now / 1'000'000) * 1'000'000, std::string(line)))
            on_line(line);
          return true;
        },
        session_);
  }

 private:
  std::string name_;
  std::string unit_;
  Session& session_;
  std::int64_t start_ns_;
  SeenLines seen_;
};

class FollowedLoki final : public FollowedSource {
 public:
  FollowedLoki(const Options& options, Session& session)
      : name_(options.query),
        session_(session),
        start_ns_(now_ns(session)),
        most_lines_(options.most_lines),
        loki_(options.loki, net::client_options(options.http, "Loki"), options.batch, session) {}
  [[nodiscard]] const std::string& name() const override { return name_; }

  void poll(const OnLine& on_line) override {
    const std::int64_t now = now_ns(session_);
    const std::int64_t from = std::max(start_ns_, now - late_s * ns_per_s);
    seen_.start(from);
    std::vector<std::pair<std::int64_t, std::string>> lines;
    loki_.read({name_, from, now, most_lines_}, [&](backends::LokiAnswer& page) {
      for (auto& entry : page.entries) {
        // Two streams may say the same at the same time: each is a line.
        const std::string stream = backends::series_name(page.streams[entry.stream]);
        if (seen_.add(entry.at_ns, stream + entry.line))
          lines.emplace_back(entry.at_ns, std::move(entry.line));
      }
      return true;
    });
    std::stable_sort(lines.begin(), lines.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [at, line] : lines) on_line(line);
  }

 private:
  std::string name_;
  Session& session_;
  std::int64_t start_ns_;
  std::int64_t most_lines_;
  backends::Loki loki_;
  SeenLines seen_;
};

}  // namespace

std::unique_ptr<FollowedSource> follow_file(const std::string& name) {
  if (name == "-") return std::make_unique<FollowedStdin>();
  return std::make_unique<FollowedFile>(name);
}

std::unique_ptr<FollowedSource> follow_journal(const std::string& unit, Session& session) {
  return std::make_unique<FollowedJournal>(unit, session);
}

std::unique_ptr<FollowedSource> follow_loki(const Options& options, Session& session) {
  return std::make_unique<FollowedLoki>(options, session);
}

}  // namespace triage::probes::logs
