#pragma once

/// libpq, loaded at the first use. Linked the usual way its thirty libraries (Kerberos, LDAP,
/// OpenSSL) would be loaded and relocated at each start of triage.
#include <libpq-fe.h>

namespace triage::backends {

/// The functions of libpq that we call; each has the type of libpq-fe.h.
struct Pq {
  decltype(&PQclear) clear = nullptr;
  decltype(&PQconndefaults) conninfo_defaults = nullptr;
  decltype(&PQconnectPoll) connect_poll = nullptr;
  decltype(&PQconnectStartParams) connect_start = nullptr;
  decltype(&PQconninfoFree) conninfo_free = nullptr;
  decltype(&PQconninfoParse) conninfo_parse = nullptr;
  decltype(&PQconsumeInput) consume_input = nullptr;
  decltype(&PQdb) database = nullptr;
  decltype(&PQerrorMessage) error_message = nullptr;
  decltype(&PQfinish) finish = nullptr;
  decltype(&PQfreemem) free_memory = nullptr;
  decltype(&PQgetResult) get_result = nullptr;
  decltype(&PQgetisnull) is_null = nullptr;
  decltype(&PQgetlength) length = nullptr;
  decltype(&PQgetvalue) value = nullptr;
  decltype(&PQhost) host = nullptr;
  decltype(&PQisBusy) is_busy = nullptr;
  decltype(&PQnfields) column_count = nullptr;
  decltype(&PQntuples) row_count = nullptr;
  decltype(&PQport) port = nullptr;
  decltype(&PQresultErrorField) result_error_field = nullptr;
  decltype(&PQresultErrorMessage) result_error_message = nullptr;
  decltype(&PQresultStatus) result_status = nullptr;
  decltype(&PQsendQueryParams) send_query_params = nullptr;
  decltype(&PQsocket) socket = nullptr;
  decltype(&PQstatus) status = nullptr;
  decltype(&PQuser) user = nullptr;
  decltype(&PQsendQuery) send_query = nullptr;
  decltype(&PQfname) column_name = nullptr;
};

/// Throws Error{not_found} when the library is not installed.
const Pq& pq();

}  // namespace triage::backends
