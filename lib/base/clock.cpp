#include "lib/base/clock.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <ctime>

#include "lib/base/error.h"

namespace triage {
namespace {

/// Not gmtime_r: it reads the time zone files first.
std::tm utc_fields(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss of_day(seconds - day);
  std::tm parts{};
  parts.tm_year = static_cast<int>(date.year()) - 1900;
  parts.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  parts.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  parts.tm_hour = static_cast<int>(of_day.hours().count());
  parts.tm_min = static_cast<int>(of_day.minutes().count());
  parts.tm_sec = static_cast<int>(of_day.seconds().count());
  return parts;
}

/// "+05:30", "-0800" -> seconds east of UTC; 0 for "Z" and for no offset.
double offset_seconds(const std::string& text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return 0;
  int hours = 0;
  int minutes = 0;
  const char* format = text.find(':') == std::string::npos ? "%2d%2d" : "%2d:%2d";
  if (std::sscanf(text.c_str() + 1, format, &hours, &minutes) < 1) return 0;
  return (text[0] == '-' ? -1.0 : 1.0) * (hours * 3600.0 + minutes * 60.0);
}

Duration read_clock(clockid_t id) {
  timespec value{};
  clock_gettime(id, &value);
  return std::chrono::seconds(value.tv_sec) + std::chrono::nanoseconds(value.tv_nsec);
}

}  // namespace

WallTime SystemClock::now() const {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(read_clock(CLOCK_REALTIME)));
}

Duration SystemClock::monotonic() const {
  return read_clock(CLOCK_MONOTONIC);
}

std::string to_rfc3339(WallTime time) {
  const std::tm parts = utc_fields(time);
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     milliseconds);
}

std::string to_time_of_day(WallTime time) {
  const std::tm parts = utc_fields(time);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

double to_epoch_seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

WallTime from_epoch_seconds(double seconds) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::milliseconds(std::llround(seconds * 1000.0))));
}

WallTime parse_rfc3339(const std::string& text) {
  std::tm parts{};
  int used = 0;
  const int count =
      std::sscanf(text.c_str(), "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &used);
  if (count != 6 || used == 0)
    throw Error(ErrorCode::malformed, fmt::format("'{}' is not an RFC 3339 time", text));
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  auto seconds = static_cast<double>(timegm(&parts));
  std::string rest = text.substr(static_cast<std::size_t>(used));
  if (!rest.empty() && (rest[0] == '.' || rest[0] == ',')) {
    double scale = 0.1;
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i, scale /= 10)
      seconds += scale * (rest[i] - '0');
    rest.erase(0, i);
  }
  return from_epoch_seconds(seconds - offset_seconds(rest));
}

Duration own_cpu_time() {
  rusage children{};
  ::getrusage(RUSAGE_CHILDREN, &children);
  Duration total = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  for (const timeval& part : {children.ru_utime, children.ru_stime})
    total += std::chrono::seconds(part.tv_sec) + std::chrono::microseconds(part.tv_usec);
  return total;
}

}  // namespace triage
