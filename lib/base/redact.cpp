#include "lib/base/redact.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/base/json.h"
#include "lib/base/secret_shapes.h"

namespace triage {
namespace {

using namespace std::string_view_literals;
using namespace shapes;  // NOLINT(google-build-using-namespace): the vocabulary of this file

constexpr std::string_view mask = "***";
constexpr std::size_t none = std::string_view::npos;

/// JSON words that hide nothing.
bool is_literal(std::string_view word) {
  static constexpr std::array literals{"true"sv, "false"sv, "null"sv, "undefined"sv};
  return std::any_of(literals.begin(), literals.end(),
                     [&](std::string_view other) { return equal_ignoring_case(word, other); });
}

/// One pass over one text. Every rule either consumes what it looked at, or looks at a bounded
/// part, or remembers how far its search went: so the pass is linear.
class Scanner {
 public:
  Scanner(std::string_view text, Redactor& redactor) : text_(text), redactor_(redactor) {}

  std::string run() {
    output_.reserve(text_.size());
    while (at_ < text_.size()) step();
    return std::move(output_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (is_alnum(c) || c == '_') {
      word();
    } else if (c == '-' && starts(at_, "-----BEGIN ")) {
      key_block();
    } else if (c == ':' && starts(at_, "://")) {
      user_info();
    } else if (c == ':' && ipv6()) {
      return;
    } else {
      copy_to(at_ + 1);
    }
  }

  [[nodiscard]] bool starts(std::size_t from, std::string_view what) const {
    return text_.substr(from, what.size()) == what;
  }
  [[nodiscard]] char peek(std::size_t place) const {
    return place < text_.size() ? text_[place] : '\n';
  }
  void copy_to(std::size_t end) {
    output_.append(text_.substr(at_, end - at_));
    at_ = end;
  }
  void replace_to(std::size_t end, std::string_view with, std::string_view rule) {
    if (text_.substr(at_, end - at_) != with) redactor_.count(rule);
    output_.append(with);
    at_ = end;
  }

  /// A single hyphen or dot belongs to a word; two hyphens start something new ("\n-----BEGIN").
  [[nodiscard]] std::size_t word_end(std::size_t from) const {
    std::size_t end = from;
    while (end < text_.size()) {
      const char c = text_[end];
      const bool joint =
          (c == '-' || c == '.') && (is_alnum(peek(end + 1)) || peek(end + 1) == '_');
      if (!is_alnum(c) && c != '_' && !joint) break;
      ++end;
    }
    return end;
  }

  [[nodiscard]] std::size_t skip_blanks(std::size_t from) const {
    const std::size_t limit = std::min(text_.size(), from + 16);
    while (from < limit && is_blank(text_[from])) ++from;
    return from;
  }

  void word() {
    const std::size_t end = word_end(at_);
    const std::string_view word = text_.substr(at_, end - at_);
    if (is_jwt(word)) return replace_to(end, mask, "jwt");
    if (is_aws_key(word)) return replace_to(end, mask, "aws_key");
    if (is_vendor_token(word)) return replace_to(end, mask, "api_token");
    if (credentials(word, end) || secret_value(word, end)) return;
    if (redactor_.options().addresses && address(word, end)) return;
    copy_to(end);
  }

  /// Authorization: Bearer <token> (RFC 6750), Basic <base64> (RFC 7617), without its key.
  bool credentials(std::string_view word, std::size_t end) {
    if (!equal_ignoring_case(word, "bearer") && !equal_ignoring_case(word, "basic")) return false;
    const std::size_t start = skip_blanks(end);
    if (start == end) return false;
    std::size_t stop = start;
    while (is_alnum(peek(stop)) || "._~+/=-"sv.find(peek(stop)) != none) ++stop;
    if (!looks_random(text_.substr(start, stop - start))) return false;
    copy_to(start);
    replace_to(stop, mask, "authorization");
    return true;
  }

  /// key=value, "key": "value", key: 'value', key => value, --key value, PASSWORD 'value'.
  bool secret_value(std::string_view name, std::size_t end) {
    std::size_t place = end;
    while (peek(place) == '\\' && place < end + 8) ++place;
    const bool quoted_key = is_quote(peek(place));
    const std::size_t after_key = skip_blanks(quoted_key ? place + 1 : end);
    const char separator = peek(after_key);
    if (separator != '=' && separator != ':') {
      const bool flag = at_ >= 2 && starts(at_ - 2, "--") && after_key > end &&
                        peek(after_key) != '-' && !is_space(peek(after_key));
      const bool sql = separator == '\'' && after_key > end;
      if (quoted_key || !(flag || sql) || !is_secret_name(name)) return false;
      copy_to(after_key);
      value(name, '=', {});
      return true;
    }
    if (starts(after_key, "://") || !is_secret_name(name)) return false;
    const bool arrow = separator == '=' && peek(after_key + 1) == '>';
    const std::string_view quote = quoted_key ? text_.substr(end, place + 1 - end) : ""sv;
    copy_to(skip_blanks(after_key + (arrow ? 2 : 1)));
    value(name, separator, quote);
    return true;
  }

  /// At the first byte of a secret's value; `key_quote` is what closed the key: JSON stays JSON.
  void value(std::string_view name, char separator, std::string_view key_quote) {
    std::size_t start = at_;
    while (peek(start) == '\\' && start < at_ + 8) ++start;
    if (is_quote(peek(start))) return quoted_value(start);
    if (peek(at_) == '[') return list_value(key_quote);
    if (peek(at_) == '{' || starts(at_, "-----BEGIN ")) return;
    const std::size_t end = bare_end(name, separator);
    const std::string_view found = text_.substr(at_, end - at_);
    if (found.empty() || is_literal(found)) return;
    if (key_quote.empty()) return replace_to(end, mask, "secret_value");
    replace_to(end, fmt::format("{}{}{}", key_quote, mask, key_quote), "secret_value");
  }

  [[nodiscard]] std::size_t bare_end(std::string_view name, char separator) {
    std::size_t end = at_;
    // A header goes to the end of its line: "Cookie: a=1; b=2", "Authorization: Digest x=1, y=2".
    const bool header =
        separator == ':' && (ends_with(name, "cookie") || ends_with(name, "ization"));
    if (header) {
      while (end < text_.size() && peek(end) != '\n' && peek(end) != '\r' && !is_quote(peek(end)) &&
             peek(end) != '\\' && peek(end) != '}')
        ++end;
      return end;
    }
    const std::size_t scheme = word_end(at_);
    if (is_scheme(text_.substr(at_, scheme - at_)) && is_blank(peek(scheme)))
      end = skip_blanks(scheme);
    while (end < text_.size() && !is_space(text_[end]) && !is_quote(text_[end]) &&
           R"(,;&)]}<>\)"sv.find(text_[end]) == none)
      ++end;
    return end;
  }

  static bool ends_with(std::string_view name, std::string_view tail) {
    return name.size() >= tail.size() &&
           equal_ignoring_case(name.substr(name.size() - tail.size()), tail);
  }

  /// `quote_at` is the opening quote, behind as many backslashes as the text was escaped.
  void quoted_value(std::size_t quote_at) {
    const std::size_t depth = quote_at - at_;
    const char quote = text_[quote_at];
    if (starts(quote_at + 1, "-----BEGIN ")) return copy_to(quote_at + 1);
    const std::size_t close = closing_quote(quote_at + 1, quote, depth);
    const std::size_t end = close == none ? line_end() : close;
    copy_to(quote_at + 1);
    if (end > at_) replace_to(end, mask, "secret_value");
    if (close != none) copy_to(std::min(text_.size(), close + depth + 1));
  }

  /// Where the closing quote with its `depth` backslashes starts on this line, or `none`.
  std::size_t closing_quote(std::size_t from, char quote, std::size_t depth) {
    std::size_t& given_up = given_up_.at(quote == '"' ? 0 : (quote == '`' ? 1 : 2));
    const std::size_t end = line_end();
    if (from < given_up) return none;
    std::size_t slashes = 0;
    for (std::size_t i = from; i < end; ++i) {
      if (text_[i] == '\\') {
        ++slashes;
        continue;
      }
      const bool closes = depth == 0 ? slashes % 2 == 0 : slashes <= depth;
      if (text_[i] == quote && closes) return i - (depth == 0 ? 0 : slashes);
      slashes = 0;
    }
    given_up = end;
    return none;
  }

  std::size_t line_end() {
    if (line_end_ < at_ || line_end_ == 0) {
      const std::size_t found = text_.find('\n', at_);
      line_end_ = found == none ? text_.size() : found;
    }
    return line_end_;
  }

  /// "set-cookie": ["a=1; Path=/", "b=2"]
  void list_value(std::string_view key_quote) {
    const std::size_t end = std::min(text_.substr(0, line_end()).find(']', at_), line_end());
    copy_to(at_ + 1);
    const std::string_view quote = key_quote.empty() ? R"(")"sv : key_quote;
    if (end > at_) replace_to(end, fmt::format("{}{}{}", quote, mask, quote), "secret_value");
  }

