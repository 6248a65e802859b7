#include <algorithm>

#include "lib/probes/log_scan.h"
#include "lib/probes/log_skeleton.h"
#include "lib/probes/log_text.h"

namespace triage::probes::logs {
namespace {

void add_hits(Hits& into, Hits&& from) {
  into.count += from.count;
  into.baseline_count += from.baseline_count;
  into.total_count += from.total_count;
  into.error_count += from.error_count;
  if (from.first_s && (!into.first_s || *from.first_s < *into.first_s)) into.first_s = from.first_s;
  if (from.last_s && (!into.last_s || *from.last_s > *into.last_s)) into.last_s = from.last_s;
  if (into.example.empty()) into.example = std::move(from.example);
  for (auto& file : from.files)
    if (std::find(into.files.begin(), into.files.end(), file) == into.files.end())
      into.files.push_back(std::move(file));
}

}  // namespace

void LogScan::count_template(Part part, const LogLine& line, std::string_view text) {
  if (miner_.full()) merge_templates();
  const std::size_t slot = miner_.add(words_of(line, text));
  if (slot >= templates_.size()) templates_.resize(slot + 1);
  Hits& hits = templates_[slot];
  note_time(hits, part);
  if (line.level == Level::error) ++hits.error_count;
  if (hits.example.empty()) hits.example = text.substr(0, longest_message);
}

void LogScan::merge_templates() {
  templates_.resize(miner_.size());
  std::vector<std::int64_t> counts;
  for (const auto& hits : templates_) counts.push_back(hits.total_count);
  const auto moved = miner_.merge(counts);
  std::vector<Hits> merged(miner_.size());
  for (std::size_t slot = 0; slot < templates_.size(); ++slot)
    if (templates_[slot].total_count > 0)
      add_hits(merged[moved[slot]], std::move(templates_[slot]));
  templates_ = std::move(merged);
}

/// A secret may stand in what the template keeps as well as in the example.
void LogScan::finish_templates() {
  merge_templates();
  for (std::size_t slot = 0; slot < templates_.size(); ++slot) {
    Hits& hits = templates_[slot];
    if (hits.total_count == 0) continue;
    hits.example = cut(printable(redactor_.apply(hits.example)), example_bytes);
    const std::string text = cut(printable(redactor_.apply(miner_.text(slot))), example_bytes);
    add_hits(sample_.templates[text], std::move(hits));
  }
}

}  // namespace triage::probes::logs
