#include "lib/diagnose/engine.h"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "lib/base/error.h"

using namespace triage;            // NOLINT(google-build-using-namespace): one unit, many names
using namespace triage::diagnose;  // NOLINT(google-build-using-namespace)

namespace {

Step step(const std::string& id, std::vector<std::string> needs = {}) {
  Step value;
  value.id = id;
  value.use = id;
  value.title = id;
  value.with = "{}";
  value.needs = std::move(needs);
  return value;
}

Collection run(const Runbook& runbook, const Runner& runner,
               std::chrono::milliseconds wall = std::chrono::seconds(30),
               const Inputs& inputs = {}) {
  const SystemClock clock;
  Session session(clock);
  const Questions questions{[](const Step& /*step*/, const std::string& documents) {
                              return documents.find("\"go\":1") != std::string::npos;
                            },
                            [](const Step& /*step*/, const std::string& documents) {
                              return "{\"seen\":" + documents + "}";
                            }};
  return collect(runbook, inputs, runner, questions, session, wall);
}

}  // namespace

TEST_CASE("engine: steps run side by side") {
  Runbook runbook;
  runbook.steps = {step("a"), step("b")};
  // each waits for the other: one after the other they would never end
  auto arrived = std::make_shared<std::atomic<int>>(0);
  const Collection collection =
      run(runbook, [arrived](const std::string&, const std::string&, Session& session) {
        arrived->fetch_add(1);
        while (arrived->load() < 2 && !session.cancelled()) std::this_thread::yield();
        return ProbeAnswer{arrived->load() == 2 ? "{}" : "", std::nullopt};
      });
  CHECK(collection.steps.at("a").state == StepOutcome::State::answered);
  CHECK(collection.steps.at("b").state == StepOutcome::State::answered);
  CHECK(documents_of(runbook, collection) == R"({"a":{},"b":{}})");
  CHECK(documents_of(runbook, collection, "a") == R"({"a":null,"b":{}})");
}

TEST_CASE("engine: a probe that throws or answers nonsense is a gap and the others go on") {
  Runbook runbook;
  runbook.steps = {step("bad"), step("odd"), step("good")};
  const Collection collection =
      run(runbook, [](const std::string& use, const std::string&, Session&) -> ProbeAnswer {
        if (use == "bad") throw Error(ErrorCode::unreachable, "down", "start it");
        return {use == "odd" ? "<html>" : R"({"x":1})", std::nullopt};
      });
  CHECK(collection.steps.at("good").document == R"({"x":1})");
  CHECK(collection.steps.at("bad").state == StepOutcome::State::failed);
  REQUIRE(collection.gaps.size() == 2);
  CHECK(collection.gaps[0].what == "bad");
  CHECK(collection.gaps[0].why == "down");
  CHECK(collection.gaps[0].remedy == "start it");
  CHECK(collection.gaps[1].what == "odd");
}

TEST_CASE("engine: a step without its input is not run and says which is missing") {
  Runbook runbook;
  runbook.steps = {step("pg", {"db"})};
  const Collection collection =
      run(runbook, [](const std::string&, const std::string&, Session&) -> ProbeAnswer {
        FAIL("ran");
        return {};
      });
  CHECK(collection.steps.at("pg").state == StepOutcome::State::skipped);
  CHECK(collection.gaps.at(0).why == "the input 'db' was not given");
}

TEST_CASE("engine: a step with a condition waits for those before it") {
  Runbook runbook;
  runbook.steps = {step("first"), step("second"), step("third")};
  runbook.steps[1].when = {".first.go == 1", 1};
  runbook.steps[2].when = {".second.go == 1", 1};
  const Collection collection =
      run(runbook, [](const std::string& use, const std::string&, Session&) -> ProbeAnswer {
        return {use == "first" ? R"({"go":1})" : "{}", std::nullopt};
      });
  CHECK(collection.steps.at("second").state == StepOutcome::State::answered);
  CHECK(collection.steps.at("third").state == StepOutcome::State::answered);
  CHECK(collection.gaps.empty());
}

TEST_CASE("engine: a probe that listens to its session ends within its own time") {
  Runbook runbook;
  runbook.steps = {step("slow")};
  runbook.steps[0].timeout = std::chrono::milliseconds(50);
  const Collection collection =
      run(runbook, [](const std::string&, const std::string&, Session& session) -> ProbeAnswer {
        while (!session.cancelled()) std::this_thread::yield();
        return {R"({"partial":true})", std::nullopt};
      });
  CHECK(collection.steps.at("slow").document == R"({"partial":true})");
  CHECK_FALSE(collection.abandoned);
}

TEST_CASE("engine: a probe that never ends is left behind and named") {
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
  };
  auto gate = std::make_shared<Gate>();
  Runbook runbook;
  runbook.steps = {step("stuck"), step("good")};
  const Collection collection = run(
      runbook,
      [gate](const std::string& use, const std::string&, Session&) -> ProbeAnswer {
        if (use == "good") return {"{}", std::nullopt};
        std::unique_lock lock(gate->mutex);
        gate->changed.wait(lock, [&] { return gate->open; });
        return {"{}", std::nullopt};
      },
      std::chrono::milliseconds(200));
  CHECK(collection.abandoned);
  CHECK(collection.steps.at("stuck").state == StepOutcome::State::late);
  CHECK(collection.steps.at("good").state == StepOutcome::State::answered);
  CHECK(collection.gaps.at(0).code == "budget");
  const std::lock_guard lock(gate->mutex);
  gate->open = true;
  gate->changed.notify_all();
}

TEST_CASE("engine: inputs replace placeholders, and an option without its input is left out") {
  Step one = step("pg");
  one.with =
      R"({"db": "${db}", "target": "${target}", "file": "${logs}", "text": "x-${db}-y", "n": 5})";
  const Inputs inputs{{"db", {"service=a"}}, {"logs", {"1.log", "2.log"}}};
  CHECK(options_of(one, inputs) ==
        R"({"db":"service=a","file":["1.log","2.log"],"text":"x-service=a-y","n":5})");
}
