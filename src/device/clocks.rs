//! Locking clocks between two bounds. One bound is written at a time, and each write is in force at once.

use super::control::{SettingsWriter, READBACK_DELAYS_MS};
use super::source::amdsmi::AmdsmiCall;
use super::Device;
use crate::amdsmi::{Bound, Clock};
use crate::error::{Error, Result};
use crate::sysfs::pp_od::{self, Bounds};
use crate::topology::Role;
use std::time::Duration;

/// By AMD's number, as the kernel spells them.
pub(super) const LEVELS: [&str; 9] = [
    "auto",
    "low",
    "high",
    "manual",
    "profile_standard",
    "profile_peak",
    "profile_min_mclk",
    "profile_min_sclk",
    "perf_determinism",
];
const AUTO: usize = 0;
pub(super) const MANUAL: usize = 3;

pub(super) const LEVEL_FILE: &str = "power_dpm_force_performance_level";
pub(super) const OD_FILE: &str = "pp_od_clk_voltage";

/// What this session has locked, and what it has seen of the ranges: graphics clock, memory clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ClockLocks {
    locked: [Option<Bounds>; 2],
    range: [Option<Bounds>; 2],
}

/// The clocks as the kernel's files have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ClockState {
    /// Index into [`LEVELS`].
    pub level: Option<usize>,
    pub graphics: Option<Bounds>,
    pub memory: Option<Bounds>,
}

impl ClockState {
    fn of(&self, clock: Clock) -> Option<Bounds> {
        match clock {
            Clock::Graphics => self.graphics,
            Clock::Memory => self.memory,
        }
    }
}

const BOTH: [Clock; 2] = [Clock::Graphics, Clock::Memory];

fn index(clock: Clock) -> usize {
    usize::from(clock == Clock::Memory)
}

pub(super) fn domain_name(clock: Clock) -> &'static str {
    match clock {
        Clock::Graphics => "graphics clock",
        Clock::Memory => "memory clock",
    }
}

fn bound_value(b: Bounds, which: Bound) -> u32 {
    match which {
        Bound::Min => b.min_mhz,
        Bound::Max => b.max_mhz,
    }
}

fn format_range(b: Bounds) -> String {
    format!("{} to {} MHz", b.min_mhz, b.max_mhz)
}

/// OD_RANGE; where the driver has none, the bounds while nothing is locked, then or now.
fn lockable_range(clock: Clock, now: ClockState, table: &pp_od::Table, locks: &mut ClockLocks) -> Option<Bounds> {
    for (clock, range) in BOTH.into_iter().zip([table.graphics_range, table.memory_range]) {
        let seen = range.or(if now.level == Some(AUTO) { now.of(clock) } else { None });
        let known = &mut locks.range[index(clock)];
        *known = seen.or(*known);
    }
    locks.range[index(clock)]
}

impl Device {
    /// The range in which the clock can be locked.
    pub fn clock_range_mhz(&self, clock: Clock) -> Result<Bounds> {
        self.check_own_clocks(domain_name(clock))?;
        let mut locks = self.control_lock.lock();
        let table = self.od_table();
        let now = self.clock_state_by(&table);
        lockable_range(clock, now, &table, &mut locks).ok_or_else(|| {
            self.not_supported(
                domain_name(clock),
                "its pp_od_clk_voltage is not readable, or shows no OD_RANGE (then the range shows only while nothing is locked)",
            )
        })
    }

    /// Locks the clock between two bounds. Range checked first, read back afterwards.
    pub fn lock_clocks_mhz(&self, clock: Clock, min_mhz: u32, max_mhz: u32) -> Result<()> {
        let what = domain_name(clock);
        if min_mhz == 0 || max_mhz == 0 {
            return Err(Error::InvalidArgument(format!(
                "{}: 0 is not a bound of a {what}; to unlock it, reset it",
                self.label()
            )));
        }
        if min_mhz > max_mhz {
            return Err(Error::InvalidArgument(format!(
                "{}: the lower bound of the {what}, {min_mhz} MHz, is above the upper one, {max_mhz} MHz; nothing was changed",
                self.label()
            )));
        }
        self.check_own_clocks(what)?;
        let by = self.writer()?;
        let wanted = Bounds { min_mhz, max_mhz };
        self.warn_without_rights();
        let mut locks = self.control_lock.lock();
        let table = self.od_table();
        let now = self.clock_state_by(&table);
        if let Some(range) = lockable_range(clock, now, &table, &mut locks) {
            if min_mhz < range.min_mhz || max_mhz > range.max_mhz {
                let range = format_range(range);
                return Err(Error::OutOfRange { device: self.label(), what, asked: format_range(wanted), range });
            }
        }
        if min_mhz == max_mhz && matches!(&by, SettingsWriter::Amdsmi(_, asked) if !asked.calls.has_clk_limit()) {
            return Err(self.not_supported(
                what,
                "the libamd_smi before ROCm 6.3 cannot lock a clock to a single value (amdsmi_set_gpu_clk_range refuses equal bounds)",
            ));
        }
        if now.level != Some(MANUAL) || now.of(clock) != Some(wanted) {
            let done = self.write_bounds(&by, clock, now, wanted).and_then(|()| self.verify_bounds(clock, wanted));
            done.map_err(|e| self.roll_back(&by, now, e))?;
        }
        locks.locked[index(clock)] = Some(wanted);
        Ok(())
    }

