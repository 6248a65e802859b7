#pragma once

#include <string>
#include <vector>

#include "lib/base/option_visitor.h"

namespace triage {

/// One option as help, man page, completion and configuration see it.
struct OptionRow {
  enum class Kind { flag, value, list };
  OptionInfo info;
  Kind kind = Kind::value;
  std::string default_text;  ///< empty when there is none
};

/// Collects what describe() says, without changing the options.
class OptionList final : public OptionVisitor {
 public:
  void visit(const OptionInfo& info, std::string& value) override;
  void visit(const OptionInfo& info, std::vector<std::string>& values) override;
  void visit(const OptionInfo& info, bool& value) override;
  void visit(const OptionInfo& info, std::int64_t& value) override;
  void visit(const OptionInfo& info, double& value) override;
  void visit(const OptionInfo& info, std::chrono::milliseconds& value) override;

  [[nodiscard]] const std::vector<OptionRow>& rows() const { return rows_; }

 private:
  std::vector<OptionRow> rows_;
};

}  // namespace triage
