#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lib/base/json_cursor.h"

namespace triage::store {

/// The bytes of a file, unpacked when its first bytes say gzip or Zstandard; "-" is standard input.
///
///   InputFile file("traces.json.gz");
///   JsonCursor cursor(file.reader());
///
/// Several packed members behind each other, as log rotation writes them, are one stream. A file
/// that is cut or damaged gives what is before that place; problem() then says so.
class InputFile {
 public:
  /// Throws Error{not_found, refused or usage} naming the path.
  explicit InputFile(const std::string& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// At most `size` unpacked bytes to `to`; 0 at the end.
  std::size_t read(char* to, std::size_t size);
  /// read() as a function; the file must outlive it.
  ReadBytes reader();
  [[nodiscard]] std::uint64_t packed_bytes() const;  ///< read from the file so far
  [[nodiscard]] const std::string& problem() const;  ///< empty when all was read well

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace triage::store
