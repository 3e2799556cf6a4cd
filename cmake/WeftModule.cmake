# weft_module(NAME SOURCES ... [USES ...]): the static library of one module. Its door is included as "module/door.h"
# relative to the tree's top rooms (common/, controller/, node-agent/, cli/).
function(weft_module name)
	cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
	add_library(${name} STATIC ${ARG_SOURCES})
	target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/common ${CMAKE_CURRENT_SOURCE_DIR}/..)
	target_link_libraries(${name} PUBLIC ${ARG_USES})
endfunction()

# weft_program(NAME SOURCES ... USES ...): an executable in build/PRESET/bin.
function(weft_program name)
	cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
	add_executable(${name} ${ARG_SOURCES})
	target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/common ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${ARG_USES})
endfunction()

# weft_unit(NAME SOURCES ... USES ... [FAULTS]): a cmocka program, run by ctest under the label "unit". With FAULTS its
# allocations and file operations can be made to fail one by one (tests/fakes/fault.h).
function(weft_unit name)
	cmake_parse_arguments(ARG "FAULTS" "" "SOURCES;USES" ${ARGN})
	add_executable(${name} ${ARG_SOURCES})
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
	target_compile_definitions(${name} PRIVATE WEFT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
	target_link_libraries(${name} PRIVATE ${ARG_USES} weft_cmocka)
	if(ARG_FAULTS)
		target_link_libraries(${name} PRIVATE weft_fault)
	endif()
	add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300
		ENVIRONMENT "ASAN_OPTIONS=detect_leaks=1;UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

# weft_fuzz(NAME SOURCES ... CORPUS DIR USES ...): one LLVMFuzzerTestOneInput. With the fuzz preset it is a libFuzzer
# program; otherwise it is a unit test that feeds every file of the seed corpus through the same function.
function(weft_fuzz name)
	cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;USES" ${ARGN})
	if(WEFT_FUZZ)
		add_executable(${name} ${ARG_SOURCES})
		set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
		target_link_options(${name} PRIVATE -fsanitize=fuzzer)
		target_link_libraries(${name} PRIVATE ${ARG_USES})
	else()
		add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
		set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
		target_link_libraries(${name} PRIVATE ${ARG_USES})
		add_test(NAME ${name} COMMAND ${name} ${ARG_CORPUS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
		set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
	endif()
endfunction()
