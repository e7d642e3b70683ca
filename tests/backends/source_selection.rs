//! The automatic choice: the file where it agrees with libamd_smi or where there is no usable one, libamd_smi where it
//! does not; and the log and the explanation say which and why.

use super::client::{Client, ADAPTIVE, AMDSMI, NOT_SUPPORTED, OFF, SYSFS};
use super::common;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const NONE: &[&str] = &[];
pub const TIMEOUT: i64 = -8;

/// `proxy_amdsmi.c` in front of the machine's own library.
pub fn liar(sim: &Sim) -> PathBuf {
    liar_over(sim, &[])
}

/// The same with libraries that it needs.
pub fn liar_over(sim: &Sim, needed: &[PathBuf]) -> PathBuf {
    let folder = sim.dir().join("proxy");
    let library = folder.join("libamd_smi.so");
    std::fs::create_dir_all(&folder).unwrap();
    // Linked by a path, the library is found by its soname.
    let real = sim.library().canonicalize().unwrap();
    for name in [real.file_name().unwrap().to_owned(), soname(&real).into()] {
        let _ = symlink(&real, sim.library().parent().unwrap().join(name));
    }
    let mut cc = Command::new("cc");
    cc.args(["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O1", "-o"]).arg(&library);
    cc.arg(common::root().join("tests/c/proxy_amdsmi.c")).arg("-Wl,--no-as-needed").arg(&real).args(needed);
    cc.arg(format!("-Wl,-rpath,{}", sim.library().parent().unwrap().display())).arg("-ldl");
    assert!(cc.status().unwrap().success());
    library
}

fn soname(library: &Path) -> String {
    let out = Command::new("readelf").arg("-d").arg(library).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let line = text.lines().find(|l| l.contains("SONAME")).unwrap();
    line.split(['[', ']']).nth(1).unwrap().to_owned()
}

/// An open session beside a libamd_smi that lies.
pub fn beside(sim: &Sim, liar: &Path, lie: &str) -> Client {
    let mut command = sim.command(Client::program());
    command.env("ZEUS_AMD_BACKEND", "auto").env("ZEUS_AMD_AMDSMI", liar).env("LIE", lie).arg(OFF);
    let mut asked = Client::start(command);
    asked.ask("open").ok();
    asked
}

#[test]
fn what_sysfs_has_is_read_from_it() {
    for (machine, rocm, gpus) in [("mi300x-8", "6.1.2", 8), ("mi250x-4", "6.4.3", 8), ("mixed-2", "10.2", 2)] {
        let sim = Sim::start(machine, rocm, NONE).unwrap();
        let mut asked = Client::open(&sim, "auto", OFF);
        let log = asked.log();
        for gpu in 0..gpus {
            assert_eq!(asked.source(gpu), SYSFS, "{machine} {rocm} GPU {gpu}");
        }
        let said = log.matches("read from gpu_metrics and hwmon").count();
        assert_eq!(said, gpus, "{machine} {rocm}: {log}");
        // And nothing of libamd_smi is called any more.
        let before = sim.calls("amdsmi_get_energy_count") + sim.calls("amdsmi_get_power_info");
        asked.ask("raw 0").ok();
        assert_eq!(sim.calls("amdsmi_get_energy_count") + sim.calls("amdsmi_get_power_info"), before);
    }
}

/// Whatever libamd_smi says, and however old it is: the path of a file is the GPU's own PCI address, so its values are.
#[test]
fn a_libamd_smi_that_lies_is_not_believed() {
    for (rocm, power_at) in [("6.3.3", 0), ("7.0.2", 8)] {
        let sim = Sim::start("mi300x-8", rocm, NONE).unwrap();
        let liar = liar(&sim);
        let twenty = format!("power 20 {power_at}");
        // An answer from the cache of 6.4.2 and 6.4.3, which another thread fills, is up to 100 ms old.
        for lie in ["accumulator 400000000", "unit 1.0", "time -90000000", "time -1000000000", "none", &twenty, "other"]
        {
            let mut asked = beside(&sim, &liar, lie);
            for gpu in 0..8 {
                assert_eq!(asked.source(gpu), SYSFS, "{rocm} {lie} GPU {gpu}: {}", asked.log());
                let truth = sim.machine().gpu_of(sim.machine().in_hip_order()[gpu]).power_w(0.0);
                assert_eq!(asked.ask(&format!("instant {gpu}")).ok().number(0), truth as u64 * 1000, "{rocm} {lie}");
            }
        }
    }
}

