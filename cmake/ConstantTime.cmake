# The programs of tests/constant_time, which run under valgrind: the library's rooms as they ship, but for
# core's declassifications, over each build of blst. The suites are the scripts of that folder.
include(CheckIncludeFile)
check_include_file(valgrind/memcheck.h BCEMR_HAS_MEMCHECK)
if(NOT BCEMR_HAS_MEMCHECK OR BCEMR_SANITIZE)
  return() # the suites say what is missing; valgrind and the sanitizers do not go together
endif()
set(BCEMR_CONSTANT_TIME_FLAGS "" CACHE STRING "More flags for what tests/constant_time compiles")
set(ct_folder "${CMAKE_SOURCE_DIR}/tests/constant_time")
set(ct_out "${CMAKE_BINARY_DIR}/tests/constant_time")
file(GLOB ct_cases CONFIGURE_DEPENDS "${ct_folder}/*.c")
set(ct_sources)
foreach(room wire core proof client)
  list(APPEND ct_sources ${BCEMR_SOURCES_${room}})
endforeach()

# DWARF 4: valgrind of Debian 12 cannot read what clang writes for 5.
function(bcemr_constant_time_target target)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/tests"
    "${CMAKE_SOURCE_DIR}/include")
  target_link_libraries(${target} PRIVATE bcemr_flags bcemr_posix bcemr_outside_sodium bcemr_outside_utf8proc)
  target_compile_options(${target} PRIVATE -include "${ct_folder}/declassify.h"
    -gdwarf-4 ${BCEMR_CONSTANT_TIME_FLAGS})
  get_target_property(headers bcemr_outside_blst INTERFACE_INCLUDE_DIRECTORIES)
  if(headers)
    target_include_directories(${target} SYSTEM PRIVATE ${headers})
  endif()
endfunction()

add_library(bcemr_constant_time STATIC ${ct_sources})
bcemr_constant_time_target(bcemr_constant_time)
add_library(bcemr_constant_time_cases OBJECT ${ct_cases} "${CMAKE_SOURCE_DIR}/src/bcemr/keyfile.c")
bcemr_constant_time_target(bcemr_constant_time_cases)

# bcemr_constant_time_program(NAME BLST [SOURCE]): the source stands in for the library's own of that name
function(bcemr_constant_time_program name blst)
  set(target constant_time_${name})
  add_executable(${target} $<TARGET_OBJECTS:bcemr_constant_time_cases> ${ARGN})
  bcemr_constant_time_target(${target})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${ct_out}")
  target_link_libraries(${target} PRIVATE bcemr_constant_time ${blst} ${CMAKE_DL_LIBS})
endfunction()

bcemr_constant_time_program(portable bcemr_outside_blst)
set(ct_adx "${BCEMR_DEPS}/blst-adx/lib/libblst.a")
if(EXISTS "${ct_adx}")
  bcemr_constant_time_program(adx "${ct_adx}")
endif()

# A fault in a copy of a source, by one change; tests/constant_time/planted.sh runs them.
function(bcemr_constant_time_fault name source change)
  set(copy "${ct_out}/faults/${name}.c")
  add_custom_command(OUTPUT "${copy}"
    COMMAND sh "${ct_folder}/plant" "${CMAKE_SOURCE_DIR}/${source}" "${change}" "${copy}"
    DEPENDS "${CMAKE_SOURCE_DIR}/${source}" "${ct_folder}/plant" VERBATIM)
  bcemr_constant_time_program(fault_${name} bcemr_outside_blst "${copy}")
endfunction()
bcemr_constant_time_fault(index src/core/context.c
  "s/for (uint64_t d = 0; d < CORE_WINDOW_SIZE; d++) {/for (uint64_t d = digit; d == digit; d++) {/")
bcemr_constant_time_fault(compare src/core/hash.c "s/int differ = sodium_memcmp(/int differ = memcmp(/")
bcemr_constant_time_fault(skip src/core/secret_sum.c
  "s/^    bucket held = {0}$<SEMICOLON>/&\\n    if (magnitude == 0)\\n        return$<SEMICOLON>/")
