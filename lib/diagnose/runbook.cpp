#include "lib/diagnose/runbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/base/json.h"
#include "lib/base/sha256.h"
#include "lib/diagnose/yaml_mapping.h"

namespace triage::diagnose {
namespace {

/// Builds a Runbook from the tree, part by part.
class Loader {
 public:
  Loader(const YAML::Node& root, const std::string& file) : file_(file), root_(root, file, "") {
    runbook_.file = file;
  }

  Runbook load() {
    head();
    root_.each("inputs", [&](const auto& id, const auto& node) { input(id, node); });
    root_.each("probes", [&](const auto& id, const auto& node) { step(id, node); });
    root_.each("facts", [&](const auto& id, const auto& node) { fact(id, node); });
    root_.each("hypotheses", [&](const auto& id, const auto& node) { hypothesis(id, node); });
    root_.each("evidence", [&](const auto& id, const auto& node) { evidence(id, node); });
    for (const auto& node : root_.list("dont")) dont(node);
    for (const auto& node : root_.list("caps")) cap(node);
    for (const auto& node : root_.list("unchecked")) unchecked(node);
    for (const auto& node : root_.list("timeline")) moment(node);
    for (const auto& node : root_.list("tests")) recorded(node);
    root_.finish();
    check_whole();
    return std::move(runbook_);
  }

 private:
  Mapping open(const YAML::Node& node, std::string where) {
    return {node, file_, std::move(where)};
  }

  void head() {
    const std::string format = root_.text("triage");
    if (format != "runbook/v1")
      fail_at(file_, 1, fmt::format("expected 'triage: runbook/v1', found '{}'", format),
              "the first key of a runbook names its format");
    runbook_.id = root_.needed("id");
    runbook_.title = root_.needed("title");
    runbook_.incident = root_.text("incident", "custom");
    const std::set<std::string> incidents{"latency", "leak",    "db-timeout",
                                          "fd",      "posture", "custom"};
    if (!incidents.contains(runbook_.incident))
      fail_at(file_, line_of(root_.take("incident")),
              fmt::format("incident: expected one of {}", fmt::join(incidents, ", ")));
    if (const auto node = root_.take("window"); !node.IsNull()) {
      Mapping window = open(node, "window");
      runbook_.inputs.push_back(
          {"since", "length of the time that is looked at", window.text("since"), false, false});
      runbook_.inputs.push_back({"baseline", "stretch of time before it to compare with",
                                 window.text("baseline"), false, false});
      runbook_.inputs.push_back({"to", "its end, RFC 3339; now when absent", "", false, false});
      window.finish();
    }
    if (const auto node = root_.take("limits"); !node.IsNull()) limits(open(node, "limits"));
    runbook_.include = root_.texts("include");
    if (const auto node = root_.take("causes"); !node.IsNull()) {
      Mapping edges = open(node, "causes");
      for (const auto& entry : node)
        for (const auto& effect : edges.texts(entry.first.Scalar()))
          runbook_.causes[entry.first.Scalar()].insert(effect);
    }
  }

  void limits(Mapping limits) {
    runbook_.wall = limits.duration("wall", runbook_.wall);
    runbook_.pause = limits.duration("pause", runbook_.pause);
    const double parallel = limits.number("parallel", runbook_.parallel);
    if (!(parallel >= 1 && parallel <= 64))
      fail_at(file_, limits.line(), "limits.parallel: expected 1 to 64");
    runbook_.parallel = static_cast<int>(parallel);
    limits.finish();
  }

  void input(const std::string& id, const YAML::Node& node) {
    Mapping map = open(node, "inputs." + id);
    Input value{id, map.text("help"), map.text("default"), map.flag("required"), map.flag("list")};
    map.finish();
    runbook_.inputs.push_back(std::move(value));
  }

  void step(const std::string& id, const YAML::Node& node) {
    Mapping map = open(node, "probes." + id);
    Step value;
    value.id = id;
    value.use = map.needed("use");
    value.title = map.text("title", id);
    value.remedy = map.text("remedy");
    value.needs = map.texts("needs");
    value.optional = map.flag("optional");
    value.timeout = map.duration("timeout", value.timeout);
    value.when = map.script("when");
    value.line = map.line();
    take(map, value);
    const YAML::Node with = map.take("with");
    if (!with.IsNull() && !with.IsMap())
      fail_at(file_, line_of(with), map.where() + ".with: expected a mapping of options");
    value.with = with.IsNull() ? "{}" : dump_json(json_of(with));
    map.finish();
    for (const auto& input : value.needs) check_input(input, value.line, map.where());
    runbook_.steps.push_back(std::move(value));
  }

