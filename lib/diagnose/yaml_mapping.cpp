#include "lib/diagnose/yaml_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include <yaml-cpp/eventhandler.h>

#include "lib/base/json.h"
#include "lib/base/units.h"

namespace triage::diagnose {
namespace {

constexpr int max_nodes = 20'000;
constexpr int max_depth = 24;

int line_of(const YAML::Mark& mark) {
  return mark.line < 0 ? 1 : mark.line + 1;
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
    fail_at(file_, line_of(mark), "anchors and aliases are not part of the runbook language",
            "write the value out, or name it under facts:");
  }
  void count(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) refuse(mark);
    if (++nodes_ > max_nodes)
      fail_at(file_, line_of(mark), fmt::format("more than {} values in one runbook", max_nodes));
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark, anchor);
    if (++depth_ > max_depth)
      fail_at(file_, line_of(mark), fmt::format("nested deeper than {} levels", max_depth));
  }

  std::string file_;
  int nodes_ = 0;
  int depth_ = 0;
};

}  // namespace

void fail_at(const std::string& file, int line, const std::string& what, std::string remedy) {
  throw Error(ErrorCode::usage, fmt::format("{}:{}: {}", file, line, what), std::move(remedy));
}

int line_of(const YAML::Node& node) {
  return line_of(node.Mark());
}

YAML::Node parse_yaml(std::string_view text, const std::string& file) {
  if (text.size() > max_runbook_bytes)
    fail_at(file, 1,
            fmt::format("{} is more than a runbook may have ({})",
                        format_bytes(static_cast<double>(text.size())),
                        format_bytes(static_cast<double>(max_runbook_bytes))));
  if (text.find('\0') != std::string_view::npos) fail_at(file, 1, "not a text file");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Gate gate(file);
    if (!parser.HandleNextDocument(gate)) fail_at(file, 1, "the file is empty");
    return YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    fail_at(file, line_of(error.mark), "not YAML: " + error.msg);
  }
}

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

Mapping::Mapping(const YAML::Node& node, const std::string& file, std::string where)
    : node_(node), file_(file), where_(std::move(where)) {
  if (!node_.IsMap()) fail_at(file_, line(), where_ + ": expected a mapping of keys and values");
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar())
      fail_at(file_, line_of(entry.first), where_ + ": a key must be text");
    if (!seen.insert(entry.first.Scalar()).second)
      fail_at(file_, line_of(entry.first),
              fmt::format("{}: the key '{}' stands twice", where_, entry.first.Scalar()));
  }
}

YAML::Node Mapping::take(const std::string& key) {
  known_.insert(key);
  for (const auto& entry : node_)
    if (entry.first.Scalar() == key) return entry.second;
  return YAML::Node(YAML::NodeType::Null);
}

Script Mapping::script(const std::string& key) {
  const YAML::Node node = take(key);
  if (node.IsNull()) return {};
  return {scalar(node, key), line_of(node)};
}

std::string Mapping::text(const std::string& key, std::string fallback) {
  const YAML::Node node = take(key);
  return node.IsNull() ? std::move(fallback) : scalar(node, key);
}

std::string Mapping::needed(const std::string& key) {
  std::string value = text(key);
  if (value.empty()) fail_at(file_, line(), fmt::format("{}: '{}' is missing", where_, key));
  return value;
}

Script Mapping::needed_script(const std::string& key) {
  needed(key);
  return script(key);
}

bool Mapping::flag(const std::string& key) {
  const std::string value = text(key, "false");
  if (value != "true" && value != "false") wrong(key, "true or false");
  return value == "true";
}

double Mapping::number(const std::string& key, double fallback) {
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

std::chrono::milliseconds Mapping::duration(const std::string& key,
                                            std::chrono::milliseconds fallback) {
  const std::string value = text(key);
  if (value.empty()) return fallback;
  return parse_duration(value, fmt::format("{}:{}: {}.{}", file_, line(), where_, key));
}

std::vector<std::string> Mapping::texts(const std::string& key) {
  std::vector<std::string> values;
  for (const auto& item : list(key)) values.push_back(scalar(item, key));
  return values;
}

std::vector<YAML::Node> Mapping::list(const std::string& key) {
  const YAML::Node node = take(key);
  if (node.IsNull()) return {};
  if (!node.IsSequence()) wrong(key, "a list");
  return {node.begin(), node.end()};
}

void Mapping::each(const std::string& key,
                   const std::function<void(const std::string&, const YAML::Node&)>& visit) {
  const YAML::Node node = take(key);
  if (node.IsNull()) return;
  Mapping entries(node, file_, where_.empty() ? key : where_ + "." + key);
  for (const auto& entry : node) {
    check_id(entry.first);
    visit(entry.first.Scalar(), entry.second);
  }
}

void Mapping::finish() const {
  for (const auto& entry : node_) {
    const std::string& key = entry.first.Scalar();
    if (known_.contains(key) || key.starts_with("x-")) continue;
    fail_at(file_, line_of(entry.first),
            fmt::format("{}unknown key '{}'", where_.empty() ? "" : where_ + ": ", key),
            fmt::format("known keys: {}; own ones start with x-", fmt::join(known_, ", ")));
  }
}

void Mapping::wrong(const std::string& key, const std::string& wanted) {
  fail_at(file_, line_of(take(key)), fmt::format("{}.{}: expected {}", where_, key, wanted));
}

std::string Mapping::scalar(const YAML::Node& node, const std::string& key) {
  if (!node.IsScalar())
    fail_at(file_, line_of(node), fmt::format("{}.{}: expected text", where_, key));
  return node.Scalar();
}

void Mapping::check_id(const YAML::Node& key) const {
  const std::string& id = key.Scalar();
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (id.empty() || std::isdigit(static_cast<unsigned char>(id[0])) != 0 ||
      !std::all_of(id.begin(), id.end(), allowed))
    fail_at(file_, line_of(key), fmt::format("'{}' is not a name: letters, digits and _ only", id));
}

}  // namespace triage::diagnose