/// A libamd_smi that is older than the driver, as in a container, makes nothing of its table: no witness against the file.
#[test]
fn an_older_libamd_smi_is_no_witness() {
    for (rocm, metrics) in [("6.1.2", "1.6"), ("6.3.3", "1.8"), ("7.0.2", "1.9")] {
        let with = ["strict_metrics = true".to_owned(), format!("all.metrics = \"{metrics}\"")];
        let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
        let mut amdsmi = Client::open(&sim, "amdsmi", OFF);
        assert_ne!(amdsmi.ask("energy 3").status, 0, "{rocm} can read {metrics}");
        let mut asked = Client::open(&sim, "auto", ADAPTIVE);
        let log = asked.log();
        assert!(log.contains("read from gpu_metrics") && !log.contains("not usable"), "{log}");
        for gpu in 0..8 {
            assert_eq!(asked.source(gpu), SYSFS, "{rocm} GPU {gpu}: {log}");
            asked.ask(&format!("energy {gpu}")).ok();
            asked.ask(&format!("instant {gpu}")).ok();
            let levels = &sim.machine().gpus()[gpu].spec.clocks.gfx.levels;
            let ends = [levels[0], levels[levels.len() - 1]].map(|mhz| mhz.to_string());
            assert_eq!(asked.ask(&format!("levels {gpu}")).ok().words[..2], ends, "{rocm}");
        }
    }
}

/// Without a gpu_metrics the power is hwmon's, whatever the release of libamd_smi.
#[test]
fn a_power_without_gpu_metrics() {
    for rocm in ["none", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"] {
        let sim = Sim::start("mi300x-8", rocm, &["gpu.3.metrics = \"none\""]).unwrap();
        let mut asked = Client::open(&sim, "auto", ADAPTIVE);
        let truth = sim.machine().gpus()[3].power_w(0.0) as u64 * 1000;
        assert_eq!(asked.ask("instant 3").ok().number(0), truth, "{rocm}");
        asked.ask("temperature 3").ok();
        assert_ne!(asked.ask("energy 3").status, 0, "{rocm}");
    }
}

/// ROCm 6.4 leaves the current level out of the lowest and highest one: idle and under load the levels are the file's.
#[test]
fn levels_of_rocm_6_4() {
    for (machine, now, ends) in [("mi300x-8", 132, ["132", "2100"]), ("mi250x-4", 1700, ["500", "1700"])] {
        let sim = Sim::start(machine, "6.4.3", &[format!("all.clocks.gfx.now = {now}")]).unwrap();
        for backend in ["auto", "amdsmi"] {
            let mut asked = Client::open(&sim, backend, OFF);
            assert_eq!(asked.ask("levels 0").ok().words[..2], ends, "{machine} {backend}");
        }
    }
}

/// Files that are no table, on one GPU: that one is read by libamd_smi where it has what sysfs lacks, and else as far as
/// hwmon goes; the others are not touched by it.
#[test]
fn a_file_that_is_none_is_not_read() {
    for (fault, status, why) in [
        ("{ content = \"revision\" }", -25, "revision 99.99, which is unknown"),
        ("{ content = \"truncated\" }", -25, "but its header gives"),
        ("{ content = \"oversized\" }", -25, "but its header gives"),
        ("{ content = \"ones\" }", -25, "but its header gives"),
        ("{ content = \"garbage\" }", -25, "gpu_metrics"),
        ("{ content = \"empty\" }", -4, "the file is empty"),
        ("{ open = \"EACCES\" }", -5, "denied"),
    ] {
        let sim = Sim::start("mi300x-8", "6.3.3", &[format!("gpu.3.file.gpu_metrics = {fault}")]).unwrap();
        let mut asked = Client::open(&sim, "auto", OFF);
        let sources: Vec<u64> = (0..8).map(|gpu| asked.source(gpu)).collect();
        assert_eq!(sources, [SYSFS; 8], "{fault}: {}", asked.log());
        asked.ask("energy 3").fails(status, why);
        let truth = sim.machine().gpus()[3].power_w(0.0) as u64;
        assert_eq!(asked.ask("instant 3").ok().number(0), truth * 1000, "{fault}: hwmon's");
    }
}

