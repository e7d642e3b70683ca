//! The right GPU, from C and through the whole library: masks, access, order, dies, partitions.

mod common;

use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

const NOT_FOUND: i32 = -3;
const HETEROGENEOUS: i32 = -18;
const AMBIGUOUS: i32 = -19;
const RUNTIME_INIT_FAILED: i32 = -29;

const MASKS: [&str; 3] = ["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"];

/// What `which.c` printed.
struct Said {
    text: String,
}

/// One line of it.
#[derive(Debug, Clone)]
struct Gpu {
    pci: String,
    node: String,
    unmasked: String,
    amdsmi: String,
    package: String,
    power: Option<u64>,
    energy: Option<u64>,
    flags: u32,
}

fn which(sim: &Sim, flags: u32, masks: &[(&str, &str)]) -> Said {
    which_of(sim, flags, "-", masks)
}

/// For an application of a ROCm release ("-": not told).
fn which_of(sim: &Sim, flags: u32, release: &str, masks: &[(&str, &str)]) -> Said {
    let mut command = command(sim, flags, release);
    command.envs(masks.iter().copied());
    run(command)
}

fn command(sim: &Sim, flags: u32, release: &str) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("device_order")));
    for name in MASKS.iter().chain(&["GPU_DEVICE_ORDINAL", "HSA_OVERRIDE_GFX_VERSION"]) {
        command.env_remove(name);
    }
    command.arg(flags.to_string()).arg(release);
    command
}

fn run(mut command: Command) -> Said {
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    assert!(!text.contains("not found by PCI") && !text.contains("another found by UUID"), "{text}");
    Said { text }
}

impl Said {
    fn number(&self, key: &str) -> i32 {
        let line = self.text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {key} in {}", self.text)).parse().unwrap()
    }

    fn gpus(&self) -> Vec<Gpu> {
        assert_eq!(self.number("open"), 0, "{}", self.text);
        let parse = |l: &str| {
            let w: Vec<&str> = l.split(' ').collect();
            Gpu {
                pci: w[2].into(),
                node: w[3].into(),
                unmasked: w[4].into(),
                amdsmi: w[5].into(),
                package: w[6].into(),
                power: w[7].parse().ok(),
                energy: w[8].parse().ok(),
                flags: w[9].parse().unwrap(),
            }
        };
        self.text.lines().filter(|l| l.starts_with("gpu ")).map(parse).collect()
    }

    fn refusal(&self, gpu: usize) -> &str {
        let key = format!("refused {gpu} ");
        self.text.lines().find_map(|l| l.strip_prefix(&key)).unwrap_or("")
    }
}

/// A machine of the vectors as a machine file, and the names of its GPUs by PCI address.
fn vector_machine(facts: &Value, name: &str) -> (String, Vec<(String, String)>) {
    let machine = &facts["machines"][&name[..1]];
    let only: Option<Vec<&str>> = name.split_once('[').map(|(_, r)| r.split(']').next().unwrap().split(',').collect());
    let mut toml = format!("cpu_nodes = {}\n", machine["cpu_nodes"].as_array().unwrap().len());
    let mut names = Vec::new();
    for (i, g) in machine["gpus"].as_array().unwrap().iter().enumerate() {
        let (label, node, pci) = (g[0].as_str().unwrap(), g[1].as_u64().unwrap(), g[2].as_str().unwrap());
        let id = g[3].as_str().unwrap().split(' ').next().unwrap();
        names.push((pci.to_owned(), label.to_owned()));
        if label == "T1b" {
            continue;
        }
        let w = 100 + 10 * i;
        let _ = write!(
            toml,
            "[gpu.{i}]\nmodel = \"mi300x\"\nbdf = \"{pci}\"\nkfd_node = {node}\nprobe = {i}\nunique_id = \"{id:0>16}\"\npower = {{ kind = \"constant\", w = {w} }}\ntemps = {{ hotspot = 50000 }}\ncaps = {{ cap_w = 750, default_w = 750, max_w = 750 }}\n"
        );
        toml += match label {
            "T1a" if name.contains("new") => {
                "partitions = 2\ncompute_partition = \"DPX\"\npartition_unique_ids = [\"bbbb000000000001\", \"bbbb000000000002\"]\n"
            }
            "T1a" => "partitions = 2\ncompute_partition = \"DPX\"\n",
            // An instruction set that ROCr does not know; one that HIP does not support; old doorbells.
            "L" => "gfx_target = 0\n",
            "N" => "gfx_target = 80003\n",
            "Z8" => "gfx_target = 80003\ncapability = 0x1000\n",
            _ => "",
        };
        if only.as_ref().is_some_and(|o| !o.contains(&label)) {
            toml += if name.contains("EACCES") {
                "access = \"denied\"\n"
            } else if facts["cgroup"] == true {
                "access = \"hidden\"\n"
            } else {
                "access = \"no_render\"\n"
            };
        }
    }
    (toml, names)
}