  /// PEM (RFC 7468). Without an end the block was cut: everything behind goes.
  void key_block() {
    const std::size_t name_end = text_.substr(0, at_ + 80).find("-----", at_ + 11);
    const std::string_view label =
        name_end == none ? text_.substr(at_, 80) : text_.substr(at_, name_end - at_);
    if (label.find("PRIVATE KEY") == none) return copy_to(at_ + 11);
    const std::size_t footer = text_.find("-----END ", at_);
    std::size_t end = text_.size();
    if (footer != none) {
      const std::size_t close = text_.substr(0, footer + 80).find("-----", footer + 9);
      end = close == none ? footer + 9 : close + 5;
    }
    replace_to(end, "-----PRIVATE KEY ***-----", "private_key");
  }

  /// scheme://user:password@host. A password with "/" or "#" in it is invalid, but people log it:
  /// when what follows the colon is no port, the password goes to the last "@" of the word.
  void user_info() {
    copy_to(at_ + 3);
    if (word_stop_ <= at_) {
      word_stop_ = at_;
      while (word_stop_ < text_.size() && !is_space(text_[word_stop_]) &&
             !is_quote(text_[word_stop_]) && "<>"sv.find(text_[word_stop_]) == none)
        ++word_stop_;
      last_at_ = last_at_sign(word_stop_);
    }
    if (last_at_ == none || last_at_ < at_) return;
    const std::size_t slash = text_.substr(0, word_stop_).find_first_of("/?#", at_);
    const std::size_t host_end = slash == none ? word_stop_ : slash;
    const std::size_t colon = text_.substr(0, last_at_).find_first_of(":/?#", at_);
    const std::string_view user = text_.substr(at_, std::min(colon, last_at_) - at_);
    if (is_vendor_token(user) || is_jwt(user)) replace_to(at_ + user.size(), mask, "api_token");
    if (colon == none) return copy_to(last_at_ + 1);
    if (text_[colon] != ':') return;
    std::size_t at_sign = last_at_sign(host_end);
    if (at_sign == none || at_sign < colon) {
      if (is_digit(peek(colon + 1))) return;
      at_sign = last_at_;
    }
    copy_to(colon + 1);
    if (at_sign > at_) replace_to(at_sign, mask, "url_password");
    copy_to(at_sign + 1);
  }

