#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace triage {

/// For people: 850 ms, 1.2 s, 29 min, 3.1 h, 19 days. Input in seconds.
std::string format_duration(double seconds);
/// "512", "1KB", "1.5 MiB", "2G" in bytes; K, KB and KiB are 1024. Throws Error{usage} naming
/// `what`.
std::uint64_t parse_size(std::string_view text, std::string_view what);
/// For people, binary units: 512 B, 1.5 KiB, 340 MiB.
std::string format_bytes(double bytes);
/// 41237 -> "41 237": groups of three, as tables print counts.
std::string format_count(std::int64_t count);
/// 0.376 -> "38 %"; below 1 % one decimal.
std::string format_ratio(double ratio);
/// A value with the unit it is in: "s" as a duration, "bytes", "ratio", "count", any other word as
/// it is ("req/s"), four significant digits.
std::string format_quantity(double value, std::string_view unit);
/// The value as text by `format`, or the word every renderer uses for a missing fact.
template <class T, class Format>
std::string or_unknown(const std::optional<T>& value, Format format) {
  return value ? std::string(format(*value)) : std::string("unknown");
}

/// "250ms", "10s", "5m", "2h", "7d"; a bare number is seconds. Throws Error{usage} naming `what`.
std::chrono::milliseconds parse_duration(std::string_view text, std::string_view what);
/// The shortest text that parse_duration reads back: "10s", "1500ms".
std::string to_duration_text(std::chrono::milliseconds value);

}  // namespace triage
