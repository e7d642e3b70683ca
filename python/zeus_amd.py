# SPDX-License-Identifier: Apache-2.0
"""Measures and controls the power and energy of AMD GPUs.

    import zeus_amd

    with zeus_amd.Session() as z, z.window() as w:
        work()
    print(w.total.energy_mj / 1e3, "J, off by at most", w.total.uncertainty_mj / 1e3)

Names, units and meanings are those of zeus_amd.h, which documents each. A GPU index is HIP's, PyTorch's cuda:N. Any thread
may call any method, and other Python threads run during a call. After a fork the child opens its own session;
zeus_amd.window() does so automatically.

The library is $ZEUS_AMD_LIBRARY, or the one beside this file, or the one that the dynamic loader finds.
"""

from __future__ import annotations

import atexit
import ctypes
import enum
import glob
import importlib.util
import operator
import os
import threading
import time
from ctypes import POINTER, byref, c_char, c_char_p, c_double, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Iterator, List, Optional, Tuple, Union

# Numbers of the header.


class Status(enum.Enum):
    """Not an IntEnum: a temperature must not compare equal to a status."""

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
    EMPTY_MASK = -26
    MASK_INVALID = -27
    NO_ACCESS = -28
    RUNTIME_INIT_FAILED = -29
    NOT_APPLIED = -30
    NOT_READY = -31
    UNKNOWN = -98
    INTERNAL = -99


class Backend(enum.IntEnum):
    AUTO = 0
    AMDSMI = 1
    SYSFS = 2


class Validation(enum.IntEnum):
    DEFAULT = 0
    FIXED = 1
    OFF = 2
    ADAPTIVE = 3
    BACKGROUND = 4


class EnergyResolution(enum.IntEnum):
    DEFAULT = 0
    REPORTED = 1
    FIRMWARE = 2


class CounterState(enum.IntEnum):
    NOT_CHECKED = 0
    TRUSTED = 1
    STUCK = 2
    IMPLAUSIBLE = 3
    NO_POWER_TO_COMPARE = 4
    UNSUPPORTED = 5
    SECONDARY_DIE = 6
    SECONDARY_PARTITION = 7
    PENDING = 8
    UNREADABLE = 9


class Die(enum.IntEnum):
    SINGLE = 0
    PRIMARY = 1
    SECONDARY = 2


class Method(enum.IntEnum):
    NONE = 0
    COUNTER = 1
    INTEGRATED = 2
    ESTIMATED = 3


class Log(enum.IntEnum):
    ERROR = 0
    WARNING = 1
    INFO = 2
    DEBUG = 3


class GuardFlag(enum.IntFlag):
    WATCHER = 1


class GuardInfoValid(enum.IntFlag):
    POWER_LIMIT = 1
    GRAPHICS_CLOCKS = 2
    MEMORY_CLOCKS = 4


class GuardInfoFlag(enum.IntFlag):
    WATCHER = 1
    SHARED = 2
    STRANGERS = 4


class Open(enum.IntFlag):
    ENSURE_HOMOGENEOUS = 1
    SHUTDOWN_ON_CLOSE = 2
    EMPTY_MASK_IS_ERROR = 4
    EXPLICIT_MASKS = 8
    WAKE_SUSPENDED = 16


class SessionInfoValid(enum.IntFlag):
    AMDSMI = 1


class SessionInfoFlag(enum.IntFlag):
    ORDER_FROM_ENUMERATION = 1
    ORDER_UNCERTAIN = 2


class GpuInfoValid(enum.IntFlag):
    UNMASKED_INDEX = 1
    AMDSMI_INDEX = 2
    KFD_NODE = 4
    UNIQUE_ID = 8
    NAME = 16
    DEVICE_ID = 32


class GpuInfoFlag(enum.IntFlag):
    ORDER_FROM_ENUMERATION = 1
    ORDER_UNCERTAIN = 2


class EnergyRawValid(enum.IntFlag):
    ACCUMULATOR = 2
    DRIVER_TIME = 4
    FIRMWARE_TIME = 8
    RESOLUTION = 512


class EnergyRawFlag(enum.IntFlag):
    STALE = 16
    FIRMWARE_RESOLUTION = 128


class ReadingValid(enum.IntFlag):
    ENERGY = 1
    ACCUMULATOR = 2
    DRIVER_TIME = 4
    FIRMWARE_TIME = 8
    POWER_INSTANT = 16
    POWER_AVERAGE = 32
    TEMPERATURE = 64
    RESOLUTION = 512


class ReadingFlag(enum.IntFlag):
    STALE = 16
    FIRMWARE_RESOLUTION = 128
    EDGE_TEMPERATURE = 256


class GpuEnergyValid(enum.IntFlag):
    ENERGY = 1
    RESOLUTION = 512


class GpuEnergyFlag(enum.IntFlag):
    HIGH_UNCERTAINTY = 1
    RESET = 2
    SHARED_PACKAGE = 4
    COUNTER_REJECTED = 8
    STALE = 16
    SAMPLING_GAP = 32
    AVERAGED_POWER = 64
    FIRMWARE_RESOLUTION = 128
    FIRMWARE_DURATION = 256
    POLLED_AGAIN = 2048


class TotalEnergyValid(enum.IntFlag):
    ENERGY = 1


class TotalEnergyFlag(enum.IntFlag):
    HIGH_UNCERTAINTY = 1
    RESET = 2
    SHARED_PACKAGE = 4
    COUNTER_REJECTED = 8
    STALE = 16
    SAMPLING_GAP = 32
    AVERAGED_POWER = 64
    FIRMWARE_RESOLUTION = 128
    FIRMWARE_DURATION = 256
    POLLED_AGAIN = 2048
    INCOMPLETE = 512


class SampleValid(enum.IntFlag):
    ENERGY = 1
    POWER = 128
    COUNTER_POWER = 256


