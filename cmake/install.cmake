# cmake --install: components runtime, development, examples, debug, and simulator (simulator.cmake).
include(CMakePackageConfigHelpers)

set(here "${CMAKE_CURRENT_BINARY_DIR}")
set(file_name "libzeus_amd.so.${PROJECT_VERSION}")
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/zeus_amd")

# What is installed has no symbols but its interface: Rust's names and line tables are four fifths of the file. They go
# into a file of their own (component debug), which gdb, perf and valgrind find beside the library.
add_custom_command(
    OUTPUT "${here}/stripped/${file_name}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory stripped
    COMMAND "${ZEUS_AMD_OBJCOPY}" --only-keep-debug "${shared}" "stripped/${file_name}.debug"
    COMMAND "${ZEUS_AMD_OBJCOPY}" --strip-all "--add-gnu-debuglink=stripped/${file_name}.debug" "${shared}"
            "stripped/${file_name}"
    WORKING_DIRECTORY "${here}"
    DEPENDS "${shared}"
    COMMENT "Stripping ${file_name}"
    VERBATIM)
add_custom_target(zeus_amd_strip ALL DEPENDS "${here}/stripped/${file_name}")
add_dependencies(zeus_amd_strip zeus_amd_build_shared)

install(PROGRAMS "${here}/stripped/${file_name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime)
install(FILES "${here}/${soname}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime)
install(FILES "${here}/libzeus_amd.so" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(FILES "${here}/stripped/${file_name}.debug" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT debug)
install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/LICENSE" "${CMAKE_CURRENT_SOURCE_DIR}/CHANGELOG.md"
              "${CMAKE_CURRENT_SOURCE_DIR}/README.md" DESTINATION "${doc_dir}" COMPONENT runtime)
# The pages that README.md links.
install(
    DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/docs/"
    DESTINATION "${doc_dir}/docs"
    COMPONENT runtime
    FILES_MATCHING
    PATTERN "*.md"
    PATTERN "*.svg"
    PATTERN "*.json")
if(ZEUS_AMD_STATIC)
    install(FILES "${static}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
endif()

# Every header, and the source of the Fortran module.
file(GLOB headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.h*"
     "${CMAKE_CURRENT_SOURCE_DIR}/include/*.f90")
install(FILES ${headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)

# The Python package looks for the library in itself first: a link, which survives a move.
file(GLOB python_modules CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/python/zeus_amd/*.py")
set(python_dir "${CMAKE_INSTALL_LIBDIR}/zeus_amd/python")
install(FILES ${python_modules} "${CMAKE_CURRENT_SOURCE_DIR}/python/zeus_amd/py.typed" DESTINATION "${python_dir}/zeus_amd"
        COMPONENT runtime)
install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/python/zeus_amd_for_zeus.py" "${CMAKE_CURRENT_SOURCE_DIR}/python/zeus_amd.pth"
        DESTINATION "${python_dir}" COMPONENT runtime)
file(MAKE_DIRECTORY "${here}/links")
execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "../../../${soname}" "${here}/links/${soname}")
install(FILES "${here}/links/${soname}" DESTINATION "${python_dir}/zeus_amd" COMPONENT runtime)

# Sources that build with the installed package, and the way to do so.
install(
    DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/examples-c/"
    DESTINATION "${doc_dir}/examples"
    COMPONENT examples
    PATTERN "*.sh" EXCLUDE
    PATTERN "__pycache__" EXCLUDE)
install(
    DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/tools/zeus-amd-run"
    DESTINATION "${doc_dir}/examples"
    COMPONENT examples)
install(
    FILES "${CMAKE_CURRENT_SOURCE_DIR}/tools/json_text.h" "${CMAKE_CURRENT_SOURCE_DIR}/tools/node.h" "${CMAKE_CURRENT_SOURCE_DIR}/tools/numbers.h" "${CMAKE_CURRENT_SOURCE_DIR}/tools/rank.h"
    DESTINATION "${doc_dir}/examples"
    COMPONENT examples)
install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/cmake/examples.txt" DESTINATION "${doc_dir}/examples"
        COMPONENT examples RENAME CMakeLists.txt)

# Programs find the library from where they are.
file(RELATIVE_PATH from_bin "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBDIR}")
if(TARGET zeus_amd_run)
    set_target_properties(zeus_amd_run PROPERTIES INSTALL_RPATH "$ORIGIN/${from_bin}")
    install(TARGETS zeus_amd_run RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
endif()
foreach(target zeus_amd_tools zeus_amd_papi zeus_amd_pmpi)
    if(TARGET ${target})
        set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN")
        install(TARGETS ${target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT runtime)
    endif()
endforeach()
if(TARGET zeus_amd_tools)
    # roctx's name for programs that open it themselves: a folder for LD_LIBRARY_PATH, or as ROCM_PATH. The loader searches
    # for this library beside the link.
    file(MAKE_DIRECTORY "${here}/links/roctx")
    foreach(link "libroctx64.so=libzeus_amd_tools.so" "libroctx64.so.4=libzeus_amd_tools.so" "${soname}=${soname}")
        string(REGEX REPLACE "=.*" "" name "${link}")
        string(REGEX REPLACE ".*=" "" to "${link}")
        execute_process(COMMAND "${CMAKE_COMMAND}" -E create_symlink "../../../${to}" "${here}/links/roctx/${name}")
        install(FILES "${here}/links/roctx/${name}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/zeus_amd/roctx/lib" COMPONENT runtime)
    endforeach()
    install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/docs/tools/regions.schema.json" DESTINATION "${doc_dir}/tools" COMPONENT runtime)
endif()

# The profiler as source, for other MPIs than the one that CMake has found here.
set(pmpi_dir "${CMAKE_INSTALL_DATADIR}/zeus_amd/pmpi")
file(GLOB shared_sources CONFIGURE_DEPENDS "${tools}/*.[ch]")
install(DIRECTORY "${tools}/pmpi" "${tools}/regions" "${tools}/connect" "${tools}/report" DESTINATION "${pmpi_dir}" COMPONENT development)
install(FILES ${shared_sources} cmake/tool.cmake DESTINATION "${pmpi_dir}" COMPONENT development)
install(FILES cmake/pmpi.txt DESTINATION "${pmpi_dir}" COMPONENT development RENAME CMakeLists.txt)

# What sets the environment for a tree that lies anywhere. It finds its prefix two folders up. A folder may be given from the root on.
foreach(dir BINDIR LIBDIR INCLUDEDIR MANDIR)
    set(env_${dir} "$ZEUS_AMD_HOME/${CMAKE_INSTALL_${dir}}")
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
        set(env_${dir} "${CMAKE_INSTALL_${dir}}")
    endif()
endforeach()
foreach(file "env.sh=env.sh" "zeus_amd=modulefiles/zeus_amd/${PROJECT_VERSION}"
             "zeus_amd.lua=modulefiles/zeus_amd/${PROJECT_VERSION}.lua")
    string(REGEX REPLACE "=.*" "" name "${file}")
    string(REGEX REPLACE ".*=" "" to "${file}")
    configure_file("packaging/modulefiles/${name}" "${here}/modules/${to}" @ONLY)
endforeach()
install(DIRECTORY "${here}/modules/" DESTINATION share/zeus_amd COMPONENT runtime)
if(top_level)
    add_custom_target(
        uninstall
        COMMAND "${CMAKE_COMMAND}" "-DBUILD=${CMAKE_BINARY_DIR}" -P "${CMAKE_CURRENT_SOURCE_DIR}/cmake/uninstall.cmake"
        VERBATIM)
endif()

# Manual pages, where there is Python to make them.
find_program(ZEUS_AMD_PYTHON NAMES python3)
mark_as_advanced(ZEUS_AMD_PYTHON)
if(ZEUS_AMD_PYTHON)
    set(man "${here}/man")
    add_custom_command(
        OUTPUT "${man}/man7/zeus_amd.7"
        COMMAND "${CMAKE_COMMAND}" -E remove_directory "${man}"
        COMMAND "${ZEUS_AMD_PYTHON}" "${CMAKE_CURRENT_SOURCE_DIR}/docs/man.py" "${man}"
        DEPENDS docs/man.py docs/zeus_amd.7 CHANGELOG.md ${headers} ${run_sources}
        COMMENT "Writing the manual pages"
        VERBATIM)
    add_custom_target(zeus_amd_man ALL DEPENDS "${man}/man7/zeus_amd.7")
    install(FILES "${man}/man1/zeus-amd-run.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT runtime)
    install(DIRECTORY "${man}/man3" "${man}/man7" DESTINATION "${CMAKE_INSTALL_MANDIR}" COMPONENT development)
    if(ZEUS_AMD_SIMULATOR)
        install(FILES "${man}/man1/zeus-amd-sim.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT simulator)
    endif()
endif()

# find_package(zeus_amd)
configure_package_config_file(
    cmake/zeus_amd-config.cmake.in "${here}/zeus_amd-config.cmake"
    INSTALL_DESTINATION "${package_dir}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file("${here}/zeus_amd-config-version.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${here}/zeus_amd-config.cmake" "${here}/zeus_amd-config-version.cmake" DESTINATION "${package_dir}"
        COMPONENT development)

# pkg-config zeus_amd: paths from where the file lies, so that the tree may be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
    set(pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
    set(pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
    file(RELATIVE_PATH pc_prefix "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
    string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
    set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
    set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
list(TRANSFORM native_libraries PREPEND "-l" OUTPUT_VARIABLE pc_libs_private)
string(REPLACE ";" " " pc_libs_private "${pc_libs_private}")
foreach(name zeus_amd zeus_amd-static)
    configure_file("cmake/${name}.pc.in" "${here}/${name}.pc" @ONLY)
    if(name STREQUAL "zeus_amd" OR ZEUS_AMD_STATIC)
        install(FILES "${here}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
    endif()
endforeach()
