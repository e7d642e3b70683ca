# SPDX-License-Identifier: Apache-2.0
"""Functions of the header, and the library that has them."""

from __future__ import annotations

import atexit
import ctypes
import os
import time
from ctypes import POINTER, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Optional, Tuple, Union

from ._numbers import *
from ._structs import *
from ._structs import _known, _number, _Options, _SamplerOptions

_LogFn = ctypes.CFUNCTYPE(None, c_uint32, c_char_p, c_void_p)
_u32s, _u64s, _i32s, _handle, _sizes = POINTER(c_uint32), POINTER(c_uint64), POINTER(c_int32), c_void_p, POINTER(c_size_t)
_window = (c_int32, _handle, POINTER(TotalEnergy), POINTER(GpuEnergy), _u32s)

# Result, then arguments.
_FUNCTIONS = {
    "version": (c_uint32,),
    "version_string": (c_char_p,),
    "status_string": (c_char_p, c_int32),
    "method_string": (c_char_p, c_uint32),
    "counter_state_string": (c_char_p, c_uint32),
    "last_error": (c_size_t, c_char_p, c_size_t),
    "set_log": (c_int32, _LogFn, c_uint32, c_void_p),
    "now_ns": (c_uint64,),
    "open": (c_int32, POINTER(_Options), POINTER(_handle)),
    "close": (None, _handle),
    "probe": (c_int32, POINTER(_Options)),
    "session_info": (c_int32, _handle, POINTER(SessionInfo)),
    "gpu_count": (c_int32, _handle, _u32s),
    "gpu_info": (c_int32, _handle, c_uint32, POINTER(GpuInfo)),
    "find_by_pci": (c_int32, _handle, c_char_p, _u32s),
    "find_by_uuid": (c_int32, _handle, c_char_p, _u32s),
    "explain": (c_int32, _handle, c_char_p, c_size_t, _sizes),
    # Made from zeus_amd.h by ZEUS_AMD_BLESS=1 cargo test header:: (numbers of one GPU)
    "power_instant_mw": (c_int32, _handle, c_uint32, _u64s),
    "power_average_mw": (c_int32, _handle, c_uint32, _u64s),
    "energy_mj": (c_int32, _handle, c_uint32, _u64s),
    "energy_counter_usable": (c_int32, _handle, c_uint32, _u32s),
    "temperature_c": (c_int32, _handle, c_uint32, _i32s),
    "power_limit_mw": (c_int32, _handle, c_uint32, _u64s),
    "power_limit_default_mw": (c_int32, _handle, c_uint32, _u64s),
    "power_limit_range_mw": (c_int32, _handle, c_uint32, _u64s, _u64s),
    "memory_clock_levels_mhz": (c_int32, _handle, c_uint32, _u32s, _u32s),
    "graphics_clock_levels_mhz": (c_int32, _handle, c_uint32, _u32s, _u32s),
    "memory_clock_range_mhz": (c_int32, _handle, c_uint32, _u32s, _u32s),
    "graphics_clock_range_mhz": (c_int32, _handle, c_uint32, _u32s, _u32s),
    "memory_power_average_mw": (c_int32, _handle, c_uint32, _u64s),
    "persistence_mode": (c_int32, _handle, c_uint32, _u32s),
    "supports_nonblocking_setters": (c_int32, _handle, c_uint32, _u32s),
    # End of what is made
    "energy_raw": (c_int32, _handle, c_uint32, POINTER(EnergyRaw)),
    "read_all": (c_int32, _handle, POINTER(Reading), _u32s),
    "set_power_limit_mw": (c_int32, _handle, c_uint32, c_uint64),
    "reset_power_limit": (c_int32, _handle, c_uint32),
    "set_persistence_mode": (c_int32, _handle, c_uint32, c_uint32),
    "lock_memory_clocks_mhz": (c_int32, _handle, c_uint32, c_uint32, c_uint32),
    "lock_graphics_clocks_mhz": (c_int32, _handle, c_uint32, c_uint32, c_uint32),
    "reset_memory_clocks": (c_int32, _handle, c_uint32),
    "reset_graphics_clocks": (c_int32, _handle, c_uint32),
    "reset_clocks": (c_int32, _handle, c_uint32),
    "window_begin": (c_int32, _handle, POINTER(_handle)),
    "window_read": _window,
    "window_lap": _window,
    "window_restart": (c_int32, _handle),
    "window_end": _window,
    "limit_counts": (c_int32, _handle, c_uint32, POINTER(LimitCounts)),
    "limited_time": (c_int32, POINTER(LimitCounts), POINTER(LimitCounts), POINTER(LimitedTime)),
    "node_domain_kind_string": (c_char_p, c_uint32),
    "node_domain_count": (c_int32, _handle, _u32s),
    "node_domain_info": (c_int32, _handle, c_uint32, POINTER(NodeDomainInfo)),
    "node_energy_uj": (c_int32, _handle, c_uint32, _u64s, _u64s),
    "node_power_mw": (c_int32, _handle, c_uint32, _u64s, _u64s),
    "node_window_begin": (c_int32, _handle, POINTER(_handle)),
    "node_window_gpus": (c_int32, _handle, POINTER(_handle)),
    "node_window_read": (c_int32, _handle, POINTER(NodeTotal), POINTER(NodeEnergy), _u32s),
    "node_window_end": (c_int32, _handle, POINTER(NodeTotal), POINTER(NodeEnergy), _u32s),
    "sampler_start": (c_int32, _handle, POINTER(_SamplerOptions), POINTER(_handle)),
    "sampler_stop": (c_int32, _handle),
    "sampler_drain": (c_int32, _handle, POINTER(Sample), _u32s, _u64s),
    "sampler_energy_between": (c_int32, _handle, c_uint32, c_uint64, c_uint64, POINTER(GpuEnergy)),
    "sampler_free": (None, _handle),
    "guard_begin": (c_int32, _handle, c_uint32, POINTER(_handle)),
    "guard_info": (c_int32, _handle, c_uint32, POINTER(GuardInfo)),
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


def _last_error() -> str:
    text = ctypes.create_string_buffer(2048)
    _lib.zeus_amd_last_error(text, len(text))
    return text.value.decode(errors="replace")


def _check(status: int) -> None:
    if status != 0:
        raise Error(_known(Status)(None, status), _last_error())


def _call(name: str, *arguments: Any) -> None:
    function = getattr(_lib, "zeus_amd_" + name)
    numbers = (c_uint32, c_uint64)
    _check(function(*(_number(k, a, name) if k in numbers else a for k, a in zip(function.argtypes, arguments))))


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
    _call("set_log", _LogFn() if callback is None else _to_log, level, None)
    _log = callback


@atexit.register
def _end_of_log() -> None:
    """Before Python 3.14, interpreter shutdown kills threads that re-enter Python, and a thread inside the library takes the
    process with it. A thread that is about to log gets the time to finish."""
    if _log is not None:
        set_log(None)
        time.sleep(0.01)
