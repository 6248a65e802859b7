#pragma once

#include <nlohmann/json_fwd.hpp>

namespace triage {

/// Keys keep the order in which they were written: same result, same bytes.
using Json = nlohmann::ordered_json;

}  // namespace triage
