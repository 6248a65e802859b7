#pragma once

#include <string>
#include <string_view>

namespace triage {

/// SHA-256 (FIPS 180-4) as 64 lower-case hexadecimal digits: names the exact text of a runbook.
/// For identity, not for secrets.
std::string sha256_hex(std::string_view text);

}  // namespace triage
