#pragma once

/// Objects in the heap of another V8, by address. The other heap may change while it is read, and
/// may be forged: every read is bounded, every object's type is checked before its fields are
/// used, and checks are counted.
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/os/memory_source.h"
#include "lib/v8/v8_layout.h"

namespace triage::v8 {

/// A tagged value: a Smi, or the address of an object plus 1.
using Tagged = std::uint64_t;

/// Part of a string's characters as they lie in memory.
struct StringPiece {
  std::span<const std::byte> bytes;
  bool two_byte = false;  ///< UTF-16 units, else Latin-1
};

class RemoteHeap {
 public:
  RemoteHeap(const os::MemorySource& memory, const V8Layout& layout)
      : memory_(memory), layout_(layout) {}

  [[nodiscard]] const V8Layout& layout() const { return layout_; }
  [[nodiscard]] const os::MemorySource& memory() const { return memory_; }

  static bool is_object(Tagged value) {
    return (value & 3U) == 1 && value < (1ULL << 47U) && value > 4096;
  }
  static std::optional<std::int32_t> smi(Tagged value) {
    if ((value & 0xffffffffU) != 0) return std::nullopt;
    return static_cast<std::int32_t>(value >> 32U);
  }

  /// The word at an offset of an object.
  [[nodiscard]] std::optional<std::uint64_t> field(Tagged object, int offset) const {
    return memory_.value<std::uint64_t>(object - 1 + static_cast<std::uint64_t>(offset));
  }
  template <class Value>
  [[nodiscard]] std::optional<Value> raw(Tagged object, int offset) const {
    return memory_.value<Value>(object - 1 + static_cast<std::uint64_t>(offset));
  }
  /// Instance type; nothing for a Smi or when what its map word points to is no Map.
  [[nodiscard]] std::optional<int> type_of(Tagged value) const;
  /// Whether the object has this type; a wrong one counts as a failed check.
  [[nodiscard]] bool check(Tagged value, int first, int last) const;
  [[nodiscard]] bool check(Tagged value, int type) const { return check(value, type, type); }

  /// Length in UTF-16 units; nothing when it is no string.
  [[nodiscard]] std::optional<std::uint32_t> string_length(Tagged value) const;
  /// At most `limit` units as UTF-8; nothing when it is no string.
  [[nodiscard]] std::optional<std::string> string(Tagged value, std::uint32_t limit) const;
  /// Hands out the characters in order, in pieces of at most 64 KiB, up to `limit` units. False
  /// when a part could not be read.
  bool for_each_piece(Tagged value, std::uint32_t limit,
                      const std::function<void(const StringPiece&)>& use) const;

  /// Elements of a FixedArray or one of its kinds: its length, one element.
  [[nodiscard]] std::optional<std::int32_t> array_length(Tagged array) const;
  [[nodiscard]] std::optional<Tagged> array_element(Tagged array, std::int32_t index) const;
  /// The content of a ByteArray or TrustedByteArray, at most 16 MiB; nothing for another type.
  [[nodiscard]] std::optional<std::vector<std::byte>> byte_array(Tagged value) const;

  [[nodiscard]] std::int64_t objects_checked() const { return checked_; }
  [[nodiscard]] std::int64_t objects_failed() const { return failed_; }
  void reset_counts() { checked_ = failed_ = 0; }

 private:
  [[nodiscard]] bool is_string(int type) const { return type < layout_.first_nonstring_type; }
  /// A sequential or external string: where its characters are.
  [[nodiscard]] std::optional<std::uint64_t> characters(Tagged value, int type) const;
  bool hand_out(std::uint64_t address, std::uint64_t units, bool two_byte,
                const std::function<void(const StringPiece&)>& use) const;

  const os::MemorySource& memory_;
  const V8Layout& layout_;
  mutable std::int64_t checked_ = 0;
  mutable std::int64_t failed_ = 0;
};

}  // namespace triage::v8
