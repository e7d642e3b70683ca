//! Inputs that no driver writes: a status, never a wrong number, never a panic.

use crate::reference_parser::Facts;
use crate::{table, Random, FIXED};
use std::collections::HashMap;
use zeus_amd::sysfs::gpu_metrics::{parse, Metrics};
use zeus_amd::sysfs::TableError;

const INPUTS: usize = 1_000_000;

/// An attribute list as 1.9 has it, mostly in order.
pub fn attributes(random: &mut Random, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend([0, 0, 1, 9, 0, 0, 0, 0]);
    let count = random.below(24);
    let mut id = 0;
    for _ in 0..count {
        id += random.below(5) as u64;
        let instances = if random.below(4) == 0 { random.below(12) as u64 } else { 1 };
        let types = if random.below(64) == 0 { 16 } else { 8 };
        let kind = random.below(types) as u64;
        let reserved = if random.below(128) == 0 { random.next() << 32 } else { 0 };
        let word = instances | id << 10 | kind << 20 | (random.next() & 0xFF) << 24 | reserved;
        bytes.extend(word.to_le_bytes());
        let start = bytes.len();
        bytes.resize(start + (instances << (kind / 2 % 4)) as usize, 0xFF);
        if random.below(4) > 0 {
            random.fill(&mut bytes[start..]);
        }
    }
    let said = if random.below(32) == 0 { random.next() as u32 } else { count as u32 };
    bytes[4..8].copy_from_slice(&said.to_le_bytes());
    said_size(bytes);
}

fn said_size(bytes: &mut [u8]) {
    let size = (bytes.len() as u16).to_le_bytes();
    let n = bytes.len().min(2);
    bytes[..n].copy_from_slice(&size[..n]);
}

/// Sets a few bytes: to anything, to ones, to zero.
pub fn damage(random: &mut Random, bytes: &mut [u8]) {
    for _ in 0..random.below(8) {
        let first = if random.below(16) == 0 { 0 } else { 4 };
        if bytes.len() <= first {
            return;
        }
        let near = if random.below(2) == 0 { 128 } else { 4096 };
        let from = first + random.below(near.min(bytes.len() - first));
        let to = (from + (1 << random.below(4))).min(bytes.len());
        match random.below(4) {
            0 => bytes[from..to].fill(0xFF),
            1 => bytes[from..to].fill(0),
            _ => bytes[from] = random.next() as u8,
        }
    }
}

fn input(random: &mut Random, valid: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let any = random.below(valid.len());
    bytes.clone_from(&valid[any]);
    match random.below(16) {
        0..=8 => damage(random, bytes),
        9 => random.fill(&mut bytes[4..]),
        10..=12 => {
            attributes(random, bytes);
            if random.below(2) == 0 {
                damage(random, bytes);
            }
        }
        13 => {
            // Shorter or longer, and half of them say so.
            let most = if random.below(4) == 0 { 16 } else { 2 * bytes.len() + 8 };
            bytes.resize(random.below(most), random.next() as u8);
            if random.below(2) == 0 {
                said_size(bytes);
            }
        }
        14 => {
            bytes.resize(random.below(5000), 0);
            random.fill(bytes);
            if random.below(2) == 0 {
                said_size(bytes);
            }
            if random.below(2) == 0 && bytes.len() >= 4 {
                (bytes[2], bytes[3]) = (random.below(4) as u8, random.below(11) as u8);
            }
        }
        _ => {
            let revision = (bytes[2], bytes[3]);
            bytes[4..].fill(if random.below(2) == 0 { 0 } else { 0xFF });
            (bytes[2], bytes[3]) = revision;
        }
    }
}

#[test]
fn a_million_inputs() {
    let mut random = Random::new();
    let facts = Facts::load();
    let mut valid: Vec<Vec<u8>> = FIXED.iter().map(|f| table(*f, 0xFF)).collect();
    valid.push(facts.mainline.clone());
    for bytes in &mut valid[..FIXED.len()] {
        random.fill(&mut bytes[4..]);
    }
    let mut bytes = Vec::new();
    let mut taken: HashMap<(u8, u8), usize> = HashMap::new();
    let mut refused: HashMap<String, usize> = HashMap::new();
    for n in 0..INPUTS {
        input(&mut random, &valid, &mut bytes);
        let got = parse(&bytes);
        assert_eq!(got.ok(), facts.read(&bytes), "input {n}, {} bytes: {:02x?}", bytes.len(), &bytes);
        match got {
            Ok(m) => *taken.entry(m.revision).or_default() += 1,
            Err(why) => {
                let kind = match why {
                    TableError::Attributes(rule) => rule,
                    TableError::Truncated { .. } => "truncated",
                    TableError::Size { .. } => "size",
                    TableError::Layout { .. } => "layout",
                    TableError::Revision { .. } => "revision",
                };
                *refused.entry(kind.to_owned()).or_default() += 1;
            }
        }
    }
    println!("taken {taken:?}, refused {refused:?}");
    // Enough of each kind, so that the inputs are not all alike.
    for (major, minor) in FIXED.iter().map(|f| (f.0, f.1)).chain([(1, 9)]) {
        assert!(taken.get(&(major, minor)).is_some_and(|n| *n > 10_000), "{major}.{minor} {taken:?}");
    }
    assert!(refused.len() == 10 && refused.values().all(|n| *n > 20), "{refused:?}");
}

