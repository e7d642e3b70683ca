//! Each release behaves as the facts say it does.

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{inside, output, text, u32_at, u64_at, Handle, Lib};
use zeus_amd_sim::start::happens;
use zeus_amd_sim::{Machine, State};

fn machine() -> (Machine, State) {
    let dir = std::path::PathBuf::from(std::env::var("ZEUS_AMD_SIM").unwrap());
    let m = Machine::from_json(&std::fs::read_to_string(dir.join("machine.json")).unwrap()).unwrap();
    (m, State::open(&dir).unwrap())
}

fn metrics_file(gpu: usize) -> std::path::PathBuf {
    let (m, _) = machine();
    let root = std::path::PathBuf::from(std::env::var("ZEUS_AMD_ROOT").unwrap());
    root.join("sys/bus/pci/devices").join(m.gpus()[gpu].bdf.to_string()).join("gpu_metrics")
}

#[test]
fn energy_is_the_integral_at_the_timestamp() {
    let with = [
        "gpu.1.power = { kind = \"square\", low = 100, high = 700, period_s = 0.05 }",
        "gpu.2.noise = { w = 50, seed = 4 }",
    ];
    for release in ["6.1.2", "6.3.3", "7.2.0", "10.0"] {
        inside("mi300x-8", release, &with, |lib| {
            let (m, state) = machine();
            for (i, h) in lib.handles().into_iter().enumerate() {
                let first = lib.energy(h);
                std::thread::sleep(Duration::from_millis(30));
                let second = lib.energy(h);
                let seconds = |t: u64| (t - state.epoch_ns()) as f64 / 1e9;
                let joules = (second.1 - first.1) as f64 / 65536.0;
                let truth = m.gpus()[i].energy_j(seconds(first.2), seconds(second.2));
                assert!((joules - truth).abs() <= 2.0 / 65536.0, "{release} GPU {i}: {joules} J, truly {truth} J");
                assert!(second.2 - first.2 >= 20_000_000);
            }
        });
    }
}

#[test]
fn caps_change_unit_and_lose_a_digit() {
    for (release, cap, limit) in [
        ("6.0.0", 100, 100),
        ("6.1.1", 100, 100),
        ("6.1.2", 100_000_000, 100_000_000),
        ("6.2.4", 100_000_000, 100_000_000),
        ("6.3.1", 1_000_000_000, 1_000_000_000),
        ("7.13", 1_000_000_000, 1_000_000_000u32),
    ] {
        inside("mi350x-8", release, &[], |lib| {
            let h = lib.handles()[0];
            let (_, b) = lib.fill_with("amdsmi_get_power_cap_info", h, 0);
            let unit = if release < "6.1.2" { 1_000_000 } else { 1 };
            assert_eq!(u64_at(&b, 0), cap, "{release}");
            assert_eq!((u64_at(&b, 8), u64_at(&b, 32)), (1_000_000_000 / unit, 1_000_000_000 / unit), "{release}");
            let (_, b) = lib.fill("amdsmi_get_power_info", h);
            let at = if release.starts_with('7') { 40 } else { 20 };
            assert_eq!(u32_at(&b, at), limit, "{release}");
        });
    }
}

#[test]
fn frozen_and_shared_in_6_0() {
    inside("mi300x-8", "6.0.0", &[], |lib| {
        let h = lib.handles();
        let first = lib.energy(h[0]);
        assert_eq!(lib.energy(h[1]).1, lib.energy(h[0]).1, "GPU 0 now has GPU 1's values");
        assert_ne!(lib.energy(h[0]).1, first.1);
        let before = lib.energy(h[0]);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(lib.energy(h[0]), before);
    });
    inside("mixed-2", "6.0.2", &[], |lib| {
        let h = lib.handles();
        let first = lib.energy(h[0]);
        lib.energy(h[1]);
        assert_eq!(lib.energy(h[0]), first, "another table version does not mix");
    });
}

