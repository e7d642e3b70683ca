//! Settings: the right GPU, the right unit, no call when nothing changes, nothing written on bad input.

mod common;

use std::path::PathBuf;
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

const GENERATIONS: [&str; 9] = ["6.0.0", "6.1.1", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"];

/// Runs `control.c`; (status, text) of each operation. Through libamd_smi where there is one: the tests see its calls in
/// the log. (AUTO writes through sysfs: `foreign.rs`, `backends`.)
fn control(sim: &Sim, masks: &[(&str, &str)], operations: &[&str]) -> Vec<(i32, String)> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("control")));
    if sim.library().exists() {
        command.env("ZEUS_AMD_BACKEND", "amdsmi");
    }
    command.args(operations.iter().flat_map(|o| o.split(' '))).envs(masks.iter().copied());
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let parse = |l: &str| {
        let mut words = l.splitn(3, ' ').skip(1);
        (words.next().unwrap().parse().unwrap(), words.next().unwrap_or("").to_owned())
    };
    text.lines().map(parse).collect()
}

/// What was asked of the library: (function, gpu of the machine file, arguments).
fn written(sim: &Sim) -> Vec<(String, String, String)> {
    let log = sim.log();
    let set = log.iter().filter(|l| l.contains(" amdsmi_set_"));
    set.map(|l| {
        let call = l.split(" -> ").next().unwrap();
        let w: Vec<&str> = call.splitn(6, ' ').collect();
        (w[3].to_owned(), w[4].to_owned(), w[5].to_owned())
    })
    .collect()
}

/// Each operation has its own status and words, and nothing was written for any.
fn refused(sim: &Sim, rocm: &str, operations: &[(&str, i32, &str)]) {
    let steps: Vec<&str> = operations.iter().map(|o| o.0).collect();
    for ((operation, status, words), (got, text)) in operations.iter().zip(control(sim, &[], &steps)) {
        assert_eq!(got, *status, "{rocm} {operation}: {text}");
        assert!(text.contains(words), "{rocm} {operation}: no {words:?} in {text}");
    }
    assert_eq!(written(sim), [], "{rocm}");
}

fn cap_file(sim: &Sim, gpu: usize) -> u64 {
    let device = sim.dir().join(format!("sys/bus/pci/devices/{}/hwmon", sim.machine().gpus()[gpu].bdf));
    let hwmon = std::fs::read_dir(device).unwrap().next().unwrap().unwrap().path();
    std::fs::read_to_string(hwmon.join("power1_cap")).unwrap().trim().parse().unwrap()
}

/// Under masks, in a machine whose HIP order is not PCI order: exactly that physical GPU, and no other.
#[test]
fn a_limit_hits_exactly_the_gpu_of_the_index() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi350x-8", rocm, &[] as &[&str]).unwrap();
        let truth = sim.machine();
        let before: Vec<u64> = (0..8).map(|i| cap_file(&sim, i)).collect();
        let masks = [("ROCR_VISIBLE_DEVICES", "6,2,5"), ("HIP_VISIBLE_DEVICES", "2,0")];
        let said = control(&sim, &masks, &["limit 1 801000", "read_limit 1 0", "limit 1 801000"]);
        assert_eq!(said, [(0, String::new()), (0, "801000".into()), (0, String::new())], "{rocm}");
        let target = truth.in_hip_order()[6].gpu;
        for (i, old) in before.iter().enumerate() {
            assert_eq!(cap_file(&sim, i), if i == target { 801_000_000 } else { *old }, "{rocm} {i}");
        }
        // One call: microwatts in every release, and none for a limit that is in force already.
        let number = truth.gpus()[target].number.to_string();
        let call = ("amdsmi_set_power_cap".to_owned(), number, "sensor=0 cap=801000000".to_owned());
        assert_eq!(written(&sim), std::slice::from_ref(&call), "{rocm}");
        // Back to the vendor's default, once.
        let said = control(&sim, &masks, &["reset_limit 1 0", "reset_limit 1 0"]);
        assert_eq!(said, [(0, String::new()), (0, String::new())], "{rocm}");
        let default = truth.gpus()[target].default_cap_uw();
        assert_eq!(cap_file(&sim, target), default);
        let reset = (call.0.clone(), call.1.clone(), format!("sensor=0 cap={default}"));
        assert_eq!(written(&sim), [call, reset], "{rocm}");
    }
}

