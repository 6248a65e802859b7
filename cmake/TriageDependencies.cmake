# Everything comes from Debian 12; the list of packages stands in cmake/packages.txt.
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(doctest REQUIRED)
# As installed, triage starts in half the time when the libraries that it needs at each start are
# part of it; those that few runs need are loaded at their first use.
set(TRIAGE_STATIC OFF)
if(CMAKE_BUILD_TYPE STREQUAL Release AND NOT TRIAGE_SANITIZE)
  set(TRIAGE_STATIC ON)
  set(Boost_USE_STATIC_LIBS ON)
endif()
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
if(TRIAGE_STATIC)
  find_library(ZLIB_ARCHIVE libz.a REQUIRED)
  find_library(ZSTD_ARCHIVE libzstd.a REQUIRED)
  find_library(YAML_ARCHIVE libyaml-cpp.a REQUIRED)
  set_target_properties(PkgConfig::zlib PROPERTIES INTERFACE_LINK_LIBRARIES ${ZLIB_ARCHIVE})
  set_target_properties(PkgConfig::zstd PROPERTIES INTERFACE_LINK_LIBRARIES ${ZSTD_ARCHIVE})
  set_target_properties(yaml-cpp PROPERTIES IMPORTED_LOCATION_RELEASE ${YAML_ARCHIVE})
endif()
# Debian 12's libjq ships no pkg-config file.
find_path(JQ_INCLUDE_DIR jq.h REQUIRED)
find_library(JQ_LIBRARY jq REQUIRED)
add_library(jq::jq UNKNOWN IMPORTED)
set_target_properties(jq::jq PROPERTIES IMPORTED_LOCATION ${JQ_LIBRARY}
                      INTERFACE_INCLUDE_DIRECTORIES ${JQ_INCLUDE_DIR})
# libpq is loaded at the first login (lib/backends/postgres_library.h): only its headers are used.
pkg_check_modules(libpq REQUIRED libpq)
add_library(libpq::headers INTERFACE IMPORTED)
set_target_properties(libpq::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${libpq_INCLUDE_DIRS}")
# libcurl is loaded at the first request (lib/net/http_curl.h): only its headers are used here.
find_package(CURL 7.85 REQUIRED)
add_library(CURL::headers INTERFACE IMPORTED)
set_target_properties(CURL::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${CURL_INCLUDE_DIRS}")
