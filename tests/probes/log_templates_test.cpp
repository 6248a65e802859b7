#include "lib/probes/log_templates.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "lib/probes/log_skeleton.h"
#include "lib/probes/logs_judge.h"

using namespace triage::probes::logs;

namespace {

std::string skeleton_of(std::string_view message) {
  std::string text;
  write_skeleton(message, text);
  std::replace(text.begin(), text.end(), parameter_mark, '?');
  return text;
}

/// The template of each message after one merge.
std::vector<std::string> templates_of(const std::vector<std::string>& messages) {
  TemplateMiner miner;
  std::vector<std::size_t> slots;
  for (const auto& message : messages) slots.push_back(miner.add(message));
  const auto moved = miner.merge(std::vector<std::int64_t>(miner.size(), 1));
  std::vector<std::string> texts;
  for (const std::size_t slot : slots) texts.push_back(miner.text(moved[slot]));
  return texts;
}

}  // namespace

TEST_CASE("log_skeleton: addresses, ids, paths with numbers and quantities are values") {
  CHECK(skeleton_of("Served block blk_-77 to /10.251.203.80 in 1.5 s") ==
        "Served block ? to ? in ?");
  CHECK(skeleton_of("db.internal:5432 refused 7 times") == "? refused ? times");
  CHECK(skeleton_of("job 123e4567-e89b-12d3-a456-426614174000 done") == "job ? done");
  CHECK(skeleton_of("sent 1165 bytes (1.13 KB) of 0") == skeleton_of("sent 0 bytes of 0"));
  CHECK(skeleton_of("lifetime <1 sec") == skeleton_of("lifetime 00:01"));
}

TEST_CASE("log_skeleton: names with a digit or two stay, with three they are ids") {
  CHECK(skeleton_of("jk2_init() over ssh2") == "jk2_init() over ssh2");
  CHECK(skeleton_of("worker a1b2c3 up") == "worker ? up");
}

TEST_CASE("log_skeleton: what stands behind = is a value, but for enumerations") {
  CHECK(skeleton_of("failed; user=root tag=\"View Lock\" code=EPERM ruser= rhost=x") ==
        "failed; user=? tag=? code=EPERM ruser= rhost=?");
  CHECK(skeleton_of("ws=WorkSource{10113, 10}, pid=7") == skeleton_of("ws=null, pid=8"));
}

TEST_CASE("log_skeleton: a list of any length is one value") {
  CHECK(skeleton_of("pids 1, 2, 3 end") == "pids ? end");
  CHECK(skeleton_of("pids 1 end") == "pids ? end");
}

TEST_CASE("log_skeleton: bytes of any kind give no control character but the mark") {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  std::string text;
  write_skeleton(all + "=" + all, text);
  for (const char c : text) CHECK((c == parameter_mark || static_cast<unsigned char>(c) >= 0x20));
}

TEST_CASE("log_templates: a word with many others at its place is a value") {
  std::vector<std::string> messages;
  for (const char* user : {"root", "admin", "mary", "ftp", "guest"})
    messages.push_back(fmt::format("Invalid user {} from 10.0.0.1 port 22", user));
  for (const auto& text : templates_of(messages))
    CHECK(text == "Invalid user <*> from <*> port <*>");
}

TEST_CASE("log_templates: a few words at one place stay apart") {
  const auto texts =
      templates_of({"screen of the device turned on", "screen of the device turned off"});
  CHECK(texts[0] != texts[1]);
}

TEST_CASE("log_templates: messages of one word are not one template") {
  std::vector<std::string> messages;
  for (char c = 'a'; c <= 'z'; ++c) messages.emplace_back(4, c);
  const auto texts = templates_of(messages);
  CHECK(texts.front() != texts.back());
}

TEST_CASE("log_templates: the order of the messages does not change the groups") {
  std::vector<std::string> messages;
  for (const char* name : {"red", "green", "blue", "white", "black", "brown"})
    for (const char* verb : {"opened the door of", "closed the door of"})
      messages.push_back(fmt::format("{} {} {} house", "someone", verb, name));
  auto forward = templates_of(messages);
  std::reverse(messages.begin(), messages.end());
  auto backward = templates_of(messages);
  std::reverse(backward.begin(), backward.end());
  CHECK(forward == backward);
  CHECK(forward[0] == "someone opened the door of <*> house");
}

TEST_CASE("log_templates: memory is bounded when every message is another") {
  TemplateMiner miner;
  std::vector<std::int64_t> counts;
  std::string word;
  for (int i = 0; i < 50'000; ++i) {
    if (miner.full()) miner.merge(std::vector<std::int64_t>(miner.size(), 1));
    word.clear();
    for (int rest = i + 1; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    miner.add(word + " " + word + " " + word);
    REQUIRE(miner.size() <= TemplateMiner::most_skeletons);
  }
}

namespace {

/// The changes when `before` and `now` hold the lines of each template.
TemplateChanges changes_of(std::map<std::string, Hits> templates) {
  Sample sample;
  sample.first_s = 0;
  sample.from_s = 900;
  sample.to_s = 1800;
  sample.baseline_lines_count = 1;
  sample.templates = std::move(templates);
  return template_changes(Options{}, sample, spans_of(sample)).value();
}

Hits hits_of(std::int64_t count, std::int64_t baseline_count) {
  Hits hits;
  hits.count = count;
  hits.baseline_count = baseline_count;
  return hits;
}

}  // namespace

TEST_CASE("log_templates: new, surging and vanished ones are told from those that go on") {
  const auto changes = changes_of({{"came", hits_of(1, 0)},
                                   {"goes on", hits_of(100, 90)},
                                   {"more", hits_of(100, 20)},
                                   {"few more", hits_of(9, 1)},
                                   {"rare before", hits_of(0, 4)},
                                   {"went", hits_of(0, 50)}});
  REQUIRE(changes.appeared.size() == 1);
  CHECK(changes.appeared[0].meaning == "came");
  REQUIRE(changes.surging.size() == 1);
  CHECK(changes.surging[0].meaning == "more");
  REQUIRE(changes.vanished.size() == 1);
  CHECK(changes.vanished[0].meaning == "went");
  CHECK(changes.distinct_count == 6);
}

TEST_CASE("log_templates: without a baseline nothing is called new") {
  Sample sample;
  sample.first_s = 900;
  sample.from_s = 900;
  sample.to_s = 1800;
  sample.templates["came"] = hits_of(3, 0);
  CHECK_FALSE(template_changes(Options{}, sample, spans_of(sample)).has_value());
}
