"""The Python file on a simulated machine that has steady power, trusted counters and at least two GPUs (and, for
`Dies`, pairs of dies). Imports zeus_amd as it is installed or found.

    simulator/run --machine mi300x-8 --rocm 7.0.2 -- python3 tests/python/test_binding.py
"""

import ctypes
import gc
import glob
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import weakref

import zeus_amd as zeus
from zeus_amd import GpuEnergyFlag, Method, SampleFlag, SampleValid, Status

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bindings"))
from energies import true_mj

FIRMWARE = {"energy_resolution": zeus.EnergyResolution.FIRMWARE}
QUICK = {"validation": zeus.Validation.OFF}


def status_of(call, *args):
    try:
        call(*args)
    except zeus.Error as e:
        return e.status
    return Status.OK


def python(code, **environment):
    """Another interpreter; its result."""
    run = [sys.executable, "-X", "dev", "-c", code]
    return subprocess.run(
        run, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True
    )


class Right(unittest.TestCase):
    def right(self, energy):
        self.assertIs(energy.status, Status.OK)
        self.assertIs(energy.method, Method.COUNTER)
        self.assertLess(energy.uncertainty_mj, energy.energy_mj)
        truth = true_mj(energy.gpu, energy.begin_ns, energy.end_ns)
        self.assertLessEqual(abs(energy.energy_mj - truth), energy.uncertainty_mj, energy)


class Windows(Right):
    def test_energy_is_that_of_the_machine(self):
        with zeus.Session() as z:
            with z.window() as outer, z.window() as w:
                time.sleep(0.3)
                so_far = w.read().total.energy_mj
                time.sleep(0.1)
        self.assertEqual([g.gpu for g in w.gpus], list(range(len(w.gpus))))
        for g in w.gpus:
            self.right(g)
            self.assertIn(GpuEnergyFlag.FIRMWARE_RESOLUTION, g.flags)
            self.assertEqual(g.resolution_uj, 1e6 / 65536)
        self.assertEqual((w.total.packages, w.total.missing), (len(w.gpus), 0))
        self.assertAlmostEqual(w.total.energy_mj, sum(g.energy_mj for g in w.gpus), delta=len(w.gpus))
        self.assertLess(0, so_far)
        self.assertLess(so_far, w.total.energy_mj)
        self.assertGreaterEqual(outer.total.duration_ns, w.total.duration_ns)
        self.assertIs(w.end(), w)  # again does nothing
        self.assertIs(status_of(w.read), Status.INVALID_ARGUMENT)

    def test_laps_are_parts(self):
        with zeus.Session(**FIRMWARE) as z:
            w, laps, gpus = z.window(), [], []
            for _ in range(3):
                time.sleep(0.1)
                laps.append(w.lap().total)
                gpus += w.gpus
            total = w.end().total
        for g in gpus:
            self.right(g)
        self.assertLessEqual(sum(lap.duration_ns for lap in laps), total.duration_ns)
        self.assertLessEqual(sum(lap.energy_mj for lap in laps), total.energy_mj + total.uncertainty_mj)
        self.assertIs(status_of(w.lap), Status.INVALID_ARGUMENT)

    def test_nothing_is_none(self):
        with zeus.Session(hip_visible_devices="99", **QUICK) as z:
            w = z.window()
            for ask in (w.read, w.lap, w.end):
                self.assertIs(ask(), w)
                self.assertEqual((w.gpus, w.total), ([], None))
                self.assertIn("invalid", w.reason)
        with zeus.Session(**QUICK) as z, z.window() as w:
            time.sleep(0.1)
        self.assertEqual(w.reason, "")

    def test_a_window_of_the_module(self):
        before = zeus.now_ns()
        with zeus.window() as w:
            time.sleep(0.2)
        self.assertGreater(w.total.energy_mj, 0)
        self.assertLessEqual(200_000_000, w.total.duration_ns)
        self.assertLessEqual(w.total.duration_ns, zeus.now_ns() - before)
        self.assertIs(zeus.session(), zeus.session())

    def test_a_window_outlives_its_session(self):
        z = zeus.Session(**QUICK)
        w = z.window()
        z.close()
        time.sleep(0.2)
        self.assertGreater(w.end().total.energy_mj, 0)

    def test_an_exception_inside_is_not_lost(self):
        with zeus.Session(**QUICK) as z:
            with self.assertRaises(KeyError):
                with z.window() as w:
                    raise KeyError
            self.assertIsNotNone(w.total)


