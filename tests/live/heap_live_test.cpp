// Real snapshots of the Node.js that is installed.
#include <doctest/doctest.h>

#include <algorithm>

#include "lib/base/json.h"
#include "tests/support/command.h"

using triage::Json;
using triage::testing::CommandResult;
using triage::testing::run_command;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

class Snapshots {
 public:
  explicit Snapshots(const std::string& kind) : prefix_(directory_.path() + "/heap") {
    const CommandResult made = run_command(
        {"/usr/bin/env", "node", TRIAGE_SOURCE_DIR "/tests/data/heap/snapshots.js", kind, prefix_});
    REQUIRE_MESSAGE(made.exit_code == 0, made.error);
  }
  [[nodiscard]] std::string file(const char* name) const { return prefix_ + "." + name; }
  [[nodiscard]] Json diff() const {
    const CommandResult result =
        run_triage({"heap", "diff", file("a"), file("b"), file("c"), "-o", "json"});
    CHECK(result.exit_code == 0);
    CHECK(result.error.empty());
    return Json::parse(result.out);
  }

 private:
  TemporaryDirectory directory_;
  std::string prefix_;
};

/// The whole way to the first container, as one text.
std::string way(const Json& document) {
  std::string text;
  for (const auto& step : document["containers"][0]["path"])
    text += step.get<std::string>() + " > ";
  return text;
}

}  // namespace

TEST_CASE("heap: a Map that only grows is named with the variable that holds it") {
  const Snapshots snapshots("leak");
  const Json document = snapshots.diff();
  CHECK(document["shape"] == "growing");
  CHECK(document["severity"] == "warn");
  CHECK(document["id_agreement_ratio"].get<double>() > 0.995);
  CHECK(document["containers"][0]["class_name"] == "Map");
  CHECK(document["containers"][0]["new_ratio"].get<double>() > 0.8);
  CHECK(way(document).find("visits: Map") != std::string::npos);
}

TEST_CASE("heap: listeners that are never removed lead to the emitter") {
  const Json document = Snapshots("listeners").diff();
  CHECK(document["shape"] == "growing");
  CHECK(way(document).find("_events") != std::string::npos);
  CHECK(way(document).find("config: Array") != std::string::npos);
}

TEST_CASE("heap: a cache that fills up is not called growing") {
  const Json document = Snapshots("bounded").diff();
  CHECK(document["shape"] != "growing");
  CHECK(document["severity"] != "warn");
}

TEST_CASE("heap: a program that keeps nothing is flat") {
  const Json document = Snapshots("idle").diff();
  CHECK(document["shape"] == "flat");
  CHECK(document["severity"] == "ok");
}

TEST_CASE("heap: one snapshot shows the largest holder") {
  const Snapshots snapshots("leak");
  const auto result = run_triage({"heap", "show", snapshots.file("c"), "-o", "json"});
  CHECK(result.exit_code == 0);
  const Json document = Json::parse(result.out);
  CHECK(document["holders"][0]["class_name"] == "Map");
  CHECK(document["severity"] == "info");
}

TEST_CASE("heap: a cut file is one line with what is whole") {
  const Snapshots snapshots("idle");
  const auto cut = run_command({"/usr/bin/env", "head", "-c", "900000", snapshots.file("a")});
  const TemporaryDirectory directory;
  const std::string file = directory.write("cut.heapsnapshot", cut.out);
  const auto result = run_triage({"heap", "show", file});
  CHECK(result.exit_code == 7);
  CHECK(result.out.empty());
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(result.error.find("it was cut at byte 900000") != std::string::npos);
}

TEST_CASE("heap: a packed file is read as it is") {
  const Snapshots snapshots("idle");
  const TemporaryDirectory directory;
  const auto packed = run_command({"/usr/bin/env", "gzip", "-c", snapshots.file("a")});
  const std::string file = directory.write("a.gz", packed.out);
  const auto plain = run_triage({"heap", "show", snapshots.file("a"), "-o", "json"});
  const auto unpacked = run_triage({"heap", "show", file, "-o", "json"});
  CHECK(Json::parse(unpacked.out)["classes"] == Json::parse(plain.out)["classes"]);
  CHECK(Json::parse(unpacked.out)["file_bytes"] == packed.out.size());
}
