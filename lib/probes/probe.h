#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lib/base/finding.h"
#include "lib/base/json_fwd.h"
#include "lib/base/option_visitor.h"
#include "lib/base/session.h"
#include "lib/report/report.h"

namespace triage {

/// What a subcommand gives: the versioned document and its readable form.
struct Outcome;

namespace probes {

/// One use of a subcommand: its options are filled through describe(), then it runs once.
class Call {
 public:
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  virtual ~Call() = default;
  virtual void describe(OptionVisitor& visitor) = 0;
  /// Reads the world and analyses it. Throws Error when nothing can be said at all.
  virtual Outcome run(Session& session) = 0;
  /// The pure half, on a recorded sample: same sample, same bytes.
  virtual Outcome analyse(const Json& sample, Session& session) = 0;
  /// The other half: what run() would analyse, as JSON.
  virtual Json collect(Session& session) = 0;
};

/// One row of the registry: a subcommand.
struct Probe {
  std::string_view name;     ///< "pool"
  std::string_view summary;  ///< for `triage --help`
  Help (*help)();
  std::function<std::unique_ptr<Call>()> call;
  std::function<Json()> schema;  ///< JSON Schema of its document
  bool live = false;             ///< on a terminal it is repeated until Ctrl-C
};

/// All subcommands that look at something, in the order of the manual.
std::span<const Probe> registry();
/// nullptr when there is none of that name.
const Probe* find_probe(std::string_view name);

}  // namespace probes
}  // namespace triage
