# Compiler flags of every target, and the switches a preset sets.
option(WEFT_WERROR "Warnings are errors" OFF)
option(WEFT_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(WEFT_SANITIZE "" CACHE STRING "Value of -fsanitize=")

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# One place for the programs, so that tests and the lab find them without an install.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
	-Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
	-Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference
	-fno-common -fno-strict-aliasing)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
	# A sentence cut to its buffer is how struct err works, hence no -Wformat-truncation.
	add_compile_options(-Wcast-align=strict -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wno-format-truncation)
endif()
if(WEFT_WERROR)
	add_compile_options(-Werror)
endif()
if(WEFT_SANITIZE)
	add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()
if(WEFT_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CMAKE_BUILD_TYPE STREQUAL Release)
	set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG -g1")
	add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE)
	add_link_options(-pie -Wl,-z,relro,-z,now)
endif()
