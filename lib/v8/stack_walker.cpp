#include "lib/v8/stack_walker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/v8/function_name.h"
#include "lib/v8/script_url.h"

namespace triage::v8 {
namespace {

constexpr std::size_t most_frames = 1024;
constexpr std::uint64_t largest_frame = 16U << 20U;
constexpr std::uint64_t farthest_scan = 256U << 10U;
constexpr std::uint32_t longest_path = 200;
constexpr int regexp_kind = 3;  // CodeKind::REGEXP

// offsets from the frame pointer (v8dbg_off_fp_*, equal in V8 10 to 13)
constexpr std::int64_t context_or_type = -8;
constexpr std::int64_t function_slot = -16;
constexpr std::int64_t bytecode_array_slot = -32;
constexpr std::int64_t bytecode_offset_slot = -40;
constexpr std::int64_t receiver_slot = 16;
constexpr std::int64_t first_argument_slot = 24;
// of a BuiltinExitFrame (BuiltinExitFrameConstants, x64)
constexpr std::int64_t exit_target_slot = 24;
constexpr std::int64_t exit_first_argument_slot = 56;

// InterpreterBytecodeOffsetRegister and InterpreterBytecodeArrayRegister (v8dbg_), as DWARF numbers
constexpr unsigned bytecode_offset_register = 9;
constexpr unsigned bytecode_array_register = 12;

constexpr std::string_view builtin_prefix = "Builtins_";

bool is_base_function(std::string_view name) {
  constexpr std::array<std::string_view, 8> names{
      "main",   "_start",       "__libc_start_main", "clone",
      "clone3", "start_thread", "__clone",           "__libc_start_call_main"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Functions by which a thread's role is told (facts of Node 18 to 24).
bool is_role_function(std::string_view name) {
  constexpr std::array<std::string_view, 7> parts{"node::Start",
                                                  "worker::Worker::StartThread",
                                                  "PlatformWorkerThread",
                                                  "DelayedTaskScheduler",
                                                  "StartIoThread",
                                                  "uv_run",
                                                  "worker"};
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return part == "worker" ? name == part : name.find(part) != std::string_view::npos;
  });
}

/// A function without a name is told by what calls it, or by being the script itself.
void name_anonymous(std::vector<StackFrame>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    StackFrame& frame = frames[i];
    if (frame.kind != "js" || !frame.function.empty()) continue;
    const StackFrame* caller = i + 1 < frames.size() ? &frames[i + 1] : nullptr;
    if (frame.function_line == 1 && frame.function_column == 1)
      frame.function = "(top level)";
    else if (caller != nullptr && caller->kind == "builtin" && !caller->function.empty())
      frame.function = fmt::format("(callback of {})", caller->function);
    frame.name_inferred = !frame.function.empty();
  }
}

}  // namespace

/// Where a walk is.
struct StackWalker::State {
  RemoteHeap heap;
  os::Registers registers;
  Stack stack;
  bool top = true;  ///< the program counter is exact, not a return address

  State(const os::MemorySource& memory, const V8Layout& layout, const os::Registers& from)
      : heap(memory, layout), registers(from) {}
  [[nodiscard]] std::uint64_t lookup_pc() const { return registers.pc() - (top ? 0 : 1); }
  [[nodiscard]] std::optional<std::uint64_t> slot(std::int64_t offset) const {
    return heap.memory().value<std::uint64_t>(registers.fp() + static_cast<std::uint64_t>(offset));
  }
};

StackFrame& StackWalker::add(State& state, const char* kind) {
  StackFrame frame;
  frame.kind = kind;
  state.stack.frames.push_back(std::move(frame));
  return state.stack.frames.back();
}

Stack StackWalker::walk(const os::MemorySource& memory, const os::Registers& registers,
                        StackSource source) {
  State state(memory, layout_, registers);
  state.stack.source = source;
  for (std::size_t step = 0;; ++step) {
    if (step >= most_frames) {
      state.stack.truncated = true;
      break;
    }
    const std::uint64_t before = state.registers.sp();
    const CodeArea area = code_.area(state.lookup_pc());
    if (area == CodeArea::none) {
      if (state.top && recover(state)) continue;
      break;
    }
    if (area == CodeArea::native)
      walk_native(state);
    else
      walk_v8(state);
    if (state.stack.complete || state.registers.sp() <= before ||
        state.registers.sp() - before > largest_frame)
      break;
  }
  name_anonymous(state.stack.frames);
  state.stack.objects_count = state.heap.objects_checked();
  state.stack.failed_count = state.heap.objects_failed();
  return std::move(state.stack);
}