class SampleFlag(enum.IntFlag):
    RESET = 2
    SAMPLING_GAP = 32
    AVERAGED_POWER = 64
    FIRMWARE_RESOLUTION = 128
    INTEGRATED = 1024


class NodeDomainKind(enum.IntEnum):
    NODE = 0
    CPU = 1
    MEMORY = 2
    ACCELERATOR = 3
    CPU_PACKAGE = 4
    CPU_CORES = 5
    UNCORE = 6
    DRAM = 7
    PLATFORM = 8
    GPU = 9
    OTHER = 10


class NodeSource(enum.IntEnum):
    PM_COUNTERS = 0
    POWERCAP = 1
    GPU = 2


class NodeScope(enum.IntEnum):
    NONE = 0
    GPUS = 1
    PARTS = 2
    NODE = 3


class LimitCountsValid(enum.IntFlag):
    DRIVER_TIME = 4
    PROCHOT = 65536
    PPT = 131072
    SOCKET_THERMAL = 262144
    VR_THERMAL = 524288
    HBM_THERMAL = 1048576


class LimitCountsFlag(enum.IntFlag):
    STALE = 16


class LimitedTimeValid(enum.IntFlag):
    DURATION = 2097152
    PROCHOT = 65536
    PPT = 131072
    SOCKET_THERMAL = 262144
    VR_THERMAL = 524288
    HBM_THERMAL = 1048576


class LimitedTimeFlag(enum.IntFlag):
    RESET = 2


class NodeDomainInfoValid(enum.IntFlag):
    PARENT = 1024
    GPU = 2048
    REFRESH = 4096


class NodeDomainInfoFlag(enum.IntFlag):
    WRAPS = 8192


class NodeTotalValid(enum.IntFlag):
    ENERGY = 1


class NodeTotalFlag(enum.IntFlag):
    HIGH_UNCERTAINTY = 1
    INCOMPLETE = 512


class NodeEnergyValid(enum.IntFlag):
    ENERGY = 1


class NodeEnergyFlag(enum.IntFlag):
    HIGH_UNCERTAINTY = 1
    RESET = 2
    STALE = 16
    SAMPLING_GAP = 32
    IN_TOTAL = 16384


def _known(kind: Any) -> Callable[[Any, Any], Any]:
    """The number as a member of an enum; the number itself if only a newer library knows it."""

    def convert(_: Any, value: Any) -> Any:
        try:
            return kind(value)
        except ValueError:
            return value

    return convert


def _text(_: Any, value: bytes) -> str:
    return value.decode(errors="replace")


def _if_set(bit: int, convert: Any = None) -> Callable[[Any, Any], Any]:
    """The value if its bit in `valid` is set, else None."""
    return lambda s, value: (convert(s, value) if convert else value) if s.valid & bit else None


def _fits(kind: Any, value: Any) -> Any:
    """ctypes would truncate an integer, and so name another GPU or another limit."""
    if isinstance(value, int) and kind(value).value != value:
        raise OverflowError(f"{value} is out of range")
    return value


class _U32(c_uint32):
    @classmethod
    def from_param(cls, value: Any) -> c_uint32:
        return c_uint32(_fits(c_uint32, operator.index(value)))


class _U64(c_uint64):
    @classmethod
    def from_param(cls, value: Any) -> c_uint64:
        return c_uint64(_fits(c_uint64, operator.index(value)))


# Structs of the header. A value that is not set is None; enums are members of their classes.


class _Struct(ctypes.Structure):
    _means_: dict = {}

    def __init__(self, **values: Any) -> None:
        super().__init__(struct_size=ctypes.sizeof(type(self)))
        kinds = dict(self._fields_)  # type: ignore[arg-type]
        for name, value in values.items():
            if name not in kinds:
                raise TypeError(f"{type(self).__name__.strip('_')} has no {name}")
            setattr(self, name, _fits(kinds[name], value))

    def __repr__(self) -> str:
        values = (f"{n}={getattr(self, n)!r}" for n, *_ in self._fields_ if n not in ("struct_size", "reserved"))
        return f"{type(self).__name__}({', '.join(values)})"


def _meaningful(struct: Any) -> Any:
    for name, convert in struct._means_.items():
        raw = getattr(struct, name)
        get = lambda s, raw=raw, convert=convert: convert(s, raw.__get__(s))
        setattr(struct, name, property(get))
    return struct


class _Options(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("backend", c_uint32),
        ("validation", c_uint32),
        ("energy_resolution", c_uint32),
        ("init_timeout_ms", c_uint32),
        ("amdsmi_path", c_char_p),
        ("runtime_version", c_char_p),
        ("rocr_visible_devices", c_char_p),
        ("hip_visible_devices", c_char_p),
        ("cuda_visible_devices", c_char_p),
    ]


@_meaningful
class SessionInfo(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("gpu_count", c_uint32),
        ("backend", c_uint32),
        ("energy_resolution", c_uint32),
        ("amdsmi_version_0", c_uint32),
        ("amdsmi_version_1", c_uint32),
        ("amdsmi_version_2", c_uint32),
        ("no_gpu_reason", c_int32),
        ("amdsmi_status", c_int32),
        ("reserved", c_uint32),
        ("rocm", c_char * 32),
        ("amdsmi_path", c_char * 512),
    ]
    _means_ = {
        "valid": _known(SessionInfoValid),
        "flags": _known(SessionInfoFlag),
        "backend": _known(Backend),
        "energy_resolution": _known(EnergyResolution),
        **{f"amdsmi_version_{i}": _if_set(SessionInfoValid.AMDSMI) for i in range(3)},
        "no_gpu_reason": _known(Status),
        "amdsmi_status": _known(Status),
        "rocm": _if_set(SessionInfoValid.AMDSMI, _text),
        "amdsmi_path": _if_set(SessionInfoValid.AMDSMI, _text),
    }


