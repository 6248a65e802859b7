#include <algorithm>
#include <array>

#include "lib/traces/span_reader.h"

namespace triage::traces {
namespace {

/// Tempo writes ids as base64, as protobuf's own JSON mapping does; OTLP says hexadecimal. Gives
/// hexadecimal digits in both cases.
std::string_view id_text(std::string_view text, std::string& scratch) {
  const bool base64 =
      (text.size() == 24 && text.ends_with("==")) || (text.size() == 12 && text.ends_with("="));
  if (!base64) return text;
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) break;
    bits = bits << 6 | static_cast<unsigned>(value);
    for (count += 6; count >= 4; count -= 4) hex += digits[bits >> (count - 4) & 0xF];
  }
  // the last digit may be made of the filling
  hex.resize(std::min<std::size_t>(hex.size(), text.size() == 24 ? 32 : 16));
  scratch = hex;
  return scratch;
}

SpanKind read_kind(JsonCursor& cursor) {
  if (cursor.peek() == JsonCursor::Kind::text) return span_kind_of(cursor.text());
  const std::int64_t number = cursor.integer();
  return number >= 0 && number <= 5 ? static_cast<SpanKind>(number) : SpanKind::unset;
}

}  // namespace

/// {"resource":{"attributes":[..]},"scopeSpans":[{"scope":{..},"spans":[..]}]}
void SpanReader::resource_spans() {
  const auto first = static_cast<SpanIndex>(builder_.size());
  ProcessDetails process;
  bool known = false;
  cursor_.object([&](std::string_view key) {
    if (key == "resource") {
      process_ = &process;
      cursor_.object([&](std::string_view member) {
        if (member == "attributes")
          otlp_attributes();
        else
          cursor_.skip();
      });
      process_ = nullptr;
      known = cursor_.whole();
    } else if (key == "scopeSpans" || key == "instrumentationLibrarySpans" ||
               key == "scope_spans") {
      cursor_.array([&] { scope_spans(); });
    } else {
      cursor_.skip();
    }
  });
  // a resource without attributes is allowed; one that was cut away is not known
  const bool usable = known || cursor_.whole();
  const ProcessIndex index = usable ? builder_.process(process.process(builder_.texts())) : none;
  builder_.assign_processes(first, {index});
}

void SpanReader::scope_spans() {
  cursor_.object([&](std::string_view key) {
    if (key == "spans")
      cursor_.array([&] { otlp_span(); });
    else
      cursor_.skip();
  });
}

void SpanReader::otlp_span() {
  Span span;
  span.process = 0;
  details_.reset();
  std::int64_t end_ns = 0;
  bool wanted = false;
  cursor_.object([&](std::string_view key) {
    if (key == "traceId") {
      span.trace = builder_.trace(id_text(cursor_.text(), scratch_));
      wanted = span.trace != none;
    } else if (key == "spanId") {
      span.id = parse_span_id(id_text(cursor_.text(), scratch_));
    } else if (key == "parentSpanId") {
      span.parent = parse_span_id(id_text(cursor_.text(), scratch_));
    } else if (key == "name") {
      span.operation = builder_.texts().add(cursor_.text());
    } else if (key == "kind") {
      details_.set_kind(read_kind(cursor_));
    } else if (key == "startTimeUnixNano") {
      span.start_ns = std::max<std::int64_t>(cursor_.integer(), 0);
    } else if (key == "endTimeUnixNano") {
      end_ns = std::max<std::int64_t>(cursor_.integer(), 0);
    } else if (key == "attributes") {
      otlp_attributes();
    } else if (key == "events") {
      cursor_.array([&] {
        cursor_.object([&](std::string_view member) {
          if (member == "attributes")
            otlp_attributes();
          else
            cursor_.skip();
        });
      });
    } else if (key == "status") {
      bool error = false;
      value_.clear();
      cursor_.object([&](std::string_view member) {
        if (member == "code") {
          const std::string_view code = read_scalar(cursor_, scratch_);
          error = code == "2" || code == "STATUS_CODE_ERROR";
        } else if (member == "message") {
          value_ = cursor_.text();
        } else {
          cursor_.skip();
        }
      });
      if (error) details_.set_failed(value_);
    } else {
      cursor_.skip();
    }
  });
  if (!wanted || !cursor_.whole()) return;
  span.duration_ns = std::max<std::int64_t>(end_ns - span.start_ns, 0);
  details_.fill(span);
  builder_.add(span);
}

/// [{"key":"http.route","value":{"stringValue":"/orders"}}], the members in any order.
void SpanReader::otlp_attributes() {
  cursor_.array([&] {
    Attribute attribute = Attribute::other;
    bool has_key = false;
    bool has_value = false;
    std::string early;
    cursor_.object([&](std::string_view key) {
      if (key == "key") {
        attribute = find_attribute(cursor_.text());
        has_key = true;
      } else if (key != "value" || (has_key && attribute == Attribute::other)) {
        cursor_.skip();
      } else if (has_key) {
        set_tag(attribute, otlp_value());
      } else {
        early = otlp_value();
        has_value = true;
      }
    });
    if (has_value && attribute != Attribute::other) set_tag(attribute, early);
  });
}

/// {"stringValue":"x"}, {"intValue":"200"}, {"boolValue":true}; lists and maps give nothing.
std::string_view SpanReader::otlp_value() {
  value_.clear();
  cursor_.object([&](std::string_view key) {
    if (key == "stringValue" || key == "intValue" || key == "boolValue" || key == "doubleValue")
      value_ = read_scalar(cursor_, scratch_);
    else
      cursor_.skip();
  });
  return value_;
}

}  // namespace triage::traces
