#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace triage::store {

/// A new file that is written as one Zstandard stream, piece by piece, for its owner's eyes only.
/// It has its name only when it is whole: until finish() it is "<path>.part", which stays when
/// writing was broken off, and which InputFile reads up to where it ends.
class PackedFile {
 public:
  /// Throws Error{usage} when it cannot be created or exists already: nothing is overwritten.
  explicit PackedFile(const std::string& path);
  PackedFile(const PackedFile&) = delete;
  PackedFile& operator=(const PackedFile&) = delete;
  ~PackedFile();

  /// Throws Error{budget} when the disk is full.
  void write(std::string_view piece);
  void finish();
  [[nodiscard]] std::uint64_t unpacked_bytes() const;
  [[nodiscard]] std::uint64_t packed_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace triage::store
