"""Zeus from PyPI, unchanged, and this library in one process on a simulated machine: every method of Zeus's AMDGPUs and
AMDGPU that has a counterpart here is asked of both, with the machine's clock held, and both must say the same. What this
library says is held to the machine file besides; where Zeus is known to be wrong, `zeus_errs` says how and why, and that
it is wrong exactly so, so that the day it changes shows.

Runs inside a machine, with ZEUS_AMD_LIBRARY naming this library, and python/ on the path:
    simulator/run --machine mi300x-8 --rocm 6.4.3 -- python test_zeus.py
ZEUS_FAILS=ZeusGPUNotFoundError says that Zeus cannot open this machine; this library must all the same.
    python test_zeus.py --faults
prints the machine's options under which one GPU or another fails with each status of AMD's that Zeus knows.
"""

import ctypes
import gc
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
from fractions import Fraction

# AMD's status: the exception that Zeus makes of it, and the status that this library makes of it.
STATUSES = {
    1: ("ZeusGPUInvalidArgError", "INVALID_ARGUMENT"),
    2: ("ZeusGPUNotSupportedError", "NOT_SUPPORTED"),
    8: ("ZeusGPUTimeoutError", "TIMEOUT"),
    10: ("ZeusGPUNoPermissionError", "NO_PERMISSION"),
    15: ("ZeusGPUMemoryError", "NO_MEMORY"),
    18: ("ZeusGPUInitError", "NOT_INITIALIZED"),
    31: ("ZeusGPUNotFoundError", "NOT_FOUND"),
    32: ("ZeusGPUInitError", "NOT_INITIALIZED"),
    34: ("ZeusGPUDriverNotLoadedError", "DRIVER_NOT_LOADED"),
    41: ("ZeusGPUInsufficientSizeError", "BUFFER_TOO_SMALL"),
    45: ("ZeusGPUDriverNotLoadedError", "DRIVER_NOT_LOADED"),
    46: ("ZeusGPUDriverNotLoadedError", "DRIVER_NOT_LOADED"),
    47: ("ZeusGPUDriverNotLoadedError", "DRIVER_NOT_LOADED"),
    48: ("ZeusGPUNotSupportedError", "NOT_SUPPORTED"),
    49: ("ZeusGPUNotSupportedError", "NOT_SUPPORTED"),
    50: ("ZeusGPUTimeoutError", "TIMEOUT"),
    51: ("ZeusGPUDriverNotLoadedError", "DRIVER_NOT_LOADED"),
    52: ("ZeusGPULibraryNotFoundError", "LIBRARY_NOT_FOUND"),
    53: ("ZeusGPUInvalidArgError", "INVALID_ARGUMENT"),
    0xFFFFFFFF: ("ZeusGPUUnknownError", "UNKNOWN"),
    # Of those that Zeus does not know, four. This library knows them.
    3: ("ZeusGPUUnknownError", "NOT_SUPPORTED"),
    7: ("ZeusGPUUnknownError", "IO"),
    30: ("ZeusGPUUnknownError", "BUSY"),
    43: ("ZeusGPUUnknownError", "UNEXPECTED_DATA"),
}
MAY_FAIL = ["amdsmi_get_temp_metric", "amdsmi_get_power_cap_info", "amdsmi_get_clock_info"]

if sys.argv[1:] == ["--faults"]:
    for n, code in enumerate(STATUSES):
        print(f"gpu.{n % 8}.fault.{MAY_FAIL[n // 8]} = {code}")
    sys.exit()

import importlib.metadata

import zeus.device.gpu.common as zeus_errors
from zeus.device.gpu.amd import AMDGPU, AMDGPUs

import zeus_amd as ours
from zeus_amd import Backend, Status, CounterState

ROCM = tuple(int(x) for x in importlib.metadata.version("amdsmi").split(".")[:3])
ZEUS = tuple(int(x) for x in importlib.metadata.version("zeus").split(".")[:3])
CLOCKS = {"get_supported_memory_clocks": "mem", "get_supported_graphics_clocks": "gfx"}
RUN = pathlib.Path(__file__).resolve().parents[2] / "simulator" / "run"
DIR = os.environ["ZEUS_AMD_SIM"]

