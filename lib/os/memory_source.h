#pragma once

/// Bytes of another process by address, wherever they come from: the running process, a copied
/// stack laid over it, or a plain buffer in tests. What is read is never trusted: a reader checks
/// each value, and every read is bounded.
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace triage::os {

class MemorySource {
 public:
  MemorySource() = default;
  MemorySource(const MemorySource&) = delete;
  MemorySource& operator=(const MemorySource&) = delete;
  virtual ~MemorySource() = default;
  /// Copies up to out.size() bytes from `address`; the number of leading bytes that could be read.
  virtual std::size_t read(std::uint64_t address, std::span<std::byte> out) const = 0;

  /// One little-endian value; nothing when its bytes are not all readable.
  template <class Value>
  [[nodiscard]] std::optional<Value> value(std::uint64_t address) const {
    Value result{};
    const auto bytes = std::as_writable_bytes(std::span(&result, 1));
    if (read(address, bytes) != sizeof(Value)) return std::nullopt;
    return result;
  }
};

/// The running process, by process_vm_readv (needs the right to trace it). Nothing is stopped.
class ProcessMemory final : public MemorySource {
 public:
  explicit ProcessMemory(pid_t pid) : pid_(pid) {}
  std::size_t read(std::uint64_t address, std::span<std::byte> out) const override;

 private:
  pid_t pid_;
};

/// Keeps the pages that were read, so that a walk of a hundred small reads costs a dozen system
/// calls and sees one state of each page. `forget()` before the next sample.
class CachedMemory final : public MemorySource {
 public:
  explicit CachedMemory(const MemorySource& base) : base_(base) {}
  std::size_t read(std::uint64_t address, std::span<std::byte> out) const override;
  void forget();
  /// System calls or reads of the base since the start.
  [[nodiscard]] std::uint64_t base_reads() const { return base_reads_; }

 private:
  static constexpr std::size_t page_size = 4096;
  static constexpr std::size_t most_pages = 4096;  ///< 16 MiB
  struct Page {
    std::size_t size = 0;  ///< readable bytes
    std::size_t slot = 0;
  };
  const Page& page_at(std::uint64_t address) const;

  const MemorySource& base_;
  mutable std::unordered_map<std::uint64_t, Page> pages_;
  mutable std::vector<std::byte> storage_;
  mutable std::uint64_t base_reads_ = 0;
};

/// A copied stretch (a stack that perf copied when it took the sample) in front of another source.
class OverlayMemory final : public MemorySource {
 public:
  OverlayMemory(const MemorySource& base, std::uint64_t address, std::span<const std::byte> bytes)
      : base_(base), address_(address), bytes_(bytes) {}
  std::size_t read(std::uint64_t address, std::span<std::byte> out) const override;

 private:
  const MemorySource& base_;
  std::uint64_t address_;
  std::span<const std::byte> bytes_;
};

}  // namespace triage::os
