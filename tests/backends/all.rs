//! `zeus_amd_read_all`: the same as single readings, whatever room and size the caller gives.

use super::client::{Answer, Client, ADAPTIVE, NOT_SUPPORTED, OFF};
use std::time::{Duration, Instant};
use zeus_amd_sim::start::{happens, Patience};
use zeus_amd_sim::Sim;

const NONE: &[&str] = &[];
const STRUCT_VERSION: i64 = -2;
const BUFFER_TOO_SMALL: i64 = -16;
const STALE: i64 = -24;
const NOT_YET: i64 = -31;

const FIELDS: usize = 14;

/// One GPU's words: struct_size gpu valid status energy_mj accumulator unit driver firmware instant average celsius
/// flags counter_state.
fn gpus(all: &Answer) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for w in &all.words[1..] {
        match w.as_str() {
            "[" => found.push(Vec::new()),
            "]" => {}
            _ => found.last_mut().expect("nothing behind the array is written").push(w.clone()),
        }
    }
    found
}

/// Asks in the stopped machine, past the cache of ROCm 6.4 and before anything is stale. A busy machine needs some tries, each
/// with a session of its own: to an older one the clock that was held lies behind for good.
fn held<T>(sim: &Sim, rocm: &str, open: impl Fn() -> Client, ask: impl Fn(&mut Client) -> T) -> T {
    let mut patience = Patience::new();
    while !patience.is_over() {
        let mut client = open();
        let begun = Instant::now();
        sim.stop_clock();
        std::thread::sleep(Duration::from_millis(if rocm.starts_with("6.4") { 110 } else { 5 }));
        let said = ask(&mut client);
        let took = begun.elapsed();
        sim.start_clock();
        if took < Duration::from_millis(230) {
            return said;
        }
    }
    panic!("timed out: host too slow")
}

/// Bit of `valid`, place of the field, and the call that says the same.
const SAME: [(u32, usize, &str); 4] =
    [(1, 4, "energy"), (16, 9, "instant"), (32, 10, "average"), (64, 11, "temperature")];

fn equals_single_readings(machine: &str, rocm: &str, backend: &str, with: &[&str]) {
    let sim = Sim::start(machine, rocm, with).unwrap();
    let count = sim.machine().processors().len();
    let open = || Client::open(&sim, backend, ADAPTIVE);
    let (all, singles) = held(&sim, rocm, open, |asked| {
        let all = asked.ask("all 64 88").ok();
        let mut of = |i: usize, call: &str| asked.ask(&format!("{call} {i}"));
        let singles: Vec<_> =
            (0..count).map(|i| (of(i, "info"), of(i, "raw"), SAME.map(|(_, _, call)| of(i, call)))).collect();
        (all, singles)
    });
    let got = gpus(&all);
    let context = format!("{machine} {rocm} {backend} {with:?}");
    assert_eq!((count, got.len()), (all.number(0) as usize, all.number(0) as usize));
    for (i, (r, (info, raw, values))) in got.iter().zip(singles).enumerate() {
        assert_eq!((r.len(), r[0].as_str(), r[1].parse().ok()), (FIELDS, "88", Some(i)), "{context}: {all:?}");
        let valid: u32 = r[2].parse().unwrap();
        // The simulated secondary die has a hotspot sensor of its own.
        assert!(info.number(3) != 2 || valid & 64 != 0, "{context} GPU {i}: no temperature");
        for ((bit, at, call), said) in SAME.into_iter().zip(values) {
            let (status, value) = (said.status, said.words[0].clone());
            assert_eq!((valid & bit != 0, &r[at]), (status == 0, &value), "{context} GPU {i}: {call}");
            if call == "energy" {
                assert_eq!(r[3], status.to_string(), "{context} GPU {i}");
            }
        }
        assert_eq!(r[13], info.words[1], "{context} GPU {i}: the counter's state");
        assert_eq!((valid & 2 != 0, valid & 512 != 0), (raw.status == 0, raw.status == 0), "{context} GPU {i}");
        if raw.status == 0 {
            assert_eq!((raw.number(3), r[12].as_str()), ((valid & (2 | 4 | 8 | 512)).into(), "0"), "{context} GPU {i}");
            assert_eq!((&r[5], &r[7], &r[8]), (&raw.words[0], &raw.words[1], &raw.words[2]), "{context} GPU {i}");
            assert_eq!(r[6], "15.300000190734863", "{context} GPU {i}");
        }
    }
}

#[test]
fn the_same_as_single_readings() {
    for machine in ["mi300x-8", "mi250x-4", "mixed-2", "mi100-1"] {
        for (rocm, backend) in [("6.4.3", "auto"), ("6.3.3", "amdsmi"), ("7.13", "amdsmi"), ("none", "sysfs")] {
            equals_single_readings(machine, rocm, backend, NONE);
        }
    }
    // Counters that are not trusted or not there; partitions.
    for with in [
        "gpu.1.counter.stuck_at_s = 0",
        "gpu.2.counter.missing = \"u32_ones\"",
        "gpu.0 = { compute_partition = \"DPX\", partitions = 2 }",
        "gpu.3.counter.gain = 40",
        "all.metrics = \"1.9\"",
        // A table without what hwmon has: temperature and power.
        "all.metrics = \"2.2\"",
    ] {
        for backend in ["auto", "amdsmi"] {
            equals_single_readings("mi300x-8", "7.0.2", backend, &[with]);
        }
    }
}