#[test]
fn bad_input_writes_nothing() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi250x-4", rocm, &["gpu.0.caps.min_w = 100"]).unwrap();
        let operations = [
            ("limit 0 0", -1, "0 is not a power limit"),
            ("limit 0 561000", -23, "100 W to 560 W"),
            ("limit 0 99000", -23, "100 W to 560 W"),
            ("limit 0 18446744073709551615", -23, "100 W to 560 W"),
            ("limit 8 300000", -3, "there are 8"),
            ("limit 1 300000", -4, "GPU 0 has it"),
            ("reset_limit 1 0", -4, "GPU 0 has it"),
            ("reset_limit 8 0", -3, "there are 8"),
            ("persistence 0 1", -4, "AMD GPUs have none"),
            ("persistence 0 2", -1, "0 or 1"),
        ];
        refused(&sim, rocm, &operations);
    }
}

#[test]
fn without_rights_the_text_says_who_asked_for_what() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &["unprivileged = true"]).unwrap();
        let said = control(&sim, &[], &["limit 0 500000", "read_limit 0 0"]);
        assert_eq!(said[0].0, -5, "{rocm}: {}", said[0].1);
        for word in ["GPU 0", "amdsmi_set_power_cap", "(10", "user", "CAP_SYS_ADMIN", "power1_cap"] {
            assert!(said[0].1.contains(word), "{rocm}: no {word} in {}", said[0].1);
        }
        assert_eq!(said[1], (0, "750000".into()), "what can be read still is");
    }
}

/// Releases with `amdsmi_set_gpu_clk_limit`.
fn has_limit(rocm: &str) -> bool {
    !["6.0.0", "6.1.1", "6.1.2", "6.2.4"].contains(&rocm)
}

