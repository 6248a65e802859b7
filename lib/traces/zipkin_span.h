#pragma once

#include <string>

#include "lib/traces/span_reader.h"

namespace triage::traces {

/// What a Zipkin span says until its object is over: the members come in any order.
struct SpanReader::ZipkinSpan {
  std::string trace_id;
  std::string id;
  std::string parent_id;
  std::string name;
  std::int64_t timestamp_us = 0;
  std::int64_t duration_us = 0;
  ProcessDetails process;
  bool shared = false;
};

}  // namespace triage::traces
