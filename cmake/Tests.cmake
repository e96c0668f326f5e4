# SPDX-License-Identifier: GPL-3.0-or-later
# Unit tests (libcheck), system tests and the tests of the tree itself (Python), all in ctest.
pkg_check_modules(check REQUIRED IMPORTED_TARGET GLOBAL check)
find_program(RINGLOAD_PYTHON python3 REQUIRED)

set(test_environment
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=second_deadlock_stack=1:halt_on_error=1")
if(RINGLOAD_SANITIZE)
    list(APPEND test_environment "CK_DEFAULT_TIMEOUT=120" "RINGLOAD_TEST_SLOWDOWN=4")
else()
    list(APPEND test_environment "CK_DEFAULT_TIMEOUT=60" "RINGLOAD_TEST_SLOWDOWN=1")
endif()

# Older sanitizer runtimes cannot place their shadow under the newest kernels' address space
# randomization: there, tests run without it.
set(test_launcher "")
if(RINGLOAD_SANITIZE AND EXISTS /proc/sys/vm/mmap_rnd_bits)
    file(READ /proc/sys/vm/mmap_rnd_bits bits)
    if(bits GREATER 28)
        find_program(RINGLOAD_SETARCH setarch REQUIRED)
        set(test_launcher "${RINGLOAD_SETARCH}" -R)
    endif()
endif()

file(GLOB support CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/support/*.c")
if(support)
    add_library(rl_test_support STATIC ${support})
    target_include_directories(rl_test_support PRIVATE "${CMAKE_SOURCE_DIR}/engine")
    target_link_libraries(rl_test_support PRIVATE rl_options PkgConfig::check)
else()
    add_library(rl_test_support INTERFACE)
endif()

get_property(rooms GLOBAL PROPERTY RINGLOAD_ROOMS)
foreach(room IN LISTS rooms)
    file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${room}/*_test.c")
    get_property(libraries GLOBAL PROPERTY RINGLOAD_LIBRARIES_${room})
    # Those of rooms with time and sockets run alone: a beat that comes late is a failure to them.
    foreach(source IN LISTS tests)
        cmake_path(GET source STEM file)
        string(REGEX REPLACE "_test$" "" subject "${file}")
        set(target unit_${room}_${subject})
        add_executable(${target} "${source}")
        target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests/support")
        target_link_libraries(${target} PRIVATE
            rl_test_support rl_${room} ${libraries} rl_options rl_version PkgConfig::check)
        set_target_properties(${target} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/${room}" OUTPUT_NAME ${subject})
        add_test(NAME unit/${room}/${subject} COMMAND ${test_launcher} $<TARGET_FILE:${target}>)
        set_tests_properties(unit/${room}/${subject} PROPERTIES
            LABELS unit TIMEOUT 300 ENVIRONMENT "${test_environment}")
        if(room MATCHES "^(loop|net|vu|tls|serve)$")
            set_tests_properties(unit/${room}/${subject} PROPERTIES RUN_SERIAL TRUE)
        endif()
    endforeach()
endforeach()

# The simulation: the rooms up to vu on a fake ring, which is linked instead of engine/ring's. Its seeds
# run in two processes; tsan has little to see in them, since each has one thread.
set(sim_seeds 10000)
if(RINGLOAD_SANITIZE MATCHES "thread")
    set(sim_seeds 500)
endif()
file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/sim/*.c")
add_executable(ringload_sim ${sources})
target_link_libraries(ringload_sim PRIVATE rl_vu rl::wolfssl rl_options)
set_target_properties(ringload_sim PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/sim")
add_test(NAME sim/seeds
    COMMAND ${test_launcher} $<TARGET_FILE:ringload_sim> --seeds ${sim_seeds} --jobs 2)
set_tests_properties(sim/seeds PROPERTIES
    LABELS sim TIMEOUT 900 PROCESSORS 2 ENVIRONMENT "${test_environment}")

# System tests run one at a time: they measure, and they may use every core.
if(TARGET ringload)
    file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/system/*_test.py")
    foreach(source IN LISTS tests)
        cmake_path(GET source STEM file)
        string(REGEX REPLACE "_test$" "" subject "${file}")
        add_test(NAME system/${subject}
            COMMAND ${test_launcher} ${RINGLOAD_PYTHON} "${source}"
            WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
        set_tests_properties(system/${subject} PROPERTIES
            LABELS system TIMEOUT 600 RUN_SERIAL TRUE
            ENVIRONMENT "${test_environment};RINGLOAD=$<TARGET_FILE:ringload>;PYTHONPATH=${CMAKE_SOURCE_DIR}/tests/support;PYTHONDONTWRITEBYTECODE=1")
    endforeach()
endif()

file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/arch/*_test.py")
foreach(source IN LISTS tests)
    cmake_path(GET source STEM file)
    string(REGEX REPLACE "_test$" "" subject "${file}")
    add_test(NAME arch/${subject} COMMAND ${RINGLOAD_PYTHON} "${source}"
        WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(arch/${subject} PROPERTIES LABELS arch TIMEOUT 120
        ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endforeach()

# tests/fuzz/<room>_<what>_fuzz.c. With libFuzzer in the preset fuzz; elsewhere gcc is enough: the
# corpus and some seeded mutations of it are replayed.
file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.c")
foreach(source IN LISTS tests)
    cmake_path(GET source STEM file)
    string(REGEX REPLACE "_fuzz$" "" subject "${file}")
    string(REGEX REPLACE "_.*$" "" room "${subject}")
    set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${subject}")
    add_executable(fuzz_${subject} "${source}")
    target_include_directories(fuzz_${subject} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz")
    get_property(libraries GLOBAL PROPERTY RINGLOAD_LIBRARIES_${room})
    target_link_libraries(fuzz_${subject} PRIVATE rl_${room} ${libraries} rl_options)
    set_target_properties(fuzz_${subject} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/fuzz" OUTPUT_NAME ${subject})
    if(RINGLOAD_SANITIZE MATCHES "fuzzer")
        target_link_options(fuzz_${subject} PRIVATE -fsanitize=fuzzer)
        # New inputs go to the first folder: never into the tree.
        file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/corpus/${subject}")
        set(arguments -seed=1 -runs=100000 -max_len=4096 "${CMAKE_BINARY_DIR}/corpus/${subject}")
        if(IS_DIRECTORY "${corpus}")
            list(APPEND arguments "${corpus}")
        endif()
    else()
        target_sources(fuzz_${subject} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
        set(arguments "${corpus}")
    endif()
    add_test(NAME fuzz/${subject} COMMAND ${test_launcher} $<TARGET_FILE:fuzz_${subject}> ${arguments})
    set_tests_properties(fuzz/${subject} PROPERTIES
        LABELS fuzz TIMEOUT 300 ENVIRONMENT "${test_environment}")
endforeach()
