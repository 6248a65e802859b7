#include "lib/base/json.h"

#include <doctest/doctest.h>

namespace sample {

struct Slot {
  std::int64_t used_count = 0;
  std::optional<double> age_s;
  std::vector<std::string> names;
};

template <class Visitor, class Self>
void fields(Visitor& visit, Self& self, const Slot* /*tag*/) {
  visit("used_count", self.used_count, "client backends now");
  visit("age_s", self.age_s, "seconds; null when unknown");
  visit("names", self.names, "names");
}

}  // namespace sample

using triage::Json;

TEST_CASE("json: a described value comes back from its own JSON") {
  const sample::Slot slot{7, 1.5, {"a", "b"}};
  const Json json = triage::to_json(slot);
  CHECK(json.dump() == R"({"used_count":7,"age_s":1.5,"names":["a","b"]})");
  CHECK(triage::to_json(triage::from_json<sample::Slot>(json, "slot")) == json);
}

TEST_CASE("json: unknown is null, and so are NaN and infinity") {
  sample::Slot slot;
  CHECK(triage::to_json(slot)["age_s"].is_null());
  slot.age_s = std::nan("");
  CHECK(triage::to_json(slot)["age_s"].is_null());
}

TEST_CASE("json: a wrong type is malformed and names the place") {
  try {
    triage::from_json<sample::Slot>(Json::parse(R"({"names":[1]})"), "slot");
    FAIL("no error");
  } catch (const triage::Error& error) {
    CHECK(error.code() == triage::ErrorCode::malformed);
    CHECK(std::string(error.what()) == "slot.names[]: expected text");
  }
}

TEST_CASE("json: the schema requires every key and lets optional ones be null") {
  const Json schema = triage::schema_of<sample::Slot>();
  CHECK(schema["required"].size() == 3);
  CHECK(schema["properties"]["age_s"]["type"] == Json::array({"number", "null"}));
}
