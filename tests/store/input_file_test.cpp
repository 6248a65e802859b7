#include "lib/store/input_file.h"

#include <doctest/doctest.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "lib/base/error.h"

namespace {

namespace fs = std::filesystem;

/// A folder of its own that goes away.
class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "triage-input-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::string lines() {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + '\n';
  return text;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_all(triage::store::InputFile& file) {
  std::string text;
  std::string piece(10'000, '\0');
  while (const std::size_t got = file.read(piece.data(), piece.size())) text.append(piece, 0, got);
  return text;
}

std::string read_all(const std::string& path) {
  triage::store::InputFile file(path);
  return read_all(file);
}

}  // namespace

TEST_CASE("input file: plain, gzip and Zstandard files give the same bytes") {
  const Folder folder;
  const std::string plain = folder / "plain";
  write(plain, lines());
  CHECK(read_all(plain) == lines());
  REQUIRE(std::system(("gzip -k " + plain).c_str()) == 0);
  CHECK(read_all(plain + ".gz") == lines());
  std::string packed(ZSTD_compressBound(lines().size()), '\0');
  const std::string text = lines();
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  write(plain + ".zst", packed);
  CHECK(read_all(plain + ".zst") == text);
  // two members behind each other are one stream
  REQUIRE(std::system(("cat " + plain + ".gz " + plain + ".gz > " + plain + "2.gz").c_str()) == 0);
  CHECK(read_all(plain + "2.gz") == lines() + lines());
}

TEST_CASE("input file: a gzip file that was cut gives its beginning and says so") {
  const Folder folder;
  const std::string plain = folder / "plain";
  write(plain, lines());
  REQUIRE(std::system(("gzip " + plain).c_str()) == 0);
  fs::resize_file(plain + ".gz", fs::file_size(plain + ".gz") / 2);
  triage::store::InputFile file(plain + ".gz");
  const std::string text = read_all(file);
  CHECK(!text.empty());
  CHECK(lines().compare(0, text.size(), text) == 0);
  CHECK(file.problem() == "the gzip stream ends too early");
}

TEST_CASE("input file: an empty file is empty, a missing one and a folder are errors") {
  const Folder folder;
  write(folder / "empty", "");
  CHECK(read_all(folder / "empty").empty());
  CHECK_THROWS_AS(read_all(folder / "absent"), triage::Error);
  CHECK_THROWS_AS(read_all(folder / ""), triage::Error);
}
