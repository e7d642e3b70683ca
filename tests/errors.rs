//! Each failure has its own status, a text that tells a person what to do, and leaves the process healthy.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use zeus_amd::amdsmi::status::Status;
use zeus_amd::capi::status::zeus_amd_status_t;
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

use zeus_amd_status_t as S;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("status"))
}

/// What `status.c` printed.
struct Said(String);

impl Said {
    fn by(mut command: Command) -> Said {
        let out = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{:?} {stderr}", out.status);
        assert_eq!(stderr, "", "something was printed");
        Said(String::from_utf8(out.stdout).unwrap())
    }

    fn number(&self, key: &str) -> i32 {
        let line = self.0.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {key} in {}", self.0)).split(' ').next().unwrap().parse().unwrap()
    }

    fn text(&self, key: &str) -> &str {
        self.0.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' ')).unwrap_or("")
    }

    /// Opening failed with this status, and its text has all of these words.
    fn failed(&self, status: S, words: &[&str]) {
        assert_eq!(self.number("open"), status as i32, "{}", self.0);
        assert!(!self.0.contains("unhealthy"), "a second open fails otherwise: {}", self.0);
        for word in words {
            assert!(self.text("error").contains(word), "no {word:?} in {:?}", self.text("error"));
        }
    }
}

fn sim(rocm: &str, with: &[&str]) -> Sim {
    Sim::start("mi300x-8", rocm, with).unwrap()
}

/// The program in the machine, with libamd_smi insisted on: without a usable one a session opens all the same.
fn command(sim: &Sim) -> Command {
    let mut c = sim.command(program());
    c.env("ZEUS_AMD_BACKEND", "amdsmi");
    c
}

fn run(rocm: &str, with: &[&str]) -> Said {
    Said::by(command(&sim(rocm, with)))
}

#[test]
fn no_library() {
    let said = run("none", &[]);
    said.failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &["ROCM_PATH", "ZEUS_AMD_AMDSMI"]);
    assert_eq!(said.number("probe"), S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND as i32);
    // Nothing named, nothing installed, nothing the loader knows.
    let sim = sim("none", &[]);
    let mut command = command(&sim);
    command.env_remove("ROCM_PATH").env_remove("ROCM_HOME");
    Said::by(command).failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &["/opt/rocm", "loader"]);
}

#[test]
fn a_named_place_that_has_none_is_not_passed_over() {
    let sim = sim("6.3.3", &[]);
    for variable in ["ZEUS_AMD_AMDSMI", "AMDSMI_LIB_DIR", "ROCM_PATH"] {
        let mut command = command(&sim);
        command.env(variable, "/nowhere/at-all");
        Said::by(command).failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &[variable, "/nowhere/at-all"]);
    }
    let mut command = command(&sim);
    command.arg("/nowhere/at-all");
    Said::by(command).failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &["amdsmi_path"]);
}

/// Where ROCm 7.14 and later have it: packages without `amdrocm-core`, an active virtual environment, AMD's own variables.
#[test]
fn found_where_rocm_7_14_puts_it() {
    let sim = sim("10.0", &[]);
    std::fs::rename(sim.dir().join("opt"), sim.dir().join("moved")).unwrap();
    let real = sim.dir().join("moved").join(sim.library().strip_prefix(sim.dir().join("opt")).unwrap());
    let put = |folder: &str| {
        let folder = sim.dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("libamd_smi.so.27");
        std::os::unix::fs::symlink(&real, &file).unwrap();
        file
    };
    let (home, environment) = (sim.dir().join("home"), sim.dir().join("venv"));
    let given = put("given");
    put("home/lib");
    put("venv/lib/python3.12/site-packages/_rocm_sdk_core/lib");
    let open = |variable: Option<(&str, &Path)>| {
        let mut command = command(&sim);
        command.env_remove("ROCM_PATH").env_remove("ROCM_HOME");
        if let Some((name, value)) = variable {
            command.env(name, value);
        }
        Said::by(command)
    };
    open(None).failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &["amdrocm-amdsmi", "amd-smi-lib"]);
    for variable in [
        ("AMDSMI_LIB_OVERRIDE", given.as_path()),
        ("ROCM_HOME", home.as_path()),
        ("VIRTUAL_ENV", environment.as_path()),
    ] {
        let said = open(Some(variable));
        assert_eq!((said.number("open"), said.number("3 instant")), (0, 0), "{variable:?}: {}", said.0);
    }
    std::fs::create_dir_all(sim.dir().join("opt/rocm/core-10.0")).unwrap();
    open(None).failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &["package amdrocm-amdsmi,"]);
    put("opt/rocm/core-10.0/lib");
    assert_eq!(open(None).number("open"), 0);
    std::os::unix::fs::symlink("core-10.0", sim.dir().join("opt/rocm/core")).unwrap();
    assert_eq!(open(Some(("ROCM_PATH", &sim.dir().join("opt/rocm/core")))).number("open"), 0);
}

