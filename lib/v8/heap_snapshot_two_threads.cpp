// The quick way through a snapshot in V8's own layout: every row and every string on a line of its
// own. Two threads take pieces of whole lines in turn; reading (and unpacking) is done by one at a
// time while the other one parses. Whatever is not as expected ends it: the parser, which takes any
// JSON, then starts over and finds the words for it.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <limits>
#include <mutex>

#include "lib/store/input_file.h"
#include "lib/v8/heap_snapshot_parser.h"

namespace triage::v8 {
namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10U;
constexpr std::ptrdiff_t max_digits = 19;

/// Whole lines of a list of numbers.
struct Piece {
  std::string text;
  std::size_t size = 0;  ///< of the text that is used
  std::size_t first_row = 0;
  std::size_t rows = 0;
};

/// Reads ",1,2,3\n" (the first row of a list has no comma before it); nullptr when it is something
/// else. There is a '\n' before the end of the text.
template <std::size_t Width>
const char* read_row(const char* at, std::array<std::uint64_t, Width>& row) {
  for (std::size_t i = 0; i < Width; ++i) {
    if (*at == ',')
      ++at;
    else if (i > 0)
      return nullptr;
    const char* first = at;
    std::uint64_t value = 0;
    for (unsigned digit = 0; (digit = static_cast<unsigned char>(*at - '0')) <= 9; ++at)
      value = value * 10 + digit;
    if (at == first || at - first > max_digits) return nullptr;
    row[i] = value;
  }
  return *at == '\n' ? at + 1 : nullptr;
}

/// The quote that ends the string whose first character is at `at`; nullptr without one.
const char* closing_quote(const char* at, const char* end) {
  while (at < end) {
    const auto* quote =
        static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (quote == nullptr || quote[-1] != '\\') return quote;
    const char* before = quote;
    while (before[-1] == '\\') --before;
    if ((quote - before) % 2 == 0) return quote;
    at = quote + 1;
  }
  return nullptr;
}

/// The first characters of strings, one on each line, as places from `base`. False when a line is
/// something else.
bool find_strings(const char* base, const char* at, const char* end,
                  std::vector<std::uint64_t>& starts) {
  while (at < end) {
    if (*at != '"') return false;
    const char* quote = closing_quote(at + 1, end);
    if (quote == nullptr || end - quote < 3 || quote[1] != ',' || quote[2] != '\n') return false;
    starts.push_back(static_cast<std::uint64_t>(at + 1 - base));
    at = quote + 3;
  }
  return true;
}

/// Runs it in this thread and in a second one, if there can be one.
template <class Function>
void run_twice(Function function) {
  auto other = std::async(function);
  function();
  other.get();
}

}  // namespace

class TwoThreadReader {
 public:
  TwoThreadReader(store::InputFile& file, std::uint64_t size, Parts parts)
      : file_(file), size_(size), parts_(parts), parser_(size), snapshot_(parser_.snapshot_) {}

  std::optional<HeapSnapshot> read() {
    using State = HeapSnapshotParser::State;
    using Section = HeapSnapshotParser::Section;
    for (;;) {
      if (rest_.empty() && !fill()) break;
      rest_.erase(0, parser_.feed_part(rest_, true));
      const bool numbers = parser_.state_ == State::numbers;
      if (numbers && parser_.section_ == Section::nodes && parser_.nodes_read_ == 0) {
        if (!read_nodes()) return std::nullopt;
      } else if (numbers && parser_.section_ == Section::edges && parser_.edges_read_ == 0) {
        if (parts_ == Parts::nodes ? !skip_edges() : !read_edges()) return std::nullopt;
      } else if (parser_.state_ == State::strings && size_ != HeapSnapshotParser::unknown_size) {
        if (!read_strings()) return std::nullopt;
      }
    }
    const std::size_t nodes = snapshot_.node_count();
    if (!parser_.is_whole() || names_end_ > snapshot_.string_count() ||
        snapshot_.first_edge[nodes] != snapshot_.edge_count())
      return std::nullopt;
    if (parts_ == Parts::nodes) {
      snapshot_.first_edge = Column<EdgeIndex>(nodes + 1, 0);
      snapshot_.edges = {};
      snapshot_.edge_to = {};
    }
    return std::move(snapshot_);
  }

 private:
  bool fill() {
    const std::size_t before = rest_.size();
    rest_.resize(before + piece_bytes);
    const std::size_t got = file_.read(rest_.data() + before, piece_bytes);
    rest_.resize(before + got);
    return got > 0;
  }

