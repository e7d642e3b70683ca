#!/usr/bin/env bash
# reportseff 2.10.3's Energy of a Slurm job is that of its largest step: the other steps are left out.
#
# Slurm keeps energy for each step. reportseff takes "energy=" of each step's TRESUsageOutAve and keeps the maximum, as is right for
# memory. A job whose script runs its programs one after the other has the energy of one of them; and what it takes is an average,
# so a step on several nodes does not count as their sum either. Nothing says so: the column is named Energy.
# Seen, of a job with two steps, one after the other, of 1000 J and 1200 J: 1200.
. "$(dirname "$0")/lib.sh"
pypi reportseff==2.10.3
# Slurm's commands, as far as they are asked: one job of two steps, no partition.
mkdir bin
printf '#!/bin/sh\n' >bin/scontrol
cat >bin/sacct <<'EOF'
#!/usr/bin/env python3
import os
import sys

if "--helpformat" in sys.argv:
    print("AllocCPUS Elapsed JobID JobIDRaw MaxRSS NNodes NTasks REQMEM State Timelimit TotalCPU TRESUsageOutAve")
    sys.exit()
columns = next(argument for argument in sys.argv if argument.startswith("--format=")).partition("=")[2].split(",")
common = {"State": "COMPLETED", "AllocCPUS": "1", "NNodes": "1"}
job = common | {"JobID": "7", "JobIDRaw": "7", "Elapsed": "00:10:00", "TotalCPU": "00:10:00", "REQMEM": "1G", "Timelimit": "01:00:00"}
print(*[job.get(column, "") for column in columns], "", sep="^|^")
for step, joules in enumerate(os.environ["STEPS_J"].split()):
    name = f"7.{step}"
    row = common | {"JobID": name, "JobIDRaw": name, "Elapsed": "00:05:00", "NTasks": "1", "TRESUsageOutAve": f"energy={joules},fs/disk=5"}
    print(*[row.get(column, "") for column in columns], "", sep="^|^")
EOF
chmod +x bin/*
PATH=$work/bin:$PATH
energy() { # JOULES OF EACH STEP
    STEPS_J=$1 "$venv/bin/reportseff" --no-color --format JobID,Energy 7 | tail -n 1 | xargs
}
check "one step of 1000 J" "7 1000" energy 1000
check "steps of 1000 and 1200 J" "7 1200" energy "1000 1200"