fn gpu_file(sim: &Sim, gpu: usize, name: &str) -> String {
    let path = sim.dir().join(format!("sys/bus/pci/devices/{}/{name}", sim.machine().gpus()[gpu].bdf));
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

fn level(sim: &Sim, gpu: usize) -> String {
    gpu_file(sim, gpu, "power_dpm_force_performance_level")
}

/// Graphics and memory: [min, max] each.
fn bounds(sim: &Sim, gpu: usize) -> [[u32; 2]; 2] {
    let limits = zeus_amd_sim::tree::od::Limits::parse(&gpu_file(sim, gpu, "pp_od_clk_voltage"));
    [limits.gfx.unwrap(), limits.mem.unwrap()]
}

fn ok(operations: usize) -> Vec<(i32, String)> {
    vec![(0, String::new()); operations]
}

/// The setters that were called, short: "limit 0 1 1500" is clock 0, upper bound; "range 0 500 900"; "level 0".
fn clock_calls(sim: &Sim) -> Vec<(usize, String)> {
    let short = |(function, gpu, arguments): (String, String, String)| {
        let value = |name: &str| {
            let word = arguments.split(' ').find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
            word.unwrap_or_else(|| panic!("{function} {arguments}")).to_owned()
        };
        let text = match function.as_str() {
            "amdsmi_set_gpu_clk_limit" => format!("limit {} {} {}", value("clk"), value("limit"), value("mhz")),
            "amdsmi_set_gpu_clk_range" => format!("range {} {} {}", value("clk"), value("min"), value("max")),
            "amdsmi_set_gpu_perf_level" => format!("level {}", value("level")),
            other => panic!("{other}"),
        };
        (gpu.parse().unwrap(), text)
    };
    written(sim).into_iter().map(short).collect()
}

/// Exactly these calls, on the GPU that the masks make GPU 1, and never a lower bound above an upper one.
#[test]
fn clocks_are_locked_in_an_order_that_never_crosses() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi350x-8", rocm, &[] as &[&str]).unwrap();
        let masks = [("ROCR_VISIBLE_DEVICES", "6,2,5"), ("HIP_VISIBLE_DEVICES", "2,0")];
        let gpu = sim.machine().in_hip_order()[6].gpu;
        let operations = [
            "gfx 1 1000:1500", // from the whole range
            "gfx 1 1000:1500", // in force
            "gfx 1 1600:2000", // upwards
            "gfx 1 600:900",   // downwards
            "gfx 1 700:900",   // one bound
            "mem 1 1100:1500",
            "reset_gfx 1 0", // the memory's lock stays
            "gfx 1 800:1200",
            "reset_mem 1 0", // the graphics' lock stays
            "reset_clocks 1 0",
            "reset_clocks 1 0",
            "reset_gfx 1 0",
        ];
        assert_eq!(control(&sim, &masks, &operations), ok(operations.len()), "{rocm}");
        let expected: &[&str] = if has_limit(rocm) {
            &[
                "limit 0 1 1500",
                "limit 0 0 1000",
                "limit 0 1 2000",
                "limit 0 0 1600",
                "limit 0 0 600",
                "limit 0 1 900",
                "limit 0 0 700",
                "limit 4 1 1500",
                "limit 4 0 1100",
                "level 0",
                "limit 4 1 1500",
                "limit 4 0 1100",
                "limit 0 1 1200",
                "limit 0 0 800",
                "level 0",
                "limit 0 1 1200",
                "limit 0 0 800",
                "level 0",
            ]
        } else {
            &[
                "range 0 1000 1500",
                "range 0 1600 2000",
                "range 0 600 900",
                "range 0 700 900",
                "range 4 1100 1500",
                "level 0",
                "range 4 1100 1500",
                "range 0 800 1200",
                "level 0",
                "range 0 800 1200",
                "level 0",
            ]
        };
        let number = sim.machine().gpus()[gpu].number as usize;
        let expected: Vec<_> = expected.iter().map(|e| (number, (*e).to_owned())).collect();
        assert_eq!(clock_calls(&sim), expected, "{rocm}");
        assert_eq!((level(&sim, gpu).as_str(), bounds(&sim, gpu)), ("auto", [[500, 2200], [900, 1900]]), "{rocm}");
        for other in (0..8).filter(|g| *g != gpu) {
            assert_eq!((level(&sim, other).as_str(), bounds(&sim, other)), ("auto", [[500, 2200], [900, 1900]]));
        }
    }
}

/// What refuses equal bounds, libamd_smi before ROCm 6.3 or the driver before 2026-04, gets the narrowest range that it takes:
/// the value is its upper bound, and the lower one at the lower end of the range.
#[test]
fn one_value_is_a_lock_as_narrow_as_the_driver_takes() {
    for kernel in ["2026-03", "2026-04"] {
        for rocm in GENERATIONS.into_iter().chain(["none"]) {
            let sim = Sim::start("mi210-1", rocm, &[format!("kernel = \"{kernel}\"")]).unwrap();
            let is_refused = kernel == "2026-03" || !(has_limit(rocm) || rocm == "none");
            let narrow = |mhz: u32, other: u32| if is_refused { [mhz.min(other), mhz.max(other)] } else { [mhz; 2] };
            let range = sim.machine().gpus()[0].spec.clocks.gfx.range.unwrap();
            let lowest = range[0];
            for (mhz, other) in [(1000, 999), (lowest, lowest + 1), (range[1], range[1] - 1)] {
                let said = control(&sim, &[], &["warn", &format!("gfx 0 {mhz}:{mhz}")]);
                assert_eq!(said.last().unwrap(), &(0, String::new()), "{kernel} {rocm} {mhz}");
                assert_eq!(bounds(&sim, 0)[0], narrow(mhz, other), "{kernel} {rocm}");
                let is_said = said.iter().any(|s| s.1.contains("is locked to"));
                assert_eq!(is_said, is_refused, "{kernel} {rocm}: {said:?}");
            }
            let said = control(&sim, &[], &["gfx_range 0 0", "mem_range 0 0"]);
            let text = |r: [u32; 2]| (0, format!("{}:{}", r[0], r[1]));
            let mem = sim.machine().gpus()[0].spec.clocks.mem.range.unwrap();
            assert_eq!(said, [text(range), text(mem)], "{rocm}");
        }
    }
}

