# SPDX-License-Identifier: GPL-3.0-or-later
# cmake --build build/dev --target precommit: before each commit. --target format: mends the format.
add_custom_target(precommit
    COMMAND ${CMAKE_SOURCE_DIR}/cmake/precommit.sh ${CMAKE_BINARY_DIR}
    USES_TERMINAL VERBATIM)

find_program(RINGLOAD_CLANG_FORMAT clang-format)
if(RINGLOAD_CLANG_FORMAT)
    file(GLOB_RECURSE formatted CONFIGURE_DEPENDS
        "${CMAKE_SOURCE_DIR}/engine/*.[ch]" "${CMAKE_SOURCE_DIR}/include/*.h"
        "${CMAKE_SOURCE_DIR}/tests/*.[ch]" "${CMAKE_SOURCE_DIR}/perf/*.[ch]")
    add_custom_target(format COMMAND ${RINGLOAD_CLANG_FORMAT} -i ${formatted} VERBATIM)
endif()
