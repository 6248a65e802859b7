#include "lib/probes/heap_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "lib/base/error.h"
#include "lib/base/units.h"
#include "lib/v8/heap_classes.h"

namespace triage::probes {
namespace {

constexpr std::size_t shown_path = 12;

}  // namespace

std::string beginning(const std::string& text, std::size_t limit) {
  std::size_t end = std::min(text.size(), limit);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  std::string out = text.substr(0, end) + (end < text.size() ? "..." : "");
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') c = ' ';
  return out;
}

ReadSnapshot read_snapshot(const std::string& file, Session& session, v8::WhenCut when_cut,
                           v8::Parts parts) {
  session.progress("reading " + file);
  std::uint64_t size = 0;
  ReadSnapshot read{v8::read_heap_snapshot(file, size, when_cut, parts), 0};
  read.file_bytes = signed_count(size);
  session.touch({"heap snapshot", file, 1, 0});
  session.progress("finding what holds what in " + file);
  return read;
}

std::uint32_t parse_object_id(std::string_view text) {
  if (text.starts_with('@')) text.remove_prefix(1);
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(ErrorCode::usage, fmt::format("--id {}: expected the number of an object", text),
                "triage heap show prints them as @815");
  return id;
}

std::int64_t signed_count(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

std::string bytes_text(std::int64_t value) {
  return format_bytes(static_cast<double>(value));
}

std::string quoted(const std::string& file) {
  const bool plain = !file.empty() && std::all_of(file.begin(), file.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' || c == '_' ||
           c == '-' || c == '+';
  });
  if (plain) return file;
  std::string out = "'";
  for (const char c : file) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string object_name(const v8::HeapSnapshot& snapshot, v8::NodeIndex node) {
  const bool group = snapshot.node_kind[node] == v8::NodeKind::synthetic;
  return group ? snapshot.string(snapshot.node_name[node]) : v8::class_name(snapshot, node);
}

std::vector<std::string> path_texts(const v8::HeapSnapshot& snapshot,
                                    const std::vector<v8::PathStep>& steps) {
  std::vector<std::string> texts;
  texts.reserve(steps.size());
  for (const auto& step : steps)
    texts.push_back(fmt::format("{}: {} @{}", beginning(step.edge),
                                beginning(object_name(snapshot, step.node)),
                                snapshot.node_id[step.node]));
  if (texts.size() > shown_path) {
    const auto half = static_cast<std::ptrdiff_t>(shown_path / 2);
    const std::size_t left_out = texts.size() - shown_path;
    texts.erase(texts.begin() + half, texts.end() - half);
    texts.insert(texts.begin() + half, fmt::format("... {} steps ...", left_out));
  }
  return texts;
}

}  // namespace triage::probes