#[test]
fn room_and_sizes() {
    let sim = Sim::start("mi300x-8", "6.3.3", NONE).unwrap();
    for backend in ["auto", "amdsmi"] {
        let mut asked = Client::open(&sim, backend, OFF);
        // Asking, too little, just enough, more.
        assert_eq!(asked.ask("all 0 88").ok().words, ["8"]);
        for room in [1, 7] {
            let short = asked.ask(&format!("all {room} 88"));
            assert_eq!(short.words, ["8"], "nothing is written: {short:?}");
            short.fails(BUFFER_TOO_SMALL, "8");
        }
        let open = || Client::open(&sim, backend, OFF);
        // A later release's struct: the same fields, zeroes behind, and each at its place.
        let strides = [96, 104, 200];
        let (exact, more, larger) = held(&sim, "6.3.3", open, |asked| {
            let mut all = |room: usize, stride: usize| asked.ask(&format!("all {room} {stride}")).ok();
            (gpus(&all(8, 88)), gpus(&all(64, 88)), strides.map(|stride| all(8, stride)))
        });
        assert_eq!((exact.len(), &exact), (8, &more));
        for (stride, later) in strides.into_iter().zip(larger) {
            assert!(!later.words.iter().any(|w| w == "tail" || w == "overrun"), "{later:?}");
            let mut later = gpus(&later);
            for (later, exact) in later.iter_mut().zip(&exact) {
                assert_eq!(later[0], stride.to_string());
                later[0].clone_from(&exact[0]);
                assert_eq!(later, exact, "{backend} {stride}");
            }
        }
        for stride in [0, 4, 87, 1 << 20] {
            asked.ask(&format!("all 8 {stride}")).fails(STRUCT_VERSION, "zeus_amd_reading_t");
        }
    }
}

/// An old table: its count is there and flagged, powers and temperature are left out, and the status says stale.
#[test]
fn stale() {
    // Compiled before any machine's clock begins.
    Client::program();
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("7.13", "amdsmi")] {
        let sim = Sim::start("mi300x-8", rocm, &["gpu.4.counter.frozen_at_s = 4.0"]).unwrap();
        let mut asked = Client::open(&sim, backend, OFF);
        asked.ask("all 8 88").ok();
        while sim.now_ns() < 4_100_000_000 {
            std::thread::sleep(Duration::from_millis(20));
        }
        asked.ask("all 8 88").ok();
        std::thread::sleep(Duration::from_millis(300));
        // Valid, status and flags.
        let said = |gpu: &[String]| (gpu[2].parse::<u32>().unwrap() & !8, gpu[3].clone(), gpu[12].clone());
        let stale = (512 | 2 | 4, "-24".to_owned(), "16".to_owned());
        let fresh = (512 | 1 | 2 | 4 | 16 | 64, "0".to_owned(), "0".to_owned());
        // On a busy machine two calls of libamd_smi may lie too far apart to be of one table.
        let are_right = happens(|| {
            let got = gpus(&asked.ask("all 8 88").ok());
            assert_eq!(said(&got[4]), stale, "{backend}: {got:?}");
            said(&got[5]) == fresh
        });
        assert!(are_right, "{backend}: {:?}", asked.ask("all 8 88"));
        asked.ask("energy 4").fails(STALE, "GPU 4");
        // libamd_smi has the temperature from a sensor, of now; the file from the same old table.
        let temperature = asked.ask("temperature 4");
        assert_eq!(temperature.status, if backend == "amdsmi" { 0 } else { STALE }, "{temperature:?}");
    }
}

/// What the counter state says, its status says: not yet known, not trusted.
#[test]
fn verdicts() {
    let sim =
        Sim::start("mi300x-8", "7.0.2", &["gpu.1.counter.stuck_at_s = 0", "gpu.2.counter.refresh_ms = 100"]).unwrap();
    let mut asked = Client::new(&sim, "auto", &["4"]);
    let mut got = Vec::new();
    // Counters that move every 100 ms are not known at once, one that stands is not for half a second. A busy machine may take
    // longer to ask.
    let none_is_known = happens(|| {
        asked.ask("open").ok();
        got = gpus(&asked.ask("all 8 88").ok());
        [1, 2].iter().all(|i: &usize| got[*i][3] == NOT_YET.to_string())
    });
    assert!(none_is_known, "{got:?}");
    for i in [1, 2] {
        // The count itself is no secret.
        assert_eq!(got[i][2].parse::<u32>().unwrap() & 0b11, 0b10, "{got:?}");
    }
    let all_known = happens(|| {
        got = gpus(&asked.ask("all 8 88").ok());
        got.iter().all(|r| r[3] != NOT_YET.to_string())
    });
    assert!(all_known, "{got:?}");
    assert_eq!((got[1][3].as_str(), got[2][3].as_str()), (NOT_SUPPORTED.to_string().as_str(), "0"), "{got:?}");
}
