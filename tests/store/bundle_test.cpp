#include "lib/store/bundle.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/base/error.h"

using triage::store::Bundle;
using triage::store::BundleWriter;
using triage::store::parse_bundle;

namespace {

/// The bytes of a bundle with three entries.
std::string sample() {
  const std::string path = "/tmp/triage-bundle-test-" + std::to_string(::getpid());
  {
    BundleWriter writer(path);
    writer.append("header", R"({"command":"pool"})");
    writer.append("probe pool", R"({"sample":")" + std::string(5000, 'x') + "\"}");
    writer.append("end", "{}");
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  return bytes;
}

}  // namespace

TEST_CASE("bundle: what was appended is read again") {
  const Bundle bundle = parse_bundle(sample(), "b");
  REQUIRE(bundle.entries.size() == 3);
  CHECK(bundle.lost.empty());
  CHECK(bundle.entries[0].name == "header");
  CHECK(bundle.entries[1].line.size() == 5000 + 13);
  CHECK(bundle.entries[2].line == "{}");
}

TEST_CASE("bundle: every cut keeps the whole entries and says that one is lost") {
  const std::string bytes = sample();
  std::size_t most = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    try {
      const Bundle bundle = parse_bundle(bytes.substr(0, size), "b");
      CHECK(bundle.entries.size() >= most);
      most = bundle.entries.size();
      // A cut between two entries cannot be seen here: the reader misses the entry "end".
      CHECK(bundle.entries.size() + bundle.lost.size() <= 3);
    } catch (const triage::Error& error) {
      CHECK(error.code() == triage::ErrorCode::malformed);
      CHECK(most == 0);
    }
  }
  CHECK(most == 2);
}

TEST_CASE("bundle: a flipped byte loses one entry, never the others") {
  const std::string bytes = sample();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    CAPTURE(at);
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(~damaged[at]);
    const Bundle bundle = parse_bundle(damaged, "b");
    CHECK(bundle.entries.size() >= 2);
    // A byte of a name is not covered by a checksum; everything else is.
    if (bundle.entries.size() == 3)
      CHECK(bundle.entries[1].line.size() == 5000 + 13);
    else
      CHECK_FALSE(bundle.lost.empty());
  }
}

TEST_CASE("bundle: a file that is none is refused") {
  CHECK_THROWS_AS(parse_bundle("", "b"), triage::Error);
  CHECK_THROWS_AS(parse_bundle("{\"schema\":1}", "b"), triage::Error);
}
