# SPDX-License-Identifier: GPL-3.0-or-later
# rl_options: how every file of ours is compiled and linked, whatever the build type.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

add_library(rl_options INTERFACE)
target_compile_definitions(rl_options INTERFACE _GNU_SOURCE)
target_compile_options(rl_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wpointer-arith
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla -Wundef
    -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion
    -Wnull-dereference -fno-common)
target_link_libraries(rl_options INTERFACE Threads::Threads m)

if(RINGLOAD_WERROR)
    target_compile_options(rl_options INTERFACE -Werror)
endif()
if(RINGLOAD_CHECKED)
    target_compile_definitions(rl_options INTERFACE RL_CHECKED=1)
endif()
if(RINGLOAD_COVERAGE)
    target_compile_options(rl_options INTERFACE --coverage)
    target_link_options(rl_options INTERFACE --coverage)
endif()
if(RINGLOAD_SANITIZE)
    target_compile_options(rl_options INTERFACE
        -fsanitize=${RINGLOAD_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(rl_options INTERFACE -fsanitize=${RINGLOAD_SANITIZE})
    # Sanitizers turn plain loads into branches on null, which this warning then sees.
    target_compile_options(rl_options INTERFACE -Wno-null-dereference)
    # It does not see fences; those of ours order atomics, which it does see.
    if(RINGLOAD_SANITIZE MATCHES "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(rl_options INTERFACE -Wno-tsan)
    endif()
endif()
