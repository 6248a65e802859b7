#include "lib/probes/log_follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <thread>

#include "lib/backends/loki.h"
#include "lib/base/json.h"
#include "lib/base/line_sink.h"
#include "lib/probes/log_line.h"
#include "lib/probes/log_scan.h"

namespace triage::probes::logs {
namespace {

constexpr std::chrono::milliseconds file_interval{200};
constexpr std::chrono::milliseconds server_interval{1000};
constexpr std::size_t longest_shown = 2000;
constexpr std::size_t most_failures = 5;
constexpr std::int64_t far_ms = std::int64_t{10} * 366 * 24 * 3600 * 1000;

/// A source, when it is asked next, and how often in a row it failed.
struct Followed {
  std::unique_ptr<FollowedSource> source;
  std::chrono::milliseconds interval;
  Duration next{0};
  std::size_t failures = 0;
};

std::vector<Followed> sources_of(const Options& options, Session& session) {
  std::vector<Followed> sources;
  for (const auto& name : options.file)
    sources.push_back({follow_file(name), file_interval, {}, 0});
  for (const auto& unit : options.journal)
    sources.push_back({follow_journal(unit, session), server_interval, {}, 0});
  if (!options.query.empty()) {
    if (!backends::is_log_query(options.query))
      throw Error(ErrorCode::usage, "--follow needs a query for lines, not for a metric",
                  "triage logs --query '...' --watch 10s repeats a metric query");
    sources.push_back({follow_loki(options, session), server_interval, {}, 0});
  }
  if (sources.empty())
    throw Error(ErrorCode::usage, "no log was named to follow",
                "triage logs --follow app.log, or --query '{app=\"api\"}' for Loki");
  return sources;
}

/// Writes lines out as they come, with the known texts in them.
class Streamer {
 public:
  Streamer(const std::vector<Signature>& table, bool several)
      : table_(table), matcher_(matcher_of(table)), several_(several) {}

  void give(const std::string& source, std::string_view text, WallTime at) const {
    const std::uint64_t found = matcher_.groups_in(text);
    Json ids = Json::array();
    std::string marks;
    for (std::size_t row = 0; row < table_.size(); ++row) {
      if ((found >> row & 1U) == 0) continue;
      ids.push_back(table_[row].id);
      marks += "  <- " + table_[row].id;
    }
    std::string shown(text.substr(0, longest_shown));
    if (text.size() > longest_shown) shown += " ...";
    const Json document{{"at", to_rfc3339(at)},
                        {"source", source},
                        {"text", shown},
                        {"signatures", std::move(ids)}};
    stream_line({(several_ ? source + ": " : "") + shown + marks,
                 document.dump(-1, ' ', false, Json::error_handler_t::replace)});
  }

 private:
  const std::vector<Signature>& table_;
  TextMatcher matcher_;
  bool several_;
};

/// One look at a source. A server that does not answer now is asked again, a few times.
void look(Followed& followed, Sample& sample, const FollowedSource::OnLine& on_line) {
  std::vector<Gap> failure;
  const auto done = attempt(failure, "files." + followed.source->name(), [&] {
    followed.source->poll(on_line);
    return true;
  });
  if (done) {
    followed.failures = 0;
    return;
  }
  const Gap& gap = failure.front();
  const ErrorCode code = error_code_of(gap.code);
  if (++followed.failures >= most_failures || code == ErrorCode::usage ||
      code == ErrorCode::refused)
    throw Error(code, gap.why, gap.remedy);
  if (followed.failures == 1) sample.gaps.push_back(gap);
  sample.complete = false;
}

}  // namespace

Sample follow(const Options& options, const std::vector<Signature>& table, Session& session) {
  auto sources = sources_of(options, session);
  const Clock& clock = session.clock();
  const auto now_ms = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch())
        .count();
  };
  const std::int64_t start_ms = now_ms();
  // A line counts at the time when it came, so that a wrong clock of its writer does not hide it.
  LogScan scan(table, {start_ms, start_ms + far_ms}, start_ms);
  const Streamer streamer(table, sources.size() > 1);
  Sample sample;
  std::set<std::string> started;
  const auto ended = [](const Followed& followed) { return followed.source->ended(); };
  session.progress("following; Ctrl-C ends it with a summary");
  while (!session.cancelled() && !std::all_of(sources.begin(), sources.end(), ended)) {
    const Duration now = clock.monotonic();
    for (Followed& followed : sources) {
      if (followed.next > now) continue;
      followed.next = now + followed.interval;
      const std::string& name = followed.source->name();
      look(followed, sample, [&](std::string_view line) {
        streamer.give(name, line, clock.now());
        scan.start_file(name);
        scan.add(line, {now_ms(), Level::none, {}});
        scan.count_bytes(static_cast<std::int64_t>(line.size()) + 1);
        sample.bytes += static_cast<std::int64_t>(line.size()) + 1;
      });
    }
    std::this_thread::sleep_for(std::min<Duration>(file_interval / 4, session.remaining()));
  }
  for (const Followed& followed : sources)
    session.touch({"log", followed.source->name() + ", followed", 1,
                   static_cast<double>(now_ms() - start_ms)});
  scan.finish(sample);
  sample.to_s = static_cast<double>(now_ms()) / 1000;
  sample.anchor = "now";
  return sample;
}

}  // namespace triage::probes::logs
