install(TARGETS triage RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/man/triage-runbook.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scenarios/runbooks/
        DESTINATION ${CMAKE_INSTALL_DATADIR}/triage/runbooks)
install(FILES ${CMAKE_BINARY_DIR}/share/completions/triage.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME triage)
install(FILES ${CMAKE_BINARY_DIR}/share/completions/triage.zsh
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _triage)
install(FILES ${CMAKE_BINARY_DIR}/share/completions/triage.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/schemas/
        DESTINATION ${CMAKE_INSTALL_DATADIR}/triage/schemas)
