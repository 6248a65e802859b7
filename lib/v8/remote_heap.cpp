#include "lib/v8/remote_heap.h"

#include <algorithm>
#include <array>

namespace triage::v8 {
namespace {

// String representation and encoding are the low bits of the instance type
// (objects/instance-type.h; v8dbg_StringRepresentationMask, ConsStringTag, ... are equal in V8 10
// to 13).
constexpr int representation_mask = 7;
constexpr int sequential = 0;
constexpr int cons = 1;
constexpr int external = 2;
constexpr int sliced = 3;
constexpr int thin = 5;
constexpr int one_byte_bit = 8;
constexpr int uncached_bit = 16;

constexpr std::size_t piece_bytes = 65536;
constexpr std::size_t most_string_parts = 200'000;
constexpr std::size_t largest_byte_array = 16U << 20U;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | code >> 6U);
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3fU));
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

std::string to_utf8(const std::vector<std::uint16_t>& units) {
  std::string out;
  for (std::size_t i = 0; i < units.size(); ++i) {
    std::uint32_t code = units[i];
    const bool pair =
        (code & 0xfc00U) == 0xd800U && i + 1 < units.size() && (units[i + 1] & 0xfc00U) == 0xdc00U;
    if (pair)
      code = 0x10000U + ((code & 0x3ffU) << 10U) + (units[++i] & 0x3ffU);
    else if ((code & 0xf800U) == 0xd800U)
      code = 0xfffdU;  // half of a pair
    append_utf8(out, code);
  }
  return out;
}

}  // namespace

std::optional<int> RemoteHeap::type_of(Tagged value) const {
  if (!is_object(value)) return std::nullopt;
  const auto map = field(value, 0);
  if (!map || !is_object(*map)) return std::nullopt;
  const auto type = raw<std::uint16_t>(*map, layout_.map_instance_type);
  const auto map_of_map = field(*map, 0);
  if (!type || !map_of_map || !is_object(*map_of_map)) return std::nullopt;
  const auto meta = raw<std::uint16_t>(*map_of_map, layout_.map_instance_type);
  if (!meta || *meta != layout_.map_type) return std::nullopt;
  return *type;
}

bool RemoteHeap::check(Tagged value, int first, int last) const {
  ++checked_;
  const auto type = type_of(value);
  const bool fits = type && *type >= first && *type <= last;
  if (!fits) ++failed_;
  return fits;
}

std::optional<std::uint32_t> RemoteHeap::string_length(Tagged value) const {
  const auto type = type_of(value);
  if (!type || !is_string(*type)) return std::nullopt;
  const auto length = raw<std::uint32_t>(value, layout_.string_length);
  constexpr std::uint32_t longest = (1U << 29U) - 24;  // String::kMaxLength
  return length && *length <= longest ? length : std::nullopt;
}

std::optional<std::uint64_t> RemoteHeap::characters(Tagged value, int type) const {
  if ((type & representation_mask) == sequential)
    return value - 1 + static_cast<std::uint64_t>(layout_.string_chars);
  // an external string without the cached pointer would need a call of its C++ object
  if ((type & representation_mask) != external || (type & uncached_bit) != 0) return std::nullopt;
  return field(value, layout_.external_data);
}

bool RemoteHeap::hand_out(std::uint64_t address, std::uint64_t units, bool two_byte,
                          const std::function<void(const StringPiece&)>& use) const {
  const std::uint64_t width = two_byte ? 2 : 1;
  std::vector<std::byte> block(std::min<std::uint64_t>(units * width, piece_bytes));
  for (std::uint64_t done = 0; done < units * width;) {
    const std::size_t count = std::min<std::uint64_t>(units * width - done, block.size());
    if (memory_.read(address + done, std::span(block).first(count)) != count) return false;
    use({std::span(block).first(count), two_byte});
    done += count;
  }
  return true;
}

