#include "lib/v8/heap_snapshot_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "lib/base/error.h"

namespace triage::v8 {
namespace {

constexpr int max_digits = 19;

bool is_digit(char c) {
  return static_cast<unsigned char>(c - '0') <= 9;
}
bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

void HeapSnapshotParser::fail(const std::string& what) {
  throw Error(ErrorCode::malformed, "not a heap snapshot: " + what,
              "take it again, or check that it was copied whole");
}

void HeapSnapshotParser::fail_here(const char* at, const std::string& what) const {
  fail(fmt::format("byte {}: {}", place(at), what));
}

std::uint64_t HeapSnapshotParser::place(const char* at) const {
  return offset_ + static_cast<std::uint64_t>(at - piece_);
}

std::size_t HeapSnapshotParser::feed_part(std::string_view piece, bool stop_at_lists) {
  piece_ = piece.data();
  const char* at = piece_;
  const char* end = at + piece.size();
  bool stopped = false;
  while (at < end && !stopped) {
    switch (state_) {
      case State::capture:
      case State::skip:
        at = nested(at, end);
        break;
      case State::numbers:
        at = numbers(at, end);
        break;
      case State::strings:
        at = string_list(at, end);
        break;
      case State::in_string:
        at = inside_string(at, end);
        break;
      default:
        at = structure(at, end);
        stopped = stop_at_lists && (state_ == State::numbers || state_ == State::strings);
        break;
    }
  }
  const auto used = static_cast<std::size_t>(at - piece_);
  offset_ += used;
  return used;
}

/// Braces, keys and colons of the outermost object, one byte at a time: there are few of them.
const char* HeapSnapshotParser::structure(const char* at, const char* /*end*/) {
  const char c = *at;
  if (state_ == State::key) {
    if (c == '"')
      state_ = State::colon;
    else if (key_.size() < 64)
      key_ += c;
    return at + 1;
  }
  if (is_space(c)) return at + 1;
  switch (state_) {
    case State::start:
      if (c != '{') fail_here(at, "expected '{'");
      state_ = State::key_or_end;
      return at + 1;
    case State::key_or_end:
      if (c == '}') {
        state_ = State::end;
      } else if (c == '"') {
        key_.clear();
        state_ = State::key;
      } else {
        fail_here(at, "expected a key");
      }
      return at + 1;
    case State::colon:
      if (c != ':') fail_here(at, "expected ':'");
      state_ = State::value;
      return at + 1;
    case State::value:
      begin_value(c);
      if (state_ == State::strings) snapshot_.strings_begin = place(at) + 1;
      return state_ == State::skip || state_ == State::capture ? at : at + 1;
    case State::after_value:
      if (c == ',')
        state_ = State::key_or_end;
      else if (c == '}')
        state_ = State::end;
      else
        fail_here(at, "expected ',' or '}'");
      return at + 1;
    default:
      fail_here(at, "something follows the snapshot");
  }
}

void HeapSnapshotParser::begin_value(char first) {
  depth_ = 0;
  in_text_ = false;
  escaped_ = false;
  if (key_ == "snapshot") {
    state_ = State::capture;
    return;
  }
  const bool known = key_ == "nodes" || key_ == "edges" || key_ == "locations" || key_ == "strings";
  if (!known) {
    state_ = State::skip;
    return;
  }
  if (!header_read_) fail(fmt::format(R"("{}" stands before "snapshot")", key_));
  if (first != '[') fail(fmt::format("\"{}\" is not a list", key_));
  if (key_ == "strings") {
    if (snapshot_.strings.opened()) fail("\"strings\" stands twice");
    state_ = State::strings;
    snapshot_.strings.open();
  } else {
    begin_numbers(key_ == "nodes"   ? Section::nodes
                  : key_ == "edges" ? Section::edges
                                    : Section::locations);
  }
}

void HeapSnapshotParser::begin_numbers(Section section) {
  state_ = State::numbers;
  section_ = section;
  if (section == Section::locations) snapshot_.locations = LocationTable(snapshot_.node_count());
  column_ = 0;
  digits_ = 0;
  number_ = 0;
  width_ = section == Section::nodes   ? node_columns_.width
           : section == Section::edges ? edge_columns_.width
                                       : location_columns_.width;
}

/// A value of any shape, kept in header_ (capture) or not (skip).
const char* HeapSnapshotParser::nested(const char* at, const char* end) {
  const char* start = at;
  bool done = false;
  for (; at < end && !done; ++at) {
    const char c = *at;
    if (in_text_) {
      if (escaped_)
        escaped_ = false;
      else if (c == '\\')
        escaped_ = true;
      else if (c == '"')
        in_text_ = false;
      // a bare text is a whole value
      done = !in_text_ && depth_ == 0;
      continue;
    }
    if (c == '"') in_text_ = true;
    if (c == '{' || c == '[') ++depth_;
    if (depth_ == 0 && (c == ',' || c == '}')) break;  // behind a bare number or word
    if (c == '}' || c == ']') done = --depth_ <= 0;
  }
  if (state_ == State::capture) {
    header_.append(start, at);
    if (header_.size() > (1U << 20U)) fail("its \"snapshot\" part is longer than 1 MiB");
  }
  if (at == end && !done) return at;
  if (state_ == State::capture) read_header();
  state_ = State::after_value;
  return at;
}

const char* HeapSnapshotParser::numbers(const char* at, const char* end) {
  while (at < end) {
    if (column_ == 0 && digits_ == 0) at = fast_rows(at, end);
    if (at >= end) break;
    const char c = *at;
    if (is_digit(c)) {
      if (++digits_ > max_digits) fail_here(at, "a number is too long");
      number_ = number_ * 10 + static_cast<std::uint64_t>(c - '0');
      ++at;
      continue;
    }
    if (digits_ > 0) number_done();
    if (c == ']') {
      if (column_ != 0) fail_here(at, fmt::format("\"{}\" ends inside a row", key_));
      state_ = State::after_value;
      return at + 1;
    }
    if (c != ',' && !is_space(c))
      fail_here(at, fmt::format("\"{}\" has something that is no number", key_));
    ++at;
  }
  return at;
}

/// Whole rows in V8's layout (numbers apart by one or two bytes) as long as the piece surely holds
/// the next one; gives where a row of another kind begins.
const char* HeapSnapshotParser::fast_rows(const char* at, const char* end) {
  const auto longest = static_cast<std::ptrdiff_t>(width_ * (max_digits + 4));
  const std::size_t width = width_;
  while (end - at > longest) {
    const char* p = at;
    for (std::size_t i = 0; i < width; ++i) {
      for (int skipped = 0; !is_digit(*p); ++p)
        if (++skipped > 3 || (*p != ',' && *p != '\n')) return at;
      const char* first = p;
      std::uint64_t value = 0;
      do {
        value = value * 10 + static_cast<std::uint64_t>(*p - '0');
        ++p;
      } while (is_digit(*p) && p - first < max_digits);
      if (is_digit(*p)) return at;
      row_[i] = value;
    }
    store_row();
    at = p;
  }
  return at;
}

void HeapSnapshotParser::number_done() {
  row_.at(column_) = number_;
  number_ = 0;
  digits_ = 0;
  if (++column_ == width_) {
    column_ = 0;
    store_row();
  }
}

void HeapSnapshotParser::store_row() {
  switch (section_) {
    case Section::nodes:
      return store_node();
    case Section::edges:
      return store_edge();
    case Section::locations:
      return store_location();
    case Section::none:
      return;
  }
}

void HeapSnapshotParser::store_node() {
  const std::size_t i = nodes_read_;
  if (i >= snapshot_.node_count()) fail("more nodes than its header says");
  const auto column = [this](int number) { return row_[static_cast<std::size_t>(number)]; };
  const std::uint64_t type = column(node_columns_.type);
  const std::uint64_t id = column(node_columns_.id);
  const std::uint64_t name = column(node_columns_.name);
  const std::uint64_t edges = snapshot_.first_edge[i] + column(node_columns_.edges);
  constexpr std::uint64_t max32 = std::numeric_limits<std::uint32_t>::max();
  if (type >= node_kinds_.size() || name > max32 || id > max32 || edges > snapshot_.edge_count())
    fail(fmt::format("node {}: type {}, name {}, id {} or its edges are out of range", i, type,
                     name, id));
  snapshot_.node_kind[i] = node_kinds_[type];
  snapshot_.node_name[i] = static_cast<StringIndex>(name);
  snapshot_.node_id[i] = static_cast<std::uint32_t>(id);
  snapshot_.node_size.set(i, column(node_columns_.size));
  snapshot_.first_edge[i + 1] = static_cast<EdgeIndex>(edges);
  ++nodes_read_;
}

void HeapSnapshotParser::store_edge() {
  const std::size_t i = edges_read_;
  if (i >= snapshot_.edge_count()) fail("more edges than its header says");
  const auto column = [this](int number) { return row_[static_cast<std::size_t>(number)]; };
  const std::uint64_t type = column(edge_columns_.type);
  const std::uint64_t name = column(edge_columns_.name);
  const std::uint64_t offset = column(edge_columns_.to);
  const std::size_t width = node_columns_.width;
  // the two widths that exist, so that the compiler divides by a constant
  const std::uint64_t to = width == 7 ? offset / 7 : width == 6 ? offset / 6 : offset / width;
  if (type >= edge_kinds_.size() || name > std::numeric_limits<std::uint32_t>::max() ||
      to >= snapshot_.node_count() || to * width != offset)
    fail(fmt::format("edge {}: type {}, name {} or target {} is out of range", i, type, name,
                     offset));
  snapshot_.edges.set(static_cast<EdgeIndex>(i), edge_kinds_[type],
                      static_cast<std::uint32_t>(name));
  snapshot_.edge_to[i] = static_cast<NodeIndex>(to);
  ++edges_read_;
}

void HeapSnapshotParser::store_location() {
  const auto column = [this](int number) { return row_[static_cast<std::size_t>(number)]; };
  const std::uint64_t node = column(location_columns_.node) / node_columns_.width;
  if (node >= snapshot_.node_count()) fail("a location of a node that is not there");
  const auto narrow = [](std::uint64_t value) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
  };
  snapshot_.locations.add(static_cast<NodeIndex>(node), {narrow(column(location_columns_.script)),
                                                         narrow(column(location_columns_.line)),
                                                         narrow(column(location_columns_.column))});
}

const char* HeapSnapshotParser::string_list(const char* at, const char* /*end*/) {
  const char c = *at;
  if (c == '"')
    state_ = State::in_string;
  else if (c == ']') {
    state_ = State::after_value;
    snapshot_.strings_end = place(at);
  } else if (c != ',' && !is_space(c))
    fail_here(at, "\"strings\" has something that is no text");
  return at + 1;
}

const char* HeapSnapshotParser::inside_string(const char* at, const char* end) {
  StringTable& strings = snapshot_.strings;
  while (at < end) {
    if (escaped_) {
      strings.append(at++, 1);
      escaped_ = false;
      continue;
    }
    const auto left = static_cast<std::size_t>(end - at);
    const auto* quote = static_cast<const char*>(std::memchr(at, '"', left));
    const auto* stop = quote == nullptr ? end : quote;
    const auto* slash =
        static_cast<const char*>(std::memchr(at, '\\', static_cast<std::size_t>(stop - at)));
    if (slash != nullptr) {
      strings.append(at, static_cast<std::size_t>(slash + 1 - at));
      at = slash + 1;
      escaped_ = true;
      continue;
    }
    strings.append(at, static_cast<std::size_t>(stop - at));
    at = stop;
    if (quote == nullptr) break;
    strings.end_string();
    state_ = State::strings;
    return at + 1;
  }
  return at;
}

void HeapSnapshotParser::check_names() const {
  const std::size_t strings = snapshot_.string_count();
  for (std::size_t i = 0; i < snapshot_.node_count(); ++i)
    if (snapshot_.node_name[i] >= strings)
      fail(fmt::format("node {} has a name that is not there", i));
  for (std::size_t i = 0; i < snapshot_.edge_count(); ++i) {
    const auto edge = static_cast<EdgeIndex>(i);
    if (snapshot_.has_numbered_name(edge)) continue;
    if (snapshot_.edge_name(edge) >= strings)
      fail(fmt::format("edge {} has a name that is not there", i));
  }
}

bool HeapSnapshotParser::is_whole() const {
  return header_read_ && state_ == State::end && nodes_read_ == snapshot_.node_count() &&
         edges_read_ == snapshot_.edge_count();
}

void HeapSnapshotParser::check_whole() const {
  const auto part = [](std::size_t read, std::size_t all) {
    return read == all ? std::string("whole") : fmt::format("{} of {}", read, all);
  };
  if (is_whole()) return;
  if (!header_read_ && state_ == State::end) fail("it has no \"snapshot\" part");
  if (!header_read_)
    fail(offset_ == 0 ? std::string("the file is empty")
                      : fmt::format("it ends at byte {} before its header", offset_));
  fail(fmt::format("{} at byte {}: nodes {}, edges {}, strings {}",
                   state_ == State::end ? "it has fewer rows than its header says" : "it was cut",
                   offset_, part(nodes_read_, snapshot_.node_count()),
                   part(edges_read_, snapshot_.edge_count()), snapshot_.string_count()));
}

HeapSnapshot HeapSnapshotParser::finish() {
  check_whole();
  if (snapshot_.first_edge[snapshot_.node_count()] != snapshot_.edge_count())
    fail("its nodes have fewer edges than its header says");
  check_names();
  return std::move(snapshot_);
}

void HeapSnapshotParser::leave_out_missing() {
  const auto edges = static_cast<EdgeIndex>(edges_read_);
  for (std::size_t i = 0; i <= snapshot_.node_count(); ++i)
    snapshot_.first_edge[i] = std::min(snapshot_.first_edge[i], edges);
  snapshot_.edge_to.shrink(edges);
  snapshot_.edges.shrink(edges);
  StringTable& strings = snapshot_.strings;
  if (!strings.opened()) strings.open();
  if (strings.inside()) strings.end_string();
  constexpr std::string_view lost = "(cut off)";
  const auto lost_name = static_cast<StringIndex>(strings.size());
  strings.append(lost.data(), lost.size());
  strings.end_string();
  for (std::size_t i = 0; i < snapshot_.node_count(); ++i)
    snapshot_.node_name[i] = std::min(snapshot_.node_name[i], lost_name);
  for (EdgeIndex edge = 0; edge < edges; ++edge)
    if (!snapshot_.has_numbered_name(edge) && snapshot_.edge_name(edge) > lost_name)
      snapshot_.edges.set(edge, snapshot_.edge_kind(edge), lost_name);
}

HeapSnapshot HeapSnapshotParser::finish_cut() {
  const bool enough = header_read_ && state_ != State::end && nodes_read_ > 0 &&
                      nodes_read_ == snapshot_.node_count();
  if (is_whole() || !enough) return finish();
  snapshot_.cut = Cut{offset_, edges_read_, snapshot_.edge_count(), snapshot_.string_count()};
  leave_out_missing();
  return std::move(snapshot_);
}

}  // namespace triage::v8
