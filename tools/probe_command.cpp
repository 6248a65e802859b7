#include "tools/probe_command.h"

#include "lib/probes/outcome.h"
#include "tools/recording.h"

namespace triage {
namespace {

class ProbeCommand final : public Command {
 public:
  explicit ProbeCommand(const probes::Probe& probe) : probe_(probe), call_(probe.call()) {}
  [[nodiscard]] std::string name() const override { return std::string(probe_.name); }
  [[nodiscard]] std::string summary() const override { return std::string(probe_.summary); }
  [[nodiscard]] Help help() const override { return probe_.help(); }
  [[nodiscard]] bool live() const override { return probe_.live; }
  void describe(OptionVisitor& visitor) override { call_->describe(visitor); }
  Outcome run(Session& session, const Settings& /*settings*/, Recording& recording) override {
    return recording.answer(probe_.name, {}, *call_, session);
  }

 private:
  const probes::Probe& probe_;
  std::unique_ptr<probes::Call> call_;
};

}  // namespace

std::unique_ptr<Command> make_probe_command(const probes::Probe& probe) {
  return std::make_unique<ProbeCommand>(probe);
}

}  // namespace triage
