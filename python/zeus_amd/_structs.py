# SPDX-License-Identifier: Apache-2.0
"""Structs of the header. A value that is not set is None; enums are members of their classes."""

from __future__ import annotations

import ctypes
import enum
import operator
from ctypes import c_char, c_char_p, c_double, c_int32, c_uint32, c_uint64
from typing import Any, Callable, Dict, Iterator, Tuple

from ._numbers import *


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


def _number(kind: Any, value: Any, what: str) -> int:
    """ctypes would cut a number, and so name another GPU or another limit."""
    try:
        number = operator.index(value)
    except TypeError:
        raise Error(Status.INVALID_ARGUMENT, f"{what}: {value!r} is not a whole number") from None
    if kind(number).value != number:
        most = 2 ** (8 * ctypes.sizeof(kind)) - 1
        raise Error(Status.INVALID_ARGUMENT, f"{what}: {number} is not between 0 and {most}")
    return number


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Flag):
        return value.value
    return value.name if isinstance(value, enum.Enum) else value


class _Struct(ctypes.Structure):
    _means_: dict = {}

    def __init__(self, **values: Any) -> None:
        super().__init__(struct_size=ctypes.sizeof(type(self)))
        kinds = dict(self._fields_)  # type: ignore[arg-type]
        for name, value in values.items():
            if name not in kinds:
                raise TypeError(f"{type(self).__name__.strip('_')} has no {name}")
            setattr(self, name, _number(kinds[name], value, name) if kinds[name] in (c_uint32, c_uint64) else value)

    def _values(self) -> Iterator[Tuple[str, Any]]:
        return ((n, getattr(self, n)) for n, *_ in self._fields_ if n not in ("struct_size", "reserved"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in self._values())})"

    def as_dict(self) -> Dict[str, Any]:
        """By field, for tables: pandas.DataFrame([gpu.as_dict() for gpu in window.gpus]). Flags are numbers, other enums their
        names, and a value that is not set is None."""
        return {n: _plain(v) for n, v in self._values()}


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
        ("counter_power_uncertainty_mw", c_uint64),
        ("power_begin_ns", c_uint64),
        ("power_end_ns", c_uint64),
    ]
    _means_ = {
        "valid": _known(SampleValid),
        "flags": _known(SampleFlag),
        "energy_uj": _if_set(SampleValid.ENERGY),
        "power_mw": _if_set(SampleValid.POWER),
        "counter_power_mw": _if_set(SampleValid.COUNTER_POWER),
        "counter_power_uncertainty_mw": _if_set(SampleValid.COUNTER_POWER),
        "power_begin_ns": _if_set(SampleValid.POWER),
        "power_end_ns": _if_set(SampleValid.POWER),
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
        ("beside_uj", c_uint64),
        ("beside_uncertainty_uj", c_uint64),
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
