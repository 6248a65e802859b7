#include "lib/base/json_cursor.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

namespace triage {
namespace {

constexpr std::size_t first_size = std::size_t{1} << 18;
constexpr std::size_t longest_token = std::size_t{1} << 26;
constexpr std::size_t padding = 16;  ///< bytes behind the end that a wide load may touch
constexpr int deepest = 512;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool ends_scalar(char c) {
  return is_space(c) || c == ',' || c == '}' || c == ']' || c == 0;
}

/// The first '"' or '\\' from `at` on, or `end`. Reads up to 15 bytes behind `end`.
const char* find_quote(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i slash = _mm_set1_epi8('\\');
  for (; at < end; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash))));
    if (hits != 0) return std::min(at + std::countr_zero(hits), end);
  }
  return end;
#else
  while (at < end && *at != '"' && *at != '\\') ++at;
  return at;
#endif
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

/// The four hex digits at `at`; nothing good gives U+FFFD.
unsigned hex4(std::string_view raw, std::size_t at) {
  unsigned code = 0xFFFD;
  if (at + 4 <= raw.size()) std::from_chars(raw.data() + at, raw.data() + at + 4, code, 16);
  return code;
}

/// Appends what the escape behind the backslash at `slash` stands for; gives where it ends.
std::size_t append_escape(std::string& out, std::string_view raw, std::size_t slash) {
  if (slash + 1 >= raw.size()) return raw.size();
  const char c = raw[slash + 1];
  constexpr std::string_view letters = "bfnrt";
  constexpr std::string_view values = "\b\f\n\r\t";
  if (const auto found = letters.find(c); found != std::string_view::npos) {
    out += values[found];
  } else if (c == 'u') {
    unsigned code = hex4(raw, slash + 2);
    std::size_t end = slash + 6;
    if (code >= 0xD800 && code < 0xDC00 && raw.substr(std::min(end, raw.size()), 2) == "\\u") {
      const unsigned low = hex4(raw, end + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        end += 6;
      }
    }
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return std::min(end, raw.size());
  } else {
    out += c;
  }
  return slash + 2;
}

std::string_view unescape(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t slash = raw.find('\\', at);
    out.append(raw.substr(at, slash - at));
    if (slash == std::string_view::npos) break;
    at = append_escape(out, raw, slash);
  }
  return out;
}

std::int64_t to_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  double wide = 0;
  std::from_chars(text.data(), text.data() + text.size(), wide);
  // the nearest double below 2^63; a comparison that NaN fails
  constexpr double most = 9223372036854774784.0;
  if (wide >= most) return std::numeric_limits<std::int64_t>::max();
  if (wide <= -most) return std::numeric_limits<std::int64_t>::min();
  return wide == wide ? static_cast<std::int64_t>(wide) : 0;
}

}  // namespace

ReadBytes read_from(std::string_view text) {
  return [text](char* to, std::size_t size) mutable {
    const std::size_t count = std::min(size, text.size());
    if (count != 0) std::memcpy(to, text.data(), count);
    text.remove_prefix(count);
    return count;
  };
}

JsonCursor::JsonCursor(ReadBytes read) : read_(std::move(read)), buffer_(first_size + padding) {
  at_ = end_ = buffer_.data();
}

std::uint64_t JsonCursor::offset() const {
  return base_ + static_cast<std::uint64_t>(at_ - buffer_.data());
}

void JsonCursor::stop(const std::string& why) {
  if (stopped_) return;
  stopped_ = true;
  problem_ = fmt::format("byte {}: {}", offset(), why);
  pin_ = nullptr;
}

bool JsonCursor::refill() {
  if (input_over_ || stopped_) return false;
  const char* keep = pin_ != nullptr ? pin_ : at_;
  const auto kept = static_cast<std::size_t>(end_ - keep);
  const auto taken = static_cast<std::size_t>(at_ - keep);
  if (kept > longest_token) {
    stop("a text of more than 64 MiB");
    return false;
  }
  base_ += static_cast<std::uint64_t>(keep - buffer_.data());
  std::memmove(buffer_.data(), keep, kept);
  if (kept * 2 > buffer_.size()) buffer_.resize(buffer_.size() * 2);
  const std::size_t got = read_(buffer_.data() + kept, buffer_.size() - padding - kept);
  input_over_ = got == 0;
  if (pin_ != nullptr) pin_ = buffer_.data();
  at_ = buffer_.data() + taken;
  end_ = buffer_.data() + kept + got;
  std::memset(buffer_.data() + kept + got, 0, padding);
  return got != 0;
}

char JsonCursor::next() {
  for (;;) {
    while (is_space(*at_)) ++at_;
    if (at_ < end_) return *at_;
    at_ = end_;
    if (!refill()) return 0;
  }
}

