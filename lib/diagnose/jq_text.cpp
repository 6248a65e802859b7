#include "lib/diagnose/jq_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "lib/base/error.h"

namespace triage::diagnose {
namespace {

using Kind = Token::Kind;

[[noreturn]] void fail(const std::string& what, std::string remedy = {}) {
  throw Error(ErrorCode::usage, what, std::move(remedy));
}

bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

class Scanner {
 public:
  explicit Scanner(std::string_view source, std::size_t at = 0) : source_(source), at_(at) {}

  /// Up to the end, or up to the ")" that closes more than was opened.
  void run(bool until_close) {
    constexpr std::size_t max_depth = 100;
    std::string open;
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ')' || c == ']' || c == '}') {
        if (open.empty() && until_close && c == ')') return;
        const char wanted = c == ')' ? '(' : c == ']' ? '[' : '{';
        if (open.empty() || open.back() != wanted) fail(fmt::format("'{}' closes nothing", c));
        open.pop_back();
        add(Kind::close, 1);
      } else if (c == '(' || c == '[' || c == '{') {
        open += c;
        if (open.size() + nested_ > max_depth) fail("brackets are nested too deep");
        add(Kind::open, 1);
      } else {
        one();
      }
    }
    if (until_close) fail("'\\(' has no closing ')'");
    if (!open.empty()) fail(fmt::format("'{}' is not closed", open.back()));
  }

  [[nodiscard]] std::size_t at() const { return at_; }
  std::vector<Token> take() { return std::move(tokens_); }

 private:
  void add(Kind kind, std::size_t size) {
    tokens_.push_back({kind, source_.substr(at_, size)});
    at_ += size;
  }
  [[nodiscard]] char peek(std::size_t offset) const {
    return at_ + offset < source_.size() ? source_[at_ + offset] : '\0';
  }
  [[nodiscard]] std::size_t name_end(std::size_t from) const {
    while (from < source_.size() &&
           (is_name_part(source_[from]) || source_.substr(from, 2) == "::"))
      from += source_[from] == ':' ? 2 : 1;
    return from;
  }

  void one() {
    const char c = source_[at_];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at_;
    } else if (c == '#') {
      at_ = std::min(source_.find('\n', at_), source_.size());
    } else if (c == '"') {
      text();
    } else if (c == '.' && is_name_start(peek(1))) {
      add(Kind::field, name_end(at_ + 1) - at_);
    } else if (c == '.' && !is_digit(peek(1))) {
      add(Kind::dot, peek(1) == '.' ? 2 : 1);
    } else if (c == '$' && is_name_start(peek(1))) {
      add(Kind::variable, name_end(at_ + 1) - at_);
    } else if (is_name_start(c) || c == '@') {
      add(Kind::name, name_end(at_ + 1) - at_);
    } else if (is_digit(c) || c == '.') {
      number();
    } else {
      sign();
    }
  }

  void number() {
    std::size_t end = at_;
    while (end < source_.size() &&
           (is_name_part(source_[end]) || source_[end] == '.' ||
            ((source_[end] == '+' || source_[end] == '-') && (source_[end - 1] | 0x20) == 'e')))
      ++end;
    add(Kind::number, end - at_);
  }

  void sign() {
    static constexpr std::array<std::string_view, 13> long_signs{
        "?//", "//=", "==", "!=", "<=", ">=", "//", "|=", "+=", "-=", "*=", "/=", "%="};
    for (const auto known : long_signs)
      if (source_.substr(at_, known.size()) == known) return add(Kind::sign, known.size());
    add(Kind::sign, 1);
  }

  /// From the opening quote on. The content of interpolations is split like any other source.
  void text() {
    if (++nested_ > 20) fail("strings are nested too deep");
    std::size_t start = at_++;
    while (at_ < source_.size() && source_[at_] != '"') {
      if (source_[at_] != '\\') {
        ++at_;
        continue;
      }
      if (peek(1) != '(') {
        at_ += 2;
        continue;
      }
      tokens_.push_back({Kind::string, source_.substr(start, at_ - start)});
      add(Kind::open, 2);
      run(true);
      add(Kind::close, 1);
      start = at_;
    }
    if (at_ >= source_.size()) fail("a string has no closing quote");
    ++at_;
    tokens_.push_back({Kind::string, source_.substr(start, at_ - start)});
    --nested_;
  }

  std::string_view source_;
  std::size_t at_;
  std::size_t nested_ = 0;
  std::vector<Token> tokens_;
};

