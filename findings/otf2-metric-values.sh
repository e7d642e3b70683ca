#!/usr/bin/env bash
# otf2 3.2 (OTF2's Python package) writes a metric value that its type cannot hold as another one: 1.9 W as 1 W, -1 as 2^64-1.
#
# A metric has a type. The writer puts int() or float() around the value by it and leaves the width to ctypes, which does not check: the
# fraction of a float goes, an integer is taken modulo 2^64. No exception, and the trace is valid. A power is a float in many
# libraries, so a metric of an integer type loses up to a watt of each sample.
# Seen, of a UINT64 metric: 1.9, -1 and 2^64+5 are read as 1, 18446744073709551615 and 5; a DOUBLE metric keeps 1.9.
. "$(dirname "$0")/lib.sh"
pypi otf2==3.2
cat >metric.py <<'EOF'
import sys

import otf2
from otf2.enums import Type

kind, *values = sys.argv[1:]
with otf2.writer.open("trace." + kind, timer_resolution=1_000_000_000) as trace:
    node = trace.definitions.system_tree_node("node")
    process = trace.definitions.location_group("process", system_tree_parent=node)
    power = trace.definitions.metric("power", unit="W", value_type=getattr(Type, kind))
    writer = trace.event_writer("thread", group=process)
    for time, value in enumerate(values):
        writer.metric(time, power, float(value) if "." in value else int(value))
with otf2.reader.open(f"trace.{kind}/traces.otf2") as trace:
    print(*[event.values[0] for location, event in trace.events])
EOF
check UINT64 "5 1 18446744073709551615 5" "$python" metric.py UINT64 5 1.9 -1 18446744073709551621
check DOUBLE "5.0 1.9" "$python" metric.py DOUBLE 5 1.9
