//! The tree: order of nodes, files that move, files that may not be opened.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{inside, u32_at};
use zeus_amd_sim::start::{happens, isolated};
use zeus_amd_sim::{library, Sim};

fn root() -> PathBuf {
    std::env::var("ZEUS_AMD_ROOT").unwrap().into()
}

fn node(root: &Path, n: u32) -> PathBuf {
    root.join(format!("sys/class/kfd/kfd/topology/nodes/{n}"))
}

#[test]
fn kfd_nodes_follow_the_driver_and_not_the_addresses() {
    let sim = Sim::start("mi350x-8", "none", &[] as &[&str]).unwrap();
    let m = sim.machine();
    let hip: Vec<u32> = m.in_hip_order().iter().map(|p| m.gpu_of(p).number).collect();
    assert_eq!(hip, [3, 2, 1, 0, 7, 6, 5, 4]);
    for p in m.processors() {
        let text = fs::read_to_string(node(sim.dir(), p.node).join("properties")).unwrap();
        let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).unwrap().trim().parse::<u64>().unwrap();
        assert_eq!(value("location_id "), p.bdf.location());
        assert_eq!(value("unique_id "), p.unique_id);
        assert!(sim.dir().join(format!("dev/dri/renderD{}", value("drm_render_minor "))).exists());
    }
    assert!(!sim.library().exists(), "a machine without ROCm");
}

#[test]
fn gaps_and_explicit_numbers() {
    let with = [
        "gpu.0.absent = true",
        "gpu.1.absent = true",
        "gpu.2.kfd_node = 4",
        "gpu.3.kfd_node = 7",
        "all.access = \"ok\"",
    ];
    inside("mi300x-8", "6.4.3", &with, |lib| {
        let h = lib.handles();
        let hip_id = |i: usize| u32_at(&lib.fill("amdsmi_get_gpu_enumeration_info", h[i]).1, 12);
        assert_eq!((hip_id(0), hip_id(1)), (0, 3), "a difference, not a rank");
    });
}

#[test]
fn files_that_may_not_be_opened() {
    let with = [
        "gpu.0.access = \"hidden\"",
        "gpu.1.access = \"denied\"",
        "gpu.2.access = \"no_render\"",
        "gpu.3.access = \"node_denied\"",
    ];
    inside("mi300x-8", "7.0.2", &with, |lib| {
        let errno = |p: PathBuf| fs::read(p).err().and_then(|e| e.raw_os_error());
        let n = |i: u32| node(&root(), 2 + i);
        assert_eq!(errno(n(0).join("gpu_id")), Some(libc::EPERM));
        assert_eq!(errno(n(0).join("properties")), Some(libc::EPERM));
        assert_eq!(errno(n(0).join("name")), None);
        assert_eq!(errno(n(1).join("gpu_id")), None);
        assert_eq!(errno(root().join("dev/dri/renderD128")), Some(libc::ENOENT));
        assert_eq!(errno(root().join("dev/dri/renderD129")), Some(libc::EACCES));
        assert_eq!(errno(root().join("dev/dri/renderD130")), Some(libc::ENOENT));
        assert_eq!(errno(n(3).join("gpu_id")), Some(libc::EACCES));
        assert_eq!(lib.handles().len(), 6, "those with unreadable nodes are dropped");
    });
}

#[test]
fn the_clock_holds_and_runs() {
    let sim = Sim::start("mi300x-8", "none", &[] as &[&str]).unwrap();
    let file = sim.dir().join("sys/bus/pci/devices/0000:df:00.0/gpu_metrics");
    let now = sim.stop_clock();
    let held = fs::read(&file).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
    assert_eq!(fs::read(&file).unwrap(), held);
    let reading = sim.machine().gpus()[7].reading(now);
    let table = zeus_amd_sim::metrics::Decoded::parse(&held).unwrap();
    assert_eq!(table.get("energy_accumulator"), Some(reading.accumulator));
    assert_eq!(table.get("system_clock_counter"), Some(sim.epoch_ns() + reading.system_ns));
    sim.start_clock();
    assert!(happens(|| fs::read(&file).unwrap() != held));
}

#[test]
fn every_refresh_reaches_the_file() {
    let sim = Sim::start("mi210-1", "none", &["gpu.0.counter.refresh_ms = 5"]).unwrap();
    let file = sim.dir().join("sys/bus/pci/devices/0000:63:00.0/gpu_metrics");
    let mut seen = std::collections::BTreeSet::new();
    let begin_ns = sim.now_ns();
    while seen.len() < 50 {
        seen.insert(
            zeus_amd_sim::metrics::Decoded::parse(&fs::read(&file).unwrap()).unwrap().get("firmware_timestamp"),
        );
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let refreshes = (sim.now_ns() - begin_ns) / 5_000_000 + 2;
    assert!(seen.len() as u64 <= refreshes, "{} different tables in {refreshes} refreshes", seen.len());
}

fn runner(folder: &Path) -> Command {
    isolated(Path::new(env!("CARGO_MANIFEST_DIR")).join("run"), folder)
}

#[test]
fn the_runner_passes_status_and_signals_through() {
    library::built().unwrap();
    let status = |args: &[&str]| {
        let mut run = runner(&std::env::temp_dir());
        let out = run.args(["--machine", "mi100-1", "--rocm", "6.3", "--"]).args(args).output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
    };
    assert_eq!(status(&["sh", "-c", "exit 42"]), (Some(42), String::new()));
    assert_eq!(status(&["sh", "-c", "kill -KILL $$"]).0, Some(137));
    assert_eq!(
        status(&["sh", "-c", "kill -TERM $PPID; exec sleep 600"]).0,
        Some(143),
        "a signal to the runner is the program's"
    );
    let (code, text) = status(&["no-such-program"]);
    assert!(code == Some(127) && text.contains("no-such-program"), "{text}");
    assert_eq!(status(&["sh", "-c", "ls $ZEUS_AMD_ROOT/sys/class/drm | wc -l"]).1.trim(), "4");
}

#[test]
fn the_runner_tells_the_true_energy() {
    let sim = Sim::start("mi250x-4", "none", &["gpu.0.noise = { w = 30, seed = 2 }"]).unwrap();
    let run = || runner(sim.dir());
    let (from, to) = (sim.boottime_ns(100_000_000), sim.boottime_ns(2_345_678_901));
    let words = [from.to_string(), to.to_string()];
    let out = run().args(["energy", "--dir"]).arg(sim.dir()).args(&words).output().unwrap();
    let joules: Vec<f64> = serde_json::from_slice(&out.stdout).unwrap();
    let truth: Vec<f64> = sim.machine().gpus().iter().map(|g| g.energy_j(0.1, 2.345678901)).collect();
    let near = joules.iter().zip(&truth).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near && joules.len() == 8 && truth[0] > 1.0 && truth[1] == 0.0, "{joules:?}, truly {truth:?}");
    let out = run().args(["energy", "--dir"]).arg(sim.dir()).args(["1", "2"]).output().unwrap();
    assert_eq!(out.status.code(), Some(127), "before the machine");
}

#[test]
fn nothing_is_left_behind() {
    let dir = {
        let sim = Sim::start("mi210-1", "7.2", &[] as &[&str]).unwrap();
        assert!(sim.library().exists());
        let out = sim.command("sh").args(["-c", "echo $ROCM_PATH"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), sim.dir().join("opt/rocm").to_str().unwrap());
        sim.dir().to_path_buf()
    };
    assert!(!dir.exists());
}
