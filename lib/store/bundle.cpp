#include "lib/store/bundle.h"

#include <fmt/format.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

#include "lib/base/error.h"

namespace triage::store {
namespace {

constexpr std::uint32_t name_magic = 0x184D2A54;   ///< one of the 16 skippable magics
constexpr std::uint32_t frame_magic = 0xFD2FB528;  ///< of a zstd frame
constexpr std::size_t longest_name = 256;
constexpr std::size_t longest_line = std::size_t{1} << 30U;  ///< a hostile frame may claim any size

std::string little_endian(std::uint32_t value) {
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8)
    bytes += static_cast<char>((value >> shift) & 0xFFU);
  return bytes;
}

std::uint32_t read_word(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;)
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

std::string compressed(std::string_view text) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), text.data(), text.size());
  if (ZSTD_isError(size) != 0)
    throw Error(ErrorCode::internal, fmt::format("zstd: {}", ZSTD_getErrorName(size)));
  out.resize(size);
  return out;
}

/// Name and position of the frame behind the skippable frame at `at`; nothing when there is none.
struct NameFrame {
  std::string name;
  std::size_t end = 0;
};
std::optional<NameFrame> name_at(std::string_view bytes, std::size_t at) {
  if (at + 8 > bytes.size() || read_word(bytes, at) != name_magic) return std::nullopt;
  const std::size_t size = read_word(bytes, at + 4);
  if (size > longest_name || at + 8 + size > bytes.size()) return std::nullopt;
  return NameFrame{std::string(bytes.substr(at + 8, size)), at + 8 + size};
}

/// The line in the frame at `at` and where the frame ends; nothing when it is damaged.
struct LineFrame {
  std::string line;
  std::size_t end = 0;
};
std::optional<LineFrame> line_at(std::string_view bytes, std::size_t at) {
  if (at + 4 > bytes.size() || read_word(bytes, at) != frame_magic) return std::nullopt;
  const std::string_view rest = bytes.substr(at);
  const std::size_t size = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
  if (ZSTD_isError(size) != 0) return std::nullopt;
  const unsigned long long length = ZSTD_getFrameContentSize(rest.data(), rest.size());
  if (length == ZSTD_CONTENTSIZE_ERROR || length == ZSTD_CONTENTSIZE_UNKNOWN ||
      length > longest_line || length > 32768 * static_cast<unsigned long long>(size) + 4096)
    return std::nullopt;
  LineFrame frame{std::string(static_cast<std::size_t>(length), '\0'), at + size};
  const std::size_t got = ZSTD_decompress(frame.line.data(), frame.line.size(), rest.data(), size);
  if (ZSTD_isError(got) != 0 || got != frame.line.size()) return std::nullopt;
  if (!frame.line.empty() && frame.line.back() == '\n') frame.line.pop_back();
  return frame;
}

std::size_t next_name(std::string_view bytes, std::size_t from) {
  return std::min(bytes.find(little_endian(name_magic), from), bytes.size());
}

}  // namespace

BundleWriter::BundleWriter(const std::string& path)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_)
    throw Error(ErrorCode::usage, fmt::format("--record {}: {}", path, std::strerror(errno)),
                "name a file in a directory that exists and is writable");
}

void BundleWriter::append(std::string_view name, std::string_view line) {
  const std::string_view kept = name.substr(0, longest_name);
  file_ << little_endian(name_magic) << little_endian(static_cast<std::uint32_t>(kept.size()))
        << kept << compressed(std::string(line) + "\n");
  file_.flush();
  if (!file_)
    throw Error(ErrorCode::budget, fmt::format("--record {}: {}", path_, std::strerror(errno)),
                "free space or name another file");
}

Bundle parse_bundle(std::string_view bytes, const std::string& name) {
  Bundle bundle;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto head = name_at(bytes, at);
    if (!head) {
      const std::size_t next = next_name(bytes, at + 1);
      bundle.lost.push_back(fmt::format("{} bytes at byte {} are damaged", next - at, at));
      at = next;
      continue;
    }
    auto frame = line_at(bytes, head->end);
    if (!frame) {
      const std::size_t next = next_name(bytes, head->end);
      bundle.lost.push_back(fmt::format("the entry '{}' at byte {} is {}", head->name, at,
                                        next == bytes.size() ? "cut off or damaged" : "damaged"));
      at = next;
      continue;
    }
    bundle.entries.push_back({head->name, std::move(frame->line)});
    at = frame->end;
  }
  if (bundle.entries.empty())
    throw Error(ErrorCode::malformed,
                fmt::format("{}: not one whole entry of a recorded run", name),
                "give a file that was written with --record");
  return bundle;
}

Bundle read_bundle(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file && bytes.empty())
    throw Error(ErrorCode::not_found, fmt::format("--replay {}: {}", path, std::strerror(errno)),
                "give a file that was written with --record");
  return parse_bundle(bytes, path);
}

}  // namespace triage::store