class Nodes(unittest.TestCase):
    def test_a_window_of_the_node(self):
        with zeus.Session(**QUICK) as z:
            domains = z.node_domains()
            self.assertTrue(all(d.name and d.status is Status.OK for d in domains))
            with z.node_window() as w:
                time.sleep(0.2)
                for room in (0, 1, len(z), len(z) + 1, 2**32 - 1):
                    gpus = w.gpus(room)
                    self.assertEqual([gpu.gpu for gpu in gpus], list(range(min(room, len(z)))))
                    self.assertTrue(all(gpu.duration_ns for gpu in gpus if gpu.status is Status.OK))
                for room in (-1, 2**32, 0.5):
                    self.assertIs(status_of(w.gpus, room), Status.INVALID_ARGUMENT)
            self.assertIs(status_of(w.gpus, len(z)), Status.INVALID_ARGUMENT)  # it has ended
            self.assertEqual(len(w.domains), len(domains))
            counted = [d for d in w.domains if d.flags & zeus.NodeEnergyFlag.IN_TOTAL]
            self.assertEqual(sum(d.energy_uj for d in counted), w.total.energy_uj)
            for i, d in enumerate(domains):
                # A GPU has readings of its own.
                if d.kind is zeus.NodeDomainKind.GPU:
                    self.assertIs(status_of(z.node_energy_uj, i), Status.NOT_SUPPORTED)
                    self.assertIs(status_of(z.node_power_mw, i), Status.NOT_SUPPORTED)
                else:
                    energy, uncertainty = z.node_energy_uj(i)
                    self.assertGreater(energy, 0)
                    self.assertGreater(uncertainty, 0)
                    self.assertGreater(z.node_power_mw(i)[0], 0)

    def test_time_at_a_limit(self):
        with zeus.Session(**QUICK) as z:
            if status_of(z.limit_counts, 0) is Status.NOT_SUPPORTED:
                self.skipTest("before gpu_metrics 1.6")
            begin, end = z.limit_counts(0), z.limit_counts(0)
            limited = zeus.limited_time(begin, end)
            self.assertEqual(limited.cycles, end.cycles - begin.cycles)
            self.assertEqual(limited.ppt_cycles, end.ppt_cycles - begin.ppt_cycles)


class Samplers(Right):
    def test_samples(self):
        with zeus.Session(**FIRMWARE) as z:
            with z.sampler(period_ns=4_000_000) as s:
                time.sleep(0.5)
            samples = list(s)
            self.assertEqual((list(s), s.lost), ([], 0))
            mine = [x for x in samples if x.gpu == 1]
            self.assertEqual([x.time_ns for x in mine], sorted({x.time_ns for x in mine}))
            self.assertIsNone(mine[0].counter_power_mw)  # of no time before
            for x in mine[1:]:
                self.assertIn(SampleValid.COUNTER_POWER, x.valid)
                self.assertIn(SampleFlag.FIRMWARE_RESOLUTION, x.flags)
                self.assertAlmostEqual(x.counter_power_mw, x.power_mw, delta=x.power_mw * 0.1)
            energy = s.energy_between(1, mine[0].time_ns, mine[-1].time_ns)
            self.right(energy)
            self.assertAlmostEqual(energy.energy_mj, (mine[-1].energy_uj - mine[0].energy_uj) / 1e3, delta=1)
            late = zeus.now_ns()
            self.assertIs(status_of(s.energy_between, 1, late, late + 1), Status.NOT_FOUND)
            s.free()
            self.assertIs(status_of(s.drain), Status.INVALID_ARGUMENT)

    def test_what_is_lost_is_counted(self):
        with zeus.Session(**QUICK) as z, z.sampler(capacity=16, period_ns=1_000_000) as s:
            deadline = time.monotonic() + 60
            while s.lost == 0 and time.monotonic() < deadline:
                time.sleep(0.1)
                self.assertLessEqual(len(s.drain()), 16)
            self.assertGreater(s.lost, 0)

    def test_an_array_is_one_block(self):
        with zeus.Session(**QUICK) as z, z.sampler(period_ns=2_000_000) as s:
            time.sleep(0.1)
            block = memoryview(s.drain())
            self.assertEqual((block.ndim, block.itemsize), (1, ctypes.sizeof(zeus.Sample)))