@_meaningful
class GpuInfo(_Struct):
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
        ("counter_state", c_uint32),
        ("flags", c_uint32),
        ("device_id", c_uint32),
        ("unique_id", c_uint64),
        ("name", c_char * 256),
        ("pci_address", c_char * 32),
        ("uuid", c_char * 64),
        ("package", c_char * 64),
    ]
    _means_ = {
        "valid": _known(GpuInfoValid),
        "unmasked_index": _if_set(GpuInfoValid.UNMASKED_INDEX),
        "amdsmi_index": _if_set(GpuInfoValid.AMDSMI_INDEX),
        "kfd_node": _if_set(GpuInfoValid.KFD_NODE),
        "die_role": _known(Die),
        "source": _known(Backend),
        "counter_state": _known(CounterState),
        "flags": _known(GpuInfoFlag),
        "device_id": _if_set(GpuInfoValid.DEVICE_ID),
        "unique_id": _if_set(GpuInfoValid.UNIQUE_ID),
        "name": _if_set(GpuInfoValid.NAME, _text),
        "pci_address": _text,
        "uuid": _if_set(GpuInfoValid.UNIQUE_ID, _text),
        "package": _text,
    }


@_meaningful
class EnergyRaw(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("accumulator", c_uint64),
        ("resolution_uj", c_double),
        ("driver_time_ns", c_uint64),
        ("firmware_time_ns", c_uint64),
    ]
    _means_ = {
        "valid": _known(EnergyRawValid),
        "flags": _known(EnergyRawFlag),
        "accumulator": _if_set(EnergyRawValid.ACCUMULATOR),
        "resolution_uj": _if_set(EnergyRawValid.RESOLUTION),
        "driver_time_ns": _if_set(EnergyRawValid.DRIVER_TIME),
        "firmware_time_ns": _if_set(EnergyRawValid.FIRMWARE_TIME),
    }


