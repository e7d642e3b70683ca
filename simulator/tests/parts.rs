//! Parts whose files do not show what is true as the MI200's and MI300's do: each as reports and the kernel's sources have it.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{inside, u32_at};
use zeus_amd_sim::start::isolated;
use zeus_amd_sim::{Gpu, Machine, Sim, State};

fn folder(root: &std::path::Path, g: &Gpu) -> PathBuf {
    root.join("sys/bus/pci/devices").join(g.bdf.to_string())
}

/// A file of the GPU or of its hwmon folder, as a plain one.
fn text(sim: &Sim, gpu: usize, name: &str) -> Option<String> {
    let dir = folder(sim.dir(), &sim.machine().gpus()[gpu]);
    let hwmon = dir.join("hwmon").join(format!("hwmon{}", gpu + 3));
    fs::read_to_string(dir.join(name)).or_else(|_| fs::read_to_string(hwmon.join(name))).ok()
}

fn start(machine: &str, with: &[&str]) -> (Sim, Vec<Vec<u8>>) {
    let sim = Sim::start(machine, "none", with).unwrap();
    // The sensors that average have seen enough of their constant power.
    while sim.now_ns() < 1_100_000_000 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    sim.stop_clock();
    let tables = sim.machine().gpus().iter().map(|g| fs::read(folder(sim.dir(), g).join("gpu_metrics")).unwrap());
    let tables = tables.collect();
    (sim, tables)
}

fn u16_at(table: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([table[at], table[at + 1]])
}

#[test]
fn each_part_has_the_table_of_its_driver() {
    let sizes = [
        ("mi50-1", 0, [1, 0], 80),
        ("rx6800-1", 0, [1, 3], 120),
        ("rx7900-2", 0, [1, 3], 120),
        ("rx7900-2", 1, [2, 1], 120),
        ("rx9070-1", 0, [1, 3], 120),
        ("strix-halo-1", 0, [3, 0], 264),
        ("mi300a-4", 3, [1, 6], 1664),
        ("mi325x-8", 7, [1, 6], 1664),
        ("mi355x-8", 7, [1, 9], 1150),
    ];
    for (machine, gpu, revision, size) in sizes {
        let (_sim, tables) = start(machine, &[]);
        let t = &tables[gpu];
        assert_eq!((t.len(), &t[2..4], usize::from(u16_at(t, 0))), (size, &revision[..], size), "{machine}");
    }
    let irregular = ["mi50-1", "rx6800-1", "rx7900-2", "rx9070-1", "strix-halo-1"];
    assert!(irregular.iter().all(|m| !Machine::names().contains(&m.to_string())));
    assert!(irregular.iter().all(|m| Machine::all_names().contains(&m.to_string())));
}

/// By the offsets of the kernel's structs, as in the reports' tables.
#[test]
fn vega_20_has_no_power_in_its_table() {
    let (sim, tables) = start("mi50-1", &[]);
    assert_eq!([16, 18, 34].map(|at| u16_at(&tables[0], at)), [61, 74, 0]);
    assert_eq!(u32_at(&tables[0], 36), u32::MAX, "no energy counter");
    assert_eq!(text(&sim, 0, "power1_input").as_deref(), Some("178000000\n"));
    assert_eq!(text(&sim, 0, "power1_average"), None);
}

#[test]
fn navi_shows_the_clock_of_the_moment_as_a_level() {
    for (now, lines) in [
        (1300, "0: 500Mhz \n1: 1300Mhz *\n2: 2475Mhz \n"),
        (41, "0: 500Mhz \n1: 41Mhz *\n2: 2475Mhz \n"),
        (2475, "0: 500Mhz\n1: 2475Mhz *\n"),
    ] {
        let sim = Sim::start("rx6800-1", "none", &[format!("gpu.0.clocks.gfx.now = {now}")]).unwrap();
        assert_eq!(text(&sim, 0, "pp_dpm_sclk").as_deref(), Some(lines));
    }
    let (sim, tables) = start("rx7900-2", &[]);
    assert_eq!((u16_at(&tables[0], 22), &tables[0][24..32]), (55, &0xFFFF_FFFFu64.to_le_bytes()[..]), "no counter");
    assert_eq!(text(&sim, 0, "pp_od_clk_voltage").unwrap().lines().next(), Some("OD_SCLK:"));
}

#[test]
fn rdna4_knows_an_offset_only() {
    let (sim, tables) = start("rx9070-1", &[]);
    let od = text(&sim, 0, "pp_od_clk_voltage").unwrap();
    let words: Vec<&str> = od.split_whitespace().collect();
    let of = "OD_SCLK_OFFSET: 0Mhz OD_MCLK: 0: 97Mhz 1: 1259Mhz OD_VDDGFX_OFFSET: 0mV OD_RANGE: \
              SCLK_OFFSET: -500Mhz 1000Mhz MCLK: 97Mhz 1500Mhz VDDGFX_OFFSET: -200mv 0mv";
    assert_eq!(words, of.split_whitespace().collect::<Vec<_>>());
    assert_eq!((u16_at(&tables[0], 22), &tables[0][24..32]), (20, &[0; 8][..]), "the counter is 0");
}