/// A GPU that sleeps or is in reset while a session is opened says nothing against its file; nor does a libamd_smi that
/// repeats what an earlier session had it read (up to 6.4). When the GPU is back, so are its readings.
#[test]
fn a_file_that_cannot_be_read_just_now_is_kept() {
    for rocm in ["6.3.3", "7.13"] {
        let sim = Sim::start("mi300x-8", rocm, NONE).unwrap();
        let mut asked = Client::open(&sim, "auto", OFF);
        for errno in [libc::EPERM, libc::EBUSY, libc::ENODEV, libc::EIO] {
            sim.break_files(3, errno);
            asked.ask("open").ok();
            let log = asked.log();
            assert!(!log.contains("read by libamd_smi"), "{rocm}: {log}");
            assert_eq!(asked.source(3), SYSFS, "{rocm} {errno}: {log}");
            assert_ne!(asked.ask("energy 3").status, 0);
            sim.break_files(3, 0);
            asked.ask("energy 3").ok();
        }
    }
}

/// What the load does while this thread stands still between two looks is no disagreement.
#[test]
fn a_look_that_took_long_is_no_try() {
    for (rocm, power_at) in [("6.3.3", 0), ("7.0.2", 8)] {
        let sim = Sim::start("mi300x-8", rocm, NONE).unwrap();
        let mut asked = beside(&sim, &liar(&sim), &format!("late 4 {power_at}"));
        assert_eq!(asked.source(0), SYSFS, "{}", asked.log());
    }
}

/// Addresses of two GPUs exchanged: refused where the library names nodes too, else it shows in what they read.
#[test]
fn a_libamd_smi_with_wrong_addresses() {
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    let start = |sim: &Sim| {
        let mut command = sim.command(Client::program());
        command.env("ZEUS_AMD_AMDSMI", liar(sim)).env("LIE", "buses 12 34").arg(OFF);
        Client::start(command)
    };
    start(&sim).ask("open").fails(-19, "0000:22:00.0");
    let sim = Sim::start("mi300x-8", "6.1.2", NONE).unwrap();
    let mut asked = start(&sim);
    asked.ask("open").ok();
    let log = asked.log();
    assert!(!log.contains("read by libamd_smi"), "{log}");
    for (gpu, place) in sim.machine().in_hip_order().iter().enumerate() {
        let truth = sim.machine().gpu_of(place).power_w(0.0) as u64 * 1000;
        assert_eq!(asked.ask(&format!("instant {gpu}")).ok().number(0), truth, "GPU {gpu}");
    }
}

/// After its start it hangs as well, where it lists GPUs: then the files do, and nobody waits for
/// it again until it has come back.
#[test]
fn a_libamd_smi_that_hangs_later() {
    for call in ["amdsmi_get_gpu_bdf_id", "amdsmi_get_gpu_asic_info"] {
        let fault = format!("gpu.3.fault.{call} = {{ delay_ms = 10000, first = 1 }}");
        let sim = Sim::start("mi300x-8", "6.3.3", &[fault]).unwrap();
        let mut asked = Client::new(&sim, "auto", &[OFF, "2000"]);
        asked.ask("open").ok();
        let explained = asked.ask("explain").text;
        assert!(explained.contains("listing the GPUs has not returned within 2000 ms"), "{call}: {explained}");
        for gpu in 0..8 {
            assert_eq!(asked.source(gpu), SYSFS, "{call}");
            asked.ask(&format!("energy {gpu}")).ok();
        }
        // Nobody has waited for it.
        let calls = sim.calls(call);
        asked.ask("open").ok();
        let explained = asked.ask("explain").text;
        assert!(explained.contains("an earlier session has not returned yet"), "{call}: {explained}");
        asked.ask("energy 3").ok();
        assert_eq!(sim.calls(call), calls, "{call} is not called again");
        // It comes back.
        let is_used = happens(|| {
            asked.ask("open").ok();
            !asked.ask("explain").text.contains("is not used")
        });
        assert!(is_used, "{call}");
        assert!(asked.log().contains("version 25.1.0.0"), "{}", asked.log());
    }
}