/// Tables in which nothing is filled hold no number.
#[test]
fn all_ones_and_zero() {
    for revision in FIXED {
        let got = parse(&table(revision, 0xFF)).unwrap();
        let empty = Metrics { revision: got.revision, energy_bits: got.energy_bits, ..Metrics::default() };
        assert_eq!(got, empty);
        // Zero is a number, but not a time.
        let got = parse(&table(revision, 0)).unwrap();
        assert_eq!((got.driver_time_ns, got.firmware_time_ns), (None, None));
        assert_eq!(got.energy, (revision.0 == 1).then_some(0));
    }
    let got = parse(&Facts::load().mainline).unwrap();
    assert_eq!(got, Metrics { revision: (1, 9), energy_bits: 64, ..Metrics::default() });
    for fill in [0, 0xFF] {
        for size in [0, 1, 3, 4, 120, 4095, 4096, 65535] {
            assert!(parse(&vec![fill; size]).is_err(), "{size} bytes {fill:#x}");
        }
    }
}

/// Each byte too few, some too many, and the 1.6 that was taken back.
#[test]
fn sizes_are_held() {
    for revision in FIXED {
        let (major, minor, size) = revision;
        let whole = table(revision, 7);
        for read in (0..whole.len()).filter(|n| *n < 130 || n % 16 == 1) {
            let why = parse(&whole[..read]).unwrap_err();
            let want = if read < 4 { TableError::Truncated { read } } else { TableError::Size { stated: size, read } };
            assert_eq!(why, want);
        }
        for other in [4, size - 8, size - 1, size + 1, size + 8, 4095] {
            let why = parse(&table((major, minor, other), 7)).unwrap_err();
            assert_eq!(why, TableError::Layout { major, minor, read: usize::from(other), known: size });
        }
    }
    let early = parse(&table((1, 6, 384), 7)).unwrap_err();
    assert!(early.to_string().contains("1.6 has 384 bytes, where that revision has 1664"), "{early}");
    for (major, minor) in [(0, 0), (1, 10), (2, 5), (3, 1), (4, 0), (255, 255)] {
        let why = parse(&table((major, minor, 120), 7)).unwrap_err();
        assert_eq!(why, TableError::Revision { major, minor });
    }
    assert!(matches!(parse(&table((1, 8, 4096), 7)), Err(TableError::Size { .. })));
}

/// The example of the facts, number by number.
#[test]
fn the_example_of_1_9() {
    let path = crate::common::root().join("simulator/vendor-data/gpu-metrics-v1_9-example.hex");
    let text = std::fs::read_to_string(path).unwrap();
    let bytes: Vec<u8> = text.split_whitespace().map(|h| u8::from_str_radix(h, 16).unwrap()).collect();
    let mut clocks = [None; 8];
    (clocks[0], clocks[1]) = (Some(2100), Some(2099));
    let want = Metrics {
        revision: (1, 9),
        energy: Some(6_553_600_000),
        energy_bits: 64,
        driver_time_ns: Some(123_456_789_012_345),
        firmware_time_ns: Some(123_456_789_012_340),
        current_power_mw: Some(750_000),
        hotspot_c: Some(47),
        graphics_mhz: clocks,
        ..Metrics::default()
    };
    assert_eq!(parse(&bytes), Ok(want));

    let with = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + value.len()].copy_from_slice(value);
        parse(&changed)
    };
    let malformed = |got: Result<Metrics, TableError>, word: &str| {
        let why = got.unwrap_err().to_string();
        assert!(why.starts_with("gpu_metrics 1.9 is malformed: ") && why.contains(word), "{why}");
    };
    malformed(with(4, &[6]), "does not end where");
    malformed(with(4, &[8]), "ends inside");
    malformed(with(4, &[12]), "exceeds its size");
    malformed(with(7, &[0x80]), "exceeds its size");
    malformed(with(8, &[0]), "undefined bits");
    malformed(with(10, &[0x80]), "undefined bits");
    malformed(with(12, &[1]), "undefined bits");
    malformed(with(0x58, &[9]), "ends inside");
    // The power becomes a second temperature.
    malformed(with(0x12, &[1, 0, 0x20]), "twice");
    // A type of the same width but with a sign: -1 is still absent, and nothing positive changes.
    assert_eq!(with(10, &[0x30]), Ok(want));
    // A negative temperature is one, a negative power is none.
    let mut cold = bytes.clone();
    (cold[10], cold[16], cold[17], cold[0x14], cold[0x1B]) = (0x30, 0xF6, 0xFF, 0x30, 0x80);
    let got = parse(&cold).unwrap();
    assert_eq!((got.hotspot_c, got.current_power_mw), (Some(-10), None));
    // Identities that are not known are skipped by their size.
    assert_eq!(with(9, &[0xFC]).unwrap().hotspot_c, None);
}
