# CTest: each example runs on a simulated machine (Rust 1.85 or later builds it), whatever GPUs this one has.

set(simulator "${CMAKE_CURRENT_SOURCE_DIR}/simulator/run")

# zeus_amd_test(NAME MACHINE ROCM COMMAND...)
function(zeus_amd_test name machine rocm)
    add_test(NAME zeus_amd.${name} COMMAND "${simulator}" --machine ${machine} --rocm ${rocm} -- ${ARGN})
    # The first one builds the simulator.
    set_tests_properties(zeus_amd.${name} PROPERTIES TIMEOUT 600 RESOURCE_LOCK zeus_amd_simulator)
endfunction()

zeus_amd_test(energy_report mi210-1 6.2.4 $<TARGET_FILE:zeus_amd_example_energy_report> --seconds 0.2)
zeus_amd_test(list_gpus mi350x-8 7.0.2 $<TARGET_FILE:zeus_amd_example_list_gpus>)
zeus_amd_test(phases mi300x-8 6.4.3 $<TARGET_FILE:zeus_amd_example_phases>)
zeus_amd_test(power_cap mi300x-8 7.0.2 $<TARGET_FILE:zeus_amd_example_power_cap> --steps 1 -- true)
zeus_amd_test(power_trace mi250x-4 7.0.2 $<TARGET_FILE:zeus_amd_example_power_trace> --seconds 0.2)
zeus_amd_test(region mi300x-8 7.13 $<TARGET_FILE:zeus_amd_example_region> --seconds 0.2)
zeus_amd_test(which_gpu mi250x-4 none $<TARGET_FILE:zeus_amd_example_which_gpu>)
zeus_amd_test(zeus-amd-run mi300x-8 7.0.2 $<TARGET_FILE:zeus_amd_run> -- true)
if(TARGET zeus_amd_example_region_fortran)
    zeus_amd_test(region_fortran mi210-1 6.2.4 $<TARGET_FILE:zeus_amd_example_region_fortran>)
endif()
find_program(ZEUS_AMD_PYTHON NAMES python3)
mark_as_advanced(ZEUS_AMD_PYTHON)
if(ZEUS_AMD_PYTHON)
    zeus_amd_test(
        read_power mi300x-8 6.3.3 "${ZEUS_AMD_PYTHON}" "${programs}/read_power.py"
        "${CMAKE_CURRENT_BINARY_DIR}/libzeus_amd.so")
endif()
