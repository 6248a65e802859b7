#include "lib/traces/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "lib/base/statement_text.h"

namespace triage::traces {
namespace {

struct Name {
  std::string_view key;
  Attribute attribute;
};

// OpenTelemetry semantic conventions (http, database, rpc, exceptions, resource), Jaeger's mapping
// of OTLP ("otel.status_code"), OpenTracing's conventions ("peer.service", "error").
constexpr std::array names{
    Name{"span.kind", Attribute::span_kind},
    Name{"error", Attribute::error},
    Name{"otel.status_code", Attribute::status_code},
    Name{"otel.status_description", Attribute::status_text},
    Name{"error.message", Attribute::exception_message},
    Name{"error.type", Attribute::exception_type},
    Name{"http.status_code", Attribute::http_status},
    Name{"http.response.status_code", Attribute::http_status},
    Name{"db.statement", Attribute::statement},
    Name{"db.query.text", Attribute::statement},
    Name{"sql.query", Attribute::statement},
    Name{"db.system", Attribute::database},
    Name{"db.system.name", Attribute::database},
    Name{"db.type", Attribute::database},
    Name{"peer.service", Attribute::peer},
    Name{"net.peer.name", Attribute::peer},
    Name{"server.address", Attribute::peer},
    Name{"peer.hostname", Attribute::peer},
    Name{"net.peer.port", Attribute::peer_port},
    Name{"server.port", Attribute::peer_port},
    Name{"http.resend_count", Attribute::resend_count},
    Name{"http.request.resend_count", Attribute::resend_count},
    Name{"exception.type", Attribute::exception_type},
    Name{"exception.message", Attribute::exception_message},
    Name{"error.object", Attribute::exception_message},
    Name{"service.name", Attribute::service},
    Name{"service.instance.id", Attribute::instance},
    Name{"k8s.pod.name", Attribute::instance},
    Name{"host.name", Attribute::host},
    Name{"hostname", Attribute::host},
    Name{"host.id", Attribute::host},
    Name{"ip", Attribute::host},
    Name{"process.pid", Attribute::process_id},
    Name{"telemetry.sdk.language", Attribute::language},
};

constexpr std::size_t slots = 256;

constexpr std::size_t slot_of(std::string_view key) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(key[at]); };
  return (key.size() * 37U + byte(key.size() - 1) * 11U + byte(key.size() / 2) * 5U + byte(0)) %
         slots;
}

/// Open addressing; built by the compiler.
constexpr std::array<std::uint8_t, slots> make_table() {
  std::array<std::uint8_t, slots> table{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::size_t slot = slot_of(names[i].key);
    while (table[slot] != 0) slot = (slot + 1) % slots;
    table[slot] = static_cast<std::uint8_t>(i + 1);
  }
  return table;
}
constexpr auto table = make_table();

constexpr std::size_t most_statements = 10'000;

bool is_true(std::string_view value) {
  return value != "false" && value != "0" && !value.empty();
}

std::uint16_t to_status(std::string_view value) {
  std::uint16_t status = 0;
  std::from_chars(value.data(), value.data() + value.size(), status);
  return status <= 999 ? status : std::uint16_t{0};
}

/// Commands of key-value stores carry keys and documents: only the verb groups them.
bool speaks_sql(std::string_view database) {
  constexpr std::array<std::string_view, 6> others{"redis",         "mongodb",  "memcached",
                                                   "elasticsearch", "dynamodb", "couchbase"};
  return std::find(others.begin(), others.end(), database) == others.end();
}

}  // namespace

Attribute find_attribute(std::string_view key) {
  if (key.empty()) return Attribute::other;
  for (std::size_t slot = slot_of(key); table[slot] != 0; slot = (slot + 1) % slots) {
    const Name& name = names[table[slot] - 1U];
    if (name.key == key) return name.attribute;
  }
  return Attribute::other;
}

void SpanDetails::reset() {
  kind_ = SpanKind::unset;
  failed_ = resent_ = false;
  http_status_ = 0;
  for (std::string* text :
       {&statement_, &database_, &peer_, &port_, &message_, &exception_type_, &exception_})
    text->clear();
}

