//! Do libamd_smi and the kernel's file say the same of a GPU? Then the file is read: a thousandth of the work.

use super::amdsmi::AmdsmiSource;
use super::sysfs::{table_powers, SysfsSource};
use crate::device::{Backend, Device, Powers, RawEnergy};
use crate::energy::{counts_pj, power_pj};
use crate::error::{Kind, Result};
use crate::platform::clock::monotonic_ns;
use crate::platform::log;
use crate::sysfs::SysfsError;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

/// Both are looked at so often, as the value moves on in between.
const TRIES: u32 = 4;
const RETRY_INTERVAL: Duration = Duration::from_millis(3);
/// A try counts if it took no longer: while a thread stands in the middle of one, the load may change in any way.
const MAX_PAIR_GAP_NS: u64 = 5_000_000;
const TIMEOUT_NS: u64 = 200_000_000;
/// libamd_smi keeps a table for up to 100 ms (6.4.2 and 6.4.3), which an earlier session may have had it read.
const AMDSMI_CACHE_TTL: Duration = Duration::from_millis(100);
/// More than any GPU draws, for what may be counted in between.
const MAX_POWER_MW: u64 = 4_000_000;

/// Why it is the file, or why not.
type SelectResult = std::result::Result<String, String>;

/// One look at one side.
struct SourceSample {
    energy: Option<RawEnergy>,
    powers: Powers,
}

impl SourceSample {
    fn has_data(&self) -> bool {
        self.energy.is_some() || self.powers.any()
    }
}

impl Device {
    /// Where readings come from, as it was asked for or as both sides agree.
    pub(in crate::device) fn select_source(&mut self, backend: Backend) {
        if backend == Backend::Amdsmi {
            return;
        }
        let mut sysfs = self.open_files();
        // What libamd_smi of ROCm 6.0 says is no measure of anything.
        let amdsmi = self.amdsmi.as_ref().filter(|v| backend != Backend::Sysfs && !v.caches_forever());
        let Some(amdsmi) = amdsmi else {
            self.sysfs = Some(sysfs);
            return;
        };
        match self.cross_check(amdsmi, &mut sysfs) {
            Ok(why) => {
                log::info(|| format!("{}: read from the kernel's file, {why}", self.place.pci));
                self.sysfs = Some(sysfs);
            }
            Err(why) => {
                log::info(|| {
                    format!("{}: read by libamd_smi, as the kernel's file will not do: {why}", self.place.pci)
                });
            }
        }
    }

    /// Reads both, in turns. Why is it the file, or why not?
    fn cross_check(&self, amdsmi: &AmdsmiSource, sysfs: &mut SysfsSource) -> SelectResult {
        let begun_ns = monotonic_ns();
        let mut tries = 0;
        loop {
            let poll_ns = monotonic_ns();
            let (why, pause) = match self.compare_once(amdsmi, sysfs) {
                Break(answer) => return answer,
                Continue(unlike) => unlike,
            };
            let now_ns = monotonic_ns();
            tries += u32::from(now_ns - poll_ns <= MAX_PAIR_GAP_NS);
            if tries == TRIES || now_ns - begun_ns > TIMEOUT_NS {
                return Err(why);
            }
            std::thread::sleep(pause);
        }
    }

    /// The answer; or in what they are unlike, and for how long to wait before the next look.
    fn compare_once(
        &self,
        amdsmi: &AmdsmiSource,
        sysfs: &mut SysfsSource,
    ) -> ControlFlow<SelectResult, (String, Duration)> {
        let (before, theirs, after) = (sample_sysfs(sysfs), self.sample_amdsmi(amdsmi), sample_sysfs(sysfs));
        let (before, after) = match (before, after) {
            (Ok(before), Ok(after)) => (before, after),
            (Err(f), _) | (_, Err(f)) if !f.is_transient() => return Break(Err(f.to_string())),
            // A GPU that is away for a while is no disagreement; and who repeats what was is no witness.
            (Err(f), _) | (_, Err(f)) => {
                let speaks = theirs.is_ok_and(|t| t.has_data()) && !amdsmi.may_return_stale();
                return if speaks {
                    Continue((f.to_string(), RETRY_INTERVAL))
                } else {
                    Break(Ok(format!("which nothing can be compared with now: {f}")))
                };
            }
        };
        let theirs = match theirs {
            Ok(theirs) if theirs.has_data() => theirs,
            // An older one in a container, which cannot make sense of the driver's table, is no witness against it.
            _ if !before.has_data() => return Break(Err("neither says anything".into())),
            Ok(_) => return Break(Ok("of which libamd_smi makes nothing".into())),
            Err(e) => return Break(Ok(format!("as libamd_smi fails: {e}"))),
        };
        if let Err(why) = check_consistent(&before, &theirs, &after) {
            return Continue((why, if is_from_cache(&theirs, &before) { AMDSMI_CACHE_TTL } else { RETRY_INTERVAL }));
        }
        if let Some(energy) = theirs.energy {
            sysfs.set_unit_uj(energy.resolution_uj);
        }
        Break(Ok("which agrees with libamd_smi".into()))
    }

