#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/diagnose/run.h"
#include "lib/probes/probe.h"
#include "tools/recording.h"

namespace triage {

/// The probes that a runbook may use.
std::vector<std::string> probe_names();

/// A call of the probe with the options of a runbook's `with`; throws Error{usage} for what it does
/// not understand.
std::unique_ptr<probes::Call> make_call(const std::string& use, const std::string& with);

/// The document of a probe, asked or from the record.
diagnose::ProbeAnswer answer_of(const std::string& use, const std::string& with, Session& session,
                                Recording& recording);

/// What became of the steps, for a recording; the documents are made again from the samples.
Json collection_json(const diagnose::Collection& collection);

/// The request of a recorded run: nothing is asked, and probes whose entry is lost failed.
diagnose::RunRequest recorded_request(const diagnose::Runbook& runbook, diagnose::Inputs inputs,
                                      const Session& session, Recording& recording);

/// A run of this bundle by the given runbook, or by its own when null.
diagnose::RunOutcome replay_run(Replay& replay, const diagnose::Runbook* runbook);

}  // namespace triage
