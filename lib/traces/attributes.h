#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/base/json_cursor.h"
#include "lib/traces/span_table.h"

namespace triage::traces {

/// The attributes that triage uses, with the names that OpenTelemetry (old and new semantic
/// conventions), Jaeger's and Zipkin's clients give them.
enum class Attribute : std::uint8_t {
  other,
  span_kind,
  error,
  status_code,
  status_text,
  http_status,
  statement,
  database,
  peer,
  peer_port,
  resend_count,
  exception_type,
  exception_message,
  service,
  instance,
  host,
  process_id,
  language,
};

Attribute find_attribute(std::string_view key);

/// Collects the attributes of one span, then of the next; its buffers are used again.
class SpanDetails {
 public:
  explicit SpanDetails(TextPool& texts) : texts_(texts) {}
  void reset();
  void set(Attribute attribute, std::string_view value);
  void set_kind(SpanKind kind) { kind_ = kind; }
  void set_failed(std::string_view message);
  /// Fills kind, detail, error, http_status and flags.
  void fill(Span& span);

 private:
  TextIndex peer();
  TextIndex statement_text();

  TextPool& texts_;
  SpanKind kind_ = SpanKind::unset;
  bool failed_ = false;
  bool resent_ = false;
  std::uint16_t http_status_ = 0;
  std::string statement_;
  std::string database_;
  std::string peer_;
  std::string port_;
  std::string message_;
  std::string exception_type_;
  std::string exception_;
  std::unordered_map<std::string, TextIndex> statements_;  ///< raw text -> without literals
};

/// Collects the attributes of one resource or process.
class ProcessDetails {
 public:
  void set(Attribute attribute, std::string_view value);
  [[nodiscard]] Process process(TextPool& texts) const;

 private:
  std::string service_;
  std::string instance_;
  std::string host_;
  std::string pid_;
  bool node_ = false;
};

/// Reads the value of an attribute whatever its type, as text: true, 200, "POST". Lists and objects
/// give nothing. Valid until the cursor moves on; `scratch` holds it when needed.
std::string_view read_scalar(JsonCursor& cursor, std::string& scratch);

}  // namespace triage::traces
