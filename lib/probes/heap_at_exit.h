#pragma once

/// Parts of `triage heap snapshot`: the files that Node.js writes itself, near its heap limit or at
/// its end, and what both ways share.
#include "lib/probes/heap_snapshot.h"
#include "lib/v8/heap_snapshot.h"

namespace triage::probes::heap_snapshot {

/// Waits until the process has ended or the session is cancelled, and reads what Node.js wrote into
/// the directories of the process since it started, oldest first. Nothing is asked of it.
Sample collect_at_exit(const Options& options, Session& session);
void judge_at_exit(Result& result);

/// Fills the counts of a row, and the classes of the sample.
void summarise(v8::HeapSnapshot& snapshot, const Options& options, FileRow& row, Sample& sample);

}  // namespace triage::probes::heap_snapshot