  /// The next whole lines; false when there are none, or when the list is not as expected.
  bool next_piece(Piece& piece) {
    const std::lock_guard lock(mutex_);
    if (ended_ || failed_) return false;
    const std::size_t before = rest_.size();
    piece.text.resize(before + piece_bytes);
    std::memcpy(piece.text.data(), rest_.data(), before);
    const std::size_t got = file_.read(piece.text.data() + before, piece_bytes);
    piece.size = before + got;
    const std::string_view text(piece.text.data(), piece.size);
    std::size_t cut = text.find(']');
    ended_ = cut != std::string_view::npos;
    if (!ended_) cut = text.rfind('\n') + 1;  // 0 without one
    if ((got == 0 && !ended_) || cut == 0 || text[cut - 1] != '\n') return fail();
    rest_.assign(text.substr(cut));
    piece.size = cut;
    piece.first_row = rows_;
    piece.rows = static_cast<std::size_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(cut), '\n'));
    rows_ += piece.rows;
    parser_.offset_ += cut;
    return rows_ <= rows_expected_ || fail();
  }

  bool fail() {
    failed_ = true;
    return false;
  }

  /// Gives each row of a list to `store` (its number and its columns; false: not as expected).
  template <std::size_t Width, class Store>
  bool read_list(std::size_t expected, Store store) {
    rows_ = 0;
    rows_expected_ = expected;
    ended_ = false;
    run_twice([this, store] {
      Piece piece;
      std::array<std::uint64_t, Width> row{};
      std::uint64_t names_end = 0;
      while (next_piece(piece)) {
        const char* at = piece.text.data();
        const char* end = at + piece.size;
        for (std::size_t i = 0; i < piece.rows && at != nullptr; ++i) {
          at = at < end ? read_row<Width>(at, row) : nullptr;
          if (at != nullptr && !store(piece.first_row + i, row, names_end)) at = nullptr;
        }
        if (at != end) fail();
      }
      const std::lock_guard lock(mutex_);
      names_end_ = std::max(names_end_, names_end);
    });
    return !failed_ && rows_ == expected;
  }

  template <std::size_t Width>
  bool read_nodes_of() {
    const auto columns = parser_.node_columns_;
    const auto* kinds = parser_.node_kinds_.data();
    const std::size_t kinds_count = parser_.node_kinds_.size();
    HeapSnapshot& snapshot = snapshot_;
    const auto store = [=, &snapshot](std::size_t i, const std::array<std::uint64_t, Width>& row,
                                      std::uint64_t& names_end) {
      const auto column = [&row](int number) { return row[static_cast<std::size_t>(number)]; };
      constexpr std::uint64_t large = std::numeric_limits<std::uint32_t>::max();
      const std::uint64_t type = column(columns.type);
      const std::uint64_t name = column(columns.name);
      if (type >= kinds_count || name >= large || column(columns.id) > large ||
          column(columns.size) >= SizeColumn::large || column(columns.edges) > large)
        return false;
      snapshot.node_kind[i] = kinds[type];
      snapshot.node_name[i] = static_cast<StringIndex>(name);
      snapshot.node_id[i] = static_cast<std::uint32_t>(column(columns.id));
      snapshot.node_size.set(i, column(columns.size));
      snapshot.first_edge[i + 1] = static_cast<EdgeIndex>(column(columns.edges));
      names_end = std::max(names_end, name + 1);
      return true;
    };
    if (!read_list<Width>(snapshot_.node_count(), store)) return false;
    parser_.nodes_read_ = snapshot_.node_count();
    std::uint64_t sum = 0;
    for (std::size_t i = 1; i <= snapshot_.node_count(); ++i) {
      sum += snapshot_.first_edge[i];
      if (sum > snapshot_.edge_count()) return false;
      snapshot_.first_edge[i] = static_cast<EdgeIndex>(sum);
    }
    return true;
  }

  bool read_nodes() {
    switch (parser_.node_columns_.width) {
      case 6:
        return read_nodes_of<6>();
      case 7:
        return read_nodes_of<7>();
      default:
        return false;
    }
  }

  template <std::size_t NodeWidth>
  bool read_edges_of() {
    const auto columns = parser_.edge_columns_;
    const auto* kinds = parser_.edge_kinds_.data();
    const std::size_t kinds_count = parser_.edge_kinds_.size();
    const std::size_t nodes = snapshot_.node_count();
    HeapSnapshot& snapshot = snapshot_;
    const auto store = [=, &snapshot](std::size_t i, const std::array<std::uint64_t, 3>& row,
                                      std::uint64_t& names_end) {
      const std::uint64_t type = row[static_cast<std::size_t>(columns.type)];
      const std::uint64_t name = row[static_cast<std::size_t>(columns.name)];
      const std::uint64_t offset = row[static_cast<std::size_t>(columns.to)];
      const std::uint64_t to = offset / NodeWidth;
      if (type >= kinds_count || name >= EdgeLabels::largest || to >= nodes ||
          to * NodeWidth != offset)
        return false;
      const EdgeKind kind = kinds[type];
      snapshot.edges.set(static_cast<EdgeIndex>(i), kind, static_cast<std::uint32_t>(name));
      snapshot.edge_to[i] = static_cast<NodeIndex>(to);
      if (kind != EdgeKind::element && kind != EdgeKind::hidden)
        names_end = std::max(names_end, name + 1);
      return true;
    };
    if (!read_list<3>(snapshot_.edge_count(), store)) return false;
    parser_.edges_read_ = snapshot_.edge_count();
    return true;
  }

  bool read_edges() {
    if (parser_.edge_columns_.width != 3) return false;
    switch (parser_.node_columns_.width) {
      case 6:
        return read_edges_of<6>();
      case 7:
        return read_edges_of<7>();
      default:
        return false;
    }
  }

  /// Up to the end of the list, which has nothing but numbers in it.
  bool skip_edges() {
    for (;;) {
      const std::size_t end = std::min(rest_.find(']'), rest_.size());
      rest_.erase(0, end);
      parser_.offset_ += end;
      if (!rest_.empty()) break;
      if (!fill()) return false;
    }
    parser_.edges_read_ = snapshot_.edge_count();
    return true;
  }

  /// Lines of the list of strings: those at [begin, end) of its text.
  struct Lines {
    std::size_t number = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  bool next_lines(Lines& lines) {
    const std::lock_guard lock(mutex_);
    lines.number = lines_given_++;
    lines.begin = lines_end_;
    std::size_t searched = lines_end_;
    for (;;) {
      const std::size_t wanted = std::min(piece_bytes, list_size_ - list_read_);
      const std::size_t got = wanted == 0 ? 0 : file_.read(list_ + list_read_, wanted);
      list_read_ += got;
      const std::string_view fresh(list_ + searched, list_read_ - searched);
      const std::size_t last = fresh.rfind('\n');
      if (last != std::string_view::npos) {
        lines_end_ = lines.end = searched + last + 1;
        return true;
      }
      if (got == 0) return false;
      searched = list_read_;
    }
  }

  /// The list is read to where it will stay; all that is found are the beginnings of its strings.
  bool read_strings() {
    if (parser_.offset_ > size_ || size_ - parser_.offset_ < rest_.size()) return false;
    list_size_ = static_cast<std::size_t>(size_ - parser_.offset_);
    Block block(list_size_);
    list_ = static_cast<char*>(block.data());
    std::memcpy(list_, rest_.data(), rest_.size());
    list_read_ = rest_.size();
    std::vector<std::vector<std::uint64_t>> parts;
    run_twice([this, &parts] {
      Lines lines;
      while (!failed_ && next_lines(lines)) {
        std::vector<std::uint64_t> starts;
        if (!find_strings(list_, list_ + lines.begin, list_ + lines.end, starts)) fail();
        const std::lock_guard lock(mutex_);
        if (parts.size() <= lines.number) parts.resize(lines.number + 1);
        parts[lines.number] = std::move(starts);
      }
    });
    if (failed_) return false;
    // the last string has no line end behind it
    const char* at = list_ + lines_end_;
    const char* end = list_ + list_read_;
    const char* quote = at < end && *at == '"' ? closing_quote(at + 1, end) : nullptr;
    if (quote == nullptr) return false;
    const auto used = static_cast<std::uint64_t>(quote + 1 - list_);
    parts.push_back({static_cast<std::uint64_t>(at + 1 - list_), used - 1 + StringTable::between});
    rest_.assign(quote + 1, end);
    parser_.offset_ += used;
    snapshot_.strings.adopt(std::move(block), parts);
    return rest_.starts_with(']');
  }

  store::InputFile& file_;
  std::uint64_t size_;
  Parts parts_;
  HeapSnapshotParser parser_;
  HeapSnapshot& snapshot_;
  std::string rest_;  ///< read and not used yet
  std::mutex mutex_;  ///< of the file and of all below
  std::atomic<bool> failed_ = false;
  bool ended_ = false;
  std::size_t rows_ = 0;
  std::size_t rows_expected_ = 0;
  std::uint64_t names_end_ = 0;
  char* list_ = nullptr;
  std::size_t list_size_ = 0;
  std::size_t list_read_ = 0;
  std::size_t lines_end_ = 0;
  std::size_t lines_given_ = 0;
};

std::optional<HeapSnapshot> read_with_two_threads(store::InputFile& file, std::uint64_t size,
                                                  Parts parts) {
  return TwoThreadReader(file, size, parts).read();
}

}  // namespace triage::v8
