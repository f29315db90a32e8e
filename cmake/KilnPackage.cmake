# `cpack -G DEB` in a build folder: kiln (what a client needs), kiln-coordinator, kiln-worker and
# libkiln-dev. What only a package brings to a system is left out of a whole `cmake --install`,
# whose prefix may be anywhere.

set(kiln_deploy ${CMAKE_SOURCE_DIR}/deploy)
set(CPACK_COMPONENTS_ALL kiln kiln-coordinator kiln-worker libkiln-dev)

foreach(daemon coordinator worker)
  install(FILES ${kiln_deploy}/systemd/kiln-${daemon}.service
    DESTINATION /lib/systemd/system COMPONENT kiln-${daemon} EXCLUDE_FROM_ALL)
  install(FILES ${kiln_deploy}/etc/${daemon}.toml
    DESTINATION /etc/kiln COMPONENT kiln-${daemon} EXCLUDE_FROM_ALL)
  set(scripts ${kiln_deploy}/debian/kiln-${daemon})
  string(TOUPPER CPACK_DEBIAN_KILN-${daemon}_PACKAGE_CONTROL_EXTRA extra)
  set(${extra} ${scripts}/conffiles ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm)
endforeach()
install(FILES ${kiln_deploy}/systemd/kiln-coordinator.sysusers
  DESTINATION /usr/lib/sysusers.d RENAME kiln-coordinator.conf
  COMPONENT kiln-coordinator EXCLUDE_FROM_ALL)
install(FILES ${kiln_deploy}/systemd/kiln-coordinator.tmpfiles
  DESTINATION /usr/lib/tmpfiles.d RENAME kiln-coordinator.conf
  COMPONENT kiln-coordinator EXCLUDE_FROM_ALL)
# Not in /etc/apparmor.d: this system's own parser does not know its rule, and its kernel has not
# the restriction that the rule lifts.
install(FILES ${kiln_deploy}/apparmor/kiln-worker
  DESTINATION /usr/share/kiln/apparmor COMPONENT kiln-worker EXCLUDE_FROM_ALL)
foreach(program kiln kiln-coordinator kiln-worker)
  install(FILES ${CMAKE_SOURCE_DIR}/completions/zsh/_${program}
    DESTINATION /usr/share/zsh/vendor-completions COMPONENT ${program} EXCLUDE_FROM_ALL)
endforeach()
foreach(package ${CPACK_COMPONENTS_ALL})
  string(TOUPPER CPACK_DEBIAN_${package}_PACKAGE_NAME name)
  set(${name} ${package})
  install(FILES ${kiln_deploy}/debian/copyright
    DESTINATION /usr/share/doc/${package} COMPONENT ${package} EXCLUDE_FROM_ALL)
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kiln)
set(CPACK_PACKAGE_CONTACT "Kiln maintainers <maintainers@kiln.invalid>")
set(CPACK_PACKAGE_VENDOR Kiln)
set(CPACK_STRIP_FILES ON)
# For what goes elsewhere than below the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Nothing to run, and so no libraries to look for.
set(CPACK_DEBIAN_LIBKILN-DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBKILN-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBKILN-DEV_PACKAGE_DEPENDS "kiln (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_KILN-COORDINATOR_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_KILN-COORDINATOR_PACKAGE_RECOMMENDS kiln)

set(CPACK_COMPONENT_KILN_DESCRIPTION
  "client of a warm, distributed compile pool
 Hands compiler calls to other machines and gives exactly the objects and
 messages of a local build; goes on locally when there is no farm.")
set(CPACK_COMPONENT_KILN-COORDINATOR_DESCRIPTION
  "coordinator of a warm, distributed compile pool
 Knows the workers of a farm and lends their slots to clients.")
set(CPACK_COMPONENT_KILN-WORKER_DESCRIPTION
  "worker of a warm, distributed compile pool
 Runs compilers for the farm's clients, in roots of their own that hold
 nothing of the machine. Needs no compiler itself.")
set(CPACK_COMPONENT_LIBKILN-DEV_DESCRIPTION
  "library of a warm, distributed compile pool
 Headers, archive and CMake package for programs that run tasks on a farm.")
include(CPack)
