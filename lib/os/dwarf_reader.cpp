#include "lib/os/dwarf_reader.h"

#include <dwarf.h>

#include <vector>

namespace triage::os {

std::uint64_t DwarfReader::uleb() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = fixed<std::uint8_t>();
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  failed_ = true;
  return 0;
}

std::int64_t DwarfReader::sleb() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = fixed<std::uint8_t>();
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) != 0) continue;
    if ((byte & 0x40U) != 0 && shift + 7 < 64) value |= ~std::uint64_t{0} << (shift + 7);
    return static_cast<std::int64_t>(value);
  }
  failed_ = true;
  return 0;
}

std::uint64_t DwarfReader::pointer(std::uint8_t encoding) {
  if (encoding == DW_EH_PE_omit) return 0;
  const std::uint64_t base = (encoding & 0x70U) == DW_EH_PE_pcrel ? address() : 0;
  if ((encoding & 0x70U) != DW_EH_PE_pcrel && (encoding & 0x70U) != DW_EH_PE_absptr) failed_ = true;
  switch (encoding & 0x0fU) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      return base + fixed<std::uint64_t>();
    case DW_EH_PE_udata4:
      return base + fixed<std::uint32_t>();
    case DW_EH_PE_sdata4:
      return base + static_cast<std::uint64_t>(std::int64_t{fixed<std::int32_t>()});
    case DW_EH_PE_udata2:
      return base + fixed<std::uint16_t>();
    case DW_EH_PE_uleb128:
      return base + uleb();
    case DW_EH_PE_sleb128:
      return base + static_cast<std::uint64_t>(sleb());
    default:
      failed_ = true;
      return 0;
  }
}

std::span<const std::byte> DwarfReader::block(std::uint64_t size) {
  if (failed_ || bytes_.size() - at_ < size) {
    failed_ = true;
    return {};
  }
  const auto result = bytes_.subspan(at_, size);
  at_ += size;
  return result;
}

DwarfReader DwarfReader::sub(std::uint64_t size) {
  const std::uint64_t at = address();
  return {block(size), at};
}

namespace {

using Stack = std::vector<std::uint64_t>;

/// The operations on the two topmost values.
std::optional<std::uint64_t> binary(std::uint8_t operation, std::uint64_t a, std::uint64_t b) {
  const auto sa = static_cast<std::int64_t>(a);
  const auto sb = static_cast<std::int64_t>(b);
  switch (operation) {
    case DW_OP_plus:
      return a + b;
    case DW_OP_minus:
      return a - b;
    case DW_OP_and:
      return a & b;
    case DW_OP_or:
      return a | b;
    case DW_OP_xor:
      return a ^ b;
    case DW_OP_mul:
      return a * b;
    case DW_OP_shl:
      return b < 64 ? a << b : 0;
    case DW_OP_shr:
      return b < 64 ? a >> b : 0;
    case DW_OP_ge:
      return sa >= sb;
    case DW_OP_gt:
      return sa > sb;
    case DW_OP_le:
      return sa <= sb;
    case DW_OP_lt:
      return sa < sb;
    case DW_OP_eq:
      return a == b;
    case DW_OP_ne:
      return a != b;
    default:
      return std::nullopt;
  }
}

/// Operations that only push a value.
bool push_operand(std::uint8_t operation, DwarfReader& reader, const Registers& registers,
                  Stack& stack) {
  if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31) {
    stack.push_back(operation - DW_OP_lit0);
    return true;
  }
  if (operation >= DW_OP_breg0 && operation < DW_OP_breg0 + Registers::count) {
    const unsigned number = operation - DW_OP_breg0;
    const auto offset = static_cast<std::uint64_t>(reader.sleb());
    if (!registers.has(number)) return false;
    stack.push_back(registers.value.at(number) + offset);
    return true;
  }
  switch (operation) {
    case DW_OP_const1u:
      stack.push_back(reader.fixed<std::uint8_t>());
      return true;
    case DW_OP_const1s:
      stack.push_back(static_cast<std::uint64_t>(std::int64_t{reader.fixed<std::int8_t>()}));
      return true;
    case DW_OP_const2u:
      stack.push_back(reader.fixed<std::uint16_t>());
      return true;
    case DW_OP_const4u:
      stack.push_back(reader.fixed<std::uint32_t>());
      return true;
    case DW_OP_const8u:
      stack.push_back(reader.fixed<std::uint64_t>());
      return true;
    case DW_OP_constu:
      stack.push_back(reader.uleb());
      return true;
    case DW_OP_consts:
      stack.push_back(static_cast<std::uint64_t>(reader.sleb()));
      return true;
    default:
      return false;
  }
}

bool change_top(std::uint8_t operation, DwarfReader& reader, const MemorySource& memory,
                Stack& stack) {
  if (stack.empty()) return false;
  if (operation == DW_OP_plus_uconst) {
    stack.back() += reader.uleb();
    return true;
  }
  if (operation == DW_OP_deref) {
    const auto value = memory.value<std::uint64_t>(stack.back());
    if (value) stack.back() = *value;
    return value.has_value();
  }
  if (stack.size() < 2) return false;
  const auto value = binary(operation, stack[stack.size() - 2], stack.back());
  if (!value) return false;
  stack.pop_back();
  stack.back() = *value;
  return true;
}

}  // namespace

std::optional<std::uint64_t> evaluate_dwarf(std::span<const std::byte> expression,
                                            const Registers& registers, const MemorySource& memory,
                                            std::optional<std::uint64_t> first) {
  Stack stack;
  if (first) stack.push_back(*first);
  DwarfReader reader(expression, 0);
  while (!reader.at_end()) {
    const auto operation = reader.fixed<std::uint8_t>();
    if (!push_operand(operation, reader, registers, stack) &&
        !change_top(operation, reader, memory, stack))
      return std::nullopt;
  }
  if (reader.failed() || stack.empty()) return std::nullopt;
  return stack.back();
}

}  // namespace triage::os