  /// The last "@" from here to `end`, or `none`.
  [[nodiscard]] std::size_t last_at_sign(std::size_t end) const {
    const std::size_t found = text_.substr(at_, end - at_).rfind('@');
    return found == none ? none : at_ + found;
  }

  bool address(std::string_view word, std::size_t end) {
    if (is_ipv4(word)) {
      replace_to(end, redactor_.token_of("ip", word), "ip");
      return true;
    }
    return email(end) || ipv6();
  }

  /// local@domain.tld, the local part with "+tag" as well.
  bool email(std::size_t end) {
    if (peek(end) == '+') end = word_end(end + 1);
    if (peek(end) != '@') return false;
    const std::size_t stop = word_end(end + 1);
    const std::string_view domain = text_.substr(end + 1, stop - end - 1);
    const std::size_t dot = domain.rfind('.');
    if (dot == none || dot == 0 || domain.size() - dot < 3 || is_ipv4(domain)) return false;
    replace_to(stop, redactor_.token_of("email", text_.substr(at_, stop - at_)), "email");
    return true;
  }

  bool ipv6() {
    if (!redactor_.options().addresses) return false;
    if (at_ > 0 && (is_alnum(text_[at_ - 1]) || text_[at_ - 1] == ':')) return false;
    std::size_t end = at_;
    while (end < at_ + 46 && (is_hex(peek(end)) || peek(end) == ':' || peek(end) == '.')) ++end;
    if (is_alnum(peek(end)) || peek(end) == '_') return false;
    while (end > at_ && (text_[end - 1] == '.' ||
                         (end - at_ > 2 && text_[end - 1] == ':' && text_[end - 2] != ':')))
      --end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (!is_ipv6(word)) return false;
    replace_to(end, redactor_.token_of("ip", word), "ip");
    return true;
  }

  std::string_view text_;
  Redactor& redactor_;
  std::string output_;
  std::size_t at_ = 0;
  std::size_t line_end_ = 0;                      ///< of the line that was asked for last
  std::size_t word_stop_ = 0;                     ///< of the URL that was looked at last
  std::size_t last_at_ = none;                    ///< its last "@"
  std::array<std::size_t, 3> given_up_{0, 0, 0};  ///< per quote: no closing one before this place
};

Json redact_leaves(const Json& value, Redactor& redactor) {
  if (value.is_object() || value.is_array()) {
    Json copy = value;
    for (auto& item : copy) item = redact_leaves(item, redactor);
    return copy;
  }
  if (value.is_null() || value.is_boolean() || value == Json("") || value == mask) return value;
  redactor.count("secret_value");
  return mask;
}

}  // namespace

std::string Redactor::apply(std::string_view text) {
  if (!options_.enabled) return std::string(text);
  return Scanner(text, *this).run();
}

Json Redactor::apply(const Json& document) {
  if (!options_.enabled) return document;
  if (document.is_string()) return apply(std::string_view(document.get_ref<const std::string&>()));
  if (!document.is_structured()) return document;
  Json copy = document;
  if (document.is_array()) {
    for (auto& item : copy) item = apply(item);
    return copy;
  }
  for (const auto& [key, item] : copy.items())
    item = is_secret_name(key) ? redact_leaves(item, *this) : apply(item);
  return copy;
}

std::string Redactor::token_of(std::string_view kind, std::string_view address) {
  auto& known = tokens_[std::string(kind)];
  const auto next = static_cast<std::int64_t>(known.size()) + 1;
  const auto number = known.try_emplace(std::string(address), next).first->second;
  return fmt::format("<{}:{}>", kind, number);
}

}  // namespace triage
