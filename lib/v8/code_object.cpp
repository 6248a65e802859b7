#include "lib/v8/code_object.h"

#include <algorithm>
#include <array>

namespace triage::v8 {
namespace {

constexpr std::uint64_t farthest_header = 1U << 20U;
constexpr std::size_t most_known = 4096;
/// From the word that names the Code object to the first instruction.
constexpr std::uint64_t longest_header = 256;

}  // namespace

std::optional<CodeObject> CodeFinder::read(const RemoteHeap& heap, Tagged code) {
  const V8Layout& layout = heap.layout();
  CodeObject found;
  found.code = code;
  const auto flags = heap.raw<std::uint32_t>(code, layout.code_flags);
  const auto size = heap.raw<std::uint32_t>(code, layout.code_size);
  if (!flags || !size || heap.type_of(code) != layout.code_type) return std::nullopt;
  found.kind = static_cast<int>(*flags) & layout.code_kind_mask;
  if (layout.code_inline) {
    found.start = code - 1 + static_cast<std::uint64_t>(layout.code_start);
  } else {
    const auto start = heap.field(code, layout.code_start);
    if (!start) return std::nullopt;
    found.start = *start;
  }
  found.end = found.start + *size;
  return found;
}

std::optional<CodeObject> CodeFinder::from_header_word(const RemoteHeap& heap, std::uint64_t word,
                                                       std::uint64_t word_address,
                                                       std::uint64_t address) {
  if (!RemoteHeap::is_object(word)) return std::nullopt;
  const V8Layout& layout = heap.layout();
  Tagged code = word;
  if (layout.code_inline) {
    // the word is the Map at the beginning of the Code object itself
    const auto type = heap.raw<std::uint16_t>(word, layout.map_instance_type);
    if (!type || *type != layout.code_type) return std::nullopt;
    code = word_address + 1;
  } else {
    const auto start = heap.field(word, layout.code_start);
    if (!start || *start <= word_address || *start - word_address > longest_header)
      return std::nullopt;
  }
  const auto found = read(heap, code);
  if (!found || address < found->start || address > found->end) return std::nullopt;
  return found;
}

std::optional<CodeObject> CodeFinder::find(const RemoteHeap& heap, std::uint64_t address,
                                           std::uint64_t lowest) {
  const auto after = known_.upper_bound(address);
  if (after != known_.begin()) {
    const CodeObject& before = std::prev(after)->second;
    if (address <= before.end) {
      const auto again = read(heap, before.code);
      if (again && again->start == before.start && again->end == before.end) return again;
    }
  }
  constexpr std::size_t block_words = 512;
  std::array<std::uint64_t, block_words> block{};
  std::uint64_t top = address / 8 * 8;
  const std::uint64_t bottom =
      std::max(lowest, address > farthest_header ? address - farthest_header : 0);
  while (top > bottom) {
    const std::uint64_t from = std::max(bottom, top - std::min<std::uint64_t>(top, sizeof block));
    const std::size_t words = (top - from) / 8;
    const auto bytes = std::as_writable_bytes(std::span(block).first(words));
    if (words == 0 || heap.memory().read(from, bytes) != bytes.size()) return std::nullopt;
    for (std::size_t i = words; i-- > 0;) {
      const auto found = from_header_word(heap, block.at(i), from + i * 8, address);
      if (!found) continue;
      if (known_.size() >= most_known) known_.clear();
      known_[found->start] = *found;
      return found;
    }
    top = from;
  }
  return std::nullopt;
}

}  // namespace triage::v8