/// A driver before commit 923406e74ec6 keeps bounds that were set before a level auto, and the next commit brings them back:
/// a reset clock stays reset, and a sweep upwards is not refused. Through libamd_smi and through sysfs.
#[test]
fn bounds_that_an_older_driver_keeps_do_not_come_back() {
    for kernel in ["2025-01", "2026-06"] {
        for rocm in GENERATIONS.into_iter().chain(["none"]) {
            let sim = Sim::start("mi300x-8", rocm, &[format!("kernel = \"{kernel}\"")]).unwrap();
            let (gfx, mem) = ([500, 2100], [900, 1300]);
            let run = |operations: &[&str]| {
                assert_eq!(control(&sim, &[], operations), ok(operations.len()), "{kernel} {rocm} {operations:?}");
                (level(&sim, 0), bounds(&sim, 0))
            };
            let manual = |b| ("manual".to_owned(), b);
            assert_eq!(
                run(&["gfx 0 600:900", "mem 0 1000:1200", "reset_gfx 0 0"]),
                manual([gfx, [1000, 1200]]),
                "{rocm}"
            );
            assert_eq!(run(&["reset_clocks 0 0"]), ("auto".to_owned(), [gfx, mem]), "{rocm}");
            assert_eq!(
                run(&["mem 0 1000:1100"]),
                manual([gfx, [1000, 1100]]),
                "{kernel} {rocm}: graphics stay unlocked"
            );
            assert_eq!(run(&["gfx 0 700:800", "reset_mem 0 0"]), manual([[700, 800], mem]), "{kernel} {rocm}");
            for [low, high] in [[800, 1200], [1300, 1700], [1800, 2000], [1000, 1100], [500, 600]] {
                let lock = format!("gfx 0 {low}:{high}");
                assert_eq!(run(&["reset_clocks 0 0", &lock]), manual([[low, high], mem]), "{kernel} {rocm}");
            }
            for [low, high] in [[1300, 1700], [600, 700], [1800, 2000]] {
                assert_eq!(run(&[&format!("gfx 0 {low}:{high}")]), manual([[low, high], mem]), "{kernel} {rocm}");
            }
        }
    }
}

/// Radeon's drivers keep bounds in force in level auto: a reset lifts them, or says that it cannot.
#[test]
fn a_reset_of_radeon_lifts_the_bounds() {
    for rocm in GENERATIONS.into_iter().chain(["none"]) {
        let sim = Sim::start("rx6800-1", rocm, &[] as &[&str]).unwrap();
        let unset = [[500, 2475], [97, 1000]];
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", unset));
        for (lock, reset) in [
            ("gfx 0 600:1500", "reset_gfx 0 0"),
            ("gfx 0 500:1500", "reset_clocks 0 0"),
            ("mem 0 97:900", "reset_mem 0 0"),
        ] {
            // The setter of a range refuses the lower bound that is in force.
            if lock.starts_with("mem") && !(has_limit(rocm) || rocm == "none") {
                continue;
            }
            assert_eq!(control(&sim, &[], &[lock]), ok(1), "{rocm}: {lock}");
            assert_ne!(bounds(&sim, 0), unset, "{rocm}: {lock}");
            // In a process that has not seen what was in force before.
            assert_eq!(control(&sim, &[], &[reset]), ok(1), "{rocm}: {reset}");
            assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", unset), "{rocm}: {lock}, {reset}");
        }
        // The lower bound that the memory starts with is below what the driver takes: all else is lifted.
        let said = control(&sim, &[], &["mem 0 800:900", "gfx 0 600:1500", "reset_clocks 0 0"]);
        assert_eq!((said[0].0, said[1].0, said[2].0), (0, 0, -30), "{rocm}: {said:?}");
        assert!(said[2].1.contains("memory clock") && said[2].1.contains("800 to "), "{rocm}: {said:?}");
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", [unset[0], [800, 1000]]), "{rocm}");
    }
}