    /// Unlocks one clock, or both. The hardware has a reset of both only: what this session has locked otherwise is
    /// locked again.
    pub fn reset_clocks(&self, which: Option<Clock>) -> Result<()> {
        self.check_own_clocks(which.map_or("clock", domain_name))?;
        let by = self.writer()?;
        self.warn_without_rights();
        let mut locks = self.control_lock.lock();
        let now = self.clock_state();
        if now.level == Some(AUTO) {
            locks.locked = [None; 2];
            return Ok(());
        }
        let mut kept = locks.locked;
        match which {
            Some(clock) => kept[index(clock)] = None,
            None => kept = [None; 2],
        }
        let again = |clock: Clock| match kept[index(clock)] {
            Some(wanted) => {
                self.write_bounds(&by, clock, self.clock_state(), wanted)?;
                self.verify_bounds(clock, wanted)
            }
            None => Ok(()),
        };
        let done = self.set_level(&by, AUTO).and_then(|()| BOTH.into_iter().try_for_each(again));
        done.map_err(|e| self.roll_back(&by, now, e))?;
        locks.locked = kept;
        Ok(())
    }

    /// A partition's clocks are its package's; each die has its own.
    fn check_own_clocks(&self, what: &'static str) -> Result<()> {
        match self.role {
            Role::SecondaryPartition { .. } => self.check_own_power(what),
            _ => Ok(()),
        }
    }

    pub(super) fn clock_state(&self) -> ClockState {
        self.clock_state_by(&self.od_table())
    }

    fn clock_state_by(&self, table: &pp_od::Table) -> ClockState {
        let level = crate::sysfs::text(&self.folder.join(LEVEL_FILE));
        ClockState {
            level: level.and_then(|text| LEVELS.iter().position(|l| *l == text)),
            graphics: table.graphics,
            memory: table.memory,
        }
    }

    fn od_table(&self) -> pp_od::Table {
        crate::sysfs::text(&self.folder.join(OD_FILE)).map_or_else(pp_od::Table::default, |text| pp_od::parse(&text))
    }

    /// Writes the bounds, in the order that never has the lower one above the upper one on the way.
    fn write_bounds(&self, by: &SettingsWriter, clock: Clock, now: ClockState, wanted: Bounds) -> Result<()> {
        let old = now.of(clock);
        let order = match old {
            Some(old) if wanted.min_mhz >= old.max_mhz => [Bound::Max, Bound::Min],
            _ => [Bound::Min, Bound::Max],
        };
        match by {
            SettingsWriter::Sysfs => self.write_bounds_by_files(clock, now, order, wanted),
            SettingsWriter::Amdsmi(amdsmi, asked) if !asked.calls.has_clk_limit() => {
                let set = asked.calls.set_clk_range(asked.g, asked.handle, clock, wanted.min_mhz, wanted.max_mhz);
                set.map_err(|s| self.setter_failure(amdsmi, s, "amdsmi_set_gpu_clk_range", OD_FILE))
            }
            SettingsWriter::Amdsmi(amdsmi, AmdsmiCall { calls, g, handle }) => {
                for bound in order {
                    let mhz = bound_value(wanted, bound);
                    let stands = old.is_some_and(|o| bound_value(o, bound) == mhz);
                    // In another level than manual what the file shows need not be in force.
                    if stands && now.level == Some(MANUAL) {
                        continue;
                    }
                    match calls.set_clk_limit(g, *handle, clock, bound, mhz) {
                        Ok(()) => {}
                        // MI300 takes only the upper bound of the memory clock: one that stands need not be taken.
                        Err(s) if stands && s.kind() != crate::error::Kind::NoPermission => {}
                        Err(s) => return Err(self.setter_failure(amdsmi, s, "amdsmi_set_gpu_clk_limit", OD_FILE)),
                    }
                }
                Ok(())
            }
        }
    }

