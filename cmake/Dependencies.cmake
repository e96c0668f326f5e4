# SPDX-License-Identifier: GPL-3.0-or-later
# What is not ours, as imported targets: rl::uring, rl::wolfssl, rl::lua, rl::jansson, rl::check.
find_package(PkgConfig REQUIRED)

# rl_pinned(NAME PREFIX LIBRARY): a static library that bootstrap built into build/deps.
function(rl_pinned name prefix library)
    set(root "${RINGLOAD_DEPS_DIR}/${prefix}")
    if(NOT EXISTS "${root}/lib/${library}")
        message(FATAL_ERROR "${root} is not built yet. Run ./bootstrap deps first, "
            "or configure with -DRINGLOAD_SYSTEM_DEPS=ON to use the system's libraries.")
    endif()
    add_library(rl::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(rl::${name} PROPERTIES
        IMPORTED_LOCATION "${root}/lib/${library}"
        INTERFACE_INCLUDE_DIRECTORIES "${root}/include")
endfunction()

if(RINGLOAD_SYSTEM_DEPS)
    pkg_check_modules(uring REQUIRED IMPORTED_TARGET GLOBAL liburing)
    pkg_check_modules(wolfssl REQUIRED IMPORTED_TARGET GLOBAL wolfssl)
    add_library(rl::uring ALIAS PkgConfig::uring)
    add_library(rl::wolfssl ALIAS PkgConfig::wolfssl)
else()
    rl_pinned(uring liburing-2.9 liburing.a)
    rl_pinned(wolfssl wolfssl-5.7.2 libwolfssl.a)
    set_target_properties(rl::wolfssl PROPERTIES INTERFACE_LINK_LIBRARIES "m;Threads::Threads")
endif()

# Lua: the pinned source, compiled with the rest, so that what is called a million times a second is
# inlined across the border. Checked builds have it check its callers, and the sanitizers see it.
set(lua_source "${RINGLOAD_DEPS_DIR}/lua5.4-5.4.7/src")
if(NOT RINGLOAD_SYSTEM_DEPS AND EXISTS "${lua_source}/lua.h")
    file(GLOB sources "${lua_source}/*.c")
    list(FILTER sources EXCLUDE REGEX "/luac?\\.c$")
    add_library(rl_lua STATIC ${sources})
    target_compile_definitions(rl_lua PRIVATE LUA_USE_POSIX LUA_COMPAT_5_3)
    target_include_directories(rl_lua SYSTEM PUBLIC "${lua_source}")
    target_link_libraries(rl_lua PUBLIC m)
    target_compile_options(rl_lua PRIVATE -w)
    if(RINGLOAD_CHECKED)
        target_compile_definitions(rl_lua PUBLIC LUA_USE_APICHECK)
    elseif(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
        set_source_files_properties("${lua_source}/ldo.c" PROPERTIES COMPILE_OPTIONS
            "-include;${CMAKE_SOURCE_DIR}/cmake/include/lua_jump.h")
    endif()
    if(RINGLOAD_SANITIZE)
        string(REPLACE ",undefined" "" sanitize "${RINGLOAD_SANITIZE}")
        target_compile_options(rl_lua PRIVATE -fsanitize=${sanitize} -fno-omit-frame-pointer)
        # Thread sanitizer sees longjmp, not _longjmp: with that its shadow stack grows at each
        # yield, until it crashes.
        target_compile_definitions(rl_lua PRIVATE _longjmp=longjmp)
        if(RINGLOAD_SANITIZE MATCHES "thread")
            set_source_files_properties("${lua_source}/lvm.c" PROPERTIES COMPILE_OPTIONS
                "-include;${CMAKE_SOURCE_DIR}/cmake/include/lua_signals.h")
        endif()
    endif()
    add_library(rl::lua ALIAS rl_lua)
else()
    pkg_search_module(lua REQUIRED IMPORTED_TARGET GLOBAL lua5.4 lua-5.4 lua54)
    add_library(rl::lua ALIAS PkgConfig::lua)
endif()

pkg_check_modules(jansson REQUIRED IMPORTED_TARGET GLOBAL jansson)
add_library(rl::jansson ALIAS PkgConfig::jansson)
