# SPDX-License-Identifier: Apache-2.0
"""Zeus (https://ml.energy/zeus) on this library. After

    import zeus_amd.zeus

Zeus's get_gpus(), monitors and optimizers read AMD GPUs by it instead of the package amdsmi: any ROCm or none, all masks,
also in child processes that multiprocessing starts. With the wheel, ZEUS_AMD_FOR_ZEUS=1 in the environment does the same
without a line of code.

What is another than in Zeus: a GPU without a trusted energy counter has an energy all the same, which is integrated from
its power; a counter of 32 bits does not wrap around; set_persistence_mode(True) does nothing instead of failing, because
amdgpu keeps the settings of an idle GPU.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
import threading
import time
from typing import Any, Dict, List, Sequence, Set, Tuple

from . import EnergyResolution, Error, GpuEnergy, Open, Session, Status, status_string

# Not by attribute: zeus_amd_for_zeus comes here while the module is being imported.
_layer = importlib.import_module("zeus.device.gpu")
_amd = importlib.import_module("zeus.device.gpu.amd")
common = importlib.import_module("zeus.device.gpu.common")

_ERRORS = {
    Status.INVALID_ARGUMENT: common.ZeusGPUInvalidArgError,
    Status.OUT_OF_RANGE: common.ZeusGPUInvalidArgError,
    Status.NOT_SUPPORTED: common.ZeusGPUNotSupportedError,
    # For the moment there is no value. Zeus's polling processes end with any other error.
    Status.STALE: common.ZeusGPUNotSupportedError,
    Status.BUSY: common.ZeusGPUNotSupportedError,
    Status.NOT_READY: common.ZeusGPUNotSupportedError,
    Status.NO_PERMISSION: common.ZeusGPUNoPermissionError,
    Status.NOT_FOUND: common.ZeusGPUNotFoundError,
    Status.BUFFER_TOO_SMALL: common.ZeusGPUInsufficientSizeError,
    Status.DRIVER_NOT_LOADED: common.ZeusGPUDriverNotLoadedError,
    Status.TIMEOUT: common.ZeusGPUTimeoutError,
    Status.LIBRARY_NOT_FOUND: common.ZeusGPULibraryNotFoundError,
    Status.LIBRARY_SYMBOLS: common.ZeusGPUFunctionNotFoundError,
    Status.DEVICE_LOST: common.ZeusGPULostError,
    Status.IO: common.ZeusGPUOperatingSystemError,
    Status.NO_MEMORY: common.ZeusGPUMemoryError,
    Status.HETEROGENEOUS: common.ZeusGPUHeterogeneousError,
    Status.NOT_INITIALIZED: common.ZeusGPUInitError,
}


def _raised(status: Any, text: str) -> Exception:
    return _ERRORS.get(status, common.ZeusGPUUnknownError)(text)


# Of the process: one thread of a forked child opens its session.
_opening = threading.Lock()


def _after_fork() -> None:
    global _opening
    _opening = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)

_MASKS = ("rocr_visible_devices", "hip_visible_devices", "cuda_visible_devices")


class _Process:
    """Session and window of this process. A forked child opens its own, of the same GPUs whatever its masks are by then. Its
    energies begin with the counters' values, and so go on from the parent's; but not where a counter of 32 bits has wrapped
    around since, or where there is no trusted one."""

    SHARED_NS = 1_000_000

    def __init__(self) -> None:
        self._masks = {name: os.environ.get(name.upper()) for name in _MASKS}
        self._open(Open.WAKE_SUSPENDED)

    def _open(self, flags: Open, **masks: Any) -> None:
        # The counters' values in the unit of the window's energies: a child has a value of what the parent has from its window.
        self.session = Session(flags=flags, energy_resolution=EnergyResolution.FIRMWARE, **masks)
        self._lock = threading.Lock()
        self._since_mj = [self._counted_mj(i) for i in range(len(self.session))]
        self._window = self.session.window()
        self._gpus: List[GpuEnergy] = self._window.read().gpus
        self._unread: Set[int] = set()
        self._read_ns = 0
        self.has_energy = [gpu.energy_mj is not None for gpu in self._gpus]
        self._pid = os.getpid()

    def mine(self) -> _Process:
        if self._pid != os.getpid():
            with _opening:
                try:
                    if self._pid != os.getpid():
                        self._open(Open.WAKE_SUSPENDED | Open.EXPLICIT_MASKS, **self._masks)
                except Error as e:
                    raise _raised(e.status, e.text) from e
        return self

    def _counted_mj(self, index: int) -> int:
        try:
            return self.session.energy_mj(index)
        except Error:
            return 0

    def energy_mj(self, index: int) -> int:
        """Those who ask for one GPU after the other get one reading of all."""
        with self._lock:
            if index not in self._unread or time.monotonic_ns() - self._read_ns > self.SHARED_NS:
                self._gpus, self._unread = self._window.read().gpus, set(range(len(self._gpus)))
                self._read_ns = time.monotonic_ns()
            self._unread.discard(index)
            gpu = self._gpus[index]
        if gpu.energy_mj is None:
            raise _raised(gpu.status, f"GPU {index} has no energy: {status_string(gpu.status)}")
        return self._since_mj[index] + gpu.energy_mj


class AMDGPU(common.GPU):
    """A GPU of HIP's index, PyTorch's cuda:N. `gpu_index` is its index without masks, as in Zeus."""

    def __init__(self, gpu_index: int, process: _Process) -> None:
        unmasked = process.session.gpu_info(gpu_index).unmasked_index
        super().__init__(gpu_index if unmasked is None else unmasked)
        self._index, self._process = gpu_index, process

    def _ask(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self._process.mine().session, name)(self._index, *arguments)
        except Error as e:
            raise _raised(e.status, e.text) from e

    @property
    def supports_nonblocking_setters(self) -> bool:
        return False

    def get_name(self) -> str:
        name = self._ask("gpu_info").name
        if name is None:
            raise common.ZeusGPUNotSupportedError(f"GPU {self._index} has no name")
        return name

    def get_power_management_limit_constraints(self) -> Tuple[int, int]:
        """Of those that can be set: where the driver says 0, a tenth of the default."""
        low, high = self._ask("power_limit_range_mw")
        return low or max(-(-self._ask("power_limit_default_mw") // 10), 1000), high

    def get_power_management_limit(self) -> int:
        return self._ask("power_limit_mw")

    def set_power_management_limit(self, power_limit_mw: int, block: bool = True) -> None:
        # What is so already needs no rights.
        if self.get_power_management_limit() != power_limit_mw:
            self._ask("set_power_limit_mw", power_limit_mw)

    def reset_power_management_limit(self, block: bool = True) -> None:
        if self.get_power_management_limit() != self._ask("power_limit_default_mw"):
            self._ask("reset_power_limit")

    def set_persistence_mode(self, enabled: bool, block: bool = True) -> None:
        if not enabled:
            raise common.ZeusGPUNotSupportedError("AMD GPUs have no persistence mode that could be disabled")

    def get_persistence_mode(self) -> bool:
        return self._ask("persistence_mode")

    def get_supported_memory_clocks(self) -> List[int]:
        return list(self._ask("memory_clock_levels_mhz")[::-1])

    def set_memory_locked_clocks(self, min_clock_mhz: int, max_clock_mhz: int, block: bool = True) -> None:
        self._ask("lock_memory_clocks_mhz", min_clock_mhz, max_clock_mhz)

    def reset_memory_locked_clocks(self, block: bool = True) -> None:
        self._ask("reset_memory_clocks")

    def get_supported_graphics_clocks(self, memory_clock_mhz: int | None = None) -> List[int]:
        return list(self._ask("graphics_clock_levels_mhz")[::-1])

    def set_gpu_locked_clocks(self, min_clock_mhz: int, max_clock_mhz: int, block: bool = True) -> None:
        self._ask("lock_graphics_clocks_mhz", min_clock_mhz, max_clock_mhz)

    def reset_gpu_locked_clocks(self, block: bool = True) -> None:
        self._ask("reset_graphics_clocks")

    def get_average_power_usage(self) -> int:
        return self._ask("power_average_mw")

    def get_instant_power_usage(self) -> int:
        return self._ask("power_instant_mw")

    def get_average_memory_power_usage(self) -> int:
        return self._ask("memory_power_average_mw")

    def supports_get_total_energy_consumption(self) -> bool:
        return self._process.mine().has_energy[self._index]

    def get_total_energy_consumption(self) -> int:
        try:
            return self._process.mine().energy_mj(self._index)
        except Error as e:
            raise _raised(e.status, e.text) from e

    def get_gpu_temperature(self) -> int:
        """The hotspot's, in degrees Celsius."""
        return self._ask("temperature_c")