#[test]
fn every_vector() {
    let mut facts: Value = serde_json::from_str(include_str!("../simulator/vendor-data/visible-devices.json")).unwrap();
    let vectors = facts["vectors"].as_array().unwrap().clone();
    let mut machines = std::collections::HashMap::new();
    for v in &vectors {
        let name = v["machine"].as_str().unwrap();
        let cgroup = v["note"].as_str().unwrap().contains("cgroup") || v["id"] == 91;
        facts["cgroup"] = cgroup.into();
        let (sim, names) = machines.entry((name.to_owned(), cgroup)).or_insert_with(|| {
            let (toml, names) = vector_machine(&facts, name);
            let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
            std::fs::write(file.path(), toml).unwrap();
            (Sim::start(file.path().to_str().unwrap(), "7.0.2", &[] as &[&str]).unwrap(), names)
        });
        let rule = |name: &str| v["rules"][name].as_bool().unwrap_or(true);
        // A release of these rules.
        let release = match (rule("empty_hides"), rule("uuid_ok"), rule("fatal_doorbell")) {
            (false, ..) => "5.4.3",
            (_, false, _) => "6.1",
            (_, _, false) => "10.0.0",
            _ => "7.0.2-56",
        };
        let env: Vec<(&str, &str)> =
            v["env"].as_object().unwrap().iter().map(|(k, t)| (k.as_str(), t.as_str().unwrap())).collect();
        let said = which_of(sim, 0, release, &env);
        let name_of = |g: &Gpu| names.iter().find(|(pci, _)| *pci == g.pci).unwrap().1.clone();
        let got: Vec<String> = said.gpus().iter().map(name_of).collect();
        let want: Vec<String> =
            v["expect"].as_array().unwrap().iter().map(|e| e.as_str().unwrap().to_owned()).collect();
        assert_eq!(got, want, "{v}\n{}", said.text);
        let fails = [-28, -29].contains(&said.number("zero"));
        assert_eq!(fails, v["init_error"].as_bool().unwrap(), "{v}\n{}", said.text);
        assert_eq!(said.number("zero") == 0, !got.is_empty());

        // The same masks given explicitly, for another process, with nothing in the environment.
        let mut explicit = command(sim, 8, release);
        explicit.args(MASKS.map(|m| v["env"][m].as_str().unwrap_or("-")));
        explicit.env("HIP_VISIBLE_DEVICES", "999");
        // "-" is no mask of any vector, so it can stand for a mask that is not set.
        let again: Vec<String> = run(explicit).gpus().iter().map(name_of).collect();
        assert_eq!(again, want, "explicit: {v}");
    }
}

/// The runtime reads it before any mask, and fails for all GPUs where it cannot: as an empty one that a container hands on.
#[test]
fn an_override_that_the_runtime_cannot_parse() {
    const NAME: &str = "HSA_OVERRIDE_GFX_VERSION";
    let sim = Sim::start("mi300x-8", "7.0.2", &["gpu.0.access = 'hidden'"]).unwrap();
    let said = |release, name: &str, value| {
        let said = which_of(&sim, 0, release, &[(name, value)]);
        assert_eq!(said.gpus().is_empty(), said.number("zero") == RUNTIME_INIT_FAILED, "{}", said.text);
        let lines = said.text.lines().filter(|line| line.contains(NAME)).count();
        (said.gpus().len(), said.number("uncertain"), lines)
    };
    assert_eq!(said("-", NAME, "9.4.2"), (7, 0, 0));
    assert_eq!(said("-", NAME, "gfx942"), (0, 0, 1));
    assert_eq!(said("-", NAME, ""), (0, 0, 1));
    assert_eq!(said("10.0.0", NAME, ""), (7, 1, 1));
    // Numbers of the nodes that are left once one is hidden.
    let truth = sim.machine();
    let last = truth.in_hip_order().iter().map(|place| place.node).max().unwrap();
    assert_eq!(said("-", &format!("{NAME}_{last}"), "gfx942"), (7, 0, 0));
    assert_eq!(said("-", &format!("{NAME}_{}", last - 1), "gfx942"), (0, 0, 1));
    // Masks that are given are another process's, whose environment is not known.
    let mut explicit = command(&sim, 8, "-");
    explicit.args(["-", "-", "-"]).env(NAME, "gfx942");
    assert_eq!(run(explicit).gpus().len(), 7);
}