void StackWalker::walk_native(State& state) {
  const std::uint64_t pc = state.lookup_pc();
  StackFrame& frame = add(state, "native");
  frame.function = code_.symbol(pc);
  frame.url = code_.library(pc);
  const std::string name = frame.function;
  if (is_role_function(name)) state.stack.base = name;
  // main and the first function of a thread are called by libc's start code only
  if (is_base_function(name)) {
    state.stack.complete = true;
    return;
  }
  if (!step_native(state)) state.registers.set(os::Registers::stack_pointer, 0);
}

bool StackWalker::step_native(State& state) const {
  os::Registers& registers = state.registers;
  const bool is_return_address = !state.top;
  const std::uint64_t before = registers.sp();
  os::Registers caller = registers;
  if (code_.unwind(is_return_address, state.heap.memory(), caller) && caller.sp() > before &&
      code_.area(caller.pc() - 1) != CodeArea::none) {
    registers = caller;
    state.top = false;
    return true;
  }
  // a frame pointer that leads up the stack
  if (registers.has(os::Registers::frame_pointer) && registers.fp() >= before &&
      registers.fp() - before < largest_frame && chain_holds(state, registers.fp()))
    return step_v8(state, false);
  return recover(state);
}

/// Whether frame records (saved frame pointer, return address) follow one another from `slot`.
bool StackWalker::chain_holds(const State& state, std::uint64_t slot) const {
  for (int links = 0; links < 4; ++links) {
    const auto next = state.heap.memory().value<std::uint64_t>(slot);
    const auto address = state.heap.memory().value<std::uint64_t>(slot + 8);
    if (!next || !address || code_.area(*address - 1) == CodeArea::none) return false;
    // the chain ends where libc's start code, which has no frame pointer, called us
    if (is_base_function(code_.symbol(*address - 1))) return links > 0;
    if (*next <= slot || *next - slot > largest_frame || *next % 8 != 0) return false;
    slot = *next;
  }
  return true;
}

/// Without a usable frame pointer: the next frame record up the stack.
bool StackWalker::recover(State& state) const {
  const std::uint64_t from = (state.registers.sp() + 7) / 8 * 8;
  for (std::uint64_t slot = from; slot < from + farthest_scan; slot += 8) {
    const auto next = state.heap.memory().value<std::uint64_t>(slot);
    if (!next) return false;
    if (*next <= slot || *next - slot > largest_frame || *next % 8 != 0) continue;
    if (!chain_holds(state, slot)) continue;
    state.registers.set(os::Registers::frame_pointer, slot);
    return step_v8(state, false);
  }
  return false;
}

/// To the caller by the frame record at the frame pointer.
bool StackWalker::step_v8(State& state, bool entry) const {
  const std::uint64_t fp = state.registers.fp();
  const auto saved = state.slot(0);
  const auto address = state.slot(8);
  if (!saved || !address) return false;
  os::Registers caller;
  caller.set(os::Registers::program_counter, *address);
  caller.set(os::Registers::stack_pointer, fp + 16);
  caller.set(os::Registers::frame_pointer, *saved);
  if (entry) {
    // JSEntry saves r12 r13 r14 r15 rbx below its marker (builtins-x64.cc)
    std::int64_t offset = -24;
    for (const unsigned number : {12U, 13U, 14U, 15U, 3U}) {
      if (const auto value = state.slot(offset)) caller.set(number, *value);
      offset -= 8;
    }
  }
  state.registers = caller;
  state.top = false;
  return true;
}

void StackWalker::walk_v8(State& state) {
  os::Registers& registers = state.registers;
  const bool usable = registers.has(os::Registers::frame_pointer) &&
                      registers.fp() >= registers.sp() &&
                      registers.fp() - registers.sp() < largest_frame;
  if (!usable) {
    if (!recover(state)) registers.set(os::Registers::stack_pointer, 0);
    return;
  }
  if (state.top) {
    // in the first instructions of generated code there is no frame yet: its caller is next
    const auto code = code_at(state);
    if (code && registers.pc() - code->start < 4) {
      const bool pushed = registers.pc() != code->start;
      const auto address =
          state.heap.memory().value<std::uint64_t>(registers.sp() + (pushed ? 8 : 0));
      if (address && code_.area(*address - 1) != CodeArea::none) {
        registers.set(os::Registers::program_counter, *address);
        registers.set(os::Registers::stack_pointer, registers.sp() + 8);
        state.top = false;
        return;
      }
    }
    stub_at_top(state);
  }
  const auto marker = state.slot(context_or_type);
  bool entry = false;
  if (marker && (*marker & 1U) == 0 && *marker < 256) {
    const int type = static_cast<int>(*marker >> 1U);
    entry = type == layout_.frame_entry || type == layout_.frame_construct_entry;
    typed_frame(state, type);
  } else {
    javascript_frame(state);
  }
  if (!step_v8(state, entry)) registers.set(os::Registers::stack_pointer, 0);
}

