# SPDX-License-Identifier: GPL-3.0-or-later
# Sources that the build writes: ringload_version.h, and the Lua modules as C arrays.
set(RINGLOAD_GENERATED "${CMAKE_BINARY_DIR}/generated")

# Runs at every build and writes only on a change, so that a commit recompiles one file.
add_custom_target(rl_version_header
    COMMAND ${CMAKE_COMMAND} -DVERSION=${PROJECT_VERSION} -DSOURCE=${CMAKE_SOURCE_DIR}
            -DOUTPUT=${RINGLOAD_GENERATED}/ringload_version.h
            -P ${CMAKE_SOURCE_DIR}/cmake/version.cmake
    BYPRODUCTS ${RINGLOAD_GENERATED}/ringload_version.h
    COMMENT "" VERBATIM)
add_library(rl_version INTERFACE)
target_include_directories(rl_version INTERFACE "${RINGLOAD_GENERATED}")
add_dependencies(rl_version rl_version_header)

file(GLOB_RECURSE lua_modules CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/lua/ringload/*.lua")
add_custom_command(
    OUTPUT ${RINGLOAD_GENERATED}/embedded.c
    COMMAND ${CMAKE_COMMAND} "-DFILES=${lua_modules}" -DROOT=${CMAKE_SOURCE_DIR}/lua
            -DOUTPUT=${RINGLOAD_GENERATED}/embedded.c
            -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${lua_modules} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding Lua modules" VERBATIM)
add_library(rl_luamods STATIC ${RINGLOAD_GENERATED}/embedded.c)
target_include_directories(rl_luamods PUBLIC "${CMAKE_SOURCE_DIR}/cmake/include")
target_link_libraries(rl_luamods PRIVATE rl_options)
