#include "lib/probes/log_skeleton.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace triage::probes::logs {
namespace {

enum Kind : std::uint8_t {
  separator = 0,
  letter = 1,
  digit = 2,
  joiner = 4,  ///< '.', '-', '_', '/' and the like, inside of a word
  colon = 8,
  dot = 16,
};

constexpr std::array<std::uint8_t, 256> kinds_of_bytes() {
  std::array<std::uint8_t, 256> kinds{};
  for (unsigned c = 0; c < 256; ++c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80) kinds[c] = letter;
    if (c >= '0' && c <= '9') kinds[c] = digit;
  }
  for (const char c : {'-', '_', '/', '\\', '@', '~', '$', '%', '+', '&'})
    kinds[static_cast<unsigned char>(c)] = joiner;
  kinds[static_cast<unsigned char>(':')] = colon;
  kinds[static_cast<unsigned char>('.')] = joiner | dot;
  return kinds;
}

constexpr auto kinds = kinds_of_bytes();

std::uint8_t kind_of(char c) {
  return kinds[static_cast<unsigned char>(c)];
}

bool is_digit(char c) {
  return kind_of(c) == digit;
}

constexpr std::array<std::string_view, 9> size_units{"B",  "KB",  "kB",  "MB", "GB",
                                                     "TB", "KiB", "MiB", "GiB"};
constexpr std::array<std::string_view, 17> time_units{
    "ns",      "us",  "ms",   "msec",    "msecs", "s",    "sec",   "secs", "second",
    "seconds", "min", "mins", "minutes", "h",     "hour", "hours", "days"};

template <std::size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& words) {
  return word.size() <= 7 && std::find(words.begin(), words.end(), word) != words.end();
}

/// "ssh2", "jk2_init", "SOCKS5": starts with a letter, one or two digits that touch letters only.
bool is_short_name(std::string_view word) {
  if (kind_of(word.front()) != letter || word.size() > 40) return false;
  int digits = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (!is_digit(word[i])) continue;
    if (++digits > 2) return false;
    if ((kind_of(word[i - 1]) & (letter | digit)) == 0) return false;
  }
  return true;
}

