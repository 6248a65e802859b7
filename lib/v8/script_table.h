#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/v8/remote_heap.h"

namespace triage::v8 {

/// A place in a script as Error.stack counts: from 1, columns in UTF-16 units.
struct LineColumn {
  std::int64_t line = 0;
  std::int64_t column = 0;
};

/// Scripts of one process: their names, and lines from offsets. Line ends are kept from sample to
/// sample and used again only while the script's source is the same object of the same length.
class ScriptTable {
 public:
  /// `shared`: a SharedFunctionInfo. Nothing when it belongs to no script (a builtin).
  [[nodiscard]] std::optional<Tagged> script_of(const RemoteHeap& heap, Tagged shared) const;
  /// File, URL or "node:fs"; "<eval>" for code without a name.
  std::string url(const RemoteHeap& heap, Tagged script);
  std::optional<LineColumn> locate(const RemoteHeap& heap, Tagged script, std::int32_t offset);
  /// The text behind the last "//# sourceMappingURL=" of the script, empty when there is none.
  std::string source_map_url(const RemoteHeap& heap, Tagged script);

 private:
  struct Entry {
    Tagged source = 0;
    std::uint32_t length = 0;
    bool lines_known = false;
    std::vector<std::int32_t> line_ends;  ///< offsets of the line ends, ascending
    std::string map_url;
  };
  Entry* entry(const RemoteHeap& heap, Tagged script);
  static bool take_line_ends(const RemoteHeap& heap, Tagged script, Entry& entry);
  static void scan(const RemoteHeap& heap, Entry& entry);

  std::map<Tagged, Entry> entries_;
};

/// Finds line ends and the last source map comment in characters that come in pieces.
class SourceScanner {
 public:
  void feed(const StringPiece& piece);
  /// Line ends: LF, CR, CRLF, U+2028, U+2029 (ECMA-262 12.3); a CRLF counts once, at its LF.
  [[nodiscard]] const std::vector<std::int32_t>& line_ends() const { return line_ends_; }
  [[nodiscard]] std::string source_map_url() const;

 private:
  void unit(std::uint16_t value);
  void end_line();

  std::vector<std::int32_t> line_ends_;
  std::int32_t at_ = 0;
  bool after_cr_ = false;
  std::string line_;  ///< what may be a source map comment: "//#" and the rest of its line
  std::string map_line_;
};

}  // namespace triage::v8
