#pragma once

/// V8's tables from code offsets to source positions (codegen/source-position-table.cc) and from
/// baseline machine code to bytecode (baseline/bytecode-offset-iterator.h).
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace triage::v8 {

struct SourcePosition {
  std::int32_t script_offset = 0;  ///< UTF-16 units from the start of the script
  std::int32_t inlining = 0;       ///< 0: not inlined, else the number of the inlining from 1
};

/// The last position at or before `code_offset`.
std::optional<SourcePosition> position_at(std::span<const std::byte> table,
                                          std::int64_t code_offset);
/// The form that the tables and inlining records share.
SourcePosition decode_position(std::uint64_t value);

/// Length of each bytecode by its number: three rows (normal, wide, extra wide).
using BytecodeSizes = std::vector<std::uint8_t>;

/// Offset of the bytecode that baseline code at `code_offset` belongs to; nothing when the table
/// ends before. `bytecodes` is the content of the bytecode array.
std::optional<std::int32_t> bytecode_of_baseline(std::span<const std::byte> table,
                                                 std::span<const std::byte> bytecodes,
                                                 const BytecodeSizes& sizes,
                                                 std::uint64_t code_offset);
/// Whether a bytecode begins at `offset`.
bool is_bytecode_start(std::span<const std::byte> bytecodes, const BytecodeSizes& sizes,
                       std::int64_t offset);

}  // namespace triage::v8
