"""Prints what tests/bindings/report.c prints, through the Python file."""

import zeus_amd as zeus

READINGS = """power_instant_mw power_average_mw memory_power_average_mw energy_counter_usable temperature_c power_limit_mw
power_limit_default_mw power_limit_range_mw memory_clock_levels_mhz graphics_clock_levels_mhz memory_clock_range_mhz
graphics_clock_range_mhz persistence_mode supports_nonblocking_setters energy_raw""".split()


def number(value):
    return getattr(value, "value", value)


def words(value):
    if isinstance(value, zeus.EnergyRaw):
        return f"{value.resolution_uj:.6f}"
    return " ".join(str(int(v)) for v in (value if isinstance(value, tuple) else (value,)))


def said(read, gpu):
    try:
        return f"0 {words(read(gpu))}"
    except zeus.Error as e:
        return f"{e.status.value} {e.text}"


options = dict(energy_resolution=zeus.EnergyResolution.FIRMWARE, validation=zeus.Validation.FIXED, hip_visible_devices="1,0")
zeus.probe(**options)
with zeus.Session(**options) as z:
    s = z.info()
    major, minor, patch = zeus.version()
    print("version", major << 16 | minor << 8 | patch, zeus.__version__)
    print("status_string", zeus.status_string(zeus.Status.FORKED))
    print("method_string", zeus.method_string(zeus.Method.INTEGRATED))
    print("counter_state_string", zeus.counter_state_string(zeus.CounterState.STUCK))
    print("session_info", *(number(getattr(s, name)) for name, *_ in s._fields_[1:] if name != "reserved"))
    for gpu in range(len(z)):
        i = z.gpu_info(gpu)
        numbers = [number(getattr(i, name)) for name, *_ in i._fields_[1:12]]
        print("gpu_info", *numbers, f"{i.unique_id:016x}", i.name, i.pci_address, i.uuid, i.package)
        print("find_by_pci", z.find_by_pci(i.pci_address))
        print("find_by_uuid", z.find_by_uuid(i.uuid))
    print("explain", z.explain())
    for gpu in range(len(z) + 1):
        for name in READINGS:
            print(name, gpu, said(getattr(z, name), gpu))
