// The programs of scenarios/leaks: each is run, and its kind and holder compared with truth.json.
#include <doctest/doctest.h>

#include <fstream>

#include "lib/base/json.h"
#include "tests/support/command.h"

using triage::Json;
using triage::testing::CommandResult;
using triage::testing::run_command;
using triage::testing::run_triage;
using triage::testing::TemporaryDirectory;

namespace {

struct Score {
  int programs = 0;
  int kinds = 0;
  int holders = 0;
  int leaks_called = 0;
  std::string wrong;
};

Json diff_of(const std::string& program) {
  const TemporaryDirectory directory;
  const std::string prefix = directory.path() + "/heap";
  const CommandResult made =
      run_command({"/usr/bin/env", "node", TRIAGE_SOURCE_DIR "/scenarios/leaks/" + program,
                   "--snapshots", prefix});
  REQUIRE_MESSAGE(made.exit_code == 0, program << ": " << made.error);
  const CommandResult result =
      run_triage({"heap", "diff", prefix + ".a.heapsnapshot", prefix + ".b.heapsnapshot",
                  prefix + ".c.heapsnapshot", "-o", "json", "--top", "3"});
  REQUIRE_MESSAGE(result.exit_code == 0, result.error);
  return Json::parse(result.out);
}

void judge(const Json& truth, Score& score) {
  const auto program = truth["program"].get<std::string>();
  const Json document = diff_of(program);
  ++score.programs;
  if (document["leak"] == "yes" || document["shape"] == "growing") ++score.leaks_called;
  if (truth["control"].get<bool>()) return;
  const Json& first = document["containers"][0];
  const auto holder = truth["holder"].get<std::string>();
  const auto variable = first["variable"].get<std::string>();
  const bool held = variable.find(holder) != std::string::npos || first["class_name"] == holder;
  const bool kind = !first["guess"].is_null() && first["guess"]["kind"] == truth["kind"];
  score.holders += held ? 1 : 0;
  score.kinds += kind ? 1 : 0;
  if (!held || !kind) score.wrong += program + ": " + first["guess"].dump() + " " + variable + "\n";
}

/// Every program of one group: "developed", "held_out" or "control".
Score score_of(const std::string& group) {
  std::ifstream file(TRIAGE_SOURCE_DIR "/scenarios/leaks/truth.json");
  Score score;
  for (const auto& truth : Json::parse(file)) {
    const std::string mine = truth["control"].get<bool>()    ? "control"
                             : truth["held_out"].get<bool>() ? "held_out"
                                                             : "developed";
    if (mine == group) judge(truth, score);
  }
  return score;
}

}  // namespace

TEST_CASE("leaks: kind and holder are right in nine of ten programs the rules were written on") {
  const Score score = score_of("developed");
  INFO(score.wrong);
  CHECK(score.programs == 26);
  CHECK(score.kinds * 10 >= score.programs * 9);
  CHECK(score.holders * 10 >= score.programs * 9);
}

TEST_CASE("leaks: and in nine of ten that were kept out") {
  const Score score = score_of("held_out");
  INFO(score.wrong);
  CHECK(score.programs == 26);
  CHECK(score.kinds * 10 >= score.programs * 9);
  CHECK(score.holders * 10 >= score.programs * 9);
}

TEST_CASE("leaks: no control is called growing") {
  const Score score = score_of("control");
  CHECK(score.programs == 12);
  CHECK(score.leaks_called == 0);
}
