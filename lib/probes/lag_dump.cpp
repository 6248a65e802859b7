#include "lib/probes/lag_dump.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/units.h"

namespace triage::probes::lag_dump {
namespace {

std::string frame_lines(const ThreadStack& thread, bool native) {
  std::string text = v8::describe_stack(thread.frames, native);
  if (!thread.complete) text += "... the walk ended here\n";
  return text;
}

bool has_javascript(const ThreadStack& thread) {
  return std::any_of(thread.frames.begin(), thread.frames.end(), v8::is_javascript);
}

std::string headline_of(const ThreadStack& thread) {
  const int culprit = v8::culprit_of(thread.frames);
  if (culprit < 0)
    return fmt::format("{} thread {}: {}, {}", thread.role, thread.tid, thread.activity,
                       thread.state);
  return fmt::format("{} thread {} runs {} ({})", thread.role, thread.tid,
                     v8::describe_frame(thread.frames[static_cast<std::size_t>(culprit)]),
                     thread.activity);
}

}  // namespace

Help help() {
  return {
      "Shows what every thread of a running Node.js process does at this moment: JavaScript frames "
      "with file, line and column, builtins, regular expressions with their pattern, and native "
      "frames. No flag, no inspector and no restart are needed, and the process is not stopped: a "
      "thread on a CPU is sampled by perf, one that waits is read where it waits.",
      {{"triage lag dump 4127", "the JavaScript stacks of all threads"},
       {"triage lag dump name:server.js --native", "with the frames of C++ and libraries"},
       {"triage lag dump port:3000 --stop",
        "stops each thread while its stack is copied, where perf is forbidden"}}};
}

void describe(Options& options, OptionVisitor& visitor) {
  visitor.visit({"target", "process: pid, name:TEXT or port:N", "TARGET", {}, true, true, 0},
                options.target);
  visitor.visit({"stop",
                 "stop each thread while its stack is copied (ptrace), and let it go",
                 {},
                 {},
                 false,
                 false,
                 0},
                options.stop);
  visitor.visit({"native", "show native frames too", {}, {}, false, false, 0}, options.native);
}

Result analyse(const Options& /*options*/, const Sample& sample) {
  Result result;
  static_cast<Sample&>(result) = sample;
  result.envelope.at = sample.at;
  result.envelope.target = sample.target;
  result.envelope.gaps = sample.gaps;
  std::int64_t checked = 0;
  std::int64_t failed = 0;
  for (const auto& thread : sample.threads) {
    checked += thread.objects_count;
    failed += thread.failed_count;
    if (thread.role == "main" || has_javascript(thread))
      result.envelope.find("thread", Severity::info, headline_of(thread));
  }
  if (checked > 0) result.failed_ratio = static_cast<double>(failed) / static_cast<double>(checked);
  const bool main_read = std::any_of(sample.threads.begin(), sample.threads.end(),
                                     [](const ThreadStack& t) { return t.role == "main"; });
  if (!main_read)
    result.envelope.find("main_unknown", Severity::unknown,
                         "the stack of the main thread could not be read");
  if (!sample.checked_version)
    result.envelope.gaps.push_back(
        {"checked_version", "malformed",
         fmt::format("V8 {} is not one of 10.2, 11.3, 12.4 and 13.6: frames may be missing",
                     sample.v8_version),
         "compare with the inspector before relying on it"});
  result.envelope.provenance.push_back(
      {{"/pid", "/threads", "/failed_ratio"},
       fmt::format("memory and registers of process {}", sample.pid),
       sample.at,
       fmt::format("triage lag dump {} --native", sample.pid)});
  return result;
}

std::vector<Section> sections(const Options& options, const Result& result) {
  std::vector<Section> sections;
  Table idle{{{"thread", true, false},
              {"role", false, false},
              {"activity", false, false},
              {"state", false, false},
              {"innermost function", false, true}},
             {}};
  for (const auto& thread : result.threads) {
    if (!options.native && !has_javascript(thread)) {
      const std::string function =
          thread.frames.empty() ? std::string("unknown") : v8::describe_frame(thread.frames[0]);
      idle.rows.push_back(
          {std::to_string(thread.tid), thread.role, thread.activity, thread.state, function});
      continue;
    }
    std::string note = fmt::format("{}, {}, by {}", thread.activity, thread.state, thread.source);
    if (thread.pause_ms) note += ", stopped " + format_duration(*thread.pause_ms / 1000);
    sections.push_back({fmt::format("THREAD {} {}", thread.tid, thread.role),
                        note,
                        {Code{frame_lines(thread, options.native)}},
                        false});
  }
  if (!idle.rows.empty())
    sections.push_back({"THREADS WITHOUT JAVASCRIPT", "", {std::move(idle)}, false});
  if (result.failed_ratio)
    sections.push_back(
        {"CONSISTENCY",
         "",
         {Paragraph{fmt::format("{} of the V8 objects that were read were not what they had to be "
                                "(V8 {}); their frames are left out",
                                format_ratio(*result.failed_ratio), result.v8_version)}},
         false});
  return sections;
}

}  // namespace triage::probes::lag_dump
