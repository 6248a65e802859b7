#pragma once

#include <string>
#include <vector>

#include "lib/base/json_cursor.h"
#include "lib/traces/attributes.h"
#include "lib/traces/span_table.h"

namespace triage::traces {

/// Reads spans in every JSON that holds them, in one pass and memory of the spans only:
/// - answers of Jaeger's and Tempo's query API v1: {"data":[{"traceID","spans","processes"}]}
///   (jaegertracing/jaeger-ui, src/types/trace.ts), also one trace alone or a list of traces;
/// - OTLP/JSON (opentelemetry-proto, trace.proto): {"resourceSpans":[...]}, below "result" as
///   Jaeger's /api/v3 answers, below "trace" or as "batches" as Tempo does, one or many a file;
/// - Zipkin v2 (openzipkin/zipkin-api, zipkin2-api.yaml): a list of spans or a list of traces.
/// Several values may follow each other, with or without line breaks.
class SpanReader {
 public:
  SpanReader(JsonCursor& cursor, SpanTableBuilder& builder);
  /// Everything up to the end or to the first damage; what was whole before is in the builder.
  void read();

  [[nodiscard]] const std::vector<std::string>& errors() const {
    return errors_;
  }  ///< of the server
  /// Whether anything looked like traces, be it an empty list of them.
  [[nodiscard]] bool recognised() const { return recognised_; }

 private:
  struct ZipkinSpan;

  void value(int depth);
  void object(int depth);
  void error_list();
  // Jaeger
  void jaeger_trace_member(std::string_view key);
  void jaeger_trace_end();
  void jaeger_span();
  void jaeger_references(Span& span);
  void jaeger_tags();
  void jaeger_logs();
  void jaeger_processes();
  // OTLP
  void resource_spans();
  void scope_spans();
  void otlp_span();
  void otlp_attributes();
  std::string_view otlp_value();
  // Zipkin
  void zipkin_member(std::string_view key, ZipkinSpan& span);
  void zipkin_tags();
  void zipkin_end(ZipkinSpan& span);

  ProcessIndex local_process(std::string_view name);
  void set_tag(Attribute attribute, std::string_view value);

  JsonCursor& cursor_;
  SpanTableBuilder& builder_;
  SpanDetails details_;
  ProcessDetails* process_ = nullptr;  ///< set while attributes are those of a resource
  std::string scratch_;
  std::string value_;
  std::vector<std::string> errors_;
  bool recognised_ = false;
  // of the Jaeger trace or the OTLP resource that is being read
  SpanIndex first_ = 0;
  bool inside_ = false;
  std::vector<std::string> local_names_;
  std::vector<ProcessIndex> local_processes_;
};

}  // namespace triage::traces