class Readings(unittest.TestCase):
    def test_all_at_once(self):
        for backend in (zeus.Backend.AMDSMI, zeus.Backend.SYSFS):
            with zeus.Session(backend=backend, **QUICK) as z:
                before = [z.energy_mj(i) for i in range(len(z))]
                # A reading that waits for a processor may have no power of its count's time.
                all_ = next(r for r in iter(z.read_all, None) if all(gpu.power_instant_mw is not None for gpu in r))
                self.assertEqual([r.gpu for r in all_], list(range(len(z))))
                for r in all_:
                    self.assertIs(r.status, Status.OK)
                    self.assertEqual(r.power_instant_mw, z.power_instant_mw(r.gpu))
                    self.assertIsNone(r.power_average_mw)
                    self.assertEqual(r.temperature_c, z.temperature_c(r.gpu))
                    self.assertLessEqual(before[r.gpu], r.energy_mj)
                    self.assertLessEqual(r.energy_mj, z.energy_mj(r.gpu))
                    self.assertAlmostEqual(r.energy_mj, r.accumulator * r.resolution_uj / 1e3, delta=1)


class Settings(unittest.TestCase):
    def test_guard(self):
        with zeus.Session(**QUICK) as z:
            before = [z.power_limit_mw(i) for i in range(len(z))]
            with self.assertRaises(KeyError):
                with z.guard(watcher=True):
                    z.set_power_limit_mw(0, before[0] - 50_000)
                    z.lock_graphics_clocks_mhz(1, 700, 1400)
                    self.assertEqual(z.power_limit_mw(0), before[0] - 50_000)
                    raise KeyError
            self.assertEqual([z.power_limit_mw(i) for i in range(len(z))], before)
            guard = z.guard()
            z.set_power_limit_mw(1, before[1] - 50_000)
            guard.end()
            guard.end()
            self.assertEqual(z.power_limit_mw(1), before[1])

    def test_setters(self):
        with zeus.Session(**QUICK) as z, z.guard():
            z.set_power_limit_mw(0, z.power_limit_mw(0) - 50_000)
            z.reset_power_limit(0)
            self.assertEqual(z.power_limit_mw(0), z.power_limit_default_mw(0))
            z.lock_memory_clocks_mhz(0, *z.memory_clock_range_mhz(0))
            z.lock_graphics_clocks_mhz(0, *z.graphics_clock_range_mhz(0))
            z.reset_memory_clocks(0)
            z.reset_graphics_clocks(0)
            z.reset_clocks(0)
            self.assertIs(status_of(z.set_persistence_mode, 0, True), Status.NOT_SUPPORTED)
            self.assertIs(status_of(z.set_power_limit_mw, 0, 9_000_000), Status.OUT_OF_RANGE)


