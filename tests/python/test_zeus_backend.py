"""Zeus from PyPI, unchanged, with zeus_amd.zeus as its layer of AMD GPUs, on a simulated machine: each method says the truth of
the machine file, the energies of ZeusMonitor are the machine's within the uncertainty that a window of this library states
for the same interval, and what Zeus starts in other processes runs on this library too.

Runs inside a machine, with ZEUS_AMD_LIBRARY naming this library, and python/ on the path:
    simulator/run --machine mi300x-8 --rocm none -- python test_zeus_backend.py
"""

import ast
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import zeus.device.gpu.common as errors
from zeus.device import get_gpus
from zeus.monitor import PowerMonitor, TemperatureMonitor, ZeusMonitor
from zeus.optimizer.power_limit import Energy, GlobalPowerLimitOptimizer

import zeus_amd as ours
import zeus_amd.zeus

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "python"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bindings"))
from energies import DIR, simulator, true_mj

# Zeus waits for a framework's streams.
TORCH = """
__version__ = "0"
class cuda:
    is_available = staticmethod(lambda: True)
    synchronize = staticmethod(lambda device: None)
class distributed:
    is_available = staticmethod(lambda: False)
"""
# Zeus waits ten seconds for a process that imports much, which a busy machine may exceed.
PATIENCE = """
import multiprocessing.synchronize as s, time
wait = s.Event.wait
s.Event.wait = lambda event, timeout=None: wait(event, 300)
"""
# Ctrl+C comes half a second after Zeus begins to wait for it.
SITE = f"""{PATIENCE}
import os, signal, site
sleep = time.sleep
def interrupted(seconds):
    if seconds > 1e6:
        sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)
    sleep(seconds)
time.sleep = interrupted
site.addsitedir({str(PYTHON)!r})
"""
# A spawned process of Zeus imports this file, too. It has its parent's path, and would leave its own folder behind.
if __name__ != "__mp_main__":
    FOLDER = tempfile.TemporaryDirectory()
    for name, text in (("torch", TORCH), ("sitecustomize", SITE)):
        pathlib.Path(FOLDER.name, f"{name}.py").write_text(text)
    sys.path.insert(0, FOLDER.name)


def truths():
    truth = simulator("truth", "--dir", DIR)
    return [truth["gpus"][gpu] | {"partition": partition} for gpu, partition in truth["hip_order"]]


