"""The library through ctypes, for tests: a value, or `Failure` with the status and the words."""

import ctypes
import enum
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_double, c_int32, c_size_t, c_uint32, c_uint64, c_void_p


class Status(enum.IntEnum):
    OK = 0
    INVALID_ARGUMENT = -1
    STRUCT_VERSION = -2
    NOT_FOUND = -3
    NOT_SUPPORTED = -4
    NO_PERMISSION = -5
    NOT_INITIALIZED = -6
    BUSY = -7
    TIMEOUT = -8
    NO_MEMORY = -9
    IO = -10
    LIBRARY_NOT_FOUND = -11
    LIBRARY_VERSION = -12
    DRIVER_NOT_LOADED = -13
    DEVICE_LOST = -14
    COUNTER_RESET = -15
    BUFFER_TOO_SMALL = -16
    FORKED = -17
    HETEROGENEOUS = -18
    AMBIGUOUS_DEVICE = -19
    LIBRARY_INVALID = -20
    LIBRARY_SYMBOLS = -21
    NO_DEVICE = -22
    OUT_OF_RANGE = -23
    STALE = -24
    UNEXPECTED_DATA = -25
    UNKNOWN = -98
    INTERNAL = -99


class Verdict(enum.IntEnum):
    NOT_CHECKED = 0
    TRUSTED = 1
    STUCK = 2
    IMPLAUSIBLE = 3
    NO_POWER_TO_COMPARE = 4
    UNSUPPORTED = 5
    SECONDARY_DIE = 6
    SECONDARY_PARTITION = 7


VALIDATION_FIXED = 1
ENSURE_HOMOGENEOUS = 1


class Options(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("backend", c_uint32),
        ("validation", c_uint32),
        ("energy_unit", c_uint32),
        ("init_timeout_ms", c_uint32),
        ("amdsmi_path", c_char_p),
    ]


class GpuInfo(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("valid", c_uint32),
        ("index", c_uint32),
        ("unmasked_index", c_uint32),
        ("amdsmi_index", c_uint32),
        ("kfd_node", c_uint32),
        ("partition", c_uint32),
        ("die_role", c_uint32),
        ("source", c_uint32),
        ("energy_verdict", c_uint32),
        ("flags", c_uint32),
        ("device_id", c_uint32),
        ("unique_id", c_uint64),
        ("name", c_char * 256),
        ("pci_address", c_char * 32),
        ("uuid", c_char * 64),
        ("package", c_char * 64),
    ]


class EnergyRaw(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("accumulator", c_uint64),
        ("unit_uj", c_double),
        ("driver_time_ns", c_uint64),
    ]


# The types of the results that stand behind the session and the index.
READINGS = {
    "power_instant_mw": [c_uint64],
    "power_average_mw": [c_uint64],
    "memory_power_average_mw": [c_uint64],
    "energy_mj": [c_uint64],
    "energy_supported": [c_uint32],
    "temperature_c": [c_int32],
    "power_limit_mw": [c_uint64],
    "power_limit_default_mw": [c_uint64],
    "power_limit_range_mw": [c_uint64, c_uint64],
    "memory_clocks_mhz": [c_uint32, c_uint32],
    "graphics_clocks_mhz": [c_uint32, c_uint32],
    "persistence_mode": [c_uint32],
    "supports_nonblocking_setters": [c_uint32],
}

# The test's own variable; the library itself looks at no such thing.
lib = ctypes.CDLL(os.environ.get("LIBZEUS_AMD", "libzeus_amd.so.0"))
lib.zeus_amd_open.argtypes = [POINTER(Options), POINTER(c_void_p)]
lib.zeus_amd_close.argtypes = [c_void_p]
lib.zeus_amd_close.restype = None
lib.zeus_amd_gpu_count.argtypes = [c_void_p, POINTER(c_uint32)]
lib.zeus_amd_gpu_info.argtypes = [c_void_p, c_uint32, POINTER(GpuInfo)]
lib.zeus_amd_energy_raw.argtypes = [c_void_p, c_uint32, POINTER(EnergyRaw)]
lib.zeus_amd_last_error.argtypes = [c_char_p, c_size_t]
lib.zeus_amd_last_error.restype = c_size_t
for _name, _results in READINGS.items():
    getattr(lib, "zeus_amd_" + _name).argtypes = [c_void_p, c_uint32, *(POINTER(t) for t in _results)]


class Failure(Exception):
    def __init__(self, status):
        text = ctypes.create_string_buffer(2048)
        lib.zeus_amd_last_error(text, len(text))
        self.status, self.text = Status(status), text.value.decode()
        super().__init__(f"{self.status.name}: {self.text}")


def check(status):
    if status != Status.OK:
        raise Failure(status)


class Session:
    """`session.energy_mj(0)` and so on: one result is itself, several are a tuple."""

    def __init__(self, **options):
        self._z = c_void_p()
        check(lib.zeus_amd_open(byref(Options(struct_size=ctypes.sizeof(Options), **options)), byref(self._z)))

    def close(self):
        lib.zeus_amd_close(self._z)
        self._z = c_void_p()

    def __len__(self):
        count = c_uint32()
        check(lib.zeus_amd_gpu_count(self._z, byref(count)))
        return count.value

    def gpu_info(self, gpu):
        info = GpuInfo(struct_size=ctypes.sizeof(GpuInfo))
        check(lib.zeus_amd_gpu_info(self._z, gpu, byref(info)))
        return info

    def energy_raw(self, gpu):
        raw = EnergyRaw(struct_size=ctypes.sizeof(EnergyRaw))
        check(lib.zeus_amd_energy_raw(self._z, gpu, byref(raw)))
        return raw

    def __getattr__(self, name):
        if name not in READINGS:
            raise AttributeError(name)
        function, types = getattr(lib, "zeus_amd_" + name), READINGS[name]

        def read(gpu):
            results = [t() for t in types]
            check(function(self._z, gpu, *(byref(r) for r in results)))
            values = tuple(r.value for r in results)
            return values[0] if len(values) == 1 else values

        return read
