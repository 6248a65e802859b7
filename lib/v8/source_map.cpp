#include "lib/v8/source_map.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include <nlohmann/json.hpp>

#include "lib/base/error.h"
#include "lib/v8/script_url.h"

namespace triage::v8 {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_segments = 16U << 20U;
constexpr int deepest_index = 2;

[[noreturn]] void malformed(const std::string& why) {
  throw Error(ErrorCode::malformed, "source map: " + why, "build it again");
}

/// Value of a base64 digit; -1 for another character.
int digit_of(char character) {
  if (character >= 'A' && character <= 'Z') return character - 'A';
  if (character >= 'a' && character <= 'z') return character - 'a' + 26;
  if (character >= '0' && character <= '9') return character - '0' + 52;
  if (character == '+' || character == '-') return 62;
  return character == '/' || character == '_' ? 63 : -1;
}

/// One number: base64 digits of five bits, lowest first, bit 32 says that more follow; the lowest
/// bit of the whole is the sign.
std::int64_t take_number(std::string_view& text) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 40; shift += 5) {
    const int digit = text.empty() ? -1 : digit_of(text.front());
    if (digit < 0) malformed("a mapping ends in the middle of a number");
    text.remove_prefix(1);
    value |= (static_cast<std::uint64_t>(digit) & 31U) << shift;
    if ((digit & 32) == 0) {
      const auto size = static_cast<std::int64_t>(value >> 1U);
      return (value & 1U) != 0 ? -size : size;
    }
  }
  malformed("a number is too long");
}

/// Adds the difference; throws when the sum is none that a position can have.
void move_by(std::int64_t& value, std::int64_t difference) {
  value += difference;
  if (value < 0 || value > std::numeric_limits<std::int32_t>::max())
    malformed("a position is out of range");
}

