#!/usr/bin/env bash
# perun 1.0.0's energy is not what the energy counter rose by: half of the last step is lost, and half of the first one is doubled.
#
# It makes powers of a counter (RAPL's, Grace's), one for each step, and puts the first of them at the start once more. Then it
# integrates with trapezoids, as if the power were that at the time of the sample. That gives the counter's difference only where the
# first and the last step have the same power; short regions and long sampling periods are off most.
# Seen, of counters that rise by 100 J in two seconds: 50, 150 and 100 J, as the rise is in the second, in the first, in both.
. "$(dirname "$0")/lib.sh"
pypi perun==1.0.0 numpy==2.4.6
cat >energy.py <<'EOF'
import sys

import numpy as np
from perun.data_model.data import RawData
from perun.data_model.measurement_type import Magnitude, MetricMetaData, Unit
from perun.processing import processEnergyData

seconds = MetricMetaData(Unit.SECOND, Magnitude.ONE, np.dtype("float32"), np.float32(0), np.float32(2), np.float32(-1))
wrap = np.uint64(262_143_328_850)  # max_energy_range_uj
microjoules = MetricMetaData(Unit.JOULE, Magnitude.MICRO, np.dtype("uint64"), np.uint64(0), wrap, wrap)
counter = np.array(sys.argv[1:], dtype="uint64") * np.uint64(1_000_000)
energy, power = processEnergyData(RawData(np.array([0, 1, 2], dtype="float32"), counter, seconds, microjoules))
print(f"{energy:.1f} J")
EOF
check "0, 50, 100 J" "100.0 J" "$python" energy.py 0 50 100
check "0, 0, 100 J" "50.0 J" "$python" energy.py 0 0 100
check "0, 100, 100 J" "150.0 J" "$python" energy.py 0 100 100
