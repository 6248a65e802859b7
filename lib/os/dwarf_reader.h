#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/os/memory_source.h"
#include "lib/os/registers.h"

namespace triage::os {

/// Reads the encodings of .eh_frame from bytes that are not trusted: past the end everything is 0
/// and `failed()` is true.
class DwarfReader {
 public:
  /// `address` is where bytes[0] is loaded, for values relative to their own place.
  DwarfReader(std::span<const std::byte> bytes, std::uint64_t address)
      : bytes_(bytes), address_(address) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool at_end() const { return failed_ || at_ >= bytes_.size(); }
  [[nodiscard]] std::uint64_t address() const { return address_ + at_; }
  template <class Value>
  Value fixed() {
    Value value{};
    if (failed_ || bytes_.size() - at_ < sizeof value) {
      failed_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::uint64_t uleb();
  std::int64_t sleb();
  /// A pointer in one of the DW_EH_PE encodings (absolute or relative to its own place).
  std::uint64_t pointer(std::uint8_t encoding);
  std::span<const std::byte> block(std::uint64_t size);
  void skip(std::uint64_t size) { (void)block(size); }
  DwarfReader sub(std::uint64_t size);

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t address_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Value of a DWARF expression as unwind tables use them (registers, arithmetic, comparisons,
/// dereference, no loops). Nothing when it needs more than that or a register that is not known.
std::optional<std::uint64_t> evaluate_dwarf(std::span<const std::byte> expression,
                                            const Registers& registers, const MemorySource& memory,
                                            std::optional<std::uint64_t> first);

}  // namespace triage::os