/// A builtin without a frame of its own, called by the frame below.
void StackWalker::stub_at_top(State& state) {
  if (code_.area(state.registers.pc()) != CodeArea::builtin) return;
  std::string name = code_.symbol(state.registers.pc());
  if (name.starts_with(builtin_prefix)) name.erase(0, builtin_prefix.size());
  // the interpreter itself says nothing
  if (name.empty() || name.ends_with("Handler") || name.starts_with("InterpreterE")) return;
  add(state, "stub").function = std::move(name);
}

void StackWalker::typed_frame(State& state, int type) {
  if (type == layout_.frame_builtin_exit) {
    builtin_exit_frame(state);
  } else if (type == layout_.frame_regexp) {
    add(state, "regexp").function = "compiled regular expression";
  } else if (type == layout_.frame_wasm) {
    add(state, "wasm").function = "WebAssembly function";
  } else {
    const std::uint64_t pc = state.lookup_pc();
    if (code_.area(pc) != CodeArea::builtin) return;
    std::string name = code_.symbol(pc);
    if (name.starts_with(builtin_prefix)) name.erase(0, builtin_prefix.size());
    const bool twice = !state.stack.frames.empty() && state.stack.frames.back().kind == "stub" &&
                       state.stack.frames.back().function == name;
    if (!name.empty() && !twice) add(state, "stub").function = std::move(name);
  }
}

/// JavaScript called a builtin that is written in C++.
void StackWalker::builtin_exit_frame(State& state) {
  const Tagged function = state.slot(exit_target_slot).value_or(0);
  if (!state.heap.check(function, layout_.first_function_type, layout_.last_function_type)) return;
  const Tagged shared = state.heap.field(function, layout_.function_shared).value_or(0);
  if (!state.heap.check(shared, layout_.shared_type)) return;
  const std::string name = function_name(state.heap, shared).name;
  const bool json = std::any_of(state.stack.frames.begin(), state.stack.frames.end(),
                                [](const StackFrame& frame) {
                                  return frame.function.find("JsonParse") != std::string::npos;
                                });
  StackFrame& frame = add(state, "builtin");
  frame.function = json && name == "parse" ? "JSON.parse" : name;
  if (name == "parse") {
    const Tagged argument = state.slot(exit_first_argument_slot).value_or(0);
    if (const auto length = state.heap.string_length(argument))
      frame.detail = fmt::format("text of {} characters", *length);
  }
}

std::optional<CodeObject> StackWalker::code_at(const State& state) {
  const std::uint64_t pc = state.lookup_pc();
  if (code_.area(pc) != CodeArea::generated) return std::nullopt;
  return codes_.find(state.heap, pc, code_.mapping_start(pc));
}

/// The frame below a builtin without frame is generated code when the builtin's return address,
/// near the top of the stack, is.
std::optional<CodeObject> StackWalker::code_at_top(State& state) {
  const std::uint64_t end =
      std::min(state.registers.fp(), state.registers.sp() + 64 * sizeof(std::uint64_t));
  for (std::uint64_t slot = state.registers.sp(); slot < end; slot += 8) {
    const auto word = state.heap.memory().value<std::uint64_t>(slot);
    if (!word || code_.area(*word - 1) != CodeArea::generated) continue;
    const auto code = codes_.find(state.heap, *word - 1, code_.mapping_start(*word - 1));
    if (!code || code->kind < layout_.code_kind_baseline) continue;
    state.registers.set(os::Registers::program_counter, *word);
    state.top = false;
    return code;
  }
  return std::nullopt;
}

