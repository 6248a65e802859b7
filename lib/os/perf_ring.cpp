#include "lib/os/perf_ring.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "lib/base/error.h"

namespace triage::os {
namespace {

std::size_t page_size() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void fail(int error, pid_t tid) {
  if (error == ESRCH) throw Error(ErrorCode::not_found, fmt::format("thread {} has ended", tid));
  if (error == EACCES || error == EPERM)
    throw Error(ErrorCode::refused, "the kernel refuses perf events on this process",
                "run with sudo, or grant CAP_PERFMON; in a container the seccomp profile must "
                "allow perf_event_open");
  if (error == EMFILE)
    throw Error(ErrorCode::refused, "no file descriptors are left for perf events",
                "raise the limit: ulimit -n 8192");
  throw Error(ErrorCode::refused, fmt::format("perf_event_open: {}", std::strerror(error)),
              "the kernel may be built without perf events");
}

}  // namespace

Fd open_perf_event(const perf_event_attr& attributes, pid_t tid, int group_fd) {
  perf_event_attr copy = attributes;
  copy.size = sizeof copy;
  const auto open = [&] {
    return static_cast<int>(::syscall(SYS_perf_event_open, &copy, tid, -1, group_fd,
                                      static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC)));
  };
  int fd = open();
  if (fd < 0 && (errno == EACCES || errno == EPERM) && copy.exclude_kernel == 0) {
    // kernel.perf_event_paranoid 2 still allows what counts as the thread's own doing
    copy.exclude_kernel = 1;
    fd = open();
  }
  if (fd < 0) fail(errno, tid);
  return Fd(fd);
}

std::uint64_t perf_event_id(const Fd& event) {
  std::uint64_t id = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-cstyle-cast): the macro of the kernel's header
  if (::ioctl(event.get(), PERF_EVENT_IOC_ID, &id) != 0) fail(errno, 0);
  return id;
}

void share_perf_ring(const Fd& event, const Fd& owner) {
  if (::ioctl(event.get(), PERF_EVENT_IOC_SET_OUTPUT, owner.get()) != 0) fail(errno, 0);
}

PerfRing::PerfRing(const Fd& event, std::size_t pages) : data_size_(pages * page_size()) {
  void* map =
      ::mmap(nullptr, data_size_ + page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, event.get(), 0);
  if (map == MAP_FAILED)
    throw Error(ErrorCode::refused, fmt::format("no memory for a ring: {}", std::strerror(errno)),
                "raise kernel.perf_event_mlock_kb or run with sudo");
  map_ = static_cast<std::byte*>(map);
}

PerfRing::PerfRing(PerfRing&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)), data_size_(other.data_size_) {}

PerfRing& PerfRing::operator=(PerfRing&& other) noexcept {
  std::swap(map_, other.map_);
  std::swap(data_size_, other.data_size_);
  return *this;
}

PerfRing::~PerfRing() {
  if (map_ != nullptr) ::munmap(map_, data_size_ + page_size());
}

void PerfRing::drain(const std::function<void(const PerfRecord&)>& use) {
  auto* page = reinterpret_cast<perf_event_mmap_page*>(map_);
  const std::byte* data = map_ + page_size();
  const std::uint64_t head = std::atomic_ref(page->data_head).load(std::memory_order_acquire);
  std::uint64_t tail = page->data_tail;
  if (tail == head) return;
  std::vector<std::byte> joined;  // for the record that wraps around the end
  while (tail < head) {
    perf_event_header header{};
    const std::size_t at = tail % data_size_;  // headers are 8-byte aligned and never wrap
    std::memcpy(&header, data + at, sizeof header);
    if (header.size < sizeof header || header.size > head - tail) break;
    const std::byte* record = data + at;
    if (at + header.size > data_size_) {
      const std::size_t first = data_size_ - at;
      joined.resize(header.size);
      std::memcpy(joined.data(), record, first);
      std::memcpy(joined.data() + first, data, header.size - first);
      record = joined.data();
    }
    use({header.type, header.misc, {record + sizeof header, header.size - sizeof header}});
    tail += header.size;
  }
  std::atomic_ref(page->data_tail).store(head, std::memory_order_release);
}

}  // namespace triage::os