void SpanDetails::set(Attribute attribute, std::string_view value) {
  switch (attribute) {
    case Attribute::span_kind:
      kind_ = span_kind_of(value);
      break;
    case Attribute::error:
      if (!is_true(value)) break;
      failed_ = true;
      // Zipkin's tag holds the message itself
      if (value != "true" && value != "1") message_ = value;
      break;
    case Attribute::status_code:
      failed_ = failed_ || value == "ERROR" || value == "STATUS_CODE_ERROR" || value == "2";
      break;
    case Attribute::status_text:
      message_ = value;
      break;
    case Attribute::http_status:
      http_status_ = to_status(value);
      break;
    case Attribute::statement:
      statement_ = value;
      break;
    case Attribute::database:
      database_ = value;
      break;
    case Attribute::peer:
      peer_ = value;
      break;
    case Attribute::peer_port:
      port_ = value;
      break;
    case Attribute::resend_count:
      resent_ = resent_ || is_true(value);
      break;
    case Attribute::exception_type:
      exception_type_ = value;
      break;
    case Attribute::exception_message:
      exception_ = value;
      break;
    default:
      break;
  }
}

void SpanDetails::set_failed(std::string_view message) {
  failed_ = true;
  if (!message.empty()) message_ = message;
}

TextIndex SpanDetails::statement_text() {
  const auto known = statements_.find(statement_);
  if (known != statements_.end()) return known->second;
  const std::string text = speaks_sql(database_)
                               ? normalise_statement(statement_)
                               : statement_.substr(0, statement_.find_first_of(" {\n"));
  const TextIndex index = texts_.add(text);
  if (statements_.size() < most_statements) statements_.emplace(statement_, index);
  return index;
}

TextIndex SpanDetails::peer() {
  if (peer_.empty()) return texts_.add(database_);
  if (port_.empty()) return texts_.add(peer_);
  peer_ += ':';
  return texts_.add(peer_ += port_);
}

void SpanDetails::fill(Span& span) {
  span.kind = kind_;
  span.http_status = http_status_;
  span.peer = peer();
  span.detail = statement_.empty() ? span.peer : statement_text();
  if (http_status_ >= 500) failed_ = true;
  if (failed_) {
    span.flags |= failed;
    const std::string& text = exception_.empty() ? message_ : exception_;
    if (!text.empty() && !exception_type_.empty() && exception_type_ != "Error")
      span.error = texts_.add(fmt::format("{}: {}", exception_type_, text));
    else if (!text.empty())
      span.error = texts_.add(text);
    else if (!exception_type_.empty())
      span.error = texts_.add(exception_type_);
    else if (http_status_ != 0)
      span.error = texts_.add(fmt::format("HTTP {}", http_status_));
  }
  if (resent_) span.flags |= resent;
}

void ProcessDetails::set(Attribute attribute, std::string_view value) {
  switch (attribute) {
    case Attribute::service:
      service_ = value;
      break;
    case Attribute::instance:
      instance_ = value;
      break;
    case Attribute::host:
      host_ = value;
      break;
    case Attribute::process_id:
      pid_ = value;
      break;
    case Attribute::language:
      node_ = value == "nodejs";
      break;
    default:
      break;
  }
}

Process ProcessDetails::process(TextPool& texts) const {
  Process process;
  process.service = texts.add(service_.empty() ? std::string_view("(no service)") : service_);
  if (!instance_.empty())
    process.instance = texts.add(instance_);
  else if (!host_.empty() || !pid_.empty())
    process.instance = texts.add(host_ + ":" + pid_);
  process.host = texts.add(host_);
  process.node = node_;
  return process;
}

std::string_view read_scalar(JsonCursor& cursor, std::string& scratch) {
  switch (cursor.peek()) {
    case JsonCursor::Kind::text:
      return cursor.text();
    case JsonCursor::Kind::boolean:
      return cursor.boolean() ? "true" : "false";
    case JsonCursor::Kind::number:
      scratch.clear();
      fmt::format_to(std::back_inserter(scratch), "{}", cursor.integer());
      return scratch;
    default:
      cursor.skip();
      return {};
  }
}

}  // namespace triage::traces
