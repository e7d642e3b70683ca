//! The libraries are, byte for byte and name for name, those of their releases.

mod common;

use std::process::Command;

use common::{inside, touched, u32_at, u64_at};
use zeus_amd_sim::{library, Release, RELEASES};

/// Runs a tool of the binutils on a release's library.
fn tool(program: &str, args: &[&str], release: &Release) -> String {
    let archive = library::built().unwrap().join("libzeus_amd_sim.a");
    let out = Command::new(program).args(args).arg(library::ensure(release, &archive).unwrap()).output().unwrap();
    assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn every_library_exports_exactly_its_names() {
    for r in RELEASES {
        let text = tool("nm", &["-D", "--defined-only"], r);
        let mut names: Vec<String> = Vec::new();
        for line in text.lines() {
            let mut words = line.split_whitespace().skip(1);
            let (kind, name) = (words.next().unwrap(), words.next().unwrap());
            if kind == "A" {
                continue; // the version itself
            }
            let (name, version) = name.split_once("@@").map_or((name, None), |(n, v)| (n, Some(v)));
            assert_eq!(version, r.symbol_version(), "{} {name}", r.name);
            names.push(name.to_string());
        }
        let mut wanted = library::symbols(r).unwrap();
        names.sort();
        wanted.sort();
        assert_eq!(names, wanted, "{}", r.name);
    }
}

#[test]
fn every_library_has_its_soname() {
    for r in RELEASES {
        let text = tool("readelf", &["-d"], r);
        let soname = text.lines().find(|l| l.contains("SONAME")).unwrap();
        assert!(soname.contains(&format!("[libamd_smi.so.{}]", r.soname)), "{} {soname}", r.name);
    }
}

#[test]
fn missing_symbols_are_missing() {
    let with = "missing_symbols = [\"amdsmi_get_energy_count\", \"amdsmi_get_gpu_kfd_info\"]";
    inside("mi210-1", "6.3.3", &[with], |lib| {
        assert!(!lib.has("amdsmi_get_energy_count") && !lib.has("amdsmi_get_gpu_kfd_info"));
        assert!(lib.has("amdsmi_get_power_info"));
    });
}

/// How far real libraries wrote into a buffer, from the facts (`empirical_check_with_real_libraries`).
const TOUCHED: &[(&str, &str, usize)] = &[
    ("6.0.0", "amdsmi_get_power_info", 24),
    ("6.0.0", "amdsmi_get_gpu_metrics_info", 352),
    ("6.0.0", "amdsmi_get_gpu_asic_info", 182),
    ("6.0.0", "amdsmi_get_clock_info", 16),
    ("6.1.1", "amdsmi_get_gpu_metrics_info", 424),
    ("6.1.1", "amdsmi_get_gpu_asic_info", 182),
    ("6.1.2", "amdsmi_get_gpu_metrics_info", 424),
    ("6.1.2", "amdsmi_get_gpu_asic_info", 182),
    ("6.2.4", "amdsmi_get_gpu_metrics_info", 424),
    ("6.2.4", "amdsmi_get_gpu_asic_info", 376),
    ("6.2.4", "amdsmi_get_clock_info", 14),
    ("6.3.1", "amdsmi_get_power_info", 24),
    ("6.3.1", "amdsmi_get_gpu_metrics_info", 1832),
    ("6.3.1", "amdsmi_get_power_cap_info", 64),
    ("6.3.1", "amdsmi_get_gpu_asic_info", 392),
    ("6.3.1", "amdsmi_get_clock_info", 14),
    ("6.3.1", "amdsmi_get_gpu_kfd_info", 16),
    ("6.3.3", "amdsmi_get_power_info", 24),
    ("6.3.3", "amdsmi_get_gpu_metrics_info", 1832),
    ("6.3.3", "amdsmi_get_gpu_asic_info", 392),
    ("6.3.3", "amdsmi_get_gpu_kfd_info", 16),
    ("6.4.3", "amdsmi_get_power_info", 32),
    ("6.4.3", "amdsmi_get_gpu_metrics_info", 2368),
    ("6.4.3", "amdsmi_get_power_cap_info", 64),
    ("6.4.3", "amdsmi_get_gpu_asic_info", 808),
    ("6.4.3", "amdsmi_get_gpu_enumeration_info", 272),
    ("6.4.3", "amdsmi_get_gpu_kfd_info", 16),
    ("7.13", "amdsmi_get_power_info", 48),
    ("7.13", "amdsmi_get_gpu_metrics_info", 4720),
    ("7.13", "amdsmi_get_power_cap_info", 64),
    ("7.13", "amdsmi_get_gpu_asic_info", 824),
    ("7.13", "amdsmi_get_gpu_enumeration_info", 276),
    ("7.13", "amdsmi_get_gpu_kfd_info", 16),
];

#[test]
fn structs_are_written_as_far_as_real_libraries_write_them() {
    for release in ["6.0.0", "6.1.1", "6.1.2", "6.2.4", "6.3.1", "6.3.3", "6.4.3", "7.13"] {
        inside("mi300x-8", release, &[], |lib| {
            let h = lib.handles()[3];
            for (_, function, wanted) in TOUCHED.iter().filter(|t| t.0 == release) {
                let (status, buffer) = match *function {
                    "amdsmi_get_power_cap_info" | "amdsmi_get_clock_info" => lib.fill_with(function, h, 0),
                    _ => lib.fill(function, h),
                };
                assert_eq!((status, touched(&buffer)), (0, *wanted), "{release} {function}");
            }
        });
    }
}

#[test]
fn untouched_bytes_stay() {
    inside("mi300x-8", "6.4.3", &[], |lib| {
        let h = lib.handles()[0];
        for (status, b) in [lib.fill("amdsmi_get_power_info", h), lib.fill_with("amdsmi_get_power_info_v2", h, 0)] {
            assert_eq!(status, 0);
            assert_eq!(u64_at(&b, 0), 0xA5A5_A5A5_A5A5_A5A5, "socket_power is not written");
            assert_eq!((u32_at(&b, 8), u32_at(&b, 12)), (412, 0xFFFF));
        }
        let (_, b) = lib.fill_with("amdsmi_get_clock_info", h, 0);
        assert_eq!((b[12], b[13]), (0xA5, 0xFF), "clk_locked is not written");
    });
    inside("mi300x-8", "7.13", &[], |lib| {
        let mut b = [0xA5u8; 64];
        assert_eq!(lib.get::<extern "C" fn(*mut u8) -> u32>("amdsmi_get_lib_version")(b.as_mut_ptr()), 0);
        assert_eq!((u32_at(&b, 0), u32_at(&b, 4), u32_at(&b, 8), u32_at(&b, 12)), (26, 4, 0, 0xA5A5_A5A5));
        let (_, b) = lib.fill("amdsmi_get_power_info", lib.handles()[0]);
        assert_eq!((u64_at(&b, 0), u32_at(&b, 8), u32_at(&b, 12)), (412, 412, u32::MAX));
        assert_eq!((u64_at(&b, 16), u32_at(&b, 40), u32_at(&b, 44)), (u64::MAX, 750_000_000, u32::MAX));
    });
}

#[test]
fn a_planted_overrun_reaches_behind_the_struct() {
    inside("mi300x-8", "7.0.2", &["overrun = 24"], |lib| {
        let (_, b) = lib.fill("amdsmi_get_power_info", lib.handles()[0]);
        assert_eq!(&b[192..216], &[0x5A; 24]);
        assert_eq!(touched(&b), 216);
    });
}

#[test]
fn version_words_and_overrides() {
    for r in RELEASES {
        inside("mi210-1", r.name, &[], |lib| {
            let version: extern "C" fn(*mut u8) -> u32 = lib.get("amdsmi_get_lib_version");
            let mut b = [0xA5u8; 64];
            let before = version(b.as_mut_ptr());
            assert_eq!(before, if r.version_needs_init() { 32 } else { 0 }, "{}", r.name);
            assert!(before == 0 || b == [0xA5; 64]);
            lib.init();
            assert_eq!(version(b.as_mut_ptr()), 0);
            let words = if r.words[0] >= 26 { 3 } else { 4 };
            for i in 0..words {
                assert_eq!(u32_at(&b, 4 * i), r.words[i], "{} word {i}", r.name);
            }
        });
    }
    inside("mi210-1", "10.2", &["version = [28, 1, 2, 3]"], |lib| {
        let mut b = [0u8; 64];
        lib.get::<extern "C" fn(*mut u8) -> u32>("amdsmi_get_lib_version")(b.as_mut_ptr());
        assert_eq!((u32_at(&b, 0), u32_at(&b, 4), u32_at(&b, 8), u32_at(&b, 12)), (28, 1, 2, 0));
    });
}
