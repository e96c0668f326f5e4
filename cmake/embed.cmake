# SPDX-License-Identifier: GPL-3.0-or-later
cmake_minimum_required(VERSION 3.25)
# Writes OUTPUT: the FILES below ROOT as C arrays, and rl_embedded_modules, their table.
set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS FILES)
    file(RELATIVE_PATH name "${ROOT}" "${file}")
    string(REGEX REPLACE "\\.lua$" "" name "${name}")
    file(SIZE "${file}" size)
    file(READ "${file}" hex HEX)
    string(REPEAT "[0-9a-f]" 32 row)
    string(REGEX REPLACE "(${row})" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND arrays "static const unsigned char module_${number}[] = {\n${bytes}0x00};\n\n")
    string(APPEND table "    {\"${name}\", module_${number}, ${size}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "/* Written by cmake/embed.cmake. */
#include \"embedded.h\"

${arrays}const struct rl_embedded rl_embedded_modules[] = {
${table}    {NULL, NULL, 0},
};
")
