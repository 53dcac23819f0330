# make_vectors writes tests/vectors/*.json; the vectors gate compares.
file(GLOB vector_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/vectors/*.c")
add_executable(make_vectors ${vector_sources})
set_target_properties(make_vectors PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/vectors")
target_include_directories(make_vectors PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/tests"
  "${CMAKE_SOURCE_DIR}/include")
target_compile_definitions(make_vectors PRIVATE BCEMR_TEST_SWITCHES=1)
target_link_libraries(make_vectors PRIVATE bcemr_flags bcemr_posix bcemr_test_support bcemr_parts_bcemr
  bcemr_outside_sodium bcemr_outside_blst bcemr_outside_jansson)
