"""AMD's Cython binding of libamd_smi 27 (`rocm-bindings-systems` from PyPI), unchanged, reads a simulated machine, and must find
what the machine file says; and every struct of its `.pxd` lies as the simulator's layouts have it.

Runs inside a machine, with the package and `rocm-bindings-core` installed:
    simulator/run --machine mi300x-8 --rocm 10.0 -- python test_bindings.py
"""

import ctypes
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import time
import unittest

from rocm.bindings import amdsmi

RUN = pathlib.Path(__file__).resolve().parents[2] / "simulator" / "run"
DIR = os.environ["ZEUS_AMD_SIM"]
RELEASE = pathlib.Path(os.environ["ROCM_PATH"], ".info/version").read_text().strip()
NA16, NA32, NA64 = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
GPUS = 2


def simulator(*args):
    return subprocess.run([RUN, *args], check=True, capture_output=True, text=True).stdout


def out(kind, function, *args):
    """A call that writes through its last pointers, of one kind; its status, and what they point at."""
    place = kind()
    (status,) = function(*args, ctypes.addressof(place))
    return int(status), place.value


def listed(function, *args):
    """The handles that a call with a count and an array gives."""
    count = ctypes.c_uint32()
    assert function(*args, ctypes.addressof(count), None) == (0,)
    array = (ctypes.c_void_p * count.value)()
    assert function(*args, ctypes.addressof(count), ctypes.addressof(array)) == (0,)
    return list(array)


def values(struct):
    return {name: getattr(struct, name) for name in struct.PROPERTIES() if name != "reserved"}


