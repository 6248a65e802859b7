#include "lib/probes/left_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <memory>
#include <string_view>
#include <tuple>

#include "lib/base/gap.h"
#include "lib/os/inspector_signal.h"
#include "lib/os/restarts.h"
#include "lib/v8/node_flags.h"

namespace triage::probes {
namespace {

constexpr std::size_t most_files = 20;
constexpr std::array<const char*, 3> writing_flags{"--heapsnapshot-near-heap-limit",
                                                   "--heapsnapshot-signal", "--heap-prof"};

bool is_snapshot(const std::string& name) {
  return name.ends_with(".heapsnapshot");
}

/// The pid in "Heap.20261124.020431.4127.0.001.heapsnapshot"; 0 without.
std::int64_t pid_in(std::string_view name) {
  for (int part = 0; part < 3; ++part) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || (part == 0 && name.substr(0, dot) != "Heap")) return 0;
    name.remove_prefix(dot + 1);
  }
  std::int64_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && end != name.data() + name.size() && *end == '.' ? pid : 0;
}

/// V8 ends a snapshot with "]}", Node.js a profile with "}".
std::string state_of(int directory, const std::string& name, std::int64_t size) {
  if (size == 0) return "empty";
  const os::Fd file(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::array<char, 16> tail{};
  const auto wanted = std::min<std::int64_t>(size, tail.size());
  if (!file ||
      ::pread(file.get(), tail.data(), static_cast<std::size_t>(wanted), size - wanted) != wanted)
    return "unfinished";
  std::string_view text(tail.data(), static_cast<std::size_t>(wanted));
  text = text.substr(0, text.find_last_not_of(" \r\n\t") + 1);
  return text.ends_with(is_profile(name) ? "}" : "]}") ? "whole" : "unfinished";
}

bool same_directory(int directory, const std::string& path) {
  struct stat a = {};
  struct stat b = {};
  return ::fstat(directory, &a) == 0 && ::stat(path.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

}  // namespace

bool is_profile(const std::string& file) {
  return file.ends_with(".heapprofile");
}

LeftFiles::LeftFiles(const os::Procfs& procfs, const os::ProcessInfo& process, const Clock& clock) {
  const pid_t pid = process.id.pid;
  procfs.check_same(process.id);
  std::vector<Gap> ignored;
  const auto environ_text = attempt(ignored, "environ", [&] {
                              return procfs.read(pid, "environ");
                            }).value_or(std::string());
  const v8::NodeFlags flags(process.arguments, environ_text);
  for (const char* name : writing_flags)
    if (const auto value = flags.value(name))
      flags_.push_back(value->empty() ? name : fmt::format("{}={}", name, *value));
  profile_name_ = flags.value("--heap-prof-name").value_or(std::string());
  pid_ = os::innermost_pid(procfs.read(pid, "status"), pid);
  const double age_s = os::age_of(procfs, process.id).value_or(0);
  started_ = clock.now() - std::chrono::duration_cast<WallTime::duration>(
                               std::chrono::duration<double>(age_s + 1));
  open(procfs, pid, ".");
  for (const char* name : {"--diagnostic-dir", "--heap-prof-dir"})
    if (const auto directory = flags.value(name); directory && !directory->empty())
      open(procfs, pid, *directory);
}

void LeftFiles::open(const os::Procfs& procfs, pid_t pid, const std::string& directory) {
  namespace fs = std::filesystem;
  const std::string base = fmt::format("{}/{}", procfs.root(), pid);
  const std::string link =
      directory.front() == '/' ? base + "/root" + directory : base + "/cwd/" + directory;
  os::Fd fd(::open(link.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return;
  std::error_code error;
  std::string path = directory;
  if (directory.front() != '/')
    path = (fs::read_symlink(base + "/cwd", error) / directory).lexically_normal().string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  // in a container the path means something else here
  if (!same_directory(fd.get(), path)) path = link;
  for (const auto& known : directories_)
    if (same_directory(fd.get(), known.path)) return;
  directories_.push_back({std::move(fd), std::move(path)});
}

void LeftFiles::add(const Directory& directory, std::vector<LeftFile>& files) const {
  const int own = ::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(own < 0 ? nullptr : ::fdopendir(own),
                                                   ::closedir);
  if (!stream) return;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    if (!is_snapshot(name) && !is_profile(name) && (profile_name_.empty() || name != profile_name_))
      continue;
    struct stat about = {};
    if (::fstatat(directory.fd.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(about.st_mode))
      continue;
    const WallTime written = from_epoch_seconds(static_cast<double>(about.st_mtim.tv_sec) +
                                                static_cast<double>(about.st_mtim.tv_nsec) / 1e9);
    LeftFile file;
    file.file = directory.path + "/" + name;
    file.written_at = to_rfc3339(written);
    file.bytes = about.st_size;
    file.of_pid = pid_in(name);
    file.of_target = (file.of_pid == 0 || file.of_pid == pid_) && written >= started_;
    file.state = state_of(directory.fd.get(), name, about.st_size);
    files.push_back(std::move(file));
  }
}

std::vector<LeftFile> LeftFiles::list() const {
  std::vector<LeftFile> files;
  for (const auto& directory : directories_) add(directory, files);
  std::sort(files.begin(), files.end(), [](const LeftFile& a, const LeftFile& b) {
    return std::tie(a.written_at, a.file) > std::tie(b.written_at, b.file);
  });
  if (files.size() > most_files) files.resize(most_files);
  return files;
}

std::string LeftFiles::readable(const LeftFile& file) const {
  for (const auto& directory : directories_) {
    const std::size_t size = directory.path.size();
    if (file.file.size() > size + 1 && file.file.compare(0, size, directory.path) == 0 &&
        file.file.find('/', size + 1) == std::string::npos)
      return fmt::format("/proc/self/fd/{}/{}", directory.fd.get(), file.file.substr(size + 1));
  }
  return file.file;
}

}  // namespace triage::probes
