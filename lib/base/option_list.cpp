#include "lib/base/option_list.h"

#include <fmt/format.h>

#include "lib/base/units.h"

namespace triage {

void OptionList::visit(const OptionInfo& info, std::string& value) {
  rows_.push_back({info, OptionRow::Kind::value, value});
}
void OptionList::visit(const OptionInfo& info, std::vector<std::string>& values) {
  rows_.push_back({info, OptionRow::Kind::list, fmt::format("{}", fmt::join(values, " "))});
}
void OptionList::visit(const OptionInfo& info, bool& /*value*/) {
  rows_.push_back({info, OptionRow::Kind::flag, {}});
}
void OptionList::visit(const OptionInfo& info, std::int64_t& value) {
  rows_.push_back({info, OptionRow::Kind::value, std::to_string(value)});
}
void OptionList::visit(const OptionInfo& info, double& value) {
  rows_.push_back({info, OptionRow::Kind::value, fmt::format("{}", value)});
}
void OptionList::visit(const OptionInfo& info, std::chrono::milliseconds& value) {
  rows_.push_back({info, OptionRow::Kind::value, to_duration_text(value)});
}

}  // namespace triage
