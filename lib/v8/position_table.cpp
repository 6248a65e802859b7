#include "lib/v8/position_table.h"

#include <array>

namespace triage::v8 {
namespace {

/// Numbers of 7 bits per byte, low bits first.
class VlqReader {
 public:
  explicit VlqReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const { return at_ >= bytes_.size(); }
  std::optional<std::uint64_t> take() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(bytes_[at_++]);
      value |= (byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    at_ = bytes_.size();
    return std::nullopt;
  }
  /// The sign is the lowest bit.
  std::optional<std::int64_t> take_signed() {
    const auto value = take();
    if (!value) return std::nullopt;
    const auto magnitude = static_cast<std::int64_t>(*value >> 1U);
    return (*value & 1U) != 0 ? -magnitude - 1 : magnitude;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

// interpreter/bytecodes.h: the first four numbers are prefixes that make the next one wider
constexpr std::uint8_t wide = 0;
constexpr std::uint8_t extra_wide = 1;
constexpr std::uint8_t debug_wide = 2;
constexpr std::uint8_t debug_extra_wide = 3;

/// Length of the bytecode at `offset` with its prefix, 0 when it is none.
std::size_t bytecode_length(std::span<const std::byte> bytecodes, const BytecodeSizes& sizes,
                            std::size_t offset) {
  const std::size_t count = sizes.size() / 3;
  if (offset >= bytecodes.size()) return 0;
  auto number = std::to_integer<std::uint8_t>(bytecodes[offset]);
  if (number > debug_extra_wide) return number < count ? sizes[number] : 0;
  if (offset + 1 >= bytecodes.size()) return 0;
  const std::size_t row = number == wide || number == debug_wide ? 1 : 2;
  static_assert(extra_wide == 1);
  number = std::to_integer<std::uint8_t>(bytecodes[offset + 1]);
  const std::size_t length = number < count ? sizes[row * count + number] : 0;
  return length == 0 ? 0 : length + 1;
}

}  // namespace

SourcePosition decode_position(std::uint64_t value) {
  // bit 0: external, bits 1-30: offset + 1, bits 31-46: inlining (codegen/source-position.h)
  return {static_cast<std::int32_t>(value >> 1U & 0x3fffffffU) - 1,
          static_cast<std::int32_t>(value >> 31U & 0xffffU)};
}

std::optional<SourcePosition> position_at(std::span<const std::byte> table,
                                          std::int64_t code_offset) {
  VlqReader reader(table);
  std::int64_t offset = -1;
  std::uint64_t position = 0;
  std::optional<SourcePosition> best;
  while (!reader.at_end()) {
    const auto delta = reader.take_signed();
    const auto change = reader.take_signed();
    if (!delta || !change) break;
    // a negative delta marks an expression, a positive one a statement
    offset =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(offset) +
                                  static_cast<std::uint64_t>(*delta >= 0 ? *delta : -(*delta + 1)));
    position += static_cast<std::uint64_t>(*change);
    if (offset > code_offset) break;
    best = decode_position(position);
  }
  return best;
}

std::optional<std::int32_t> bytecode_of_baseline(std::span<const std::byte> table,
                                                 std::span<const std::byte> bytecodes,
                                                 const BytecodeSizes& sizes,
                                                 std::uint64_t code_offset) {
  VlqReader reader(table);
  // the first entry is the prologue and belongs to no bytecode
  const auto prologue = reader.take();
  if (!prologue) return std::nullopt;
  std::uint64_t end = *prologue;
  std::size_t bytecode = 0;
  if (code_offset <= end) return 0;
  while (!reader.at_end()) {
    const auto length = reader.take();
    if (!length) return std::nullopt;
    end += *length;
    if (code_offset <= end) return static_cast<std::int32_t>(bytecode);
    const std::size_t step = bytecode_length(bytecodes, sizes, bytecode);
    if (step == 0) return std::nullopt;
    bytecode += step;
  }
  return std::nullopt;
}

bool is_bytecode_start(std::span<const std::byte> bytecodes, const BytecodeSizes& sizes,
                       std::int64_t offset) {
  std::size_t at = 0;
  while (static_cast<std::int64_t>(at) < offset) {
    const std::size_t step = bytecode_length(bytecodes, sizes, at);
    if (step == 0) return false;
    at += step;
  }
  return static_cast<std::int64_t>(at) == offset;
}

}  // namespace triage::v8
