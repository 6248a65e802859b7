#include "lib/probes/log_time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace triage::probes::logs {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 86'400'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A reader of fixed-width fields; after the first field that does not fit it stays failed.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  int number(int digits) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      if (!is_digit(peek())) return fail();
      value = value * 10 + (peek() - '0');
      ++at_;
    }
    return value;
  }
  bool accept(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail();
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void skip(std::size_t count) { at_ += count; }
  [[nodiscard]] std::string_view rest() const { return text_.substr(std::min(at_, text_.size())); }
  int fail() {
    failed_ = true;
    return 0;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

struct Date {
  int year = 0;
  int month = 0;
  int day = 0;
};

std::optional<std::int64_t> days_of(const Date& date) {
  const std::chrono::year_month_day day{std::chrono::year(date.year),
                                        std::chrono::month(static_cast<unsigned>(date.month)),
                                        std::chrono::day(static_cast<unsigned>(date.day))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day).time_since_epoch().count();
}

/// "02:04:31" and an optional fraction, as ms of the day.
std::int64_t time_of_day(Cursor& cursor) {
  const int hour = cursor.number(2);
  cursor.expect(':');
  const int minute = cursor.number(2);
  cursor.expect(':');
  const int second = cursor.number(2);
  if (hour > 23 || minute > 59 || second > 60) return cursor.fail();
  std::int64_t ms = (hour * 3600LL + minute * 60LL + second) * 1000LL;
  if ((cursor.peek() == '.' || cursor.peek() == ',') && is_digit(cursor.peek(1))) {
    cursor.skip(1);
    for (std::int64_t scale = 100; is_digit(cursor.peek()); scale /= 10) {
      ms += (cursor.peek() - '0') * scale;
      cursor.skip(1);
    }
  }
  return ms;
}

/// Minutes east of UTC. Only names that mean one offset nearly everywhere.
std::optional<int> named_zone(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 20> zones{
      {{"UTC", 0},    {"GMT", 0},    {"Z", 0},      {"WET", 0},    {"WEST", 60},
       {"CET", 60},   {"CEST", 120}, {"EET", 120},  {"EEST", 180}, {"MSK", 180},
       {"BST", 60},   {"IST", 330},  {"JST", 540},  {"EST", -300}, {"EDT", -240},
       {"CST", -360}, {"CDT", -300}, {"MST", -420}, {"PST", -480}, {"PDT", -420}}};
  for (const auto& [zone, minutes] : zones)
    if (zone == name) return minutes;
  return std::nullopt;
}

/// "+02", "+0200", "+02:00", "Z", " UTC": minutes east of UTC; 0 without any of them.
int zone_minutes(Cursor& cursor) {
  const std::size_t blank = cursor.peek() == ' ' ? 1 : 0;
  const char sign = cursor.peek(blank);
  if ((sign == '+' || sign == '-') && is_digit(cursor.peek(blank + 1)) &&
      is_digit(cursor.peek(blank + 2))) {
    cursor.skip(blank + 1);
    int minutes = cursor.number(2) * 60;
    if (cursor.peek() == ':' && is_digit(cursor.peek(1))) cursor.skip(1);
    if (is_digit(cursor.peek()) && is_digit(cursor.peek(1))) minutes += cursor.number(2);
    return sign == '-' ? -minutes : minutes;
  }
  std::size_t end = blank;
  while (cursor.peek(end) >= 'A' && cursor.peek(end) <= 'Z') ++end;
  const auto minutes =
      named_zone(cursor.rest().substr(std::min(blank, cursor.rest().size()), end - blank));
  if (!minutes) return 0;
  cursor.skip(end);
  return *minutes;
}

std::optional<std::int64_t> dated(Cursor& cursor) {
  const int year = cursor.number(4);
  const char separator = cursor.peek();
  if (separator != '-' && separator != '/') return std::nullopt;
  cursor.skip(1);
  const int month = cursor.number(2);
  cursor.expect(separator);
  const int day = cursor.number(2);
  if (!cursor.accept('T') && !cursor.accept(' ')) return std::nullopt;
  const std::int64_t ms = time_of_day(cursor);
  if (cursor.failed()) return std::nullopt;
  const auto days = days_of({year, month, day});
  if (!days) return std::nullopt;
  return *days * day_ms + ms - zone_minutes(cursor) * minute_ms;
}

std::optional<int> month_of(std::string_view name) {
  constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t place = names.find(name);
  if (name.size() != 3 || place == std::string_view::npos || place % 3 != 0) return std::nullopt;
  return static_cast<int>(place / 3) + 1;
}

std::optional<std::int64_t> syslog(Cursor& cursor, std::int64_t reference_ms) {
  const auto month = month_of(cursor.rest().substr(0, 3));
  if (!month || cursor.peek(3) != ' ') return std::nullopt;
  cursor.skip(4);
  const int day = cursor.accept(' ') ? cursor.number(1) : cursor.number(2);
  cursor.expect(' ');
  const std::int64_t ms = time_of_day(cursor);
  if (cursor.failed()) return std::nullopt;
  const std::chrono::sys_days reference{std::chrono::days(reference_ms / day_ms)};
  const int year = static_cast<int>(std::chrono::year_month_day(reference).year());
  for (const int candidate : {year + 1, year, year - 1}) {
    const auto days = days_of({candidate, *month, day});
    if (days && *days * day_ms + ms <= reference_ms + day_ms) return *days * day_ms + ms;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LeadingTime> leading_time(std::string_view text, std::int64_t reference_ms) {
  Cursor cursor(text);
  const bool bracket = cursor.accept('[');
  std::optional<std::int64_t> ms;
  if (is_digit(cursor.peek())) {
    ms = dated(cursor);
  } else if (cursor.peek() >= 'A' && cursor.peek() <= 'S') {
    ms = syslog(cursor, reference_ms);
  }
  if (!ms) return std::nullopt;
  if (bracket) cursor.accept(']');
  return LeadingTime{*ms, cursor.at()};
}

std::optional<std::int64_t> epoch_to_ms(double value) {
  constexpr double first_s = 1e9;
  constexpr double last_s = 4e9;
  if (value >= first_s && value < last_s) return static_cast<std::int64_t>(value * 1000);
  if (value >= first_s * 1000 && value < last_s * 1000) return static_cast<std::int64_t>(value);
  return std::nullopt;
}

}  // namespace triage::probes::logs
