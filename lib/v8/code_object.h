#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "lib/v8/remote_heap.h"

namespace triage::v8 {

/// Machine code that V8 generated.
struct CodeObject {
  Tagged code = 0;
  std::uint64_t start = 0;  ///< of its instructions
  std::uint64_t end = 0;
  int kind = 0;  ///< V8's CodeKind
};

/// Finds the Code object of an address in generated code: not through the function, whose code may
/// be another by now (on-stack replacement, deoptimisation), but from the instructions back to
/// their header. Found ranges are kept and checked again on each use.
class CodeFinder {
 public:
  /// `lowest`: the start of the mapping that holds `address`.
  std::optional<CodeObject> find(const RemoteHeap& heap, std::uint64_t address,
                                 std::uint64_t lowest);

 private:
  static std::optional<CodeObject> from_header_word(const RemoteHeap& heap, std::uint64_t word,
                                                    std::uint64_t word_address,
                                                    std::uint64_t address);
  static std::optional<CodeObject> read(const RemoteHeap& heap, Tagged code);

  std::map<std::uint64_t, CodeObject> known_;  ///< by start
};

}  // namespace triage::v8