/// Two GPUs on nodes 4 and 7: indices 0 and 1, and index 1 reads node 7's, although the library's hip_id says 3.
#[test]
fn gaps_in_node_numbers() {
    for rocm in ["6.3.3", "6.4.3", "7.13"] {
        let sim = Sim::start("mixed-2", rocm, &["gpu.0.kfd_node = 4", "gpu.1.kfd_node = 7"]).unwrap();
        let said = which(&sim, 0, &[]);
        let gpus = said.gpus();
        let truth = sim.machine();
        let wrong =
            format!("amd-smi reports hip_id 3 for the GPU at {}, but HIP's index without masks is 1", gpus[1].pci);
        assert_eq!(said.text.contains(&wrong), rocm != "6.3.3", "{}", said.text);
        let nodes: Vec<&str> = gpus.iter().map(|g| g.node.as_str()).collect();
        assert_eq!(nodes, ["4", "7"], "{rocm}");
        for (g, t) in gpus.iter().zip(truth.in_hip_order()) {
            let t = truth.gpu_of(t);
            assert_eq!(g.pci, t.bdf.to_string());
            assert_eq!(g.power, Some(u64::from(t.reported_power_w(1.0)) * 1000), "{rocm}");
        }
    }
}

/// Where HIP's order is not PCI's, each index reads its own GPU, for every generation.
#[test]
fn hip_order_is_not_pci_order() {
    for rocm in ["6.0.0", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"] {
        let sim = Sim::start("mi350x-8", rocm, &[] as &[&str]).unwrap();
        let gpus = which(&sim, 0, &[]).gpus();
        let truth = sim.machine();
        let order = truth.in_hip_order();
        assert_ne!(
            gpus.iter().map(|g| g.amdsmi.as_str()).collect::<Vec<_>>(),
            ["0", "1", "2", "3", "4", "5", "6", "7"]
        );
        let mut energies = HashSet::new();
        for (g, p) in gpus.iter().zip(&order) {
            let t = truth.gpu_of(p);
            assert_eq!((g.pci.as_str(), g.node.as_str()), (t.bdf.to_string().as_str(), p.node.to_string().as_str()));
            assert_eq!(g.power, Some(u64::from(t.reported_power_w(1.0)) * 1000), "{rocm}");
            if rocm != "6.0.0" {
                // The counter's start differs by GPU by far more than a second of power.
                let start = t.reading(0).accumulator as f64 * 15.3e-3;
                let e = g.energy.unwrap();
                assert!(e as f64 >= start - 1.0 && (e as f64) < start + 60_000_000.0, "{rocm} {e} {start}");
                assert!(energies.insert(e));
            }
        }
        // Under a mask the same physical GPUs, by other numbers.
        let masked = which(&sim, 0, &[("ROCR_VISIBLE_DEVICES", "6,2"), ("HIP_VISIBLE_DEVICES", "1,0")]).gpus();
        let same: Vec<_> = masked.iter().map(|g| (g.pci.clone(), g.power, g.unmasked.clone())).collect();
        let want: Vec<_> = [2, 6].map(|i: usize| (gpus[i].pci.clone(), gpus[i].power, i.to_string())).into();
        assert_eq!(same, want, "{rocm}");
    }
}

/// Four packages, eight indices: each package counts once, and the second dies name the first.
#[test]
fn dies_of_mi250x() {
    for rocm in ["6.1.2", "6.3.3", "7.0.2", "10.0"] {
        for name in ["AMD Instinct MI250X", "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2"] {
            let sim = Sim::start("mi250x-4", rocm, &[&format!("all.name = '{name}'")]).unwrap();
            let said = which(&sim, 0, &[]);
            let gpus = said.gpus();
            let truth = sim.machine();
            let packages: HashSet<_> = gpus.iter().map(|g| g.package.clone()).collect();
            assert_eq!((gpus.len(), packages.len()), (8, 4), "{}", said.text);
            let mut total = 0;
            for (i, p) in truth.in_hip_order().iter().enumerate() {
                let (t, first) = (truth.gpu_of(p), truth.primary_of(truth.gpu_of(p)));
                let of_first = truth.in_hip_order().iter().position(|q| q.node == first.node).unwrap();
                assert_eq!(gpus[i].package, gpus[of_first].package, "{}", said.text);
                if t.is_secondary_die() {
                    assert_eq!((gpus[i].power, gpus[i].energy), (None, None));
                    assert!(said.refusal(i).contains(&format!("GPU {of_first} has it")), "{}", said.refusal(i));
                } else {
                    total += gpus[i].power.unwrap();
                }
            }
            let sum: u64 = truth.gpus().iter().map(|g| u64::from(g.reported_power_w(1.0)) * 1000).sum();
            assert_eq!(total, sum);
        }
    }
}

/// Without names it is the device ids that tell models apart.
#[test]
fn different_models_under_one_name() {
    let sim = Sim::start("mixed-2", "7.0.2", &["all.name = 'AMD Instinct'"]).unwrap();
    assert_eq!(which(&sim, 1, &[]).number("open"), -18);
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    assert_eq!(which(&sim, 1, &[]).number("open"), 0);
}

