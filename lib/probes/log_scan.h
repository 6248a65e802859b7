#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/base/redact.h"
#include "lib/probes/log_line.h"
#include "lib/probes/log_signatures.h"
#include "lib/probes/log_templates.h"
#include "lib/probes/logs.h"

namespace triage::probes::logs {

/// Milliseconds since the epoch; empty when no line has a time and none was given.
struct Window {
  std::optional<std::int64_t> from_ms;
  std::optional<std::int64_t> to_ms;
};

/// What a log server says about a line besides its text.
struct LineContext {
  std::optional<std::int64_t> at_ms;
  Level level = Level::none;  ///< for a line that names none
  std::string_view trace_id;  ///< likewise
};

/// Counts durations in buckets that are 2 % wide: bounded, whatever the number of requests.
class DurationHistogram {
 public:
  void add(double milliseconds);
  /// Nothing when empty. `share` 0..1.
  [[nodiscard]] std::optional<double> quantile(double share) const;

 private:
  std::vector<std::uint32_t> counts_;
  std::int64_t total_ = 0;
};

/// Reduces lines of any source to the counts of a Sample. A source with times of its own (a log
/// server) gives them with the line; files leave them to the line.
class LogScan {
 public:
  LogScan(const std::vector<Signature>& table, Window window, std::int64_t reference_ms);

  /// The lines that follow are of it; a name may come back.
  void start_file(const std::string& name);
  void add(std::string_view text, const LineContext& context = {});
  void count_bytes(std::int64_t bytes) { sample_.files[file_].bytes += bytes; }
  /// Puts the counts into the sample; its bytes and gaps stay.
  void finish(Sample& sample);

 private:
  enum class Part { now, baseline, outside };
  struct RequestCount {
    std::int64_t count = 0;
    std::int64_t error_count = 0;
    DurationHistogram durations;
  };
  struct RouteCount {
    RequestCount now;
    RequestCount baseline;
  };

  [[nodiscard]] Part part_of(std::optional<std::int64_t> at_ms) const;
  void count_level(Part part, Level level);
  void count_request(Part part, const LogLine& line);
  Hits& message_hits(std::string_view words);
  void count_error(Part part, const LogLine& line, std::string_view text);
  void count_stack(Part part, const LogLine& line, std::string_view text);
  void count_template(Part part, const LogLine& line, std::string_view text);
  void merge_templates();
  void finish_templates();
  void note_time(Hits& hits, Part part);
  void note(Hits& hits, Part part, std::string_view text);
  static RequestPair facts_of(const RouteCount& route);

  const std::vector<Signature>& table_;
  TextMatcher matcher_;
  Window window_;
  std::int64_t reference_ms_;
  Redactor redactor_;
  Sample sample_;
  std::size_t file_ = 0;    ///< the present one of sample_.files
  std::vector<Hits> hits_;  ///< by row of the table
  bool in_error_ = false;   ///< frames that follow belong to an error line
  TemplateMiner miner_;
  std::vector<Hits> templates_;  ///< by slot of the miner; the examples are not redacted yet
  std::map<std::string, RouteCount> routes_;
  RouteCount requests_;
  std::unordered_map<std::string, Hits*> known_messages_;  ///< by text before redaction, bounded
  std::optional<std::int64_t> last_ms_;  ///< time of the line before, in this file
};

}  // namespace triage::probes::logs
