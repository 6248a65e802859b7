#pragma once

/// From generated JavaScript back to what was written (TypeScript, bundles): source maps of
/// revision 3, plain and indexed (ECMA-426). Columns are UTF-16 units. Pure: texts in, values out.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace triage::v8 {

/// A place in an original source, from 1.
struct OriginalPlace {
  std::string_view source;  ///< as the map names it, with its sourceRoot in front
  std::int64_t line = 0;
  std::int64_t column = 0;
};

class SourceMap {
 public:
  /// Reads the JSON text of a map. Throws Error{malformed} when it is none, with a field that has
  /// another form, or with more than 16 million segments.
  explicit SourceMap(std::string_view text);

  /// For a line and column of the generated script, from 1; nothing where the map says nothing.
  [[nodiscard]] std::optional<OriginalPlace> find(std::int64_t line, std::int64_t column) const;
  [[nodiscard]] std::size_t segments() const { return segments_.size(); }

 private:
  friend class SourceMapReader;
  struct Segment {
    std::uint32_t line = 0;  ///< all from 0
    std::uint32_t column = 0;
    std::uint32_t original_line = 0;
    std::uint32_t original_column = 0;
    std::int32_t source = -1;  ///< -1: generated code without an original
  };
  std::vector<std::string> sources_;
  std::vector<Segment> segments_;  ///< ascending by line and column
};

/// The text of a map in a "data:" URL, base64 or percent-encoded; nothing for another URL or a
/// broken one.
std::optional<std::string> decode_data_url(std::string_view url);

/// Where a source of a map lies: `source` against the folder of `base`, with "." and ".." resolved.
/// Absolute paths stay; "file://" is dropped; other schemes ("webpack://") stay as they are.
std::string resolve_source(std::string_view base, std::string_view source);

}  // namespace triage::v8
