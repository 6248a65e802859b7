#include "lib/net/http_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace triage::net {
namespace {

constexpr std::size_t longest_query = 2000;
constexpr int most_redirects = 5;
constexpr Duration least_wait = std::chrono::milliseconds(1);

long milliseconds(Duration value) {
  return static_cast<long>(std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::milliseconds>(value).count()));
}

/// Half of the wait is fixed, half is chance, so that many clients do not return at once.
Duration with_jitter(Duration wait) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  const double share = 0.5 + std::uniform_real_distribution<double>(0, 0.5)(random);
  return Duration(static_cast<std::int64_t>(static_cast<double>(wait.count()) * share));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Transfer::Transfer(const Endpoint& endpoint, const Request& request, const Clock& clock,
                   Duration run_left)
    : endpoint_(endpoint),
      request_(request),
      clock_(clock),
      handle_(curl().easy_init()),
      url_(endpoint.address + request.path),
      method_(request.method),
      body_(request.body),
      begin_(clock.monotonic()),
      deadline_(begin_ + std::min(endpoint.options.total_timeout, run_left)),
      run_bound_(run_left < endpoint.options.total_timeout) {
  if (!handle_) throw Error(ErrorCode::internal, "libcurl gives no handle");
  const std::string parameters = encode_parameters(request.parameters);
  if (method_ == "GET" && request.post_when_long && parameters.size() > longest_query)
    method_ = "POST";
  form_ = method_ == "POST" && body_.empty();
  if (form_) {
    body_ = parameters;
  } else if (!parameters.empty()) {
    url_ += (url_.find('?') == std::string::npos ? "?" : "&") + parameters;
  }
}

template <class Value>
void Transfer::set(CURLoption option, Value value) {
  const CURLcode code = curl().easy_setopt(handle_.get(), option, value);
  if (code != CURLE_OK)
    throw Error(ErrorCode::usage,
                fmt::format("{}: libcurl refuses option {}: {}", endpoint_.options.name,
                            static_cast<int>(option), curl().easy_strerror(code)),
                "check the addresses and files given");
}

void Transfer::set_security() {
  const ClientOptions& options = endpoint_.options;
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.certificate_file.empty()) set(CURLOPT_SSLCERT, options.certificate_file.c_str());
  if (!options.key_file.empty()) set(CURLOPT_SSLKEY, options.key_file.c_str());
  if (!options.verify_certificate) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!options.proxy.empty()) set(CURLOPT_PROXY, options.proxy.c_str());
}

void Transfer::set_credentials() {
  const ClientOptions& options = endpoint_.options;
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& line) {
    list = curl().slist_append(list, line.c_str());
    headers_.release();
    headers_.reset(list);
  };
  headers_.reset();
  if (!options.bearer_token.empty()) {
    add("Authorization: Bearer " + options.bearer_token);
  } else if (!options.user.empty()) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, options.user.c_str());
    set(CURLOPT_PASSWORD, options.password.c_str());
  }
  for (const auto* headers : {&options.headers, &request_.headers})
    for (const auto& [name, value] : *headers) add(name + ": " + value);
  if (method_ == "POST") {
    add("Expect:");  // no round trip before the form
    if (form_) add("Content-Type: application/x-www-form-urlencoded");
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::set_body() {
  if (method_ == "POST") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    set(CURLOPT_POSTFIELDS, body_.data());
  } else if (method_ == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (method_ != "GET") {
    set(CURLOPT_CUSTOMREQUEST, method_.c_str());
  }
}

CURL* Transfer::start() {
  curl().easy_reset(handle_.get());
  response_ = Response();
  taken_ = 0;
  message_[0] = '\0';
  ++attempts_;
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_URL, url_.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_PIPEWAIT, 1L);
  set(CURLOPT_ACCEPT_ENCODING, "");  // all that libcurl can decode: gzip, zstd, br
  set(CURLOPT_USERAGENT, "triage");
  set(CURLOPT_ERRORBUFFER, message_.data());
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  const Duration left = std::max(least_wait, deadline_ - clock_.monotonic());
  set(CURLOPT_TIMEOUT_MS, milliseconds(left));
  set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(std::min(left, endpoint_.options.connect_timeout)));
  set_security();
  set_credentials();
  set_body();
  return handle_.get();
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  // libcurl is C: what the sink throws may not pass through it.
  try {
    return transfer.take({data, size * count}) ? size * count : 0;
  } catch (const std::exception&) {
    transfer.thrown_ = std::current_exception();
    return 0;
  }
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  static_cast<Transfer*>(self)->take_header({data, size * count});
  return size * count;
}

bool Transfer::take(std::string_view piece) {
  taken_ += piece.size();
  if (taken_ > endpoint_.options.most_bytes) {
    too_large_ = true;
    return false;
  }
  if (response_.status == 0) response_.status = static_cast<int>(number(CURLINFO_RESPONSE_CODE));
  if (request_.sink && response_.status >= 200 && response_.status < 300) {
    sink_used_ = true;
    request_.sink(piece);
  } else {
    response_.body.append(piece);
  }
  return true;
}

