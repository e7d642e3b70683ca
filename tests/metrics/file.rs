//! The open file: one read, no allocation, and what can go wrong with it.

use crate::random::{attributes, damage};
use crate::reference_parser::Facts;
use crate::{allocations, table, Random, FIXED};
use std::fs;
use zeus_amd::sysfs::gpu_metrics::{Metrics, MetricsFile};
use zeus_amd::sysfs::{SysfsError, TableError};
use zeus_amd::Kind;

#[test]
fn reads_do_not_allocate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gpu_metrics");
    let mut tables: Vec<Vec<u8>> = FIXED.iter().map(|f| table(*f, 1)).collect();
    tables.push(Facts::load().mainline);
    for bytes in tables {
        fs::write(&path, &bytes).unwrap();
        let file = MetricsFile::open(&path).unwrap();
        let before = allocations();
        for _ in 0..100 {
            file.read().unwrap();
            file.read_with(|t| (t.energy(), t.driver_time_ns(), t.firmware_time_ns(), t.current_power_mw())).unwrap();
        }
        assert_eq!(allocations(), before);
        // A failure costs nothing either: it may come a thousand times a second.
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(file.read(), Err(SysfsError::Table(_))));
        assert_eq!(allocations() - before, fs_allocations(&path, &bytes));
    }
}

/// What the writing above allocates by itself.
fn fs_allocations(path: &std::path::Path, bytes: &[u8]) -> u64 {
    let before = allocations();
    fs::write(path, bytes).unwrap();
    allocations() - before
}

/// The driver may be exchanged under an open file: each read looks at the header again.
#[test]
fn the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gpu_metrics");
    assert_eq!(MetricsFile::open(&path).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    fs::write(&path, table((1, 3, 120), 1)).unwrap();
    let file = MetricsFile::open(&path).unwrap();
    assert_eq!(file.read().unwrap().revision, (1, 3));
    fs::write(&path, table((1, 8, 3872), 1)).unwrap();
    assert_eq!(file.read().unwrap().revision, (1, 8));
    fs::write(&path, "").unwrap();
    assert_eq!(file.read(), Err(SysfsError::Empty));
    fs::write(&path, [1, 2, 3]).unwrap();
    assert_eq!(file.read(), Err(SysfsError::Table(TableError::Truncated { read: 3 })));
    fs::write(&path, vec![0; 9999]).unwrap();
    assert_eq!(file.read(), Err(SysfsError::Table(TableError::Size { stated: 0, read: 4096 })));
    fs::write(&path, table((1, 3, 120), 1)).unwrap();
    assert_eq!(file.read().unwrap().revision, (1, 3));
    // What the kernel refuses is handed on.
    let folder = MetricsFile::open(folder.path()).unwrap();
    assert_eq!(folder.read(), Err(SysfsError::Os(libc::EISDIR)));
}

/// The short way has what the long one has, or nothing.
fn the_short_way(file: &MetricsFile, got: Result<Metrics, SysfsError>) -> bool {
    let (whole, energy) = (file.fast_reading(), file.energy_and_time());
    if let Some(w) = whole {
        let m = got.unwrap();
        let (current, average) = if w.instant { (Some(w.power_mw), None) } else { (None, Some(w.power_mw)) };
        assert_eq!(
            (Some(w.energy), Some(w.driver_time_ns), Some(w.firmware_time_ns), Some(w.hotspot_c), current, average),
            (m.energy, m.driver_time_ns, m.firmware_time_ns, m.hotspot_c, m.current_power_mw, m.average_power_mw)
        );
    }
    if let Some(e) = energy {
        let m = got.unwrap();
        assert_eq!((Some(e.0), Some(e.1)), (m.energy, m.driver_time_ns));
    }
    assert!(whole.is_none() || energy.is_some());
    whole.is_some()
}

