//! Chooses the source of a GPU's readings. Where libamd_smi and `gpu_metrics` agree, `gpu_metrics` is read: ~1000x faster.

use super::amdsmi::AmdsmiSource;
use super::error::SourceError;
use super::sysfs::SysfsSource;
use crate::device::snapshot::Reading;
use crate::device::staleness::StalenessDetector;
use crate::energy::{counts_pj, power_pj};
use crate::error::Kind;
use crate::gpu::{Powers, RawEnergy};
use crate::platform::clock::monotonic_ns;
use crate::platform::log;
use crate::platform::pci::PciAddress;
use crate::sysfs::hwmon::Hwmon;
use std::ops::ControlFlow::{self, Break, Continue};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Values move on between two reads, so both sources are compared up to this many times.
const TRIES: u32 = 4;
const RETRY_INTERVAL: Duration = Duration::from_millis(3);
/// A try counts if it took no longer: if this thread was suspended in the middle of one, the load may have changed.
const MAX_PAIR_GAP_NS: u64 = 5_000_000;
const TIMEOUT_NS: u64 = 200_000_000;
/// libamd_smi caches a table for up to 100 ms (6.4.2 and 6.4.3), which an earlier session may have filled.
const AMDSMI_CACHE_TTL: Duration = Duration::from_millis(100);
/// More than any GPU draws, for what may be counted between two reads.
const MAX_POWER_MW: u64 = 4_000_000;

/// Where readings are to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// sysfs where it agrees with libamd_smi, or where there is none.
    Auto,
    Amdsmi,
    Sysfs,
}

/// Where they come from.
#[allow(clippy::large_enum_variant)] // One a GPU, never moved after the device is constructed.
pub enum Source {
    Sysfs(SysfsSource),
    Amdsmi(AmdsmiSource),
}

impl Source {
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Source::Sysfs(_) => Backend::Sysfs,
            Source::Amdsmi(_) => Backend::Amdsmi,
        }
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        match self {
            Source::Sysfs(sysfs) => sysfs.reading(staleness, temperature),
            Source::Amdsmi(amdsmi) => amdsmi.reading(staleness, temperature),
        }
    }

    /// Whether the GPU reports power or energy of its own: of two dies only the primary one does. A transient failure
    /// counts as yes; a primary die's zeros are refused anyway.
    #[must_use]
    pub fn reports_power_or_energy(&self) -> bool {
        let r = self.reading(&StalenessDetector::default(), false);
        let is_transient = |k: Kind| matches!(k, Kind::Busy | Kind::Io | Kind::Timeout | Kind::NoMemory);
        let power = r.powers.instant_mw.max(r.powers.average_mw);
        power.map_or(!r.power_unsupported, |mw| mw > 0) || r.energy.map_or_else(is_transient, |e| e.accumulator > 0)
    }
}

/// Energy and powers, read once from one source.
type Sample = (Option<RawEnergy>, Powers);

fn has_data((energy, powers): &Sample) -> bool {
    energy.is_some() || powers.any()
}

/// Why `gpu_metrics` is read, or why not.
type SelectResult = Result<String, String>;

/// The source that `backend` asks for, or that both sources' agreement decides.
#[must_use]
pub fn select(
    backend: Backend,
    pci: &PciAddress,
    folder: &Path,
    hwmon: &Arc<Hwmon>,
    amdsmi: Option<&AmdsmiSource>,
) -> Source {
    let amdsmi = match (backend, amdsmi) {
        (Backend::Amdsmi, Some(amdsmi)) => return Source::Amdsmi(amdsmi.clone()),
        // libamd_smi of ROCm 6.0 answers with old values for ever: no reference to compare with.
        (Backend::Auto, Some(amdsmi)) if !amdsmi.caches_forever() => amdsmi,
        _ => return Source::Sysfs(SysfsSource::open(folder, hwmon.clone())),
    };
    let mut sysfs = SysfsSource::open(folder, hwmon.clone());
    match cross_check(amdsmi, &mut sysfs) {
        Ok(why) => {
            log::info(|| format!("{pci}: read from gpu_metrics, {why}"));
            Source::Sysfs(sysfs)
        }
        Err(why) => {
            log::info(|| format!("{pci}: read by libamd_smi, as gpu_metrics is not usable: {why}"));
            Source::Amdsmi(amdsmi.clone())
        }
    }
}

/// Reads both sources in turn until they agree or the tries are used up.
fn cross_check(amdsmi: &AmdsmiSource, sysfs: &mut SysfsSource) -> SelectResult {
    let begin_ns = monotonic_ns();
    let mut tries = 0;
    loop {
        let poll_ns = monotonic_ns();
        let (why, pause) = match compare_once(amdsmi, sysfs) {
            Break(answer) => return answer,
            Continue(unlike) => unlike,
        };
        let now_ns = monotonic_ns();
        tries += u32::from(now_ns - poll_ns <= MAX_PAIR_GAP_NS);
        if tries == TRIES || now_ns - begin_ns > TIMEOUT_NS {
            // An older table is no disagreement: libamd_smi may answer with one as long as another thread polls it.
            return if pause == AMDSMI_CACHE_TTL { Ok(format!("newer than libamd_smi's: {why}")) } else { Err(why) };
        }
        std::thread::sleep(pause);
    }
}

