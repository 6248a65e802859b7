#include "lib/v8/heap_strip.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/base/error.h"
#include "lib/os/fd.h"
#include "lib/store/input_file.h"

namespace triage::v8 {
namespace {

constexpr std::size_t buffer_size = std::size_t{256} << 10U;
constexpr std::uint8_t enough_owners = 3;

/// A new file that is removed again unless done() is reached.
class NewFile {
 public:
  explicit NewFile(const std::string& path)
      : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (!file_) fail();
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (file_ && !done_) ::unlink(path_.c_str());
  }
  void write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= buffer_size) flush();
  }
  void done() {
    flush();
    done_ = true;
  }

 private:
  void flush() {
    for (std::string_view left = buffer_; !left.empty();) {
      const ssize_t put = ::write(file_.get(), left.data(), left.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) fail();
      left.remove_prefix(static_cast<std::size_t>(put));
    }
    buffer_.clear();
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::usage,
                fmt::format("{} cannot be written: {}", path_, std::strerror(errno)),
                "name a new file in a folder with room for it");
  }
  std::string path_;
  os::Fd file_;
  std::string buffer_;
  bool done_ = false;
};

/// Kinds whose name is their value.
bool carries_data(NodeKind kind) {
  switch (kind) {
    case NodeKind::string:
    case NodeKind::concatenated_string:
    case NodeKind::sliced_string:
    case NodeKind::number:
    case NodeKind::bigint:
    case NodeKind::regexp:
    case NodeKind::symbol:
    case NodeKind::other:
      return true;
    default:
      return false;
  }
}

BitColumn names_to_keep(const HeapSnapshot& snapshot) {
  BitColumn keep(snapshot.string_count());
  Column<std::uint8_t> owners(snapshot.string_count(), 0);
  for (NodeIndex node = 0; node < snapshot.node_count(); ++node) {
    if (!carries_data(snapshot.node_kind[node])) keep.set(snapshot.node_name[node]);
    for (EdgeIndex edge = snapshot.first_edge[node]; edge < snapshot.first_edge[node + 1]; ++edge) {
      if (snapshot.has_numbered_name(edge)) continue;
      const StringIndex name = snapshot.edge_name(edge);
      if (snapshot.edge_kind(edge) != EdgeKind::property) {
        // a WeakMap's entry is named with its class names only; a number is a place in an array
        keep.set(name);
      } else if (owners[name] < enough_owners && ++owners[name] == enough_owners &&
                 looks_like_word(snapshot.raw_string(name))) {
        keep.set(name);
      }
    }
  }
  return keep;
}

}  // namespace

bool looks_like_word(std::string_view name) {
  if (name.starts_with("<symbol ")) return name.size() < 60;
  if (name.starts_with('#')) name.remove_prefix(1);
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  });
}

StripCount strip_strings(const HeapSnapshot& snapshot, const std::string& from,
                         const std::string& to) {
  const BitColumn keep = names_to_keep(snapshot);
  StripCount count;
  store::InputFile in(from);
  NewFile out(to);
  std::string buffer(buffer_size, '\0');
  std::uint64_t at = 0;
  const auto write_strings = [&] {
    for (StringIndex i = 0; i < snapshot.string_count(); ++i) {
      const std::string_view text = snapshot.raw_string(i);
      ++(keep[i] ? count.kept : count.replaced);
      out.write(i == 0 ? "\"" : ",\n\"");
      out.write(keep[i] ? std::string(text) : fmt::format("s{}~{}", i, text.size()));
      out.write("\"");
    }
  };
  while (const std::size_t got = in.read(buffer.data(), buffer.size())) {
    const std::string_view piece(buffer.data(), got);
    const std::uint64_t end = at + got;
    const auto part = [&](std::uint64_t first, std::uint64_t last) {
      first = std::clamp(first, at, end);
      last = std::clamp(last, at, end);
      return piece.substr(static_cast<std::size_t>(first - at),
                          static_cast<std::size_t>(last - first));
    };
    out.write(part(0, snapshot.strings_begin));
    if (at <= snapshot.strings_begin && snapshot.strings_begin < end) write_strings();
    out.write(part(snapshot.strings_end, end));
    at = end;
  }
  out.done();
  return count;
}

}  // namespace triage::v8