class AMDGPUs(common.GPUs):
    """The GPUs that ROCR_, HIP_ and CUDA_VISIBLE_DEVICES leave to this process, in HIP's order."""

    def __init__(self, ensure_homogeneous: bool = False) -> None:
        try:
            process = _Process()
            reason = process.session.info().no_gpu_reason
        except Error as e:
            raise common.ZeusGPUInitError(f"zeus_amd: {e.text}") from e
        if not len(process.session):
            text = status_string(reason)
            raise common.ZeusGPUInitError(f"zeus_amd: no GPU: {text}; python -m zeus_amd shows how the list was made")
        self._gpus = [AMDGPU(i, process) for i in range(len(process.session))]
        if ensure_homogeneous:
            self._ensure_homogeneous()

    def __del__(self) -> None:
        """The session is closed with the last GPU."""

    @property
    def gpus(self) -> Sequence[AMDGPU]:
        return self._gpus


def install() -> None:
    """Puts the classes into Zeus's modules, from which get_gpus() takes them at each call."""
    if isinstance(_layer._gpus, _layer.AMDGPUs):
        _layer._gpus = None
    for module in (_layer, _amd):
        # What there is to say of missing GPUs, AMDGPUs() says.
        module.amdsmi_is_available = lambda: True
        module.AMDGPUs, module.AMDGPU = AMDGPUs, AMDGPU
    # Copied into each child process that multiprocessing starts, which imports this module to unpickle it.
    multiprocessing.current_process()._config["zeus_amd"] = install  # type: ignore[attr-defined]


install()
