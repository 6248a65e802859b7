// A hostile process forges its heap and its stack: whatever the bytes are, the walk must end,
// within its bounds, with a stack. The bytes repeat through the whole address space, so that
// pointers made of them lead somewhere.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lib/v8/stack_walker.h"

namespace {

class RepeatedBytes final : public triage::os::MemorySource {
 public:
  explicit RepeatedBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t read(std::uint64_t address, std::span<std::byte> out) const override {
    // every 16th page is missing
    if ((address >> 12U & 15U) == 15) return 0;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = bytes_[(address + i) % bytes_.size()];
    return out.size();
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Areas by bits of the address.
class ForgedCode final : public triage::v8::CodeMap {
 public:
  [[nodiscard]] triage::v8::CodeArea area(std::uint64_t address) const override {
    constexpr std::array areas{triage::v8::CodeArea::generated, triage::v8::CodeArea::builtin,
                               triage::v8::CodeArea::native, triage::v8::CodeArea::generated};
    return areas[address >> 4U & 3U];
  }
  [[nodiscard]] std::uint64_t mapping_start(std::uint64_t address) const override {
    return address & ~std::uint64_t{0xffff};
  }
  [[nodiscard]] std::string symbol(std::uint64_t /*address*/) const override {
    return "Builtins_X";
  }
  [[nodiscard]] std::string library(std::uint64_t /*address*/) const override { return "x"; }
  bool unwind(bool /*is_return_address*/, const triage::os::MemorySource& /*memory*/,
              triage::os::Registers& /*registers*/) const override {
    return false;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 32) return 0;
  constexpr std::array versions{triage::v8::V8Version{10, 2, 0}, triage::v8::V8Version{11, 3, 0},
                                triage::v8::V8Version{12, 4, 0}, triage::v8::V8Version{13, 6, 0}};
  const triage::v8::V8Layout layout = triage::v8::layout_of_version(versions[data[0] & 3U]);
  const RepeatedBytes memory(std::as_bytes(std::span(data, size)));
  const ForgedCode code;
  triage::os::Registers registers;
  for (unsigned i = 0; i < triage::os::Registers::count; ++i) {
    std::uint64_t value = 0;
    std::memcpy(&value, data + (i * 8) % (size - 8), sizeof value);
    registers.set(i, value & 0x7fffffffffffU);
  }
  // a frame pointer that the walk accepts
  registers.set(triage::os::Registers::frame_pointer,
                registers.sp() + (std::uint64_t{data[1]} << 3U));
  triage::v8::StackWalker walker(layout, code, triage::v8::BytecodeSizes(600, data[2] & 7U));
  const auto stack = walker.walk(memory, registers, triage::v8::StackSource::perf_sample);
  if (stack.frames.size() > 200'000) __builtin_trap();
  (void)triage::v8::activity_of(stack.frames);
  for (const auto& frame : stack.frames) (void)triage::v8::describe_frame(frame);
  return 0;
}