@_meaningful
class Reading(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("gpu", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("status", c_int32),
        ("counter_state", c_uint32),
        ("temperature_c", c_int32),
        ("reserved", c_uint32),
        ("energy_mj", c_uint64),
        ("accumulator", c_uint64),
        ("resolution_uj", c_double),
        ("driver_time_ns", c_uint64),
        ("firmware_time_ns", c_uint64),
        ("power_instant_mw", c_uint64),
        ("power_average_mw", c_uint64),
    ]
    _means_ = {
        "valid": _known(ReadingValid),
        "flags": _known(ReadingFlag),
        "status": _known(Status),
        "counter_state": _known(CounterState),
        "energy_mj": _if_set(ReadingValid.ENERGY),
        "accumulator": _if_set(ReadingValid.ACCUMULATOR),
        "resolution_uj": _if_set(ReadingValid.RESOLUTION),
        "driver_time_ns": _if_set(ReadingValid.DRIVER_TIME),
        "firmware_time_ns": _if_set(ReadingValid.FIRMWARE_TIME),
        "power_instant_mw": _if_set(ReadingValid.POWER_INSTANT),
        "power_average_mw": _if_set(ReadingValid.POWER_AVERAGE),
        "temperature_c": _if_set(ReadingValid.TEMPERATURE),
    }


@_meaningful
class TotalEnergy(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("packages", c_uint32),
        ("missing", c_uint32),
        ("reserved", c_uint32),
        ("energy_mj", c_uint64),
        ("uncertainty_mj", c_uint64),
        ("duration_ns", c_uint64),
        ("mean_power_mw", c_uint64),
    ]
    _means_ = {
        "valid": _known(TotalEnergyValid),
        "flags": _known(TotalEnergyFlag),
        **dict.fromkeys(("energy_mj", "uncertainty_mj", "mean_power_mw"), _if_set(TotalEnergyValid.ENERGY)),
    }


@_meaningful
class GpuEnergy(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("gpu", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("method", c_uint32),
        ("counter_state", c_uint32),
        ("status", c_int32),
        ("reserved", c_uint32),
        ("energy_mj", c_uint64),
        ("uncertainty_mj", c_uint64),
        ("duration_ns", c_uint64),
        ("mean_power_mw", c_uint64),
        ("begin_ns", c_uint64),
        ("end_ns", c_uint64),
        ("resolution_uj", c_double),
    ]
    _means_ = {
        "valid": _known(GpuEnergyValid),
        "flags": _known(GpuEnergyFlag),
        "method": _known(Method),
        "counter_state": _known(CounterState),
        "status": _known(Status),
        **dict.fromkeys(
            ("energy_mj", "uncertainty_mj", "duration_ns", "mean_power_mw", "begin_ns", "end_ns"),
            _if_set(GpuEnergyValid.ENERGY),
        ),
        "resolution_uj": _if_set(GpuEnergyValid.RESOLUTION),
    }


class _SamplerOptions(_Struct):
    _fields_ = [("struct_size", c_uint32), ("capacity", c_uint32), ("period_ns", c_uint64)]


@_meaningful
class Sample(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("gpu", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("time_ns", c_uint64),
        ("energy_uj", c_uint64),
        ("power_mw", c_uint64),
        ("counter_power_mw", c_uint64),
    ]
    _means_ = {
        "valid": _known(SampleValid),
        "flags": _known(SampleFlag),
        "energy_uj": _if_set(SampleValid.ENERGY),
        "power_mw": _if_set(SampleValid.POWER),
        "counter_power_mw": _if_set(SampleValid.COUNTER_POWER),
    }


@_meaningful
class GuardInfo(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("gpu", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("power_limit_mw", c_uint64),
        ("graphics_min_mhz", c_uint32),
        ("graphics_max_mhz", c_uint32),
        ("memory_min_mhz", c_uint32),
        ("memory_max_mhz", c_uint32),
    ]
    _means_ = {
        "valid": _known(GuardInfoValid),
        "flags": _known(GuardInfoFlag),
        "power_limit_mw": _if_set(GuardInfoValid.POWER_LIMIT),
        **dict.fromkeys(("graphics_min_mhz", "graphics_max_mhz"), _if_set(GuardInfoValid.GRAPHICS_CLOCKS)),
        **dict.fromkeys(("memory_min_mhz", "memory_max_mhz"), _if_set(GuardInfoValid.MEMORY_CLOCKS)),
    }


@_meaningful
class LimitCounts(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("gpu", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("driver_time_ns", c_uint64),
        ("cycles", c_uint64),
        ("prochot_cycles", c_uint64),
        ("ppt_cycles", c_uint64),
        ("socket_thermal_cycles", c_uint64),
        ("vr_thermal_cycles", c_uint64),
        ("hbm_thermal_cycles", c_uint64),
    ]
    _means_ = {
        "valid": _known(LimitCountsValid),
        "flags": _known(LimitCountsFlag),
        "driver_time_ns": _if_set(LimitCountsValid.DRIVER_TIME),
        "prochot_cycles": _if_set(LimitCountsValid.PROCHOT),
        "ppt_cycles": _if_set(LimitCountsValid.PPT),
        "socket_thermal_cycles": _if_set(LimitCountsValid.SOCKET_THERMAL),
        "vr_thermal_cycles": _if_set(LimitCountsValid.VR_THERMAL),
        "hbm_thermal_cycles": _if_set(LimitCountsValid.HBM_THERMAL),
    }


@_meaningful
class LimitedTime(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("gpu", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("duration_ns", c_uint64),
        ("cycles", c_uint64),
        ("prochot_cycles", c_uint64),
        ("ppt_cycles", c_uint64),
        ("socket_thermal_cycles", c_uint64),
        ("vr_thermal_cycles", c_uint64),
        ("hbm_thermal_cycles", c_uint64),
    ]
    _means_ = {
        "valid": _known(LimitedTimeValid),
        "flags": _known(LimitedTimeFlag),
        "duration_ns": _if_set(LimitedTimeValid.DURATION),
        "prochot_cycles": _if_set(LimitedTimeValid.PROCHOT),
        "ppt_cycles": _if_set(LimitedTimeValid.PPT),
        "socket_thermal_cycles": _if_set(LimitedTimeValid.SOCKET_THERMAL),
        "vr_thermal_cycles": _if_set(LimitedTimeValid.VR_THERMAL),
        "hbm_thermal_cycles": _if_set(LimitedTimeValid.HBM_THERMAL),
    }


@_meaningful
class NodeDomainInfo(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("domain", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("kind", c_uint32),
        ("source", c_uint32),
        ("status", c_int32),
        ("parent", c_uint32),
        ("gpu", c_uint32),
        ("reserved", c_uint32),
        ("refresh_ns", c_uint64),
        ("step_uj", c_uint64),
        ("max_power_mw", c_uint64),
        ("name", c_char * 64),
        ("path", c_char * 256),
    ]
    _means_ = {
        "valid": _known(NodeDomainInfoValid),
        "flags": _known(NodeDomainInfoFlag),
        "kind": _known(NodeDomainKind),
        "source": _known(NodeSource),
        "status": _known(Status),
        "parent": _if_set(NodeDomainInfoValid.PARENT),
        "gpu": _if_set(NodeDomainInfoValid.GPU),
        "refresh_ns": _if_set(NodeDomainInfoValid.REFRESH),
        "name": _text,
        "path": _text,
    }


@_meaningful
class NodeTotal(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("scope", c_uint32),
        ("domains", c_uint32),
        ("missing", c_uint32),
        ("energy_uj", c_uint64),
        ("uncertainty_uj", c_uint64),
        ("duration_ns", c_uint64),
        ("mean_power_mw", c_uint64),
    ]
    _means_ = {
        "valid": _known(NodeTotalValid),
        "flags": _known(NodeTotalFlag),
        "scope": _known(NodeScope),
        "energy_uj": _if_set(NodeTotalValid.ENERGY),
        "uncertainty_uj": _if_set(NodeTotalValid.ENERGY),
        "mean_power_mw": _if_set(NodeTotalValid.ENERGY),
    }


@_meaningful
class NodeEnergy(_Struct):
    _fields_ = [
        ("struct_size", c_uint32),
        ("domain", c_uint32),
        ("valid", c_uint32),
        ("flags", c_uint32),
        ("method", c_uint32),
        ("status", c_int32),
        ("energy_uj", c_uint64),
        ("uncertainty_uj", c_uint64),
        ("duration_ns", c_uint64),
        ("mean_power_mw", c_uint64),
    ]
    _means_ = {
        "valid": _known(NodeEnergyValid),
        "flags": _known(NodeEnergyFlag),
        "method": _known(Method),
        "status": _known(Status),
        "energy_uj": _if_set(NodeEnergyValid.ENERGY),
        "uncertainty_uj": _if_set(NodeEnergyValid.ENERGY),
        "duration_ns": _if_set(NodeEnergyValid.ENERGY),
        "mean_power_mw": _if_set(NodeEnergyValid.ENERGY),
    }


# Functions of the header.

_LogFn = ctypes.CFUNCTYPE(None, c_uint32, c_char_p, c_void_p)
_u32s, _u64s, _i32s, _handle, _sizes = POINTER(c_uint32), POINTER(c_uint64), POINTER(c_int32), c_void_p, POINTER(c_size_t)
_one_u32 = (c_int32, _handle, _U32, _u32s)
_one_u64 = (c_int32, _handle, _U32, _u64s)
_two_u32 = (c_int32, _handle, _U32, _u32s, _u32s)
_window = (c_int32, _handle, POINTER(TotalEnergy), POINTER(GpuEnergy), _u32s)

# Result, then arguments.
_FUNCTIONS = {
    "version": (c_uint32,),
    "version_string": (c_char_p,),
    "status_string": (c_char_p, c_int32),
    "method_string": (c_char_p, c_uint32),
    "counter_state_string": (c_char_p, c_uint32),
    "last_error": (c_size_t, c_char_p, c_size_t),
    "set_log": (c_int32, _LogFn, _U32, c_void_p),
    "now_ns": (c_uint64,),
    "open": (c_int32, POINTER(_Options), POINTER(_handle)),
    "close": (None, _handle),
    "probe": (c_int32, POINTER(_Options)),
    "session_info": (c_int32, _handle, POINTER(SessionInfo)),
    "gpu_count": (c_int32, _handle, _u32s),
    "gpu_info": (c_int32, _handle, _U32, POINTER(GpuInfo)),
    "find_by_pci": (c_int32, _handle, c_char_p, _u32s),
    "find_by_uuid": (c_int32, _handle, c_char_p, _u32s),
    "explain": (c_int32, _handle, c_char_p, c_size_t, _sizes),
    "power_instant_mw": _one_u64,
    "power_average_mw": _one_u64,
    "memory_power_average_mw": _one_u64,
    "energy_mj": _one_u64,
    "energy_counter_usable": _one_u32,
    "energy_raw": (c_int32, _handle, _U32, POINTER(EnergyRaw)),
    "temperature_c": (c_int32, _handle, _U32, _i32s),
    "read_all": (c_int32, _handle, POINTER(Reading), _u32s),
    "power_limit_mw": _one_u64,
    "power_limit_default_mw": _one_u64,
    "power_limit_range_mw": (c_int32, _handle, _U32, _u64s, _u64s),
    "memory_clock_levels_mhz": _two_u32,
    "graphics_clock_levels_mhz": _two_u32,
    "memory_clock_range_mhz": _two_u32,
    "graphics_clock_range_mhz": _two_u32,
    "persistence_mode": _one_u32,
    "supports_nonblocking_setters": _one_u32,
    "set_power_limit_mw": (c_int32, _handle, _U32, _U64),
    "reset_power_limit": (c_int32, _handle, _U32),
    "set_persistence_mode": (c_int32, _handle, _U32, _U32),
    "lock_memory_clocks_mhz": (c_int32, _handle, _U32, _U32, _U32),
    "lock_graphics_clocks_mhz": (c_int32, _handle, _U32, _U32, _U32),
    "reset_memory_clocks": (c_int32, _handle, _U32),
    "reset_graphics_clocks": (c_int32, _handle, _U32),
    "reset_clocks": (c_int32, _handle, _U32),
    "window_begin": (c_int32, _handle, POINTER(_handle)),
    "window_read": _window,
    "window_lap": _window,
    "window_restart": (c_int32, _handle),
    "window_end": _window,
    "limit_counts": (c_int32, _handle, _U32, POINTER(LimitCounts)),
    "limited_time": (c_int32, POINTER(LimitCounts), POINTER(LimitCounts), POINTER(LimitedTime)),
    "node_domain_kind_string": (c_char_p, c_uint32),
    "node_domain_count": (c_int32, _handle, _u32s),
    "node_domain_info": (c_int32, _handle, _U32, POINTER(NodeDomainInfo)),
    "node_energy_uj": (c_int32, _handle, _U32, _u64s, _u64s),
    "node_power_mw": (c_int32, _handle, _U32, _u64s, _u64s),
    "node_window_begin": (c_int32, _handle, POINTER(_handle)),
    "node_window_gpus": (c_int32, _handle, POINTER(_handle)),
    "node_window_read": (c_int32, _handle, POINTER(NodeTotal), POINTER(NodeEnergy), _u32s),
    "node_window_end": (c_int32, _handle, POINTER(NodeTotal), POINTER(NodeEnergy), _u32s),
    "sampler_start": (c_int32, _handle, POINTER(_SamplerOptions), POINTER(_handle)),
    "sampler_stop": (c_int32, _handle),
    "sampler_drain": (c_int32, _handle, POINTER(Sample), _u32s, _u64s),
    "sampler_energy_between": (c_int32, _handle, _U32, _U64, _U64, POINTER(GpuEnergy)),
    "sampler_free": (None, _handle),
    "guard_begin": (c_int32, _handle, _U32, POINTER(_handle)),
    "guard_info": (c_int32, _handle, _U32, POINTER(GuardInfo)),
    "guard_end": (c_int32, _handle),
}


def _load() -> ctypes.CDLL:
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libzeus_amd.so.0")
    path = os.environ.get("ZEUS_AMD_LIBRARY") or (beside if os.path.exists(beside) else "libzeus_amd.so.0")
    try:
        library = ctypes.CDLL(path)
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = getattr(library, "zeus_amd_" + name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as e:
        raise ImportError(f"zeus_amd: no usable library ({e}); set ZEUS_AMD_LIBRARY to a libzeus_amd.so") from e
    return library


_lib = _load()


class Error(Exception):
    """`status` is a Status (a number if only a newer library knows it); `text` is the message: what failed, on which GPU, and
    what to do about it."""

    def __init__(self, status: Union[Status, int], text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text

    def __str__(self) -> str:
        return f"{self.text} [{self.status.name if isinstance(self.status, Status) else self.status}]"


def _last_error() -> str:
    text = ctypes.create_string_buffer(2048)
    _lib.zeus_amd_last_error(text, len(text))
    return text.value.decode(errors="replace")


def _check(status: int) -> None:
    if status != 0:
        raise Error(_known(Status)(None, status), _last_error())


def version() -> Tuple[int, int, int]:
    """The version of the library that runs."""
    number = _lib.zeus_amd_version()
    return number >> 16, number >> 8 & 255, number & 255


__version__ = _lib.zeus_amd_version_string().decode()


def status_string(status: Union[Status, int]) -> str:
    return _lib.zeus_amd_status_string(status.value if isinstance(status, Status) else status).decode()


def method_string(method: Union[Method, int]) -> str:
    return _lib.zeus_amd_method_string(method).decode()


def node_domain_kind_string(kind: Union[NodeDomainKind, int]) -> str:
    return _lib.zeus_amd_node_domain_kind_string(kind).decode()


def counter_state_string(counter_state: Union[CounterState, int]) -> str:
    return _lib.zeus_amd_counter_state_string(counter_state).decode()


def now_ns() -> int:
    """CLOCK_BOOTTIME in nanoseconds, the clock of samples, windows and the driver's timestamps."""
    return _lib.zeus_amd_now_ns()


def limited_time(begin: LimitCounts, end: LimitCounts) -> LimitedTime:
    """What was counted between two readings; a limit held for the share ppt_cycles / cycles of the time, and so on."""
    limited = LimitedTime()
    _check(_lib.zeus_amd_limited_time(byref(begin), byref(end), byref(limited)))
    return limited


_log: Optional[Callable[[Log, str], None]] = None


@_LogFn
def _to_log(level: int, text: bytes, _: Any) -> None:
    log = _log
    if log is not None:
        log(_known(Log)(None, level), text.decode(errors="replace"))


def set_log(callback: Optional[Callable[[Log, str], None]], level: Log = Log.DEBUG) -> None:
    """Messages of that level and more important ones go to callback(level, text), on the thread that logs; None: there are
    none."""
    global _log
    _check(_lib.zeus_amd_set_log(_LogFn() if callback is None else _to_log, level, None))
    _log = callback


@atexit.register
def _end_of_log() -> None:
    """Before Python 3.14, interpreter shutdown kills threads that re-enter Python, and a thread inside the library takes the
    process with it. A thread that is about to log gets the time to finish."""
    if _log is not None:
        set_log(None)
        time.sleep(0.01)


_AMDSMI_VARIABLES = ("ZEUS_AMD_AMDSMI", "AMDSMI_LIB_OVERRIDE", "AMDSMI_LIB_DIR", "ROCM_PATH", "ROCM_HOME")


def _wheel_amdsmi() -> Optional[str]:
    """The folder of libamd_smi in the wheel rocm-sdk-core of this interpreter, unless a variable names another one."""
    if any(os.environ.get(name) for name in _AMDSMI_VARIABLES):
        return None
    spec = importlib.util.find_spec("_rocm_sdk_core")
    folders = [os.path.join(root, "lib") for root in (spec and spec.submodule_search_locations) or ()]
    return next((f for f in folders if glob.glob(os.path.join(glob.escape(f), "libamd_smi.so*"))), None)


def _options(options: dict) -> _Options:
    options = {**options, "amdsmi_path": options.get("amdsmi_path") or _wheel_amdsmi()}
    values = {n: os.fsencode(v) if isinstance(v, (str, os.PathLike)) else v for n, v in options.items()}
    if any(n.endswith("_visible_devices") and v is not None for n, v in values.items()):
        values["flags"] = values.get("flags", 0) | Open.EXPLICIT_MASKS
    return _Options(**values)


def probe(**options: Any) -> None:
    """Raises if no session can be opened; loads and initialises nothing. Options as for Session."""
    _check(_lib.zeus_amd_probe(byref(_options(options))))


class _Owner:
    """Holds one handle. NULL after it was closed: the library then refuses each call."""

    _free: Any  # of the class, because a module's names may be gone before its objects

    def __init__(self) -> None:
        self._h = c_void_p()

    def __del__(self) -> None:
        if self._h:
            self._free(self._take())

    def __repr__(self) -> str:
        return f"<zeus_amd.{type(self).__name__}{'' if self._h else ', ended'}>"

    def _take(self) -> c_void_p:
        handle, self._h = self._h, type(self._h)()
        return handle


class Session(_Owner):
    """The GPUs of this process. Options are the fields of zeus_amd_options_t: flags (Open), backend, validation,
    energy_resolution, init_timeout_ms, amdsmi_path, runtime_version, and masks (rocr_visible_devices, hip_visible_devices,
    cuda_visible_devices), which replace those of the environment."""

    _free = _lib.zeus_amd_close

    def __init__(self, **options: Any) -> None:
        super().__init__()
        _check(_lib.zeus_amd_open(byref(_options(options)), byref(self._h)))

    def close(self) -> None:
        """No call may be running on it. Windows, samplers and guards must still be ended."""
        self._free(self._take())

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __len__(self) -> int:
        """How many GPUs there are."""
        return self._get("gpu_count", c_uint32)

    def __bool__(self) -> bool:
        return True

    def _call(self, name: str, *arguments: Any) -> None:
        _check(getattr(_lib, "zeus_amd_" + name)(self._h, *arguments))

    def _get(self, name: str, kind: Any, *arguments: Any) -> Any:
        value = kind()
        self._call(name, *arguments, byref(value))
        return value if isinstance(value, _Struct) else value.value

    def _get_two(self, name: str, kind: Any, gpu: int) -> Tuple[int, int]:
        one, two = kind(), kind()
        self._call(name, gpu, byref(one), byref(two))
        return one.value, two.value

    def info(self) -> SessionInfo:
        return self._get("session_info", SessionInfo)

    def gpu_info(self, gpu: int) -> GpuInfo:
        return self._get("gpu_info", GpuInfo, gpu)

    def find_by_pci(self, pci_address: str) -> int:
        return self._get("find_by_pci", c_uint32, pci_address.encode())

    def find_by_uuid(self, uuid: str) -> int:
        return self._get("find_by_uuid", c_uint32, uuid.encode())

    def explain(self) -> str:
        """How environment and topology led to this list of GPUs, for people."""
        needed = c_size_t()
        self._call("explain", None, 0, byref(needed))
        text = ctypes.create_string_buffer(needed.value + 1)
        self._call("explain", text, len(text), None)
        return text.value.decode(errors="replace")

    # Readings.

    def power_instant_mw(self, gpu: int) -> int:
        return self._get("power_instant_mw", c_uint64, gpu)

    def power_average_mw(self, gpu: int) -> int:
        return self._get("power_average_mw", c_uint64, gpu)

    def memory_power_average_mw(self, gpu: int) -> int:
        return self._get("memory_power_average_mw", c_uint64, gpu)

    def energy_mj(self, gpu: int) -> int:
        return self._get("energy_mj", c_uint64, gpu)

    def energy_counter_usable(self, gpu: int) -> bool:
        return bool(self._get("energy_counter_usable", c_uint32, gpu))

    def energy_raw(self, gpu: int) -> EnergyRaw:
        return self._get("energy_raw", EnergyRaw, gpu)

    def temperature_c(self, gpu: int) -> int:
        return self._get("temperature_c", c_int32, gpu)

    def read_all(self) -> List[Reading]:
        """Energy, power and temperature of each GPU. A value that is not set is None."""
        count = c_uint32(len(self))
        readings = (Reading * max(count.value, 1))()
        readings[0].struct_size = ctypes.sizeof(Reading)
        self._call("read_all", readings, byref(count))
        return list(readings)[: count.value]

    def power_limit_mw(self, gpu: int) -> int:
        return self._get("power_limit_mw", c_uint64, gpu)

    def power_limit_default_mw(self, gpu: int) -> int:
        return self._get("power_limit_default_mw", c_uint64, gpu)

    def power_limit_range_mw(self, gpu: int) -> Tuple[int, int]:
        """(lowest, highest)"""
        return self._get_two("power_limit_range_mw", c_uint64, gpu)

    def memory_clock_levels_mhz(self, gpu: int) -> Tuple[int, int]:
        """(lowest, highest)"""
        return self._get_two("memory_clock_levels_mhz", c_uint32, gpu)

    def graphics_clock_levels_mhz(self, gpu: int) -> Tuple[int, int]:
        """(lowest, highest)"""
        return self._get_two("graphics_clock_levels_mhz", c_uint32, gpu)

    def memory_clock_range_mhz(self, gpu: int) -> Tuple[int, int]:
        """(lowest, highest)"""
        return self._get_two("memory_clock_range_mhz", c_uint32, gpu)

    def graphics_clock_range_mhz(self, gpu: int) -> Tuple[int, int]:
        """(lowest, highest)"""
        return self._get_two("graphics_clock_range_mhz", c_uint32, gpu)

    def persistence_mode(self, gpu: int) -> bool:
        return bool(self._get("persistence_mode", c_uint32, gpu))

    def supports_nonblocking_setters(self, gpu: int) -> bool:
        return bool(self._get("supports_nonblocking_setters", c_uint32, gpu))

    def limit_counts(self, gpu: int) -> LimitCounts:
        """The firmware's counters of the time at a limit: for limited_time(begin, end)."""
        return self._get("limit_counts", LimitCounts, gpu)

    # The node.

    def node_domains(self) -> List[NodeDomainInfo]:
        """What is measured of the node: itself, processors, memory, accelerators, packages of GPUs."""
        return [self._get("node_domain_info", NodeDomainInfo, i) for i in range(self._get("node_domain_count", c_uint32))]

    def node_energy_uj(self, domain: int) -> Tuple[int, int]:
        """(energy since the counter's zero, uncertainty)"""
        return self._get_two("node_energy_uj", c_uint64, domain)

    def node_power_mw(self, domain: int) -> Tuple[int, int]:
        """(power, uncertainty)"""
        return self._get_two("node_power_mw", c_uint64, domain)

    # Control.

    def set_power_limit_mw(self, gpu: int, limit_mw: int) -> None:
        self._call("set_power_limit_mw", gpu, limit_mw)

    def reset_power_limit(self, gpu: int) -> None:
        self._call("reset_power_limit", gpu)

    def set_persistence_mode(self, gpu: int, enabled: bool) -> None:
        self._call("set_persistence_mode", gpu, enabled)

    def lock_memory_clocks_mhz(self, gpu: int, min_mhz: int, max_mhz: int) -> None:
        self._call("lock_memory_clocks_mhz", gpu, min_mhz, max_mhz)

    def lock_graphics_clocks_mhz(self, gpu: int, min_mhz: int, max_mhz: int) -> None:
        self._call("lock_graphics_clocks_mhz", gpu, min_mhz, max_mhz)

    def reset_memory_clocks(self, gpu: int) -> None:
        self._call("reset_memory_clocks", gpu)

    def reset_graphics_clocks(self, gpu: int) -> None:
        self._call("reset_graphics_clocks", gpu)

    def reset_clocks(self, gpu: int) -> None:
        self._call("reset_clocks", gpu)

    # Windows, samplers, guards.

    def window(self) -> Window:
        return Window(self)

    def node_window(self) -> NodeWindow:
        return NodeWindow(self)

    def sampler(self, capacity: int = 0, period_ns: int = 0) -> Sampler:
        return Sampler(self, capacity, period_ns)

    def guard(self, watcher: bool = False) -> Guard:
        return Guard(self, watcher)


class Window(_Owner):
    """Measures from its construction to its end. After end(), read() or lap(), `total` and `gpus` are the energies. Where no
    GPU has one, `total` is None, `reason` says why, and `gpus` has the status of each."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._room = len(session)
        self.total: Any = None  # TotalEnergy
        self.reason = ""
        self.gpus: List[GpuEnergy] = []
        session._call("window_begin", byref(self._h))

    def _free(self, handle: c_void_p, end: Any = _lib.zeus_amd_window_end) -> None:
        end(handle, None, None, None)

    def _ask(self, function: Any, handle: c_void_p) -> Window:
        total, gpus, count = TotalEnergy(), (GpuEnergy * max(self._room, 1))(), c_uint32(self._room)
        gpus[0].struct_size = ctypes.sizeof(GpuEnergy)
        status = function(handle, byref(total), gpus, byref(count))
        # A total without an energy is a failure, but all is written.
        if not total.duration_ns:
            _check(status)
        self.total, self.reason = (None, _last_error()) if status else (total, "")
        self.gpus = list(gpus)[: count.value]
        return self

    def read(self) -> Window:
        """Reads the energies up to now; the window stays open."""
        return self._ask(_lib.zeus_amd_window_read, self._h)

    def lap(self) -> Window:
        """Reads the energies since the last lap, or since the begin; the window stays open. Laps add up."""
        return self._ask(_lib.zeus_amd_window_lap, self._h)

    def restart(self) -> None:
        """Restarts it, as if the window had been ended and begun. Energies that were read stay."""
        _check(_lib.zeus_amd_window_restart(self._h))

    def end(self) -> Window:
        """Ends the window and reads the energies. Ending again does nothing."""
        if self._h:
            self._ask(_lib.zeus_amd_window_end, self._take())
        return self

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()


class NodeWindow(_Owner):
    """Measures the node and its GPUs from its construction to its end. After end() or read(), `total` and `domains` are the
    energies, in the order of Session.node_domains(). Where nothing has one, `total` is None, and `reason` says why."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._room = session._get("node_domain_count", c_uint32)
        self.total: Any = None  # NodeTotal
        self.reason = ""
        self.domains: List[NodeEnergy] = []
        session._call("node_window_begin", byref(self._h))

    def _free(self, handle: c_void_p, end: Any = _lib.zeus_amd_node_window_end) -> None:
        end(handle, None, None, None)

    def _ask(self, function: Any, handle: c_void_p) -> NodeWindow:
        total, domains, count = NodeTotal(), (NodeEnergy * max(self._room, 1))(), c_uint32(self._room)
        domains[0].struct_size = ctypes.sizeof(NodeEnergy)
        status = function(handle, byref(total), domains, byref(count))
        # A total without an energy is a failure, but all is written.
        if not total.duration_ns:
            _check(status)
        self.total, self.reason = (None, _last_error()) if status else (total, "")
        self.domains = list(domains)[: count.value]
        return self

    def read(self) -> NodeWindow:
        """Reads the energies up to now; the window stays open."""
        return self._ask(_lib.zeus_amd_node_window_read, self._h)

    def gpus(self, room: int) -> List[GpuEnergy]:
        """Each of up to `room` GPUs up to now, as Window.read() has them."""
        window, gpus, count = c_void_p(), (GpuEnergy * max(room, 1))(), c_uint32(room)
        _check(_lib.zeus_amd_node_window_gpus(self._h, byref(window)))
        gpus[0].struct_size = ctypes.sizeof(GpuEnergy)
        _check(_lib.zeus_amd_window_read(window, None, gpus, byref(count)))
        return list(gpus)[: count.value]

    def end(self) -> NodeWindow:
        """Ends the window and reads the energies. Ending again does nothing."""
        if self._h:
            self._ask(_lib.zeus_amd_node_window_end, self._take())
        return self

    def __enter__(self) -> NodeWindow:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()


class Sampler(_Owner):
    """Samples all GPUs in the background; `for sample in sampler` drains the samples. Leaving a `with` stops it; its samples
    stay until free()."""

    _free = _lib.zeus_amd_sampler_free

    def __init__(self, session: Session, capacity: int = 0, period_ns: int = 0) -> None:
        super().__init__()
        self.lost = 0  # samples that were overwritten before they were drained
        session._call("sampler_start", byref(_SamplerOptions(capacity=capacity, period_ns=period_ns)), byref(self._h))

    def stop(self) -> None:
        _check(_lib.zeus_amd_sampler_stop(self._h))

    def drain(self) -> Any:
        """The samples that wait: a ctypes array, which numpy.ctypeslib.as_array() accepts."""
        count, lost = c_uint32(0), c_uint64(0)
        _check(_lib.zeus_amd_sampler_drain(self._h, None, byref(count), None))
        samples = (Sample * count.value)()
        if count.value:
            samples[0].struct_size = ctypes.sizeof(Sample)
            _check(_lib.zeus_amd_sampler_drain(self._h, samples, byref(count), byref(lost)))
            self.lost += lost.value
        # Another thread may have drained in between.
        return samples if count.value == len(samples) else (Sample * count.value).from_buffer_copy(samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.drain())

    def energy_between(self, gpu: int, from_ns: int, to_ns: int) -> GpuEnergy:
        """Between two times of now_ns(), from the samples that are still in the ring buffer, drained or not."""
        energy = GpuEnergy()
        _check(_lib.zeus_amd_sampler_energy_between(self._h, gpu, from_ns, to_ns, byref(energy)))
        return energy

    def free(self) -> None:
        self._free(self._take())

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()


class Guard(_Owner):
    """end() restores the power limits and clocks that were changed through the session in the meantime. With a watcher they
    are restored as well if the process is killed."""

    _free = _lib.zeus_amd_guard_end

    def __init__(self, session: Session, watcher: bool = False) -> None:
        super().__init__()
        session._call("guard_begin", GuardFlag.WATCHER if watcher else 0, byref(self._h))

    def info(self, gpu: int) -> GuardInfo:
        """What it restores on a GPU."""
        info = GuardInfo()
        _check(_lib.zeus_amd_guard_info(self._h, gpu, byref(info)))
        return info

    def end(self) -> None:
        """Ending again does nothing. After a failure the guard is open still, and may be ended again."""
        handle = self._take()
        status = _lib.zeus_amd_guard_end(handle)
        if status != 0:
            self._h = handle
        _check(status)

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()


# The default session: opened when it is first needed, once per process.

_default: Optional[Session] = None
_default_lock = threading.Lock()


def _after_fork() -> None:
    global _default, _default_lock
    _default, _default_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def session() -> Session:
    """The session of this process, with the default options."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Session()
        return _default


def window() -> Window:
    """`with zeus_amd.window() as w: ...`, then `w.total.energy_mj`: over all GPUs of this process."""
    return session().window()