/// The answer; or the difference, and how long to wait before the next try.
fn compare_once(amdsmi: &AmdsmiSource, sysfs: &mut SysfsSource) -> ControlFlow<SelectResult, (String, Duration)> {
    let (before, by_amdsmi, after) = (sysfs.sample(), sample_amdsmi(amdsmi), sysfs.sample());
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(f), _) | (_, Err(f)) if !f.is_transient() => return Break(Err(f.to_string())),
        // A transient failure is no disagreement, and what libamd_smi returns then may be stale.
        (Err(f), _) | (_, Err(f)) => return Break(Ok(format!("which nothing can be compared with now: {f}"))),
    };
    let by_amdsmi = match by_amdsmi {
        Ok(sample) if has_data(&sample) => sample,
        _ if !has_data(&before) => return Break(Err("neither reports anything".into())),
        // An older release in a container cannot read a newer driver's table.
        Ok(_) => return Break(Ok("of which libamd_smi reports nothing".into())),
        Err(e) => return Break(Ok(format!("as libamd_smi fails: {e}"))),
    };
    if let Err(why) = check_consistent(&before, &by_amdsmi, &after) {
        let pause = if is_from_cache(&by_amdsmi, &before) { AMDSMI_CACHE_TTL } else { RETRY_INTERVAL };
        return Continue((why, pause));
    }
    if let Some(energy) = by_amdsmi.0 {
        sysfs.set_reported_uj(energy.resolution_uj);
    }
    Break(Ok("which agrees with libamd_smi".into()))
}

fn sample_amdsmi(amdsmi: &AmdsmiSource) -> Result<Sample, SourceError> {
    let is_absent = |e: &SourceError| matches!(e.kind(), Kind::NotSupported | Kind::UnexpectedData);
    let energy = match amdsmi.count() {
        Err(e) if is_absent(&e) => None,
        count => Some(count?),
    };
    let powers = match amdsmi.current_powers() {
        Err(e) if is_absent(&e) => Powers::default(),
        powers => powers?,
    };
    Ok((energy, powers))
}

/// A table from before the first read of `gpu_metrics`: neither its counts nor its powers need to agree.
fn is_from_cache(by_amdsmi: &Sample, before: &Sample) -> bool {
    let time = |s: &Sample| s.0.and_then(|e| e.driver_time_ns);
    let age = time(before).and_then(|b| b.checked_sub(time(by_amdsmi)?));
    age.is_some_and(|ns| ns > 0 && Duration::from_nanos(ns) < 2 * AMDSMI_CACHE_TTL)
}

/// libamd_smi is read between two reads of `gpu_metrics`, so its values must lie between those two.
fn check_consistent(before: &Sample, by_amdsmi: &Sample, after: &Sample) -> Result<(), String> {
    match (&before.0, &by_amdsmi.0, &after.0) {
        (Some(a), Some(t), Some(b)) => energies(a, t, b)?,
        (None, None, None) => {}
        (a, t, _) => {
            let has = |x: bool| if x { "a counter" } else { "none" };
            return Err(format!("libamd_smi has {}, gpu_metrics {}", has(t.is_some()), has(a.is_some())));
        }
    }
    let (before, by_amdsmi, after) = (before.1, by_amdsmi.1, after.1);
    let pairs = [
        (before.instant_mw, by_amdsmi.instant_mw, after.instant_mw),
        (before.average_mw, by_amdsmi.average_mw, after.average_mw),
    ];
    for (a, t, b) in pairs {
        // Some releases fill one power from the other: gpu_metrics shows which one it is.
        let (Some(a), Some(b)) = (a, b) else { continue };
        let t = t.or(by_amdsmi.instant_mw).or(by_amdsmi.average_mw);
        let Some(t) = t else { return Err("gpu_metrics has a power, libamd_smi none".into()) };
        // The load may change between two reads; another GPU's power or another unit is further off.
        let (low, high) = (a.min(b) / 4, a.max(b).saturating_mul(4).saturating_add(50_000));
        if !(low..=high).contains(&t) {
            return Err(format!("a power of {t} mW by libamd_smi, {a} and {b} mW by gpu_metrics"));
        }
    }
    Ok(())
}

fn energies(a: &RawEnergy, t: &RawEnergy, b: &RawEnergy) -> Result<(), String> {
    let differ =
        |what: &str, t: u64, a: u64, b: u64| Err(format!("{what} {t} by libamd_smi, {a} and {b} by gpu_metrics"));
    if !(15.0..15.6).contains(&t.resolution_uj) {
        return Err(format!("libamd_smi counts in {} µJ", t.resolution_uj));
    }
    let (Some(at), Some(from), Some(to)) = (t.driver_time_ns, a.driver_time_ns, b.driver_time_ns) else {
        // Without times only the order is left.
        let ordered = (a.accumulator..=b.accumulator).contains(&t.accumulator);
        return if ordered { Ok(()) } else { differ("accumulator", t.accumulator, a.accumulator, b.accumulator) };
    };
    for same in [a, b] {
        if same.driver_time_ns == Some(at) {
            let equal = same.accumulator == t.accumulator;
            return if equal { Ok(()) } else { differ("accumulator", t.accumulator, a.accumulator, b.accumulator) };
        }
    }
    if !(from..=to).contains(&at) {
        return differ("time", at, from, to);
    }
    // Different times: no further apart than what may be drawn in between; a 32-bit counter is unwrapped.
    let near = |first: u64, then: u64, ns: u64| {
        let counts = then.wrapping_sub(first);
        let counts = if first.max(then) <= u64::from(u32::MAX) { counts & u64::from(u32::MAX) } else { counts };
        counts_pj(counts, t.resolution_uj) <= power_pj(MAX_POWER_MW, ns + 20_000_000)
    };
    if near(a.accumulator, t.accumulator, at - from) && near(t.accumulator, b.accumulator, to - at) {
        Ok(())
    } else {
        differ("accumulator", t.accumulator, a.accumulator, b.accumulator)
    }
}
