#include "lib/diagnose/runbook.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "lib/base/json.h"
#include "lib/base/sha256.h"
#include "lib/base/units.h"

namespace triage::diagnose {
namespace {

constexpr std::size_t max_bytes = 256UL * 1024;
constexpr int max_nodes = 20'000;
constexpr int max_depth = 24;

[[noreturn]] void fail(const std::string& file, int line, const std::string& what,
                       std::string remedy = {}) {
  throw Error(ErrorCode::usage, fmt::format("{}:{}: {}", file, line, what), std::move(remedy));
}

int line_of(const YAML::Mark& mark) {
  return mark.line < 0 ? 1 : mark.line + 1;
}
int line_of(const YAML::Node& node) {
  return line_of(node.Mark());
}

/// Sees the file before a tree is built from it: an alias of an alias of an alias is small on disk
/// and endless in a walk, so both halves of aliases are refused, and so are very deep files.
class Gate final : public YAML::EventHandler {
 public:
  explicit Gate(std::string file) : file_(std::move(file)) {}
  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { count(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { refuse(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                const std::string& /*value*/) override {
    count(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void refuse(const YAML::Mark& mark) const {
    fail(file_, line_of(mark), "anchors and aliases are not part of the runbook language",
         "write the value out, or name it under facts:");
  }
  void count(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) refuse(mark);
    if (++nodes_ > max_nodes)
      fail(file_, line_of(mark), fmt::format("more than {} values in one runbook", max_nodes));
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark, anchor);
    if (++depth_ > max_depth)
      fail(file_, line_of(mark), fmt::format("nested deeper than {} levels", max_depth));
  }

  std::string file_;
  int nodes_ = 0;
  int depth_ = 0;
};

YAML::Node parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > max_bytes)
    fail(file, 1,
         fmt::format("{} is more than a runbook may have ({})",
                     format_bytes(static_cast<double>(text.size())),
                     format_bytes(static_cast<double>(max_bytes))));
  if (text.find('\0') != std::string_view::npos) fail(file, 1, "not a text file");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Gate gate(file);
    if (!parser.HandleNextDocument(gate)) fail(file, 1, "the file is empty");
    return YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    fail(file, line_of(error.mark), "not YAML: " + error.msg);
  }
}

/// A mapping of which every key must be asked for; what is left over is an unknown key.
class Mapping {
 public:
  Mapping(YAML::Node node, const std::string& file, std::string where)
      : node_(std::move(node)), file_(file), where_(std::move(where)) {
    if (!node_.IsMap()) fail(file_, line(), where_ + ": expected a mapping of keys and values");
    std::set<std::string> seen;
    for (const auto& entry : node_) {
      if (!entry.first.IsScalar())
        fail(file_, line_of(entry.first), where_ + ": a key must be text");
      if (!seen.insert(entry.first.Scalar()).second)
        fail(file_, line_of(entry.first),
             fmt::format("{}: the key '{}' stands twice", where_, entry.first.Scalar()));
    }
  }

  [[nodiscard]] int line() const { return line_of(node_); }
  [[nodiscard]] const std::string& where() const { return where_; }

  /// The value of a key, null when it is absent.
  YAML::Node take(const std::string& key) {
    known_.insert(key);
    for (const auto& entry : node_)
      if (entry.first.Scalar() == key) return entry.second;
    return YAML::Node(YAML::NodeType::Null);
  }

  Script script(const std::string& key) {
    const YAML::Node node = take(key);
    if (node.IsNull()) return {};
    return {scalar(node, key), line_of(node)};
  }
  std::string text(const std::string& key, std::string fallback = {}) {
    const YAML::Node node = take(key);
    return node.IsNull() ? std::move(fallback) : scalar(node, key);
  }
  std::string needed(const std::string& key) {
    std::string value = text(key);
    if (value.empty()) fail(file_, line(), fmt::format("{}: '{}' is missing", where_, key));
    return value;
  }
  Script needed_script(const std::string& key) {
    needed(key);
    return script(key);
  }
  bool flag(const std::string& key) {
    const std::string value = text(key, "false");
    if (value != "true" && value != "false") wrong(key, "true or false");
    return value == "true";
  }
  double number(const std::string& key, double fallback) {
    const std::string value = text(key);
    if (value.empty()) return fallback;
    double parsed = 0;
    // strengths are written with their sign, which from_chars does not take
    const std::size_t start = value.starts_with('+') ? 1 : 0;
    const auto [end, error] =
        std::from_chars(value.data() + start, value.data() + value.size(), parsed);
    if (error != std::errc() || end != value.data() + value.size()) wrong(key, "a number");
    return parsed;
  }
  std::chrono::milliseconds duration(const std::string& key, std::chrono::milliseconds fallback) {
    const std::string value = text(key);
    if (value.empty()) return fallback;
    return parse_duration(value, fmt::format("{}:{}: {}.{}", file_, line(), where_, key));
  }
  std::vector<std::string> texts(const std::string& key) {
    std::vector<std::string> values;
    for (const auto& item : list(key)) values.push_back(scalar(item, key));
    return values;
  }
  /// The entries of a list; a single value counts as a list of one.
  std::vector<YAML::Node> list(const std::string& key) {
    const YAML::Node node = take(key);
    if (node.IsNull()) return {};
    if (!node.IsSequence()) wrong(key, "a list");
    return {node.begin(), node.end()};
  }
  /// Calls `visit(id, mapping)` for each entry of a mapping of mappings, in the order of the file.
  void each(const std::string& key,
            const std::function<void(const std::string&, const YAML::Node&)>& visit) {
    const YAML::Node node = take(key);
    if (node.IsNull()) return;
    Mapping entries(node, file_, where_.empty() ? key : where_ + "." + key);
    for (const auto& entry : node) {
      check_id(entry.first);
      visit(entry.first.Scalar(), entry.second);
    }
  }

