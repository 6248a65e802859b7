#include "lib/store/packed_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "lib/base/error.h"
#include "lib/store/input_file.h"

namespace fs = std::filesystem;
using triage::store::InputFile;
using triage::store::PackedFile;

namespace {

/// A name of its own in a directory that goes with it.
struct Place {
  fs::path directory = fs::temp_directory_path() / ("packed-file-" + std::to_string(::getpid()));
  std::string file = (directory / "heap.zst").string();
  Place() { fs::create_directories(directory); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { fs::remove_all(directory); }
};

std::string content(const std::string& path) {
  InputFile file(path);
  std::string text(1 << 20, '\0');
  std::string all;
  while (const std::size_t size = file.read(text.data(), text.size())) all.append(text, 0, size);
  return all;
}

}  // namespace

TEST_CASE("packed file: what goes in comes out, and only a whole file has the name") {
  const Place place;
  std::string all;
  PackedFile file(place.file);
  for (int i = 0; i < 20000; ++i) {
    const std::string piece = "row " + std::to_string(i * 7919) + "\n";
    file.write(piece);
    all += piece;
  }
  CHECK_FALSE(fs::exists(place.file));
  file.finish();
  CHECK(fs::exists(place.file));
  CHECK_FALSE(fs::exists(place.file + ".part"));
  CHECK(content(place.file) == all);
  CHECK(file.unpacked_bytes() == all.size());
  CHECK(file.packed_bytes() == fs::file_size(place.file));
  CHECK((fs::status(place.file).permissions() & fs::perms::others_all) == fs::perms::none);
}

TEST_CASE("packed file: nothing is overwritten") {
  const Place place;
  PackedFile(place.file).finish();
  CHECK_THROWS_AS(PackedFile(place.file), triage::Error);
  CHECK_THROWS_AS(PackedFile(place.directory.string() + "/no/such/place"), triage::Error);
}
