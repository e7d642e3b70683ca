"""AMD's own Python package `amdsmi`, unchanged, reads a simulated machine, and must find what the machine file says.

Runs inside a machine, with one of the packages 6.1.2, 6.2.4, 6.3.3, 6.4.3, 7.0.2 installed:
    simulator/run --machine mi300x-8 --rocm 6.4.3 -- python test_amdsmi.py
What the releases do differently is in simulator/src/release.rs; here it is said a second time, from the facts, so that a
mistake there shows.
"""

import json
import os
import pathlib
import subprocess
import time
import unittest
from importlib.metadata import version as package_version

import amdsmi

VERSION = tuple(int(x) for x in package_version("amdsmi").split(".")[:3])
RUN = pathlib.Path(__file__).resolve().parents[2] / "simulator" / "run"
DIR = os.environ["ZEUS_AMD_SIM"]


def simulator(*args):
    return subprocess.run([RUN, *args], check=True, capture_output=True, text=True).stdout


def truth():
    return json.loads(simulator("truth", "--dir", DIR))


def watts_or_micro(microwatts, cut):
    """A cap as this release says it: µW, and a tenth for 1000 W and more when it was read into ten bytes."""
    text = str(microwatts)
    return int(text[:9]) if cut and VERSION < (6, 3) else microwatts


