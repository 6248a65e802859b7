#pragma once

#include <array>
#include <cstdint>

namespace triage::os {

/// The general registers of x86-64 in the numbering of DWARF (System V ABI, x86-64 supplement,
/// figure 3.36): rax rdx rcx rbx rsi rdi rbp rsp r8..r15 and the program counter.
struct Registers {
  static constexpr unsigned frame_pointer = 6;
  static constexpr unsigned stack_pointer = 7;
  static constexpr unsigned program_counter = 16;
  static constexpr unsigned count = 17;

  std::array<std::uint64_t, count> value{};
  std::uint32_t known = 0;  ///< bit n: value[n] is known

  [[nodiscard]] bool has(unsigned number) const { return (known >> number & 1U) != 0; }
  void set(unsigned number, std::uint64_t to) {
    value.at(number) = to;
    known |= 1U << number;
  }
  void forget(unsigned number) { known &= ~(1U << number); }
  [[nodiscard]] std::uint64_t pc() const { return value[program_counter]; }
  [[nodiscard]] std::uint64_t sp() const { return value[stack_pointer]; }
  [[nodiscard]] std::uint64_t fp() const { return value[frame_pointer]; }
};

}  // namespace triage::os