void Transfer::take_header(std::string_view line) {
  if (line.rfind("HTTP/", 0) == 0) {
    response_.headers.clear();  // those before were of a proxy or of "100 Continue"
    return;
  }
  const auto colon = line.find(':');
  if (colon != std::string_view::npos)
    response_.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                                   trimmed(line.substr(colon + 1)));
}

long Transfer::number(CURLINFO info) const {
  long value = 0;
  curl().easy_getinfo(handle_.get(), info, &value);
  return value;
}

/// A redirect within the server is followed with the same method; to another host it is not, since
/// headers with credentials would go along, and it usually is a login page.
bool Transfer::redirect() {
  const std::string* target = find_header(response_, "location");
  char* absolute = nullptr;
  curl().easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &absolute);
  if (target == nullptr || absolute == nullptr) return false;
  const Url next = parse_url(absolute, endpoint_.options.name + ": redirect");
  const bool same = next.host == endpoint_.base.host &&
                    (next.scheme == endpoint_.base.scheme || next.scheme == "https");
  if (!same || ++redirects_ > most_redirects) {
    const std::string place = fmt::format("{}://{}", next.scheme, next.host);
    answer_.error = Error(
        ErrorCode::refused,
        fmt::format("{} redirects {} to {}", endpoint_.options.name, same ? "in a circle" : "away",
                    place),
        "a login page: give --bearer-token-file, or the address that answers without a login");
    return false;
  }
  url_ = to_string(next);
  next_start_ = clock_.monotonic();
  return true;
}

bool Transfer::again(Duration least) {
  if (attempts_ - redirects_ > endpoint_.options.retries || sink_used_) return false;
  const int doublings = std::min(attempts_ - redirects_ - 1, 16);
  const Duration backoff = std::min(endpoint_.options.most_backoff,
                                    Duration(endpoint_.options.first_backoff.count() << doublings));
  next_start_ = clock_.monotonic() + std::max(least, with_jitter(backoff));
  return next_start_ < deadline_;
}

bool Transfer::finish(CURLcode code) {
  if (thrown_) std::rethrow_exception(thrown_);
  if (code != CURLE_OK) {
    const bool repeat = code == CURLE_COULDNT_CONNECT || code == CURLE_GOT_NOTHING ||
                        code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
                        code == CURLE_HTTP2_STREAM || code == CURLE_PARTIAL_FILE;
    if (repeat && again(Duration(0))) return false;
    answer_.error = failure(code);
    return true;
  }
  response_.status = static_cast<int>(number(CURLINFO_RESPONSE_CODE));
  curl_off_t received = 0;
  curl().easy_getinfo(handle_.get(), CURLINFO_SIZE_DOWNLOAD_T, &received);
  response_.received_bytes = static_cast<std::uint64_t>(received);
  if (is_redirect(response_.status)) {
    if (redirect()) return false;
    if (answer_.error) return true;
  }
  curl_off_t retry_after = 0;
  curl().easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &retry_after);
  const bool repeat = request_.retry ? request_.retry(response_) : worth_retrying(response_);
  if (repeat && again(std::chrono::seconds(retry_after))) return false;
  response_.attempts = attempts_;
  response_.elapsed = elapsed();
  answer_.response = std::move(response_);
  return true;
}

Error Transfer::failure(CURLcode code) const {
  const ClientOptions& options = endpoint_.options;
  const std::string who = fmt::format("{} at {}", options.name, endpoint_.address);
  const std::string why =
      message_[0] != '\0' ? std::string(message_.data()) : curl().easy_strerror(code);
  if (too_large_)
    return {ErrorCode::budget,
            fmt::format("{} sent more than {} MiB", who, options.most_bytes >> 20U),
            "ask for less: a narrower query, a shorter window, a larger step"};
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      if (run_bound_)
        return {ErrorCode::budget, fmt::format("{} did not finish in the run's time", who),
                "give the run more time, or ask for less"};
      return {taken_ == 0 ? ErrorCode::unreachable : ErrorCode::budget,
              fmt::format("{}: {} within {:.3g} s", who,
                          taken_ == 0 ? "no answer" : "the answer did not end",
                          std::chrono::duration<double>(elapsed()).count()),
              "is it overloaded? a longer --http-timeout, or a narrower query"};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
      return {ErrorCode::refused, fmt::format("{}: {}", who, why),
              "does it want a client certificate? --cert and --key"};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorCode::refused, fmt::format("{}: {}", who, why),
              "give the authority that signed its certificate: --ca FILE"};
    // a server that misses a client certificate may hang up before, in or after the request
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return {ErrorCode::unreachable, fmt::format("{} broke the connection: {}", who, why),
              endpoint_.base.scheme == "https"
                  ? "does it want a client certificate? --cert and --key"
                  : "see the server's own log; is it https?"};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return {ErrorCode::malformed, fmt::format("{}: {}", who, why),
              "check that address and port are those of the server"};
    default:
      return {ErrorCode::unreachable, fmt::format("{}: {}", who, why),
              code == CURLE_GOT_NOTHING && endpoint_.base.scheme == "https"
                  ? "does it want a client certificate? --cert and --key"
                  : "check the address, and that the server runs"};
  }
}

}  // namespace triage::net
