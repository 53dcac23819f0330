# cmake --install: headers, both libraries, the pkg-config file, the program.
if(TARGET bcemr_shared)
  set(PC_PRIVATE "-lsodium -lutf8proc")
  if(NOT BCEMR_BLST_LIBRARY)
    string(APPEND PC_PRIVATE " -lblst")
  endif()
  # Relative to the file itself, so that cmake --install --prefix and a moved tree stay right.
  file(RELATIVE_PATH PC_UP "/x/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/x")
  configure_file("${CMAKE_SOURCE_DIR}/cmake/bcemr.pc.in" "${CMAKE_BINARY_DIR}/bcemr.pc" @ONLY)
  install(TARGETS bcemr_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(FILES "${CMAKE_BINARY_DIR}/lib/libbcemr.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(FILES "${CMAKE_BINARY_DIR}/bcemr.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/bcemr" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
endif()
if(TARGET bcemr_program_bcemr)
  install(TARGETS bcemr_program_bcemr RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(DIRECTORY "${CMAKE_SOURCE_DIR}/src/bcemr/demo/data/" DESTINATION "${CMAKE_INSTALL_DATADIR}/bcemr/demo"
    FILES_MATCHING PATTERN "*.json")
  # Manual page and completion come from the program's own table of commands.
  if(NOT CMAKE_CROSSCOMPILING)
    set(made "${CMAKE_BINARY_DIR}/made")
    file(MAKE_DIRECTORY "${made}")
    add_custom_command(TARGET bcemr_program_bcemr POST_BUILD
      COMMAND bcemr_program_bcemr manual > "${made}/bcemr.1"
      COMMAND bcemr_program_bcemr completion bash > "${made}/bcemr.bash"
      COMMAND bcemr_program_bcemr completion zsh > "${made}/_bcemr"
      COMMENT "Printing the manual page and shell completion")
    install(FILES "${made}/bcemr.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
    install(FILES "${made}/bcemr.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
      RENAME bcemr)
    install(FILES "${made}/_bcemr" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  endif()
endif()