/// A first die that is busy while the session is opened is not taken for a second one.
#[test]
fn a_busy_first_die_stays_the_first() {
    let busy = ["amdsmi_get_power_info", "amdsmi_get_energy_count"]
        .map(|f| format!("gpu.0.fault.{f} = {{ status = 30, first = 2 }}"));
    let sim = Sim::start("mi250x-4", "7.0.2", &busy).unwrap();
    let said = which(&sim, 0, &[]);
    let gpus = said.gpus();
    assert!(gpus[0].power.is_some() && gpus[1].power.is_none(), "{}", said.text);
    assert!(said.refusal(1).contains("GPU 0 has it"), "{}", said.text);
}

/// A second die alone: the text names the first by its address.
#[test]
fn a_second_die_whose_first_is_masked() {
    let sim = Sim::start("mi250x-4", "7.0.2", &[] as &[&str]).unwrap();
    let all = which(&sim, 0, &[]).gpus();
    let second = all.iter().position(|g| g.power.is_none()).unwrap();
    let first = all.iter().find(|g| g.power.is_some() && g.package == all[second].package).unwrap();
    let said = which(&sim, 0, &[("HIP_VISIBLE_DEVICES", &second.to_string())]);
    assert_eq!(said.gpus().len(), 1);
    assert!(said.refusal(0).contains(&first.pci) && said.refusal(0).contains("not in this session"), "{}", said.text);
    assert_eq!(said.gpus()[0].package, first.package, "the package does not depend on the mask");
}

/// A device cgroup a rank (Slurm's ConstrainDevices) that leaves it one die: each names the same package, whether it sees
/// the rest of the other or nothing of it.
#[test]
fn dies_that_cannot_open_each_other() {
    for (rocm, access) in [("6.3.3", "hidden"), ("7.0.2", "hidden"), ("none", "hidden"), ("7.0.2", "no_render")] {
        let alone = |die: usize| {
            let others: Vec<String> =
                (0..8).filter(|i| *i != die).map(|i| format!("gpu.{i}.access = '{access}'")).collect();
            let said = which(&Sim::start("mi250x-4", rocm, &others).unwrap(), 0, &[]);
            let gpus = said.gpus();
            assert_eq!(gpus.len(), 1, "{}", said.text);
            (gpus[0].clone(), said)
        };
        let ((first, _), (second, said), (other, _)) = (alone(2), alone(3), alone(0));
        assert!(first.power.is_some() && second.power.is_none(), "{rocm} {access}: {}", said.text);
        assert_eq!(first.package, second.package, "{rocm} {access}");
        assert_ne!(first.package, other.package, "{rocm} {access}");
        let who = if access == "hidden" {
            format!("the GPU of KFD node {}", first.node)
        } else {
            format!("at {}", first.pci)
        };
        assert!(said.refusal(0).contains(&who), "{}", said.refusal(0));
    }
}

/// Pairs are what the machine says, not index parity: here the silent dies come first in KFD order.
#[test]
fn dies_in_another_order() {
    let probe: Vec<String> =
        (0..8).map(|i| format!("gpu.{i}.probe = {}", if i % 2 == 0 { i + 1 } else { i - 1 })).collect();
    let sim = Sim::start("mi250x-4", "6.3.3", &probe).unwrap();
    let said = which(&sim, 0, &[]);
    let gpus = said.gpus();
    assert!(gpus[0].power.is_none() && gpus[1].power.is_some(), "{}", said.text);
    assert!(said.refusal(0).contains("GPU 1 has it"), "{}", said.text);
}

/// A die whose files fail when the session is opened is what the other die of its package is not: it is no second package,
/// and the primary one gives the kernel's error.
#[test]
fn a_die_that_fails_at_open_keeps_its_role() {
    const DEVICE_LOST: i32 = -14;
    const FILES: [&str; 3] = ["gpu_metrics", "power1_input", "power1_average"];
    for (die, errno, status) in
        [(0, "ENODEV", DEVICE_LOST), (0, "EACCES", -5), (0, "EBUSY", -7), (1, "EBUSY", 0), (1, "EIO", 0)]
    {
        for (rocm, flags) in [("none", 0), ("7.0.2", 0), ("10.0", 0)] {
            let fault = FILES.map(|file| format!("gpu.{die}.file.{file} = {{ read = \"{errno}\" }}"));
            let said = which(&Sim::start("mi250x-4", rocm, &fault).unwrap(), flags, &[]);
            let gpus = said.gpus();
            let packages: HashSet<_> = gpus.iter().map(|g| &g.package).collect();
            assert_eq!((gpus.len(), packages.len()), (8, 4), "{die} {errno} {rocm}: {}", said.text);
            assert!(said.refusal(1).contains("GPU 0 has it"), "{die} {errno} {rocm}: {}", said.text);
            assert_eq!(gpus[0].power.is_some(), status == 0, "{die} {errno} {rocm}: {}", said.text);
            assert!(
                status == 0 || said.refusal(0).contains("the kernel returned"),
                "{die} {errno} {rocm}: {}",
                said.text
            );
        }
    }
}

