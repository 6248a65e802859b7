#pragma once

/// Memory for columns with hundreds of millions of values: large ones lie on huge pages, because
/// page faults and address translation would else cost as much as the analysis itself, and what one
/// phase gives back the next one takes: the kernel clears fresh memory, which costs more than most
/// passes over it.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace triage::v8 {

/// Uninitialised memory of a fixed size. Throws std::bad_alloc.
class Block {
 public:
  Block() = default;
  explicit Block(std::size_t bytes);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    Block taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Block();
  [[nodiscard]] void* data() const { return data_; }

 private:
  void swap(Block& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(mapped_, other.mapped_);
  }
  void* data_ = nullptr;
  std::size_t mapped_ = 0;  ///< bytes of a block of its own; 0: a small one of the heap
};

/// A column whose length is known before its values: not filled with zeros first.
template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() = default;
  explicit Column(std::size_t size) : block_(size * sizeof(T)), size_(size) {}
  Column(std::size_t size, T value) : Column(size) {
    for (std::size_t i = 0; i < size; ++i) data()[i] = value;
  }
  Column(const Column& other) : Column(other.size_) {
    if (size_ > 0) std::memcpy(data(), other.data(), size_ * sizeof(T));
  }
  Column& operator=(const Column& other) {
    if (this != &other) *this = Column(other);
    return *this;
  }
  Column(Column&& other) noexcept
      : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
  Column& operator=(Column&& other) noexcept {
    block_ = std::move(other.block_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~Column() = default;
  [[nodiscard]] std::size_t size() const { return size_; }
  void shrink(std::size_t size) { size_ = size < size_ ? size : size_; }  ///< keeps the memory
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T* data() { return static_cast<T*>(block_.data()); }
  const T* data() const { return static_cast<const T*>(block_.data()); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  Block block_;
  std::size_t size_ = 0;
};

/// Gives a block of `wanted` bytes with the contents of `old`, which is given back; 0 frees. Large
/// ones are moved by their page tables, not byte by byte. Throws std::bad_alloc.
void* resize_block(void* old, std::size_t old_bytes, std::size_t wanted);

/// A column that grows.
template <class T>
class GrowingColumn {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  GrowingColumn() = default;
  GrowingColumn(const GrowingColumn&) = delete;
  GrowingColumn& operator=(const GrowingColumn&) = delete;
  GrowingColumn(GrowingColumn&& other) noexcept { swap(other); }
  GrowingColumn& operator=(GrowingColumn&& other) noexcept {
    GrowingColumn taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~GrowingColumn() { resize_block(data_, capacity_ * sizeof(T), 0); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  const T* data() const { return data_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  [[nodiscard]] const T& back() const { return data_[size_ - 1]; }
  void push_back(T value) {
    if (size_ == capacity_) reserve(size_ + 1);
    data_[size_++] = value;
  }
  void append(const T* values, std::size_t count) {
    if (count == 0) return;
    if (size_ + count > capacity_) reserve(size_ + count);
    std::memcpy(data_ + size_, values, count * sizeof(T));
    size_ += count;
  }

 private:
  void reserve(std::size_t least) {
    std::size_t capacity = capacity_ + capacity_ / 2 + 64;
    if (capacity < least) capacity = least;
    data_ = static_cast<T*>(resize_block(data_, capacity_ * sizeof(T), capacity * sizeof(T)));
    capacity_ = capacity;
  }
  void swap(GrowingColumn& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Sizes in bytes: four bytes each; the few of 4 GiB and more lie beside them.
class SizeColumn {
 public:
  SizeColumn() = default;
  explicit SizeColumn(std::size_t size) : low_(size) {}
  /// From this value on it takes more than four bytes.
  static constexpr std::uint32_t large = std::numeric_limits<std::uint32_t>::max();
  [[nodiscard]] std::size_t size() const { return low_.size(); }
  [[nodiscard]] std::uint64_t operator[](std::size_t i) const {
    return low_[i] == large ? large_.at(i) : low_[i];
  }
  void set(std::size_t i, std::uint64_t value) {
    if (value < large) {
      low_[i] = static_cast<std::uint32_t>(value);
      return;
    }
    low_[i] = large;
    large_[i] = value;
  }

 private:
  Column<std::uint32_t> low_;
  std::unordered_map<std::size_t, std::uint64_t> large_;
};

/// One bit each.
class BitColumn {
 public:
  BitColumn() = default;
  explicit BitColumn(std::size_t size) : words_(size / 64 + 1, 0) {}
  [[nodiscard]] bool operator[](std::size_t i) const {
    return ((words_[i / 64] >> (i % 64)) & 1U) != 0;
  }
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  /// Bits 64 * i and on, the lowest first.
  void set_word(std::size_t i, std::uint64_t word) { words_[i] = word; }
  void clear(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << (i % 64)); }

 private:
  Column<std::uint64_t> words_;
};

}  // namespace triage::v8
