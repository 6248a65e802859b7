#pragma once

/// From the registers of a thread to its stack: native frames by unwind tables and frame pointers,
/// V8's frames by reading them. Nothing of the target is trusted: every step must lead up the
/// stack, frames and reads are bounded. V8's frame layout: execution/frame-constants.h and its
/// x64 part; the numbers come from V8Layout.
#include <cstdint>
#include <string>

#include "lib/os/memory_source.h"
#include "lib/os/registers.h"
#include "lib/v8/code_object.h"
#include "lib/v8/position_table.h"
#include "lib/v8/script_table.h"
#include "lib/v8/source_map_table.h"
#include "lib/v8/stack_frame.h"

namespace triage::v8 {

/// What lies at a code address.
enum class CodeArea { none, native, builtin, generated };

/// Knows the code of the process; tests give their own.
class CodeMap {
 public:
  CodeMap() = default;
  CodeMap(const CodeMap&) = delete;
  CodeMap& operator=(const CodeMap&) = delete;
  virtual ~CodeMap() = default;
  [[nodiscard]] virtual CodeArea area(std::uint64_t address) const = 0;
  /// Start of the mapping that holds the address.
  [[nodiscard]] virtual std::uint64_t mapping_start(std::uint64_t address) const = 0;
  /// Readable name of the function at the address, empty when it has none.
  [[nodiscard]] virtual std::string symbol(std::uint64_t address) const = 0;
  [[nodiscard]] virtual std::string library(std::uint64_t address) const = 0;
  /// To the caller by the unwind tables of the library; false when they do not say.
  virtual bool unwind(bool is_return_address, const os::MemorySource& memory,
                      os::Registers& registers) const = 0;
};

class StackWalker {
 public:
  StackWalker(const V8Layout& layout, const CodeMap& code, BytecodeSizes sizes)
      : layout_(layout), code_(code), sizes_(std::move(sizes)) {}

  /// `registers` need the program counter and the stack pointer; the frame pointer is looked for
  /// when it is not known (a thread in a system call whose registers are not ours to read).
  Stack walk(const os::MemorySource& memory, const os::Registers& registers, StackSource source);

  ScriptTable& scripts() { return scripts_; }
  /// Frames of the user's scripts get their original places; `maps` must outlive the walker.
  void use_source_maps(SourceMapTable& maps) { maps_ = &maps; }

 private:
  struct State;
  void walk_native(State& state);
  bool step_native(State& state) const;
  bool recover(State& state) const;
  [[nodiscard]] bool chain_holds(const State& state, std::uint64_t slot) const;
  void walk_v8(State& state);
  bool step_v8(State& state, bool entry) const;
  void typed_frame(State& state, int type);
  void builtin_exit_frame(State& state);
  void javascript_frame(State& state);
  void builtin_frame(State& state, Tagged function, Tagged shared);
  void scripted_frame(State& state, Tagged shared, Tagged script);
  bool interpreted(State& state, Tagged shared, Tagged script);
  bool generated(State& state, Tagged shared, const CodeObject& code);
  void baseline(State& state, Tagged shared, const CodeObject& code);
  void optimised(State& state, Tagged shared, const CodeObject& code);
  [[nodiscard]] std::optional<CodeObject> code_at_top(State& state);
  std::optional<CodeObject> code_at(const State& state);
  StackFrame& add(State& state, const char* kind);
  void add_javascript(State& state, Tagged shared, const char* tier,
                      std::optional<std::int32_t> offset, bool inlined);
  void stub_at_top(State& state);
  static std::string file_argument(const State& state);

  const V8Layout& layout_;
  const CodeMap& code_;
  BytecodeSizes sizes_;
  ScriptTable scripts_;
  CodeFinder codes_;
  SourceMapTable* maps_ = nullptr;
};

}  // namespace triage::v8