/// One MI300X in CPX: eight indices, one package; only the first has power and energy. Whether the driver shows the
/// partition in the upper bits of the address or in its function.
#[test]
fn partitions_are_one_package() {
    let releases = ["6.1.2", "6.2.4", "6.3.3", "6.4.0", "6.4.3", "7.0.2", "10.0"];
    for (rocm, function) in releases.iter().flat_map(|r| [(*r, false), (*r, true)]) {
        let with: Vec<String> = (1..8)
            .map(|i| format!("gpu.{i}.absent = true"))
            .chain(["gpu.0.partitions = 8".into(), "gpu.0.compute_partition = 'CPX'".into()])
            .chain([format!("gpu.0.partition_is_function = {function}")])
            .collect();
        let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
        let said = which(&sim, 0, &[]);
        let gpus = said.gpus();
        assert_eq!(gpus.len(), 8, "{rocm} {}", said.text);
        assert_eq!(gpus.iter().map(|g| &g.package).collect::<HashSet<_>>().len(), 1);
        for (i, g) in gpus.iter().enumerate() {
            assert_eq!(g.power.is_some(), i == 0, "{rocm} {i} {}", said.text);
            assert_eq!(g.energy.is_some(), i == 0, "{rocm} {i}");
            assert!(i == 0 || said.refusal(i).contains("GPU 0 has it"), "{}", said.refusal(i));
        }
    }
}

/// A job that holds two partitions, none of them the first: one reads for the package, and all texts say so.
#[test]
fn partitions_without_the_first() {
    let masks = [("HIP_VISIBLE_DEVICES", "3,4")];
    for (mode, rocm, function) in [("CPX', partitions = 8", "none", false), ("CPX', partitions = 8", "7.0.2", true)] {
        let split = format!("gpu.0 = {{ compute_partition = '{mode}, partition_is_function = {function} }}");
        let said = which(&Sim::start("mi300x-8", rocm, &[split.as_str()]).unwrap(), 0, &masks);
        let gpus = said.gpus();
        assert_eq!((gpus.len(), gpus[0].power), (2, Some(412_000)), "{}", said.text);
        assert!(said.refusal(1).contains("in this session GPU 0 has it"), "{}", said.text);
        assert!(said.text.contains("GPU 0 reads power and energy of the whole package"), "{}", said.text);
        assert!(!said.text.contains("unnamed"), "{}", said.text);
        let busy = "gpu.0.file.gpu_metrics = { read = 'EBUSY' }";
        let said = which(&Sim::start("mi300x-8", rocm, &[split.as_str(), busy]).unwrap(), 0, &masks);
        assert!(said.refusal(0).contains("from the files of the first partition (0000:0c:00.0)"), "{}", said.text);
    }
}

#[test]
fn without_kfd() {
    for (rocm, flags, in_pci_order) in [("6.4.3", 1, false), ("7.13", 1, false), ("6.2.4", 2, true)] {
        let sim = Sim::start("mi350x-8", rocm, &["kfd = false"]).unwrap();
        let gpus = which(&sim, 0, &[]).gpus();
        assert_eq!(gpus.len(), 8);
        assert!(gpus.iter().all(|g| g.flags == flags), "{rocm} {gpus:?}");
        let sorted = gpus.windows(2).all(|w| w[0].pci < w[1].pci);
        assert!(!in_pci_order || sorted, "{rocm}");
    }
}

/// Nothing of HIP's can run without a render device: a monitor still gets all GPUs, in HIP's order, and is told.
#[test]
fn without_dev_dri() {
    for rocm in ["6.1.2", "6.3.3", "6.4.3", "7.13"] {
        let sim = Sim::start("mi350x-8", rocm, &["dri = 'missing'"]).unwrap();
        let said = which(&sim, 0, &[]);
        let gpus = said.gpus();
        assert!(said.text.contains("has no render device"), "{}", said.text);
        let truth = sim.machine();
        let mut order: Vec<_> = truth.processors().iter().collect();
        order.sort_by_key(|p| p.node);
        assert_eq!(gpus.len(), 8);
        for (g, p) in gpus.iter().zip(order) {
            let t = truth.gpu_of(p);
            assert_eq!(
                (g.pci.clone(), g.power),
                (t.bdf.to_string(), Some(u64::from(t.reported_power_w(1.0)) * 1000)),
                "{rocm}"
            );
        }
    }
}