/// RDNA3 starts with a bound above its highest level: a reset takes it from no clock that is not locked, and gives it back to
/// one that this session has locked.
#[test]
fn a_reset_of_radeon_takes_no_clock_away() {
    let with = ["gpu.0.clocks.gfx.unset = [500, 2940]"];
    for rocm in ["6.3.3", "7.0.2", "none"] {
        let sim = Sim::start("rx7900-2", rocm, &with).unwrap();
        let (gfx, mem) = ([500, 2940], [97, 1249]);
        assert_eq!(bounds(&sim, 0), [gfx, mem]);
        assert_eq!(control(&sim, &[], &["mem 0 97:1000", "reset_clocks 0 0"]), ok(2), "{rocm}");
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", [gfx, mem]), "{rocm}");
        assert_eq!(control(&sim, &[], &["gfx 0 600:1500", "reset_gfx 0 0"]), ok(2), "{rocm}");
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", [gfx, mem]), "{rocm}");
        // A memory that is locked in level auto, where a reset of the graphics clock leaves it.
        let locked = ["mem 0 97:1000", "gfx 0 600:1500", "reset_gfx 0 0"];
        for rest in [&["gfx 0 600:1500", "reset_clocks 0 0"][..], &["reset_mem 0 0"]] {
            let operations = [&locked[..], rest].concat();
            assert_eq!(control(&sim, &[], &operations), ok(operations.len()), "{rocm}: {rest:?}");
            assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", [gfx, mem]), "{rocm}: {rest:?}");
        }
        // What was in force before the lock of another process is not known: as wide as the levels are.
        assert_eq!(control(&sim, &[], &["gfx 0 600:1500"]), ok(1), "{rocm}");
        assert_eq!(control(&sim, &[], &["reset_gfx 0 0"]), ok(1), "{rocm}");
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)), ("auto", [[500, 2371], mem]), "{rocm}");
    }
}

/// A lock that fails half-way, over an older lock: both bounds are as before, or the text says what is not.
#[test]
fn an_undo_restores_both_bounds_or_says_what_is_left() {
    let fails = |rest: &str| format!("gpu.0.fault.amdsmi_set_gpu_clk_limit = {{ status = 7, {rest} }}");
    for (fault, is_undone) in [(fails("after = 3, first = 1"), true), (fails("after = 3"), false)] {
        for kernel in ["2025-01", "2026-06"] {
            let sim = Sim::start("mi300x-8", "7.0.2", &[fault.clone(), format!("kernel = \"{kernel}\"")]).unwrap();
            let said = control(&sim, &[], &["gfx 0 1300:1700", "gfx 0 600:700"]);
            assert_eq!((said[0].0, said[1].0), (0, -10), "{said:?}");
            let now = bounds(&sim, 0)[0];
            assert_eq!(now == [1300, 1700], is_undone, "{now:?}");
            let says = format!("could not be undone: graphics clock: {} to {} MHz", now[0], now[1]);
            assert_eq!(said[1].1.contains(&says), !is_undone, "{says}: {}", said[1].1);
        }
    }
}

/// The driver drops what is below a watt: the whole watts are set, once, and that is said.
#[test]
fn a_limit_is_set_in_whole_watts() {
    for rocm in GENERATIONS.into_iter().chain(["none"]) {
        let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        assert_eq!(control(&sim, &[], &["limit 0 450500", "limit 0 450999", "limit 0 450000"]), ok(3), "{rocm}");
        assert_eq!(cap_file(&sim, 0), 450_000_000, "{rocm}");
        assert!(written(&sim).len() <= 1, "{rocm}: {:?}", written(&sim));
        let said = control(&sim, &[], &["warn", "limit 0 300700", "limit 0 750500"]);
        assert!(said.iter().any(|s| s.1.contains("300 W is in force, not 300.7 W")), "{rocm}: {said:?}");
        let last = said.last().unwrap();
        assert!(last.0 == -23 && last.1.contains("750.5 W is outside the range"), "{rocm}: {said:?}");
        assert_eq!(cap_file(&sim, 0), 300_000_000, "{rocm}");
    }
}

