#include "lib/v8/inspector_message.h"

#include <charconv>

#include "lib/base/error.h"

namespace triage::v8 {
namespace {

constexpr std::string_view chunk_head =
    R"({"method":"HeapProfiler.addHeapSnapshotChunk","params":{"chunk":")";
constexpr std::string_view chunk_tail = R"("}})";

/// Snapshots are ASCII: V8 escapes everything else inside of their strings. Other code points are
/// taken all the same, as UTF-8.
void append_code_point(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | (code >> 6U));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    const unsigned shown = surrogate ? 0xFFFD : code;
    out += static_cast<char>(0xE0U | (shown >> 12U));
    out += static_cast<char>(0x80U | ((shown >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (shown & 0x3FU));
  }
}

/// Appends what the escape at `text[at]`, a backslash, stands for; gives the place behind it, or
/// nothing when it is none.
std::optional<std::size_t> unescape_one(std::string_view text, std::size_t at, std::string& out) {
  if (at + 1 >= text.size()) return std::nullopt;
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  const char letter = text[at + 1];
  if (const std::size_t known = letters.find(letter); known != std::string_view::npos) {
    out += meanings[known];
    return at + 2;
  }
  if (letter != 'u' || at + 6 > text.size()) return std::nullopt;
  unsigned code = 0;
  const char* first = text.data() + at + 2;
  const auto [end, error] = std::from_chars(first, first + 4, code, 16);
  if (error != std::errc() || end != first + 4) return std::nullopt;
  append_code_point(out, code);
  return at + 6;
}

}  // namespace

InspectorMessage parse_inspector_message(std::string_view text) {
  Json json = parse_json(text, "inspector");
  const auto fail = [] {
    return Error(ErrorCode::malformed, "the inspector sent a message of an unknown form",
                 "is the port really that of a Node.js inspector?");
  };
  if (!json.is_object()) throw fail();
  InspectorMessage message;
  if (const auto id = json.find("id"); id != json.end()) {
    if (!id->is_number_integer()) throw fail();
    message.id = id->get<std::int64_t>();
    if (const auto error = json.find("error"); error != json.end()) {
      const bool worded =
          error->is_object() && error->contains("message") && (*error)["message"].is_string();
      message.error = worded ? (*error)["message"].get<std::string>() : "refused";
    } else if (const auto result = json.find("result"); result != json.end()) {
      message.body = std::move(*result);
    } else {
      throw fail();
    }
    return message;
  }
  const auto method = json.find("method");
  if (method == json.end() || !method->is_string()) throw fail();
  message.method = method->get<std::string>();
  if (const auto params = json.find("params"); params != json.end())
    message.body = std::move(*params);
  return message;
}

std::optional<std::string> snapshot_chunk(std::string_view message) {
  if (message.size() < chunk_head.size() + chunk_tail.size() ||
      message.substr(0, chunk_head.size()) != chunk_head ||
      message.substr(message.size() - chunk_tail.size()) != chunk_tail)
    return std::nullopt;
  message.remove_prefix(chunk_head.size());
  message.remove_suffix(chunk_tail.size());
  std::string out;
  out.reserve(message.size());
  std::size_t at = 0;
  while (at < message.size()) {
    const std::size_t next = std::min(message.find('\\', at), message.size());
    const std::string_view plain = message.substr(at, next - at);
    if (plain.find('"') != std::string_view::npos) return std::nullopt;
    out.append(plain);
    at = next;
    if (at == message.size()) break;
    const auto behind = unescape_one(message, at, out);
    if (!behind) return std::nullopt;
    at = *behind;
  }
  return out;
}

}  // namespace triage::v8
