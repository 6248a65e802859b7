#include <algorithm>

#include "lib/traces/zipkin_span.h"

namespace triage::traces {

void SpanReader::zipkin_member(std::string_view key, ZipkinSpan& span) {
  if (key == "traceId") {
    span.trace_id = cursor_.text();
  } else if (key == "id") {
    span.id = cursor_.text();
  } else if (key == "parentId") {
    span.parent_id = cursor_.text();
  } else if (key == "name") {
    span.name = cursor_.text();
  } else if (key == "timestamp") {
    span.timestamp_us = cursor_.integer();
  } else if (key == "duration") {
    span.duration_us = cursor_.integer();
  } else if (key == "shared") {
    span.shared = cursor_.boolean();
  } else if (key == "kind") {
    details_.set_kind(span_kind_of(cursor_.text()));
  } else if (key == "localEndpoint" || key == "remoteEndpoint") {
    const bool local = key == "localEndpoint";
    cursor_.object([&](std::string_view member) {
      const bool name = member == "serviceName";
      if (local && name)
        span.process.set(Attribute::service, cursor_.text());
      else if (local && (member == "ipv4" || member == "ipv6"))
        span.process.set(Attribute::host, cursor_.text());
      else if (name)
        details_.set(Attribute::peer, cursor_.text());
      else
        cursor_.skip();
    });
  } else if (key == "tags") {
    zipkin_tags();
  } else {
    cursor_.skip();
  }
}

void SpanReader::zipkin_tags() {
  cursor_.object([&](std::string_view key) {
    const Attribute attribute = find_attribute(key);
    if (attribute == Attribute::other)
      cursor_.skip();
    else
      details_.set(attribute, read_scalar(cursor_, scratch_));
  });
}

void SpanReader::zipkin_end(ZipkinSpan& raw) {
  recognised_ = true;
  Span span;
  span.trace = builder_.trace(raw.trace_id);
  if (span.trace == none) return;
  span.id = parse_span_id(raw.id);
  span.parent = parse_span_id(raw.parent_id);
  span.operation = builder_.texts().add(raw.name);
  constexpr std::int64_t longest_us = std::int64_t{1} << 53;
  span.start_ns = std::min(std::max<std::int64_t>(raw.timestamp_us, 0), longest_us) * 1000;
  span.duration_ns = std::min(std::max<std::int64_t>(raw.duration_us, 0), longest_us / 1000) * 1000;
  if (raw.shared) span.flags |= shared;
  span.process = builder_.process(raw.process.process(builder_.texts()));
  details_.fill(span);
  builder_.add(span);
}

}  // namespace triage::traces
