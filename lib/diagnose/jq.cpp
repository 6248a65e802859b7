#include "lib/diagnose/jq.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <memory>
#include <sstream>
#include <string_view>

#include "lib/base/error.h"
#include "lib/os/child_process.h"

// jq.h needs stdio's FILE and bool first and is C.
extern "C" {
#include <jq.h>
}

namespace triage::diagnose {
namespace {

/// One interpreter. Messages of the compiler are collected, never printed.
class Interpreter {
 public:
  Interpreter() : state_(jq_init()) {
    if (state_ == nullptr) throw Error(ErrorCode::internal, "libjq did not start");
    jq_set_error_cb(state_, &Interpreter::on_error, this);
  }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;
  ~Interpreter() { jq_teardown(&state_); }

  bool compile(const std::string& program) {
    messages_.clear();
    return jq_compile(state_, program.c_str()) != 0;
  }

  /// Each result as JSON text, as soon as it is there.
  void run(const std::string& input, const std::function<void(std::string_view)>& take) {
    const jv value = jv_parse_sized(input.data(), static_cast<int>(input.size()));
    if (jv_is_valid(value) == 0) {
      jv_free(value);
      return;
    }
    jq_start(state_, value, 0);
    jv result = jq_next(state_);
    while (jv_is_valid(result) != 0) {
      const jv text = jv_dump_string(result, 0);
      take(jv_string_value(text));
      jv_free(text);
      result = jq_next(state_);
    }
    jv_free(result);
  }

  /// The first message, on one line: "syntax error, unexpected ')' ...".
  [[nodiscard]] std::string first_message() const {
    std::string text = messages_.substr(0, messages_.find('\n'));
    for (const char* noise : {"jq: error: ", " (Unix shell quoting issues?)"})
      if (const auto at = text.find(noise); at != std::string::npos)
        text.erase(at, std::string_view(noise).size());
    if (const auto at = text.find(" at <top-level>"); at != std::string::npos) text.erase(at);
    return text;
  }

 private:
  static void on_error(void* self, jv message) {
    if (jv_get_kind(message) == JV_KIND_STRING)
      static_cast<Interpreter*>(self)->messages_ += jv_string_value(message) + std::string("\n");
    jv_free(message);
  }

  jq_state* state_;
  std::string messages_;
};

os::ChildLimits child_limits(const JqLimits& limits) {
  return {limits.wall, limits.cpu, limits.memory_bytes};
}

JqAnswer::End end_of(os::ChildResult::End end) {
  switch (end) {
    case os::ChildResult::End::finished:
      return JqAnswer::End::done;
    case os::ChildResult::End::timed_out:
      return JqAnswer::End::timed_out;
    case os::ChildResult::End::killed:
    case os::ChildResult::End::failed:
      return JqAnswer::End::failed;
  }
  return JqAnswer::End::failed;
}

}  // namespace

JqAnswer run_jq(const std::string& program, const std::vector<std::string>& inputs,
                const JqLimits& limits) {
  // One line per result: the number of its input, a blank, JSON. A line that begins with '!' says
  // why the program does not compile.
  const os::ChildResult child = os::run_bounded(child_limits(limits), [&](const os::Emit& emit) {
    Interpreter jq;
    if (!jq.compile(program)) return emit("!" + jq.first_message() + "\n");
    for (std::size_t i = 0; i < inputs.size(); ++i)
      jq.run(inputs[i], [&](std::string_view json) { emit(fmt::format("{} {}\n", i, json)); });
  });
  JqAnswer answer;
  answer.end = end_of(child.end);
  answer.why = child.why;
  answer.outputs.resize(inputs.size());
  std::string_view rest = child.output;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.starts_with('!')) return {JqAnswer::End::syntax, std::string(line.substr(1)), {}};
    std::size_t index = 0;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    if (error != std::errc() || index >= inputs.size() || stop == line.data() + line.size())
      continue;
    answer.outputs[index].emplace_back(stop + 1, line.data() + line.size());
  }
  return answer;
}

std::vector<std::string> compile_each(const std::vector<std::string>& programs,
                                      const JqLimits& limits) {
  const os::ChildResult child = os::run_bounded(child_limits(limits), [&](const os::Emit& emit) {
    for (const auto& program : programs) {
      Interpreter jq;
      emit((jq.compile(program) ? "" : jq.first_message()) + "\n");
    }
  });
  std::vector<std::string> messages;
  std::istringstream lines(child.output);
  for (std::string line; std::getline(lines, line);) messages.push_back(line);
  return messages;
}

}  // namespace triage::diagnose