#[test]
fn a_planted_disagreement_is_ambiguous() {
    let sim = Sim::start("mi300x-8", "6.4.3", &[] as &[&str]).unwrap();
    let node = sim.machine().in_hip_order()[2].node;
    let nodes = sim.dir().join("sys/class/kfd/kfd/topology/nodes");
    let file = nodes.join(format!("{node}/properties"));
    let text = std::fs::read_to_string(&file).unwrap();
    let location = text.lines().find(|l| l.starts_with("location_id")).unwrap().to_owned();
    std::fs::write(&file, text.replace(&location, "location_id 4242")).unwrap();
    let said = which(&sim, 0, &[]);
    assert_eq!(said.number("open"), -19, "{}", said.text);
    for word in ["0000:38:00.0", "0000:10:12.2", &format!("node {node}")] {
        assert!(said.text.contains(word), "no {word} in {}", said.text);
    }
    // The gpu_id as well.
    std::fs::write(&file, text).unwrap();
    std::fs::write(nodes.join(format!("{node}/gpu_id")), "77\n").unwrap();
    assert_eq!(which(&sim, 0, &[]).number("open"), -19);
}

#[test]
fn zero_devices_have_a_reason() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let reason = |masks: &[(&str, &str)]| which(&sim, 0, masks).number("zero");
    assert_eq!(reason(&[("HIP_VISIBLE_DEVICES", "")]), -26);
    assert_eq!(reason(&[("ROCR_VISIBLE_DEVICES", "")]), -26);
    assert_eq!(reason(&[("CUDA_VISIBLE_DEVICES", "-1")]), -27);
    assert_eq!(reason(&[("ROCR_VISIBLE_DEVICES", ",")]), -29);
    assert_eq!(reason(&[]), 0);
    let empty = which(&sim, 4, &[("HIP_VISIBLE_DEVICES", "")]);
    assert_eq!(empty.number("open"), -26);
    assert!(empty.text.contains("HIP_VISIBLE_DEVICES is set and empty"), "{}", empty.text);
    let none = Sim::start("mi300x-8", "7.0.2", &["all.absent = true"]).unwrap();
    assert_eq!(which(&none, 0, &[]).number("zero"), -22);
    let denied = Sim::start("mi300x-8", "7.0.2", &["gpu.3.access = 'node_denied'"]).unwrap();
    let said = which(&denied, 0, &[]);
    assert_eq!(said.number("zero"), -28, "{}", said.text);
    assert!(said.text.contains("render and video"), "{}", said.text);
}