# Zeus's method: this library's.
METHODS = {
    # First, so soon after the clock was stopped that the count is not stale.
    "get_total_energy_consumption": lambda s, i: s.energy_mj(i),
    "get_name": lambda s, i: s.gpu_info(i).name,
    "get_instant_power_usage": lambda s, i: s.power_instant_mw(i),
    "get_average_power_usage": lambda s, i: s.power_average_mw(i),
    "get_average_memory_power_usage": lambda s, i: s.memory_power_average_mw(i),
    "supports_get_total_energy_consumption": lambda s, i: s.energy_counter_usable(i),
    "get_gpu_temperature": lambda s, i: s.temperature_c(i),
    "get_power_management_limit": lambda s, i: s.power_limit_mw(i),
    "get_power_management_limit_constraints": lambda s, i: s.power_limit_range_mw(i),
    "get_supported_memory_clocks": lambda s, i: s.memory_clock_levels_mhz(i)[::-1],
    "get_supported_graphics_clocks": lambda s, i: s.graphics_clock_levels_mhz(i)[::-1],
    "get_persistence_mode": lambda s, i: s.persistence_mode(i),
    "supports_nonblocking_setters": lambda s, i: s.supports_nonblocking_setters(i),
}
# The vendor call that a method stands on.
CALLS = {
    "get_total_energy_consumption": "amdsmi_get_energy_count",
    "get_gpu_temperature": "amdsmi_get_temp_metric",
    "get_power_management_limit": "amdsmi_get_power_cap_info",
    "get_power_management_limit_constraints": "amdsmi_get_power_cap_info",
    "get_supported_memory_clocks": "amdsmi_get_clock_info",
    "get_supported_graphics_clocks": "amdsmi_get_clock_info",
}
# Zeus's setters, and theirs here: compared in `Setters`.
SETTERS = {
    "set_power_management_limit": "set_power_limit_mw",
    "reset_power_management_limit": "reset_power_limit",
    "set_memory_locked_clocks": "lock_memory_clocks_mhz",
    "reset_memory_locked_clocks": "reset_memory_clocks",
    "set_gpu_locked_clocks": "lock_graphics_clocks_mhz",
    "reset_gpu_locked_clocks": "reset_graphics_clocks",
    "set_persistence_mode": "set_persistence_mode",
}
# Zeus 0.15 has no such method.
if ZEUS < (0, 16):
    del METHODS["get_persistence_mode"]
# What the second die of a package and the later partitions of one have no value of their own of.
OF_THE_PACKAGE = {
    "get_instant_power_usage",
    "get_average_power_usage",
    "get_total_energy_consumption",
    "get_power_management_limit",
    "get_power_management_limit_constraints",
}


def simulator(*args):
    return subprocess.run([RUN, *args], check=True, capture_output=True, text=True).stdout


def outcome(call, *args):
    """A value, the name of Zeus's exception, or this library's status."""
    try:
        value = call(*args)
    except ours.Error as e:
        return e.status
    except zeus_errors.ZeusBaseGPUError as e:
        return type(e).__name__
    return tuple(value) if isinstance(value, list) else value


