# SPDX-License-Identifier: GPL-3.0-or-later
# Rooms: one static library for each folder of engine/.

# rl_room(NAME [USES room...]): the library rl_NAME from engine/NAME/*.c. A room without sources
# is an empty library, so that the table may be ahead of the code.
function(rl_room name)
    cmake_parse_arguments(PARSE_ARGV 1 room "" "" "USES")
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/engine/${name}/*.c")
    list(FILTER sources EXCLUDE REGEX "/engine/[a-z]+/main\\.c$")
    list(TRANSFORM room_USES PREPEND rl_)
    if(sources)
        add_library(rl_${name} STATIC ${sources})
        target_include_directories(rl_${name} PUBLIC "${CMAKE_SOURCE_DIR}/engine")
        target_link_libraries(rl_${name} PUBLIC ${room_USES} PRIVATE rl_options rl_version)
    else()
        add_library(rl_${name} INTERFACE)
        target_include_directories(rl_${name} INTERFACE "${CMAKE_SOURCE_DIR}/engine")
        target_link_libraries(rl_${name} INTERFACE ${room_USES})
    endif()
    set_property(GLOBAL APPEND PROPERTY RINGLOAD_ROOMS ${name})
endfunction()

# rl_room_library(NAME library...): only the sources and the unit tests of this room see these.
function(rl_room_library name)
    set_property(GLOBAL APPEND PROPERTY RINGLOAD_LIBRARIES_${name} ${ARGN})
    get_target_property(type rl_${name} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
        target_link_libraries(rl_${name} PRIVATE ${ARGN})
    endif()
endfunction()

# rl_program(NAME ROOM): an executable of the room's main.c.
function(rl_program name room)
    set(main "${CMAKE_SOURCE_DIR}/engine/${room}/main.c")
    file(GLOB found CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/engine/${room}/main.c")
    if(NOT found)
        message(STATUS "${name}: no engine/${room}/main.c yet")
        return()
    endif()
    add_executable(${name} "${main}")
    target_link_libraries(${name} PRIVATE rl_${room} rl_options rl_version)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
    install(TARGETS ${name})
endfunction()
