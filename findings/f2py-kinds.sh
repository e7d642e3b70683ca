#!/usr/bin/env bash
# numpy 2.4.6's f2py takes a real(real64) for a C float, and an integer(int64) for an int, with exit status 0.
#
# It knows the kinds of iso_c_binding, but not those of iso_fortran_env, nor one of iso_c_binding that was given another name ("dp =>
# c_double"). Then it falls back to the default kind: a line of its output says so, among all else, and the module is built and can be
# called. It hands four bytes to a Fortran routine that reads and writes eight: 5.0 J came out as 1.8e-42 J, without an exception.
# Seen, in the C that f2py makes of three routines that differ in the kind's name only: double, float and float; int for an int64.
. "$(dirname "$0")/lib.sh"
pypi numpy==2.4.6
cat >energy.f90 <<'EOF'
subroutine from_c(joules)
  use, intrinsic :: iso_c_binding, only: c_double
  real(c_double), intent(inout) :: joules
end subroutine
subroutine renamed(joules)
  use, intrinsic :: iso_c_binding, only: dp => c_double
  real(dp), intent(inout) :: joules
end subroutine
subroutine standard(joules, count)
  use, intrinsic :: iso_fortran_env, only: int64, real64
  real(real64), intent(inout) :: joules
  integer(int64), intent(in) :: count
end subroutine
EOF
"$python" -m numpy.f2py energy.f90 -m energy >log 2>&1 || cannot "f2py: $(tail -n 1 log)"
declared() { # ROUTINE
    sed -n "/^static PyObject \*f2py_rout_energy_$1(/,/^}/p" energymodule.c |
        sed -nE 's/^ *(double|float|int|npy_int64|long_long) (joules|count) = .*/\1 \2/p'
}
check "c_double" "double joules" declared from_c
check "dp => c_double" "float joules" declared renamed
check "real64, int64" "float joules
int count" declared standard