constexpr std::array<std::string_view, 13> keywords{"if",  "then",  "elif", "else",   "end",
                                                    "and", "or",    "as",   "reduce", "foreach",
                                                    "try", "catch", "def"};

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// Whether a ".x" behind this token belongs to the value before it.
bool ends_value(const Token& token) {
  switch (token.kind) {
    case Kind::name:
      return !one_of(keywords, token.text);
    case Kind::variable:
    case Kind::field:
    case Kind::dot:
    case Kind::string:
    case Kind::number:
    case Kind::close:
      return true;
    case Kind::open:
      return false;
    case Kind::sign:
      return token.text == "?";
  }
  return false;
}

bool starts_path(const std::vector<Token>& tokens, std::size_t i) {
  const Kind kind = tokens[i].kind;
  return (kind == Kind::field || kind == Kind::dot) && (i == 0 || !ends_value(tokens[i - 1]));
}

bool is_comparison(const Token& token) {
  static constexpr std::array<std::string_view, 6> signs{"==", "!=", "<", "<=", ">", ">="};
  return token.kind == Kind::sign && one_of(signs, token.text);
}

/// What ends an operand at its own level of brackets.
bool is_border(const Token& token) {
  static constexpr std::array<std::string_view, 4> signs{"|", ",", ";", ":"};
  return is_comparison(token) || (token.kind == Kind::sign && one_of(signs, token.text)) ||
         (token.kind == Kind::name && one_of(keywords, token.text));
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Span operand_before(const std::vector<Token>& tokens, std::size_t sign) {
  int depth = 0;
  std::size_t i = sign;
  for (; i > 0; --i) {
    const Token& token = tokens[i - 1];
    if (token.kind == Kind::close) ++depth;
    if (token.kind == Kind::open && depth-- == 0) break;
    if (depth == 0 && is_border(token)) break;
  }
  return {i, sign};
}

Span operand_after(const std::vector<Token>& tokens, std::size_t sign) {
  int depth = 0;
  std::size_t i = sign + 1;
  for (; i < tokens.size(); ++i) {
    if (tokens[i].kind == Kind::open) ++depth;
    if (tokens[i].kind == Kind::close && depth-- == 0) break;
    if (depth == 0 && is_border(tokens[i])) break;
  }
  return {sign + 1, i};
}

/// The first path of an operand that stands on its own, not inside a call or a list.
std::optional<std::size_t> bare_path(const std::vector<Token>& tokens, Span span) {
  std::optional<std::size_t> found;
  int hidden = 0;  // depth inside a call's arguments or a list
  std::vector<bool> hides;
  for (std::size_t i = span.begin; i < span.end; ++i) {
    const Token& token = tokens[i];
    if (token.kind == Kind::open) {
      const bool group = token.text == "(" && (i == 0 || !ends_value(tokens[i - 1]));
      hides.push_back(!group);
      hidden += group ? 0 : 1;
    } else if (token.kind == Kind::close && !hides.empty()) {
      hidden -= hides.back() ? 1 : 0;
      hides.pop_back();
    } else if (hidden == 0 && token.text == "//" && token.kind == Kind::sign) {
      return std::nullopt;
    } else if (hidden == 0 && !found && starts_path(tokens, i)) {
      found = i;
    }
  }
  return found;
}

bool is_null(const std::vector<Token>& tokens, Span span) {
  return span.end - span.begin == 1 && tokens[span.begin].text == "null";
}

std::string join(const std::vector<Token>& tokens, std::size_t from) {
  std::string text(tokens[from].text);
  while (++from < tokens.size() &&
         (tokens[from].kind == Kind::field || tokens[from].kind == Kind::dot))
    text += tokens[from].text;
  return text;
}

std::string unquoted(std::string_view literal) {
  return literal.size() >= 2 ? std::string(literal.substr(1, literal.size() - 2)) : std::string();
}

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  Scanner scanner(source);
  scanner.run(false);
  return scanner.take();
}

