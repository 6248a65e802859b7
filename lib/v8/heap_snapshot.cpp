#include "lib/v8/heap_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace triage::v8 {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The four digits after "\u", or -1.
int code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6U));
    put(0x80 | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12U));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  } else {
    put(0xF0 | (point >> 18U));
    put(0x80 | ((point >> 12U) & 0x3FU));
    put(0x80 | ((point >> 6U) & 0x3FU));
    put(0x80 | (point & 0x3FU));
  }
}

char plain_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

/// Reads "\uXXXX" (and its low half) at `at`, which is behind the backslash; gives where to go on.
std::size_t append_escape(std::string& out, std::string_view text, std::size_t at) {
  if (text[at] != 'u') {
    out += plain_escape(text[at]);
    return at + 1;
  }
  const int first = code_unit(text, at + 1);
  if (first < 0) {
    out += 'u';
    return at + 1;
  }
  auto point = static_cast<std::uint32_t>(first);
  if (point < 0xD800 || point > 0xDFFF) {
    append_utf8(out, point);
    return at + 5;
  }
  const bool pair = point < 0xDC00 && text.substr(at + 5, 2) == "\\u";
  const int second = pair ? code_unit(text, at + 7) : -1;
  if (second < 0xDC00 || second > 0xDFFF) {
    append_utf8(out, 0xFFFD);
    return at + 5;
  }
  point = 0x10000 + ((point - 0xD800) << 10U) + (static_cast<std::uint32_t>(second) - 0xDC00);
  append_utf8(out, point);
  return at + 11;
}

constexpr std::array<std::string_view, 16> node_kinds{"hidden",
                                                      "array",
                                                      "string",
                                                      "object",
                                                      "code",
                                                      "closure",
                                                      "regexp",
                                                      "number",
                                                      "native",
                                                      "synthetic",
                                                      "concatenated string",
                                                      "sliced string",
                                                      "symbol",
                                                      "bigint",
                                                      "object shape",
                                                      "other"};
constexpr std::array<std::string_view, 9> edge_kinds{"context",  "element",   "property",
                                                     "internal", "hidden",    "shortcut",
                                                     "weak",     "invisible", "other"};

}  // namespace

std::string_view name_of(NodeKind kind) {
  return node_kinds.at(static_cast<std::size_t>(kind));
}
std::string_view name_of(EdgeKind kind) {
  return edge_kinds.at(static_cast<std::size_t>(kind));
}

std::string HeapSnapshot::string(StringIndex index) const {
  const std::string_view raw = raw_string(index);
  std::string out;
  out.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t slash = raw.find('\\', at);
    if (slash == std::string_view::npos || slash + 1 >= raw.size()) {
      out.append(raw.substr(at));
      break;
    }
    out.append(raw.substr(at, slash - at));
    at = append_escape(out, raw, slash + 1);
  }
  return out;
}

std::string HeapSnapshot::edge_label(EdgeIndex edge) const {
  return has_numbered_name(edge) ? fmt::format("[{}]", edge_name(edge)) : string(edge_name(edge));
}

void StringTable::adopt(Block list, std::span<const std::vector<std::uint64_t>> starts) {
  list_ = std::move(list);
  between_ = between;
  low_ = {};
  for (const auto& part : starts)
    for (const std::uint64_t at : part) start_at(at);
}

void LocationTable::add(NodeIndex node, const Location& location) {
  const auto [found, added] =
      numbers_.try_emplace(location, static_cast<std::uint32_t>(places_.size() + 1));
  if (added) places_.push_back(location);
  const bool small = found->second < elsewhere;
  number_[node] = small ? static_cast<std::uint16_t>(found->second) : elsewhere;
  if (!small) large_[node] = found->second;
}

}  // namespace triage::v8