  void finish() const {
    for (const auto& entry : node_) {
      const std::string& key = entry.first.Scalar();
      if (known_.count(key) != 0 || key.starts_with("x-")) continue;
      fail(file_, line_of(entry.first),
           fmt::format("{}unknown key '{}'", where_.empty() ? "" : where_ + ": ", key),
           fmt::format("known keys: {}; own ones start with x-", fmt::join(known_, ", ")));
    }
  }

 private:
  [[noreturn]] void wrong(const std::string& key, const std::string& wanted) {
    fail(file_, line_of(take(key)), fmt::format("{}.{}: expected {}", where_, key, wanted));
  }
  std::string scalar(const YAML::Node& node, const std::string& key) {
    if (!node.IsScalar())
      fail(file_, line_of(node), fmt::format("{}.{}: expected text", where_, key));
    return node.Scalar();
  }
  void check_id(const YAML::Node& key) const {
    const std::string& id = key.Scalar();
    const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    if (id.empty() || std::isdigit(static_cast<unsigned char>(id[0])) != 0 ||
        !std::all_of(id.begin(), id.end(), allowed))
      fail(file_, line_of(key), fmt::format("'{}' is not a name: letters, digits and _ only", id));
  }

  YAML::Node node_;
  const std::string& file_;
  std::string where_;
  std::set<std::string> known_;
};

/// `with:` as JSON. Plain words true, false and numbers become such; quoted ones stay text.
Json json_of(const YAML::Node& node) {
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) object[entry.first.Scalar()] = json_of(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& item : node) list.push_back(json_of(item));
    return list;
  }
  if (node.IsNull()) return nullptr;
  const std::string& text = node.Scalar();
  if (node.Tag() != "!") {
    if (text == "true" || text == "false") return text == "true";
    std::int64_t whole = 0;
    const char* last = text.data() + text.size();
    if (std::from_chars(text.data(), last, whole) == std::from_chars_result{last, std::errc()})
      return whole;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error == std::errc() && end == last) return number;
  }
  return text;
}

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
    for (const auto& node : root_.list("tests")) recorded(node);
    root_.finish();
    check_whole();
    return std::move(runbook_);
  }

 private:
  Mapping open(const YAML::Node& node, std::string where) {
    return Mapping(node, file_, std::move(where));
  }

  void head() {
    const std::string format = root_.text("triage");
    if (format != "runbook/v1")
      fail(file_, 1, fmt::format("expected 'triage: runbook/v1', found '{}'", format),
           "the first key of a runbook names its format");
    runbook_.id = root_.needed("id");
    runbook_.title = root_.needed("title");
    runbook_.incident = root_.text("incident", "custom");
    const std::set<std::string> incidents{"latency", "leak", "db-timeout", "fd", "custom"};
    if (incidents.count(runbook_.incident) == 0)
      fail(file_, line_of(root_.take("incident")),
           fmt::format("incident: expected one of {}", fmt::join(incidents, ", ")));
    if (const auto node = root_.take("window"); !node.IsNull()) {
      Mapping window = open(node, "window");
      runbook_.since = window.text("since");
      runbook_.baseline = window.text("baseline");
      window.finish();
    }
    if (const auto node = root_.take("limits"); !node.IsNull()) limits(open(node, "limits"));
  }

  void limits(Mapping limits) {
    runbook_.wall = limits.duration("wall", runbook_.wall);
    runbook_.pause = limits.duration("pause", runbook_.pause);
    const double parallel = limits.number("parallel", runbook_.parallel);
    if (!(parallel >= 1 && parallel <= 64))
      fail(file_, limits.line(), "limits.parallel: expected 1 to 64");
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
    const YAML::Node with = map.take("with");
    if (!with.IsNull() && !with.IsMap())
      fail(file_, line_of(with), map.where() + ".with: expected a mapping of options");
    value.with = with.IsNull() ? "{}" : dump_json(json_of(with));
    map.finish();
    for (const auto& input : value.needs) check_input(input, value.line, map.where());
    runbook_.steps.push_back(std::move(value));
  }

  void fact(const std::string& id, const YAML::Node& node) {
    if (!node.IsScalar())
      fail(file_, line_of(node), fmt::format("facts.{}: expected a jq text", id));
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
        fail(file_, line_of(entry.second),
             fmt::format("{}.{}: a strength is a whole number from -3 to +3", entries.where(), id));
      if (find(runbook_.hypotheses, id) == nullptr)
        fail(file_, line_of(entry.first),
             fmt::format("{}: there is no hypothesis '{}'", entries.where(), id),
             fmt::format("defined: {}", ids(runbook_.hypotheses)));
      values[id] = static_cast<int>(strength);
    }
    return values;
  }

  void evidence(const std::string& id, const YAML::Node& node) {
    Mapping map = open(node, "evidence." + id);
    Evidence value;
    value.id = id;
    value.line = map.line();
    const std::string role = map.text("role", "score");
    if (role != "score" && role != "symptom" && role != "risk")
      fail(file_, value.line, map.where() + ".role: expected score, symptom or risk");
    if (role == "symptom") value.role = Evidence::Role::symptom;
    if (role == "risk") value.role = Evidence::Role::risk;
    value.test = map.needed_script("if");
    value.say = map.needed_script("say");
    value.say_not = map.script("say_not");
    value.now = map.script("now");
    value.baseline = map.script("baseline");
    value.group = map.text("group");
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
      fail(file_, value.line, map.where() + ".prior: expected a number above 0, at most 1000");
    value.chain = map.script("chain");
    for (const auto& item : map.list("unexplained")) {
      Mapping entry = open(item, map.where() + ".unexplained");
      value.unexplained.push_back(
          {entry.script("if"), entry.needed_script("say"), entry.texts("next")});
      entry.finish();
    }
    for (const auto& item : map.list("now"))
      value.now.push_back(action(item, map.where() + ".now"));
    for (const auto& item : map.list("later")) {
      if (!item.IsScalar()) fail(file_, line_of(item), map.where() + ".later: expected text");
      value.later.push_back({item.Scalar(), line_of(item)});
    }
    map.finish();
    runbook_.hypotheses.push_back(std::move(value));
  }

  void dont(const YAML::Node& node) {
    Mapping map = open(node, "dont");
    Dont value{map.needed("id"), map.needed_script("say"), map.script("why"), map.script("if")};
    map.finish();
    runbook_.dont.push_back(std::move(value));
  }

  void cap(const YAML::Node& node) {
    Mapping map = open(node, "caps");
    Cap value{map.needed("unless"), map.needed("verdict"), map.needed("say")};
    map.finish();
    const std::set<std::string> words{"likely", "possible", "inconclusive"};
    if (words.count(value.verdict) == 0)
      fail(file_, map.line(),
           fmt::format("caps.verdict: expected one of {}", fmt::join(words, ", ")));
    if (find(runbook_.steps, value.unless) == nullptr)
      fail(file_, map.line(), fmt::format("caps: there is no probe '{}'", value.unless),
           fmt::format("defined: {}", ids(runbook_.steps)));
    runbook_.caps.push_back(std::move(value));
  }

  void unchecked(const YAML::Node& node) {
    Mapping map = open(node, "unchecked");
    runbook_.unchecked.push_back({map.needed("source"), map.needed("say")});
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
      fail(file_, line, fmt::format("{}: there is no input '{}'", where, id),
           fmt::format("defined: {}", ids(runbook_.inputs)));
  }

  /// `${name}` in `with` must name an input.
  void check_placeholders(const Step& step) const {
    for (std::size_t at = step.with.find("${"); at != std::string::npos;
         at = step.with.find("${", at + 2)) {
      const std::size_t end = step.with.find('}', at);
      if (end == std::string::npos)
        fail(file_, step.line, fmt::format("probes.{}.with: '${{' without '}}'", step.id));
      check_input(step.with.substr(at + 2, end - at - 2), step.line, "probes." + step.id + ".with");
    }
  }

  void check_whole() const {
    if (runbook_.steps.empty()) fail(file_, 1, "no probes: a runbook needs at least one");
    if (runbook_.hypotheses.empty()) fail(file_, 1, "no hypotheses: nothing could be found");
    if (find(runbook_.hypotheses, std::string("none")) == nullptr)
      fail(file_, 1, "hypotheses: the entry 'none' is missing",
           "add  none: {prior: 1, title: none of these}  so that no cause is forced");
    for (const auto& step : runbook_.steps) check_placeholders(step);
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
    return runbook;
  } catch (const YAML::Exception& error) {
    fail(name, line_of(error.mark), "not a runbook: " + error.msg);
  }
}

}  // namespace triage::diagnose
