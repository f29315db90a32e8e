# How Kiln's targets are made: one library per folder, one test program per folder of tests/unit.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(KILN_WERROR "Treat warnings as errors" ON)
set(KILN_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")

# Other checkouts of the same sources, wherever they are, find what this one compiled.
find_program(KILN_CCACHE ccache)
if(KILN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(kiln_launcher /usr/bin/env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    ${KILN_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${kiln_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${kiln_launcher})
endif()

add_library(kiln_flags INTERFACE)
target_include_directories(kiln_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(kiln_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough $<$<BOOL:${KILN_WERROR}>:-Werror>)
if(KILN_SANITIZE)
  target_compile_options(kiln_flags INTERFACE
    -fsanitize=${KILN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(kiln_flags INTERFACE -fsanitize=${KILN_SANITIZE})
endif()

# Adds every direct child of `folder` that has a CMakeLists.txt, so that a new part needs no edit
# here.
function(kiln_add_children folder)
  file(GLOB children CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*/CMakeLists.txt)
  foreach(child ${children})
    cmake_path(GET child PARENT_PATH directory)
    add_subdirectory(${directory})
  endforeach()
endfunction()

# The name of a folder's library: common/base gives common_base.
function(kiln_target_name out)
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "_" name ${path})
  set(${out} ${name} PARENT_SCOPE)
endfunction()

# kiln_library(PUBLIC targets… PRIVATE targets…): the library of this folder, from all its .cc files
# but main.cc and *_main.cc. PUBLIC is what its headers include, PRIVATE what only its sources do.
function(kiln_library)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  kiln_target_name(name)
  file(GLOB sources CONFIGURE_DEPENDS *.cc *.c)
  list(FILTER sources EXCLUDE REGEX "/([a-z_]+_)?main\\.cc?$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC kiln_flags ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE kiln_flags ${arg_PUBLIC})
  endif()
endfunction()

# kiln_program(NAME main.cc targets…): a binary in bin/.
function(kiln_program name main)
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE kiln_flags ${ARGN})
endfunction()

# kiln_static_program(NAME main.cc ARCHIVES targets… [LIBRARIES names…]): a binary in bin/ without
# shared libraries, where that can be linked. It takes the archives themselves, in the order of
# their need, rather than the targets, whose own libraries (logging, hashing) exist as shared
# objects and which it has no call into. LIBRARIES are archives of the system, as -l takes them.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_LINK_OPTIONS -static)
check_cxx_source_compiles("#include <string>\nint main() { return std::string().size(); }"
  KILN_CAN_LINK_STATICALLY)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
function(kiln_static_program name main)
  cmake_parse_arguments(arg "" "" "ARCHIVES;LIBRARIES" ${ARGN})
  if(NOT KILN_CAN_LINK_STATICALLY OR KILN_SANITIZE)
    kiln_program(${name} ${main} ${arg_ARCHIVES})
    return()
  endif()
  add_executable(${name} ${main})
  add_dependencies(${name} ${arg_ARCHIVES})
  list(TRANSFORM arg_ARCHIVES PREPEND "$<TARGET_FILE:")
  list(TRANSFORM arg_ARCHIVES APPEND ">")
  target_compile_options(${name} PRIVATE -fno-pie)
  target_compile_definitions(${name} PRIVATE KILN_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE kiln_flags tl::expected ${arg_ARCHIVES} ${arg_LIBRARIES})
  target_link_options(${name} PRIVATE -static -no-pie -Wl,--gc-sections)
endfunction()

# kiln_unit_test(targets… [THREADED]): one test program from every *_test.cc of this folder. Label:
# unit. THREADED, for code that several threads use: label unit-threaded (gtest_discover_tests takes
# one label only), and part of the target `threaded`, which the thread sanitizer gets.
add_custom_target(threaded)
function(kiln_unit_test)
  cmake_parse_arguments(arg "THREADED" "" "" ${ARGN})
  kiln_target_name(name)
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE
    kiln_flags ${arg_UNPARSED_ARGUMENTS} GTest::gtest GTest::gmock GTest::gtest_main)
  # Half of a build's time was tests, which nobody runs for their speed: what they take is reading
  # the same headers again for each file.
  target_compile_options(${name} PRIVATE -O0 -g1)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  set(label unit)
  if(arg_THREADED)
    set(label unit-threaded)
    add_dependencies(threaded ${name})
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${label} TIMEOUT 180)
endfunction()
