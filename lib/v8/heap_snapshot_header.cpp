// The "snapshot" part: which column is what, how many rows there are. And reading a whole file.
#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <new>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/os/file.h"
#include "lib/store/input_file.h"
#include "lib/v8/heap_snapshot_parser.h"

namespace triage::v8 {
namespace {

constexpr std::uint64_t moderate_count = 20'000'000;

/// Where `name` stands in a list of field names; -1 when it does not.
int place_of(const Json& fields, const char* name) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i] == name) return static_cast<int>(i);
  return -1;
}

const Json& list_of(const Json& meta, const char* key) {
  static const Json none = Json::array();
  const auto found = meta.find(key);
  return found != meta.end() && found->is_array() ? *found : none;
}

/// The words of the type column: the first entry of "node_types" or "edge_types".
const Json& words_of(const Json& meta, const char* key) {
  const Json& types = list_of(meta, key);
  static const Json none = Json::array();
  return !types.empty() && types[0].is_array() ? types[0] : none;
}

template <class Kind>
std::vector<Kind> kinds_of(const Json& words) {
  std::vector<Kind> kinds;
  for (const auto& word : words) {
    Kind kind = Kind::other;
    for (int i = 0; i < static_cast<int>(Kind::other); ++i)
      if (word == name_of(static_cast<Kind>(i))) kind = static_cast<Kind>(i);
    kinds.push_back(kind);
  }
  return kinds;
}

}  // namespace

void HeapSnapshotParser::read_header() {
  if (header_read_) fail("\"snapshot\" stands twice");
  const Json header = Json::parse(header_, nullptr, false);
  if (!header.is_object() || !header.contains("meta") || !header["meta"].is_object())
    fail("its \"snapshot\" part has no meta");
  const Json& meta = header["meta"];
  const Json& node = list_of(meta, "node_fields");
  node_columns_ = {place_of(node, "type"),      place_of(node, "name"),       place_of(node, "id"),
                   place_of(node, "self_size"), place_of(node, "edge_count"), node.size()};
  const Json& edge = list_of(meta, "edge_fields");
  edge_columns_ = {place_of(edge, "type"), place_of(edge, "name_or_index"),
                   place_of(edge, "to_node"), edge.size()};
  const Json& place = list_of(meta, "location_fields");
  location_columns_ = {place_of(place, "object_index"), place_of(place, "script_id"),
                       place_of(place, "line"), place_of(place, "column"), place.size()};
  if (location_columns_.node < 0 || location_columns_.script < 0 || location_columns_.line < 0 ||
      location_columns_.column < 0)
    location_columns_ = {0, 0, 0, 0, 1};
  const bool complete =
      node_columns_.type >= 0 && node_columns_.name >= 0 && node_columns_.id >= 0 &&
      node_columns_.size >= 0 && node_columns_.edges >= 0 && edge_columns_.type >= 0 &&
      edge_columns_.name >= 0 && edge_columns_.to >= 0 && node.size() <= max_columns &&
      edge.size() <= max_columns && place.size() <= max_columns;
  if (!complete) fail("its meta lacks a column that is needed");
  node_kinds_ = kinds_of<NodeKind>(words_of(meta, "node_types"));
  edge_kinds_ = kinds_of<EdgeKind>(words_of(meta, "edge_types"));
  const auto count = [&](const char* key, std::size_t width) -> std::uint64_t {
    const auto found = header.find(key);
    if (found == header.end() || !found->is_number_unsigned())
      fail(fmt::format("\"{}\" is no count", key));
    const auto value = found->get<std::uint64_t>();
    // Each number takes at least a digit and a comma. A moderate count is let through all the same:
    // the file was cut then, and the reader can say where.
    const bool impossible = value > size_ / (2 * width) && value > moderate_count;
    if (impossible || value >= std::numeric_limits<std::uint32_t>::max())
      fail(fmt::format("\"{}\" is {}: that many cannot be in {} bytes", key, value, size_));
    return value;
  };
  const std::uint64_t nodes = count("node_count", node_columns_.width);
  const std::uint64_t edges = count("edge_count", edge_columns_.width);
  if (nodes == 0) fail("it has no nodes");
  snapshot_.node_kind = Column<NodeKind>(nodes);
  snapshot_.node_name = Column<StringIndex>(nodes);
  snapshot_.node_id = Column<std::uint32_t>(nodes);
  snapshot_.node_size = SizeColumn(nodes);
  snapshot_.first_edge = Column<EdgeIndex>(nodes + 1);
  snapshot_.first_edge[0] = 0;
  snapshot_.edges = EdgeLabels(edges);
  snapshot_.edge_to = Column<NodeIndex>(edges);
  if (const auto extra = header.find("extra_native_bytes");
      extra != header.end() && extra->is_number_unsigned())
    snapshot_.extra_native_bytes = extra->get<std::uint64_t>();
  header_read_ = true;
}

namespace {

/// Below this a second thread costs more than it saves.
constexpr std::uint64_t large_file = std::uint64_t{1} << 20U;

std::optional<HeapSnapshot> read_quickly(const std::string& path, std::uint64_t parser_size,
                                         Parts parts, std::uint64_t& size) {
  store::InputFile file(path);
  try {
    auto snapshot = read_with_two_threads(file, parser_size, parts);
    size = file.packed_bytes();
    return snapshot;
  } catch (const Error&) {
    return std::nullopt;  // the slow way finds it as well, and says where
  }
}

}  // namespace

HeapSnapshot read_heap_snapshot(const std::string& path, std::uint64_t& size, WhenCut when_cut,
                                Parts parts) {
  store::InputFile file(path);
  const bool regular = path != "-" && std::filesystem::is_regular_file(path);
  const std::uint64_t bytes = regular ? std::filesystem::file_size(path) : 0;
  // of a packed file or a pipe nobody knows the length before its end
  const std::uint64_t parser_size = regular && os::read_head(path, 1).substr(0, 1) == "{"
                                        ? bytes
                                        : HeapSnapshotParser::unknown_size;
  try {
    if (bytes >= large_file)
      if (auto snapshot = read_quickly(path, parser_size, parts, size)) return std::move(*snapshot);
    HeapSnapshotParser parser(parser_size);
    std::string buffer(std::size_t{256} << 10U, '\0');
    while (const std::size_t got = file.read(buffer.data(), buffer.size()))
      parser.feed(std::string_view(buffer).substr(0, got));
    size = file.packed_bytes();
    return when_cut == WhenCut::keep ? parser.finish_cut() : parser.finish();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) throw;
    const std::string packed = file.problem().empty() ? "" : " (" + file.problem() + ")";
    throw Error(ErrorCode::malformed, fmt::format("{}: {}{}", path, error.what(), packed),
                error.remedy());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::budget, fmt::format("{}: there is not enough memory to read it", path),
                "it takes about 1.1 times the unpacked file: use a machine with more memory");
  }
}

}  // namespace triage::v8
