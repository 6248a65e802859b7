#include "lib/base/json.h"

#include <fmt/format.h>

namespace triage {

Json parse_json(std::string_view text, std::string_view where) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::malformed, fmt::format("{}: not JSON: {}", where, error.what()));
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

namespace detail {

void wrong_shape(const std::string& where, const std::string& wanted) {
  throw Error(ErrorCode::malformed, fmt::format("{}: expected {}", where, wanted));
}

}  // namespace detail
}  // namespace triage