/// No libamd_smi that could be used: a session by the kernel's files, which says why; and with libamd_smi insisted on
/// the failure that it is.
#[test]
fn without_a_usable_libamd_smi() {
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), "no library at all, but longer than a header of one").unwrap();
    let text = text.path().to_str().unwrap();
    for (rocm, with, path, status, why) in [
        ("none", "", "", -11, "no libamd_smi"),
        ("7.0.2", "", text, -20, "cannot be loaded"),
        ("6.4.3", "", "/nowhere/libamd_smi.so", -11, "/nowhere/libamd_smi.so"),
        ("7.0.2", "version = [99, 0, 0, 0]", "", -12, "99.0"),
        ("7.0.2", "missing_symbols = [\"amdsmi_init\"]", "", -21, "amdsmi_init"),
        ("6.3.3", "init.hang = true", "", TIMEOUT, "200 ms"),
        ("6.3.3", "init.status = 14", "", -10, "amdsmi_init"),
        ("6.3.3", "fault.amdsmi_get_socket_handles = 14", "", -10, "handles"),
        ("6.3.3", "all.fault.amdsmi_get_gpu_bdf_id = { delay_ms = 60000 }", "", TIMEOUT, "returned"),
    ] {
        let sim = Sim::start("mi300x-8", rocm, &[with]).unwrap();
        let start = |backend: &str| {
            let mut command = sim.command(Client::program());
            // In ms; 0 is the default. What does not hang may take long on a busy machine.
            let limit = if status == TIMEOUT { "200" } else { "0" };
            command.env("ZEUS_AMD_BACKEND", backend).args([OFF, limit]);
            if !path.is_empty() {
                command.env("ZEUS_AMD_AMDSMI", path);
            }
            Client::start(command)
        };
        let context = format!("{rocm} {with} {path}");
        let mut auto = start("auto");
        auto.ask("probe").ok();
        // Twice, for a library that hangs is waited for once.
        auto.ask("open").ok();
        auto.ask("open").ok();
        let most = if with == "init.status = 14" { 2 } else { 1 };
        assert!(sim.calls("amdsmi_init") <= most, "{context}");
        let explained = auto.ask("explain");
        let said = "libamd_smi is not used, sysfs serves all readings: ";
        assert!(explained.text.starts_with(said) && explained.text.contains(why), "{context}: {}", explained.text);
        assert_eq!((explained.number(0), explained.number(1)), (8, SYSFS), "{context}");
        let log = auto.log();
        assert!(log.contains(said) && log.contains(why), "{context}: {log}");
        for gpu in 0..8 {
            assert_eq!(auto.source(gpu), SYSFS, "{context}");
            auto.ask(&format!("energy {gpu}")).ok();
        }
        let failed = start("amdsmi").ask("open");
        assert_eq!(failed.status, status, "{context}: {}", failed.text);
        assert!(failed.text.contains(why), "{context}: {}", failed.text);
    }
}

