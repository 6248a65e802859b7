# One interface target carries the flags of all our code; nothing is set globally.
find_package(Threads REQUIRED)
add_library(triage_flags INTERFACE)
target_include_directories(triage_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(triage_flags INTERFACE Threads::Threads)
target_compile_options(triage_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Werror)
# gcc 12 reports uninitialised and overflowing reads inside libstdc++'s own headers when sanitizers
# or -O2 inline them; clang checks the same code without them.
target_compile_options(triage_flags INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict;-Wno-dangling-pointer;-Wno-stringop-overflow>)
if(TRIAGE_SANITIZE)
  target_compile_options(triage_flags INTERFACE
    -fsanitize=${TRIAGE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(triage_flags INTERFACE -fsanitize=${TRIAGE_SANITIZE})
endif()
if(TRIAGE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(triage_flags INTERFACE -Wno-tsan)  # Boost.Asio's fences, which tsan cannot see
endif()
if(TRIAGE_FUZZ)
  target_compile_options(triage_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
