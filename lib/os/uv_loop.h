#pragma once

/// libuv's own state in the memory of a running Node.js process: the loop of its main thread and
/// the thread pool. Read-only; the process is not stopped.
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "lib/os/memory_source.h"
#include "lib/os/process_image.h"

namespace triage::os {

/// The main thread's `uv_loop_t`, the static `default_loop_struct`. Offsets are those of libuv 1.44
/// to 1.52 on 64-bit Linux (include/uv.h, include/uv/unix.h, src/uv-common.h) and are verified
/// against the process: the descriptor must be an epoll one.
class UvLoop {
 public:
  struct State {
    std::int64_t time_ms = 0;  ///< CLOCK_MONOTONIC; set when an iteration begins and after a wait
    std::optional<std::uint64_t> iterations;  ///< libuv 1.45 and later
  };

  /// Nothing when the symbol is missing (stripped, or a shared libuv) or the check fails.
  static std::optional<UvLoop> find(const ProcessImage& image);

  [[nodiscard]] int epoll_fd() const { return epoll_fd_; }
  [[nodiscard]] std::optional<State> read() const;

 private:
  UvLoop(pid_t pid, std::uint64_t address) : memory_(new ProcessMemory(pid)), address_(address) {}

  std::shared_ptr<const ProcessMemory> memory_;
  std::uint64_t address_;
  std::uint64_t counter_ = 0;  ///< address of the iteration counter; 0 without
  int epoll_fd_ = -1;
};

/// The thread pool (src/threadpool.c): static variables of libuv.
class UvPool {
 public:
  struct State {
    std::int64_t threads = 0;  ///< 0 until the pool is used for the first time
    std::int64_t idle = 0;
    std::int64_t queued = 0;  ///< work that no thread has taken; at most 256 are counted
  };

  static std::optional<UvPool> find(const ProcessImage& image);
  [[nodiscard]] std::optional<State> read() const;

 private:
  explicit UvPool(pid_t pid) : memory_(new ProcessMemory(pid)) {}

  std::shared_ptr<const ProcessMemory> memory_;
  std::uint64_t threads_ = 0;
  std::uint64_t idle_ = 0;
  std::uint64_t queue_ = 0;
};

}  // namespace triage::os