    fn sample_amdsmi(&self, amdsmi: &AmdsmiSource) -> Result<SourceSample> {
        let absent = |kind: Kind| matches!(kind, Kind::NotSupported | Kind::UnexpectedData);
        let energy = match self.vendor_energy(amdsmi, "energy") {
            Ok(raw) => Some(raw),
            Err(e) if absent(e.kind()) => None,
            Err(e) => return Err(e),
        };
        let powers = match self.vendor_powers(amdsmi) {
            Ok(powers) => powers,
            Err(e) if absent(e.kind()) => Powers::default(),
            Err(e) => return Err(e),
        };
        Ok(SourceSample { energy, powers })
    }
}

fn sample_sysfs(sysfs: &SysfsSource) -> std::result::Result<SourceSample, SysfsError> {
    sysfs.table(|t| SourceSample { energy: sysfs.energy(t), powers: table_powers(t) })
}

/// A table from before the file was looked at: neither its counts nor its powers have to be the file's.
fn is_from_cache(theirs: &SourceSample, before: &SourceSample) -> bool {
    let time = |s: &SourceSample| s.energy.and_then(|e| e.driver_time_ns);
    let age = time(before).and_then(|b| b.checked_sub(time(theirs)?));
    age.is_some_and(|ns| ns > 0 && Duration::from_nanos(ns) < 2 * AMDSMI_CACHE_TTL)
}

/// The library's look lies between two of the file, so must its values.
fn check_consistent(
    before: &SourceSample,
    theirs: &SourceSample,
    after: &SourceSample,
) -> std::result::Result<(), String> {
    match (&before.energy, &theirs.energy, &after.energy) {
        (Some(a), Some(t), Some(b)) => energies(a, t, b)?,
        (None, None, None) => {}
        (a, t, _) => {
            let says = |x: bool| if x { "a counter" } else { "none" };
            return Err(format!("libamd_smi has {}, the file {}", says(t.is_some()), says(a.is_some())));
        }
    }
    let kinds = [
        (before.powers.instant_mw, theirs.powers.instant_mw, after.powers.instant_mw),
        (before.powers.average_mw, theirs.powers.average_mw, after.powers.average_mw),
    ];
    for (a, t, b) in kinds {
        // Some releases fill the one from the other: the file says which it is.
        let (Some(a), Some(b)) = (a, b) else { continue };
        let t = t.or(theirs.powers.instant_mw).or(theirs.powers.average_mw);
        let Some(t) = t else { return Err("the file has a power, libamd_smi none".into()) };
        // The load may change between two looks; another GPU's power or another unit is further off.
        let (low, high) = (a.min(b) / 4, a.max(b).saturating_mul(4).saturating_add(50_000));
        if !(low..=high).contains(&t) {
            return Err(format!("a power of {t} mW by libamd_smi, {a} and {b} mW by the file"));
        }
    }
    Ok(())
}

fn energies(a: &RawEnergy, t: &RawEnergy, b: &RawEnergy) -> std::result::Result<(), String> {
    let differ = |what: &str, t: u64, a: u64, b: u64| Err(format!("{what} {t} by libamd_smi, {a} and {b} by the file"));
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
    // Not the same moment: no further apart than what may be drawn meanwhile, a 32-bit counter's turn undone.
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