class Lives(unittest.TestCase):
    def test_what_a_session_begins_keeps_it_open(self):
        """Without a name of its own it would be closed at once: a sampler stops with it, and a guard ends."""
        for name in ("window", "node_window", "sampler", "guard"):
            session = zeus.Session(**QUICK)
            is_there, begun = weakref.ref(session), getattr(session, name)()
            del session
            gc.collect()
            self.assertIsNotNone(is_there(), name)
            # And no longer.
            del begun
            gc.collect()
            self.assertIsNone(is_there(), name)

    def test_without_the_session_s_name(self):
        def changed(to_mw):
            session = zeus.Session(**QUICK)
            guard = session.guard()
            session.set_power_limit_mw(0, to_mw)
            return guard

        with zeus.Session(**QUICK) as z:
            before = z.power_limit_mw(0)
            guard = changed(before - 50_000)
            self.assertEqual(z.power_limit_mw(0), before - 50_000)
            guard.end()
            self.assertEqual(z.power_limit_mw(0), before)

    def test_the_default_session_opens_again(self):
        with zeus.session() as z:
            pass
        self.assertIs(status_of(z.gpu_info, 0), Status.INVALID_ARGUMENT)  # it is closed
        with zeus.window() as w:
            time.sleep(0.1)
        self.assertGreater(w.total.energy_mj, 0)
        self.assertIs(zeus.session(), zeus.session())


class Refusals(unittest.TestCase):
    def test_an_error_says_what(self):
        with zeus.Session(**QUICK) as z:
            with self.assertRaises(zeus.Error) as caught:
                z.energy_mj(len(z))
            self.assertIs(caught.exception.status, Status.NOT_FOUND)
            self.assertIn(f"no GPU {len(z)}", str(caught.exception))
            self.assertIs(status_of(z.find_by_pci, "what"), Status.INVALID_ARGUMENT)
        self.assertIs(status_of(z.gpu_info, 0), Status.INVALID_ARGUMENT)  # it is closed
        z.close()
        elsewhere = {"amdsmi_path": pathlib.Path("/not-there"), "backend": zeus.Backend.AMDSMI}
        with self.assertRaises(zeus.Error) as caught:
            zeus.Session(**elsewhere)
        self.assertIs(caught.exception.status, Status.LIBRARY_NOT_FOUND)
        self.assertIn("/not-there", caught.exception.text)
        self.assertIs(status_of(lambda: zeus.probe(**elsewhere)), Status.LIBRARY_NOT_FOUND)
        zeus.probe()

    def test_no_number_is_cut(self):
        """2^32 would be GPU 0, and -1 a GPU or a limit that is very high."""
        with zeus.Session(**QUICK) as z:
            for call in (
                lambda: z.energy_mj(2**32),
                lambda: z.energy_mj(-1),
                lambda: z.energy_mj(0.0),
                lambda: z.set_power_limit_mw(0, 2**64 + 500_000),
                lambda: z.lock_graphics_clocks_mhz(0, 2**32 + 700, 1400),
            ):
                self.assertIs(status_of(call), Status.INVALID_ARGUMENT)
            self.assertIs(status_of(z.sampler, 2**32 + 1), Status.INVALID_ARGUMENT)
            self.assertRaisesRegex(zeus.Error, "^energy_mj: 0.5 is not a whole number", z.energy_mj, 0.5)
            self.assertRaisesRegex(zeus.Error, "^set_power_limit_mw: -1 is not between 0 and 2?", z.set_power_limit_mw, 0, -1)
        self.assertRaisesRegex(zeus.Error, "^init_timeout_ms: -1 ", lambda: zeus.Session(init_timeout_ms=-1))
        self.assertRaisesRegex(zeus.Error, "^energy_mj: this session is closed", z.energy_mj, 0)
        self.assertRaises(TypeError, zeus.Session, validaton=2)

    def test_tables(self):
        with zeus.Session() as z, z.window() as w:
            time.sleep(0.1)
        self.assertRaisesRegex(zeus.Error, "^window_read: this window has ended", w.read)
        rows = [gpu.as_dict() for gpu in w.gpus]
        self.assertEqual([row["gpu"] for row in rows], list(range(len(rows))))
        for row, gpu in zip(rows, w.gpus):
            self.assertEqual((row["energy_mj"], row["method"]), (gpu.energy_mj, gpu.method.name))
            self.assertLessEqual({type(value) for value in row.values()}, {int, float, str, type(None)})

    def test_main(self):
        out = subprocess.run([sys.executable, "-m", "zeus_amd"], check=True, stdout=subprocess.PIPE, universal_newlines=True)
        with zeus.Session(**QUICK) as z:
            for i in range(len(z)):
                info = z.gpu_info(i)
                self.assertRegex(out.stdout, f"(?m)^GPU {i}  {info.name}  {info.pci_address}  .* W  .* J  counter TRUSTED$")
            self.assertIn(z.explain(), out.stdout)

    def test_masks(self):
        with zeus.Session(hip_visible_devices="1", **QUICK) as z:
            self.assertEqual((len(z), z.gpu_info(0).unmasked_index), (1, 1))
        with zeus.Session(hip_visible_devices="", **QUICK) as z:
            self.assertEqual(len(z), 0)
            self.assertIs(z.info().no_gpu_reason, Status.EMPTY_MASK)
            with z.window() as w:
                pass
            self.assertEqual((w.gpus, w.total), ([], None))
            self.assertIn("set and empty", w.reason)

    def test_log(self):
        seen = []
        zeus.set_log(lambda level, text: seen.append((level, text)), zeus.Log.INFO)
        self.assertIs(status_of(zeus.set_log, None, 99), Status.INVALID_ARGUMENT)  # and nothing has changed
        zeus.Session(hip_visible_devices="0", **QUICK).close()
        zeus.set_log(None)
        self.assertTrue(seen)
        self.assertTrue(all(level <= zeus.Log.INFO and text for level, text in seen))
        count = len(seen)
        zeus.Session(hip_visible_devices="0", **QUICK).close()
        self.assertEqual(len(seen), count)


