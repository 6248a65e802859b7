#include "lib/v8/function_name.h"

namespace triage::v8 {
namespace {

constexpr std::uint32_t longest_name = 200;
/// From here on the names of the locals lie in a hash table, behind one pointer.
constexpr std::int32_t most_inline_locals = 75;

// bits of the flags word
constexpr unsigned saved_class_variable_bit = 10;
constexpr unsigned function_variable_shift = 12;  // two bits, 0: none
constexpr unsigned inferred_name_bit = 14;
constexpr unsigned scope_type_mask = 15;
constexpr unsigned module_scope_type = 3;

struct ScopeInfo {
  std::uint32_t flags = 0;
  std::int32_t locals = 0;
};

std::optional<ScopeInfo> read_head(const RemoteHeap& heap, Tagged scope_info) {
  const auto flags = heap.field(scope_info, 8);
  const auto locals = RemoteHeap::smi(heap.field(scope_info, 24).value_or(1));
  if (!flags || !locals || *locals < 0 || *locals > (1 << 20)) return std::nullopt;
  const bool raw = (*flags & 0xffffffffU) != 0;
  return ScopeInfo{static_cast<std::uint32_t>(raw ? *flags : *flags >> 32U), *locals};
}

/// Byte offset of what follows the locals and their infos.
int tail_offset(const RemoteHeap& heap, const ScopeInfo& info) {
  const int names = info.locals >= most_inline_locals ? 1 : info.locals;
  int offset = heap.layout().scope_first_local + 8 * (names + info.locals);
  if ((info.flags & scope_type_mask) == module_scope_type) offset += 8;
  return offset;
}

void read_scope_info(const RemoteHeap& heap, Tagged scope_info, FunctionName& result) {
  const auto info = read_head(heap, scope_info);
  if (!info) return;
  int offset = tail_offset(heap, *info);
  if ((info->flags >> saved_class_variable_bit & 1U) != 0) offset += 8;
  if ((info->flags >> function_variable_shift & 3U) != 0) {
    result.name =
        heap.string(heap.field(scope_info, offset).value_or(0), longest_name).value_or("");
    offset += 16;
  }
  if ((info->flags >> inferred_name_bit & 1U) != 0) {
    if (result.name.empty()) {
      result.name =
          heap.string(heap.field(scope_info, offset).value_or(0), longest_name).value_or("");
      result.inferred = !result.name.empty();
    }
    offset += 8;
  }
  // V8 13 moved the positions in front of the locals
  const int start = heap.layout().scope_flags_raw != 0 ? 32 : offset;
  result.start = RemoteHeap::smi(heap.field(scope_info, start).value_or(1));
}

}  // namespace

FunctionName function_name(const RemoteHeap& heap, Tagged shared) {
  FunctionName result;
  const auto value = heap.field(shared, heap.layout().shared_name);
  if (!value) return result;
  const auto type = heap.type_of(*value);
  if (!type) return result;
  if (*type == heap.layout().scope_info_type)
    read_scope_info(heap, *value, result);
  else
    result.name = heap.string(*value, longest_name).value_or("");
  return result;
}

}  // namespace triage::v8
