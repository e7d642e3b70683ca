! The energy of the phases of a computation, from Fortran.
!
!     gfortran zeus_amd.f90 region.f90 -o region -lzeus_amd
!
!     phase A     1234.5 J +-    0.6 J in   3.20 s (   385.7 W)
program region
  use, intrinsic :: iso_c_binding, only: c_int32_t
  use, intrinsic :: iso_fortran_env, only: error_unit, real64
  use zeus_amd
  implicit none

  type(zeus_amd_session_t) :: z
  type(zeus_amd_window_t) :: all, phase
  integer(c_int32_t) :: gpus
  real(real64) :: total

  call check(zeus_amd_open(z))
  call check(zeus_amd_gpu_count(z, gpus))
  print '(i0, a)', gpus, ' GPUs'

  call check(zeus_amd_window_begin(z, all))

  call check(zeus_amd_window_begin(z, phase))
  total = work(150000000)
  call report('phase A', phase)

  call check(zeus_amd_window_begin(z, phase))
  total = total + work(50000000)
  call report('phase B', phase)

  call report('all', all)
  print '(a, es12.5)', 'sum ', total
  call zeus_amd_close(z)

contains

  ! Stands for kernels that run on the GPUs.
  function work(n) result(total)
    integer, intent(in) :: n
    real(real64) :: total
    integer :: i
    total = 0
    do i = 1, n
      total = total + sqrt(real(i, real64))
    end do
  end function work

  ! Ends a window, and prints what all GPUs used in it, each package once.
  subroutine report(name, window)
    character(len=*), intent(in) :: name
    type(zeus_amd_window_t), intent(inout) :: window
    type(zeus_amd_total_energy_t) :: used
    call check(zeus_amd_window_end(window, used))
    print '(a, t9, f10.1, a, f7.1, a, f7.2, a, f8.1, a)', name, used%energy_mj / 1e3_real64, ' J +-', &
      used%uncertainty_mj / 1e3_real64, ' J in', used%duration_ns / 1e9_real64, ' s (', &
      used%mean_power_mw / 1e3_real64, ' W)'
    if (used%missing > 0) print '(a, i0, a)', '         without ', used%missing, ' packages that have no energy'
  end subroutine report

  subroutine check(status)
    integer(c_int32_t), intent(in) :: status
    if (status == ZEUS_AMD_STATUS_OK) return
    write (error_unit, '(2a)') 'region: ', zeus_amd_last_error()
    error stop 1
  end subroutine check
end program region