JsonCursor::Kind JsonCursor::peek() {
  if (stopped_) return Kind::none;
  const char c = next();
  if (c == '{') return Kind::object;
  if (c == '[') return Kind::array;
  if (c == '"') return Kind::text;
  if (c == 't' || c == 'f') return Kind::boolean;
  if (c == 'n') return Kind::null;
  return c == '-' || (c >= '0' && c <= '9') ? Kind::number : Kind::none;
}

bool JsonCursor::enter(char open) {
  if (stopped_) return false;
  if (next() != open) {
    skip();
    return false;
  }
  ++at_;
  return true;
}

bool JsonCursor::leave(char close) {
  if (next() != close) return false;
  ++at_;
  return true;
}

bool JsonCursor::another(char close) {
  if (stopped_) return false;
  const char c = next();
  if (c == 0 && at_ == end_) {
    stop("the text ends here, inside a list or an object");
    return false;
  }
  if (c != ',' && c != close) {
    stop(fmt::format("',' or '{}' was expected", close));
    return false;
  }
  ++at_;
  return c == ',';
}

std::string_view JsonCursor::key_text() {
  if (next() != '"') {
    stop(at_ == end_ ? "the text ends here, inside an object" : "a key was expected");
    return {};
  }
  return quoted(key_scratch_, true);
}

/// Stands at a quote. A key takes its colon too, so that its text stays in the buffer.
std::string_view JsonCursor::quoted(std::string& scratch, bool key) {
  pin_ = at_++;
  bool escaped = false;
  for (;;) {
    at_ = find_quote(at_, end_);
    // an escape needs the character behind it
    if (at_ == end_ || (*at_ == '\\' && at_ + 1 == end_)) {
      if (refill()) continue;
      at_ = end_;
      stop("the text ends here, inside a string");
      return {};
    }
    if (*at_ == '"') break;
    escaped = true;
    at_ += 2;
  }
  const auto size = static_cast<std::size_t>(at_ - pin_) - 1;
  ++at_;
  if (key) {
    if (next() != ':') {
      stop(at_ == end_ ? "the text ends here, behind a key" : "':' was expected");
      return {};
    }
    ++at_;
  }
  const std::string_view raw(std::exchange(pin_, nullptr) + 1, size);
  return escaped ? unescape(raw, scratch) : raw;
}

std::string_view JsonCursor::text() {
  if (stopped_) return {};
  if (next() != '"') {
    skip();
    return {};
  }
  return quoted(text_scratch_, false);
}

/// A number or one of the words true, false, null, as written.
std::string_view JsonCursor::scalar() {
  pin_ = at_;
  for (;;) {
    while (!ends_scalar(*at_)) ++at_;
    if (at_ < end_ || !refill()) break;
  }
  if (stopped_) return {};
  const char* start = std::exchange(pin_, nullptr);
  if (at_ == start) stop(at_ == end_ ? "the text ends here" : "a value was expected");
  return {start, static_cast<std::size_t>(at_ - start)};
}

std::int64_t JsonCursor::integer() {
  const Kind kind = peek();
  if (kind == Kind::text) return to_integer(text());
  if (kind == Kind::number) return to_integer(scalar());
  skip();
  return 0;
}

double JsonCursor::number() {
  const Kind kind = peek();
  if (kind != Kind::text && kind != Kind::number) {
    skip();
    return 0;
  }
  const std::string_view digits = kind == Kind::text ? text() : scalar();
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool JsonCursor::boolean() {
  if (peek() == Kind::boolean) return scalar() == "true";
  skip();
  return false;
}

void JsonCursor::skip() {
  switch (peek()) {
    case Kind::object:
    case Kind::array:
      return skip_nested();
    case Kind::text:
      return skip_text();
    case Kind::none:
      return stop(at_ == end_ ? "the text ends here" : "a value was expected");
    default:
      scalar();
  }
}

void JsonCursor::skip_text() {
  ++at_;
  for (;;) {
    at_ = find_quote(at_, end_);
    if (at_ == end_ || (*at_ == '\\' && at_ + 1 == end_)) {
      if (refill()) continue;
      return stop("the text ends here, inside a string");
    }
    if (*at_++ == '"') return;
    ++at_;
  }
}

/// Brackets are only counted: what is passed over need not be checked.
void JsonCursor::skip_nested() {
  int depth = 0;
  while (!stopped_) {
    const char c = next();
    if (c == 0 && at_ == end_) return stop("the text ends here, inside a list or an object");
    if (c == '"') {
      skip_text();
      continue;
    }
    ++at_;
    if (c == '{' || c == '[') {
      if (++depth > deepest) return stop("lists and objects more than 512 deep");
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return;
    }
  }
}

bool JsonCursor::at_end() {
  return !stopped_ && next() == 0 && at_ == end_;
}

}  // namespace triage
