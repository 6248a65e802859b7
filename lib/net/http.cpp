#include "lib/net/http.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/net/http_transfer.h"

namespace triage::net {
namespace {

/// How often a waiting batch looks whether the run was cancelled.
constexpr int poll_ms = 50;

struct MultiCloser {
  void operator()(CURLM* handle) const { curl().multi_cleanup(handle); }
};

Endpoint endpoint_of(std::string_view address, ClientOptions options) {
  Endpoint endpoint;
  endpoint.base = parse_url(address, options.name);
  if (endpoint.base.scheme != "http" && endpoint.base.scheme != "https")
    throw Error(ErrorCode::usage,
                fmt::format("{}: '{}' is no http address", options.name, to_string(endpoint.base)),
                "write it as http://host:port/path");
  if (options.user.empty() && !endpoint.base.user.empty()) {
    options.user = endpoint.base.user;
    options.password = endpoint.base.password;
  }
  endpoint.base.user.clear();
  endpoint.base.password.clear();
  Url place = endpoint.base;
  place.query.clear();
  endpoint.address = to_string(place);
  while (endpoint.address.back() == '/') endpoint.address.pop_back();
  endpoint.options = std::move(options);
  return endpoint;
}

double to_ms(Duration value) {
  return std::chrono::duration<double, std::milli>(value).count();
}

}  // namespace

struct HttpClient::State {
  Endpoint endpoint;
  Session& session;
  std::unique_ptr<CURLM, MultiCloser> multi;  ///< keeps the connections between batches
};

/// The loop over one multi handle: up to `parallel` transfers run, others wait for their turn or
/// for their next attempt.
class HttpClient::Batch {
 public:
  Batch(State& state, std::span<const Request> requests) : state_(state) {
    if (!state.multi) state.multi.reset(curl().multi_init());
    for (const Request& request : requests) {
      transfers_.push_back(std::make_unique<Transfer>(
          state.endpoint, request, state.session.clock(), state.session.remaining()));
      waiting_.push_back(transfers_.back().get());
    }
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() {
    for (Transfer* transfer : running_)
      curl().multi_remove_handle(state_.multi.get(), transfer->handle());
  }

  std::vector<Answer> run() {
    while (!running_.empty() || !waiting_.empty()) {
      if (state_.session.cancelled()) {
        stop_all();
        break;
      }
      start_due();
      int active = 0;
      curl().multi_perform(state_.multi.get(), &active);
      if (!collect()) curl().multi_poll(state_.multi.get(), nullptr, 0, wait_ms(), nullptr);
    }
    std::vector<Answer> answers;
    answers.reserve(transfers_.size());
    for (const auto& transfer : transfers_) {
      note(*transfer);
      answers.push_back(transfer->answer());
    }
    return answers;
  }

 private:
  void start_due() {
    const Duration now = state_.session.clock().monotonic();
    const auto most = static_cast<std::size_t>(std::max(1, state_.endpoint.options.parallel));
    for (auto place = waiting_.begin(); place != waiting_.end() && running_.size() < most;) {
      if ((*place)->next_start() > now) {
        ++place;
        continue;
      }
      curl().multi_add_handle(state_.multi.get(), (*place)->start());
      running_.push_back(*place);
      place = waiting_.erase(place);
    }
  }

  /// Whether an attempt ended.
  bool collect() {
    bool any = false;
    int left = 0;
    while (CURLMsg* message = curl().multi_info_read(state_.multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      CURL* handle = message->easy_handle;
      const auto place = std::find_if(running_.begin(), running_.end(),
                                      [&](const Transfer* t) { return t->handle() == handle; });
      Transfer* transfer = *place;
      running_.erase(place);
      curl().multi_remove_handle(state_.multi.get(), handle);
      if (!transfer->finish(code)) waiting_.push_back(transfer);
      any = true;
    }
    return any;
  }

  [[nodiscard]] int wait_ms() const {
    const Duration now = state_.session.clock().monotonic();
    double wait = poll_ms;
    if (running_.size() < static_cast<std::size_t>(state_.endpoint.options.parallel))
      for (const Transfer* transfer : waiting_)
        wait = std::min(wait, to_ms(transfer->next_start() - now));
    return std::max(0, static_cast<int>(wait + 0.999));
  }

  void stop_all() {
    for (auto* list : {&running_, &waiting_})
      for (Transfer* transfer : *list)
        transfer->give_up(Error(
            ErrorCode::budget,
            fmt::format("{}: the run ended before the answer came", state_.endpoint.options.name),
            "give the run more time"));
  }

  void note(const Transfer& transfer) const {
    if (transfer.attempts() == 0) return;
    const Answer& answer = transfer.answer();
    const std::string outcome =
        answer.response ? fmt::format("{}", answer.response->status) : std::string("no answer");
    state_.session.touch(
        {fmt::format("{} {}", state_.endpoint.options.name, state_.endpoint.address),
         fmt::format("{} {}: {}", transfer.method(), transfer.request().path, outcome),
         transfer.attempts(), to_ms(transfer.elapsed())});
  }

  State& state_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
  std::vector<Transfer*> running_;
  std::vector<Transfer*> waiting_;
};

const Response& Answer::value() const {
  if (error) throw Error(*error);
  if (!response) throw Error(ErrorCode::internal, "a request has neither answer nor error");
  return *response;
}

HttpClient::HttpClient(std::string_view address, ClientOptions options, Session& session)
    : state_(std::make_unique<State>(
          State{endpoint_of(address, std::move(options)), session, nullptr})) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Response HttpClient::send(const Request& request) {
  return send_all({&request, 1}).front().value();
}

std::vector<Answer> HttpClient::send_all(std::span<const Request> requests) {
  return Batch(*state_, requests).run();
}

const std::string& HttpClient::address() const {
  return state_->endpoint.address;
}

std::string HttpClient::curl_line(const Request& request) const {
  const ClientOptions& options = state_->endpoint.options;
  std::string line = "curl -sS";
  if (!options.bearer_token.empty()) line += " -H 'Authorization: Bearer ***'";
  if (!options.user.empty() && options.bearer_token.empty()) line += " -u '***'";
  for (const auto& [name, value] : options.headers)
    line += name == "X-Scope-OrgID" ? fmt::format(" -H '{}: {}'", name, value)
                                    : fmt::format(" -H '{}: ***'", name);
  if (!options.ca_file.empty()) line += " --cacert " + options.ca_file;
  if (!options.certificate_file.empty()) line += " --cert " + options.certificate_file;
  if (!options.key_file.empty()) line += " --key " + options.key_file;
  if (!request.parameters.empty() && request.method != "POST") line += " -G";
  for (const auto& [name, value] : request.parameters) {
    std::string quoted;
    for (const char c : value) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += fmt::format(" --data-urlencode '{}={}'", name, quoted);
  }
  return fmt::format("{} '{}{}'", line, address(), request.path);
}

}  // namespace triage::net
