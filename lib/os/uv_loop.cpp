#include "lib/os/uv_loop.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace triage::os {
namespace {

constexpr std::uint64_t internal_fields_at = 40;
constexpr std::uint64_t backend_fd_at = 64;
constexpr std::uint64_t time_at = 544;
constexpr std::uint64_t loop_count_at = 8;  // of the internal fields
/// A longer queue is long enough to say so.
constexpr std::int64_t most_queued = 256;

/// Address in the process of a symbol of the program, or of a shared libnode or libuv.
std::optional<std::uint64_t> address_of(const ProcessImage& image, std::string_view name) {
  for (const char* part : {"", "libnode", "libuv"}) {
    const auto* module = image.module(part);
    if (module == nullptr || !module->file) continue;
    if (const auto symbol = module->file->find(name)) return symbol->address + module->bias;
  }
  return std::nullopt;
}

bool is_epoll(pid_t pid, int fd) {
  std::array<char, 64> link{};
  const std::string path = fmt::format("/proc/{}/fd/{}", pid, fd);
  const ssize_t size = ::readlink(path.c_str(), link.data(), link.size());
  return size > 0 &&
         std::string_view(link.data(), static_cast<std::size_t>(size)) == "anon_inode:[eventpoll]";
}

/// The idle-time provider stands there in libuv 1.44: a time in ns or 0, while a count of
/// iterations grows by small steps. The version is exported code, so it is asked instead.
bool counts_iterations(const ProcessImage& image) {
  for (const char* part : {"", "libnode", "libuv"}) {
    const auto* module = image.module(part);
    // uv_metrics_info came with the counter, in libuv 1.45
    if (module != nullptr && module->file && module->file->find_exported("uv_metrics_info"))
      return true;
  }
  return false;
}

}  // namespace

std::optional<UvLoop> UvLoop::find(const ProcessImage& image) {
  const auto address = address_of(image, "default_loop_struct");
  if (!address) return std::nullopt;
  UvLoop loop(image.pid(), *address);
  const auto fd = loop.memory_->value<std::int32_t>(*address + backend_fd_at);
  if (!fd || !is_epoll(image.pid(), *fd)) return std::nullopt;
  loop.epoll_fd_ = *fd;
  const auto fields = loop.memory_->value<std::uint64_t>(*address + internal_fields_at);
  if (fields && *fields != 0 && counts_iterations(image)) loop.counter_ = *fields + loop_count_at;
  return loop;
}

std::optional<UvLoop::State> UvLoop::read() const {
  // The counter first: a boundary between the two reads then shows up at the next look.
  State state;
  if (counter_ != 0) state.iterations = memory_->value<std::uint64_t>(counter_);
  const auto time = memory_->value<std::uint64_t>(address_ + time_at);
  if (!time) return std::nullopt;
  state.time_ms = static_cast<std::int64_t>(*time);
  return state;
}

std::optional<UvPool> UvPool::find(const ProcessImage& image) {
  const auto threads = address_of(image, "nthreads");
  const auto idle = address_of(image, "idle_threads");
  const auto queue = address_of(image, "wq");
  if (!threads || !idle || !queue) return std::nullopt;
  UvPool pool(image.pid());
  pool.threads_ = *threads;
  pool.idle_ = *idle;
  pool.queue_ = *queue;
  return pool;
}

std::optional<UvPool::State> UvPool::read() const {
  const auto threads = memory_->value<std::uint32_t>(threads_);
  const auto idle = memory_->value<std::uint32_t>(idle_);
  if (!threads || !idle) return std::nullopt;
  State state{*threads, *idle, 0};
  if (state.threads == 0 || state.idle > 0) return state;
  // a ring of {next, previous}; it changes while it is read, so the walk is bounded
  auto next = memory_->value<std::uint64_t>(queue_);
  while (next && *next != queue_ && *next != 0 && state.queued < most_queued) {
    ++state.queued;
    next = memory_->value<std::uint64_t>(*next);
  }
  return state;
}

}  // namespace triage::os
