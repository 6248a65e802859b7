#include <fmt/format.h>

#include <algorithm>

#include "lib/base/embedded.h"
#include "lib/base/error.h"
#include "lib/diagnose/runbook.h"

namespace triage::diagnose {
namespace {

/// "db-timeout.yaml" -> "db-timeout"
std::string_view id_of(const embedded::File& file) {
  return file.name.substr(0, file.name.rfind('.'));
}

}  // namespace

std::vector<std::string> builtin_ids() {
  std::vector<std::string> ids;
  for (const auto& file : embedded::runbooks()) ids.emplace_back(id_of(file));
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::string_view find_builtin(std::string_view id) {
  for (const auto& file : embedded::runbooks())
    if (id_of(file) == id) return file.text;
  throw Error(ErrorCode::usage, fmt::format("there is no built-in runbook '{}'", id),
              fmt::format("built in: {}; a file is given by its path, such as ./{}.yaml",
                          fmt::join(builtin_ids(), ", "), id));
}

}  // namespace triage::diagnose
