#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace triage::probes::logs {

/// A time at the start of a text and how many bytes it took.
struct LeadingTime {
  std::int64_t ms = 0;   ///< since the epoch, UTC
  std::size_t used = 0;  ///< bytes, without what follows the time
};

/// Reads "2026-11-24T02:04:31.123Z", "2026-11-24 02:04:31,123 +0100", "2026/11/24 02:04:31",
/// "2026-11-24 02:04:31.123 CET" (PostgreSQL) and "Nov 24 02:04:31" (RFC 3164), also in brackets.
/// A time without a zone, or with a zone of an unknown name, is read as UTC. RFC 3164 has no year:
/// it is the last such time that is not more than a day after `reference_ms`.
std::optional<LeadingTime> leading_time(std::string_view text, std::int64_t reference_ms);

/// Seconds or milliseconds since the epoch, told apart by their size; nothing outside 2001..2096.
std::optional<std::int64_t> epoch_to_ms(double value);

}  // namespace triage::probes::logs