/// Each revision behind an open file: with a gap at each place, then damaged in a thousand ways.
#[test]
fn the_short_way_says_the_same() {
    let mut random = Random::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gpu_metrics");
    let mut valid: Vec<Vec<u8>> = FIXED.iter().map(|f| table(*f, 1)).collect();
    let facts = Facts::load();
    let mut described = facts.mainline.clone();
    for (at, value) in [(92, 5_u64), (46, 300), (108, 77), (544, 88), (16, 40)] {
        // Energy, power, both times, hotspot: see the facts.
        let width = if [46, 16].contains(&at) { 2 } else { 8 };
        described[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
    }
    valid.push(described);
    for first in valid {
        let revision = (first[2], first[3]);
        fs::write(&path, &first).unwrap();
        let file = MetricsFile::open(&path).unwrap();
        // With a count of 64 bits, both times, one power and a hotspot.
        let short = ((1, 2)..(2, 0)).contains(&revision);
        assert_eq!(the_short_way(&file, file.read()), short, "{revision:?}");
        // A gap begins where each of the five numbers does, and some are where there is none.
        let (mut taken, mut left) = (0, 0);
        for at in (4..first.len()).step_by(2) {
            let mut bytes = first.clone();
            let end = bytes.len().min(at + 8);
            bytes[at..end].fill(0xFF);
            fs::write(&path, &bytes).unwrap();
            let is = the_short_way(&file, file.read());
            (taken, left) = (taken + u32::from(is), left + u32::from(!is));
        }
        println!("{revision:?}: {taken} taken, {left} left");
        assert!(!short || (taken > 10 && left >= 5), "{revision:?}: {taken} taken, {left} left");
        for _ in 0..1000 {
            let mut bytes = first.clone();
            damage(&mut random, &mut bytes);
            fs::write(&path, &bytes).unwrap();
            the_short_way(&file, file.read());
        }
    }
}

/// A table that describes itself is remembered by its shape: others of that shape, and of others, are read right.
#[test]
fn shapes_are_held() {
    let mut random = Random::new();
    let facts = Facts::load();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gpu_metrics");
    let (mut taken, mut refused) = (0, 0);
    for round in 0..300 {
        let mut first = facts.mainline.clone();
        if round % 3 > 0 {
            attributes(&mut random, &mut first);
        }
        fs::write(&path, &first).unwrap();
        let file = MetricsFile::open(&path).unwrap();
        assert_eq!(file.read().ok(), facts.read(&first));
        for _ in 0..20 {
            let mut bytes = first.clone();
            damage(&mut random, &mut bytes);
            fs::write(&path, &bytes).unwrap();
            let got = file.read();
            assert_eq!(got.ok(), facts.read(&bytes), "{first:02x?}, then {bytes:02x?}");
            assert_eq!(file.read_with(|t| t.energy()).ok(), got.ok().map(|m| m.energy));
            the_short_way(&file, got);
            taken += u32::from(got.is_ok());
            refused += u32::from(got.is_err());
        }
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
}

#[test]
fn what_failures_mean() {
    let kinds = [
        (SysfsError::Os(libc::EPERM), Kind::Busy, "runtime-suspended, in reset"),
        (SysfsError::Os(libc::EBUSY), Kind::Busy, "runtime-suspended, in reset"),
        (SysfsError::Os(libc::ENODEV), Kind::DeviceLost, "the GPU was removed"),
        (SysfsError::Os(libc::EOPNOTSUPP), Kind::NotSupported, "does not offer it"),
        (SysfsError::Os(libc::ENOENT), Kind::NotSupported, "does not offer it"),
        (SysfsError::Empty, Kind::NotSupported, "empty"),
        (SysfsError::Os(libc::EACCES), Kind::NoPermission, "administrator"),
        (SysfsError::Os(libc::EIO), Kind::Io, "kernel log"),
        (SysfsError::Os(libc::ETIME), Kind::Io, "kernel log"),
        (SysfsError::NotANumber, Kind::UnexpectedData, "no valid number"),
        (SysfsError::Table(TableError::Revision { major: 1, minor: 10 }), Kind::UnexpectedData, "revision 1.10"),
    ];
    for (failure, kind, word) in kinds {
        assert_eq!(failure.kind(), kind);
        assert!(failure.to_string().contains(word), "{failure}");
    }
}
