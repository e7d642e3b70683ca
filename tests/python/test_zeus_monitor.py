"""Zeus's ZeusMonitor from PyPI, unchanged, and a window of this library around the same interval, in one process on a
simulated machine: they agree within the sum of their bounds; and exactly, where the machine's clock stands at both ends so
that both read the same counts.

Runs inside a machine, with ZEUS_AMD_LIBRARY naming this library, and python/ on the path:
    simulator/run --machine mi300x-8 --rocm 6.4.3 -- python test_zeus_monitor.py
"""

import importlib.metadata
import json
import os
import pathlib
import subprocess
import time
import unittest

from zeus.monitor import ZeusMonitor

import zeus_amd as ours
from zeus_amd import Method, Status

ROCM = tuple(int(x) for x in importlib.metadata.version("amdsmi").split(".")[:3])
RUN = pathlib.Path(__file__).resolve().parents[2] / "simulator" / "run"
DIR = os.environ["ZEUS_AMD_SIM"]
# libamd_smi of these keeps a table for 100 ms.
CACHE_S = 0.1 if (6, 4, 2) <= ROCM < (7, 0, 0) else 0


def simulator(*args):
    return subprocess.run([RUN, *args], check=True, capture_output=True, text=True).stdout


class Monitor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.monitor = ZeusMonitor(cpu_indices=[])
        cls.session = ours.Session(
            validation=ours.Validation.ADAPTIVE, energy_resolution=ours.EnergyResolution.REPORTED
        )
        cls.truth = json.loads(simulator("truth", "--dir", DIR))
        cls.gpus = [cls.truth["gpus"][gpu] for gpu, _ in cls.truth["hip_order"]]

    @classmethod
    def tearDownClass(cls):
        cls.session.close()

    def test_while_time_goes_on(self):
        for n, seconds in enumerate([0.01, 0.05, 0.2, 0.3, 0.7, 1.5]):
            # One begins first, and ends last or first.
            start = time.monotonic()
            if n % 2:
                self.monitor.begin_window("window", sync_execution=False)
            window = self.session.window()
            if not n % 2:
                self.monitor.begin_window("window", sync_execution=False)
            begun = time.monotonic()
            time.sleep(seconds)
            ending = time.monotonic()
            if n % 3:
                zeus = self.monitor.end_window("window", sync_execution=False)
            we = window.end().gpus
            if not n % 3:
                zeus = self.monitor.end_window("window", sync_execution=False)
            # So much the two intervals may differ, each at its own side of a refresh.
            apart = (begun - start) + (time.monotonic() - ending) + 2 * (self.refresh_s() + CACHE_S)
            for i, mine in enumerate(we):
                zeus_bound = apart * self.most_w(i) * 1e3
                with self.subTest(gpu=i, seconds=seconds):
                    self.assertEqual(mine.status, Status.OK)
                    difference = abs(zeus.gpu_energy[i] * 1e3 - mine.energy_mj)
                    self.assertLessEqual(difference, mine.uncertainty_mj + zeus_bound)

    def test_between_two_moments_that_stand_still(self):
        """Both take the reported unit, so they say the same to the millijoule."""
        # A counter that the library takes for late cannot show that it advances while the clock is held, and is estimated.
        for _ in range(20):
            we, zeus = self.between_moments()
            if all(mine.method is Method.COUNTER for mine in we):
                break
        for i, mine in enumerate(we):
            with self.subTest(gpu=i):
                self.assertEqual((mine.method, mine.status), (Method.COUNTER, Status.OK))
                self.assertGreater(mine.energy_mj, 1000)
                # Zeus takes the difference of two whole numbers of millijoules.
                self.assertLessEqual(abs(zeus.gpu_energy[i] * 1e3 - mine.energy_mj), 1.5)

    def between_moments(self):
        self.hold()
        window = self.session.window()
        self.monitor.begin_window("moments", sync_execution=False)
        simulator("clock", "--dir", DIR, "start")
        time.sleep(3)
        self.hold()
        we = window.end().gpus
        zeus = self.monitor.end_window("moments", sync_execution=False)
        simulator("clock", "--dir", DIR, "start")
        # Nobody is to be told of the moment that stood still any more.
        time.sleep(CACHE_S * 1.1)
        return we, zeus

    def hold(self):
        simulator("clock", "--dir", DIR, "stop")
        time.sleep(CACHE_S * 1.1)

    def refresh_s(self):
        machine = json.loads(pathlib.Path(DIR, "machine.json").read_text())["spec"]
        return max(g["counter"]["refresh_ms"] for g in machine["gpu"].values()) / 1e3

    def most_w(self, i):
        # The machine file's loads are within the GPU's limit.
        return self.gpus[i]["max_cap_uw"] / 1e6


if __name__ == "__main__":
    unittest.main()
