#include "lib/os/unwind_table.h"

#include <dwarf.h>

#include <array>
#include <string_view>

#include "lib/os/dwarf_reader.h"

namespace triage::os {
namespace {

/// How to find a register of the caller.
struct Rule {
  enum class Kind { same, undefined, at_offset, value_offset, other, expression, value_expression };
  Kind kind = Kind::same;
  std::int64_t number = 0;  ///< offset from the frame's address, or a register
  std::span<const std::byte> expression;
};

struct Row {
  std::uint64_t frame_register = Registers::stack_pointer;
  std::int64_t frame_offset = 8;
  std::span<const std::byte> frame_expression;
  std::array<Rule, Registers::count> rules;
};

/// What the common part (CIE) of the entries says.
struct Common {
  std::uint64_t code_factor = 1;
  std::int64_t data_factor = 1;
  std::uint8_t pointer_encoding = DW_EH_PE_absptr;
  bool has_augmentation = false;
  bool signal_frame = false;
  DwarfReader program{{}, 0};
};

struct Entry {
  Common common;
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  DwarfReader program{{}, 0};
};

constexpr std::size_t longest_entry = 1U << 20U;

/// The record at an address: its id field and what follows.
std::optional<DwarfReader> record_at(const ElfFile& file, std::uint64_t address) {
  const auto length = file.value<std::uint32_t>(address);
  if (!length || *length == 0 || *length > longest_entry) return std::nullopt;
  const auto bytes = file.content(address + 4, *length);
  if (bytes.size() < *length) return std::nullopt;
  return DwarfReader(bytes, address + 4);
}

std::optional<Common> read_common(const ElfFile& file, std::uint64_t address) {
  auto record = record_at(file, address);
  if (!record || record->fixed<std::uint32_t>() != 0) return std::nullopt;
  const auto version = record->fixed<std::uint8_t>();
  std::string augmentation;
  while (const auto c = record->fixed<char>()) augmentation += c;
  Common common;
  common.code_factor = record->uleb();
  common.data_factor = record->sleb();
  if (version == 1)
    record->skip(1);  // the return address register
  else
    (void)record->uleb();
  if (augmentation.starts_with('z')) {
    common.has_augmentation = true;
    DwarfReader data = record->sub(record->uleb());
    for (const char c : std::string_view(augmentation).substr(1)) {
      if (c == 'R') common.pointer_encoding = data.fixed<std::uint8_t>();
      if (c == 'P') (void)data.pointer(data.fixed<std::uint8_t>());
      if (c == 'L') data.skip(1);
      if (c == 'S') common.signal_frame = true;
    }
  }
  if (record->failed()) return std::nullopt;
  common.program = *record;
  return common;
}

std::optional<Entry> read_entry(const ElfFile& file, std::uint64_t address) {
  auto record = record_at(file, address);
  if (!record) return std::nullopt;
  const std::uint64_t own = record->address();
  const std::uint64_t distance = record->fixed<std::uint32_t>();
  const auto common = read_common(file, own - distance);
  if (!common) return std::nullopt;
  Entry entry;
  entry.common = *common;
  entry.begin = record->pointer(common->pointer_encoding);
  entry.size = record->pointer(common->pointer_encoding & 0x0fU);
  if (common->has_augmentation) record->skip(record->uleb());
  if (record->failed()) return std::nullopt;
  entry.program = *record;
  return entry;
}

/// Binary search in .eh_frame_hdr: rows of {function, entry}, both as 32-bit distances from the
/// table (the encoding that all linkers write).
std::optional<Entry> find_entry(const ElfFile& file, std::uint64_t pc) {
  const auto table = file.exception_table();
  if (!table) return std::nullopt;
  const auto head = file.value<std::uint32_t>(*table);
  if (!head || (*head & 0xffU) != 1 || (*head >> 16U & 0xffU) != DW_EH_PE_udata4 ||
      *head >> 24U != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
    return std::nullopt;
  const auto count = file.value<std::uint32_t>(*table + 8);
  if (!count) return std::nullopt;
  const auto row = [&](std::uint64_t index, unsigned half) {
    const auto distance = file.value<std::int32_t>(*table + 12 + index * 8 + half * 4);
    return *table + static_cast<std::uint64_t>(std::int64_t{distance.value_or(0)});
  };
  std::uint64_t low = 0;
  std::uint64_t high = *count;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (row(middle, 0) <= pc)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return std::nullopt;
  auto entry = read_entry(file, row(low - 1, 1));
  if (!entry || pc < entry->begin || pc - entry->begin >= entry->size) return std::nullopt;
  return entry;
}

class Machine {
 public:
  Machine(const Entry& entry, std::uint64_t pc) : entry_(entry), pc_(pc), at_(entry.begin) {}

  std::optional<Row> run() {
    if (!execute(entry_.common.program)) return std::nullopt;
    initial_ = row_;
    at_ = entry_.begin;
    if (!execute(entry_.program)) return std::nullopt;
    return row_;
  }

 private:
  bool execute(DwarfReader program) {
    while (!program.at_end()) {
      const auto code = program.fixed<std::uint8_t>();
      const unsigned low = code & 0x3fU;
      if (code >> 6U == 1) {
        if (!advance(low)) return true;
      } else if (code >> 6U == 2) {
        set(low, {Rule::Kind::at_offset, factored(program.uleb()), {}});
      } else if (code >> 6U == 3) {
        restore(low);
      } else if (const auto more = extended(code, program); !more) {
        return false;
      } else if (!*more) {
        return true;
      }
    }
    return !program.failed();
  }

  /// false: the place that was asked for is reached.
  bool advance(std::uint64_t delta) {
    at_ += delta * entry_.common.code_factor;
    return at_ <= pc_;
  }
  [[nodiscard]] std::int64_t factored(std::uint64_t value) const {
    return static_cast<std::int64_t>(value * static_cast<std::uint64_t>(entry_.common.data_factor));
  }
  void set(std::uint64_t number, Rule rule) {
    if (number < Registers::count) row_.rules.at(number) = rule;
  }
  void restore(std::uint64_t number) {
    if (number < Registers::count) row_.rules.at(number) = initial_.rules.at(number);
  }
  void define(std::uint64_t number, std::int64_t offset) {
    row_.frame_register = number;
    row_.frame_offset = offset;
    row_.frame_expression = {};
  }

  /// Nothing: unknown instruction; false: the place is reached.
  std::optional<bool> extended(std::uint8_t code, DwarfReader& program) {
    switch (code) {
      case DW_CFA_nop:
        return true;
      case DW_CFA_advance_loc1:
        return advance(program.fixed<std::uint8_t>());
      case DW_CFA_advance_loc2:
        return advance(program.fixed<std::uint16_t>());
      case DW_CFA_advance_loc4:
        return advance(program.fixed<std::uint32_t>());
      case DW_CFA_set_loc:
        at_ = program.pointer(entry_.common.pointer_encoding);
        return at_ <= pc_;
      case DW_CFA_remember_state:
        if (depth_ == states_.size()) return std::nullopt;
        states_.at(depth_++) = row_;
        return true;
      case DW_CFA_restore_state:
        if (depth_ == 0) return std::nullopt;
        row_ = states_.at(--depth_);
        return true;
      case DW_CFA_GNU_args_size:
        (void)program.uleb();
        return true;
      default:
        return frame_rule(code, program) || register_rule(code, program) ? std::optional(true)
                                                                         : std::nullopt;
    }
  }

  bool frame_rule(std::uint8_t code, DwarfReader& program) {
    switch (code) {
      case DW_CFA_def_cfa: {
        const auto number = program.uleb();
        define(number, static_cast<std::int64_t>(program.uleb()));
        return true;
      }
      case DW_CFA_def_cfa_sf: {
        const auto number = program.uleb();
        define(number, program.sleb() * entry_.common.data_factor);
        return true;
      }
      case DW_CFA_def_cfa_register:
        define(program.uleb(), row_.frame_offset);
        return true;
      case DW_CFA_def_cfa_offset:
        define(row_.frame_register, static_cast<std::int64_t>(program.uleb()));
        return true;
      case DW_CFA_def_cfa_expression:
        row_.frame_expression = program.block(program.uleb());
        return true;
      default:
        return false;
    }
  }

  bool register_rule(std::uint8_t code, DwarfReader& program) {
    const auto number = program.uleb();
    switch (code) {
      case DW_CFA_offset_extended:
        set(number, {Rule::Kind::at_offset, factored(program.uleb()), {}});
        return true;
      case DW_CFA_offset_extended_sf:
        set(number, {Rule::Kind::at_offset, program.sleb() * entry_.common.data_factor, {}});
        return true;
      case DW_CFA_val_offset:
        set(number, {Rule::Kind::value_offset, factored(program.uleb()), {}});
        return true;
      case DW_CFA_restore_extended:
        restore(number);
        return true;
      case DW_CFA_undefined:
        set(number, {Rule::Kind::undefined, 0, {}});
        return true;
      case DW_CFA_same_value:
        set(number, {Rule::Kind::same, 0, {}});
        return true;
      case DW_CFA_register:
        set(number, {Rule::Kind::other, static_cast<std::int64_t>(program.uleb()), {}});
        return true;
      case DW_CFA_expression:
        set(number, {Rule::Kind::expression, 0, program.block(program.uleb())});
        return true;
      case DW_CFA_val_expression:
        set(number, {Rule::Kind::value_expression, 0, program.block(program.uleb())});
        return true;
      default:
        return false;
    }
  }

  const Entry& entry_;
  std::uint64_t pc_;
  std::uint64_t at_;
  Row row_;
  Row initial_;
  std::array<Row, 4> states_;
  std::size_t depth_ = 0;
};

void apply(const Rule& rule, unsigned number, std::uint64_t frame, const Registers& before,
           const MemorySource& memory, Registers& after) {
  const auto offset = static_cast<std::uint64_t>(rule.number);
  std::optional<std::uint64_t> value;
  switch (rule.kind) {
    case Rule::Kind::same:
      return;
    case Rule::Kind::undefined:
      break;
    case Rule::Kind::at_offset:
      value = memory.value<std::uint64_t>(frame + offset);
      break;
    case Rule::Kind::value_offset:
      value = frame + offset;
      break;
    case Rule::Kind::other:
      if (offset < Registers::count && before.has(static_cast<unsigned>(offset)))
        value = before.value.at(offset);
      break;
    case Rule::Kind::expression:
      if (const auto at = evaluate_dwarf(rule.expression, before, memory, frame))
        value = memory.value<std::uint64_t>(*at);
      break;
    case Rule::Kind::value_expression:
      value = evaluate_dwarf(rule.expression, before, memory, frame);
      break;
  }
  if (value)
    after.set(number, *value);
  else
    after.forget(number);
}

}  // namespace

bool unwind_by_table(const ElfFile& file, std::uint64_t bias, bool is_return_address,
                     const MemorySource& memory, Registers& registers) {
  // a return address may lie behind the last instruction of its function
  const std::uint64_t pc = registers.pc() - bias - (is_return_address ? 1 : 0);
  const auto entry = find_entry(file, pc);
  if (!entry) return false;
  const auto row = Machine(*entry, pc).run();
  if (!row) return false;
  std::optional<std::uint64_t> frame;
  if (!row->frame_expression.empty())
    frame = evaluate_dwarf(row->frame_expression, registers, memory, std::nullopt);
  else if (row->frame_register < Registers::count &&
           registers.has(static_cast<unsigned>(row->frame_register)))
    frame = registers.value.at(row->frame_register) + static_cast<std::uint64_t>(row->frame_offset);
  if (!frame) return false;
  Registers caller = registers;
  caller.set(Registers::stack_pointer, *frame);
  // what the callee may change is not kept
  for (const unsigned number : {0U, 1U, 2U, 4U, 5U, 8U, 9U, 10U, 11U}) caller.forget(number);
  for (unsigned number = 0; number < Registers::count; ++number)
    apply(row->rules.at(number), number, *frame, registers, memory, caller);
  if (!caller.has(Registers::program_counter) || !caller.has(Registers::stack_pointer))
    return false;
  if (row->rules[Registers::program_counter].kind == Rule::Kind::same) return false;
  registers = caller;
  return true;
}

}  // namespace triage::os