def each_gpu(check):
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
        assert amdsmi.amdsmi_init(GPUS) == (0,)
        sockets = listed(amdsmi.amdsmi_get_socket_handles)
        cls.handles = [h for s in sockets for h in listed(amdsmi.amdsmi_get_processor_handles, s)]
        simulator("clock", "--dir", DIR, "stop")
        cls.truth = json.loads(simulator("truth", "--dir", DIR))
        # The library keeps a table for a millisecond.
        time.sleep(0.01)

    @classmethod
    def tearDownClass(cls):
        simulator("clock", "--dir", DIR, "start")
        amdsmi.amdsmi_shut_down()

    def got(self, answer):
        """The struct of an answer that went well, as a dictionary."""
        status, struct = answer
        self.assertEqual(status, 0)
        return values(struct)

    def test_version(self):
        version = self.got(amdsmi.amdsmi_get_lib_version())
        words = {"10.0": (27, 0, 0), "10.1": (27, 1, 0), "10.2": (27, 2, 0)}[RELEASE]
        self.assertEqual((version["major"], version["minor"], version["release"]), words)

    @each_gpu
    def test_identity(self, handle, gpu, p):
        bus, device = (int(x, 16) for x in gpu["bdf"].split(".")[0].split(":")[1:])
        status, bdf = out(ctypes.c_uint64, amdsmi.amdsmi_get_gpu_bdf_id, handle)
        self.assertEqual((status, bdf & 0xFFF8), (0, bus << 8 | device << 3))
        asic = self.got(amdsmi.amdsmi_get_gpu_asic_info(handle))
        for name, truth in (
            ("market_name", gpu["name"]),
            ("vendor_id", 0x1002),
            ("device_id", gpu["device_id"]),
            ("rev_id", gpu["rev_id"]),
            ("subvendor_id", gpu["subvendor"]),
            ("subsystem_id", gpu["subsystem_id"]),
            ("asic_serial", gpu["unique_id"].upper()),
            ("oam_id", gpu["oam_id"]),
            ("num_of_compute_units", gpu["compute_units"]),
        ):
            self.assertEqual(asic[name], truth, name)
        major, minor, step = gpu["gfx_target"] // 10000, gpu["gfx_target"] // 100 % 100, gpu["gfx_target"] % 100
        self.assertEqual(f"{asic['target_graphics_version']:x}", f"{major}{minor:x}{step:x}")
        kfd = self.got(amdsmi.amdsmi_get_gpu_kfd_info(handle))
        wanted = {"kfd_id": p["gpu_id"], "node_id": p["kfd_node"], "current_partition_id": p["partition"]}
        self.assertEqual(kfd, wanted)
        e = self.got(amdsmi.amdsmi_get_gpu_enumeration_info(handle))
        smallest = min(p["kfd_node"] for p in self.truth["processors"])
        self.assertEqual((e["drm_render"], e["drm_card"]), (p["render_minor"], p["card"]))
        self.assertEqual((e["hsa_id"], e["hip_id"]), (p["kfd_node"], p["kfd_node"] - smallest))
        self.assertEqual((e["hip_uuid"], e["oam_id"]), ("GPU-" + p["unique_id"], gpu["oam_id"]))
        self.assertEqual(out(ctypes.c_uint16, amdsmi.amdsmi_get_gpu_id, handle), (0, gpu["device_id"]))

    @each_gpu
    def test_energy(self, handle, gpu, p):
        count, resolution, at = ctypes.c_uint64(), ctypes.c_float(), ctypes.c_uint64()
        (status,) = amdsmi.amdsmi_get_energy_count(handle, *map(ctypes.addressof, (count, resolution, at)))
        if p["partition"]:
            self.assertEqual(status, 2)
            return
        now = gpu["now"]
        self.assertEqual((status, count.value, at.value), (0, now["accumulator"], now["system_clock_ns"]))
        self.assertAlmostEqual(resolution.value, 15.3, places=5)

    @each_gpu
    def test_power(self, handle, gpu, p):
        answer = amdsmi.amdsmi_get_power_info(handle)
        if p["partition"]:
            self.assertEqual(answer[0], 2)
            return
        info, now = self.got(answer), gpu["now"]["power_w"]
        current = gpu["power_sensor"] == "current"
        # The sentinels stay numbers.
        voltages = gpu["voltages"] if gpu["voltages"] and not current else [NA64] * 3
        wanted = {
            "socket_power": now,
            "current_socket_power": now if current else NA32,
            "average_socket_power": NA32 if current else now,
            "gfx_voltage": voltages[0],
            "soc_voltage": voltages[1],
            "mem_voltage": voltages[2],
            "power_limit": gpu["cap_uw"] if gpu["cap_present"] else NA32,
            "ubb_power": NA32,
        }
        self.assertEqual(info, wanted)

    @each_gpu
    def test_power_caps(self, handle, gpu, p):
        status, struct = amdsmi.amdsmi_get_power_cap_info(handle, 0)
        if p["partition"] or not gpu["cap_present"]:
            self.assertEqual(status, 2)
            return
        self.assertEqual(status, 0)
        info = values(struct)
        truth = [gpu[n] for n in ("cap_uw", "default_cap_uw", "min_cap_uw", "max_cap_uw")]
        self.assertEqual([info[n] for n in ("power_cap", "default_power_cap", "min_power_cap", "max_power_cap")], truth)

    @each_gpu
    def test_temperatures(self, handle, gpu, p):
        kinds = amdsmi.amdsmi_temperature_type_t
        metric = amdsmi.amdsmi_temperature_metric_t.AMDSMI_TEMP_CURRENT
        for kind, name in (("EDGE", "edge"), ("HOTSPOT", "hotspot"), ("VRAM", "mem")):
            sensor, truth = kinds[f"AMDSMI_TEMPERATURE_TYPE_{kind}"], gpu["temps_mc"][name]
            got = out(ctypes.c_int64, amdsmi.amdsmi_get_temp_metric, handle, sensor, metric)
            self.assertEqual(got, (2, 0) if truth is None or p["partition"] else (0, truth // 1000), name)

    @each_gpu
    def test_clocks(self, handle, gpu, p):
        types = amdsmi.amdsmi_clk_type_t
        for kind, name in (("GFX", "gfx"), ("MEM", "mem")):
            clock, truth = self.got(amdsmi.amdsmi_get_clock_info(handle, types[f"AMDSMI_CLK_TYPE_{kind}"])), gpu["clocks"][name]
            levels = truth["levels"]
            self.assertEqual([clock[n] for n in ("clk", "min_clk", "max_clk")], [truth["now"], levels[0], levels[-1]])

    @each_gpu
    def test_activity(self, handle, gpu, p):
        usage = self.got(amdsmi.amdsmi_get_gpu_activity(handle))
        self.assertEqual([usage["gfx_activity"], usage["umc_activity"]], gpu["activity"])

    @each_gpu
    def test_metrics(self, handle, gpu, p):
        metrics = amdsmi.amdsmi_gpu_metrics_t.allocate()
        self.assertEqual(amdsmi.amdsmi_get_gpu_metrics_info(handle, metrics), (0,))
        now = gpu["now"]
        self.assertEqual(metrics.energy_accumulator, now["accumulator"])
        self.assertEqual(metrics.system_clock_counter, now["system_clock_ns"])
        self.assertEqual(metrics.firmware_timestamp, now["firmware_10ns"])
        self.assertEqual(metrics.temperature_hotspot, gpu["temps_mc"]["hotspot"] // 1000)
        current = gpu["power_sensor"] == "current"
        power = [metrics.current_socket_power, metrics.average_socket_power]
        self.assertEqual(power, [now["power_w"], NA16] if current else [NA16, now["power_w"]])

    def test_settings(self):
        """A cap and a clock limit at one GPU, and at that one only."""
        handle, (gpu, _) = self.handles[-1], self.truth["smi_order"][-1]
        gpu = self.truth["gpus"][gpu]
        cap = lambda h: values(amdsmi.amdsmi_get_power_cap_info(h, 0)[1])["power_cap"]
        if gpu["cap_present"]:
            before = [cap(h) for h in self.handles[:-1]]
            self.assertEqual(amdsmi.amdsmi_set_power_cap(handle, 0, gpu["cap_uw"] // 2), (0,))
            # The driver takes whole watts.
            self.assertEqual([cap(h) for h in self.handles], [*before, gpu["cap_uw"] // 2_000_000 * 1_000_000])
            self.assertEqual(amdsmi.amdsmi_set_power_cap(handle, 0, gpu["max_cap_uw"] + 1), (1,))
            self.assertEqual(amdsmi.amdsmi_set_power_cap(handle, 0, gpu["cap_uw"]), (0,))
        low, high = gpu["clocks"]["gfx"]["range"]
        gfx = amdsmi.amdsmi_clk_type_t.AMDSMI_CLK_TYPE_GFX
        limits = amdsmi.amdsmi_clk_limit_type_t
        self.assertEqual(amdsmi.amdsmi_set_gpu_clk_limit(handle, gfx, limits.CLK_LIMIT_MAX, high - 10), (0,))
        self.assertEqual(amdsmi.amdsmi_set_gpu_clk_limit(handle, gfx, limits.CLK_LIMIT_MIN, low + 10), (0,))
        self.assertEqual(self.range(handle), ((low + 10) * 10**6, (high - 10) * 10**6))
        auto = amdsmi.amdsmi_dev_perf_level_t.AMDSMI_DEV_PERF_LEVEL_AUTO
        self.assertEqual(amdsmi.amdsmi_set_gpu_perf_level(handle, auto), (0,))
        self.assertEqual(self.range(handle), (low * 10**6, high * 10**6))
        if RELEASE == "10.0":
            self.assertFalse(hasattr(amdsmi, "amdsmi_set_gpu_clk_range"))

    def range(self, handle):
        od = amdsmi.amdsmi_od_volt_freq_data_t.allocate()
        self.assertEqual(amdsmi.amdsmi_get_gpu_od_volt_info(handle, od), (0,))
        return od.curr_sclk_range.lower_bound, od.curr_sclk_range.upper_bound


# Structs of bit fields.
BITS = {
    "amdsmi_bdf_t_bdf_": ctypes.c_uint64,
    "amdsmi_bdf_t_struct_0": ctypes.c_uint64,
    "amdsmi_nps_caps_t_nps_flags_": ctypes.c_uint32,
}

SCALARS = {
    "char": ctypes.c_char,
    "_Bool": ctypes.c_bool,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint,
    "long": ctypes.c_long,
    "unsigned char": ctypes.c_ubyte,
    "unsigned short": ctypes.c_ushort,
    **{f"{u}int{n}_t": getattr(ctypes, f"c_{u}int{n}") for u in ("", "u") for n in (8, 16, 32, 64)},
}


def structs():
    """Every struct and union of the .pxd, as ctypes has it. Bit fields look like whole words there: one word stands for them."""
    text = pathlib.Path(importlib.util.find_spec("rocm.bindings.cyamdsmi").origin).with_name("cyamdsmi.pxd").read_text()
    known, kind, name, fields = dict(SCALARS), None, None, []

    def of(words):
        if "*" in words:
            return ctypes.c_void_p
        return known[" ".join(words.split())]

    def close():
        if kind:
            known[name] = BITS.get(name) or type(name, (kind,), {"_fields_": fields})

    for line in text.splitlines():
        head = re.fullmatch(r" *(?:cdef|ctypedef) (struct|union|enum) ?(\w*):", line)
        alias = re.fullmatch(r" *ctypedef (?:enum )?([\w ]+?) (\w+)", line)
        field = re.fullmatch(r" +([\w *]+?)(\w+)((?:\[\w+\])*)", line)
        if head:
            close()
            kind = {"struct": ctypes.Structure, "union": ctypes.Union}.get(head[1])
            name, fields = head[2], []
            if head[1] == "enum":
                known[name] = ctypes.c_int
        elif alias and alias[1] in known:
            close()
            kind = None
            known[alias[2]] = known[alias[1]]
        elif field and kind and field[1].strip():
            member = of(field[1].replace("*", " * ").strip())
            for length in reversed(re.findall(r"\[(\w+)\]", field[3])):
                member = member * int(length)
            fields.append((field[2], member))
        elif line.startswith(("cdef", "    cdef", "    ctypedef")):
            close()
            kind = None
    close()
    return {n: t for n, t in known.items() if isinstance(t, type) and issubclass(t, (ctypes.Structure, ctypes.Union))}


def places(struct, prefix="", base=0):
    """Offset and size of each member, those of structs within by their path too."""
    found = {}
    for name, kind in struct._fields_:
        field = getattr(struct, name)
        found[prefix + name] = [base + field.offset, field.size]
        if issubclass(kind, (ctypes.Structure, ctypes.Union)):
            found |= places(kind, f"{prefix}{name}.", base + field.offset)
        elif issubclass(kind, ctypes.Array) and issubclass(kind._type_, ctypes.Structure):
            for i in range(kind._length_):
                at = base + field.offset + i * ctypes.sizeof(kind._type_)
                found |= places(kind._type_, f"{prefix}{name}[{i}].", at)
    return found


class Layouts(unittest.TestCase):
    """Three ways to the same bytes: AMD's compiled sizes, AMD's declarations, and what the simulator writes."""

    # More bit fields and packed structs, which a .pxd does not show; none of them concerns this library.
    OTHERS = {
        "amdsmi_cper_hdr_t",
        "amdsmi_cper_valid_bits_t",
        "amdsmi_hsmp_metrics_table_t",
        "amdsmi_power_profile_status_t",
        "amdsmi_ras_feature_t",
        "amdsmi_temp_range_refresh_rate_t",
    }

    @classmethod
    def setUpClass(cls):
        cls.structs = structs()
        cls.layouts = json.loads(simulator("layouts", "--rocm", "10.0"))

    def test_declarations_have_the_compiled_sizes(self):
        compiled = {n: getattr(amdsmi, n).allocate().c_sizeof() for n in self.structs if hasattr(amdsmi, n)}
        self.assertGreater(len(compiled), 80)
        self.assertEqual({n for n, size in compiled.items() if ctypes.sizeof(self.structs[n]) != size}, self.OTHERS)

    def test_simulated_layouts_are_amds(self):
        self.assertGreaterEqual(len(self.layouts), 20)
        for name, layout in self.layouts.items():
            with self.subTest(struct=name):
                self.assertEqual(getattr(amdsmi, name).allocate().c_sizeof(), layout["size"])
                amds = places(self.structs[name])
                self.assertEqual({n: at for n, at in amds.items() if n in layout["fields"]}, layout["fields"])
                missing = {n for n in amds if not re.search(r"[.[]", n)} - set(layout["fields"])
                # Bit fields have no offset of their own.
                self.assertEqual(missing - {"bdf"}, set())


if __name__ == "__main__":
    unittest.main()
