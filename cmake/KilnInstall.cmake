# What `cmake --install` puts where: the programs with their manual pages and completions, and Kiln
# as a library for find_package(kiln).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# libkiln.a has one object: client_library with all that it needs of Kiln, in which only the names
# of kiln::v1 are left to be seen. So programs that link it meet none of Kiln's own names, nor its
# copies of other libraries, and need no package but Kiln's. (Weakened first, since what g++ calls
# a unique symbol would stay to be seen.)
# lld, which goes with clang, cannot make one object of all groups.
find_program(KILN_LD NAMES ld.bfd ld REQUIRED)
set(KILN_ARCHIVE ${CMAKE_BINARY_DIR}/lib/libkiln.a)
set(kiln_parts client_launcher client_slots client_paths common_wire common_model common_base)
set(kiln_part_files ${kiln_parts})
list(TRANSFORM kiln_part_files PREPEND "$<TARGET_FILE:")
list(TRANSFORM kiln_part_files APPEND ">")
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
add_custom_command(
  OUTPUT ${KILN_ARCHIVE}
  COMMAND ${KILN_LD} -r --force-group-allocation -o kiln.o
    --whole-archive $<TARGET_FILE:client_library> --no-whole-archive
    --start-group ${kiln_part_files} --end-group
  COMMAND ${CMAKE_OBJCOPY} --strip-debug --weaken kiln.o
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=_ZN4kiln2v1*
    --keep-global-symbol=_ZNK4kiln2v1* --keep-global-symbol=_ZN[RO]4kiln2v1*
    --keep-global-symbol=_ZNK[RO]4kiln2v1* kiln.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${KILN_ARCHIVE}
  COMMAND ${CMAKE_AR} qcs ${KILN_ARCHIVE} kiln.o
  COMMAND ${CMAKE_COMMAND} -E rm -f kiln.o
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/lib
  DEPENDS client_library ${kiln_parts} VERBATIM
  COMMENT "Bundling lib/libkiln.a")
add_custom_target(kiln_archive ALL DEPENDS ${KILN_ARCHIVE})

# Components are packages: cmake/KilnPackage.cmake.
install(TARGETS kiln kiln-agent
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT kiln)
install(TARGETS kiln-coordinator
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT kiln-coordinator)
install(TARGETS kiln-worker kiln-nursery
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT kiln-worker)
foreach(program kiln kiln-coordinator kiln-worker)
  set(kiln_shells ${CMAKE_SOURCE_DIR}/completions)
  install(FILES ${kiln_shells}/bash/${program}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT ${program})
  install(FILES ${kiln_shells}/fish/${program}.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT ${program})
  # Packages have it where their system's zsh looks: no package has this component.
  install(FILES ${kiln_shells}/zsh/_${program}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT zsh)
endforeach()
set(kiln_pages ${CMAKE_SOURCE_DIR}/docs/man)
install(FILES ${kiln_pages}/kiln.1 ${kiln_pages}/kiln-agent.1
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT kiln)
foreach(daemon kiln-coordinator kiln-worker)
  install(FILES ${kiln_pages}/${daemon}.8
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT ${daemon})
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/client/library/include/kiln
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libkiln-dev)
install(FILES ${KILN_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libkiln-dev)

set(kiln_package ${CMAKE_INSTALL_LIBDIR}/cmake/kiln)
set(KILN_INSTALLED_ARCHIVE ${CMAKE_INSTALL_LIBDIR}/libkiln.a)
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/kilnConfig.cmake.in ${CMAKE_BINARY_DIR}/kilnConfig.cmake
  INSTALL_DESTINATION ${kiln_package}
  PATH_VARS KILN_INSTALLED_ARCHIVE CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/kilnConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/kilnConfig.cmake ${CMAKE_BINARY_DIR}/kilnConfigVersion.cmake
  DESTINATION ${kiln_package} COMPONENT libkiln-dev)