/// 300 mW where 300 W was meant: the range of most drivers begins at 0.
#[test]
fn a_limit_that_no_gpu_can_work_at_is_out_of_range() {
    for rocm in GENERATIONS.into_iter().chain(["none"]) {
        let sim = Sim::start("mi300x-8", rocm, &["all.caps.min_w = 0"]).unwrap();
        let operations = [
            ("limit 0 300", -23, "0.3 W is outside the range 75 W to 750 W"),
            ("limit 0 74999", -23, "75 W to 750 W"),
            ("limit 0 1", -23, "75 W to 750 W"),
        ];
        refused(&sim, rocm, &operations);
        assert_eq!(control(&sim, &[], &["limit 0 75000"]), ok(1), "{rocm}");
    }
    // Neither a default nor a highest limit is known: the one in force tells what the part can do.
    let sim =
        Sim::start("mi300a-4", "none", &["all.caps = { cap_w = 300, default_w = 0, min_w = 0, max_w = 0 }"]).unwrap();
    let operations = [("limit 0 300", -23, "30 W to 1500 W"), ("limit 0 300000000", -23, "30 W to 1500 W")];
    refused(&sim, "none", &operations);
    // A range that the driver states is its own.
    let sim = Sim::start("mi300x-8", "7.0.2", &["all.caps.min_w = 20"]).unwrap();
    assert_eq!(control(&sim, &[], &["limit 0 20000"]), ok(1));
}

#[test]
fn bad_clocks_write_nothing() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &["all.clocks.mem.range = [900, 1300]"]).unwrap();
        let operations = [
            ("gfx 0 0:1000", -1, "0 is not a bound"),
            ("gfx 0 0:0", -1, "0 is not a bound"),
            ("gfx 0 1500:1000", -1, "above the upper one"),
            ("gfx 0 499:1000", -23, "500 to 2100 MHz"),
            ("gfx 0 500:2101", -23, "500 to 2100 MHz"),
            ("gfx 0 500:4294967295", -23, "500 to 2100 MHz"),
            ("mem 0 800:1300", -23, "900 to 1300 MHz"),
            ("mem 0 900:1301", -23, "900 to 1300 MHz"),
            ("gfx 8 500:1000", -3, "there are 8"),
            ("reset_gfx 8 0", -3, "there are 8"),
            ("reset_clocks 4294967295 0", -3, "there are 8"),
            ("gfx_range 8 0", -3, "there are 8"),
        ];
        refused(&sim, rocm, &operations);
    }
}

/// Each die of a package has clocks; a partition's are the package's.
#[test]
fn dies_have_clocks_and_secondary_partitions_have_none() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi250x-4", rocm, &[] as &[&str]).unwrap();
        assert_eq!(control(&sim, &[], &["gfx 1 600:900"]), ok(1), "{rocm}");
        let gpu = sim.machine().in_hip_order()[1].gpu;
        assert_eq!((level(&sim, gpu).as_str(), bounds(&sim, gpu)[0]), ("manual", [600, 900]), "{rocm}");
    }
    for rocm in ["6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"] {
        let sim = Sim::start("mi300x-8", rocm, &["gpu.0.partitions = 8", "gpu.0.compute_partition = \"CPX\""]).unwrap();
        let operations = [
            "gfx 1 600:900",
            "mem 1 900:1000",
            "reset_clocks 1 0",
            "reset_mem 1 0",
            "gfx_range 1 0",
            "limit 1 600000",
            "reset_limit 1 0",
        ];
        for ((status, text), operation) in control(&sim, &[], &operations).iter().zip(operations) {
            assert_eq!(*status, -4, "{rocm} {operation}: {text}");
            assert!(text.contains("GPU 0 has it"), "{rocm} {operation}: {text}");
        }
        assert_eq!(written(&sim), [], "{rocm}");
        assert_eq!(control(&sim, &[], &["gfx 0 600:900"]), ok(1), "{rocm}");
    }
}