def each_gpu(check):
    """The check for each handle, with the GPU and the processor (partition) that the truth has at its place."""

    def test(self):
        order = self.truth["smi_order"]
        self.assertEqual(len(self.handles), len(order))
        for handle, (gpu, partition) in zip(self.handles, order):
            p = next(p for p in self.truth["processors"] if (p["gpu"], p["partition"]) == (gpu, partition))
            with self.subTest(gpu=gpu, partition=partition):
                check(self, handle, self.truth["gpus"][gpu], p)

    return test


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        amdsmi.amdsmi_init()
        cls.handles = amdsmi.amdsmi_get_processor_handles()
        simulator("clock", "--dir", DIR, "stop")
        cls.truth = truth()
        # 6.4.2 and later keep a table for up to 100 ms.
        time.sleep(0.15)

    @classmethod
    def tearDownClass(cls):
        simulator("clock", "--dir", DIR, "start")
        amdsmi.amdsmi_shut_down()

    def fails(self, status, function, *args):
        with self.assertRaises(amdsmi.AmdSmiLibraryException) as caught:
            function(*args)
        self.assertEqual(caught.exception.get_error_code(), status)

    @each_gpu
    def test_identity(self, handle, gpu, p):
        bdf = amdsmi.amdsmi_get_gpu_device_bdf(handle)
        self.assertEqual(bdf.lower(), p["bdf"])
        bus, device = (int(x, 16) for x in gpu["bdf"].split(".")[0].split(":")[1:])
        number = amdsmi.amdsmi_get_gpu_bdf_id(handle)
        self.assertEqual(number & 0xFFF8, bus << 8 | device << 3)
        asic = amdsmi.amdsmi_get_gpu_asic_info(handle)
        self.assertEqual(asic["market_name"], gpu["name"])
        self.assertEqual(asic["vendor_id"], "0x1002")
        self.assertEqual(int(asic["device_id"], 16), gpu["device_id"])
        self.assertEqual(int(asic["rev_id"], 16), gpu["rev_id"])
        self.assertEqual(int(asic["subvendor_id"], 16), gpu["subvendor"])
        self.assertEqual(asic["asic_serial"], "0x" + gpu["unique_id"].upper())
        self.assertEqual(asic["oam_id"], gpu["oam_id"])
        serial = gpu["unique_id"]
        uuid = amdsmi.amdsmi_get_gpu_device_uuid(handle)
        self.assertEqual(uuid, f"{serial[:2]}ff{gpu['device_id']:04x}-0000-1000-80{serial[2:4]}-{serial[4:]}")
        if VERSION >= (6, 3):
            self.assertEqual(asic["num_compute_units"], gpu["compute_units"])
        if VERSION >= (6, 4):
            major, minor, step = gpu["gfx_target"] // 10000, gpu["gfx_target"] // 100 % 100, gpu["gfx_target"] % 100
            self.assertEqual(asic["target_graphics_version"], f"gfx{major}{minor:x}{step:x}")
        if VERSION >= (7, 0):
            self.assertEqual(int(asic["subsystem_id"], 16), gpu["subsystem_id"])

    def test_handles_are_in_order_of_pci_addresses(self):
        addresses = [amdsmi.amdsmi_get_gpu_device_bdf(h) for h in self.handles]
        self.assertEqual(addresses, sorted(addresses))

    @each_gpu
    def test_numbers_of_kfd_and_drm(self, handle, gpu, p):
        smallest = min(p["kfd_node"] for p in self.truth["processors"])
        if VERSION >= (6, 3):
            kfd = amdsmi.amdsmi_get_gpu_kfd_info(handle)
            self.assertEqual(kfd["kfd_id"], p["gpu_id"])
            self.assertEqual(kfd["node_id"], p["kfd_node"])
            self.assertEqual(kfd["current_partition_id"], p["partition"])
        if VERSION >= (6, 4):
            e = amdsmi.amdsmi_get_gpu_enumeration_info(handle)
            self.assertEqual(e["drm_render"], p["render_minor"])
            self.assertEqual(e["drm_card"], p["card"])
            self.assertEqual(e["hsa_id"], p["kfd_node"])
            self.assertEqual(e["hip_id"], p["kfd_node"] - smallest)
            self.assertEqual(e["hip_uuid"], "GPU-" + gpu["unique_id"])
        else:
            self.assertFalse(hasattr(amdsmi, "amdsmi_get_gpu_enumeration_info"))

    @each_gpu
    def test_energy(self, handle, gpu, p):
        if p["partition"] and VERSION >= (6, 4, 1):
            self.fails(2, amdsmi.amdsmi_get_energy_count, handle)
            return
        e = amdsmi.amdsmi_get_energy_count(handle)
        now = gpu["now"]
        self.assertEqual(e["energy_accumulator"] if VERSION >= (6, 3) else e["power"], now["accumulator"])
        self.assertAlmostEqual(e["counter_resolution"], 15.3, places=5)
        self.assertEqual(e["timestamp"], now["system_clock_ns"])
        if not gpu["counter"]["stuck_at_s"] == 0 and not gpu["secondary_die"]:
            joules = (now["accumulator"] - gpu["counter"]["initial"]) * gpu["unit_uj"] * 1e-6
            self.assertAlmostEqual(joules, now["true_energy_j"], delta=0.002 * now["true_power_w"])

    @each_gpu
    def test_power(self, handle, gpu, p):
        if p["partition"] and VERSION >= (6, 4, 1):
            self.fails(2, amdsmi.amdsmi_get_power_info, handle)
            return
        if not gpu["cap_present"]:
            # The powers are there, and the status is that of the cap that is not.
            self.fails(7, amdsmi.amdsmi_get_power_info, handle)
            return
        info = amdsmi.amdsmi_get_power_info(handle)
        power, current = gpu["now"]["power_w"], gpu["power_sensor"] == "current"
        self.assertEqual(info["current_socket_power"], power if current else "N/A")
        self.assertEqual(info["average_socket_power"], "N/A" if current else power)
        if VERSION >= (7, 0):
            self.assertEqual(info["socket_power"], power)
        for name, i in (("gfx_voltage", 0), ("soc_voltage", 1), ("mem_voltage", 2)):
            self.assertEqual(info[name], "N/A" if current else gpu["voltages"][i])
        self.assertEqual(info["power_limit"], watts_or_micro(gpu["cap_uw"], True))

    @each_gpu
    def test_power_caps(self, handle, gpu, p):
        if p["partition"] and VERSION >= (6, 4, 1):
            self.fails(2, amdsmi.amdsmi_get_power_cap_info, handle)
            return
        info = amdsmi.amdsmi_get_power_cap_info(handle)
        real = gpu["cap_present"]
        self.assertEqual(info["power_cap"], watts_or_micro(gpu["cap_uw"], True) if real else 0)
        self.assertEqual(info["default_power_cap"], gpu["default_cap_uw"] if real else 0)
        self.assertEqual(info["min_power_cap"], gpu["min_cap_uw"] if real else 0)
        self.assertEqual(info["max_power_cap"], gpu["max_cap_uw"] if real else 0)

    @each_gpu
    def test_temperatures(self, handle, gpu, p):
        sensors = amdsmi.AmdSmiTemperatureType
        current = amdsmi.AmdSmiTemperatureMetric.CURRENT
        for sensor, name in ((sensors.EDGE, "edge"), (sensors.HOTSPOT, "hotspot"), (sensors.VRAM, "mem")):
            truth = gpu["temps_mc"][name]
            if truth is None or (p["partition"] and VERSION >= (6, 4, 1)):
                self.fails(2, amdsmi.amdsmi_get_temp_metric, handle, sensor, current)
            else:
                self.assertEqual(amdsmi.amdsmi_get_temp_metric(handle, sensor, current), truth // 1000)

    @each_gpu
    def test_clocks(self, handle, gpu, p):
        for kind, name in ((amdsmi.AmdSmiClkType.GFX, "gfx"), (amdsmi.AmdSmiClkType.MEM, "mem")):
            c, truth = amdsmi.amdsmi_get_clock_info(handle, kind), gpu["clocks"][name]
            self.assertEqual(c["clk"] if VERSION >= (6, 2) else c["cur_clk"], truth["now"])
            levels = list(truth["levels"])
            if (6, 4) <= VERSION < (7, 0):
                # The level of the present clock is skipped.
                levels.remove(min(levels, key=lambda mhz: abs(mhz - truth["now"])))
            self.assertEqual((c["min_clk"], c["max_clk"]), (levels[0], levels[-1]))
            f = amdsmi.amdsmi_get_clk_freq(handle, kind)
            self.assertEqual(f["num_supported"], len(truth["levels"]))
            # The package itself leaves the last one out.
            self.assertEqual([hz // 10**6 for hz in f["frequency"]], truth["levels"][: len(f["frequency"])])
            self.assertGreaterEqual(len(f["frequency"]), len(truth["levels"]) - 1)

    @each_gpu
    def test_metrics_activity_and_partition(self, handle, gpu, p):
        m = amdsmi.amdsmi_get_gpu_metrics_info(handle)
        self.assertEqual(m["energy_accumulator"], gpu["now"]["accumulator"])
        self.assertEqual(m["system_clock_counter"], gpu["now"]["system_clock_ns"])
        self.assertEqual(m["firmware_timestamp"], gpu["now"]["firmware_10ns"])
        self.assertEqual(m["temperature_hotspot"], gpu["temps_mc"]["hotspot"] // 1000)
        activity = amdsmi.amdsmi_get_gpu_activity(handle)
        self.assertEqual([activity["gfx_activity"], activity["umc_activity"]], gpu["activity"])
        self.assertEqual(amdsmi.amdsmi_get_gpu_compute_partition(handle), gpu["compute_partition"])
        self.assertEqual(amdsmi.amdsmi_get_gpu_memory_partition(handle), gpu["memory_partition"])

    def test_settings(self):
        """A cap and clock limits at one GPU, and at that one only."""
        handle, (gpu, _) = self.handles[-1], self.truth["smi_order"][-1]
        last = self.truth["gpus"][gpu]
        if last["cap_present"]:
            new = last["cap_uw"] // 2
            amdsmi.amdsmi_set_power_cap(handle, 0, new)
            # The driver takes whole watts.
            self.assertEqual(amdsmi.amdsmi_get_power_cap_info(handle)["power_cap"], new // 1_000_000 * 1_000_000)
            if len(self.handles) > 1 and self.truth["gpus"][self.truth["smi_order"][0][0]]["cap_present"]:
                first = amdsmi.amdsmi_get_power_cap_info(self.handles[0])["power_cap"]
                self.assertEqual(first, watts_or_micro(self.truth["gpus"][self.truth["smi_order"][0][0]]["cap_uw"], True))
            self.fails(1, amdsmi.amdsmi_set_power_cap, handle, 0, last["max_cap_uw"] + 1)
            amdsmi.amdsmi_set_power_cap(handle, 0, last["cap_uw"])
        low, high = last["clocks"]["gfx"]["range"]
        amdsmi.amdsmi_set_gpu_clk_range(handle, low + 10, high - 10, amdsmi.AmdSmiClkType.GFX)
        od = amdsmi.amdsmi_get_gpu_od_volt_info(handle)
        self.assertEqual(od["curr_sclk_range"], {"lower_bound": (low + 10) * 10**6, "upper_bound": (high - 10) * 10**6})
        self.assertEqual(od["sclk_freq_limits"], {"lower_bound": low * 10**6, "upper_bound": high * 10**6})
        self.assertTrue(amdsmi.amdsmi_get_gpu_perf_level(handle).endswith("MANUAL"))
        amdsmi.amdsmi_set_gpu_perf_level(handle, amdsmi.AmdSmiDevPerfLevel.AUTO)
        od = amdsmi.amdsmi_get_gpu_od_volt_info(handle)
        self.assertEqual(od["curr_sclk_range"], {"lower_bound": low * 10**6, "upper_bound": high * 10**6})


class Version(unittest.TestCase):
    def test_words(self):
        words = {
            (6, 1, 2): (24, 5, 2, 0),
            (6, 2, 4): (24, 6, 3, 0),
            (6, 3, 3): (25, 1, 0, 0),
            (6, 4, 3): (25, 5, 1),
            (7, 0, 2): (26, 0, 2),
        }[VERSION]
        amdsmi.amdsmi_init()
        v = amdsmi.amdsmi_get_lib_version()
        # 6.4 has a year in its struct and does not show it.
        names = ("year", "major", "minor", "release") if VERSION < (6, 4) else ("major", "minor", "release")
        self.assertEqual(tuple(int(v[n]) for n in names), words)
        amdsmi.amdsmi_shut_down()

    def test_readings_need_init(self):
        amdsmi.amdsmi_init()
        handle = amdsmi.amdsmi_get_processor_handles()[0]
        amdsmi.amdsmi_shut_down()
        with self.assertRaises(amdsmi.AmdSmiLibraryException) as caught:
            amdsmi.amdsmi_get_energy_count(handle)
        self.assertEqual(caught.exception.get_error_code(), 32)


if __name__ == "__main__":
    unittest.main()
