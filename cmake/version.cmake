# SPDX-License-Identifier: GPL-3.0-or-later
cmake_minimum_required(VERSION 3.25)
# Writes OUTPUT: the version of the project and, in a checkout, what git calls this commit.
set(describe "")
find_program(GIT git)
if(GIT AND EXISTS "${SOURCE}/.git")
    execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --tags --abbrev=10
        OUTPUT_VARIABLE describe OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(full "${VERSION}")
if(describe)
    set(full "${VERSION} (${describe})")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT
"#ifndef RINGLOAD_VERSION_H
#define RINGLOAD_VERSION_H

#define RINGLOAD_VERSION \"@VERSION@\"
#define RINGLOAD_GIT \"@describe@\"
#define RINGLOAD_VERSION_FULL \"@full@\"

#endif
" @ONLY)