#[test]
fn a_failed_read_gives_old_values_with_success() {
    for release in ["6.1.2", "6.2.4", "6.3.3", "6.4.0"] {
        inside("mi210-1", release, &[], |lib| {
            let h = lib.handles()[0];
            let good = lib.energy(h);
            std::fs::remove_file(metrics_file(0)).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            let stale = lib.energy(h);
            assert_eq!((stale.0, stale.2), (0, stale.2.min(good.2 + 10_000_000)), "{release}");
            assert_eq!(lib.energy(h), stale);
            assert_eq!(lib.fill("amdsmi_get_power_info", h).0, 0);
        });
    }
    inside("mi210-1", "7.13", &[], |lib| {
        let h = lib.handles()[0];
        assert_eq!(lib.energy(h).0, 0);
        std::fs::remove_file(metrics_file(0)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!((lib.energy(h).0, lib.fill("amdsmi_get_power_info", h).0), (2, 2));
    });
}

#[test]
fn no_metrics_at_all() {
    for (release, energy, power) in [("6.1.2", 43, 0), ("6.4.3", 43, 0), ("7.13", 2, 2), ("10.0", 2, 2)] {
        inside("mi210-1", release, &["gpu.0.metrics = \"none\""], |lib| {
            let h = lib.handles()[0];
            assert_eq!(lib.energy(h), (energy, 7, 7), "{release}: outputs untouched");
            assert_eq!(lib.fill("amdsmi_get_power_info", h).0, power);
        });
    }
    // A table that is newer than the library.
    inside("mi300x-8", "6.1.2", &["strict_metrics = true", "all.metrics = \"1.8\""], |lib| {
        assert_eq!(lib.energy(lib.handles()[0]).0, 43);
    });
    inside("mi210-1", "6.2.4", &["gpu.0.counter.missing = \"ones\""], |lib| {
        let e = lib.energy(lib.handles()[0]);
        assert_eq!((e.0, e.1), (0, u64::MAX));
    });
    inside("mi210-1", "7.13", &["gpu.0.counter.missing = \"ones\""], |lib| {
        let e = lib.energy(lib.handles()[0]);
        assert_eq!((e.0, e.1), (2, u64::MAX));
    });
}

const CALLS: u32 = 2000;
/// Further from GPU 0's count than it gets within hours.
const FAR: [&str; 1] = ["gpu.1.counter.initial = 1099511627776"];

/// Two threads, one GPU each: how many values were another GPU's.
fn scrambled(lib: &Lib, handles: &[Handle]) -> u64 {
    let wrong = AtomicU64::new(0);
    let (m, _) = machine();
    std::thread::scope(|s| {
        for (h, gpu) in handles.iter().zip(m.gpus()) {
            let (h, wrong) = (*h as usize, &wrong);
            s.spawn(move || {
                for _ in 0..CALLS {
                    let (_, count, _) = lib.energy(h as Handle);
                    let is_other = count.abs_diff(gpu.spec.counter.initial) > 1 << 36;
                    wrong.fetch_add(u64::from(is_other), Ordering::Relaxed);
                }
            });
        }
    });
    wrong.into_inner()
}

#[test]
fn two_threads_get_each_others_values() {
    for release in ["6.1.2", "6.2.4", "6.3.3", "6.4.0"] {
        inside("mi300x-8", release, &FAR, |lib| {
            assert!(happens(|| scrambled(lib, &lib.handles()[..2]) > 0), "{release}");
        });
    }
    for release in ["7.2.0", "7.13", "10.2"] {
        inside("mi300x-8", release, &FAR, |lib| assert_eq!(scrambled(lib, &lib.handles()[..2]), 0, "{release}"));
    }
    inside("mixed-2", "6.2.4", &FAR, |lib| assert_eq!(scrambled(lib, &lib.handles()), 0, "different tables"));
}

#[test]
fn two_threads_kill_6_3_1() {
    let out = output("mi300x-8", "6.3.1", &[], |lib| {
        scrambled(lib, &lib.handles()[..2]);
    });
    if std::env::var_os("SIM_TEST").is_none() {
        assert!(!out.status.success());
    }
}

#[test]
fn tables_are_kept_for_100_ms_in_6_4_3() {
    inside("mi210-1", "6.4.3", &[], |lib| {
        let h = lib.handles()[0];
        // A busy machine may take longer between the two, and then nothing is said.
        let is_kept = || {
            let (begun, first) = (Instant::now(), lib.energy(h));
            std::thread::sleep(Duration::from_millis(40));
            let second = lib.energy(h);
            let in_time = begun.elapsed() < Duration::from_millis(100);
            std::thread::sleep(Duration::from_millis(80));
            assert!(lib.energy(h).2 > first.2);
            std::thread::sleep(Duration::from_millis(110));
            in_time.then_some(second == first)
        };
        assert_eq!(std::iter::from_fn(|| Some(is_kept())).take(100).flatten().next(), Some(true));
    });
}

#[test]
fn init_is_counted_from_7_0_2_on() {
    for (release, status) in [("6.0.0", 32), ("6.4.3", 32), ("7.0.2", 0), ("10.0", 0)] {
        inside("mi210-1", release, &[], |lib| {
            let h = lib.handles()[0];
            assert_eq!(lib.init(), 0);
            assert_eq!(lib.shut_down(), 0);
            assert_eq!(lib.energy(h).0, status, "{release}");
            assert_eq!((lib.shut_down(), lib.shut_down()), (0, 0));
            assert_eq!(lib.energy(h).0, 32);
            assert_ne!(lib.handles()[0], h, "handles of a new life are new");
        });
    }
}

#[test]
fn handles_that_are_none() {
    inside("mi210-1", "6.4.3", &[], |lib| {
        let mut here = 0u64;
        assert_eq!(lib.energy(std::ptr::null_mut()).0, 32, "before init");
        lib.init();
        assert_eq!(lib.energy(std::ptr::null_mut()).0, 1);
        assert_eq!(lib.energy((&mut here as *mut u64).cast()).0, 31);
    });
}

#[test]
fn init_fails_as_told() {
    for (with, release, status) in [
        ("amdgpu = false\ndrm = \"none\"", "6.4.3", 34),
        ("drm = \"none\"", "6.1.2", 32),
        ("init.status = 15", "7.0.2", 15),
        ("init = { status = 8, delay_ms = 100 }", "6.2.4", 8),
    ] {
        inside("mi210-1", release, &[with], |lib| assert_eq!(lib.init(), status, "{with} {release}"));
    }
    for release in ["6.1.2", "6.3.3", "7.13"] {
        inside("mi300x-8", release, &["all.absent = true"], |lib| assert!(lib.handles().is_empty()));
    }
}

#[test]
fn init_hangs_without_cards() {
    for (release, hangs) in [("6.1.2", false), ("6.2.0", true), ("6.3.3", true), ("6.4.3", false)] {
        inside("mi210-1", release, &["drm = \"empty\""], |lib| {
            let (tell, told) = std::sync::mpsc::channel();
            std::thread::scope(|s| {
                s.spawn(move || tell.send(lib.init()));
                // One that does not hang may have to wait for a processor.
                if hangs {
                    assert!(told.recv_timeout(Duration::from_millis(400)).is_err(), "{release}");
                    std::process::exit(0);
                }
                told.recv().unwrap();
            });
        });
    }
}

#[test]
fn temperatures_are_celsius_and_divided_on_error_too() {
    for release in ["6.0.0", "6.3.3", "7.13", "10.2"] {
        inside("mi300x-8", release, &[], |lib| {
            let h = lib.handles()[1];
            assert_eq!(lib.temperature(h, 1, 0), (0, 44));
            assert_eq!(lib.temperature(h, 0, -777_777), (2, -777), "no edge sensor");
        });
    }
}

#[test]
fn without_access_to_the_render_nodes() {
    inside("mi300x-8", "6.2.4", &["dri = \"missing\""], |lib| {
        let h = lib.handles();
        let (status, b) = lib.fill("amdsmi_get_power_info", h[0]);
        assert_eq!((status, u32_at(&b, 0), u32_at(&b, 20)), (2, 412, 0xFFFF));
        assert_eq!(lib.fill_with("amdsmi_get_clock_info", h[0], 0).0, 2);
        let bdf = lib.fill("amdsmi_get_gpu_device_bdf", h[0]);
        assert_eq!(bdf.0, 0);
        assert_ne!(u64_at(&bdf.1, 0), 0x0c00);
        let id = lib.fill("amdsmi_get_gpu_bdf_id", h[0]);
        assert_eq!((id.0, u64_at(&id.1, 0)), (0, 0x0c00));
        assert_eq!(lib.energy(h[0]).0, 0);
    });
    inside("mi300x-8", "7.13", &["dri = \"missing\""], |lib| {
        let h = lib.handles();
        let (status, b) = lib.fill("amdsmi_get_power_info", h[0]);
        assert_eq!((status, u32_at(&b, 40)), (0, 750_000_000));
        assert_eq!(u64_at(&lib.fill("amdsmi_get_gpu_device_bdf", h[0]).1, 0), 0x0c00);
        assert_eq!(lib.fill("amdsmi_get_gpu_asic_info", h[0]).0, 14);
    });
    let out = output("mi300x-8", "6.0.0", &["dri = \"missing\""], |lib| {
        lib.fill("amdsmi_get_power_info", lib.handles()[0]);
    });
    if std::env::var_os("SIM_TEST").is_none() {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(out.status.signal(), Some(11), "{}", text(&out));
    }
}

#[test]
fn a_missing_cap_file() {
    inside("mi250x-4", "6.4.3", &[], |lib| {
        let h = lib.handles()[1];
        assert_eq!(lib.fill("amdsmi_get_power_info", h).0, 7);
        let (status, b) = lib.fill_with("amdsmi_get_power_cap_info", h, 0);
        assert_eq!((status, u64_at(&b, 0)), (0, 0));
    });
    inside("mi250x-4", "7.13", &[], |lib| {
        let h = lib.handles()[1];
        assert_eq!(lib.fill("amdsmi_get_power_info", h).0, 0);
        assert_eq!(lib.fill_with("amdsmi_get_power_cap_info", h, 0).0, 2);
    });
}

#[test]
fn partitions_share_a_socket() {
    let cpx = "gpu.0.compute_partition = \"CPX\"\ngpu.0.partitions = 8";
    for (release, second) in [("6.3.3", 0), ("6.4.0", 0), ("6.4.1", 2), ("7.13", 2)] {
        inside("mi300x-8", release, &[cpx], |lib| {
            assert_eq!(lib.handles().len(), 15);
            let socket = lib.sockets()[0];
            assert_eq!((lib.socket_name(socket).as_str(), lib.on(socket).len()), ("0000:0C:00", 8));
            let all = lib.on(socket);
            assert_eq!((lib.energy(all[0]).0, lib.energy(all[5]).0), (0, second), "{release}");
            let (_, b) = lib.fill("amdsmi_get_gpu_kfd_info", all[5]);
            assert_eq!((u32_at(&b, 8), u32_at(&b, 12)), (7, 5));
        });
    }
    inside("mi300x-8", "6.0.0", &[], |lib| {
        lib.init();
        assert_eq!(lib.socket_name(lib.sockets()[0]), "0000:0C:00.00");
    });
}

#[test]
fn faults_hit_their_gpu_and_their_calls() {
    let with = [
        "gpu.3.fault.amdsmi_get_power_info = 7",
        "all.fault.amdsmi_get_energy_count = { status = 43, after = 2, first = 1 }",
        "fault.amdsmi_get_socket_info = 30",
    ];
    inside("mi300x-8", "7.0.2", &with, |lib| {
        let h = lib.handles();
        assert_eq!(lib.fill("amdsmi_get_power_info", h[3]).0, 7);
        assert_eq!(lib.fill("amdsmi_get_power_info", h[2]).0, 0);
        let statuses: Vec<u32> = (0..4).map(|_| lib.energy(h[5]).0).collect();
        assert_eq!(statuses, [0, 0, 43, 0]);
    });
}

#[test]
fn setters_ask_for_root_and_for_sense() {
    let set =
        |lib: &Lib, h, cap: u64| lib.get::<extern "C" fn(Handle, u32, u64) -> u32>("amdsmi_set_power_cap")(h, 0, cap);
    inside("mi300x-8", "7.13", &[], |lib| {
        let h = lib.handles();
        assert_eq!((set(lib, h[2], 2_000_000_000), set(lib, h[2], 400_000_000)), (1, 0));
        let (_, b) = lib.fill_with("amdsmi_get_power_cap_info", h[2], 0);
        assert_eq!(u64_at(&b, 0), 400_000_000);
        let limit: extern "C" fn(Handle, u32, u32, u64) -> u32 = lib.get("amdsmi_set_gpu_clk_limit");
        assert_eq!(limit(h[2], 0, 1, 9999), 0, "the library does not check the range");
        assert_eq!(limit(h[2], 6, 1, 1000), 1);
        let level = lib.fill("amdsmi_get_gpu_perf_level", h[2]);
        assert_eq!(u32_at(&level.1, 0), 3, "manual");
        let range: extern "C" fn(Handle, u64, u64, u32) -> u32 = lib.get("amdsmi_set_gpu_clk_range");
        assert_eq!(range(h[2], 1000, 1000, 0), 1);
    });
    inside("mi300x-8", "6.3.3", &["unprivileged = true"], |lib| {
        assert_eq!(set(lib, lib.handles()[0], 400_000_000), 10);
    });
    inside("mi300x-8", "6.3.3", &["vm = true"], |lib| assert_eq!(set(lib, lib.handles()[0], 400_000_000), 2));
    inside("mi300x-8", "7.2.0", &["vm = true"], |lib| assert_eq!(set(lib, lib.handles()[0], 400_000_000), 0));
}

/// The address that a handle's GPU says it has.
fn address(lib: &Lib, h: Handle) -> Result<u64, u32> {
    match lib.fill("amdsmi_get_gpu_bdf_id", h) {
        (0, b) => Ok(u64_at(&b, 0)),
        (status, _) => Err(status),
    }
}

#[test]
fn an_old_handle_names_another_gpu() {
    let (m, all) = (Machine::load("mi300x-8").unwrap(), &[] as &[&str]);
    let bdf = |i: usize| m.gpus()[i].bdf.location();
    let set: fn(&Lib, Handle, u64) -> u32 =
        |lib, h, cap| lib.get::<extern "C" fn(Handle, u32, u64) -> u32>("amdsmi_set_power_cap")(h, 0, cap);
    for release in ["6.1.2", "6.3.3", "7.13", "10.2"] {
        inside("mi300x-8", release, all, |lib| {
            let old = lib.handles();
            assert_eq!(address(lib, old[1]), Ok(bdf(1)));
            // Balanced where inits are counted: the first life goes on.
            if release >= "7" || release.starts_with("10") {
                assert_eq!((lib.init(), lib.shut_down()), (0, 0));
                assert_eq!(address(lib, old[1]), Ok(bdf(1)), "{release}");
            }
            assert_eq!((lib.shut_down(), lib.init()), (0, 0));
            assert_eq!(address(lib, old[1]), Ok(bdf(0)), "{release}: with success");
            assert_eq!(set(lib, old[1], 123_000_000), 0);
            let new: Vec<_> = lib.sockets().into_iter().flat_map(|s| lib.on(s)).collect();
            for (i, h) in new.iter().enumerate() {
                assert_eq!(address(lib, *h), Ok(bdf(i)), "{release}: new handles are right");
            }
            let cap = |i: usize| u64_at(&lib.fill_with("amdsmi_get_power_cap_info", new[i], 0).1, 0);
            assert_eq!((cap(0), cap(1)), (123_000_000, m.gpus()[1].cap_uw()));
        });
    }
    inside("mi300x-8", "6.4.3", all, |lib| {
        let old = lib.handles();
        assert_eq!((lib.shut_down(), lib.init()), (0, 0));
        assert!(old.iter().all(|h| address(lib, *h) == Err(31)));
    });
}

#[test]
fn the_current_level_is_missing_in_6_4_3() {
    for (now, min, max) in [(2100, 132, 500), (132, 500, 2100), (500, 132, 2100)] {
        let with = format!("gpu.0.clocks.gfx.now = {now}");
        inside("mi300x-8", "6.4.3", &[&with], |lib| {
            let (status, b) = lib.fill_with("amdsmi_get_clock_info", lib.handles()[0], 0);
            assert_eq!((status, [0, 4, 8].map(|at| u32_at(&b, at))), (0, [now, min, max]));
        });
        inside("mi300x-8", "6.3.3", &[&with], |lib| {
            let (status, b) = lib.fill_with("amdsmi_get_clock_info", lib.handles()[0], 0);
            assert_eq!((status, [0, 4, 8].map(|at| u32_at(&b, at))), (0, [now, 132, 2100]));
        });
    }
}

#[test]
fn a_cached_table_is_old_whoever_filled_the_cache() {
    inside("mi210-1", "6.4.3", &[], |lib| {
        let h = lib.handles()[0] as usize;
        // Another thread polls; this one gets what that one was given.
        let start = Instant::now();
        let theirs = std::thread::scope(|s| s.spawn(|| lib.energy(h as Handle)).join()).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let ours = lib.energy(h as Handle);
        // A host that was busy for so long has seen the next table.
        assert!(ours == theirs || start.elapsed() > Duration::from_millis(90));
    });
}

#[test]
fn how_long_a_table_that_cannot_be_read_is_repeated() {
    for (release, later) in [("6.2.4", 0), ("6.3.1", 43), ("6.4.3", 43), ("7.13", 0)] {
        inside("mi210-1", release, &["gpu.0.file.gpu_metrics = { read = \"EBUSY\", from_s = 0.6 }"], |lib| {
            let (_, state) = machine();
            let h = lib.handles()[0];
            let power = || lib.fill("amdsmi_get_power_info", h);
            state.stop().unwrap();
            state.move_to(580_000_000);
            let start = Instant::now();
            let good = lib.energy(h);
            assert_eq!((good.0, power().0), (0, 0));
            std::thread::sleep(Duration::from_millis(140));
            state.move_to(720_000_000);
            let old = lib.energy(h);
            // A host that was busy for so long is past it.
            if start.elapsed() < Duration::from_millis(550) {
                assert_eq!(old, good, "{release}: old, with success");
            }
            std::thread::sleep(Duration::from_millis(680));
            state.move_to(1_400_000_000);
            let last = lib.energy(h);
            assert_eq!(last.0, later, "{release}");
            let at = if release == "7.13" { 12 } else { 4 };
            let watts = if release == "6.4.3" { u32_at(&power().1, 12) } else { u32_at(&power().1, at) };
            assert_eq!(watts, if later == 0 { 219 } else { 0xFFFF }, "{release}");
        });
    }
}

#[test]
fn a_table_newer_than_the_library_fails_its_clock_calls_too() {
    for (release, revision, status) in
        [("6.3.1", "1.6", 0), ("6.3.1", "1.7", 43), ("6.4.3", "1.7", 0), ("6.4.3", "1.8", 43)]
    {
        let with = format!("strict_metrics = true\nall.metrics = \"{revision}\"");
        inside("mi300x-8", release, &[&with], |lib| {
            let h = lib.handles()[0];
            assert_eq!(lib.fill_with("amdsmi_get_clock_info", h, 0).0, status, "{release} {revision}");
            assert_eq!(lib.energy(h).0, status);
        });
    }
}

#[test]
fn a_guest_shows_and_its_setters_are_refused() {
    let set = |lib: &Lib| {
        lib.get::<extern "C" fn(Handle, u32, u64) -> u32>("amdsmi_set_power_cap")(lib.handles()[0], 0, 400_000_000)
    };
    for (release, status) in [("6.3.1", 2), ("6.4.3", 2), ("7.13", 0)] {
        inside("mi300x-8", release, &["guest = true"], |lib| {
            let root = std::path::PathBuf::from(std::env::var_os("ZEUS_AMD_ROOT").unwrap());
            assert!(std::fs::read_to_string(root.join("proc/cpuinfo")).unwrap().contains("hypervisor"));
            assert_eq!(set(lib), status, "{release}");
        });
    }
    inside("mi300x-8", "6.4.3", &[], |lib| assert_eq!(set(lib), 0));
}

#[test]
fn a_call_may_never_come_back() {
    inside("mi300x-8", "6.3.3", &["gpu.0.fault.amdsmi_get_power_cap_info = { hang = true, after = 1 }"], |lib| {
        let h = lib.handles();
        let ask = |i: usize| lib.fill_with("amdsmi_get_power_cap_info", h[i], 0).0;
        assert_eq!(ask(0), 0);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|s| {
            let first = h[0] as usize;
            s.spawn(move || tell.send(lib.fill_with("amdsmi_get_power_cap_info", first as Handle, 0).0));
            assert!(told.recv_timeout(Duration::from_millis(500)).is_err());
            assert_eq!((ask(1), lib.energy(h[0]).0), (0, 0), "the others do");
            std::process::exit(0);
        });
    });
}