/// The variable and the option: the option wins, nonsense is refused.
#[test]
fn who_chooses() {
    let sim = Sim::start("mi210-1", "6.4.3", NONE).unwrap();
    Client::new(&sim, "fast", &[OFF]).ask("open").fails(-1, "ZEUS_AMD_BACKEND is \"fast\"");
    for (variable, option, source) in
        [("sysfs", "1", AMDSMI), ("amdsmi", "2", SYSFS), ("amdsmi", "0", AMDSMI), ("", "0", SYSFS)]
    {
        let mut asked = Client::new(&sim, variable, &[OFF, "0", option]);
        asked.ask("open").ok();
        assert_eq!(asked.source(0), source, "{variable} {option}");
    }
    Client::new(&sim, "auto", &[OFF, "0", "3"]).ask("open").fails(-1, "backend");
    // What was asked for is not explained as if it were a fault.
    let mut asked = Client::open(&sim, "sysfs", OFF);
    assert!(asked.ask("explain").text.starts_with("libamd_smi is not used, as requested; sysfs serves all readings"));
    assert_eq!(sim.calls("amdsmi_init"), 3, "only the sessions that use libamd_smi start it");
}

/// Hundreds of opens while power, counter and caches do what they do: no side is ever taken for a liar.
#[test]
fn no_false_disagreement() {
    let square = "all.power = { kind = \"square\", low = 100, high = 700, period_s = 0.02 }";
    let slow = "all.power = { kind = \"square\", low = 100, high = 700, period_s = 0.3 }";
    for (machine, rocm, with) in [
        // A cache of 100 ms in front of the file.
        ("mi300x-8", "6.4.3", &[slow][..]),
        ("mi300x-8", "6.4.3", &[square]),
        ("mi300x-8", "6.0.2", &[square]),
        ("mi300x-8", "7.0.2", &[square, "all.counter.driver_ms = 5", "all.counter.driver_lag_us = [0, 300]"]),
        ("mi350x-8", "7.13", &[square, "all.counter.driver_ms = 0.3", "all.counter.refresh_ms = 1.7"]),
        ("mi300x-8", "6.1.2", &[square, "all.fault.amdsmi_get_energy_count = { delay_us = 300 }"]),
        ("mi250x-4", "6.3.3", &["all.average_s = 0.01", square]),
        // Counters of 32 bits that come round all the time.
        ("mi100-1", "6.2.4", &["all.counter = { bits = 32, initial = 4294960000 }", square]),
        ("mi100-1", "7.2.0", &["all.power = { kind = \"constant\", w = 60000 }", "all.counter.bits = 32"]),
    ] {
        let sim = Sim::start(machine, rocm, with).unwrap();
        let mut asked = Client::new(&sim, "auto", &[OFF]);
        let others = asked.ask("opens 25");
        assert_eq!(others.number(0), 0, "{machine} {rocm} {with:?}: {}", others.text);
    }
}

/// Where libamd_smi alone can read the levels: those of ROCm 6.4 lack the current one, an idle GPU's lowest and a busy one's
/// highest, so they are none.
#[test]
fn levels_that_lack_the_current_one_are_not_given() {
    for (rocm, lacks) in [("6.3.3", false), ("6.4.0", true), ("6.4.3", true), ("7.0.2", false)] {
        let sim = Sim::start("mi300x-8", rocm, &["gpu.0.clocks.gfx.now = 2100"]).unwrap();
        let root = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-a").arg(sim.dir().join("sys")).arg(root.path()).status().unwrap();
        assert!(copied.success());
        symlink(sim.dir().join("dev"), root.path().join("dev")).unwrap();
        let gpu = sim.machine().gpus()[0].bdf.to_string();
        std::fs::remove_file(root.path().join("sys/bus/pci/devices").join(gpu).join("pp_dpm_sclk")).unwrap();
        let mut command = sim.command(Client::program());
        command.env("ZEUS_AMD_ROOT", root.path()).env("ZEUS_AMD_BACKEND", "amdsmi").arg(OFF);
        let mut asked = Client::start(command);
        asked.ask("open").ok();
        let said = asked.ask("levels 0");
        if lacks {
            said.fails(NOT_SUPPORTED, "leaves out the current level");
        } else {
            assert_eq!(said.ok().words, ["132", "2100"], "{rocm}");
        }
    }
}
