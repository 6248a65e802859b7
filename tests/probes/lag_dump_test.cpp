#include "lib/probes/lag_dump.h"

#include <doctest/doctest.h>

using namespace triage;

namespace {

v8::StackFrame frame_of(const char* kind, const char* function, const char* url) {
  v8::StackFrame frame;
  frame.kind = kind;
  frame.function = function;
  frame.url = url;
  frame.line = 7;
  frame.column = 3;
  return frame;
}

probes::lag_dump::Sample sample_of(std::vector<v8::StackFrame> frames) {
  probes::lag_dump::Sample sample;
  sample.pid = 4127;
  sample.checked_version = true;
  probes::lag_dump::ThreadStack thread;
  thread.tid = 4127;
  thread.role = "main";
  thread.objects_count = 10;
  thread.frames = std::move(frames);
  sample.threads.push_back(std::move(thread));
  return sample;
}

}  // namespace

TEST_CASE("lag_dump: the finding names the innermost function of the user's own code") {
  auto library = frame_of("js", "parse", "/app/node_modules/csv/index.js");
  library.package = "csv";
  const auto result =
      probes::lag_dump::analyse({}, sample_of({frame_of("native", "read", "libc"), library,
                                               frame_of("js", "report", "/app/x.js")}));
  REQUIRE(result.envelope.findings.size() == 1);
  CHECK(result.envelope.findings[0].text.find("report (/app/x.js:7:3)") != std::string::npos);
}

TEST_CASE("lag_dump: without the main thread the verdict is unknown") {
  probes::lag_dump::Sample sample;
  CHECK(probes::lag_dump::analyse({}, sample).envelope.severity == Severity::unknown);
  CHECK_FALSE(probes::lag_dump::analyse({}, sample).failed_ratio.has_value());
}

TEST_CASE("lag_dump: failed checks of objects are a share of all") {
  auto sample = sample_of({});
  sample.threads[0].failed_count = 1;
  CHECK(probes::lag_dump::analyse({}, sample).failed_ratio == doctest::Approx(0.1));
}

TEST_CASE("lag_dump: native frames are shown only when asked for") {
  const auto sample =
      sample_of({frame_of("native", "read", "libc"), frame_of("native", "uv_fs_read", "node"),
                 frame_of("js", "report", "/app/x.js")});
  probes::lag_dump::Options options;
  const auto text = [&] {
    const auto result = probes::lag_dump::analyse(options, sample);
    return std::get<Code>(probes::lag_dump::sections(options, result)[0].blocks[0]).text;
  };
  CHECK(text().find("uv_fs_read") == std::string::npos);
  options.native = true;
  CHECK(text().find("uv_fs_read") != std::string::npos);
}
