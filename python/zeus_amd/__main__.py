# SPDX-License-Identifier: Apache-2.0
"""python -m zeus_amd: the GPUs of this process, what is measured of each, and how the list was made."""

from __future__ import annotations

import sys

from . import Error, Session, __version__


def _unit(value: object, scale: float, unit: str) -> str:
    return "-" if value is None else f"{value / scale:.1f} {unit}"  # type: ignore[operator]


def main() -> int:
    print(f"zeus_amd {__version__}")
    try:
        with Session() as session:
            readings = session.read_all()
            for reading in readings:
                info = session.gpu_info(reading.gpu)
                power = reading.power_average_mw if reading.power_instant_mw is None else reading.power_instant_mw
                temperature = _unit(reading.temperature_c, 1, "°C")
                energy = _unit(reading.energy_mj, 1e3, "J")
                counter = getattr(info.counter_state, "name", info.counter_state)
                print(f"GPU {reading.gpu}  {info.name or '?'}  {info.pci_address}  {_unit(power, 1e3, 'W')}  {temperature}  {energy}  counter {counter}")
            print("\n" + session.explain().rstrip())
            return 0 if readings else 1
    except Error as e:
        print(e, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