std::string text_field(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

/// Fills a map from its JSON.
class SourceMapReader {
 public:
  explicit SourceMapReader(SourceMap& map) : map_(map) {}

  void read(const Json& json, std::int64_t line, std::int64_t column, int depth) {
    if (!json.is_object()) malformed("no JSON object");
    const auto sections = json.find("sections");
    if (sections == json.end()) return read_plain(json, line, column);
    if (!sections->is_array() || depth >= deepest_index) malformed("sections");
    for (const auto& section : *sections) {
      const auto offset = section.find("offset");
      if (!section.is_object() || offset == section.end() || !section.contains("map"))
        malformed("a section has no offset or no map");
      const auto at_line = offset->value("line", std::int64_t{0});
      const auto at_column = offset->value("column", std::int64_t{0});
      if (at_line < 0 || at_column < 0) malformed("a section's offset");
      read(section["map"], line + at_line, at_line == 0 ? column + at_column : at_column,
           depth + 1);
    }
  }

 private:
  void read_plain(const Json& json, std::int64_t line, std::int64_t column) {
    const auto first_source = static_cast<std::int32_t>(map_.sources_.size());
    std::string root = text_field(json, "sourceRoot");
    if (!root.empty() && !root.ends_with('/')) root += '/';
    const auto sources = json.find("sources");
    if (sources == json.end() || !sources->is_array()) malformed("no list of sources");
    for (const auto& source : *sources)
      map_.sources_.push_back(source.is_string() ? root + source.get<std::string>()
                                                 : std::string("<unknown>"));
    const auto mappings = json.find("mappings");
    if (mappings == json.end() || !mappings->is_string()) malformed("no mappings");
    decode(mappings->get_ref<const std::string&>(), line, column, first_source);
  }

  /// "AAAA,SAASA;AACT": lines end with ';', segments with ','. A segment has 1, 4 or 5 numbers:
  /// generated column (from the line's start), source, original line, original column, name; each
  /// but the first as difference to the one before in the whole map.
  void decode(std::string_view text, std::int64_t line, std::int64_t first_column,
              std::int32_t first_source) {
    const auto sources = static_cast<std::int64_t>(map_.sources_.size()) - first_source;
    std::int64_t column = first_column;
    std::int64_t source = 0;
    std::int64_t original_line = 0;
    std::int64_t original_column = 0;
    std::int64_t name = 0;
    while (!text.empty()) {
      if (text.front() == ';' || text.front() == ',') {
        if (text.front() == ';') {
          move_by(line, 1);
          column = 0;
        }
        text.remove_prefix(1);
        continue;
      }
      SourceMap::Segment segment;
      move_by(column, take_number(text));
      if (!ends(text)) {
        move_by(source, take_number(text));
        move_by(original_line, take_number(text));
        move_by(original_column, take_number(text));
        if (!ends(text)) move_by(name, take_number(text));
        if (!ends(text)) malformed("a segment of more than five numbers");
        if (source >= sources) malformed("a source that is not listed");
        segment.source = first_source + static_cast<std::int32_t>(source);
        segment.original_line = static_cast<std::uint32_t>(original_line);
        segment.original_column = static_cast<std::uint32_t>(original_column);
      }
      segment.line = static_cast<std::uint32_t>(line);
      segment.column = static_cast<std::uint32_t>(column);
      if (map_.segments_.size() >= most_segments) malformed("too many segments");
      map_.segments_.push_back(segment);
    }
  }

  static bool ends(std::string_view text) {
    return text.empty() || text.front() == ',' || text.front() == ';';
  }

  SourceMap& map_;
};

SourceMap::SourceMap(std::string_view text) {
  // ")]}'" in front keeps browsers from running a map as script
  if (text.starts_with(")]}")) text.remove_prefix(std::min(text.find('\n'), text.size()));
  const auto without_content = [](int depth, Json::parse_event_t event, Json& parsed) {
    return depth > 6 || event != Json::parse_event_t::key ||
           parsed.get_ref<const std::string&>() != "sourcesContent";
  };
  Json json;
  try {
    json = Json::parse(text, without_content);
    SourceMapReader(*this).read(json, 0, 0, 0);
  } catch (const Json::exception&) {
    malformed("no JSON, or a field of another type");
  }
  std::stable_sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

std::optional<OriginalPlace> SourceMap::find(std::int64_t line, std::int64_t column) const {
  if (line < 1 || column < 1) return std::nullopt;
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), std::pair(line - 1, column - 1),
      [](const std::pair<std::int64_t, std::int64_t>& wanted, const Segment& segment) {
        return wanted < std::pair<std::int64_t, std::int64_t>(segment.line, segment.column);
      });
  if (after == segments_.begin()) return std::nullopt;
  const Segment& segment = *std::prev(after);
  if (segment.line != line - 1 || segment.source < 0) return std::nullopt;
  return OriginalPlace{sources_.at(static_cast<std::size_t>(segment.source)),
                       segment.original_line + std::int64_t{1},
                       segment.original_column + std::int64_t{1}};
}

std::optional<std::string> decode_data_url(std::string_view url) {
  constexpr std::string_view scheme = "data:";
  constexpr std::string_view base64 = ";base64";
  const std::size_t comma = url.find(',');
  if (!url.starts_with(scheme) || comma == std::string_view::npos) return std::nullopt;
  const std::string_view head = url.substr(0, comma);
  const std::string_view body = url.substr(comma + 1);
  if (!head.ends_with(base64)) return path_of_url("file://" + std::string(body));
  std::string text;
  text.reserve(body.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char character : body) {
    if (character == '=') break;
    const int digit = digit_of(character);
    if (digit < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    text += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
  }
  return text;
}

std::string resolve_source(std::string_view base, std::string_view source) {
  if (source.starts_with("file://")) return path_of_url(source);
  if (source.starts_with('/') || source.find("://") != std::string_view::npos)
    return std::string(source);
  std::string joined(base.substr(0, base.rfind('/') + 1));
  joined += source;
  std::vector<std::string_view> parts;
  const std::string_view all(joined);
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t end = std::min(all.find('/', at), all.size());
    const std::string_view part = all.substr(at, end - at);
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (!part.empty() && part != ".")
      parts.push_back(part);
    at = end + 1;
  }
  std::string result = joined.starts_with('/') ? "/" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) result += '/';
    result += parts[i];
  }
  return result;
}

}  // namespace triage::v8