    /// What libamd_smi writes, written by ourselves: level manual, the bounds that differ, and the word to apply them.
    fn write_bounds_by_files(&self, clock: Clock, now: ClockState, order: [Bound; 2], wanted: Bounds) -> Result<()> {
        let (what, letter) = match clock {
            Clock::Graphics => (domain_name(clock), 's'),
            Clock::Memory => (domain_name(clock), 'm'),
        };
        if now.level != Some(MANUAL) {
            self.set_level(&SettingsWriter::Sysfs, MANUAL)?;
        }
        for bound in order {
            let mhz = bound_value(wanted, bound);
            let stands = now.of(clock).is_some_and(|o| bound_value(o, bound) == mhz);
            let number = usize::from(bound == Bound::Max);
            match self.write_file(what, OD_FILE, &format!("{letter} {number} {mhz}\n")) {
                Err(e) if !stands => return Err(e),
                _ => {}
            }
        }
        self.write_file(what, OD_FILE, "c\n")
    }

    fn set_level(&self, by: &SettingsWriter, level: usize) -> Result<()> {
        const WHAT: &str = "performance level";
        match by {
            SettingsWriter::Sysfs => self.write_file(WHAT, LEVEL_FILE, &format!("{}\n", LEVELS[level]))?,
            SettingsWriter::Amdsmi(amdsmi, AmdsmiCall { calls, g, handle }) => calls
                .set_perf_level(g, *handle, level as u32)
                .map_err(|s| self.setter_failure(amdsmi, s, "amdsmi_set_gpu_perf_level", LEVEL_FILE))?,
        }
        let mut now = None;
        for pause in READBACK_DELAYS_MS {
            std::thread::sleep(Duration::from_millis(pause));
            now = self.clock_state().level;
            if now.is_none() || now == Some(level) {
                return Ok(());
            }
        }
        Err(Error::NotApplied {
            device: self.label(),
            what: WHAT,
            asked: LEVELS[level].to_owned(),
            now: now.map_or("not to be read", |l| LEVELS[l]).to_owned(),
        })
    }

    /// Reads back. A driver that shows no bounds is believed.
    fn verify_bounds(&self, clock: Clock, wanted: Bounds) -> Result<()> {
        let mut now = ClockState::default();
        for pause in READBACK_DELAYS_MS {
            std::thread::sleep(Duration::from_millis(pause));
            now = self.clock_state();
            let taken = now.of(clock).map_or(true, |b| b == wanted);
            if taken && now.level.map_or(true, |l| l == MANUAL) {
                return Ok(());
            }
        }
        let level = now.level.map_or("not to be read", |l| LEVELS[l]);
        Err(Error::NotApplied {
            device: self.label(),
            what: domain_name(clock),
            asked: format_range(wanted),
            now: now
                .of(clock)
                .map_or_else(|| "not to be read".into(), |b| format!("{} (level {level})", format_range(b))),
        })
    }

    /// A change that failed half-way: what it did is undone.
    fn roll_back(&self, by: &SettingsWriter, was: ClockState, mut e: Error) -> Error {
        if let Err(again) = self.write_clock_state(by, was) {
            if let Error::Vendor { advice: more, .. } | Error::NotApplied { now: more, .. } = &mut e {
                *more += &format!("; what was done half-way could not be undone: {again}");
            }
        }
        e
    }

    /// Puts back what differs.
    fn write_clock_state(&self, by: &SettingsWriter, was: ClockState) -> Result<()> {
        let mut now = self.clock_state();
        // Any level but manual brings its own bounds; some kernels leave the table as it was, so that comes second.
        if let Some(level) = was.level.filter(|l| *l != MANUAL && now.level != Some(*l)) {
            self.set_level(by, level)?;
            for pause in READBACK_DELAYS_MS {
                std::thread::sleep(Duration::from_millis(pause));
                now = self.clock_state();
                if BOTH.iter().all(|c| was.of(*c).map_or(true, |old| now.of(*c) == Some(old))) {
                    break;
                }
            }
        }
        for clock in BOTH {
            if let Some(old) = was.of(clock).filter(|old| now.of(clock) != Some(*old)) {
                self.write_bounds(by, clock, now, old)?;
                now = self.clock_state();
            }
        }
        match was.level.filter(|l| now.level != Some(*l)) {
            Some(level) => self.set_level(by, level),
            None => Ok(()),
        }
    }

    pub(super) fn locks(&self) -> ClockLocks {
        *self.control_lock.lock()
    }

    /// For a guard: clocks and the memory of what was locked, as they were.
    pub(super) fn restore_clocks(&self, was: ClockState, were: ClockLocks) -> Result<()> {
        let mut locks = self.control_lock.lock();
        if self.clock_state() != was {
            self.write_clock_state(&self.writer()?, was)?;
        }
        locks.locked = were.locked;
        Ok(())
    }
}
