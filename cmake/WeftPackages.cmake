# Debian packages: `cmake --build BUILD && (cd BUILD && cpack)` makes weft-controller, weft-agent and weft-cli in
# BUILD/packages. The controller's carries the agent's, so that /join can serve it; WEFT_AGENT_PACKAGES names further
# ones, built for other architectures or releases.
find_program(WEFT_DPKG_DEB dpkg-deb)
if(NOT WEFT_DPKG_DEB)
	return()
endif()
set(WEFT_AGENT_PACKAGES "" CACHE STRING "Further weft-agent .deb files for the controller's package, separated by ;")

# One package fits one release of Debian or Ubuntu, whose name stands in its version: "0.1.0-1~bookworm".
set(release local)
if(EXISTS /etc/os-release)
	file(STRINGS /etc/os-release lines REGEX "^VERSION_CODENAME=")
	string(REGEX REPLACE "^VERSION_CODENAME=\"?([a-z0-9]+)\"?.*" "\\1" name "${lines}")
	if(name)
		set(release ${name})
	endif()
endif()
set(WEFT_PACKAGE_RELEASE "1~${release}" CACHE STRING "What follows the version in a package's name")

set(WEFT_MAINTAINER "Weft <weft@localhost>" CACHE STRING "Who made the packages: Name <mail>")

# ---- files made for the packages ----

set(made ${CMAKE_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${made})
foreach(part IN ITEMS controller agent)
	add_custom_command(OUTPUT ${made}/${part}.yaml
		COMMAND weft-${part} settings > ${made}/${part}.yaml DEPENDS weft-${part} VERBATIM)
endforeach()
add_custom_target(weft_package_files ALL DEPENDS ${made}/controller.yaml ${made}/agent.yaml)
# The time of the last commit stands for that of the build: the same tree makes the same packages.
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} log -1 --format=%ct OUTPUT_VARIABLE time
	OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT time)
	set(time 1700000000)
endif()
file(WRITE ${made}/time.cmake
	"if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})\n\tset(ENV{SOURCE_DATE_EPOCH} ${time})\nendif()\n")
configure_file(${CMAKE_SOURCE_DIR}/deploy/debian/staged.cmake.in ${made}/staged.cmake @ONLY)
configure_file(${CMAKE_SOURCE_DIR}/deploy/debian/agent_within.cmake.in ${made}/agent_within.cmake @ONLY)

# ---- what goes where ----

set(systemd ${CMAKE_SOURCE_DIR}/deploy/systemd)
set(units lib/systemd/system)
set(etc /etc/weft)

install(TARGETS weft-controller RUNTIME DESTINATION sbin COMPONENT controller)
install(FILES ${systemd}/weft-controller.service DESTINATION ${units} COMPONENT controller)
install(FILES ${made}/controller.yaml DESTINATION ${etc} COMPONENT controller)
install(FILES ${CMAKE_SOURCE_DIR}/docs/man/weft-controller.8 DESTINATION share/man/man8 COMPONENT controller)
install(SCRIPT ${made}/agent_within.cmake COMPONENT controller)
install(FILES ${WEFT_AGENT_PACKAGES} DESTINATION share/weft/packages COMPONENT controller)

install(TARGETS weft-agent weft-dns weft-sets weft-proxy RUNTIME DESTINATION sbin COMPONENT agent)
install(FILES ${systemd}/weft-agent.service ${systemd}/weft-boot.service ${systemd}/weft-wireguard@.service ${systemd}/weft-dns.service ${systemd}/weft-sets.service
	${systemd}/weft-proxy.service
	DESTINATION ${units} COMPONENT agent)
install(FILES ${systemd}/network/10-weft.network ${systemd}/network/10-weft.link DESTINATION lib/systemd/network
	COMPONENT agent)
install(FILES ${systemd}/network/networkd.conf DESTINATION lib/systemd/networkd.conf.d RENAME 10-weft.conf
	COMPONENT agent)
install(FILES ${systemd}/network/networkmanager.conf DESTINATION lib/NetworkManager/conf.d RENAME weft.conf
	COMPONENT agent)
install(FILES ${made}/agent.yaml DESTINATION ${etc} COMPONENT agent)
install(DIRECTORY DESTINATION ${etc}/hooks.d COMPONENT agent)
set(hooks ${CMAKE_SOURCE_DIR}/deploy/hooks)
install(PROGRAMS ${hooks}/aws-move-route ${hooks}/gcp-move-route DESTINATION share/weft/hooks COMPONENT agent)
install(FILES ${hooks}/aws-move-route.yaml ${hooks}/gcp-move-route.yaml DESTINATION share/doc/weft-agent/examples COMPONENT agent)
foreach(page IN ITEMS weft-agent weft-dns weft-proxy weft-sets)
	install(FILES ${CMAKE_SOURCE_DIR}/docs/man/${page}.8 DESTINATION share/man/man8 COMPONENT agent)
endforeach()

install(FILES ${CMAKE_SOURCE_DIR}/deploy/examples/private-internet.yaml DESTINATION share/doc/weft-cli/examples
	COMPONENT cli)
foreach(part IN ITEMS controller agent cli)
	install(FILES ${CMAKE_SOURCE_DIR}/deploy/debian/copyright DESTINATION share/doc/weft-${part} COMPONENT ${part})
endforeach()

# ---- cpack ----

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weft)
set(CPACK_PACKAGE_CONTACT ${WEFT_MAINTAINER})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
# Any other summary than this would stand before each package's own.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_NAME} built using CMake")
set(CPACK_PROJECT_CONFIG_FILE ${made}/time.cmake)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL controller agent cli)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
	OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${made}/staged.cmake)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${WEFT_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# libwebsockets loads its libuv part at run time, where shlibdeps does not see it.
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_NAME weft-controller)
set(CPACK_DEBIAN_CONTROLLER_DESCRIPTION
"controller of the Weft SD-WAN
Holds what a network should be, plans it, and tells the agents; serves the
REST interface, the dashboard and the line by which hosts join.")
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_DEPENDS "libwebsockets-evlib-uv, adduser")
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_SUGGESTS "weft-cli")

# wireguard-go is only needed where the kernel has no WireGuard; the join script sees to that by itself.
set(CPACK_DEBIAN_AGENT_PACKAGE_NAME weft-agent)
set(CPACK_DEBIAN_AGENT_DESCRIPTION
"agent of the Weft SD-WAN
Joins a host to a Weft controller and keeps its tunnels, virtual wires,
bridges, addresses and routes as the controller says.")
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "libwebsockets-evlib-uv")
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "wireguard-go")

set(CPACK_DEBIAN_CLI_PACKAGE_NAME weft-cli)
set(CPACK_DEBIAN_CLI_DESCRIPTION
"command line of the Weft SD-WAN
Plans and applies fleet files, shows state and history of a Weft network, and
rehearses a fleet in network namespaces.")
# What `weft lab` uses.
set(CPACK_DEBIAN_CLI_PACKAGE_RECOMMENDS
	"weft-controller, weft-agent, iproute2, nftables, iputils-ping, wireguard-go")

foreach(part IN ITEMS controller agent)
	string(TOUPPER ${part} upper)
	set(scripts ${CMAKE_SOURCE_DIR}/deploy/debian/${part})
	set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA
		${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
endforeach()
include(CPack)