def ask_zeus(gpus, method, i):
    if hasattr(gpus, method):
        return outcome(getattr(gpus, method), i)
    return outcome(lambda: getattr(gpus.gpus[i], method))


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        machine = json.loads(pathlib.Path(DIR, "machine.json").read_text())["spec"]
        truth = json.loads(simulator("truth", "--dir", DIR))
        cls.faults = [machine["gpu"][str(g["number"])].get("fault") or {} for g in truth["gpus"]]
        cls.one_model = len({g["name"] for g in truth["gpus"]}) == 1

        # Both open, with half a second of validation each, on condition that all GPUs are of one model if they are.
        cls.zeus_error = zeus = None
        try:
            zeus = AMDGPUs(ensure_homogeneous=cls.one_model)
        except zeus_errors.ZeusBaseGPUError as e:
            cls.zeus_error = type(e).__name__
        gc.collect()
        session = cls.open_session()
        cls.counts = (len(zeus) if zeus else None, len(session))
        cls.infos = [session.gpu_info(i) for i in range(len(session))]
        cls.beyond = (
            outcome(AMDGPU, len(session)) if zeus else None,
            outcome(session.gpu_info, len(session)),
        )

        # This library is asked first, as it takes a counter that stands still for 250 ms for what it is. Where a busy
        # machine was slower than that, again with a new session: to the old one the held clock lies behind for good.
        for _ in range(20):
            simulator("clock", "--dir", DIR, "stop")
            if (6, 4, 2) <= ROCM < (7, 0, 0):
                time.sleep(0.11)  # libamd_smi's cache
            cls.our = {(m, i): outcome(f, session, i) for m, f in METHODS.items() for i in range(len(session))}
            if Status.STALE not in cls.our.values():
                break
            simulator("clock", "--dir", DIR, "start")
            session.close()
            session = cls.open_session()
        cls.zeus = {(m, i): ask_zeus(zeus, m, i) for m in METHODS for i in range(len(zeus))} if zeus else None
        cls.truth = json.loads(simulator("truth", "--dir", DIR))
        simulator("clock", "--dir", DIR, "start")

        # The end of Zeus's object shuts libamd_smi down.
        del zeus
        gc.collect()
        cls.without_zeus = outcome(session.temperature_c, 0)
        again = ours.Session(backend=Backend.AMDSMI, validation=ours.Validation.OFF)
        cls.opened_again = outcome(again.temperature_c, 0)
        again.close()
        session.close()

    @classmethod
    def open_session(cls):
        return ours.Session(
            backend=Backend.AMDSMI,  # as Zeus
            validation=ours.Validation.FIXED,
            flags=ours.Open.ENSURE_HOMOGENEOUS if cls.one_model else 0,
        )

    def gpu(self, i):
        """The GPU of HIP's index, and its number among the partitions of the package."""
        gpu, partition = self.truth["hip_order"][i]
        return self.truth["gpus"][gpu], partition

    def zeus_index(self, i):
        """Zeus's number for the GPU that HIP calls i: the same since 0.16, libamd_smi's before."""
        return i if ZEUS >= (0, 16) else self.truth["smi_order"].index(self.truth["hip_order"][i])

    def fault(self, method, i):
        return self.faults[self.truth["hip_order"][i][0]].get(CALLS.get(method))

    def right(self, method, i):
        """What the machine file says that this library must say."""
        gpu, partition = self.gpu(i)
        now, clocks = gpu["now"], gpu["clocks"]
        code = self.fault(method, i)
        stuck = gpu["counter"]["stuck_at_s"] == 0
        if method == "supports_get_total_energy_consumption":
            broken = self.fault("get_total_energy_consumption", i)
            return not (stuck or gpu["secondary_die"] or partition or broken)
        if method in OF_THE_PACKAGE and (gpu["secondary_die"] or partition):
            return Status.NOT_SUPPORTED
        # The levels come from sysfs, whatever libamd_smi answers.
        if code and method not in CLOCKS and not self.hwmon_has_it(method, code):
            return Status[STATUSES[code][1]]
        if method in CLOCKS and partition and (6, 4) <= ROCM < (7, 0):
            return Status.NOT_SUPPORTED
        if method == "get_gpu_temperature" and partition:
            return Status.NOT_SUPPORTED
        current = gpu["power_sensor"] == "current"
        # Exactly: libamd_smi reports the unit as a float.
        mj = now["accumulator"] * Fraction(ctypes.c_float(15.3).value) / 1000
        return {
            "get_name": gpu["name"],
            "get_instant_power_usage": now["power_w"] * 1000 if current else Status.NOT_SUPPORTED,
            "get_average_power_usage": Status.NOT_SUPPORTED if current else now["power_w"] * 1000,
            "get_average_memory_power_usage": Status.NOT_SUPPORTED,
            "get_total_energy_consumption": Status.NOT_SUPPORTED if stuck else int(mj),
            "get_gpu_temperature": gpu["temps_mc"]["hotspot"] // 1000,
            "get_power_management_limit": gpu["cap_uw"] // 1000,
            "get_power_management_limit_constraints": (gpu["min_cap_uw"] // 1000, gpu["max_cap_uw"] // 1000),
            "get_supported_memory_clocks": (clocks["mem"]["levels"][-1], clocks["mem"]["levels"][0]),
            "get_supported_graphics_clocks": (clocks["gfx"]["levels"][-1], clocks["gfx"]["levels"][0]),
            "get_persistence_mode": Status.NOT_SUPPORTED,
            "supports_nonblocking_setters": False,
        }[method]

    def hwmon_has_it(self, method, code):
        """A temperature that libamd_smi does not support."""
        return method == "get_gpu_temperature" and STATUSES[code][1] == "NOT_SUPPORTED"

    def zeus_errs(self, method, i):
        """None, or Zeus's wrong answer and the reason."""
        gpu, _ = self.gpu(i)
        if self.fault(method, i):
            if method in CLOCKS or self.hwmon_has_it(method, self.fault(method, i)):
                return STATUSES[self.fault(method, i)][0], "libamd_smi fails, and sysfs has the value"
            return None
        if method == "get_gpu_temperature":
            return gpu["temps_mc"]["hotspot"] // 1000 // 1000, "libamd_smi says °C, and Zeus divides by 1000 again"
        if method in CLOCKS and (6, 4) <= ROCM < (7, 0):
            # The level of the present clock is skipped.
            clock = gpu["clocks"][CLOCKS[method]]
            levels = [mhz for mhz in clock["levels"] if mhz != min(clock["levels"], key=lambda l: abs(l - clock["now"]))]
            wrong = (levels[-1], levels[0])
            if self.gpu(i)[1] or wrong != (clock["levels"][-1], clock["levels"][0]):
                return wrong, "libamd_smi of 6.4 leaves out the level that is marked as the present one"
        if gpu["secondary_die"] and "limit" in method:
            limits = {"get_power_management_limit": 0, "get_power_management_limit_constraints": (0, 0)}
            return limits[method], "Zeus takes the second die's 0 W for a limit"
        recognised = "MI250" in gpu["name"] and self.zeus_index(i) % 2 == 1
        if gpu["secondary_die"] and method == "get_average_power_usage" and not recognised:
            return 0, "Zeus knows second dies by the name MI250 and an odd index, and takes this one's 0 W for its power"
        if method == "get_power_management_limit" and ROCM < (6, 3) and gpu["cap_uw"] >= 10**9:
            return gpu["cap_uw"] // 10**4, "libamd_smi before 6.3 loses the last digit of a cap of 1000 W and more"
        return None

    def test_every_method_is_here(self):
        public = {m for m in dir(AMDGPU) if not m.startswith("_") and m.islower()}
        self.assertEqual(public, {*METHODS, *SETTERS})
        public = {m for m in dir(AMDGPUs) if not m.startswith("_") and m.islower()}
        self.assertEqual(public, {*METHODS, *SETTERS, "gpus"} - {"supports_nonblocking_setters"})

    def test_zeus_opens_or_fails_as_expected(self):
        self.assertEqual(self.zeus_error, os.environ.get("ZEUS_FAILS"))

    def test_number_of_gpus(self):
        self.assertEqual(self.counts[1], len(self.truth["hip_order"]))
        if self.zeus:
            self.assertEqual(self.counts[0], self.counts[1])

    def test_index_that_is_too_high(self):
        self.assertEqual(self.beyond[1], Status.NOT_FOUND)
        if self.zeus:
            self.assertEqual(self.beyond[0], "ZeusGPUNotFoundError")

    def test_this_library_is_right(self):
        for (method, i), said in self.our.items():
            with self.subTest(method=method, gpu=i):
                self.assertEqual(said, self.right(method, i))
        for i, info in enumerate(self.infos):
            gpu, partition = self.gpu(i)
            processor = next(p for p in self.truth["processors"] if p["hip_index"] == i)
            with self.subTest(gpu=i):
                self.assertEqual(info.pci_address, processor["bdf"])
                self.assertEqual(info.amdsmi_index, processor["smi_index"])
                if partition == 0:
                    expected = (
                        CounterState.SECONDARY_DIE
                        if gpu["secondary_die"]
                        else CounterState.UNSUPPORTED
                        if self.fault("get_total_energy_consumption", i)
                        else CounterState.STUCK
                        if gpu["counter"]["stuck_at_s"] == 0
                        else CounterState.TRUSTED
                    )
                    self.assertEqual(info.counter_state, expected)

    def test_zeus_and_this_library_agree(self):
        if not self.zeus:
            self.skipTest("Zeus cannot open this machine")
        for (method, i), we in self.our.items():
            they = self.zeus[method, self.zeus_index(i)]
            code, wrong = self.fault(method, i), self.zeus_errs(method, i)
            with self.subTest(method=method, gpu=i, zeus_errs=wrong and wrong[1]):
                if wrong:
                    self.assertEqual(they, wrong[0])
                    self.assertNotEqual(they, we)
                elif code:
                    self.assertEqual((they, we), (STATUSES[code][0], Status[STATUSES[code][1]]))
                elif isinstance(we, Status):
                    self.assertEqual((they, we), ("ZeusGPUNotSupportedError", Status.NOT_SUPPORTED))
                else:
                    self.assertEqual(they, we)

    def test_zeus_before_0_16_counts_as_libamd_smi_does(self):
        """Its `cuda:N` is another GPU where the two orders differ; this library's is HIP's with every release."""
        if not self.zeus or self.truth["hip_order"] == self.truth["smi_order"]:
            self.skipTest("Zeus cannot open this machine, or the orders are the same")
        method = "get_total_energy_consumption"
        counting = [i for i in range(len(self.infos)) if isinstance(self.our[method, i], int)]
        same = all(self.zeus[method, i] == self.our[method, i] for i in counting)
        self.assertEqual(same, ZEUS >= (0, 16))

    def test_statuses(self):
        known = {code: error.__name__ for code, error in AMDGPU._exception_map.items()}
        self.assertEqual(known, {c: z for c, (z, _) in STATUSES.items() if c in known})

    def test_the_end_of_zeus(self):
        """Before ROCm 7.0.2 Zeus's end is libamd_smi's for all: this library says so, and can be opened again."""
        first = self.right("get_gpu_temperature", 0)
        shut = self.zeus is not None and ROCM < (7, 0, 2)
        self.assertEqual(self.without_zeus, Status.NOT_INITIALIZED if shut else first)
        self.assertEqual(self.opened_again, first)


class EachStatus(Machine):
    """The same on the machine of --faults."""

    def test_each_status_is_met(self):
        self.assertEqual({code for faults in self.faults for code in faults.values()}, set(STATUSES))


class Setters(unittest.TestCase):
    """The same settings through both: the same calls of libamd_smi, in the same order, on the same GPU."""

    GPU = 3

    @classmethod
    def setUpClass(cls):
        cls.zeus = AMDGPUs()
        cls.session = ours.Session(backend=Backend.AMDSMI, validation=ours.Validation.OFF)
        cls.gpu = json.loads(simulator("truth", "--dir", DIR))["gpus"][cls.GPU]

    @classmethod
    def tearDownClass(cls):
        cls.session.close()

    def calls(self):
        """What setters were called since the machine began."""
        lines = pathlib.Path(DIR, "calls.log").read_text().splitlines()
        return [line.split(" ", 3)[3] for line in lines if " amdsmi_set_" in line]

    def both(self, setter, *values):
        """The calls that Zeus makes, and those of this library, and what each came to."""
        start = len(self.calls())
        they = outcome(getattr(self.zeus, setter), self.GPU, *values)
        middle = len(self.calls())
        self.restore()
        resume = len(self.calls())
        we = outcome(getattr(self.session, SETTERS[setter]), self.GPU, *values)
        calls = self.calls()
        return (they, calls[start:middle]), (we, calls[resume:])

    def restore(self):
        """Puts the power limit back as it was before, past both."""
        for path in pathlib.Path(DIR, "sys/bus/pci/devices", self.gpu["bdf"], "hwmon").glob("*/power1_cap"):
            path.write_text(f"{self.before}\n")

    def test_power_limits(self):
        default, most = self.gpu["default_cap_uw"], self.gpu["max_cap_uw"]
        for self.before, setter, values, expected in [
            (600_000_000, "set_power_management_limit", (512_000,), ["cap=512000000"]),
            (600_000_000, "set_power_management_limit", (600_000,), []),
            (600_000_000, "reset_power_management_limit", (), [f"cap={default}"]),
            (default, "reset_power_management_limit", (), []),
        ]:
            self.restore()
            with self.subTest(setter=setter, values=values):
                they, we = self.both(setter, *values)
                self.assertEqual(they, we)
                wanted = [f"amdsmi_set_power_cap {self.gpu['number']} sensor=0 {cap} -> 0" for cap in expected]
                self.assertEqual(we, (None, wanted))
        # Zeus asks the driver, which refuses; this library knows the range and asks nobody.
        self.before = default
        they, we = self.both("set_power_management_limit", most // 1000 + 1)
        self.assertEqual((they[0], len(they[1])), ("ZeusGPUInvalidArgError", 1))
        self.assertEqual(we, (Status.OUT_OF_RANGE, []))

    def test_clocks(self):
        """This library may take other calls than Zeus's, which AMD calls deprecated; the GPU ends up the same."""
        table = pathlib.Path(DIR, "sys/bus/pci/devices", self.gpu["bdf"], "pp_od_clk_voltage")
        for setter, domain in [("set_gpu_locked_clocks", "gfx"), ("set_memory_locked_clocks", "mem")]:
            low, high = self.gpu["clocks"][domain]["range"]
            bounds, others = (low + 10, high - 10), (low + 20, high - 20)
            with self.subTest(setter=setter):
                self.assertIsNone(outcome(getattr(self.zeus, setter), self.GPU, *bounds))
                they = table.read_text()
                self.assertIsNone(outcome(getattr(self.zeus, setter), self.GPU, *others))
                self.assertNotEqual(table.read_text(), they)
                self.assertIsNone(outcome(getattr(self.session, SETTERS[setter]), self.GPU, *bounds))
                self.assertEqual(table.read_text(), they)

    def test_persistence_mode(self):
        self.before = self.gpu["default_cap_uw"]
        they, we = self.both("set_persistence_mode", True)
        self.assertEqual((they, we), (("ZeusGPUNotSupportedError", []), (Status.NOT_SUPPORTED, [])))


class DifferentModels(unittest.TestCase):
    """On a machine with two models both refuse to open if all have to be of one."""

    def test_both_refuse(self):
        with self.assertRaises(zeus_errors.ZeusGPUHeterogeneousError):
            AMDGPUs(ensure_homogeneous=True)
        with self.assertRaises(ours.Error) as caught:
            ours.Session(validation=ours.Validation.FIXED, flags=ours.Open.ENSURE_HOMOGENEOUS)
        self.assertEqual(caught.exception.status, Status.HETEROGENEOUS)
        self.assertIn("AMD Instinct MI210", caught.exception.text)
        self.assertIn("AMD Instinct MI300X OAM", caught.exception.text)


if __name__ == "__main__":
    unittest.main(defaultTest=sys.argv[1:] or ["Machine"], argv=sys.argv[:1])
