! As consumer.c, through the Fortran module.
program consumer
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t
  use zeus_amd
  implicit none
  type(zeus_amd_session_t) :: session
  integer(c_int64_t) :: mw, truth_mw
  character(len=32) :: argument
  call get_command_argument(1, argument)
  read (argument, *) truth_mw
  if (zeus_amd_open(session) /= ZEUS_AMD_STATUS_OK) error stop "no session"
  if (zeus_amd_power_average_mw(session, 0_c_int32_t, mw) /= ZEUS_AMD_STATUS_OK) error stop "no power"
  if (mw /= truth_mw) error stop "wrong power"
  call zeus_amd_close(session)
end program consumer
