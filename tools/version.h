#pragma once

namespace triage {

inline constexpr const char* version = TRIAGE_VERSION;

}  // namespace triage
