! Prints what tests/bindings/report.c prints, through the Fortran module.
program report
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t
  use zeus_amd
  implicit none

  type(zeus_amd_session_t) :: z
  type(zeus_amd_options_t) :: options
  type(zeus_amd_session_info_t) :: session
  type(zeus_amd_gpu_info_t) :: i
  character(len=:), allocatable :: text
  integer(c_int32_t) :: gpu, found, number

  options%energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE
  options%validation = ZEUS_AMD_VALIDATION_FIXED
  call must(zeus_amd_probe(options))
  call must(zeus_amd_open(z, options, hip_visible_devices="1,0"))
  call must(zeus_amd_session_info(z, session))
  number = zeus_amd_version()
  print '(a, i0, 1x, a)', 'version ', number, zeus_amd_version_string()
  print '(2a)', 'status_string ', zeus_amd_status_string(ZEUS_AMD_STATUS_FORKED)
  print '(2a)', 'method_string ', zeus_amd_method_string(ZEUS_AMD_METHOD_INTEGRATED)
  print '(2a)', 'counter_state_string ', zeus_amd_counter_state_string(ZEUS_AMD_COUNTER_STATE_STUCK)
  print '(a, 10(i0, 1x), a, 1x, a)', 'session_info ', session%valid, session%flags, session%gpu_count, session%backend, &
    session%energy_resolution, session%amdsmi_version_0, session%amdsmi_version_1, session%amdsmi_version_2, &
    session%no_gpu_reason, session%amdsmi_status, &
    zeus_amd_text(session%rocm), zeus_amd_text(session%amdsmi_path)
  do gpu = 0, session%gpu_count - 1
    i = zeus_amd_gpu_info_t()
    call must(zeus_amd_gpu_info(z, gpu, i))
    print '(a, 11(i0, 1x), a, 4(1x, a))', 'gpu_info ', i%valid, i%index, i%unmasked_index, i%amdsmi_index, i%kfd_node, &
      i%partition, i%die_role, i%source, i%counter_state, i%flags, i%device_id, hex(i%unique_id), &
      zeus_amd_text(i%name), zeus_amd_text(i%pci_address), zeus_amd_text(i%uuid), zeus_amd_text(i%package)
    call must(zeus_amd_find_by_pci(z, zeus_amd_text(i%pci_address) // '  ', found))
    print '(a, i0)', 'find_by_pci ', found
    call must(zeus_amd_find_by_uuid(z, zeus_amd_text(i%uuid), found))
    print '(a, i0)', 'find_by_uuid ', found
  end do
  call must(zeus_amd_explain(z, text))
  print '(2a)', 'explain ', text
  deallocate (text) ! a program's variables are not freed at its end, which a leak checker minds
  do gpu = 0, session%gpu_count
    call readings(gpu)
  end do
  call zeus_amd_close(z)
  call zeus_amd_close(z) ! is null now

contains

  subroutine must(status)
    use, intrinsic :: iso_fortran_env, only: error_unit
    integer(c_int32_t), intent(in) :: status
    if (status == ZEUS_AMD_STATUS_OK) return
    write (error_unit, '(a)') zeus_amd_last_error()
    error stop 1
  end subroutine must

  function hex(number) result(text)
    integer(c_int64_t), intent(in) :: number
    character(len=16) :: text
    integer :: at
    write (text, '(z16.16)') number
    do at = 1, 16
      if (text(at:at) >= 'A') text(at:at) = achar(iachar(text(at:at)) + 32)
    end do
  end function hex

  subroutine show(name, gpu, status, values)
    character(len=*), intent(in) :: name, values
    integer(c_int32_t), intent(in) :: gpu, status
    character(len=:), allocatable :: all
    all = values
    if (status /= ZEUS_AMD_STATUS_OK) all = zeus_amd_last_error()
    print '(a, 1x, i0, 1x, i0, 1x, a)', name, gpu, status, all
  end subroutine show

  subroutine small(name, gpu, status, one, two)
    character(len=*), intent(in) :: name
    integer(c_int32_t), intent(in) :: gpu, status, one
    integer(c_int32_t), intent(in), optional :: two
    if (present(two)) then
      call show(name, gpu, status, decimal(int(one, c_int64_t)) // ' ' // decimal(int(two, c_int64_t)))
    else
      call show(name, gpu, status, decimal(int(one, c_int64_t)))
    end if
  end subroutine small

  function decimal(number) result(text)
    integer(c_int64_t), intent(in) :: number
    character(len=:), allocatable :: text
    character(len=24) :: room
    write (room, '(i0)') number
    text = trim(room)
  end function decimal

  subroutine readings(gpu)
    integer(c_int32_t), intent(in) :: gpu
    type(zeus_amd_energy_raw_t) :: raw
    integer(c_int64_t) :: mw, max_mw
    integer(c_int32_t) :: status, one, two
    character(len=24) :: room

    mw = 0
    max_mw = 0
    one = 0
    two = 0
    status = zeus_amd_power_instant_mw(z, gpu, mw)
    call show('power_instant_mw', gpu, status, decimal(mw))
    status = zeus_amd_power_average_mw(z, gpu, mw)
    call show('power_average_mw', gpu, status, decimal(mw))
    status = zeus_amd_memory_power_average_mw(z, gpu, mw)
    call show('memory_power_average_mw', gpu, status, decimal(mw))
    status = zeus_amd_energy_counter_usable(z, gpu, one)
    call small('energy_counter_usable', gpu, status, one)
    status = zeus_amd_temperature_c(z, gpu, one)
    call small('temperature_c', gpu, status, one)
    status = zeus_amd_power_limit_mw(z, gpu, mw)
    call show('power_limit_mw', gpu, status, decimal(mw))
    status = zeus_amd_power_limit_default_mw(z, gpu, mw)
    call show('power_limit_default_mw', gpu, status, decimal(mw))
    status = zeus_amd_power_limit_range_mw(z, gpu, mw, max_mw)
    call show('power_limit_range_mw', gpu, status, decimal(mw) // ' ' // decimal(max_mw))
    status = zeus_amd_memory_clock_levels_mhz(z, gpu, one, two)
    call small('memory_clock_levels_mhz', gpu, status, one, two)
    status = zeus_amd_graphics_clock_levels_mhz(z, gpu, one, two)
    call small('graphics_clock_levels_mhz', gpu, status, one, two)
    status = zeus_amd_memory_clock_range_mhz(z, gpu, one, two)
    call small('memory_clock_range_mhz', gpu, status, one, two)
    status = zeus_amd_graphics_clock_range_mhz(z, gpu, one, two)
    call small('graphics_clock_range_mhz', gpu, status, one, two)
    status = zeus_amd_persistence_mode(z, gpu, one)
    call small('persistence_mode', gpu, status, one)
    status = zeus_amd_supports_nonblocking_setters(z, gpu, one)
    call small('supports_nonblocking_setters', gpu, status, one)
    status = zeus_amd_energy_raw(z, gpu, raw)
    write (room, '(f0.6)') raw%resolution_uj
    call show('energy_raw', gpu, status, trim(room))
  end subroutine readings
end program report
