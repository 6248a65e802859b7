#include "lib/v8/source_map_table.h"

#include <vector>

#include "lib/base/gap.h"
#include "lib/os/file.h"
#include "lib/v8/script_url.h"

namespace triage::v8 {
namespace {

constexpr std::size_t largest_map = 64U << 20U;
constexpr std::size_t most_scripts = 1024;

}  // namespace

SourceMapTable::Entry& SourceMapTable::entry(const std::string& script,
                                             const std::string& comment) {
  const auto found = entries_.find(script);
  if (found != entries_.end() && found->second.comment_size == comment.size()) return found->second;
  if (entries_.size() >= most_scripts) entries_.clear();
  Entry& fresh = entries_[script];
  fresh = {};
  fresh.comment_size = comment.size();
  std::vector<Gap> absent;
  auto map = attempt(absent, "source map", [&] {
    auto text = decode_data_url(comment);
    fresh.base = script;
    if (!text) {
      fresh.base = resolve_source(script, comment);
      text = os::read_head(root_ + fresh.base, largest_map);
    }
    return SourceMap(*text);
  });
  fresh.map = std::move(map);
  return fresh;
}

void SourceMapTable::apply(StackFrame& frame, const std::string& comment) {
  if (comment.empty() || !frame.line || !frame.column) return;
  const std::string script = path_of_url(frame.url);
  if (!script.starts_with('/')) return;
  const Entry& known = entry(script, comment);
  if (!known.map) return;
  const auto place = known.map->find(*frame.line, *frame.column);
  if (!place) return;
  frame.original_url = resolve_source(known.base, place->source);
  frame.original_line = place->line;
  frame.original_column = place->column;
}

}  // namespace triage::v8
