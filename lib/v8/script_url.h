#pragma once

#include <string>
#include <string_view>

namespace triage::v8 {

/// The npm package that a script belongs to: "@scope/name" or "name" behind the last node_modules;
/// "node" for Node's own modules; empty for other code.
std::string package_of_url(std::string_view url);
/// "file:///app/a%20b.mjs" -> "/app/a b.mjs"; other texts as they are.
std::string path_of_url(std::string_view url);

}  // namespace triage::v8
