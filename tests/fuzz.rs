//! The kernel's text files with anything in them: no panic, and what can be read is read right.

#[path = "common/random.rs"]
mod random;

use random::Random;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use zeus_amd::sysfs::kfd::{self, Access, KfdNodes, Node};
use zeus_amd::sysfs::pp_dpm;
use zeus_amd::sysfs::pp_od;

const TREES: usize = 20_000;

const NAMES: [&str; 12] = [
    "simd_count",
    "domain",
    "location_id",
    "drm_render_minor",
    "unique_id",
    "device_id",
    "capability",
    "gfx_target_version",
    "cpu_cores_count",
    "type",
    "max_bandwidth",
    "node_to",
];

fn number(random: &mut Random) -> String {
    match random.below(24) {
        0 => String::new(),
        1 => u64::MAX.to_string(),
        2 => "18446744073709551616".to_owned(),
        3 => "-1".to_owned(),
        4 => format!("0x{:x}", random.below(1000)),
        5 => format!("  {}  ", random.below(1000)),
        6 => format!("{}", random.next()),
        7 => format!("{}\0", random.below(9)),
        8..=13 => random.below(3).to_string(),
        14..=15 => (random.next() as u32).to_string(),
        _ => random.below(70_000).to_string(),
    }
}

fn properties(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    let (names, tidy) = (random.below(20), random.below(4) > 0);
    for _ in 0..names {
        let name = NAMES[random.below(NAMES.len())];
        let value = if tidy { random.below(70_000).to_string() } else { number(random) };
        let (space, end) = match random.below(if tidy { 1 } else { 8 }) {
            1 => ("", "\n"),
            2 => ("\t", "\n"),
            3 => (" ", ""),
            4 => (" ", "\r\n"),
            5 => ("_x ", "\n"),
            _ => (" ", "\n"),
        };
        text.extend(format!("{name}{space}{value}{end}").into_bytes());
    }
    if !tidy && random.below(8) == 0 && !text.is_empty() {
        let at = random.below(text.len());
        text[at] = random.next() as u8;
    }
    text
}

fn gpu_id(random: &mut Random) -> Vec<u8> {
    match random.below(12) {
        0 => b"0\n".to_vec(),
        1 => number(random).into_bytes(),
        2 => vec![random.next() as u8; random.below(4)],
        _ => format!("{}\n", 1 + random.below(60_000)).into_bytes(),
    }
}

/// Files by their path below the folder of nodes; `None` stands for a folder in a file's place.
type Tree = BTreeMap<String, Option<Vec<u8>>>;

fn change(random: &mut Random, tree: &mut Tree) {
    let node = random.below(5);
    let (file, text) = match random.below(8) {
        0..=1 => (format!("{node}/gpu_id"), gpu_id(random)),
        2..=5 => (format!("{node}/properties"), properties(random)),
        6 => (format!("{node}/io_links/{}/properties", random.below(3)), properties(random)),
        _ => (["name", "x/y", "4294967296/gpu_id", "-1/gpu_id"][random.below(4)].to_owned(), gpu_id(random)),
    };
    match random.below(40) {
        0 => tree.insert(file, None),
        1 => tree.remove(&file),
        _ => tree.insert(file, Some(text)),
    };
}

fn healthy(random: &mut Random) -> Tree {
    let mut tree = Tree::new();
    for node in 0..5 {
        tree.insert(format!("{node}/gpu_id"), Some(b"4711\n".to_vec()));
        tree.insert(format!("{node}/properties"), Some(properties(random)));
    }
    tree
}

fn write(nodes: &Path, before: &Tree, after: &Tree) {
    for (file, _) in before.iter().filter(|(f, was)| after.get(*f) != Some(*was)) {
        let path = nodes.join(file);
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
    for (file, content) in after.iter().filter(|(f, is)| before.get(*f) != Some(*is)) {
        let path = nodes.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::create_dir(&path).unwrap(),
        }
    }
}

/// Numbers by their names; `None` for what is no number.
type Values = HashMap<String, Option<u64>>;

/// What a node has to come to: `None` for no GPU, an error where the reader has to give up.
fn expected(tree: &Tree, number: u32) -> Result<Option<(u64, Values)>, ()> {
    let text = |name: &str| {
        let bytes = tree.get(&format!("{number}/{name}")).ok_or(())?.as_ref().ok_or(())?;
        String::from_utf8(bytes.clone()).map_err(|_| ())
    };
    let gpu_id = text("gpu_id")?.trim().parse::<u64>().map_err(|_| ())?;
    if gpu_id == 0 {
        return Ok(None);
    }
    let mut values = Values::new();
    for line in text("properties")?.split('\n') {
        if let Some((name, value)) = line.split_once(' ') {
            // The first line of a name counts.
            values.entry(name.to_owned()).or_insert(value.trim().parse().ok());
        }
    }
    let cpu = values.get("simd_count") == Some(&Some(0));
    Ok((!cpu).then_some((gpu_id, values)))
}

