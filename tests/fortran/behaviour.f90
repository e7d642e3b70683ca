! Windows, sampler, guard and log through the Fortran module, on a simulated machine whose settings may be changed. Prints `energy GPU begin_ns end_ns energy_mj uncertainty_mj`, which the caller holds to the machine's truth.
module messages
  use, intrinsic :: iso_c_binding, only: c_int32_t
  implicit none
  integer :: seen = 0
contains
  subroutine count_message(level, text)
    integer(c_int32_t), intent(in) :: level
    character(len=*), intent(in) :: text
    if (level >= 0 .and. len(text) > 0) seen = seen + 1
  end subroutine count_message

  subroutine refuse_message(level, text)
    integer(c_int32_t), intent(in) :: level
    character(len=*), intent(in) :: text
    if (level >= 0 .and. len(text) > 0) error stop 'a callback that was refused is called'
  end subroutine refuse_message
end module messages

program behaviour
  use, intrinsic :: iso_c_binding, only: c_associated, c_int, c_int32_t, c_int64_t
  use, intrinsic :: iso_fortran_env, only: error_unit
  use messages
  use zeus_amd
  implicit none

  integer :: failures = 0

  call everything()
  call nothing()
  if (failures > 0) error stop 1

contains

  ! A window that has measured nothing is a failure, and says why.
  subroutine nothing()
    type(zeus_amd_session_t) :: z
    type(zeus_amd_window_t) :: w
    type(zeus_amd_total_energy_t) :: total

    call check(zeus_amd_open(z, hip_visible_devices='99') == ZEUS_AMD_STATUS_OK, 'open with no GPU')
    call check(zeus_amd_window_begin(z, w) == ZEUS_AMD_STATUS_OK, 'begin with no GPU')
    call check(zeus_amd_window_lap(w, total) == ZEUS_AMD_STATUS_MASK_INVALID, 'a lap of nothing')
    call check(index(zeus_amd_last_error(), 'invalid') > 0, 'why it is nothing')
    call check(zeus_amd_window_read(w, total) == ZEUS_AMD_STATUS_MASK_INVALID, 'a reading of nothing')
    call check(zeus_amd_window_end(w, total) == ZEUS_AMD_STATUS_MASK_INVALID, 'an end with nothing')
    call check(total%packages == 0 .and. total%energy_mj == 0, 'no package')
    call check(.not. c_associated(w%handle), 'the window has ended')
    call zeus_amd_close(z)
  end subroutine nothing

  subroutine everything()
    type(zeus_amd_session_t) :: z, none
    type(zeus_amd_options_t) :: options
    type(zeus_amd_window_t) :: w, unread
    type(zeus_amd_total_energy_t) :: total, so_far, lap
    type(zeus_amd_gpu_energy_t), allocatable :: gpus(:)
    type(zeus_amd_gpu_energy_t) :: few(1), between
    type(zeus_amd_sampler_t) :: s
    type(zeus_amd_sampler_options_t) :: how
    type(zeus_amd_sample_t), allocatable :: samples(:)
    type(zeus_amd_guard_t) :: guard
    type(zeus_amd_reading_t), allocatable :: readings(:)
    integer(c_int32_t) :: n, count, i
    integer(c_int64_t) :: lost, limit, now_mw, energy, after
    integer :: first, last
    character(len=:), allocatable :: text

    options%backend = ZEUS_AMD_BACKEND_AMDSMI
    call check(zeus_amd_open(z, options, amdsmi_path='/not-there ') == ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, 'open elsewhere')
    text = zeus_amd_last_error()
    call check(index(text, '/not-there') > 0, 'the words of the failure')
    call check(zeus_amd_probe(options, amdsmi_path='/not-there') == ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, 'probe elsewhere')
    call check(.not. c_associated(z%handle), 'no session')
    call check(zeus_amd_explain(none, text) == ZEUS_AMD_STATUS_INVALID_ARGUMENT .and. len(text) == 0, 'explain nothing')

    call check(zeus_amd_set_log(ZEUS_AMD_LOG_DEBUG, count_message) == ZEUS_AMD_STATUS_OK, 'set_log')
    call check(zeus_amd_set_log(99, refuse_message) == ZEUS_AMD_STATUS_INVALID_ARGUMENT, 'set_log to no level')
    call check(zeus_amd_open(z, rocr_visible_devices='', hip_visible_devices='0') == ZEUS_AMD_STATUS_OK, 'open none')
    call check(seen > 0, 'messages')
    call check(zeus_amd_gpu_count(z, n) == ZEUS_AMD_STATUS_OK .and. n == 0, 'an empty mask is a mask')
    call zeus_amd_close(z)
    call check(zeus_amd_set_log(ZEUS_AMD_LOG_DEBUG) == ZEUS_AMD_STATUS_OK, 'set_log to nobody')
    seen = 0

    options%backend = ZEUS_AMD_BACKEND_AUTO
    options%energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE
    call check(zeus_amd_open(z, options) == ZEUS_AMD_STATUS_OK, 'open')
    call check(seen == 0, 'no message')
    call check(zeus_amd_gpu_count(z, n) == ZEUS_AMD_STATUS_OK .and. n >= 2, 'gpu_count')
    allocate (gpus(n), readings(n), samples(1000))

    call check(zeus_amd_read_all(z, readings, count) == ZEUS_AMD_STATUS_OK .and. count == n, 'read_all')
    do i = 1, n
      call check(readings(i)%gpu == i - 1 .and. readings(i)%status == ZEUS_AMD_STATUS_OK, 'a reading')
      call check(zeus_amd_power_instant_mw(z, i - 1, now_mw) == ZEUS_AMD_STATUS_OK, 'power_instant')
      call check(readings(i)%power_instant_mw == now_mw, 'the same power')
      call check(iand(readings(i)%valid, ZEUS_AMD_READING_VALID_ENERGY_BIT) /= 0, 'has an energy')
      call check(zeus_amd_energy_mj(z, i - 1, energy) == ZEUS_AMD_STATUS_OK, 'energy')
      call check(readings(i)%energy_mj > 0 .and. readings(i)%energy_mj <= energy, 'not a later one')
    end do

    call check(zeus_amd_energy_mj(z, 0, energy) == ZEUS_AMD_STATUS_OK, 'energy_mj')
    call check(zeus_amd_window_begin(z, w) == ZEUS_AMD_STATUS_OK, 'window_begin')
    call check(zeus_amd_window_begin(z, unread) == ZEUS_AMD_STATUS_OK, 'window_begin again')
    how%period_ns = 5000000
    call check(zeus_amd_sampler_start(z, s, how) == ZEUS_AMD_STATUS_OK, 'sampler_start')
    call wait_ms(300_c_int64_t)
    call check(zeus_amd_window_read(w, so_far, gpus, count) == ZEUS_AMD_STATUS_OK .and. count == n, 'window_read')
    call check(zeus_amd_window_read(w, gpus=few, count=count) == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL, 'too few')
    call check(count == n, 'how many there are')
    call check(zeus_amd_window_lap(w, lap, gpus, count) == ZEUS_AMD_STATUS_OK .and. count == n, 'window_lap')
    call check(lap%energy_mj > 0, 'its energy')
    ! Laps in turn are short, unless the program had to wait for a processor.
    do i = 1, 20
      call check(zeus_amd_window_lap(w, lap) == ZEUS_AMD_STATUS_OK, 'another lap')
      if (lap%duration_ns < so_far%duration_ns) exit
    end do
    call check(i <= 20 .and. lap%energy_mj < so_far%energy_mj, 'a short one')
    call check(zeus_amd_window_restart(unread) == ZEUS_AMD_STATUS_OK, 'window_restart')
    call check(zeus_amd_window_end(w, gpus=few) == ZEUS_AMD_STATUS_BUFFER_TOO_SMALL, 'not ended')
    call check(c_associated(w%handle), 'so the window is open')
    call wait_ms(300_c_int64_t)
    call check(zeus_amd_window_end(w, total, gpus) == ZEUS_AMD_STATUS_OK, 'window_end')
    call check(.not. c_associated(w%handle), 'the window is closed')
    call check(zeus_amd_window_end(unread) == ZEUS_AMD_STATUS_OK, 'an end alone')
    call check(total%energy_mj > so_far%energy_mj .and. total%packages == n, 'total')
    call check(abs(total%energy_mj - sum(gpus%energy_mj)) <= n, 'the total is the sum')
    do i = 1, n
      call check(gpus(i)%gpu == i - 1 .and. gpus(i)%method == ZEUS_AMD_METHOD_COUNTER, 'a GPU')
      print '(a, 5(1x, i0))', 'energy', gpus(i)%gpu, gpus(i)%begin_ns, gpus(i)%end_ns, gpus(i)%energy_mj, gpus(i)%uncertainty_mj
    end do
    call check(zeus_amd_energy_mj(z, 0, after) == ZEUS_AMD_STATUS_OK, 'energy_mj again')
    call check(after - energy >= gpus(1)%energy_mj - gpus(1)%uncertainty_mj, 'the counter says so too')

    call check(zeus_amd_sampler_stop(s) == ZEUS_AMD_STATUS_OK, 'sampler_stop')
    call check(zeus_amd_sampler_drain(s, samples(1:0), count) == ZEUS_AMD_STATUS_OK .and. count > 2, 'how many wait')
    i = count
    call check(zeus_amd_sampler_drain(s, samples, count, lost) == ZEUS_AMD_STATUS_OK .and. count == i, 'drain')
    call check(lost == 0, 'none lost')
    first = findloc(samples(:count)%gpu, 1, dim=1)
    last = findloc(samples(:count)%gpu, 1, dim=1, back=.true.)
    call check(zeus_amd_sampler_energy_between(s, 1, samples(first)%time_ns, samples(last)%time_ns, between) == &
      ZEUS_AMD_STATUS_OK, 'energy_between')
    call check(abs(between%energy_mj - (samples(last)%energy_uj - samples(first)%energy_uj) / 1000) <= 1, 'as the samples')
    print '(a, 5(1x, i0))', 'energy', 1, between%begin_ns, between%end_ns, between%energy_mj, between%uncertainty_mj
    call zeus_amd_sampler_free(s)
    call check(.not. c_associated(s%handle), 'freed')

    call check(zeus_amd_power_limit_mw(z, 0, limit) == ZEUS_AMD_STATUS_OK, 'power_limit')
    call check(zeus_amd_guard_begin(z, ZEUS_AMD_GUARD_WATCHER_BIT, guard) == ZEUS_AMD_STATUS_OK, 'guard_begin')
    call check(zeus_amd_set_power_limit_mw(z, 0, limit - 50000) == ZEUS_AMD_STATUS_OK, 'set_power_limit')
    call check(zeus_amd_power_limit_mw(z, 0, now_mw) == ZEUS_AMD_STATUS_OK .and. now_mw == limit - 50000, 'is set')
    call check(zeus_amd_reset_power_limit(z, 0) == ZEUS_AMD_STATUS_OK, 'reset_power_limit')
    call check(zeus_amd_lock_graphics_clocks_mhz(z, 0, 700, 1400) == ZEUS_AMD_STATUS_OK, 'lock_graphics_clocks')
    call check(zeus_amd_reset_graphics_clocks(z, 0) == ZEUS_AMD_STATUS_OK, 'reset_graphics_clocks')
    call check(zeus_amd_lock_memory_clocks_mhz(z, 0, 900, 1300) == ZEUS_AMD_STATUS_OK, 'lock_memory_clocks')
    call check(zeus_amd_reset_memory_clocks(z, 0) == ZEUS_AMD_STATUS_OK, 'reset_memory_clocks')
    call check(zeus_amd_reset_clocks(z, 0) == ZEUS_AMD_STATUS_OK, 'reset_clocks')
    call check(zeus_amd_set_power_limit_mw(z, 0, limit - 60000) == ZEUS_AMD_STATUS_OK, 'set_power_limit again')
    call check(zeus_amd_guard_end(guard) == ZEUS_AMD_STATUS_OK .and. .not. c_associated(guard%handle), 'guard_end')
    call check(zeus_amd_power_limit_mw(z, 0, now_mw) == ZEUS_AMD_STATUS_OK .and. now_mw == limit, 'is back')
    call check(zeus_amd_set_persistence_mode(z, 0, 1) == ZEUS_AMD_STATUS_NOT_SUPPORTED, 'set_persistence_mode')
    call zeus_amd_close(z)
    call check(zeus_amd_gpu_count(z, n) == ZEUS_AMD_STATUS_INVALID_ARGUMENT, 'closed')
  end subroutine everything

  subroutine check(good, what)
    logical, intent(in) :: good
    character(len=*), intent(in) :: what
    if (good) return
    failures = failures + 1
    write (error_unit, '(3a)') what, ': ', zeus_amd_last_error()
  end subroutine check

  subroutine wait_ms(ms)
    integer(c_int64_t), intent(in) :: ms
    interface
      integer(c_int) function usleep(us) bind(c)
        import :: c_int
        integer(c_int), value :: us
      end function usleep
    end interface
    call check(usleep(int(ms * 1000, c_int)) == 0, 'usleep')
  end subroutine wait_ms
end program behaviour