bool RemoteHeap::for_each_piece(Tagged value, std::uint32_t limit,
                                const std::function<void(const StringPiece&)>& use) const {
  struct Part {
    Tagged string;
    std::uint64_t skip;
    std::uint64_t units;
  };
  std::vector<Part> waiting{{value, 0, limit}};
  std::uint64_t left = limit;
  for (std::size_t parts = 0; !waiting.empty() && left > 0; ++parts) {
    if (parts > most_string_parts || waiting.size() > most_string_parts) return false;
    const Part part = waiting.back();
    waiting.pop_back();
    const auto type = type_of(part.string);
    const auto length = string_length(part.string);
    if (!type || !length) return false;
    if (part.skip >= *length) continue;
    const std::uint64_t units = std::min<std::uint64_t>({part.units, *length - part.skip, left});
    const int representation = *type & representation_mask;
    if (representation == thin) {
      waiting.push_back({field(part.string, layout_.thin_actual).value_or(0), part.skip, units});
    } else if (representation == sliced) {
      const auto offset = smi(field(part.string, layout_.sliced_offset).value_or(1));
      if (!offset || *offset < 0) return false;
      waiting.push_back({field(part.string, layout_.sliced_parent).value_or(0),
                         part.skip + static_cast<std::uint64_t>(*offset), units});
    } else if (representation == cons) {
      const Tagged first = field(part.string, layout_.cons_first).value_or(0);
      const Tagged second = field(part.string, layout_.cons_second).value_or(0);
      const std::uint64_t front = string_length(first).value_or(0);
      const std::uint64_t of_first = part.skip < front ? std::min(units, front - part.skip) : 0;
      if (units > of_first)
        waiting.push_back({second, part.skip > front ? part.skip - front : 0, units - of_first});
      if (of_first > 0) waiting.push_back({first, part.skip, of_first});
    } else {
      const auto address = characters(part.string, *type);
      const bool two_byte = (*type & one_byte_bit) == 0;
      if (!address || !hand_out(*address + part.skip * (two_byte ? 2 : 1), units, two_byte, use))
        return false;
      left -= units;
    }
  }
  return true;
}

std::optional<std::string> RemoteHeap::string(Tagged value, std::uint32_t limit) const {
  const auto length = string_length(value);
  if (!length) return std::nullopt;
  std::vector<std::uint16_t> units;
  const bool whole = for_each_piece(value, std::min(*length, limit), [&](const StringPiece& piece) {
    for (std::size_t i = 0; i < piece.bytes.size(); i += piece.two_byte ? 2 : 1) {
      auto unit = std::to_integer<std::uint16_t>(piece.bytes[i]);
      if (piece.two_byte)
        unit = static_cast<std::uint16_t>(unit | std::to_integer<std::uint16_t>(piece.bytes[i + 1])
                                                     << 8U);
      units.push_back(unit);
    }
  });
  if (!whole) return std::nullopt;
  return to_utf8(units);
}

std::optional<std::int32_t> RemoteHeap::array_length(Tagged array) const {
  if (!is_object(array)) return std::nullopt;
  const auto length = smi(field(array, 8).value_or(1));
  return length && *length >= 0 && *length < (1 << 27) ? length : std::nullopt;
}

std::optional<Tagged> RemoteHeap::array_element(Tagged array, std::int32_t index) const {
  const auto length = array_length(array);
  if (!length || index < 0 || index >= *length) return std::nullopt;
  return field(array, 16 + index * 8);
}

std::optional<std::vector<std::byte>> RemoteHeap::byte_array(Tagged value) const {
  const auto type = type_of(value);
  if (!type || (*type != layout_.byte_array_type && *type != layout_.trusted_byte_array_type))
    return std::nullopt;
  const auto length = array_length(value);
  if (!length || static_cast<std::size_t>(*length) > largest_byte_array) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<std::size_t>(*length));
  if (memory_.read(value - 1 + 16, bytes) != bytes.size()) return std::nullopt;
  return bytes;
}

}  // namespace triage::v8
