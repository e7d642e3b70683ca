# SPDX-License-Identifier: Apache-2.0
"""Sessions, and what they begin: windows, samplers and guards."""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import os
from ctypes import byref, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Iterator, List, Optional, Tuple

from ._library import _call, _check, _last_error, _lib
from ._numbers import *
from ._structs import *
from ._structs import _number, _Options, _SamplerOptions, _Struct

_AMDSMI_VARIABLES = ("ZEUS_AMD_AMDSMI", "AMDSMI_LIB_OVERRIDE", "AMDSMI_LIB_DIR", "ROCM_PATH", "ROCM_HOME")


def _wheel_amdsmi() -> Optional[str]:
    """The folder of libamd_smi in the wheel rocm-sdk-core of this interpreter, unless a variable names another one."""
    if any(os.environ.get(name) for name in _AMDSMI_VARIABLES):
        return None
    spec = importlib.util.find_spec("_rocm_sdk_core")
    folders = [os.path.join(root, "lib") for root in (spec and spec.submodule_search_locations) or ()]
    has_library = lambda folder: any(map(os.path.isfile, glob.glob(os.path.join(glob.escape(folder), "libamd_smi.so*"))))
    return next(filter(has_library, folders), None)


def _options(options: dict) -> _Options:
    options = {**options, "amdsmi_path": options.get("amdsmi_path") or _wheel_amdsmi()}
    values = {n: os.fsencode(v) if isinstance(v, (str, os.PathLike)) else v for n, v in options.items()}
    if any(n.endswith("_visible_devices") and v is not None for n, v in values.items()):
        values["flags"] = values.get("flags", 0) | Open.EXPLICIT_MASKS
    return _Options(**values)


def probe(**options: Any) -> None:
    """Raises if no session can be opened; loads and initialises nothing. Options as for Session."""
    _check(_lib.zeus_amd_probe(byref(_options(options))))


def limited_time(begin: LimitCounts, end: LimitCounts) -> LimitedTime:
    """What was counted between two readings; a limit held for the share ppt_cycles / cycles of the time, and so on."""
    limited = LimitedTime()
    _check(_lib.zeus_amd_limited_time(byref(begin), byref(end), byref(limited)))
    return limited


class _Owner:
    """Holds one handle, NULL after it was closed."""

    _free: Any  # of the class, because a module's names may be gone before its objects
    _over = "has ended"

    def __init__(self, session: Optional[Session] = None) -> None:
        self._h = c_void_p()
        self._session = session  # kept open: with it a sampler stops, and a guard ends

    def __del__(self) -> None:
        if self._h:
            self._free(self._take())

    def __repr__(self) -> str:
        return f"<zeus_amd.{type(self).__name__}{'' if self._h else ', ended'}>"

    def _call(self, name: str, *arguments: Any) -> None:
        if not self._h:
            raise Error(Status.INVALID_ARGUMENT, f"{name}: this {type(self).__name__.lower()} {self._over}")
        _call(name, self._h, *arguments)

    def _take(self) -> c_void_p:
        handle, self._h = self._h, type(self._h)()
        return handle