/// "ECONNREFUSED", "E_FAIL", but not "NULL" or "A".
bool is_enumeration(std::string_view word) {
  return word.size() > 1 && word != "NULL" && word != "NONE" &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

class SkeletonWriter {
 public:
  SkeletonWriter(std::string_view text, std::string& out) : text_(text), out_(out) { out_.clear(); }

  void run() {
    while (at_ < text_.size()) {
      if (kind_of(text_[at_]) == separator)
        separate();
      else
        word();
    }
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
  }

 private:
  [[nodiscard]] bool ends_with_parameter() const {
    return !out_.empty() && out_.back() == parameter_mark;
  }

  /// Blanks and commas between two parameters make them one list.
  void parameter() {
    std::size_t end = out_.size();
    while (end > 0 && (out_[end - 1] == ' ' || out_[end - 1] == ',')) --end;
    if (end > 0 && out_[end - 1] == parameter_mark)
      out_.resize(end);
    else
      out_ += parameter_mark;
    was_size_ = false;
    value_ = false;
  }

  void separate() {
    const char c = text_[at_++];
    if (c == '=') {
      const bool apart = out_.ends_with(' ');
      out_ += '=';
      if (at_ < text_.size() && text_[at_] == ' ' && apart) {
        out_ += ' ';
        ++at_;
      }
      value_ = at_ < text_.size();
      if (value_ && (text_[at_] == '"' || text_[at_] == '\'')) quoted_value();
      return;
    }
    value_ = false;
    if (c == ' ' || c == '\t') return blank();
    if ((c == '<' || c == '>') && at_ < text_.size() && is_digit(text_[at_])) return;
    if (c == ')' && was_size_ && out_.size() >= 3 && out_[out_.size() - 2] == '(' &&
        ends_with_parameter()) {
      out_.resize(out_.size() - 2);
      while (out_.ends_with(' ')) out_.pop_back();
      was_size_ = false;
      return;
    }
    out_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }

  /// One blank for many; behind a number its unit goes with it.
  void blank() {
    if (!out_.empty() && out_.back() != ' ') {
      const bool quantity = ends_with_parameter();
      out_ += ' ';
      while (at_ < text_.size() && text_[at_] == ' ') ++at_;
      if (quantity) unit();
    }
  }

  void unit() {
    std::size_t end = at_;
    while (end < text_.size() && end - at_ < 8 && kind_of(text_[end]) == letter) ++end;
    const bool ends = end == text_.size() || kind_of(text_[end]) == separator;
    if (end == at_ || !ends) return;
    const std::string_view word = text_.substr(at_, end - at_);
    const bool size = is_one_of(word, size_units);
    if (!size && !is_one_of(word, time_units)) return;
    at_ = end;
    out_.pop_back();
    was_size_ = size;
  }

  void quoted_value() {
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    value_ = false;
    if (end == std::string_view::npos) return;
    parameter();
    at_ = end + 1;
  }

  void word() {
    const std::size_t start = at_;
    std::uint8_t seen = 0;
    while (at_ < text_.size() && kind_of(text_[at_]) != separator) seen |= kind_of(text_[at_++]);
    std::size_t end = at_;
    while (end > start && (text_[end - 1] == ':' || text_[end - 1] == '.')) --end;
    const std::string_view word = text_.substr(start, end - start);
    const std::string_view trailing = text_.substr(end, at_ - end);
    if (word.empty()) {
      value_ = false;
    } else if (value_ && !is_enumeration(word)) {
      parameter();
      if (trailing.empty()) bracketed_value();
    } else if ((seen & digit) != 0) {
      mixed(word);
    } else {
      plain(word);
    }
    out_.append(trailing);
  }

  void plain(std::string_view word) {
    out_.append(word);
    was_size_ = false;
    value_ = false;
  }

  /// "WorkSource{10113}" as a value is one value, brackets included.
  void bracketed_value() {
    if (at_ >= text_.size()) return;
    const char open = text_[at_];
    if (open != '{' && open != '(' && open != '[') return;
    int depth = 0;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '{' || c == '(' || c == '[') ++depth;
      if ((c == '}' || c == ')' || c == ']') && --depth == 0) {
        at_ = i + 1;
        return;
      }
    }
  }

  /// A word with digits. "State:112" keeps its name; "10.0.0.1:80", "db.host:5432" and "00:01" are
  /// values as a whole.
  void mixed(std::string_view word) {
    const std::size_t cut = word.find(':');
    if (cut != std::string_view::npos && cut > 0) {
      const std::string_view name = word.substr(0, cut);
      const bool named = std::none_of(name.begin(), name.end(),
                                      [](char c) { return (kind_of(c) & (digit | dot)) != 0; });
      if (named && !word.substr(cut).starts_with("://")) {
        out_.append(name);
        out_ += ':';
        const std::string_view rest = word.substr(cut + 1);
        if (std::any_of(rest.begin(), rest.end(), is_digit)) return mixed(rest);
        out_.append(rest);
        return;
      }
    }
    if (!is_short_name(word)) return parameter();
    plain(word);
  }

  std::string_view text_;
  std::string& out_;
  std::size_t at_ = 0;
  bool value_ = false;     ///< the next word stands behind "="
  bool was_size_ = false;  ///< the last parameter was a size with its unit
};

}  // namespace

void write_skeleton(std::string_view message, std::string& skeleton) {
  SkeletonWriter(message.substr(0, longest_message), skeleton).run();
}

bool parts_words(char c) {
  return kind_of(c) == separator || c == ':' || c == parameter_mark;
}

}  // namespace triage::probes::logs
