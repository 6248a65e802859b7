#include "lib/os/memory_source.h"

#include <sys/uio.h>

#include <algorithm>

namespace triage::os {

std::size_t ProcessMemory::read(std::uint64_t address, std::span<std::byte> out) const {
  iovec local{out.data(), out.size()};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the other process
  iovec remote{reinterpret_cast<void*>(address), out.size()};
  const ssize_t count = ::process_vm_readv(pid_, &local, 1, &remote, 1, 0);
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

const CachedMemory::Page& CachedMemory::page_at(std::uint64_t address) const {
  const auto found = pages_.find(address);
  if (found != pages_.end()) return found->second;
  if (pages_.size() >= most_pages) {
    pages_.clear();
    storage_.clear();
  }
  Page page;
  page.slot = storage_.size();
  storage_.resize(page.slot + page_size);
  page.size = base_.read(address, std::span(storage_).subspan(page.slot, page_size));
  ++base_reads_;
  return pages_.emplace(address, page).first->second;
}

std::size_t CachedMemory::read(std::uint64_t address, std::span<std::byte> out) const {
  if (out.size() > 16 * page_size) {
    ++base_reads_;
    return base_.read(address, out);
  }
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t at = address + done;
    if (at < address) return done;  // past the end of the address space
    const std::uint64_t offset = at % page_size;
    const Page& page = page_at(at - offset);
    if (offset >= page.size) return done;
    const std::size_t count = std::min<std::size_t>(page.size - offset, out.size() - done);
    std::memcpy(out.data() + done, storage_.data() + page.slot + offset, count);
    done += count;
    if (page.size < page_size) return done;
  }
  return done;
}

void CachedMemory::forget() {
  pages_.clear();
  storage_.clear();
}

std::size_t OverlayMemory::read(std::uint64_t address, std::span<std::byte> out) const {
  if (address >= address_ && address - address_ < bytes_.size()) {
    const std::size_t offset = address - address_;
    const std::size_t count = std::min(out.size(), bytes_.size() - offset);
    std::memcpy(out.data(), bytes_.data() + offset, count);
    if (count == out.size()) return count;
    return count + base_.read(address + count, out.subspan(count));
  }
  const std::size_t count = base_.read(address, out);
  // a read that begins below the copy and reaches into it
  if (address < address_ && address_ - address < count) {
    const std::size_t offset = address_ - address;
    const std::size_t over = std::min(count - offset, bytes_.size());
    std::memcpy(out.data() + offset, bytes_.data(), over);
  }
  return count;
}

}  // namespace triage::os