class Session(_Owner):
    """The GPUs of this process. Options are the fields of zeus_amd_options_t: flags (Open), backend, validation,
    energy_resolution, init_timeout_ms, amdsmi_path, runtime_version, and masks (rocr_visible_devices, hip_visible_devices,
    cuda_visible_devices), which replace those of the environment. It is closed by close(), or with the last of what refers to
    it: windows, samplers and guards do."""

    _free = _lib.zeus_amd_close
    _over = "is closed"

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

    # Made from zeus_amd.h by ZEUS_AMD_BLESS=1 cargo test header:: (numbers of one GPU)
    def power_instant_mw(self, gpu: int) -> int:
        return self._get("power_instant_mw", c_uint64, gpu)

    def power_average_mw(self, gpu: int) -> int:
        return self._get("power_average_mw", c_uint64, gpu)

    def energy_mj(self, gpu: int) -> int:
        return self._get("energy_mj", c_uint64, gpu)

    def energy_counter_usable(self, gpu: int) -> bool:
        return bool(self._get("energy_counter_usable", c_uint32, gpu))

    def temperature_c(self, gpu: int) -> int:
        return self._get("temperature_c", c_int32, gpu)

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

    def memory_power_average_mw(self, gpu: int) -> int:
        return self._get("memory_power_average_mw", c_uint64, gpu)

    def persistence_mode(self, gpu: int) -> bool:
        return bool(self._get("persistence_mode", c_uint32, gpu))

    def supports_nonblocking_setters(self, gpu: int) -> bool:
        return bool(self._get("supports_nonblocking_setters", c_uint32, gpu))
    # End of what is made

    def energy_raw(self, gpu: int) -> EnergyRaw:
        return self._get("energy_raw", EnergyRaw, gpu)

    def read_all(self) -> List[Reading]:
        """Energy, power and temperature of each GPU. A value that is not set is None."""
        count = c_uint32(len(self))
        readings = (Reading * max(count.value, 1))()
        readings[0].struct_size = ctypes.sizeof(Reading)
        self._call("read_all", readings, byref(count))
        return list(readings)[: count.value]

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
        super().__init__(session)
        self._room = len(session)
        self.total: Any = None  # TotalEnergy
        self.reason = ""
        self.gpus: List[GpuEnergy] = []
        session._call("window_begin", byref(self._h))

    def _free(self, handle: c_void_p, end: Any = _lib.zeus_amd_window_end) -> None:
        end(handle, None, None, None)

    def _ask(self, name: str, handle: c_void_p) -> Window:
        if not handle:
            self._call(name)
        total, gpus, count = TotalEnergy(), (GpuEnergy * max(self._room, 1))(), c_uint32(self._room)
        gpus[0].struct_size = ctypes.sizeof(GpuEnergy)
        status = getattr(_lib, "zeus_amd_" + name)(handle, byref(total), gpus, byref(count))
        # A total without an energy is a failure, but all is written.
        if not total.duration_ns:
            _check(status)
        self.total, self.reason = (None, _last_error()) if status else (total, "")
        self.gpus = list(gpus)[: count.value]
        return self

    def read(self) -> Window:
        """Reads the energies up to now; the window stays open."""
        return self._ask("window_read", self._h)

    def lap(self) -> Window:
        """Reads the energies since the last lap, or since the start; the window stays open. Laps add up."""
        return self._ask("window_lap", self._h)

    def restart(self) -> None:
        """Restarts it, as if the window had been ended and begun. Energies that were read stay."""
        self._call("window_restart")

    def end(self) -> Window:
        """Ends the window and reads the energies. Ending again does nothing."""
        if self._h:
            self._ask("window_end", self._take())
        return self

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()


class NodeWindow(_Owner):
    """Measures the node and its GPUs from its construction to its end. After end() or read(), `total` and `domains` are the
    energies, in the order of Session.node_domains(). Where nothing has one, `total` is None, and `reason` says why."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._room = session._get("node_domain_count", c_uint32)
        self._gpus = len(session)
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
        """The first GPUs up to now, as Window.read() has them: `room` of them, or all if there are fewer."""
        room = _number(c_uint32, room, "gpus")
        # The library reads all or none.
        window, gpus, count = c_void_p(), (GpuEnergy * max(self._gpus, 1))(), c_uint32(self._gpus)
        _check(_lib.zeus_amd_node_window_gpus(self._h, byref(window)))
        gpus[0].struct_size = ctypes.sizeof(GpuEnergy)
        _check(_lib.zeus_amd_window_read(window, None, gpus, byref(count)))
        return list(gpus)[: min(room, count.value)]

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
    _over = "is freed"

    def __init__(self, session: Session, capacity: int = 0, period_ns: int = 0) -> None:
        super().__init__(session)
        self.lost = 0  # samples that were overwritten before they were drained
        session._call("sampler_start", byref(_SamplerOptions(capacity=capacity, period_ns=period_ns)), byref(self._h))

    def stop(self) -> None:
        self._call("sampler_stop")

    def drain(self) -> Any:
        """The samples that wait: a ctypes array, which numpy.ctypeslib.as_array() accepts."""
        count, lost = c_uint32(0), c_uint64(0)
        self._call("sampler_drain", None, byref(count), None)
        samples = (Sample * count.value)()
        if count.value:
            samples[0].struct_size = ctypes.sizeof(Sample)
            self._call("sampler_drain", samples, byref(count), byref(lost))
            self.lost += lost.value
        # Another thread may have drained in between.
        return samples if count.value == len(samples) else (Sample * count.value).from_buffer_copy(samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.drain())

    def energy_between(self, gpu: int, from_ns: int, to_ns: int) -> GpuEnergy:
        """Between two times of now_ns(), from the samples that are still in the ring buffer, drained or not."""
        energy = GpuEnergy()
        self._call("sampler_energy_between", gpu, from_ns, to_ns, byref(energy))
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
        super().__init__(session)
        session._call("guard_begin", GuardFlag.WATCHER if watcher else 0, byref(self._h))

    def info(self, gpu: int) -> GuardInfo:
        """What it restores on a GPU."""
        info = GuardInfo()
        self._call("guard_info", gpu, byref(info))
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
