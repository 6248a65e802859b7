#include "lib/v8/column.h"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace triage::v8 {
namespace {

constexpr std::size_t huge_page = 2UL << 20U;

std::uintptr_t round_up(std::uintptr_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

/// A block of `length` bytes that begins on a huge page; its end is not rounded up, so that nothing
/// is wasted.
void* map_block(std::size_t length) {
  const std::size_t mapped = length + huge_page;
  void* start = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  char* first = static_cast<char*>(start);
  const std::size_t before = round_up(reinterpret_cast<std::uintptr_t>(start), huge_page) -
                             reinterpret_cast<std::uintptr_t>(start);
  if (before > 0) ::munmap(first, before);
  if (huge_page > before) ::munmap(first + before + length, huge_page - before);
  ::madvise(first + before, length, MADV_HUGEPAGE);  // a wish: else all is the same, but slower
  return first + before;
}

/// Blocks that were given back, for the next column. Before fresh memory is asked for, as much of
/// what lies here goes back to the kernel: the peak is that of the blocks in use.
class FreeBlocks {
 public:
  FreeBlocks() { free_.reserve(64); }
  void* take(std::size_t& length) {
    const std::lock_guard lock(mutex_);
    auto best = free_.end();
    for (auto at = free_.begin(); at != free_.end(); ++at)
      if (at->length >= length && (best == free_.end() || at->length < best->length)) best = at;
    if (best == free_.end()) {
      release(length);
      return nullptr;
    }
    void* data = best->data;
    const std::size_t rest = best->length - length;
    if (rest < 2 * huge_page) {
      length = best->length;
      free_.erase(best);
    } else {
      const std::size_t used = round_up(length, huge_page);
      *best = {static_cast<char*>(best->data) + used, best->length - used};
      length = used;
    }
    return data;
  }
  void put(void* data, std::size_t length) {
    const std::lock_guard lock(mutex_);
    if (free_.size() < free_.capacity())
      free_.push_back({data, length});
    else
      ::munmap(data, length);
  }

 private:
  struct Free {
    void* data;
    std::size_t length;
  };
  void release(std::size_t wanted) {
    for (std::size_t released = 0; released < wanted && !free_.empty(); free_.pop_back()) {
      ::munmap(free_.back().data, free_.back().length);
      released += free_.back().length;
    }
  }
  std::mutex mutex_;
  std::vector<Free> free_;
};

/// Never destroyed: columns may outlive other static objects.
FreeBlocks& free_blocks() {
  static auto* blocks = new FreeBlocks;
  return *blocks;
}

}  // namespace

Block::Block(std::size_t bytes) {
  if (bytes < 2 * huge_page) {
    data_ = ::operator new(bytes);
    return;
  }
  mapped_ = round_up(bytes, 4096);
  data_ = free_blocks().take(mapped_);
  if (data_ == nullptr) data_ = map_block(mapped_);
}

Block::~Block() {
  if (data_ == nullptr) return;
  if (mapped_ == 0)
    ::operator delete(data_);
  else
    free_blocks().put(data_, mapped_);
}

void* resize_block(void* old, std::size_t old_bytes, std::size_t wanted) {
  // every block begins as a small one, so what is large now was mapped here
  const auto is_mapped = [](std::size_t bytes) { return bytes >= huge_page; };
  if (wanted == 0) {
    if (is_mapped(old_bytes))
      ::munmap(old, round_up(old_bytes, 4096));
    else
      ::operator delete(old);
    return nullptr;
  }
  if (is_mapped(old_bytes)) {
    void* moved = ::mremap(old, round_up(old_bytes, 4096), round_up(wanted, 4096), MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) throw std::bad_alloc();
    ::madvise(moved, round_up(wanted, 4096), MADV_HUGEPAGE);
    return moved;
  }
  void* block = nullptr;
  if (is_mapped(wanted)) {
    block = ::mmap(nullptr, round_up(wanted, 4096), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) throw std::bad_alloc();
  } else {
    block = ::operator new(wanted);
  }
  if (old_bytes > 0) std::memcpy(block, old, std::min(old_bytes, wanted));
  ::operator delete(old);
  return block;
}

}  // namespace triage::v8