def in_a_child(queue, inherited):
    said = status_of(inherited.energy_mj, 0) if inherited else None
    with zeus.window() as w:
        time.sleep(0.2)
    queue.put((said, w.total.energy_mj > 0, w.total.missing))


class Processes(unittest.TestCase):
    def child(self, method, inherited):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        child = context.Process(target=in_a_child, args=(queue, inherited))
        child.start()
        try:
            answer = queue.get(timeout=60)
            child.join(60)
            self.assertEqual(child.exitcode, 0)
            return answer
        finally:
            child.kill()

    def test_fork(self):
        with zeus.Session(**QUICK) as z, z.window() as w, zeus.window():
            self.assertEqual(self.child("fork", z), (Status.FORKED, True, 0))
        self.assertGreater(w.total.energy_mj, 0)

    def test_spawn(self):
        self.assertEqual(self.child("spawn", None), (None, True, 0))

    def test_threads(self):
        """Each has its own last error, and other threads run during a call."""
        failures = []
        with zeus.Session(**QUICK) as z:

            def work(gpu):
                for _ in range(200):
                    try:
                        z.energy_mj(100 + gpu)
                    except zeus.Error as e:
                        if f"no GPU {100 + gpu}:" not in e.text:
                            failures.append(e)

            threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
            [t.start() for t in threads]
            [t.join() for t in threads]
        self.assertEqual(failures, [])

    def test_an_interpreter_that_ends_with_everything_open_is_silent(self):
        code = (
            "import zeus_amd; z = zeus_amd.Session(); w = z.window(); s = z.sampler(); g = z.guard(); x = zeus_amd.window()"
            "; zeus_amd.set_log(lambda *_: None)"
        )
        for ending in ("", "; del z", "; import sys; sys.exit()", "; raise SystemExit(0)"):
            done = python(code + ending)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), ending)

    def test_an_interpreter_that_ends_while_others_log_does_not_abort(self):
        code = """
import threading, time, zeus_amd
options = {"validation": zeus_amd.Validation.OFF}
zeus_amd.set_log(lambda *_: None)
z = zeus_amd.Session(**options)
s = z.sampler(period_ns=1_000_000)
def speak():
    while True:
        zeus_amd.Session(**options).close()
for _ in range(4):
    threading.Thread(target=speak, daemon=True).start()
time.sleep(0.1)
"""
        # An environment's interpreter is one of several.
        for _ in range(20 if sys.prefix == sys.base_prefix else 5):
            done = python(code)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_rocm_in_the_interpreters_packages(self):
        """The wheel rocm-sdk-core of ROCm 7.14 and later has libamd_smi only under a versioned name."""
        library = glob.glob(os.path.join(os.environ["ROCM_PATH"], "lib", "libamd_smi.so*"))[0]
        with tempfile.TemporaryDirectory() as packages:
            os.makedirs(os.path.join(packages, "_rocm_sdk_core", "lib"))
            open(os.path.join(packages, "_rocm_sdk_core", "__init__.py"), "w").close()
            os.symlink(os.path.realpath(library), os.path.join(packages, "_rocm_sdk_core", "lib", "libamd_smi.so.27"))
            environment = {n: v for n, v in os.environ.items() if n not in ("ROCM_PATH", "ROCM_HOME")}
            path = os.pathsep.join([packages, environment.get("PYTHONPATH", "")])
            code = "import zeus_amd; print(zeus_amd.Session(backend=zeus_amd.Backend.AMDSMI).info().amdsmi_path)"
            run = [sys.executable, "-c", code]
            found = subprocess.run(run, env={**environment, "PYTHONPATH": path}, capture_output=True, text=True)
            self.assertEqual((found.returncode, found.stderr), (0, ""))
            self.assertEqual(found.stdout.strip(), os.path.realpath(library))
            # A wheel whose link points nowhere is none: the search goes on.
            os.remove(os.path.join(packages, "_rocm_sdk_core", "lib", "libamd_smi.so.27"))
            os.symlink("nowhere", os.path.join(packages, "_rocm_sdk_core", "lib", "libamd_smi.so.27"))
            found = subprocess.run(run, env={**environment, "PYTHONPATH": path}, capture_output=True, text=True)
            self.assertEqual((found.returncode, found.stderr), (0, ""))
            self.assertIn(os.environ["ROCM_PATH"], found.stdout)

    def test_a_library_that_is_not_there(self):
        done = python("import zeus_amd", ZEUS_AMD_LIBRARY="/not/there.so")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "ImportError: .*not/there.so.*set ZEUS_AMD_LIBRARY")
        self.assertIn("ImportError", python("import zeus_amd", ZEUS_AMD_LIBRARY="libc.so.6").stderr)


class Dies(Right):
    """Two GPUs are one package: the second has nothing of its own, and it is not nought."""

    def test_window(self):
        with zeus.Session(**FIRMWARE) as z, z.window() as w:
            time.sleep(0.3)
        first, second = w.gpus[:2]
        self.right(first)
        self.assertIn(GpuEnergyFlag.SHARED_PACKAGE, first.flags)
        self.assertIs(second.method, Method.NONE)
        self.assertIs(second.status, Status.NOT_SUPPORTED)
        self.assertEqual((second.energy_mj, second.uncertainty_mj, second.mean_power_mw), (None, None, None))
        self.assertEqual(w.total.packages, len(w.gpus) // 2)

    def test_the_second_alone(self):
        with zeus.Session(hip_visible_devices="1", **QUICK) as z:
            w = z.window()
            for ask in (w.read, w.lap, w.end):
                self.assertIsNone(ask().total)
                self.assertIn("secondary die", w.reason)
                self.assertEqual([(g.status, g.energy_mj) for g in w.gpus], [(Status.NOT_SUPPORTED, None)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv if len(sys.argv) > 1 else [*sys.argv, "Windows", "Nodes", "Samplers", "Readings", "Settings", "Lives", "Refusals", "Processes"])