/// The dynamic loader's errors are in the user's language.
#[test]
fn only_a_versioned_name_on_the_loaders_path_in_german() {
    let catalogue = Path::new("/usr/share/locale/de/LC_MESSAGES/libc.mo");
    assert!(catalogue.exists(), "this test needs {} (Debian: libc-l10n)", catalogue.display());
    let sim = sim("7.0.2", &[]);
    let german = |folder: &Path| {
        let mut command = command(&sim);
        command.env_remove("ROCM_PATH").env_remove("ROCM_HOME").env("LC_ALL", "C.UTF-8").env("LANGUAGE", "de");
        std::fs::rename(sim.dir().join("opt"), sim.dir().join("moved")).ok();
        command.env("LD_LIBRARY_PATH", folder);
        Said::by(command)
    };
    let lib = sim.dir().join("moved/rocm/lib");
    let folder = |name: &str| {
        let folder = sim.dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    german(&folder("empty")).failed(S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, &["loader"]);
    let versioned = folder("versioned");
    let real = std::fs::read_dir(&lib).unwrap().next().unwrap().unwrap().path().canonicalize().unwrap();
    std::os::unix::fs::symlink(real, versioned.join("libamd_smi.so.26")).unwrap();
    assert_eq!(german(&versioned).number("open"), 0);
    let invalid = folder("invalid");
    std::fs::write(invalid.join("libamd_smi.so.26"), "no library").unwrap();
    german(&invalid).failed(S::ZEUS_AMD_STATUS_LIBRARY_INVALID, &["libamd_smi.so.26"]);
}

#[test]
fn not_a_library() {
    let sim = sim("6.3.3", &[]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "this is not a library").unwrap();
    let mut command = command(&sim);
    command.env("ZEUS_AMD_AMDSMI", file.path());
    let said = Said::by(command);
    said.failed(S::ZEUS_AMD_STATUS_LIBRARY_INVALID, &[file.path().to_str().unwrap()]);
    assert_eq!(said.number("probe"), S::ZEUS_AMD_STATUS_LIBRARY_INVALID as i32);
}

#[test]
fn a_library_without_needed_symbols() {
    let said = run("6.3.3", &["missing_symbols = ['amdsmi_get_processor_handles', 'amdsmi_init']"]);
    said.failed(S::ZEUS_AMD_STATUS_LIBRARY_SYMBOLS, &["amdsmi_get_processor_handles", "amdsmi_init"]);
}

#[test]
fn a_library_without_other_symbols_still_serves() {
    let said = run("6.3.3", &["missing_symbols = ['amdsmi_get_temp_metric', 'amdsmi_get_gpu_kfd_info']"]);
    assert_eq!(said.number("open"), 0);
    // hwmon has it.
    assert_eq!(said.number("3 temperature"), 0);
    assert_eq!(said.number("3 instant"), 0);
}

#[test]
fn unknown_versions() {
    for (rocm, words, found) in [
        ("6.3.3", "[25, 2, 0, 0]", "25.2.0.0"),
        ("6.4.3", "[25, 25, 2, 0]", "25.25.2.0"),
        ("7.0.2", "[26, 9, 1, 0]", "26.9.1"),
        ("10.0", "[28, 0, 0, 0]", "28.0.0"),
    ] {
        let sim = sim(rocm, &[&format!("version = {words}")]);
        let said = Said::by(command(&sim));
        said.failed(S::ZEUS_AMD_STATUS_LIBRARY_VERSION, &[found, "27.2 (ROCm 10.2)", "ROCm 6.0", "newer zeus_amd"]);
        // Where the version can be asked first, an unknown library is not even initialised.
        let asks_first = !rocm.starts_with("6.3");
        assert_eq!(sim.calls("amdsmi_init") == 0, asks_first, "{rocm}");
    }
}

/// What each of AMD's codes is here: written out, so that the library's own table is held by another.
fn expected(code: u32) -> S {
    match code {
        1 | 53 => S::ZEUS_AMD_STATUS_INVALID_ARGUMENT,
        2 | 3 | 44 | 48 | 49 | 55 => S::ZEUS_AMD_STATUS_NOT_SUPPORTED,
        4 => S::ZEUS_AMD_STATUS_LIBRARY_INVALID,
        5 => S::ZEUS_AMD_STATUS_LIBRARY_SYMBOLS,
        6 | 7 | 12 | 14 | 20 | 21 => S::ZEUS_AMD_STATUS_IO,
        8 | 50 => S::ZEUS_AMD_STATUS_TIMEOUT,
        9 | 11 | 30 => S::ZEUS_AMD_STATUS_BUSY,
        10 => S::ZEUS_AMD_STATUS_NO_PERMISSION,
        15 => S::ZEUS_AMD_STATUS_NO_MEMORY,
        17 => S::ZEUS_AMD_STATUS_OUT_OF_RANGE,
        18 | 32 => S::ZEUS_AMD_STATUS_NOT_INITIALIZED,
        31 | 33 => S::ZEUS_AMD_STATUS_NOT_FOUND,
        34 | 45 | 46 | 47 | 51 => S::ZEUS_AMD_STATUS_DRIVER_NOT_LOADED,
        39 | 41 | 57 => S::ZEUS_AMD_STATUS_BUFFER_TOO_SMALL,
        40 | 42 | 43 | 56 => S::ZEUS_AMD_STATUS_UNEXPECTED_DATA,
        52 => S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND,
        54 => S::ZEUS_AMD_STATUS_DEVICE_LOST,
        _ => S::ZEUS_AMD_STATUS_UNKNOWN,
    }
}

#[test]
fn init_returns_each_vendor_status() {
    let codes: Vec<u32> = (1..=21).chain(30..=34).chain(39..=57).chain([35, 99, 0xFFFF_FFFE, 0xFFFF_FFFF]).collect();
    for code in codes {
        let said = run("7.0.2", &[&format!("init.status = {code}")]);
        let status = Status(code);
        said.failed(expected(code), &["amdsmi_init", status.name(), &code.to_string()]);
    }
}

#[test]
fn init_hangs() {
    let sim = sim("6.3.3", &["init.hang = true"]);
    let mut command = command(&sim);
    // Long enough to come as far as that call, on a busy machine too. If each open waited as long again, they would take half an
    // hour, and the program would be ended.
    command.args(["-", "2000", "often"]);
    Said::by(command).failed(S::ZEUS_AMD_STATUS_TIMEOUT, &["2000 ms", "amdsmi_init", "init_timeout_ms"]);
    assert_eq!(sim.calls("amdsmi_init"), 1, "a later open must not start another");
}

#[test]
fn a_slow_init_is_waited_for() {
    let said = run("6.4.3", &["init.delay_ms = 700"]);
    assert_eq!(said.number("open"), 0);
}

#[test]
fn no_card() {
    let sim = sim("6.3.3", &["drm = 'empty'"]);
    Said::by(command(&sim)).failed(S::ZEUS_AMD_STATUS_NO_DEVICE, &["sys/class/drm", "/dev/dri"]);
    assert_eq!(sim.calls("amdsmi_init"), 0, "amdsmi_init of ROCm 6.3 would not return");
    let said = run("6.3.3", &["drm = 'none'", "amdgpu = false"]);
    said.failed(S::ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, &["modprobe amdgpu"]);
    assert_eq!(said.number("probe"), S::ZEUS_AMD_STATUS_DRIVER_NOT_LOADED as i32);
}

/// A container that masks a GPU's render node with /dev/null: in two releases amdsmi_init ends the process then.
#[test]
fn a_masked_render_node() {
    for rocm in ["6.1.2", "6.3.3", "6.4.3", "7.13"] {
        let sim = sim(rocm, &["gpu.3.access = 'masked'"]);
        Said::by(command(&sim)).failed(S::ZEUS_AMD_STATUS_NO_PERMISSION, &["/dev/dri/renderD", "no DRM device"]);
        let said = Said::by(sim.command(program()));
        assert_eq!(
            (said.number("open"), said.number("count"), said.number("7 instant")),
            (0, 8, 0),
            "{rocm}: {}",
            said.0
        );
        assert_eq!(sim.calls("amdsmi_init"), 0, "{rocm}");
    }
}

/// Sandboxes that are older than a system call refuse it with EPERM: no reason to lose the GPUs.
#[test]
fn system_calls_that_a_sandbox_does_not_know() {
    let sandbox = common::c_program("sandbox");
    let sim = sim("none", &[]);
    for calls in [&["faccessat2"][..], &["faccessat2", "faccessat"]] {
        let mut command = sim.command(&sandbox);
        command.args(calls).arg("--").arg(program()).env("ZEUS_AMD_BACKEND", "sysfs");
        let said = Said::by(command);
        assert_eq!(
            (said.number("open"), said.number("count"), said.number("7 instant")),
            (0, 8, 0),
            "{calls:?}: {}",
            said.0
        );
    }
}

/// Without /dev/kfd the runtime shows no GPU, whatever /sys has.
#[test]
fn without_the_kfd_device() {
    let sim = sim("none", &[]);
    let explain = || {
        let out = sim.command(common::c_program("device_order")).arg("0").output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    assert!(explain().contains("HIP shows 8 GPUs"), "{}", explain());
    std::fs::remove_file(sim.dir().join("dev/kfd")).unwrap();
    let text = explain();
    assert!(text.contains("there is no /dev/kfd, so HIP shows no GPU") && !text.contains("HIP shows 8"), "{text}");
}

#[test]
fn zero_gpus_is_a_session_with_none() {
    for rocm in ["6.0.0", "6.4.3", "7.13"] {
        let said = run(rocm, &["all.absent = true"]);
        assert_eq!((said.number("open"), said.number("count")), (0, 0), "{rocm}: {}", said.0);
        assert_eq!(said.number("0 instant"), S::ZEUS_AMD_STATUS_NOT_FOUND as i32);
        assert!(said.text("0 instant").contains("there are none"));
    }
}

#[test]
fn index_out_of_range() {
    let said = run("7.0.2", &[]);
    for key in ["info", "instant", "average", "energy", "raw", "temperature", "limit", "clocks"] {
        assert_eq!(said.number(&format!("8 {key}")), S::ZEUS_AMD_STATUS_NOT_FOUND as i32, "{key}");
        assert!(said.text(&format!("8 {key}")).contains("there are 8, GPU 0 to 7"), "{key}");
    }
}

/// A call that fails on one GPU of eight is that one's status, with the vendor's number and the GPU's name.
#[test]
fn one_gpu_of_eight_fails() {
    let calls = [
        ("amdsmi_get_energy_count", "energy"),
        ("amdsmi_get_temp_metric", "temperature"),
        ("amdsmi_get_power_cap_info", "limit"),
        ("amdsmi_get_clock_info", "clocks"),
        ("amdsmi_get_power_info", "instant"),
    ];
    for rocm in ["6.1.2", "6.4.3", "7.13"] {
        for (function, key) in calls {
            // Its clock levels lack the one in force, so sysfs serves them.
            if (rocm, function) == ("6.4.3", "amdsmi_get_clock_info") {
                continue;
            }
            for code in [7_u32, 10, 15, 30, 31, 34, 43, 54] {
                let fault = format!("gpu.3.fault.{function} = {code}");
                // libamd_smi is asked for clocks only where the driver's files cannot be read.
                let files = ["sclk", "mclk"].map(|f| format!("gpu.3.file.pp_dpm_{f} = {{ open = \"ENOENT\" }}"));
                let sim = sim(rocm, &[&fault, &files[0], &files[1]]);
                let said = Said::by(command(&sim));
                assert_eq!(said.number("open"), 0, "{}", said.0);
                for i in 0..8 {
                    let at = format!("{i} {key}");
                    let want = if i == 3 { expected(code) as i32 } else { 0 };
                    assert_eq!(said.number(&at), want, "{rocm} {function} {code}: {}", said.text(&at));
                }
                let text = said.text(&format!("3 {key}"));
                for word in ["GPU 3", "MI300X", "0000:5c:00.0", function, &format!("({code}")] {
                    assert!(text.contains(word), "no {word:?} in {text:?}");
                }
            }
        }
    }
}

/// The address is needed to find the GPU, and to prove before each call that a handle is that GPU's; the others have theirs.
#[test]
fn one_gpu_without_a_pci_address() {
    for rocm in ["6.1.2", "6.4.3"] {
        let said = run(rocm, &["gpu.3.fault.amdsmi_get_gpu_bdf_id = 7"]);
        assert_eq!((said.number("open"), said.number("count")), (0, 8), "{}", said.0);
        for i in 0..8 {
            let want = if i == 3 { S::ZEUS_AMD_STATUS_NOT_FOUND as i32 } else { 0 };
            assert_eq!(
                said.number(&format!("{i} instant")),
                want,
                "{rocm} {i}: {}",
                said.text(&format!("{i} instant"))
            );
        }
    }
}

#[test]
fn one_failure_does_not_spoil_the_validation_of_the_others() {
    for function in ["amdsmi_get_energy_count", "amdsmi_get_power_info", "amdsmi_get_gpu_asic_info"] {
        let sim = sim("6.4.3", &[&format!("gpu.5.fault.{function} = 7")]);
        let mut command = command(&sim);
        command.args(["-", "5000", "validate"]);
        let said = Said::by(command);
        for i in 0..8 {
            let want = match function {
                "amdsmi_get_energy_count" if i == 5 => 9,
                "amdsmi_get_power_info" if i == 5 => 4,
                _ => 1,
            };
            assert_eq!(said.number(&format!("{i} counter_state")), want, "{function} {i}");
        }
    }
}

/// Up to ROCm 7.12 a failed read repeats the last values with SUCCESS; their own time tells.
#[test]
fn repeated_values_are_stale() {
    for rocm in ["6.1.2", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"] {
        let sim = sim(rocm, &["gpu.2.counter.frozen_at_s = 0.0"]);
        let mut command = command(&sim);
        command.args(["-", "5000", "validate"]);
        let said = Said::by(command);
        for i in 0..8 {
            let stale = S::ZEUS_AMD_STATUS_STALE as i32;
            assert_eq!(said.number(&format!("{i} instant")), if i == 2 { stale } else { 0 }, "{rocm} {i}");
        }
        assert!(said.text("2 instant").contains("has not advanced"));
        assert_eq!(said.number("2 counter_state"), 2);
        // Temperature does not come from the frozen table.
        assert_eq!(said.number("2 temperature"), 0);
    }
}

/// A table that froze since it was last looked at: the first reading of it is new to us, and old all the same.
#[test]
fn a_first_look_at_an_old_value_is_stale() {
    // Compiled before the machine's clock begins.
    let program = program();
    for rocm in ["6.1.2", "6.4.3", "7.0.2", "7.13"] {
        // So many seconds for a program to begin and to check.
        let said = [2, 10, 50].into_iter().find_map(|lead| {
            let sim = sim(rocm, &[&format!("gpu.2.counter.frozen_at_s = {lead}")]);
            let mut command = sim.command(program);
            command.args(["-", "5000", "validate", &format!("{}", 1000 * lead + 500)]);
            Some(Said::by(command)).filter(|said| said.number("2 counter_state") == 1)
        });
        let said = said.unwrap_or_else(|| panic!("{rocm}: it froze after the check"));
        for i in 0..8 {
            let want = if i == 2 { S::ZEUS_AMD_STATUS_STALE as i32 } else { 0 };
            assert_eq!(said.number(&format!("{i} energy")), want, "{rocm} {i}");
        }
    }
}

/// A counter that could not be read at the check is checked again: it is not served as if it had been checked before.
#[test]
fn a_counter_that_was_not_checked_is_not_served() {
    let fault = "gpu.0.fault.amdsmi_get_energy_count = { status = 30, first = 2 }";
    let sim = Sim::start("mi100-1", "7.13", &[fault, "gpu.0.counter.stuck_at_s = inf"]).unwrap();
    let mut command = command(&sim);
    command.args(["-", "5000", "validate"]);
    let said = Said::by(command);
    let not_ready = S::ZEUS_AMD_STATUS_NOT_READY as i32;
    // The check in the background may be done by then.
    let (state, energy) = (said.number("0 counter_state"), said.number("0 energy"));
    assert!(state == 8 && energy == not_ready || [1, 8].contains(&state) && energy == 0, "{}", said.0);
}

/// One file under the loader's name and by its path is one library: one initialisation, one lock.
#[test]
fn one_library_under_two_names() {
    let sim = sim("6.2.4", &[]);
    let mut command = sim.command(common::c_program("two_names"));
    let folder = sim.library().parent().unwrap().to_owned();
    command.env_remove("ROCM_PATH").env_remove("ROCM_HOME").env("LD_LIBRARY_PATH", folder).arg(sim.library());
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(sim.calls("amdsmi_init"), 1);
}

/// No gpu_metrics at all: no power and no energy, each with a status, and the rest goes on.
#[test]
fn without_gpu_metrics() {
    for rocm in ["6.1.2", "6.3.3", "6.4.3", "7.13"] {
        let said = run(rocm, &["gpu.1.metrics = 'none'"]);
        for key in ["instant", "average", "energy", "raw"] {
            assert!(said.number(&format!("1 {key}")) < 0, "{rocm} {key}: {}", said.0);
        }
        assert_eq!(said.number("1 temperature"), 0, "{rocm}");
        assert_eq!(said.number("2 instant"), 0, "{rocm}");
    }
}

#[test]
fn absent_counters() {
    for (missing, rocm) in [("ones", "6.3.3"), ("ones", "7.13"), ("u32_ones", "6.4.3"), ("u32_ones", "10.0")] {
        let sim = sim(rocm, &[&format!("gpu.4.counter.missing = '{missing}'")]);
        let mut command = command(&sim);
        command.args(["-", "5000", "validate"]);
        let said = Said::by(command);
        for key in ["energy", "raw"] {
            let at = format!("4 {key}");
            assert_eq!(said.number(&at), S::ZEUS_AMD_STATUS_NOT_SUPPORTED as i32, "{rocm} {missing}");
            assert!(said.text(&at).contains("no energy counter"), "{}", said.text(&at));
        }
        assert_eq!(said.number("4 counter_state"), 5);
        assert_eq!(said.number("4 instant"), 0);
    }
}

/// What libamd_smi prints while it initialises goes to the log; the host's other threads print on.
#[test]
fn the_noise_of_init_is_kept_back() {
    noise_is_kept_back(&["env"]);
}

/// The same in a mount namespace whose /proc is empty.
#[test]
fn the_noise_of_init_is_kept_back_without_proc() {
    let unshare = |flag: &'static str| ["unshare", flag, "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"];
    let works =
        |words: &[&str]| Command::new(words[0]).args(&words[1..]).arg("true").status().is_ok_and(|s| s.success());
    // Containers may permit no namespaces, as tests/mpi/run.sh says.
    match ["-m", "-rm"].map(unshare).into_iter().find(|words| works(words)) {
        Some(words) => noise_is_kept_back(&words),
        None => println!("no namespaces are permitted here: left out"),
    }
}

/// A kernel that says that it is an old one (2.6) would keep the thread that captures: there the library prints.
#[test]
fn the_noise_of_init_is_printed_on_old_kernels() {
    let sim = sim("7.13", &["stderr_noise = true"]);
    let mut command = sim.command("setarch");
    let program = common::c_program("stderr_capture");
    let out = command.arg("--uname-2.6").arg(program).env("ZEUS_AMD_BACKEND", "amdsmi").output().unwrap();
    let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success(), "{stderr}");
    assert!(!stdout.contains("printed at open: "), "captured: {stdout}");
    assert!(stderr.contains("AMDSmiLibraryLoader: "), "not printed: {stderr}");
}

/// `starter`: words before the program.
fn noise_is_kept_back(starter: &[&str]) {
    let sim = sim("7.13", &["stderr_noise = true", "init.delay_ms = 300"]);
    let program = common::c_program("stderr_capture");
    let host_lines = || {
        let mut command = sim.command(starter[0]);
        let out = command.args(&starter[1..]).arg(&program).env("ZEUS_AMD_BACKEND", "amdsmi").output().unwrap();
        let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
        assert!(out.status.success(), "{stderr}");
        assert!(stdout.contains("printed at open: "), "the log does not have it: {stdout}");
        common::host_lines(&stderr)
    };
    // The host's second thread prints while amdsmi_init runs; on a busy machine few lines.
    assert!(happens(|| host_lines() > 5));
}
