#include "lib/base/json_cursor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace {

using triage::JsonCursor;

/// One byte at a time, so that every token meets the end of a piece.
triage::ReadBytes in_bytes(std::string_view text) {
  return [text](char* to, std::size_t size) mutable {
    const std::size_t count = std::min<std::size_t>({size, text.size(), 1});
    std::copy_n(text.begin(), count, to);
    text.remove_prefix(count);
    return count;
  };
}

}  // namespace

TEST_CASE("json cursor: texts, numbers and nesting come out whole from single bytes") {
  JsonCursor cursor(in_bytes(
      R"( {"a\n\u00e9\ud83d\ude00" : [1, -2.5e1, "17", true, null, {"x":[[]]}], "b":"c\"d\\"} )"));
  std::vector<std::string> keys;
  std::vector<std::int64_t> numbers;
  std::string text;
  cursor.object([&](std::string_view key) {
    keys.emplace_back(key);
    if (keys.size() == 1)
      cursor.array([&] { numbers.push_back(cursor.integer()); });
    else
      text = cursor.text();
  });
  CHECK(keys == std::vector<std::string>{"a\n\xC3\xA9\xF0\x9F\x98\x80", "b"});
  CHECK(numbers == std::vector<std::int64_t>{1, -25, 17, 0, 0, 0});
  CHECK(text == "c\"d\\");
  CHECK(cursor.at_end());
  CHECK(cursor.whole());
}

TEST_CASE("json cursor: nanoseconds keep all their digits, too large numbers the nearest") {
  JsonCursor cursor(
      triage::read_from(R"([1795503404372000001,"1795503404372000001",1e300,-1e300])"));
  std::vector<std::int64_t> numbers;
  cursor.array([&] { numbers.push_back(cursor.integer()); });
  CHECK(numbers ==
        std::vector<std::int64_t>{1795503404372000001, 1795503404372000001, INT64_MAX, INT64_MIN});
}

TEST_CASE("json cursor: a cut or nonsense stops it with the byte") {
  for (const char* text : {"", "{", "[1", "[1,", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "[\"a\\",
                           "nothing?", "[1 2]", "{\"a\" 1}", "{1:2}", "[}", "<html>", "[[[[\x01"}) {
    JsonCursor cursor(triage::read_from(text));
    cursor.object([&](std::string_view /*key*/) { cursor.integer(); });
    if (std::strlen(text) == 0 || text[0] == '{') {
      CHECK_MESSAGE(!cursor.whole(), text);
      CHECK_MESSAGE(cursor.problem().find("byte ") == 0, text);
    }
    JsonCursor other(triage::read_from(text));
    int items = 0;
    other.array([&] { other.skip(), ++items; });
    CHECK(items < 100);
  }
}

TEST_CASE("json cursor: strings longer than its buffer are passed over and read") {
  const std::string large(3'000'000, 'x');
  const std::string document = "[\"" + large + "\",\"" + large + "\"]";
  JsonCursor again(triage::read_from(document));
  bool first = true;
  std::size_t size = 0;
  again.array([&] {
    if (first)
      again.skip();
    else
      size = again.text().size();
    first = false;
  });
  CHECK(size == large.size());
  CHECK(again.at_end());
}

TEST_CASE("json cursor: nesting without end is refused, not followed") {
  const std::string deep(100'000, '[');
  JsonCursor other(triage::read_from(deep));
  other.skip();
  CHECK(!other.whole());
}
