#include "lib/v8/column.h"

#include <sys/mman.h>

#include <algorithm>

namespace triage::v8 {
namespace {

constexpr std::size_t huge_page = 2UL << 20U;

std::uintptr_t round_up(std::uintptr_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

}  // namespace

/// Large blocks begin on a huge page; their end is not rounded up, so that nothing is wasted.
Block::Block(std::size_t bytes) : bytes_(bytes) {
  if (bytes < 2 * huge_page) {
    data_ = ::operator new(bytes);
    return;
  }
  const std::size_t length = round_up(bytes, 4096);
  const std::size_t mapped = length + huge_page;
  void* start = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) throw std::bad_alloc();
  char* first = static_cast<char*>(start);
  const std::size_t before = round_up(reinterpret_cast<std::uintptr_t>(start), huge_page) -
                             reinterpret_cast<std::uintptr_t>(start);
  if (before > 0) ::munmap(first, before);
  if (huge_page > before) ::munmap(first + before + length, huge_page - before);
  data_ = first + before;
  ::madvise(data_, length, MADV_HUGEPAGE);  // a wish: without it all is the same, but slower
}

Block::~Block() {
  if (data_ == nullptr) return;
  if (bytes_ < 2 * huge_page)
    ::operator delete(data_);
  else
    ::munmap(data_, round_up(bytes_, 4096));
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
