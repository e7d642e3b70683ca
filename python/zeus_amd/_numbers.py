# SPDX-License-Identifier: Apache-2.0
"""Numbers of the header, and the error that carries one."""

from __future__ import annotations

import enum
from typing import Union


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
    FOREIGN_GUARDS = 4


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


class Error(Exception):
    """`status` is a Status (a number if only a newer library knows it); `text` is the message: what failed, on which GPU, and
    what to do about it."""

    __module__ = "zeus_amd"

    def __init__(self, status: Union[Status, int], text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text

    def __str__(self) -> str:
        return f"{self.text} [{self.status.name if isinstance(self.status, Status) else self.status}]"
