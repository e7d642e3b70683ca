#!/usr/bin/env bash
# ReFrame 4.10.4 compares performance with its reference by number: 100 kJ pass where 100 J are expected, and a misspelt name is none.
#
# A reference has four parts, the last one a unit. Where that is not the performance function's, ReFrame warns and takes the function's
# for both, so a thousandfold energy passes (the warning prints the variable's name as the unit). A reference of a variable that the
# test does not have is ignored with no message: the value is reported, compared with nothing, and passes too.
# Seen, for a test that measures 100 kJ: a reference of 1 kJ fails; one of 100 J passes, and so does one of 1 kJ for "enregy".
. "$(dirname "$0")/lib.sh"
pypi reframe-hpc==4.10.4
cat >energy.py <<'EOF'
import os

import reframe as rfm
import reframe.utility.sanity as sn


@rfm.simple_test
class Energy(rfm.RunOnlyRegressionTest):
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    executable = "echo"
    executable_opts = ["energy 100"]
    reference = {"*": {os.environ["NAME"]: (float(os.environ["VALUE"]), -0.05, 0.05, os.environ["UNIT"])}}

    @sanity_function
    def ran(self):
        return True

    @performance_function("kJ")
    def energy(self):
        return sn.extractsingle(r"energy (\d+)", self.stdout, 1, float)
EOF

test_of() { # NAME VALUE UNIT: of the reference
    NAME=$1 VALUE=$2 UNIT=$3 HOME=$work TMPDIR=$work "$venv/bin/reframe" --nocolor -c energy.py -r --prefix="$work/run" >log 2>&1 || true
    grep -oE "^WARNING: reference unit \('[^']*'\)|^\[ +(OK|FAIL) \]|^P: .*" log
}
check "a reference of 100 kJ" "[       OK ]
P: energy: 100.0 kJ (r:100.0, l:-0.05, u:0.05)" test_of energy 100 kJ
check "a reference of 1 kJ" "[     FAIL ]" test_of energy 1 kJ
check "a reference of 100 J" "WARNING: reference unit ('generic:default:energy')
[       OK ]
P: energy: 100.0 kJ (r:100.0, l:-0.05, u:0.05)" test_of energy 100 J
check "a reference of 1 kJ for a misspelt name" "[       OK ]
P: energy: 100.0 kJ" test_of enregy 1 kJ
