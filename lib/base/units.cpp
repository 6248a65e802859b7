#include "lib/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "lib/base/error.h"

namespace triage {

std::string format_duration(double seconds) {
  if (seconds < 0) return "-" + format_duration(-seconds);
  if (seconds < 0.001) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 0.01) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 119.5) return fmt::format("{:.0f} s", seconds);
  if (seconds < 119.5 * 60) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

std::string format_bytes(double bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 || std::abs(bytes) >= 100 ? fmt::format("{:.0f} {}", bytes, units.at(unit))
                                             : fmt::format("{:.1f} {}", bytes, units.at(unit));
}

std::string format_count(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t first = digits[0] == '-' ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, " ");
  return digits;
}

std::string format_ratio(double ratio) {
  const double percent = ratio * 100;
  if (percent != 0 && std::abs(percent) < 0.995) return fmt::format("{:.1f} %", percent);
  return fmt::format("{:.0f} %", percent);
}

std::string format_quantity(double value, std::string_view unit) {
  if (unit == "s") return value == 0 ? "0 s" : format_duration(value);
  if (unit == "bytes") return format_bytes(value);
  if (unit == "ratio") return format_ratio(value);
  if (unit == "count" && std::abs(value) < 1e15 && value == std::floor(value))
    return format_count(static_cast<std::int64_t>(value));
  const std::string number = fmt::format("{:.4g}", value);
  return unit.empty() || unit == "count" ? number : fmt::format("{} {}", number, unit);
}

std::chrono::milliseconds parse_duration(std::string_view text, std::string_view what) {
  const auto fail = [&]() -> std::chrono::milliseconds {
    throw Error(ErrorCode::usage, fmt::format("{}: '{}' is not a duration", what, text),
                "write a number and a unit: 250ms, 10s, 5m, 2h or 7d");
  };
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return fail();
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  double scale = 0;
  if (unit == "ms") scale = 1;
  if (unit == "s" || unit.empty()) scale = 1e3;
  if (unit == "m" || unit == "min") scale = 60e3;
  if (unit == "h") scale = 3600e3;
  if (unit == "d") scale = 86400e3;
  if (scale == 0 || number * scale > 1e15) return fail();
  return std::chrono::milliseconds(std::llround(number * scale));
}

std::string to_duration_text(std::chrono::milliseconds value) {
  const auto count = value.count();
  if (count % 1000 != 0) return fmt::format("{}ms", count);
  return fmt::format("{}s", count / 1000);
}

std::uint64_t parse_size(std::string_view text, std::string_view what) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  std::string unit(rest, end);
  unit.erase(std::remove(unit.begin(), unit.end(), ' '), unit.end());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view prefixes = "kmgt";
  const std::size_t power = unit.empty() ? std::string_view::npos : prefixes.find(unit[0]);
  const std::string tail = power == std::string_view::npos ? unit : unit.substr(1);
  const bool good = error == std::errc() && (tail.empty() || tail == "b" || tail == "ib") &&
                    !(power == std::string_view::npos && tail == "ib") && number >= 0;
  const double scale =
      power == std::string_view::npos ? 1 : std::pow(1024.0, static_cast<double>(power + 1));
  if (!good || number * scale >= 9e18)
    throw Error(ErrorCode::usage, fmt::format("{} {}: not a size", what, text),
                "write it as 512, 1KB, 1.5MB or 2GiB");
  return static_cast<std::uint64_t>(number * scale);
}

}  // namespace triage
