"""As consumer.c, through the Python module."""

import sys

import zeus_amd

with zeus_amd.Session() as session:
    assert len(session) == 1
    power = session.power_average_mw(0)
    assert power == int(sys.argv[1]), power
