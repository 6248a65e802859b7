#include "lib/backends/postgres_library.h"

#include <dlfcn.h>

#include <string>

#include "lib/base/error.h"

namespace triage::backends {
namespace {

constexpr const char* remedy = "install the package libpq5";

template <class Function>
void find(void* library, const char* name, Function& function) {
  void* symbol = dlsym(library, name);
  if (symbol == nullptr)
    throw Error(ErrorCode::not_found, std::string("libpq.so.5 has no ") + name, remedy);
  // POSIX lets dlsym's object pointer be a function.
  function = reinterpret_cast<Function>(symbol);
}

Pq load() {
  void* library = dlopen("libpq.so.5", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr)
    throw Error(ErrorCode::not_found, std::string("libpq cannot be loaded: ") + dlerror(), remedy);
  Pq api;
  find(library, "PQclear", api.clear);
  find(library, "PQconndefaults", api.conninfo_defaults);
  find(library, "PQconnectPoll", api.connect_poll);
  find(library, "PQconnectStartParams", api.connect_start);
  find(library, "PQconninfoFree", api.conninfo_free);
  find(library, "PQconninfoParse", api.conninfo_parse);
  find(library, "PQconsumeInput", api.consume_input);
  find(library, "PQdb", api.database);
  find(library, "PQerrorMessage", api.error_message);
  find(library, "PQfinish", api.finish);
  find(library, "PQfreemem", api.free_memory);
  find(library, "PQgetResult", api.get_result);
  find(library, "PQgetisnull", api.is_null);
  find(library, "PQgetlength", api.length);
  find(library, "PQgetvalue", api.value);
  find(library, "PQhost", api.host);
  find(library, "PQisBusy", api.is_busy);
  find(library, "PQnfields", api.column_count);
  find(library, "PQntuples", api.row_count);
  find(library, "PQport", api.port);
  find(library, "PQresultErrorField", api.result_error_field);
  find(library, "PQresultErrorMessage", api.result_error_message);
  find(library, "PQresultStatus", api.result_status);
  find(library, "PQsendQueryParams", api.send_query_params);
  find(library, "PQsocket", api.socket);
  find(library, "PQstatus", api.status);
  find(library, "PQuser", api.user);
  find(library, "PQsendQuery", api.send_query);
  find(library, "PQfname", api.column_name);
  return api;
}

}  // namespace

const Pq& pq() {
  static const Pq api = load();
  return api;
}

}  // namespace triage::backends
