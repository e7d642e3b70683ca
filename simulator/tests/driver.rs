//! Writes to pp_od_clk_voltage by the rules of aldebaran_ppt.c and smu_v13_0_6_ppt.c, before and after their changes.

mod common;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use common::{inside, Handle, Lib};
use zeus_amd_sim::start::happens;
use zeus_amd_sim::tree::od::{Limits, FILE, LEVEL_FILE};
use zeus_amd_sim::{Machine, Sim};

fn file(name: &str) -> PathBuf {
    let dir = PathBuf::from(std::env::var_os("ZEUS_AMD_SIM").unwrap());
    let m = Machine::from_json(&fs::read_to_string(dir.join("machine.json")).unwrap()).unwrap();
    dir.join("sys/bus/pci/devices").join(m.gpus()[0].bdf.to_string()).join(name)
}

/// One write; its errno, or 0. As a shell redirects it, or appending.
fn write(name: &str, text: &str) -> i32 {
    let append = text.starts_with('s');
    let open = fs::OpenOptions::new().write(true).append(append).truncate(!append).open(file(name));
    open.and_then(|mut f| f.write_all(text.as_bytes())).map_or_else(|e| e.raw_os_error().unwrap(), |()| 0)
}

fn od(commands: &[&str]) -> Vec<i32> {
    commands.iter().map(|c| write(FILE, &format!("{c}\n"))).collect()
}

fn level(name: &str) {
    assert_eq!(write(LEVEL_FILE, &format!("{name}\n")), 0);
    assert_eq!(fs::read_to_string(file(LEVEL_FILE)).unwrap().trim(), name);
}

fn in_force() -> ([u32; 2], [u32; 2]) {
    let limits = Limits::parse(&fs::read_to_string(file(FILE)).unwrap());
    (limits.gfx.unwrap(), limits.mem.unwrap())
}

const REFUSED: i32 = libc::EINVAL;
const NEW: &str = "kernel = \"2026-06\"";
const MID: &str = "kernel = \"2025-10\"";
const OLD: &str = "kernel = \"2025-01\"";
const UNSET: ([u32; 2], [u32; 2]) = ([500, 1700], [400, 1600]);

#[test]
fn bounds_are_pending_until_they_are_committed() {
    for kernel in [NEW, MID, OLD] {
        inside("mi210-1", "7.2.0", &[kernel], |_| {
            assert_eq!(in_force(), UNSET);
            assert_eq!(od(&["s 0 800", "c"]), [REFUSED, REFUSED], "level auto");
            level("manual");
            assert_eq!(od(&["s 0 800", "s 1 1200", "m 1 1300"]), [0, 0, 0]);
            assert_eq!(in_force(), UNSET);
            assert_eq!(od(&["c"]), [0]);
            assert_eq!(in_force(), ([800, 1200], [400, 1300]));
            assert_eq!(od(&["s 2 800", "x 0 1", "s 0", "s 0 fast"]), [REFUSED; 4]);
            assert_eq!(od(&["r"]), [0]);
            assert_eq!(in_force(), UNSET);
            assert_eq!(od(&["m 1 1200", "c"]), [0, 0], "a reset forgets what was set");
            assert_eq!(in_force(), ([500, 1700], [400, 1200]));
        });
    }
}

#[test]
fn level_determinism_takes_an_upper_bound_alone() {
    inside("mi210-1", "7.2.0", &[NEW], |_| {
        level("perf_determinism");
        assert_eq!(od(&["s 1 1000", "c"]), [0, 0]);
        assert_eq!(od(&["s 0 1300", "c"]), [0, 0]);
        assert_eq!(in_force(), ([500, 1000], [400, 1600]));
        level("manual");
        assert_eq!(in_force(), UNSET, "the bound goes with its level");
    });
}

#[test]
fn a_lower_bound_above_the_upper_one_in_force_is_refused_at_the_commit() {
    inside("mi210-1", "7.2.0", &[NEW], |_| {
        level("manual");
        assert_eq!(od(&["s 1 1000", "c"]), [0, 0]);
        assert_eq!(od(&["s 0 1300", "c"]), [0, REFUSED]);
        assert_eq!(in_force(), ([500, 1000], [400, 1600]));
        // It is pending still, and right with the other one.
        assert_eq!(od(&["s 1 1700", "c"]), [0, 0]);
        assert_eq!(in_force(), ([1300, 1700], [400, 1600]));
    });
}

#[test]
fn equal_bounds_were_refused_before_2026_04() {
    for (kernel, status) in
        [(OLD, REFUSED), (MID, REFUSED), ("kernel = \"2026-03\"", REFUSED), ("kernel = \"2026-04\"", 0)]
    {
        inside("mi300x-8", "7.2.0", &[kernel], |_| {
            level("manual");
            assert_eq!(od(&["s 0 1300", "s 1 1300", "c"]), [0, 0, status], "{kernel}");
            assert_eq!(in_force().0, if status == 0 { [1300, 1300] } else { [500, 2100] });
        });
    }
}

