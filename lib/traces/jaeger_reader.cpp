#include <algorithm>

#include "lib/traces/span_reader.h"

namespace triage::traces {
namespace {

constexpr std::size_t most_local = 100'000;

std::int64_t microseconds(std::int64_t value) {
  constexpr std::int64_t most = std::int64_t{1} << 53;
  return std::clamp<std::int64_t>(value, 0, most) * 1000;
}

}  // namespace

/// {"traceID":"..","spans":[..],"processes":{"p1":{..}},"warnings":null}
void SpanReader::jaeger_trace_member(std::string_view key) {
  if (!inside_) {
    inside_ = true;
    first_ = static_cast<SpanIndex>(builder_.size());
    local_names_.clear();
    local_processes_.clear();
  }
  if (key == "spans")
    cursor_.array([&] { jaeger_span(); });
  else
    jaeger_processes();
}

void SpanReader::jaeger_trace_end() {
  builder_.assign_processes(first_, local_processes_);
}

/// The number of "p1" within this trace, whether its process was read or is yet to come.
ProcessIndex SpanReader::local_process(std::string_view name) {
  for (std::size_t i = local_names_.size(); i-- > 0;)
    if (local_names_[i] == name) return static_cast<ProcessIndex>(i);
  if (local_names_.size() >= most_local) return none;
  local_names_.emplace_back(name);
  local_processes_.push_back(none);
  return static_cast<ProcessIndex>(local_names_.size() - 1);
}

void SpanReader::jaeger_processes() {
  cursor_.object([&](std::string_view name) {
    const ProcessIndex local = local_process(name);
    ProcessDetails process;
    process_ = &process;
    cursor_.object([&](std::string_view key) {
      if (key == "serviceName")
        process.set(Attribute::service, cursor_.text());
      else if (key == "tags")
        jaeger_tags();
      else
        cursor_.skip();
    });
    process_ = nullptr;
    if (cursor_.whole() && local != none)
      local_processes_[local] = builder_.process(process.process(builder_.texts()));
  });
}

void SpanReader::jaeger_span() {
  Span span;
  details_.reset();
  bool wanted = false;
  cursor_.object([&](std::string_view key) {
    if (key == "traceID") {
      span.trace = builder_.trace(cursor_.text());
      wanted = span.trace != none;
    } else if (key == "spanID") {
      span.id = parse_span_id(cursor_.text());
    } else if (key == "parentSpanID") {
      span.parent = parse_span_id(cursor_.text());
    } else if (key == "operationName") {
      span.operation = builder_.texts().add(cursor_.text());
    } else if (key == "references") {
      jaeger_references(span);
    } else if (key == "startTime") {
      span.start_ns = microseconds(cursor_.integer());
    } else if (key == "duration") {
      span.duration_ns = microseconds(cursor_.integer());
    } else if (key == "processID") {
      span.process = local_process(cursor_.text());
    } else if (key == "tags") {
      jaeger_tags();
    } else if (key == "logs") {
      jaeger_logs();
    } else {
      cursor_.skip();
    }
  });
  if (!wanted || !cursor_.whole()) return;
  details_.fill(span);
  builder_.add(span);
}

/// [{"refType":"CHILD_OF","traceID":"..","spanID":".."}]: the first CHILD_OF is the parent, else
/// the first FOLLOWS_FROM, which does not wait.
void SpanReader::jaeger_references(Span& span) {
  bool has_child_of = false;
  cursor_.array([&] {
    bool child_of = false;
    std::uint64_t id = 0;
    cursor_.object([&](std::string_view key) {
      if (key == "refType")
        child_of = cursor_.text() == "CHILD_OF";
      else if (key == "spanID")
        id = parse_span_id(cursor_.text());
      else
        cursor_.skip();
    });
    if (id == 0 || has_child_of || (!child_of && span.parent != 0)) return;
    has_child_of = child_of;
    span.parent = id;
    span.flags = static_cast<std::uint8_t>(child_of ? span.flags & ~follows : span.flags | follows);
  });
}

/// [{"key":"http.status_code","type":"int64","value":200}], the members in any order.
void SpanReader::jaeger_tags() {
  cursor_.array([&] {
    Attribute attribute = Attribute::other;
    bool has_key = false;
    bool has_value = false;
    cursor_.object([&](std::string_view key) {
      if (key == "key") {
        attribute = find_attribute(cursor_.text());
        has_key = true;
        if (has_value) set_tag(attribute, value_);
      } else if (key == "value" && has_key) {
        if (attribute == Attribute::other)
          cursor_.skip();
        else
          set_tag(attribute, read_scalar(cursor_, scratch_));
      } else if (key == "value") {
        value_ = read_scalar(cursor_, scratch_);
        has_value = true;
      } else {
        cursor_.skip();
      }
    });
  });
}

/// [{"timestamp":1,"fields":[tags]}]: of the events only exceptions are kept.
void SpanReader::jaeger_logs() {
  cursor_.array([&] {
    cursor_.object([&](std::string_view key) {
      if (key == "fields")
        jaeger_tags();
      else
        cursor_.skip();
    });
  });
}

}  // namespace triage::traces