/// A workstation with an RX 580 for its display beside an MI210. ROCm 6.x shows the display card (ollama-for-amd issue 51,
/// clr issue 269), 7.0 to 7.2 does not start with one in the machine, 10.0 skips it (rocm-systems issues 6883 and 8801, pull
/// request 4936). The application's release is certain only where it is told.
#[test]
fn a_display_card_beside_a_compute_card() {
    let machine = common::root().join("tests/machines/rx580-beside-mi210.toml");
    let start = |rocm: &str| Sim::start(machine.to_str().unwrap(), rocm, &[] as &[&str]).unwrap();
    let pci = |said: &Said| said.gpus().into_iter().map(|g| g.pci).collect::<Vec<_>>();
    let (display, compute) = (["0000:01:00.0"], ["0000:63:00.0"]);
    let both: &[&str] = &["0000:01:00.0", "0000:63:00.0"];
    let none: &[&str] = &[];
    // By libamd_smi's version, but for 7.1.0, whose version later releases have too; what is shown, also with
    // HIP_VISIBLE_DEVICES=0 and 1.
    for (rocm, visible, first, second) in [
        ("6.1.2", both, &display[..], &compute[..]),
        ("6.4.3", both, &display, &compute),
        ("7.0.2", none, none, none),
        ("7.1.0", none, none, none),
        ("7.2.0", none, none, none),
        ("7.13", &compute, &compute, none),
        ("10.0", &compute, &compute, none),
    ] {
        let sim = start(rocm);
        let said = which(&sim, 0, &[]);
        assert_eq!(said.number("zero"), if visible.is_empty() { -29 } else { 0 }, "{rocm}: {}", said.text);
        assert_eq!((said.number("loaded"), said.number("amdsmi")), (1, 0), "{rocm}: {}", said.text);
        assert_eq!(said.number("uncertain"), 1, "{rocm}: {}", said.text);
        assert!(said.text.contains("older than gfx9") && said.text.contains("is not known"), "{rocm}: {}", said.text);
        assert_eq!(pci(&said), visible, "{rocm}");
        assert!(said.gpus().iter().all(|g| g.flags == 2), "{rocm}: {}", said.text);
        let shown = |name, value| pci(&which(&sim, 0, &[(name, value)]));
        assert_eq!(shown("HIP_VISIBLE_DEVICES", "0"), first, "{rocm}");
        assert_eq!(shown("HIP_VISIBLE_DEVICES", "1"), second, "{rocm}");
        assert_eq!(shown("ROCR_VISIBLE_DEVICES", "1"), if visible.is_empty() { none } else { &compute }, "{rocm}");
        // The application may be of another release than the libamd_smi that is found.
        for (release, zero, visible) in [("7.1.1", -29, none), ("6.4.1-83", 0, both), ("10.0.0", 0, &compute)] {
            let said = which_of(&sim, 0, release, &[]);
            assert_eq!((said.number("zero"), said.number("uncertain")), (zero, 0), "{rocm}: {}", said.text);
            assert_eq!(pci(&said), visible, "{rocm}, {release}");
            assert!(!said.text.contains("is not known"), "{rocm}: {}", said.text);
        }
    }
    // Its version alone may be of 7.1.0, which does not start, and of 7.9 to 7.11.
    let sim = start("7.1.0");
    let file = sim.dir().join("opt/rocm/.info/version");
    for of_later in [true, false] {
        if of_later {
            std::fs::write(&file, "7.11.0\n").unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        let said = which(&sim, 0, &[]);
        assert_eq!((said.number("zero"), said.number("uncertain"), said.number("loaded")), (0, 1, 1), "{}", said.text);
        assert!(said.text.contains("is not known"), "{}", said.text);
    }
    // Without a libamd_smi: by the file of the ROCm that is found; else nothing tells.
    let sim = start("none");
    let said = which(&sim, 0, &[]);
    assert_eq!((pci(&said), said.number("uncertain"), said.number("loaded")), (vec![compute[0].to_owned()], 1, 0));
    assert!(said.text.contains("is not known"), "{}", said.text);
    assert_eq!(said.number("amdsmi"), -11, "{}", said.text);
    let rocm = tempfile::tempdir().unwrap();
    for file in ["lib/libamd_smi.so", ".info/version"] {
        std::fs::create_dir_all(rocm.path().join(file).parent().unwrap()).unwrap();
        std::fs::write(rocm.path().join(file), "7.2.0-43\n").unwrap();
    }
    let mut command = command(&sim, 0, "-");
    command.env("ROCM_PATH", rocm.path()).env("ZEUS_AMD_BACKEND", "sysfs");
    let said = run(command);
    assert_eq!((said.number("zero"), said.number("amdsmi"), said.number("uncertain")), (-29, 0, 1), "{}", said.text);
    for text in ["", "7", "seven", "7.2.x", "7.2.0.1"] {
        let said = which_of(&sim, 0, text, &[]);
        assert_eq!(said.number("open"), -1, "{text}: {}", said.text);
        assert!(said.text.contains("runtime_version") && said.text.contains("not a ROCm release"), "{}", said.text);
    }
}

/// Hawaii and older have doorbells of type 0: ROCm 7.0 to 7.2 does not start with them either, and HIP of ROCm 6.x drops
/// gfx7. Tonga has them too, and is gfx8.
#[test]
fn the_oldest_doorbells() {
    let machine = common::root().join("tests/machines/rx580-beside-mi210.toml");
    for (gfx, count) in [(70_001, 1), (80_002, 2)] {
        let patch = format!("gpu.0 = {{ gfx_target = {gfx}, capability = 0 }}");
        let sim = Sim::start(machine.to_str().unwrap(), "none", &[patch]).unwrap();
        let of = |release| which_of(&sim, 0, release, &[]);
        assert_eq!(of("7.2.0").number("zero"), -29, "{gfx}: {}", of("7.2.0").text);
        assert_eq!(of("6.4").gpus().len(), count, "{gfx}: {}", of("6.4").text);
        let behind = which_of(&sim, 0, "6.4", &[("HIP_VISIBLE_DEVICES", "1")]);
        assert_eq!(behind.gpus()[0].pci, "0000:63:00.0", "{gfx}: {}", behind.text);
    }
}

/// A value with the carriage return of a text file from Windows: HIP leaves the quotes, which are no number.
#[test]
fn a_carriage_return_after_quotes() {
    let sim = Sim::start("mi300x-8", "none", &[] as &[&str]).unwrap();
    let count = |value| which(&sim, 0, &[("HIP_VISIBLE_DEVICES", value)]).gpus().len();
    assert_eq!((count("\"0,1\" "), count("\"0,1\"\r")), (2, 0));
}

/// A suspended GPU's name is not read, and is no other name.
#[test]
fn homogeneous_as_far_as_names_are_known() {
    let open = |patches: &[&str]| {
        let sim = Sim::start("mi300x-8", "7.13", patches).unwrap();
        which(&sim, 1, &[]).number("open")
    };
    let suspended = "gpu.0.suspended = \"refuses\"";
    assert_eq!(open(&[]), 0);
    assert_eq!(open(&[suspended]), 0);
    assert_eq!(open(&["gpu.5.suspended = \"refuses\""]), 0);
    assert_eq!(open(&[suspended, "gpu.0.device_id = 0x740f"]), HETEROGENEOUS);
    assert_eq!(open(&[suspended, "gpu.5.name = \"Another\""]), HETEROGENEOUS);
}

/// amd-smi's UUID: of the board's serial number or, in newer releases, of KFD's unique_id; with the partition or with ff.
/// KFD's unique_id may be that of a part of the GPU.
#[test]
fn uuids_of_amd_smi() {
    let split = "{ compute_partition = \"DPX\", partitions = 2, unique_id = \"aaaa000000000000\", partition_unique_ids = [\"aaaa000000000000\", \"bbbb000000000002\"] }";
    let patches = [
        format!("gpu.0 = {split}"),
        "gpu.1 = { unique_id = \"cccc000000000000\", partition_unique_ids = [\"cccc000000000001\"] }".into(),
    ];
    for rocm in ["none", "6.4.3", "10.0"] {
        let sim = Sim::start("mi300x-8", rocm, &patches).unwrap();
        let found = |uuid: &str| {
            let mut command = command(&sim, 0, "-");
            command.args(["-", "-", "-", uuid]);
            let said = run(command);
            let line = said.text.lines().find_map(|l| l.strip_prefix("found ")).unwrap().to_owned();
            let (status, index) = line.split_once(' ').unwrap();
            (status.parse::<i32>().unwrap(), index.parse::<u32>().unwrap())
        };
        let in_order = which(&sim, 0, &[]).gpus();
        let index = |pci: &str| in_order.iter().position(|g| g.pci == pci).unwrap() as u32;
        let machine = sim.machine();
        let (halves, whole) = (machine.gpus()[0].bdf.to_string(), machine.gpus()[1].bdf.to_string());
        let (first, whole) = (index(&halves), index(&whole));
        for (uuid, expected) in [
            ("ccff74a1-0000-1000-80cc-000000000000", (0, whole)),
            ("cc0074a1-0000-1000-80cc-000000000000", (0, whole)),
            ("cc0074a1-0000-1000-80cc-000000000001", (0, whole)),
            ("GPU-cccc000000000001", (0, whole)),
            ("GPU-cccc000000000000", (0, whole)),
            ("cc0174a1-0000-1000-80cc-000000000000", (NOT_FOUND, 0)),
            ("ccff74a1-0000-1000-80cc-000000000002", (NOT_FOUND, 0)),
            ("aaff74a1-0000-1000-80aa-000000000000", (AMBIGUOUS, 0)),
            ("aa0074a1-0000-1000-80aa-000000000000", (0, first)),
            ("aa0174a1-0000-1000-80aa-000000000000", (0, first + 1)),
            ("bb0174a1-0000-1000-80bb-000000000002", (0, first + 1)),
            ("GPU-aaaa000000000000", (0, first)),
            ("GPU-bbbb000000000002", (0, first + 1)),
        ] {
            assert_eq!(found(uuid), expected, "{rocm}: {uuid}");
        }
    }
}

/// Masks in the options need their flag, and the environment is not looked at then.
#[test]
fn explicit_masks_need_their_flag() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let mut without = command(&sim, 0, "-");
    without.args(["0"]);
    assert_eq!(run(without).number("open"), -1);
    let mut with = command(&sim, 8, "-");
    with.args(["-", "5", "-"]).env("ROCR_VISIBLE_DEVICES", "");
    assert_eq!(run(with).gpus().len(), 1);
}