  void take(Mapping& map, Step& step) {
    const YAML::Node node = map.take("take");
    if (node.IsNull()) return;
    Mapping entries = open(node, map.where() + ".take");
    for (const auto& entry : node)
      step.take[entry.first.Scalar()] = entries.needed_script(entry.first.Scalar());
    entries.finish();
  }

  void fact(const std::string& id, const YAML::Node& node) {
    if (!node.IsScalar())
      fail_at(file_, line_of(node), fmt::format("facts.{}: expected a jq text", id));
    runbook_.facts.push_back({id, {node.Scalar(), line_of(node)}});
  }

  Strengths strengths(Mapping& map, const std::string& key) {
    Strengths values;
    const YAML::Node node = map.take(key);
    if (node.IsNull()) return values;
    Mapping entries = open(node, map.where() + "." + key);
    for (const auto& entry : node) {
      const std::string& id = entry.first.Scalar();
      const double strength = entries.number(id, 0);
      if (!(strength >= -3 && strength <= 3) || strength != static_cast<int>(strength))
        fail_at(
            file_, line_of(entry.second),
            fmt::format("{}.{}: a strength is a whole number from -3 to +3", entries.where(), id));
      if (find(runbook_.hypotheses, id) == nullptr)
        fail_at(file_, line_of(entry.first),
                fmt::format("{}: there is no hypothesis '{}'", entries.where(), id),
                fmt::format("defined: {}", ids(runbook_.hypotheses)));
      values[id] = static_cast<int>(strength);
    }
    return values;
  }

  /// A list of hypotheses.
  std::set<std::string> causes(Mapping& map, const std::string& key) {
    std::set<std::string> named;
    for (const auto& id : map.texts(key)) {
      if (find(runbook_.hypotheses, id) == nullptr)
        fail_at(file_, map.line(),
                fmt::format("{}.{}: there is no hypothesis '{}'", map.where(), key, id),
                fmt::format("defined: {}", ids(runbook_.hypotheses)));
      named.insert(id);
    }
    return named;
  }

  void evidence(const std::string& id, const YAML::Node& node) {
    Mapping map = open(node, "evidence." + id);
    Evidence value;
    value.id = id;
    value.line = map.line();
    const std::string role = map.text("role", "score");
    if (role != "score" && role != "symptom" && role != "risk")
      fail_at(file_, value.line, map.where() + ".role: expected score, symptom or risk");
    if (role == "symptom") value.role = Evidence::Role::symptom;
    if (role == "risk") value.role = Evidence::Role::risk;
    value.test = map.needed_script("if");
    value.say = map.needed_script("say");
    value.say_not = map.script("say_not");
    value.now = map.script("now");
    value.baseline = map.script("baseline");
    value.group = map.text("group");
    value.onset = map.script("onset");
    value.of = causes(map, "of");
    value.when_true = strengths(map, "then");
    value.when_false = strengths(map, "else");
    map.finish();
    runbook_.evidence.push_back(std::move(value));
  }

  Action action(const YAML::Node& node, const std::string& where) {
    Mapping map = open(node, where);
    Action value{map.needed_script("do"), map.script("cmd"),    map.script("risk"),
                 map.script("undo"),      map.script("before"), map.script("verify"),
                 map.script("if")};
    map.finish();
    return value;
  }

  void hypothesis(const std::string& id, const YAML::Node& node) {
    Mapping map = open(node, "hypotheses." + id);
    Hypothesis value;
    value.id = id;
    value.line = map.line();
    value.title = map.needed("title");
    value.prior = map.number("prior", 1);
    if (!(value.prior > 0 && value.prior <= 1000))
      fail_at(file_, value.line, map.where() + ".prior: expected a number above 0, at most 1000");
    value.benign = map.flag("benign");
    value.chain = map.script("chain");
    value.onset = map.script("onset");
    for (const auto& effect : map.texts("causes")) value.causes.insert(effect);
    for (const auto& item : map.list("unexplained")) {
      Mapping entry = open(item, map.where() + ".unexplained");
      value.unexplained.push_back(
          {entry.script("if"), entry.needed_script("say"), entry.texts("next")});
      entry.finish();
    }
    for (const auto& item : map.list("now"))
      value.now.push_back(action(item, map.where() + ".now"));
    for (const auto& item : map.list("later")) {
      if (!item.IsScalar()) fail_at(file_, line_of(item), map.where() + ".later: expected text");
      value.later.push_back({item.Scalar(), line_of(item)});
    }
    map.finish();
    runbook_.hypotheses.push_back(std::move(value));
  }

  void dont(const YAML::Node& node) {
    Mapping map = open(node, "dont");
    Dont value{map.needed("id"), map.needed_script("say"), map.script("why"), map.script("if"),
               causes(map, "for")};
    map.finish();
    runbook_.dont.push_back(std::move(value));
  }