/// The second bound is refused: the first one is taken back, and the level that AMD's call leaves behind too.
#[test]
fn a_failure_half_way_is_undone() {
    for rocm in GENERATIONS.into_iter().filter(|r| has_limit(r)) {
        let fault = "gpu.0.fault.amdsmi_set_gpu_clk_limit = { status = 7, after = 1, first = 1 }";
        let sim = Sim::start("mi300x-8", rocm, &[fault]).unwrap();
        let said = control(&sim, &[], &["gfx 0 1000:1500"]);
        assert_eq!(said[0].0, -10, "{rocm}: {}", said[0].1);
        assert!(said[0].1.contains("amdsmi_set_gpu_clk_limit"), "{}", said[0].1);
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)[0]), ("auto", [500, 2100]), "{rocm}");
        let calls: Vec<_> = clock_calls(&sim).into_iter().map(|c| c.1).collect();
        assert_eq!(calls, ["limit 0 1 1500", "limit 0 0 1000", "limit 0 1 2100", "level 0"], "{rocm}");
        // From an older lock: that one is in force again.
        let fault = "gpu.0.fault.amdsmi_set_gpu_clk_limit = { status = 7, after = 3, first = 1 }";
        let sim = Sim::start("mi300x-8", rocm, &[fault]).unwrap();
        let said = control(&sim, &[], &["gfx 0 1000:1500", "gfx 0 700:800"]);
        assert_eq!((said[0].0, said[1].0), (0, -10), "{rocm}: {said:?}");
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)[0]), ("manual", [1000, 1500]), "{rocm}");
    }
    for rocm in GENERATIONS.into_iter().filter(|r| !has_limit(r)) {
        let fault = "gpu.0.fault.amdsmi_set_gpu_clk_range = { status = 7, after = 1, first = 1 }";
        let sim = Sim::start("mi300x-8", rocm, &[fault]).unwrap();
        let said = control(&sim, &[], &["gfx 0 1000:1500", "gfx 0 700:800"]);
        assert_eq!((said[0].0, said[1].0), (0, -10), "{rocm}: {said:?}");
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)[0]), ("manual", [1000, 1500]), "{rocm}");
    }
}

/// SUCCESS is not believed: what was ignored or cut is told, and clocks are as before.
#[test]
fn a_driver_that_ignores_or_cuts_is_found_out() {
    for rocm in GENERATIONS {
        let call = if has_limit(rocm) { "amdsmi_set_gpu_clk_limit" } else { "amdsmi_set_gpu_clk_range" };
        let ignores = [
            "fault.amdsmi_set_power_cap = { ignore = true }".to_owned(),
            format!("fault.{call} = {{ ignore = true }}"),
        ];
        let cuts = [
            "fault.amdsmi_set_power_cap = { clamp = 600000000 }".to_owned(),
            format!("fault.{call} = {{ clamp = 1400 }}"),
        ];
        for (how, limit, clocks) in
            [(ignores, "value is 750 W", "500 to 2100 MHz"), (cuts, "value is 600 W", "1000 to 1400 MHz")]
        {
            let with = how.map(|h| format!("gpu.0.{h}"));
            let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
            let said = control(&sim, &[], &["limit 0 700000", "gfx 0 1000:1500"]);
            for ((status, text), words) in said.iter().zip([limit, clocks]) {
                assert_eq!(*status, -30, "{rocm}: {text}");
                assert!(text.contains(words), "{rocm}: no {words:?} in {text}");
            }
            assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)[0]), ("auto", [500, 2100]), "{rocm}");
        }
    }
}

