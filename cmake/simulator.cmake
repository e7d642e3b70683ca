# The simulated machine: its runner, a libamd_smi for each ROCm release, and what they read.
# All of it lies in one folder, and the runner looks beside itself, so the folder may be moved.

set(sim "${CMAKE_CURRENT_SOURCE_DIR}/simulator")
set(sim_built "${ZEUS_AMD_CARGO_TARGET_DIR}/simulator")

# cargo knows what is outdated.
add_custom_target(
    zeus_amd_sim ALL
    COMMAND "${CMAKE_COMMAND}" -E env --unset=CARGO_BUILD_TARGET "CARGO_TARGET_DIR=${ZEUS_AMD_CARGO_TARGET_DIR}"
            "CARGO=${ZEUS_AMD_CARGO}" "${sim}/run" build > "${CMAKE_CURRENT_BINARY_DIR}/simulated-libraries.txt"
    COMMAND "${ZEUS_AMD_OBJCOPY}" --strip-debug "${sim_built}/libzeus_amd_sim.a"
            "${CMAKE_CURRENT_BINARY_DIR}/libzeus_amd_sim.a"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
    COMMENT "Building the simulated machine"
    VERBATIM)

if(ZEUS_AMD_INSTALL)
    set(home "${CMAKE_INSTALL_LIBDIR}/zeus_amd/sim")
    install(PROGRAMS "${sim_built}/zeus-amd-sim" DESTINATION "${home}" COMPONENT simulator)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/libzeus_amd_sim.a" DESTINATION "${home}" COMPONENT simulator)
    install(DIRECTORY "${sim}/machines" "${sim}/models" "${sim}/symbols" DESTINATION "${home}" COMPONENT simulator)
    install(
        DIRECTORY "${ZEUS_AMD_CARGO_TARGET_DIR}/sim/"
        DESTINATION "${home}/rocm"
        COMPONENT simulator
        FILES_MATCHING
        REGEX "/(libamd_smi\\.so\\.[0-9]+|preload\\.so)$")
    install(FILES "${sim}/README.md" DESTINATION "${doc_dir}" COMPONENT simulator RENAME simulator.md)
    # bin/zeus-amd-sim is a relative link into that folder.
    file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}/zeus_amd/sim")
    file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/links")
    execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "${up}/zeus-amd-sim"
                            "${CMAKE_CURRENT_BINARY_DIR}/links/zeus-amd-sim")
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/links/zeus-amd-sim" DESTINATION "${CMAKE_INSTALL_BINDIR}"
            COMPONENT simulator)
endif()