#[test]
fn apus_have_an_edge_sensor_only() {
    let (sim, tables) = start("strix-halo-1", &[]);
    assert_eq!((u16_at(&tables[0], 4), u32_at(&tables[0], 112)), (8800, 119_000), "hundredths of a degree, and mW");
    let (two, older) = start("rx7900-2", &[]);
    assert_eq!((u16_at(&older[1], 4), u16_at(&older[1], 40)), (4400, 31));
    for (sim, gpu, power) in [(&sim, 0, ("power1_average", "119000000\n")), (&two, 1, ("power1_input", "31000000\n"))] {
        assert!(text(sim, gpu, "temp1_input").is_some());
        for name in ["temp2_input", "temp3_input", "freq2_input", "power1_cap"] {
            assert_eq!(text(sim, gpu, name), None, "{name}");
        }
        assert_eq!(text(sim, gpu, power.0).as_deref(), Some(power.1));
    }
}

#[test]
fn tables_that_a_library_does_not_know_are_unknown_to_it() {
    // Table 1.0 from 27 on (inferred), 3.0 from 26.4 on; powers of APUs are in a struct of their own.
    for (machine, release, energy) in
        [("mi50-1", "6.3.3", 43), ("mi50-1", "7.13", 2), ("strix-halo-1", "6.4.3", 43), ("mi355x-8", "7.13", 0)]
    {
        inside(machine, release, &[], |lib| assert_eq!(lib.energy(lib.handles()[0]).0, energy, "{machine} {release}"));
    }
    inside("strix-halo-1", "7.13", &[], |lib| {
        let h = lib.handles()[0];
        assert_eq!(lib.energy(h).0, 2, "no counter");
        let (status, b) = lib.fill("amdsmi_get_power_info", h);
        assert_eq!((status, u32_at(&b, 8), u32_at(&b, 12)), (0, u32::MAX, u32::MAX));
        assert_eq!((lib.temperature(h, 0, 0), lib.temperature(h, 1, 5)), ((0, 88), (2, 0)));
    });
}

#[test]
fn a_suspended_gpu_is_resumed_by_a_reading_and_by_nothing_else() {
    let sim = Sim::start("rx7900-2", "none", &["gpu.0.suspended = \"resumes\"\ngpu.0.resume_s = 0.3"]).unwrap();
    let dir = folder(sim.dir(), &sim.machine().gpus()[0]);
    let hwmon = dir.join("hwmon/hwmon3");
    let cat = |path: PathBuf| {
        let out = sim.command("cat").arg(path).output().unwrap();
        assert!(out.status.success(), "{}", common::text(&out));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    for topology in ["vendor", "device", "power/runtime_status", "hwmon/hwmon3/name", "hwmon/hwmon3/temp1_label"] {
        cat(dir.join(topology));
    }
    assert_eq!((sim.touched(0), sim.resumed_ns(0)), (0, None));
    assert_eq!(cat(dir.join("power/runtime_status")), "suspended\n");
    assert_eq!(cat(hwmon.join("power1_average")), "0\n", "its first values are wrong");
    let resumed = sim.resumed_ns(0).expect("a reading resumes it");
    assert!(sim.touched(0) >= 2 && sim.touched(1) == 0);
    assert_eq!(cat(dir.join("power/runtime_status")), "active\n");
    while sim.now_ns() < resumed + 320_000_000 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_ne!(cat(hwmon.join("power1_average")), "0\n");
    // What the machine counts shows in its truth too.
    let run = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("run");
    let out = isolated(run, sim.dir()).args(["truth", "--dir"]).arg(sim.dir()).output().unwrap();
    let truth: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(truth["gpus"][0]["now"]["resumed_ns"], resumed);
    assert_eq!(truth["gpus"][1]["now"]["touched"], 0);
}

#[test]
fn newer_kernels_refuse_instead_and_libamd_smi_counts_too() {
    inside("rx7900-2", "7.13", &["gpu.0.suspended = \"refuses\""], |lib| {
        let dir = PathBuf::from(std::env::var_os("ZEUS_AMD_SIM").unwrap());
        let m = Machine::from_json(&fs::read_to_string(dir.join("machine.json")).unwrap()).unwrap();
        let state = State::open(&dir).unwrap();
        let file = folder(&dir, &m.gpus()[0]);
        let errno = |name: &str| fs::read(file.join(name)).err().and_then(|e| e.raw_os_error());
        let h = lib.handles();
        assert_eq!(state.touched(0), 0, "init leaves it alone");
        assert_eq!([errno("gpu_metrics"), errno("hwmon/hwmon3/temp1_input")], [Some(libc::EPERM); 2]);
        assert_eq!((errno("power/runtime_status"), state.resumed_ns(0)), (None, None));
        let before = state.touched(0);
        assert_ne!(lib.energy(h[0]).0, 0);
        assert!(state.touched(0) > before);
    });
}
