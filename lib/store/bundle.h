#pragma once

/// A recorded run in one file. Each entry is one line of JSON in a zstd frame of its own with a
/// checksum, behind a skippable frame (RFC 8878, section 3.1.2) that holds the entry's name. So
/// `zstd -dc run.triage` prints NDJSON, a run that was cut off keeps its whole entries, and a
/// damaged entry costs only itself.
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace triage::store {

/// Writes entries as they come; each is in the file when append() returns.
class BundleWriter {
 public:
  /// Throws Error{usage} when the file cannot be written.
  explicit BundleWriter(const std::string& path);

  /// `line` is JSON without a line break. Throws Error{budget} when the disk is full.
  void append(std::string_view name, std::string_view line);

 private:
  std::string path_;
  std::ofstream file_;
};

struct BundleEntry {
  std::string name;
  std::string line;  ///< as it was appended
};

struct Bundle {
  std::vector<BundleEntry> entries;  ///< in the order of the file
  std::vector<std::string> lost;     ///< one sentence for each damaged stretch
};

/// Everything of a file that is intact. Throws Error{not_found} when it cannot be read and
/// Error{malformed} when it is no bundle at all.
Bundle read_bundle(const std::string& path);

/// The same of its bytes; `name` stands in messages.
Bundle parse_bundle(std::string_view bytes, const std::string& name);

}  // namespace triage::store
