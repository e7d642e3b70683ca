# Programs in C, C++ and Fortran: the examples, and what is installed beside the library. Each file that is there is built.

function(zeus_amd_program target name)
    add_executable(${target} ${ARGN})
    set_target_properties(
        ${target}
        PROPERTIES OUTPUT_NAME "${name}"
                   RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}"
                   C_STANDARD 99
                   C_EXTENSIONS OFF
                   CXX_STANDARD 17
                   CXX_EXTENSIONS OFF)
    target_link_libraries(${target} PRIVATE zeus_amd m pthread)
endfunction()

set(programs "${CMAKE_CURRENT_SOURCE_DIR}/examples-c")

file(GLOB run_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/tools/zeus-amd-run/*.c")
if(ZEUS_AMD_EXAMPLES OR ZEUS_AMD_INSTALL)
    zeus_amd_program(zeus_amd_run zeus-amd-run ${run_sources})
endif()

set(tools "${CMAKE_CURRENT_SOURCE_DIR}/tools")
include(cmake/tool.cmake)
if(ZEUS_AMD_INSTALL)
    zeus_amd_tool(zeus_amd_tools "${tools}/connect/tool.c")
    # Events of PAPI, which it finds at run time.
    add_library(zeus_amd_papi SHARED "${tools}/papi/papi.c")
    set_target_properties(zeus_amd_papi PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}" C_STANDARD 11
                                                   C_EXTENSIONS ON C_VISIBILITY_PRESET hidden)
    target_link_libraries(zeus_amd_papi PRIVATE zeus_amd pthread dl)
endif()

# The profiler to preload into MPI programs belongs to one MPI: the one that CMake finds.
if(ZEUS_AMD_MPI AND (ZEUS_AMD_INSTALL OR NOT ZEUS_AMD_MPI STREQUAL "AUTO"))
    if(ZEUS_AMD_MPI STREQUAL "AUTO")
        find_package(MPI QUIET COMPONENTS C)
    else()
        find_package(MPI REQUIRED COMPONENTS C)
    endif()
    if(MPI_C_FOUND)
        zeus_amd_profiler()
        message(STATUS "zeus_amd: libzeus_amd_pmpi.so for the MPI of ${MPI_C_COMPILER}")
    else()
        message(STATUS "zeus_amd: no MPI, so no libzeus_amd_pmpi.so")
    endif()
endif()

if(ZEUS_AMD_EXAMPLES)
    file(GLOB c_examples CONFIGURE_DEPENDS "${programs}/*.c")
    file(GLOB cxx_examples CONFIGURE_DEPENDS "${programs}/*.cpp")
    if(cxx_examples)
        enable_language(CXX)
    endif()
    foreach(file ${c_examples} ${cxx_examples})
        get_filename_component(name "${file}" NAME_WE)
        file(STRINGS "${file}" includes_mpi REGEX "# *include *[<\"](mpi|zeus_amd_mpi)\\.h" LIMIT_COUNT 1)
        if(includes_mpi)
            find_package(MPI QUIET COMPONENTS C)
            if(NOT MPI_C_FOUND)
                message(STATUS "zeus_amd: no MPI, so no example ${name}")
                continue()
            endif()
        endif()
        zeus_amd_program(zeus_amd_example_${name} ${name} "${file}")
        if(includes_mpi)
            target_link_libraries(zeus_amd_example_${name} PRIVATE MPI::MPI_C)
        endif()
    endforeach()

    file(GLOB fortran_examples CONFIGURE_DEPENDS "${programs}/*.f90")
    include(CheckLanguage)
    check_language(Fortran)
    if(CMAKE_Fortran_COMPILER)
        enable_language(Fortran)
    else()
        message(STATUS "zeus_amd: no Fortran compiler, so no examples in Fortran")
        set(fortran_examples)
    endif()
    foreach(file ${fortran_examples})
        get_filename_component(name "${file}" NAME_WE)
        set(target zeus_amd_example_${name}_fortran)
        zeus_amd_program(${target} ${name}_fortran "${file}")
        set_target_properties(${target} PROPERTIES Fortran_MODULE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/${target}.modules")
        target_link_libraries(${target} PRIVATE zeus_amd_fortran)
    endforeach()
endif()