/// The power cap is allowed, clocks are not; and a driver that takes its time.
#[test]
fn half_the_rights_and_a_slow_driver() {
    for rocm in GENERATIONS {
        let with = [
            "fault.amdsmi_set_gpu_clk_limit = 10",
            "fault.amdsmi_set_gpu_clk_range = 10",
            "fault.amdsmi_set_gpu_perf_level = 10",
            "fault.amdsmi_set_power_cap = { delay_ms = 120 }",
        ];
        let sim = Sim::start("mi300x-8", rocm, &with.map(|w| format!("all.{w}"))).unwrap();
        let before = std::time::Instant::now();
        let said = control(&sim, &[], &["limit 0 500000", "gfx 0 1000:1500", "mem 0 900:1000"]);
        assert!(before.elapsed().as_millis() >= 120, "setters wait");
        assert_eq!(said[0], (0, String::new()), "{rocm}");
        for (status, text) in &said[1..] {
            assert_eq!(*status, -5, "{rocm}: {text}");
            for word in ["GPU 0", "CAP_SYS_ADMIN", "pp_od_clk_voltage", "effective user 0"] {
                assert!(text.contains(word), "{rocm}: no {word} in {text}");
            }
        }
        assert_eq!((level(&sim, 0).as_str(), bounds(&sim, 0)[0]), ("auto", [500, 2100]), "{rocm}");
    }
}

/// MI300's driver takes no lower bound for the memory clock: one that stands already is no failure.
#[test]
fn a_bound_that_stands_need_not_be_taken() {
    let fault = "gpu.0.fault.amdsmi_set_gpu_clk_limit = { status = 2, after = 1, first = 1 }";
    let sim = Sim::start("mi300x-8", "7.0.2", &[fault]).unwrap();
    assert_eq!(control(&sim, &[], &["mem 0 900:1100"]), ok(1));
    assert_eq!(bounds(&sim, 0)[1], [900, 1100]);
}

/// Where the driver shows no OD_RANGE the range is what stands while nothing is locked, remembered from then on.
#[test]
fn a_range_that_shows_only_while_nothing_is_locked() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &["all.od_range = false"]).unwrap();
        let operations =
            ["gfx_range 0 0", "gfx 0 600:900", "gfx_range 0 0", "gfx 0 600:2101", "mem_range 0 0", "mem 0 899:1300"];
        let said = control(&sim, &[], &operations);
        let range = (0, "500:2100".to_owned());
        assert_eq!((&said[0], &said[2], &said[4]), (&range, &range, &(0, "900:1300".to_owned())), "{rocm}");
        assert_eq!((said[1].0, said[3].0, said[5].0), (0, -23, -23), "{rocm}: {said:?}");
        // A session that never saw it leaves the check to the driver.
        let said = control(&sim, &[], &["gfx_range 0 0", "gfx 0 700:900", "reset_clocks 0 0", "gfx_range 0 0"]);
        assert_eq!(said.iter().map(|s| s.0).collect::<Vec<_>>(), [-4, 0, 0, 0], "{rocm}: {said:?}");
        assert!(said[0].1.contains("OD_RANGE"), "{}", said[0].1);
    }
}

/// A table without bounds of a clock: a lock of it could not be read back, so nothing is written.
#[test]
fn a_clock_whose_bounds_do_not_show_is_not_locked() {
    const STATES: &str = "OD_SCLK:\n0: 852MHz 800mV\n1: 991MHz 900mV\nOD_MCLK:\n1: 1000Mhz\n";
    for rocm in ["none", "6.2.4", "7.13"] {
        for table in ["", STATES] {
            let sim = Sim::start("mi210-1", rocm, &[] as &[&str]).unwrap();
            let folder = sim.dir().join(format!("sys/bus/pci/devices/{}", sim.machine().gpus()[0].bdf));
            std::fs::write(folder.join("power_dpm_force_performance_level"), "manual\n").unwrap();
            std::fs::write(folder.join("pp_od_clk_voltage"), table).unwrap();
            let said = control(&sim, &[], &["gfx 0 600:900", "mem 0 500:900", "gfx_range 0 0"]);
            for (status, text) in said {
                assert!(status == -4 && text.contains("shows no bounds"), "{rocm}: {status} {text}");
            }
            assert_eq!(gpu_file(&sim, 0, "pp_od_clk_voltage"), table.trim(), "{rocm}");
        }
    }
}