#[test]
fn level_auto_kept_what_was_set_before_2025_07() {
    for (kernel, back) in [(OLD, true), ("kernel = \"2025-06\"", true), ("kernel = \"2025-07\"", false), (NEW, false)] {
        inside("mi210-1", "7.2.0", &[kernel], |_| {
            level("manual");
            assert_eq!(od(&["s 0 800", "s 1 1200", "c"]), [0, 0, 0]);
            level("auto");
            assert_eq!(in_force(), UNSET, "in force is none of it");
            level("manual");
            assert_eq!(od(&["m 1 1300", "c"]), [0, 0]);
            let gfx = if back { [800, 1200] } else { UNSET.0 };
            assert_eq!(in_force(), (gfx, [400, 1300]), "{kernel}: a memory lock alone");
            level("auto");
            level("manual");
            assert_eq!(od(&["s 0 1300", "c"]), [0, if back { REFUSED } else { 0 }]);
        });
    }
}

/// amdsmi_set_gpu_clk_limit writes one bound and commits.
#[test]
fn libamd_smi_meets_the_same_rules() {
    let limit = |lib: &Lib, h: Handle, which: u32, mhz: u64| {
        lib.get::<extern "C" fn(Handle, u32, u32, u64) -> u32>("amdsmi_set_gpu_clk_limit")(h, 0, which, mhz)
    };
    for (kernel, sweep) in [(OLD, 1), (NEW, 0)] {
        inside("mi210-1", "6.4.3", &[kernel], |lib| {
            let h = lib.handles()[0];
            assert_eq!((limit(lib, h, 0, 800), limit(lib, h, 1, 1200)), (0, 0));
            assert_eq!(in_force().0, [800, 1200]);
            assert_eq!(lib.get::<extern "C" fn(Handle, u32) -> u32>("amdsmi_set_gpu_perf_level")(h, 0), 0);
            assert_eq!(in_force(), UNSET);
            assert_eq!(limit(lib, h, 0, 1300), sweep, "{kernel}: a sweep upwards");
        });
    }
    inside("mi210-1", "6.4.3", &[MID], |lib| {
        let h = lib.handles()[0];
        assert_eq!((limit(lib, h, 0, 1300), limit(lib, h, 1, 1300)), (0, 1));
    });
}

#[test]
fn a_part_may_check_the_range_and_may_know_an_offset_only() {
    inside("rx6800-1", "7.2.0", &[], |_| {
        level("manual");
        assert_eq!(od(&["s 0 400", "s 1 2801", "m 0 600", "s 1 2600", "c"]), [REFUSED, REFUSED, REFUSED, 0, 0]);
        assert_eq!(in_force(), ([500, 2600], [97, 1000]));
    });
    inside("rx9070-1", "7.2.0", &[], |_| {
        level("manual");
        assert_eq!(od(&["s 0 500", "s 1 2000", "s -501", "s -300", "c"]), [REFUSED, REFUSED, REFUSED, 0, 0]);
        assert_eq!(Limits::parse(&fs::read_to_string(file(FILE)).unwrap()).offset, Some(-300));
        assert_eq!(od(&["m 1 1300", "c"]), [0, 0]);
    });
}

/// A program that the preloaded library does not reach appends its commands; no error reaches it.
#[test]
fn what_is_appended_to_the_plain_file_meets_the_same_rules() {
    for (kernel, gfx) in [(NEW, [1300, 1300]), (MID, [500, 1700])] {
        let sim = Sim::start("mi210-1", "none", &[kernel, "preload = false"]).unwrap();
        let dir = sim.dir().join("sys/bus/pci/devices/0000:63:00.0");
        fs::write(dir.join(LEVEL_FILE), "manual\n").unwrap();
        let mut table = fs::OpenOptions::new().append(true).open(dir.join(FILE)).unwrap();
        // In one write: what one command changes is shown at once, over those that came since.
        table.write_all(b"s 0 1300\ns 1 1300\nc\n").unwrap();
        let logged = || sim.log().iter().any(|l| l.contains("s 0 1300; s 1 1300; c"));
        assert!(happens(logged), "the commands are not carried out");
        let read = || fs::read_to_string(dir.join(FILE)).unwrap();
        assert!(happens(|| !read().contains("s 0") && !read().is_empty()), "the table has one of them left");
        assert_eq!(Limits::parse(&read()).gfx, Some(gfx));
        assert_eq!(sim.log().iter().any(|l| l.ends_with("(refused)")), kernel == MID);
    }
}

#[test]
fn the_log_has_each_change_once_and_in_order() {
    let sim = Sim::start("mi210-1", "none", &[] as &[&str]).unwrap();
    let script = format!(
        "cd {}/sys/bus/pci/devices/0000:63:00.0; echo 1000000 >hwmon/hwmon3/power1_cap; echo 285000000 >hwmon/hwmon3/power1_cap; echo manual >{LEVEL_FILE}; echo s 0 700 >>{FILE}; echo c >{FILE}; echo auto >{LEVEL_FILE}",
        sim.dir().display()
    );
    assert!(sim.command("sh").args(["-c", &script]).status().unwrap().success());
    let of_files = || sim.log().iter().filter_map(|l| Some(l.split_once(" FILE 0 ")?.1.to_owned())).collect();
    let mut logged: Vec<String> = Vec::new();
    let all_logged = happens(|| {
        logged = of_files();
        logged.len() >= 5
    });
    assert!(all_logged, "{logged:?}");
    let of = |name: &str, value: &str| format!("{name} {value}");
    let caps = ["1000000", "285000000"].map(|uw| of("power1_cap", uw));
    assert_eq!(logged[..2], caps);
    assert_eq!(logged[2..], [of(LEVEL_FILE, "manual"), of(FILE, "s 0 700; c"), of(LEVEL_FILE, "auto")]);
}