  void cap(const YAML::Node& node) {
    Mapping map = open(node, "caps");
    Cap value{map.needed("unless"), map.needed("verdict"), map.needed("say"), causes(map, "for")};
    map.finish();
    const std::set<std::string> words{"likely", "possible", "inconclusive"};
    if (!words.contains(value.verdict))
      fail_at(file_, map.line(),
              fmt::format("caps.verdict: expected one of {}", fmt::join(words, ", ")));
    if (find(runbook_.steps, value.unless) == nullptr)
      fail_at(file_, map.line(), fmt::format("caps: there is no probe '{}'", value.unless),
              fmt::format("defined: {}", ids(runbook_.steps)));
    runbook_.caps.push_back(std::move(value));
  }

  void unchecked(const YAML::Node& node) {
    Mapping map = open(node, "unchecked");
    runbook_.unchecked.push_back({map.needed("source"), map.needed("say")});
    map.finish();
  }

  void moment(const YAML::Node& node) {
    Mapping map = open(node, "timeline");
    runbook_.timeline.push_back({map.needed_script("at"), map.needed_script("say")});
    map.finish();
  }

  void recorded(const YAML::Node& node) {
    Mapping map = open(node, "tests");
    RecordedCase value{map.needed("bundle"), {}};
    Mapping expect = open(map.take("expect"), "tests.expect");
    for (const char* key : {"verdict", "at_least", "verdict_at_most"})
      if (std::string text = expect.text(key); !text.empty()) value.expect[key] = std::move(text);
    expect.finish();
    map.finish();
    runbook_.tests.push_back(std::move(value));
  }

  void check_input(const std::string& id, int line, const std::string& where) const {
    if (find(runbook_.inputs, id) == nullptr)
      fail_at(file_, line, fmt::format("{}: there is no input '{}'", where, id),
              fmt::format("defined: {}", ids(runbook_.inputs)));
  }

  /// `${name}` in `with` must name an input.
  void check_placeholders(const Step& step) const {
    for (std::size_t at = step.with.find("${"); at != std::string::npos;
         at = step.with.find("${", at + 2)) {
      const std::size_t end = step.with.find('}', at);
      if (end == std::string::npos)
        fail_at(file_, step.line, fmt::format("probes.{}.with: '${{' without '}}'", step.id));
      check_input(step.with.substr(at + 2, end - at - 2), step.line, "probes." + step.id + ".with");
    }
  }

  void check_whole() const {
    for (const auto& hypothesis : runbook_.hypotheses)
      for (const auto& effect : hypothesis.causes)
        if (find(runbook_.hypotheses, effect) == nullptr)
          fail_at(file_, hypothesis.line,
                  fmt::format("hypotheses.{}.causes: there is no hypothesis '{}'", hypothesis.id,
                              effect),
                  fmt::format("defined: {}", ids(runbook_.hypotheses)));
    for (const auto& step : runbook_.steps) check_placeholders(step);
    if (!runbook_.include.empty()) return;
    if (runbook_.steps.empty()) fail_at(file_, 1, "no probes: a runbook needs at least one");
    if (runbook_.hypotheses.empty()) fail_at(file_, 1, "no hypotheses: nothing could be found");
    if (find(runbook_.hypotheses, std::string("none")) == nullptr)
      fail_at(file_, 1, "hypotheses: the entry 'none' is missing",
              "add  none: {prior: 1, title: none of these}  so that no cause is forced");
  }

  template <class Item>
  static const Item* find(const std::vector<Item>& items, const std::string& id) {
    const auto found =
        std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.id == id; });
    return found == items.end() ? nullptr : &*found;
  }
  template <class Item>
  static std::string ids(const std::vector<Item>& items) {
    std::vector<std::string> names;
    names.reserve(items.size());
    for (const auto& item : items) names.push_back(item.id);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  std::string file_;
  Mapping root_;
  Runbook runbook_;
};

}  // namespace

Runbook load_runbook(std::string_view text, const std::string& name) {
  const YAML::Node root = parse_yaml(text, name);
  try {
    Runbook runbook = Loader(root, name).load();
    runbook.sha256 = sha256_hex(text);
    if (runbook.include.empty()) return runbook;
    std::vector<Runbook> parts;
    for (const auto& id : runbook.include) {
      parts.push_back(load_runbook(find_builtin(id), id));
      if (!parts.back().include.empty())
        throw Error(ErrorCode::usage, fmt::format("{}: {} includes others itself", name, id));
    }
    return join_runbooks(std::move(runbook), parts);
  } catch (const YAML::Exception& error) {
    fail_at(name, error.mark.line + 1, "not a runbook: " + error.msg);
  }
}

}  // namespace triage::diagnose
