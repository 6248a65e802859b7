#include "lib/traces/span_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace triage::traces {
namespace {

constexpr std::size_t most_texts = std::size_t{1} << 20;
constexpr std::size_t block_size = std::size_t{1} << 16;
constexpr std::size_t longest_text = 1000;

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash == 0 ? 1 : hash;
}

bool parse_hex(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size();
}

/// Cut at a whole character of UTF-8.
std::string_view beginning(std::string_view text) {
  if (text.size() <= longest_text) return text;
  std::size_t end = longest_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

constexpr std::array<std::string_view, 6> kinds{"unset",  "internal", "server",
                                                "client", "producer", "consumer"};

}  // namespace

TextPool::TextPool() {
  texts_.emplace_back();
  index_.emplace(std::string_view(), empty);
}

TextIndex TextPool::add(std::string_view text) {
  text = beginning(text);
  const auto found = index_.find(text);
  if (found != index_.end()) return found->second;
  if (texts_.size() >= most_texts && !overflowed_) {
    overflowed_ = true;
    texts_.emplace_back("(others)");
    index_.emplace(texts_.back(), static_cast<TextIndex>(texts_.size() - 1));
  }
  if (overflowed_) return static_cast<TextIndex>(texts_.size() - 1);
  if (text.size() > left_) {
    blocks_.emplace_back(block_size);
    left_ = block_size;
  }
  char* place = blocks_.back().data() + (block_size - left_);
  std::memcpy(place, text.data(), text.size());
  left_ -= text.size();
  texts_.emplace_back(place, text.size());
  const auto index = static_cast<TextIndex>(texts_.size() - 1);
  index_.emplace(texts_.back(), index);
  return index;
}

std::string_view name_of(SpanKind kind) {
  return kinds.at(static_cast<std::size_t>(kind));
}

SpanKind span_kind_of(std::string_view word) {
  constexpr std::string_view prefix = "SPAN_KIND_";
  if (word.substr(0, prefix.size()) == prefix) word.remove_prefix(prefix.size());
  for (std::size_t i = 1; i < kinds.size(); ++i) {
    const auto same = [](char a, char b) {
      return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
    };
    if (std::equal(kinds[i].begin(), kinds[i].end(), word.begin(), word.end(), same))
      return static_cast<SpanKind>(i);
  }
  return SpanKind::unset;
}

std::string SpanTable::trace_id(TraceIndex index) const {
  const auto odd = odd_trace_ids.find(index);
  if (odd != odd_trace_ids.end()) return odd->second;
  const TraceId& one = trace_ids[index];
  return one.high == 0 ? fmt::format("{:016x}", one.low)
                       : fmt::format("{:016x}{:016x}", one.high, one.low);
}

std::string SpanTable::span_id(SpanIndex span) const {
  return fmt::format("{:016x}", id[span]);
}

std::uint64_t parse_span_id(std::string_view text) {
  if (text.empty()) return 0;
  std::uint64_t value = 0;
  return text.size() <= 16 && parse_hex(text, value) ? value : hash_of(text);
}

TraceId parse_trace_id(std::string_view text, bool& odd) {
  TraceId id;
  const std::size_t upper = text.size() > 16 ? text.size() - 16 : 0;
  odd = text.empty() || text.size() > 32 || !parse_hex(text.substr(upper), id.low) ||
        (upper > 0 && !parse_hex(text.substr(0, upper), id.high));
  if (odd) id = {hash_of(text), text.size()};
  return id;
}

void SpanTableBuilder::keep_only(const std::vector<std::string>& trace_ids) {
  bool odd = false;
  for (const auto& text : trace_ids) wanted_.push_back(parse_trace_id(text, odd));
}

TraceIndex SpanTableBuilder::trace(std::string_view text) {
  bool odd = false;
  const TraceId id = parse_trace_id(text, odd);
  if (has_last_ && id == last_id_) return last_trace_;
  has_last_ = true;
  last_id_ = id;
  last_trace_ = none;
  if (!wanted_.empty() && std::find(wanted_.begin(), wanted_.end(), id) == wanted_.end())
    return none;
  const auto [found, added] = traces_.emplace(id, static_cast<TraceIndex>(table_.trace_ids.size()));
  if (added) {
    table_.trace_ids.push_back(id);
    if (odd) table_.odd_trace_ids.emplace(found->second, beginning(text));
  }
  return last_trace_ = found->second;
}

ProcessIndex SpanTableBuilder::process(const Process& process) {
  const std::uint64_t key = (std::uint64_t{process.service} << 40) ^
                            (std::uint64_t{process.instance} << 20) ^ process.host ^
                            (process.node ? std::uint64_t{1} << 63 : 0);
  auto& same = processes_[key];
  for (const auto index : same)
    if (table_.processes[index] == process) return index;
  table_.processes.push_back(process);
  same.push_back(static_cast<ProcessIndex>(table_.processes.size() - 1));
  return same.back();
}

void SpanTableBuilder::add(const Span& span) {
  // a time below 0 or past the end of time would break every sum; 104 days are enough
  constexpr std::int64_t latest = std::int64_t{1} << 62;
  constexpr std::int64_t longest = std::int64_t{1} << 53;
  table_.id.push_back(span.id);
  table_.parent_id.push_back(span.parent == span.id && (span.flags & shared) == 0 ? 0
                                                                                  : span.parent);
  table_.start_ns.push_back(std::clamp<std::int64_t>(span.start_ns, 0, latest));
  table_.duration_ns.push_back(std::clamp<std::int64_t>(span.duration_ns, 0, longest));
  table_.trace.push_back(span.trace);
  table_.process.push_back(span.process);
  table_.operation.push_back(span.operation);
  table_.detail.push_back(span.detail);
  table_.peer.push_back(span.peer);
  table_.error.push_back(span.error);
  table_.http_status.push_back(span.http_status);
  table_.kind.push_back(span.kind);
  table_.flags.push_back(span.flags);
}

void SpanTableBuilder::assign_processes(SpanIndex first,
                                        const std::vector<ProcessIndex>& by_local) {
  const auto known = [&](ProcessIndex local) {
    return local < by_local.size() && by_local[local] != none;
  };
  bool all = true;
  for (std::size_t i = first; i < table_.size(); ++i) {
    all = all && known(table_.process[i]);
    table_.process[i] = known(table_.process[i]) ? by_local[table_.process[i]] : none;
  }
  if (all) return;
  std::vector<std::uint8_t> keep;
  for (std::size_t i = 0; i < table_.size(); ++i)
    keep.push_back(i < first || table_.process[i] != none);
  table_.for_each_column([&](auto& column) {
    std::size_t to = first;
    for (std::size_t i = first; i < keep.size(); ++i)
      if (keep[i] != 0) column[to++] = column[i];
    column.resize(to);
  });
}

SpanTable SpanTableBuilder::take() {
  has_last_ = false;
  traces_.clear();
  processes_.clear();
  return std::exchange(table_, SpanTable());
}

}  // namespace triage::traces