void StackWalker::javascript_frame(State& state) {
  if (const auto code = code_at(state); code && code->kind == regexp_kind) {
    add(state, "regexp").function = "compiled regular expression";
    return;
  }
  const Tagged function = state.slot(function_slot).value_or(0);
  if (!state.heap.check(function, layout_.first_function_type, layout_.last_function_type)) return;
  const Tagged shared = state.heap.field(function, layout_.function_shared).value_or(0);
  if (!state.heap.check(shared, layout_.shared_type)) return;
  if (const auto script = scripts_.script_of(state.heap, shared))
    scripted_frame(state, shared, *script);
  else
    builtin_frame(state, function, shared);
}

void StackWalker::builtin_frame(State& state, Tagged /*function*/, Tagged shared) {
  std::string name = function_name(state.heap, shared).name;
  if (name.empty()) {
    name = code_.symbol(state.lookup_pc());
    if (name.starts_with(builtin_prefix)) name.erase(0, builtin_prefix.size());
  }
  StackFrame& frame = add(state, "builtin");
  frame.function = name;
  const std::array<Tagged, 2> values{state.slot(receiver_slot).value_or(0),
                                     state.slot(first_argument_slot).value_or(0)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (state.heap.type_of(values.at(i)) != layout_.regexp_type) continue;
    Tagged holder = values.at(i);
    if (layout_.regexp_data >= 0)
      holder = state.heap.field(holder, layout_.regexp_data).value_or(0);
    const auto source = state.heap.field(holder, layout_.regexp_source);
    const auto pattern = source ? state.heap.string(*source, 200) : std::nullopt;
    if (!pattern) continue;
    frame.detail = fmt::format("/{}/", *pattern);
    if (const auto length = state.heap.string_length(values.at(1 - i)))
      frame.detail += fmt::format(" on a string of {}", *length);
  }
}

void StackWalker::scripted_frame(State& state, Tagged shared, Tagged script) {
  auto code = code_at(state);
  if (!code && interpreted(state, shared, script)) return;
  if (!code && state.top) code = code_at_top(state);
  if (code && generated(state, shared, *code)) return;
  add_javascript(state, shared, "", std::nullopt, false);
}

bool StackWalker::interpreted(State& state, Tagged shared, Tagged /*script*/) {
  const Tagged array = state.slot(bytecode_array_slot).value_or(0);
  auto offset = RemoteHeap::smi(state.slot(bytecode_offset_slot).value_or(1));
  if (!offset || state.heap.type_of(array) != layout_.bytecode_array_type) return false;
  // the slot is written at calls only: inside of a handler the register is newer
  const os::Registers& registers = state.registers;
  const std::int32_t first = layout_.bytecode_data - 1;
  const auto length = state.heap.array_length(array);
  if (state.top && length && registers.has(bytecode_offset_register) &&
      registers.value[bytecode_array_register] == array) {
    const auto live = static_cast<std::int64_t>(registers.value[bytecode_offset_register]) - first;
    if (live >= 0 && live < *length) {
      std::vector<std::byte> bytes(static_cast<std::size_t>(*length));
      state.heap.memory().read(array - 1 + static_cast<std::uint64_t>(layout_.bytecode_data),
                               bytes);
      if (is_bytecode_start(bytes, sizes_, live)) offset = static_cast<std::int32_t>(live + first);
    }
  }
  const auto table = state.heap.field(array, layout_.bytecode_positions);
  const auto bytes = table ? state.heap.byte_array(*table) : std::nullopt;
  const auto position = bytes ? position_at(*bytes, *offset - first) : std::nullopt;
  add_javascript(state, shared, "interpreter",
                 position ? std::optional(position->script_offset) : std::nullopt, false);
  return true;
}

bool StackWalker::generated(State& state, Tagged shared, const CodeObject& code) {
  if (code.kind < layout_.code_kind_baseline) return false;
  if (code.kind == layout_.code_kind_baseline)
    baseline(state, shared, code);
  else
    optimised(state, shared, code);
  return true;
}

