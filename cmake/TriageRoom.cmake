# triage_room(<name> [ROOMS <room>...] [LIBRARIES <target>...])
# A room is a folder of lib/, built as one static library that may use only the rooms it names:
# the arrows of the architecture are link lines.
function(triage_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp
       ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cpp)
  add_library(triage_${name} STATIC ${sources})
  add_library(triage::${name} ALIAS triage_${name})
  target_link_libraries(triage_${name} PUBLIC triage_flags PRIVATE ${ROOM_LIBRARIES})
  foreach(room IN LISTS ROOM_ROOMS)
    target_link_libraries(triage_${name} PUBLIC triage::${room})
  endforeach()
endfunction()
