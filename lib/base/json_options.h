#pragma once

#include <set>
#include <string>

#include "lib/base/json_fwd.h"
#include "lib/base/option_visitor.h"

namespace triage {

/// Fills Options from a JSON object, as a runbook's `with:` gives it: `slow_after: 10s`. Call
/// `finish()` after describe(): it throws Error{usage} when a key was not an option. Durations are
/// texts ("10s") or numbers of seconds.
class JsonOptions final : public OptionVisitor {
 public:
  JsonOptions(const Json& values, std::string where);
  void visit(const OptionInfo& info, std::string& value) override;
  void visit(const OptionInfo& info, std::vector<std::string>& values) override;
  void visit(const OptionInfo& info, bool& value) override;
  void visit(const OptionInfo& info, std::int64_t& value) override;
  void visit(const OptionInfo& info, double& value) override;
  void visit(const OptionInfo& info, std::chrono::milliseconds& value) override;
  void finish() const;

 private:
  const Json* find(const OptionInfo& info);
  [[noreturn]] void wrong(const OptionInfo& info, const std::string& wanted) const;

  const Json& values_;
  std::string where_;
  std::set<std::string> known_;
};

/// The inverse: writes the options as used, for the `options` key of each document.
class OptionsWriter final : public OptionVisitor {
 public:
  explicit OptionsWriter(Json& target) : target_(target) {}
  void visit(const OptionInfo& info, std::string& value) override;
  void visit(const OptionInfo& info, std::vector<std::string>& values) override;
  void visit(const OptionInfo& info, bool& value) override;
  void visit(const OptionInfo& info, std::int64_t& value) override;
  void visit(const OptionInfo& info, double& value) override;
  void visit(const OptionInfo& info, std::chrono::milliseconds& value) override;

 private:
  Json& target_;
};

/// "slow-after" -> "slow_after": the key of an option in JSON and runbooks.
std::string option_key(const std::string& name);

}  // namespace triage
