#pragma once

/// Looks at jq source without running it: enough of its lexical grammar (jq 1.6, src/lexer.l) to
/// refuse words that reach outside, to keep one expression inside its slot of a larger program, to
/// see which parts of the documents it reads, and to find comparisons that lie when data is
/// missing.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace triage::diagnose {

struct Token {
  enum class Kind { name, variable, field, dot, string, number, open, close, sign };
  Kind kind = Kind::sign;
  std::string_view text;  ///< with its quotes, dot or dollar
};

/// Splits jq source. A string with \(...) inside gives its parts: string, open "\(", ..., close
/// ")". Throws Error{usage} for a string or bracket that does not end, or ends twice.
std::vector<Token> tokenize(std::string_view source);

/// The index of the ")" that ends the interpolation whose content starts at `start`; throws
/// Error{usage} when there is none.
std::size_t end_of_interpolation(std::string_view text, std::size_t start);

/// Throws Error{usage} for words that read the environment, other files, the clock or the state of
/// the evaluator (env, $ENV, import, include, input, debug, now, names starting with __, ...).
void refuse_outside(const std::vector<Token>& tokens);

/// jq compares null without complaint (`null < 5` is true), so outside of select(), any() and all()
/// an operand must be v(...), fact(...) or have a default (//). Comparing with null itself is fine.
/// Throws Error{usage} naming the operand.
void refuse_raw_comparisons(const std::vector<Token>& tokens);

/// One place of the documents that an expression reads: ".pg.statements" is {"pg", "/statements"}.
struct PathUse {
  std::string root;
  std::string pointer;
};
/// All paths, of whatever root: those inside of select() are relative and name no probe.
std::vector<PathUse> paths_of(const std::vector<Token>& tokens);

/// The literal arguments of calls such as fact("hog"), in order of appearance.
std::vector<std::string> literal_arguments(const std::vector<Token>& tokens,
                                           std::string_view function);

}  // namespace triage::diagnose
