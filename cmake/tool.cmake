# Energy by region: Kokkos Tools, roctx, OMPT. Also installed, with the sources in ${tools}, for a profiler of another MPI. The programs
# that load it may unload it, its threads' data not.
file(GLOB core_sources CONFIGURE_DEPENDS "${tools}/regions/*.c" "${tools}/report/*.c")
list(APPEND core_sources "${tools}/connect/kokkos.c" "${tools}/connect/roctx.c" "${tools}/connect/ompt.c" "${tools}/files.c")
function(zeus_amd_tool target)
    add_library(${target} SHARED ${ARGN} ${core_sources})
    # Beside the library it is for, also before it is installed. Not for linking: no other names.
    set_target_properties(
        ${target}
        PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}"
                   C_STANDARD 11
                   C_EXTENSIONS ON
                   C_VISIBILITY_PRESET hidden
                   LINK_FLAGS "-Wl,-z,nodelete,-z,defs")
    target_link_libraries(${target} PRIVATE zeus_amd::zeus_amd pthread dl m)
endfunction()

# libzeus_amd_pmpi.so, for the MPI of MPI::MPI_C.
function(zeus_amd_profiler)
    file(GLOB pmpi_sources CONFIGURE_DEPENDS "${tools}/pmpi/*.c")
    zeus_amd_tool(zeus_amd_pmpi ${pmpi_sources})
    target_link_libraries(zeus_amd_pmpi PRIVATE MPI::MPI_C)
endfunction()
