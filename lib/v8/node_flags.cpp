#include "lib/v8/node_flags.h"

#include <algorithm>
#include <array>

namespace triage::v8 {
namespace {

/// Options whose value may be the next word.
constexpr std::array<std::string_view, 7> two_words{
    "--require",      "-r",      "--import", "--experimental-loader", "--env-file",
    "--inspect-port", "--loader"};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  std::string word;
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && in_quotes && i + 1 < text.size()) {
      word += text[++i];
    } else if (text[i] == '"') {
      in_quotes = !in_quotes;
    } else if (text[i] == ' ' && !in_quotes) {
      if (!word.empty()) list.push_back(word);
      word.clear();
    } else {
      word += text[i];
    }
  }
  if (!word.empty()) list.push_back(word);
  return list;
}

std::string normal(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

}  // namespace

NodeFlags::NodeFlags(const std::vector<std::string>& arguments, std::string_view environ_text) {
  constexpr std::string_view key = "NODE_OPTIONS=";
  while (!environ_text.empty()) {
    const std::size_t end = std::min(environ_text.find('\0'), environ_text.size());
    const std::string_view line = environ_text.substr(0, end);
    environ_text.remove_prefix(std::min(end + 1, environ_text.size()));
    if (line.substr(0, key.size()) == key) flags_ = words(line.substr(key.size()));
  }
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i].empty() || arguments[i].front() != '-' || arguments[i] == "--") break;
    flags_.push_back(arguments[i]);
    const bool takes_next =
        std::find(two_words.begin(), two_words.end(), arguments[i]) != two_words.end();
    if (takes_next && i + 1 < arguments.size()) flags_.push_back(arguments[++i]);
  }
}

std::optional<std::string> NodeFlags::value(std::string_view name) const {
  std::optional<std::string> found;
  const std::string wanted = normal(name);
  for (std::size_t i = 0; i < flags_.size(); ++i) {
    const std::string& flag = flags_[i];
    const std::size_t equals = std::min(flag.find('='), flag.size());
    if (normal(std::string_view(flag).substr(0, equals)) != wanted) continue;
    if (equals < flag.size())
      found = flag.substr(equals + 1);
    else
      found = i + 1 < flags_.size() && flags_[i + 1].front() != '-' ? flags_[i + 1] : "";
  }
  return found;
}

}  // namespace triage::v8
