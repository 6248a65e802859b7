#pragma once

#include <string>

namespace triage::testing {

/// Installs what the package-lock.json of a folder names, once ("npm ci"); the folder is relative
/// to the top of the tree. Fails the test when npm does.
void install_packages(const std::string& folder);

}  // namespace triage::testing