#[test]
fn a_masked_render_node_ends_the_process_in_two_generations() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::os::unix::process::ExitStatusExt;
    for (release, signal) in [("6.2.4", None), ("6.3.1", Some(6)), ("6.4.3", Some(6)), ("7.13", None)] {
        let out = output("mi300x-8", release, &["gpu.2.access = \"masked\""], |lib| {
            let root = std::path::PathBuf::from(std::env::var_os("ZEUS_AMD_ROOT").unwrap());
            let node = std::fs::metadata(root.join("dev/dri/renderD130")).unwrap();
            let others = std::fs::metadata(root.join("dev/dri/renderD131")).unwrap();
            assert!(node.file_type().is_char_device() && others.file_type().is_char_device());
            let drm = |m: &std::fs::Metadata| libc::major(m.rdev()) == 226;
            assert!(!drm(&node) && drm(&others) && libc::minor(others.rdev()) == 131);
            assert_eq!(lib.init(), 0);
        });
        if std::env::var_os("SIM_TEST").is_none() {
            assert_eq!(out.status.signal(), signal, "{release}: {}", text(&out));
            assert_eq!(text(&out).contains("a render node is no DRM device"), signal.is_some());
        }
    }
}

#[test]
fn the_first_init_decides_what_there_is() {
    for release in ["6.4.3", "7.13", "10.0"] {
        inside("mi300x-8", release, &[], |lib| {
            let old = lib.handles()[0];
            assert_eq!(lib.shut_down(), 0);
            let init: extern "C" fn(u64) -> u32 = lib.get("amdsmi_init");
            // For CPUs; what comes later changes nothing.
            assert_eq!((init(1), init(2)), (0, 0));
            assert!(lib.sockets().is_empty());
            assert_eq!(lib.energy(old).0, 31, "{release}");
        });
    }
}

#[test]
fn init_prints_why_it_fails() {
    let out = output("mi210-1", "7.13", &["init = { status = 34, stderr = \"drm: no device\" }"], |lib| {
        assert_eq!(lib.init(), 34);
    });
    if std::env::var_os("SIM_TEST").is_none() {
        assert!(out.status.success() && String::from_utf8_lossy(&out.stderr).contains("drm: no device"));
    }
}
