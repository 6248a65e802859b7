#pragma once

#include <cstddef>
#include <string>

namespace triage::os {

/// The first `limit` bytes of a file, as it is at this moment. Throws Error{usage} naming the path
/// and the reason (no such file, permission, a directory).
std::string read_head(const std::string& path, std::size_t limit);

}  // namespace triage::os
