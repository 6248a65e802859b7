#pragma once

/// What `triage logs --query` reads from Loki.
#include "lib/backends/loki.h"
#include "lib/probes/log_scan.h"
#include "lib/probes/logs.h"

namespace triage::probes::logs {

/// What Loki itself counted in a stretch of time.
struct LokiCounts {
  Levels levels;
  std::int64_t total = 0;
  std::map<std::string, std::int64_t> signatures;  ///< by id
};

/// Reads the lines of the window and of the stretch before it, each once, into `scan`; in `sample`
/// it notes what the server was asked. Where there are more than --most-lines, Loki counts levels
/// and known texts itself, and lines are read as examples only; what cannot be told then is
/// unknown. Call add_counts() after scan.finish(). Throws Error when Loki gives nothing.
class LokiSource {
 public:
  LokiSource(const Options& options, const std::vector<Signature>& table, Session& session)
      : options_(options), table_(table), session_(session) {}

  void read(Window window, LogScan& scan, Sample& sample);
  /// A metric query in place of lines.
  void read_series(Window window, Sample& sample);
  void add_counts(Sample& sample) const;

 private:
  void count_levels(backends::Loki& loki, std::int64_t from_ms, std::int64_t to_ms,
                    LokiCounts& counts) const;
  void count_texts(backends::Loki& loki, std::int64_t from_ms, std::int64_t to_ms,
                   LokiCounts& counts) const;
  void count(backends::Loki& loki, Window window, Sample& sample);
  void verify(const backends::LokiReading& reading, Sample& sample) const;

  const Options& options_;
  const std::vector<Signature>& table_;
  Session& session_;
  std::optional<LokiCounts> now_;
  std::optional<LokiCounts> before_;
  bool limited_ = false;
};

}  // namespace triage::probes::logs
