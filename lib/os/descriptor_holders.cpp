#include "lib/os/descriptor_holders.h"

#include <dirent.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "lib/base/error.h"
#include "lib/base/gap.h"
#include "lib/os/lines.h"

namespace triage::os {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(const std::string& path) {
  return {::opendir(path.c_str()), ::closedir};
}

}  // namespace

DescriptorHolders find_holders(const Procfs& procfs, const std::unordered_set<std::string>& links,
                               const std::vector<pid_t>& candidates) {
  DescriptorHolders holders;
  if (links.empty()) return holders;
  for (const pid_t pid : candidates) {
    const Directory directory = open_directory(fmt::format("{}/{}/fd", procfs.root(), pid));
    if (!directory) {
      if (errno == EACCES || errno == EPERM) ++holders.unreadable_count;
      continue;
    }
    std::string link;
    while (const dirent* entry = ::readdir(directory.get())) {
      const char* name = static_cast<const char*>(entry->d_name);
      if (*name == '.') continue;
      std::array<char, 64> text{};
      const ssize_t length = ::readlinkat(::dirfd(directory.get()), name, text.data(), text.size());
      if (length < 0 && (errno == EACCES || errno == EPERM)) {
        ++holders.unreadable_count;  // refused once, refused for all
        break;
      }
      if (length <= 0) continue;
      link.assign(text.data(), static_cast<std::size_t>(length));
      if (links.contains(link)) holders.pids_of_link[link].insert(pid);
    }
  }
  return holders;
}

std::vector<pid_t> children_of(const Procfs& procfs, pid_t pid) {
  std::vector<pid_t> children;
  const Directory tasks = open_directory(fmt::format("{}/{}/task", procfs.root(), pid));
  if (!tasks) return children;
  std::vector<Gap> ended;  // a thread that ends meanwhile has no children
  while (const dirent* entry = ::readdir(tasks.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    if (name.front() == '.') continue;
    const auto text =
        attempt(ended, "children", [&] { return procfs.read(pid, "task/" + name + "/children"); });
    if (!text) continue;
    for (const auto word : words_of(*text)) {
      pid_t child = 0;
      std::from_chars(word.data(), word.data() + word.size(), child);
      if (child > 0) children.push_back(child);
    }
  }
  return children;
}

}  // namespace triage::os