std::size_t end_of_interpolation(std::string_view text, std::size_t start) {
  Scanner scanner(text, start);
  scanner.run(true);
  return scanner.at();
}

void refuse_outside(const std::vector<Token>& tokens) {
  static constexpr std::array<std::string_view, 17> outside{
      "env",   "import",           "include",         "input",     "inputs",
      "debug", "input_filename",   "stderr",          "halt",      "halt_error",
      "now",   "modulemeta",       "get_search_list", "localtime", "strflocaltime",
      "$ENV",  "input_line_number"};
  for (const auto& token : tokens) {
    if (token.kind != Kind::name && token.kind != Kind::variable) continue;
    const bool inner = token.text.starts_with("__") || token.text.starts_with("$__");
    if (inner || one_of(outside, token.text) || token.text.find("::") != std::string_view::npos)
      fail(fmt::format("'{}' is not allowed in a runbook", token.text),
           "a runbook sees its documents and inputs only");
  }
}

void refuse_raw_comparisons(const std::vector<Token>& tokens) {
  static constexpr std::array<std::string_view, 3> element_wise{"select", "any", "all"};
  std::vector<bool> exempt{false};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind == Kind::open)
      exempt.push_back(exempt.back() || (i > 0 && one_of(element_wise, tokens[i - 1].text)));
    if (tokens[i].kind == Kind::close && exempt.size() > 1) exempt.pop_back();
    if (!is_comparison(tokens[i]) || exempt.back()) continue;
    const Span left = operand_before(tokens, i);
    const Span right = operand_after(tokens, i);
    if (is_null(tokens, left) || is_null(tokens, right)) continue;
    for (const Span side : {left, right})
      if (const auto bare = bare_path(tokens, side))
        fail(fmt::format("'{}' is compared without v(): missing data would count as an answer",
                         join(tokens, *bare)),
             fmt::format("write v({}) or give a default with //", join(tokens, *bare)));
  }
}

std::vector<PathUse> paths_of(const std::vector<Token>& tokens) {
  std::vector<PathUse> uses;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!starts_path(tokens, i) || tokens[i].kind != Kind::field) continue;
    PathUse use{std::string(tokens[i].text.substr(1)), {}};
    for (std::size_t next = i + 1; next < tokens.size(); ++next) {
      if (tokens[next].kind == Kind::field) {
        use.pointer += "/" + std::string(tokens[next].text.substr(1));
      } else if (tokens[next].text == "[" && next + 2 < tokens.size() &&
                 tokens[next + 1].kind == Kind::string && tokens[next + 2].text == "]") {
        use.pointer += "/" + unquoted(tokens[next + 1].text);
        next += 2;
      } else {
        break;
      }
    }
    uses.push_back(std::move(use));
  }
  return uses;
}

std::vector<std::string> literal_arguments(const std::vector<Token>& tokens,
                                           std::string_view function) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i + 3 < tokens.size(); ++i)
    if (tokens[i].kind == Kind::name && tokens[i].text == function && tokens[i + 1].text == "(" &&
        tokens[i + 2].kind == Kind::string && tokens[i + 3].text == ")")
      values.push_back(unquoted(tokens[i + 2].text));
  return values;
}

}  // namespace triage::diagnose