void StackWalker::baseline(State& state, Tagged shared, const CodeObject& code) {
  std::optional<SourcePosition> position;
  const Tagged array = state.heap.field(code.code, layout_.code_deoptimization).value_or(0);
  const auto length = state.heap.array_length(array);
  const auto table_object = state.heap.field(code.code, layout_.code_positions);
  const auto table = table_object ? state.heap.byte_array(*table_object) : std::nullopt;
  if (table && length && state.heap.check(array, layout_.bytecode_array_type)) {
    std::vector<std::byte> bytecodes(static_cast<std::size_t>(*length));
    state.heap.memory().read(array - 1 + static_cast<std::uint64_t>(layout_.bytecode_data),
                             bytecodes);
    // a return address and the address of an instruction both end inside of their bytecode
    const auto bytecode =
        bytecode_of_baseline(*table, bytecodes, sizes_, state.lookup_pc() - code.start + 1);
    const auto positions_object = state.heap.field(array, layout_.bytecode_positions);
    const auto positions =
        positions_object ? state.heap.byte_array(*positions_object) : std::nullopt;
    if (bytecode && positions) position = position_at(*positions, *bytecode);
  }
  add_javascript(state, shared, "baseline",
                 position ? std::optional(position->script_offset) : std::nullopt, false);
}

void StackWalker::optimised(State& state, Tagged shared, const CodeObject& code) {
  const char* tier = code.kind == layout_.code_kind_baseline + 1 && layout_.version.major > 10
                         ? "maglev"
                         : "turbofan";
  const auto table_object = state.heap.field(code.code, layout_.code_positions);
  const auto table = table_object ? state.heap.byte_array(*table_object) : std::nullopt;
  auto position =
      table ? position_at(*table, static_cast<std::int64_t>(state.lookup_pc() - code.start))
            : std::nullopt;
  const Tagged data = state.heap.field(code.code, layout_.code_deoptimization).value_or(0);
  const auto records_object = state.heap.array_element(data, layout_.deoptimization_inlinings);
  const auto records = records_object ? state.heap.byte_array(*records_object) : std::nullopt;
  const Tagged literals =
      state.heap.array_element(data, layout_.deoptimization_literals).value_or(0);
  for (int depth = 0; position && position->inlining > 0 && records && depth < 64; ++depth) {
    // one record: position as 8 bytes, index of the function as 4, padding
    const std::size_t at = static_cast<std::size_t>(position->inlining - 1) * 16;
    if (at + 16 > records->size()) break;
    std::uint64_t outer = 0;
    std::int32_t index = 0;
    std::memcpy(&outer, records->data() + at, sizeof outer);
    std::memcpy(&index, records->data() + at + 8, sizeof index);
    Tagged inlined = state.heap.array_element(literals, index).value_or(0);
    if ((inlined & 3U) == 3) inlined -= 2;  // a weak reference
    if (layout_.shared_wrapper_type >= 0 &&
        state.heap.type_of(inlined) == layout_.shared_wrapper_type)
      inlined = state.heap.field(inlined, 8).value_or(0);
    if (!state.heap.check(inlined, layout_.shared_type)) break;
    add_javascript(state, inlined, tier, position->script_offset, true);
    position = decode_position(outer);
  }
  add_javascript(state, shared, tier,
                 position ? std::optional(position->script_offset) : std::nullopt, false);
}

/// The first argument of a function of node:fs: a path, or the number of a descriptor.
std::string StackWalker::file_argument(const State& state) {
  const Tagged argument = state.slot(first_argument_slot).value_or(0);
  if (const auto number = RemoteHeap::smi(argument); number && *number >= 0)
    return fmt::format("descriptor {}", *number);
  return state.heap.string(argument, longest_path).value_or("");
}

void StackWalker::add_javascript(State& state, Tagged shared, const char* tier,
                                 std::optional<std::int32_t> offset, bool inlined) {
  const FunctionName name = function_name(state.heap, shared);
  const auto script = scripts_.script_of(state.heap, shared);
  StackFrame& frame = add(state, script ? "js" : "builtin");
  frame.tier = tier;
  frame.inlined = inlined;
  frame.function = name.name;
  frame.name_inferred = name.inferred;
  if (!script) return;
  frame.url = scripts_.url(state.heap, *script);
  frame.package = package_of_url(frame.url);
  if (frame.url == "node:fs" && !inlined && name.name.ends_with("Sync"))
    frame.detail = file_argument(state);
  if (name.start) {
    if (const auto begin = scripts_.locate(state.heap, *script, *name.start)) {
      frame.function_line = begin->line;
      frame.function_column = begin->column;
    }
  }
  if (!offset || *offset < 0) {
    offset = name.start;
    frame.at_start = true;
  }
  const auto place = offset ? scripts_.locate(state.heap, *script, *offset) : std::nullopt;
  if (!place) return;
  frame.line = place->line;
  frame.column = place->column;
  if (maps_ != nullptr && frame.package != "node")
    maps_->apply(frame, scripts_.source_map_url(state.heap, *script));
}

}  // namespace triage::v8