class Machine(unittest.TestCase):
    def setUp(self):
        self.gpus = get_gpus()
        self.truths = truths()
        self.measured = [i for i, t in enumerate(self.truths) if not t["secondary_die"] and not t["partition"]]

    def outcome(self, method, *arguments):
        try:
            return getattr(self.gpus, method)(*arguments)
        except errors.ZeusBaseGPUError as e:
            self.assertTrue(str(e))
            return type(e).__name__

    def tool(self, *words, value="1"):
        """`python -m WORDS...` where the wheel's zeus_amd.pth is installed."""
        path = os.pathsep.join([FOLDER.name, os.environ["PYTHONPATH"]])
        environment = os.environ | {"ZEUS_AMD_FOR_ZEUS": value, "PYTHONPATH": path, "COLUMNS": "10000"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([sys.executable, "-um", *words], env=environment, cwd="/", text=True, **pipes)

    def indices(self):
        return ["--gpu-indices", *map(str, self.measured)]


class Backend(Machine):
    def test_each_method(self):
        self.assertEqual(len(self.gpus), len(self.truths))
        self.assertIs(self.gpus, get_gpus())
        self.assertIsInstance(self.gpus, zeus_amd.zeus.AMDGPUs)
        for i, truth in enumerate(self.truths):
            measured = i in self.measured
            with self.subTest(gpu=i):
                self.assertEqual(self.gpus.get_name(i), truth["name"])
                self.assertEqual(self.gpus.gpus[i].gpu_index, i)
                self.assertFalse(self.gpus.gpus[i].supports_nonblocking_setters)
                self.assertEqual(self.gpus.get_gpu_temperature(i), truth["temps_mc"]["hotspot"] // 1000)
                self.assertIs(self.gpus.supports_get_total_energy_consumption(i), measured)
                if not measured:
                    self.assertEqual(self.outcome("get_total_energy_consumption", i), "ZeusGPUNotSupportedError")
                powers = {self.outcome(f"get_{kind}_power_usage", i) for kind in ("instant", "average")}
                self.assertIn("ZeusGPUNotSupportedError", powers)
                if measured:
                    (power,) = powers - {"ZeusGPUNotSupportedError"}
                    # libamd_smi has whole watts.
                    self.assertAlmostEqual(power / 1e3, truth["power_shape"]["w"], delta=1)
                    # What is lower, the library takes for a mistake.
                    least = truth["min_cap_uw"] or truth["default_cap_uw"] // 10
                    limits = self.gpus.get_power_management_limit_constraints(i)
                    self.assertEqual(limits, (least // 1000, truth["max_cap_uw"] // 1000))
                    self.assertEqual(self.gpus.get_power_management_limit(i), truth["cap_uw"] // 1000)
                for name, kind in (("memory", "mem"), ("graphics", "gfx")):
                    levels = truth["clocks"][kind]["levels"]
                    found = getattr(self.gpus, f"get_supported_{name}_clocks")(i)
                    self.assertEqual(found, [levels[-1], levels[0]])
                not_there = ["get_average_memory_power_usage", "get_persistence_mode"]
                self.assertEqual([self.outcome(m, i) for m in not_there], ["ZeusGPUNotSupportedError"] * 2)
        self.assertRaises(IndexError, self.gpus.get_name, len(self.gpus))

    def file(self, gpu, pattern):
        (path,) = pathlib.Path(DIR, "sys/bus/pci/devices", self.truths[gpu]["bdf"]).glob(pattern)
        return path.read_text().strip()

    def caps_mw(self):
        return {i: int(self.file(i, "hwmon/*/power1_cap")) // 1000 for i in self.measured}

    def test_setters(self):
        i, truth, before = self.measured[-1], self.truths[self.measured[-1]], self.caps_mw()
        most, default = truth["max_cap_uw"] // 1000, truth["default_cap_uw"] // 1000
        self.assertEqual(self.outcome("set_power_management_limit", i, most + 1000), "ZeusGPUInvalidArgError")
        self.assertEqual(self.caps_mw(), before)
        for limit in (most - 70_000, default):
            self.gpus.set_power_management_limit(i, limit)
            self.assertEqual(self.caps_mw(), before | {i: limit})
        self.gpus.set_power_management_limit(i, most - 70_000)
        self.gpus.reset_power_management_limit(i)
        self.assertEqual(self.caps_mw(), before | {i: default})
        self.gpus.set_persistence_mode(i, True)
        self.assertEqual(self.outcome("set_persistence_mode", i, False), "ZeusGPUNotSupportedError")
        if truth["model"] == "mi300x":
            low, high = truth["clocks"]["gfx"]["range"]
            table = self.file(i, "pp_od_clk_voltage")
            self.gpus.set_gpu_locked_clocks(i, low, high - 100)
            self.assertRegex(self.file(i, "pp_od_clk_voltage"), f"(?i){high - 100}mhz")
            self.gpus.reset_gpu_locked_clocks(i)
            self.assertEqual(self.file(i, "pp_od_clk_voltage"), table)

    def test_windows(self):
        """What Zeus says lies between the truths of the shortest and the longest time that it can have measured."""
        monitor = ZeusMonitor(gpu_indices=self.measured, cpu_indices=[])
        self.assertIsNone(monitor.power_monitor)
        with ours.Session() as session:
            for seconds in (0.02, 0.3, 1.2):
                window = session.window()
                times = [ours.now_ns()]
                monitor.begin_window("w")
                times.append(ours.now_ns())
                time.sleep(seconds)
                times.append(ours.now_ns())
                energies = monitor.end_window("w").gpu_energy
                times.append(ours.now_ns())
                stated = window.end().gpus
                self.assertEqual(sorted(energies), self.measured)
                for i, joules in energies.items():
                    least = true_mj(i, times[1], times[2]) - stated[i].uncertainty_mj
                    most = true_mj(i, times[0], times[3]) + stated[i].uncertainty_mj
                    with self.subTest(gpu=i, seconds=seconds, method=stated[i].method):
                        self.assertTrue(least <= joules * 1e3 <= most, (least, joules * 1e3, most))

    def test_processes(self):
        """A program that imports the backend where no child process does."""
        program = PATIENCE + f"""
import zeus_amd.zeus
from zeus.monitor import PowerMonitor, TemperatureMonitor
power = PowerMonitor(gpu_indices={self.measured}, update_period=0.05)
temperature = TemperatureMonitor(gpu_indices={self.measured}, update_period=0.05)
for _ in range(3000):
    time.sleep(0.1)
    powers = {{d.value: power.get_power_timeline(d) for d in power.measurement_domains}}
    temperatures = temperature.get_temperature()
    if temperatures and all(p for by_gpu in powers.values() for p in by_gpu.values()):
        break
print(([[t[0][1] for t in by_gpu.values()] for by_gpu in powers.values()], list(temperatures.values())))
"""
        out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd="/")
        (powers,), temperatures = eval(out.stdout)
        for i, power, temperature in zip(self.measured, powers, temperatures):
            self.assertAlmostEqual(power, self.truths[i]["power_shape"]["w"], delta=1)
            self.assertEqual(temperature, self.truths[i]["temps_mc"]["hotspot"] // 1000)

    def test_a_forked_child(self):
        before = [self.gpus.get_total_energy_consumption(i) for i in self.measured]
        out, into = os.pipe()
        if os.fork() == 0:
            # The GPUs stay those of the parent.
            os.environ["HIP_VISIBLE_DEVICES"] = str(len(self.gpus) - 1)
            energies = [self.gpus.get_total_energy_consumption(i) for i in self.measured]
            os.write(into, repr(energies).encode())
            os._exit(0)
        os.wait()
        with ours.Session() as session:
            trusted = [session.gpu_info(i).counter_state is ours.CounterState.TRUSTED for i in self.measured]
        for old, in_child, i, is_counted in zip(before, eval(os.read(out, 4096)), self.measured, trusted):
            # What is integrated begins with the process.
            if is_counted:
                self.assertTrue(old <= in_child <= self.gpus.get_total_energy_consumption(i))

    def test_one_unit(self):
        """An energy is a counter's value at the start and that of a window. What a parent has from its window is in the value
        with which a child starts."""
        process = zeus_amd.zeus._Process()
        time.sleep(0.5)
        for i, gpu in enumerate(process._window.read().gpus):
            if gpu.method is ours.Method.COUNTER:
                self.assertEqual(process.session.energy_raw(i).resolution_uj, gpu.resolution_uj)

    def test_power_limit_optimizer(self):
        """To its end: each limit is measured, and the one with the least energy stays."""
        index = self.measured[0]
        least, most = (mw // 1000 for mw in self.gpus.get_power_management_limit_constraints(index))
        monitor = ZeusMonitor(gpu_indices=[index], cpu_indices=[])
        optimizer = GlobalPowerLimitOptimizer(monitor, Energy(), 0, 1, 1, pl_step=max((most - least) // 5, 1))
        self.addCleanup(self.gpus.reset_power_management_limit, index)
        seen = []
        while not hasattr(optimizer.state, "optimal_power_limit"):
            optimizer.on_step_begin()
            time.sleep(0.01)
            seen.append(self.caps_mw()[index])
        self.assertEqual(set(seen), set(optimizer.power_limits))
        best = min(optimizer.measurements, key=lambda m: m.energy).power_limit
        self.assertEqual(seen[-1], best * 1000)

    def test_energy_of_the_command_line(self):
        """`zeus.monitor energy`."""
        with ours.Session() as session, session.window() as window:
            begin_ns = ours.now_ns()
            with self.tool("zeus.monitor", "energy", *self.indices()) as process:
                said, log = process.communicate()
            end_ns = ours.now_ns()
        self.assertEqual(process.returncode, 0, log)
        energies = re.search(r"gpu_energy=\{(.*?)\}", said, re.DOTALL).group(1)
        energies = {int(i): float(joules) * 1e3 for i, joules in re.findall(r"(\d+): ([\d.]+)", energies)}
        self.assertEqual(sorted(energies), self.measured)
        for i, mj in energies.items():
            least = self.truths[i]["power_shape"]["w"] * 500 - window.gpus[i].uncertainty_mj
            most = true_mj(i, begin_ns, end_ns) + window.gpus[i].uncertainty_mj
            self.assertTrue(least <= mj <= most, (i, least, mj, most))


class Power(Machine):
    """With a reading of the instant, and without."""

    def test_power_of_the_command_line(self):
        """`zeus.monitor power`, which reads in a spawned process."""
        with self.tool("zeus.monitor", "power", "--update-period", "0.05", *self.indices()) as process:
            line = next((line for line in process.stdout if "{" in line), "{}")
            if line != "{}":
                process.send_signal(signal.SIGINT)
            _, log = process.communicate()
        if self.outcome("get_instant_power_usage", self.measured[0]) == "ZeusGPUNotSupportedError":
            # Zeus's tool asks for no other (docs/zeus.md).
            self.assertIn("DEVICE_INSTANT is not being monitored", log)
            return
        powers = ast.literal_eval(line[line.index("{") :])
        self.assertEqual(list(powers), [f"GPU{i}" for i in self.measured])
        for i, power in zip(self.measured, powers.values()):
            self.assertAlmostEqual(power, self.truths[i]["power_shape"]["w"], delta=1)


class Once(Machine):
    """What is the same on all machines, on one without secondary dies: Zeus starts processes for them, and waits ten seconds."""

    def test_masks(self):
        """ROCR_VISIBLE_DEVICES too, which Zeus does not know; and an empty mask is no GPU, with the reason."""
        program = "import zeus_amd.zeus, zeus.device as d; print([g.gpu_index for g in d.get_gpus().gpus])"
        last = len(self.truths) - 1
        run = lambda **more: subprocess.run(
            [sys.executable, "-c", program], env=os.environ | more, capture_output=True, text=True
        )
        self.assertEqual(run(ROCR_VISIBLE_DEVICES=str(last)).stdout, f"[{last}]\n")
        self.assertEqual(run(HIP_VISIBLE_DEVICES=str(last)).stdout, f"[{last}]\n")
        self.assertIn("ZeusGPUInitError: zeus_amd: no GPU: ", run(HIP_VISIBLE_DEVICES="").stderr)

    def test_without_a_line_of_code(self):
        """By the environment; without it Zeus is what it was."""
        out = {}
        for value in ("1", "0"):
            with self.tool("zeus.show_env", value=value) as process:
                out[value], _ = process.communicate()
        for i, truth in enumerate(self.truths):
            self.assertIn(f"GPU {i} -> GPU {i} ({truth['name']})", out["1"])
        self.assertNotIn("-> GPU 0", out["0"])

    def test_the_page(self):
        """What docs/zeus.md shows."""
        page = (PYTHON.parent / "docs" / "zeus.md").read_text()
        program = page.split("```python\n")[1].split("```")[0]
        out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd="/").stdout
        self.assertRegex(out, r"^[1-9][0-9]*\.[0-9] J\n$")

    def test_statuses(self):
        """Each status is one of Zeus's exceptions, with the text."""
        for status in set(ours.Status) - {ours.Status.OK}:
            error = zeus_amd.zeus._raised(status, "text")
            self.assertIsInstance(error, errors.ZeusBaseGPUError)
            self.assertEqual(str(error), "text")


if __name__ == "__main__":
    unittest.main()