fn check(node: &Node, gpu_id: u64, values: &Values) {
    let value = |name: &str| values.get(name).copied().flatten();
    assert_eq!(node.gpu_id, gpu_id);
    assert_eq!(node.unique_id, value("unique_id").unwrap_or(0));
    // The kernel's numbers have 32 bits but for the identity, and device ids 16.
    let fits = |name: &str, most: u64| value(name).unwrap_or(0) <= most;
    if fits("drm_render_minor", u32::MAX.into()) {
        let minor = value("drm_render_minor").unwrap_or(0) as u32;
        let access = if minor == 0 { Access::Open } else { Access::Missing };
        assert_eq!((node.render_minor, node.access), (minor, access));
    }
    if fits("device_id", u16::MAX.into()) {
        assert_eq!(u64::from(node.device_id), value("device_id").unwrap_or(0));
    }
    if fits("gfx_target_version", u32::MAX.into()) {
        assert_eq!(node.gfx_target.map(u64::from), value("gfx_target_version"));
    }
    assert_eq!(node.doorbell.map(u64::from), value("capability").map(|c| c >> 12 & 3));
    if fits("location_id", u32::MAX.into()) {
        let location = value("location_id").unwrap_or(0);
        assert_eq!(u64::from(node.pci.bus), location >> 8 & 0xFF);
        assert_eq!(u64::from(node.pci.device), location >> 3 & 0x1F);
    }
}

#[test]
fn topology() {
    let mut random = Random::new();
    let root = tempfile::tempdir().unwrap();
    let nodes = root.path().join("sys/class/kfd/kfd/topology/nodes");
    fs::create_dir_all(&nodes).unwrap();
    let (mut good, mut refused, mut gpus_seen) = (0, 0, 0);
    let mut tree = Tree::new();
    for n in 0..TREES {
        let before = tree.clone();
        if n % 8 == 0 {
            tree = healthy(&mut random);
        }
        for _ in 0..=random.below(3) {
            change(&mut random, &mut tree);
        }
        write(&nodes, &before, &tree);
        let numbers: Vec<u32> = (0..5).filter(|n| nodes.join(n.to_string()).exists()).collect();
        let want: Result<Vec<_>, ()> = numbers.iter().map(|n| Ok((*n, expected(&tree, *n)?))).collect();
        match (kfd::read(root.path()).unwrap(), want) {
            (KfdNodes::Nodes { gpus, hidden, .. }, Ok(want)) => {
                let want: Vec<_> = want.into_iter().filter_map(|(n, w)| Some((n, w?))).collect();
                let found: Vec<u32> = gpus.iter().map(|g| g.number).collect();
                assert_eq!(found, want.iter().map(|w| w.0).collect::<Vec<_>>(), "tree {n}: {tree:?}");
                assert!(hidden.is_empty(), "{hidden:?}");
                for (node, (_, (gpu_id, values))) in gpus.iter().zip(&want) {
                    check(node, *gpu_id, values);
                }
                good += 1;
                gpus_seen += gpus.len();
            }
            (KfdNodes::Unreadable(why), Err(())) => {
                assert!(why.contains("topology/nodes/"), "{why}");
                refused += 1;
            }
            (got, want) => panic!("tree {n}: {got:?}, expected {want:?} of {tree:?}"),
        }
    }
    println!("{good} trees read, {gpus_seen} GPUs, {refused} refused");
    assert!(good > TREES / 50 && refused > TREES / 50 && gpus_seen > TREES / 50);
}

/// Pieces that the table of clocks is made of, in any order.
#[test]
fn clock_tables() {
    let mut random = Random::new();
    let pieces = [
        "OD_SCLK:\n",
        "OD_MCLK:\n",
        "OD_RANGE:\n",
        "GFXCLK:\n",
        "MCLK:\n",
        "SCLK: 500Mhz 2100Mhz\n",
        "MCLK: 900MHz",
        "0: ",
        "1: ",
        "2: ",
        "500Mhz\n",
        "1300MHz *\n",
        "2100 MHz\n",
        "4294967296Mhz\n",
        "-5Mhz\n",
        "99999999999999999999",
        "OD_VDDGFX_OFFSET:\n",
        ":",
        " ",
        "\n",
        "\r\n",
        "\0",
        "µ",
    ];
    let mut seen = 0;
    for _ in 0..100_000 {
        let count = random.below(40);
        let text: String = (0..count).map(|_| pieces[random.below(pieces.len())]).collect();
        let table = pp_od::parse(&text);
        for bounds in [table.graphics, table.memory, table.graphics_range, table.memory_range].into_iter().flatten() {
            // No number comes from nowhere.
            for mhz in [bounds.min_mhz, bounds.max_mhz] {
                assert!(text.contains(&mhz.to_string()), "{mhz} is not in {text:?}");
            }
            seen += 1;
        }
        if let Some(levels) = pp_dpm::parse(&text) {
            assert!(levels.lowest_mhz <= levels.highest_mhz);
            assert!(text.contains(&levels.lowest_mhz.to_string()) && text.contains(&levels.highest_mhz.to_string()));
        }
    }
    assert!(seen > 1000, "only {seen} bounds");
}