#[test]
fn the_example_shows_all_index_spaces() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("which_gpu");
    common::compile(&common::root().join("examples-c/which_gpu.c"), &out);
    let sim = Sim::start("mi350x-8", "7.0.2", &[] as &[&str]).unwrap();
    let said = sim.command(&out).env("HIP_VISIBLE_DEVICES", "3,1").output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{text}");
    let truth = sim.machine();
    for i in [3, 1] {
        let p = truth.in_hip_order()[i];
        let row = text.lines().find(|l| l.contains(&truth.gpu_of(p).bdf.to_string()) && l.contains("GPU-")).unwrap();
        for word in [p.node.to_string(), format!("GPU-{:016x}", p.unique_id), i.to_string()] {
            assert!(row.split_whitespace().any(|w| w == word), "no {word} in {row}");
        }
    }
}

/// A container that masks a render node by /dev/null: the runtime opens that, and whether it counts the GPU is not known.
#[test]
fn a_masked_render_node_makes_the_order_uncertain() {
    for rocm in ["none", "6.2.4", "7.13"] {
        let sim = Sim::start("mi300x-8", rocm, &["gpu.3.access = 'masked'"]).unwrap();
        let said = which(&sim, 0, &[]);
        assert_eq!((said.gpus().len(), said.number("uncertain")), (8, 1), "{rocm}: {}", said.text);
        let whole = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        assert_eq!(which(&whole, 0, &[]).number("uncertain"), 0, "{rocm}");
    }
}
