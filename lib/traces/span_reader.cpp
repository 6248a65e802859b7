#include "lib/traces/span_reader.h"

#include "lib/traces/zipkin_span.h"

namespace triage::traces {
namespace {

constexpr int deepest = 8;

}  // namespace

SpanReader::SpanReader(JsonCursor& cursor, SpanTableBuilder& builder)
    : cursor_(cursor), builder_(builder), details_(builder.texts()) {}

void SpanReader::read() {
  while (cursor_.whole() && !cursor_.at_end()) value(0);
}

/// A list or an object that may hold traces; nothing else does.
void SpanReader::value(int depth) {
  const JsonCursor::Kind kind = cursor_.peek();
  if (kind == JsonCursor::Kind::array && depth < deepest) {
    // a list further inside may be that of another kind of server
    recognised_ = recognised_ || depth <= 1;
    cursor_.array([&] { value(depth + 1); });
  } else if (kind == JsonCursor::Kind::object && depth < deepest) {
    object(depth);
  } else {
    cursor_.skip();
  }
}

void SpanReader::object(int depth) {
  ZipkinSpan span;
  details_.reset();
  inside_ = false;
  cursor_.object([&](std::string_view key) {
    if (key == "data") {
      recognised_ = recognised_ || cursor_.peek() == JsonCursor::Kind::null;
      value(depth + 1);
    } else if (key == "result" || key == "trace") {
      value(depth + 1);
    } else if (key == "resourceSpans" || key == "batches" || key == "resource_spans") {
      recognised_ = true;
      cursor_.array([&] { resource_spans(); });
    } else if (key == "spans" || key == "processes") {
      recognised_ = true;
      jaeger_trace_member(key);
    } else if (key == "errors" || key == "error") {
      error_list();
    } else {
      zipkin_member(key, span);
    }
  });
  if (inside_) jaeger_trace_end();
  inside_ = false;
  if (!span.id.empty() && cursor_.whole()) zipkin_end(span);
}

/// [{"code":404,"msg":"trace not found","traceID":"..."}] or {"httpCode":404,"message":"..."}.
void SpanReader::error_list() {
  const auto one = [&] {
    cursor_.object([&](std::string_view key) {
      if (key == "msg" || key == "message")
        errors_.emplace_back(cursor_.text());
      else
        cursor_.skip();
    });
  };
  if (cursor_.peek() == JsonCursor::Kind::array)
    cursor_.array(one);
  else if (cursor_.peek() == JsonCursor::Kind::object)
    one();
  else
    cursor_.skip();
}

void SpanReader::set_tag(Attribute attribute, std::string_view value) {
  if (process_ != nullptr)
    process_->set(attribute, value);
  else
    details_.set(attribute, value);
}

}  // namespace triage::traces
