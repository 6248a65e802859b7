#include "lib/v8/script_table.h"

#include <algorithm>

namespace triage::v8 {
namespace {

constexpr std::uint32_t longest_url = 4096;
constexpr std::uint32_t largest_source = 64U << 20U;
constexpr std::size_t most_scripts = 4096;
/// Inline maps are data: URLs of megabytes.
constexpr std::size_t longest_map_comment = 32U << 20U;
constexpr std::string_view map_label = "sourceMappingURL=";

}  // namespace

void SourceScanner::feed(const StringPiece& piece) {
  for (std::size_t i = 0; i < piece.bytes.size(); i += piece.two_byte ? 2 : 1) {
    auto value = std::to_integer<std::uint16_t>(piece.bytes[i]);
    if (piece.two_byte)
      value = static_cast<std::uint16_t>(value | std::to_integer<std::uint16_t>(piece.bytes[i + 1])
                                                     << 8U);
    unit(value);
  }
}

void SourceScanner::end_line() {
  if (line_.size() > 4 && line_.find(map_label) != std::string::npos) map_line_ = line_;
  line_.clear();
}

void SourceScanner::unit(std::uint16_t value) {
  if (after_cr_ && value == '\n') {
    line_ends_.back() = at_;
  } else if (value == '\n' || value == '\r' || value == 0x2028 || value == 0x2029) {
    line_ends_.push_back(at_);
    end_line();
  } else if (line_.size() >= 3) {
    if (line_.size() < longest_map_comment) line_ += static_cast<char>(value);
  } else if (value == '/') {
    if (line_.size() < 2) line_ += '/';
  } else if (line_.size() == 2 && (value == '#' || value == '@')) {
    line_ += '#';
  } else {
    line_.clear();
  }
  after_cr_ = value == '\r';
  ++at_;
}

std::string SourceScanner::source_map_url() const {
  const std::string& text = line_.find(map_label) != std::string::npos ? line_ : map_line_;
  const std::size_t at = text.find(map_label);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + map_label.size();
  return text.substr(begin, text.find_first_of(" \t\"'", begin) - begin);
}

std::optional<Tagged> ScriptTable::script_of(const RemoteHeap& heap, Tagged shared) const {
  const auto script = heap.field(shared, heap.layout().shared_script);
  if (!script || heap.type_of(*script) != heap.layout().script_type) return std::nullopt;
  return script;
}

std::string ScriptTable::url(const RemoteHeap& heap, Tagged script) {
  const auto name = heap.field(script, heap.layout().script_name);
  const auto text = name ? heap.string(*name, longest_url) : std::nullopt;
  return text && !text->empty() ? *text : "<eval>";
}

ScriptTable::Entry* ScriptTable::entry(const RemoteHeap& heap, Tagged script) {
  const auto source = heap.field(script, heap.layout().script_source);
  if (!source) return nullptr;
  const auto length = heap.string_length(*source);
  if (!length || *length > largest_source) return nullptr;
  const auto found = entries_.find(script);
  if (found != entries_.end() && found->second.source == *source && found->second.length == *length)
    return &found->second;
  if (entries_.size() >= most_scripts) entries_.clear();
  Entry& fresh = entries_[script];
  fresh = {};
  fresh.source = *source;
  fresh.length = *length;
  return &fresh;
}

bool ScriptTable::take_line_ends(const RemoteHeap& heap, Tagged script, Entry& entry) {
  const auto array = heap.field(script, heap.layout().script_line_ends);
  if (!array || heap.type_of(*array) != heap.layout().fixed_array_type) return false;
  const auto length = heap.array_length(*array);
  if (!length || *length == 0 || static_cast<std::uint32_t>(*length) > entry.length + 1)
    return false;
  std::vector<std::uint64_t> words(static_cast<std::size_t>(*length));
  const auto bytes = std::as_writable_bytes(std::span(words));
  if (heap.memory().read(*array - 1 + 16, bytes) != bytes.size()) return false;
  std::vector<std::int32_t> ends;
  for (const auto word : words) {
    const auto end = RemoteHeap::smi(word);
    if (!end || (!ends.empty() && *end <= ends.back())) return false;
    ends.push_back(*end);
  }
  entry.line_ends = std::move(ends);
  return true;
}

void ScriptTable::scan(const RemoteHeap& heap, Entry& entry) {
  SourceScanner scanner;
  heap.for_each_piece(entry.source, entry.length,
                      [&](const StringPiece& piece) { scanner.feed(piece); });
  entry.line_ends = scanner.line_ends();
  entry.map_url = scanner.source_map_url();
  entry.lines_known = true;
}

std::optional<LineColumn> ScriptTable::locate(const RemoteHeap& heap, Tagged script,
                                              std::int32_t offset) {
  Entry* known = entry(heap, script);
  if (known == nullptr || offset < 0 || static_cast<std::uint32_t>(offset) > known->length)
    return std::nullopt;
  if (!known->lines_known && known->line_ends.empty() && !take_line_ends(heap, script, *known))
    scan(heap, *known);
  const auto& ends = known->line_ends;
  const auto end = std::lower_bound(ends.begin(), ends.end(), offset);
  const std::int32_t begin = end == ends.begin() ? 0 : *std::prev(end) + 1;
  return LineColumn{end - ends.begin() + 1, offset - begin + 1};
}

std::string ScriptTable::source_map_url(const RemoteHeap& heap, Tagged script) {
  Entry* known = entry(heap, script);
  if (known == nullptr) return {};
  if (!known->lines_known) scan(heap, *known);
  return known->map_url;
}

}  // namespace triage::v8
