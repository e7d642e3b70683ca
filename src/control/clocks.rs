//! Locking clocks between two bounds. Each bound that libamd_smi writes is in force at once.

use super::clock_state::{domain_name, format_range, index, ClockState, Level, CLOCKS};
use super::controller::Controller;
use super::read_back::read_back;
use super::writer::SettingsWriter;
use crate::error::{Error, Result};
use crate::gpu::Clock;
use crate::sysfs::pp_od::Bounds;

impl Controller {
    /// The range in which the clock can be locked.
    pub fn clock_range_mhz(&self, clock: Clock) -> Result<Bounds> {
        let what = domain_name(clock);
        self.identity.check_own_clocks(what)?;
        self.check_has_bounds(clock)?;
        let mut locks = self.locks.lock();
        let table = self.files.od_table();
        let now = self.files.clock_state_with(&table);
        locks.lockable_range(clock, now, &table).ok_or_else(|| self.no_clock_range(clock))
    }

    /// Locks the clock between two bounds. The range is checked first, the result read back.
    pub fn lock_clocks_mhz(&self, clock: Clock, min_mhz: u32, max_mhz: u32) -> Result<()> {
        let what = domain_name(clock);
        let wanted = Bounds { min_mhz, max_mhz };
        self.check_bounds(what, wanted)?;
        self.identity.check_own_clocks(what)?;
        self.check_has_bounds(clock)?;
        let by = self.writer(what)?;
        self.warn_without_rights();
        let mut locks = self.locks.lock();
        let table = self.files.od_table();
        let now = self.files.clock_state_with(&table);
        if let Some(range) = locks.lockable_range(clock, now, &table) {
            if min_mhz < range.min_mhz || max_mhz > range.max_mhz {
                let range = format_range(range);
                return Err(Error::OutOfRange { device: self.label(), what, asked: format_range(wanted), range });
            }
        }
        if min_mhz == max_mhz && by.amdsmi.as_ref().is_some_and(|(_, call)| !call.calls.has_clk_limit()) {
            return Err(self.identity.not_supported(
                what,
                "the libamd_smi before ROCm 6.3 cannot lock a clock to a single value (amdsmi_set_gpu_clk_range refuses equal bounds)",
            ));
        }
        if now.level != Some(Level::MANUAL) || now.of(clock) != Some(wanted) {
            let done = by.set_bounds(clock, now, wanted).and_then(|()| self.verify_bounds(clock, wanted));
            done.map_err(|e| self.roll_back(&by, now, e))?;
        }
        locks.locked[index(clock)] = Some(wanted);
        Ok(())
    }

    fn check_bounds(&self, what: &'static str, Bounds { min_mhz, max_mhz }: Bounds) -> Result<()> {
        let invalid = |why: String| Err(Error::InvalidArgument(format!("{}: {why}", self.label())));
        if min_mhz == 0 || max_mhz == 0 {
            return invalid(format!("0 is not a bound of a {what}; to unlock it, reset it"));
        }
        if min_mhz > max_mhz {
            return invalid(format!(
                "the lower bound of the {what}, {min_mhz} MHz, is above the upper one, {max_mhz} MHz; nothing was changed"
            ));
        }
        Ok(())
    }

    /// Unlocks one clock, or both. The hardware resets only both: the other one's lock of this session is set again.
    pub fn reset_clocks(&self, which: Option<Clock>) -> Result<()> {
        let what = which.map_or("clock", domain_name);
        self.identity.check_own_clocks(what)?;
        let by = self.writer(what)?;
        self.warn_without_rights();
        let mut locks = self.locks.lock();
        let now = self.files.clock_state();
        if now.level == Some(Level::AUTO) {
            locks.locked = [None; 2];
            return Ok(());
        }
        let mut kept = locks.locked;
        match which {
            Some(clock) => kept[index(clock)] = None,
            None => kept = [None; 2],
        }
        let lock_again = |clock: Clock| match kept[index(clock)] {
            Some(wanted) => {
                by.set_bounds(clock, self.files.clock_state(), wanted)?;
                self.verify_bounds(clock, wanted)
            }
            None => Ok(()),
        };
        let done = by.set_level(Level::AUTO).and_then(|()| CLOCKS.into_iter().try_for_each(lock_again));
        done.map_err(|e| self.roll_back(&by, now, e))?;
        locks.locked = kept;
        Ok(())
    }

    /// Reads back. A driver that shows no bounds is trusted.
    fn verify_bounds(&self, clock: Clock, wanted: Bounds) -> Result<()> {
        let is_done = |now: &ClockState| {
            now.of(clock).map_or(true, |b| b == wanted) && now.level.map_or(true, |l| l == Level::MANUAL)
        };
        let now = read_back(|| self.files.clock_state(), is_done);
        if is_done(&now) {
            return Ok(());
        }
        Err(Error::NotApplied {
            device: self.label(),
            what: domain_name(clock),
            asked: format_range(wanted),
            now: now.format_bounds(clock),
        })
    }

    /// Undoes a change that failed half-way.
    fn roll_back(&self, by: &SettingsWriter, was: ClockState, mut e: Error) -> Error {
        if let Err(again) = self.write_clock_state(by, was) {
            if let Error::Vendor { advice: more, .. }
            | Error::NotApplied { now: more, .. }
            | Error::Kernel { why: more, .. } = &mut e
            {
                *more += &format!("; the part that was done could not be undone: {again}");
            }
        }
        e
    }

    /// Writes what is not as it was.
    pub(super) fn write_clock_state(&self, by: &SettingsWriter, was: ClockState) -> Result<()> {
        let now = self.files.clock_state();
        let is_back = |now: &ClockState| CLOCKS.iter().all(|c| now.bounds_differ(&was, *c).is_none());
        let bounds_are_back = || is_back(&read_back(|| self.files.clock_state(), is_back));
        // Any level but manual brings its own bounds; some kernels leave the table as it was, so that comes second.
        if let Some(level) = was.level.filter(|l| *l != Level::MANUAL && now.level != Some(*l)) {
            by.set_level(level)?;
            bounds_are_back();
        }
        let written = self.write_bounds(by, was);
        if !bounds_are_back() {
            // The driver accepts no lower bound below its range, not even one that was in force: level auto brings it back.
            let refused = self.files.clock_state();
            by.set_level(Level::AUTO).map_err(|e| written.err().unwrap_or(e))?;
            let is_reset = |now: &ClockState| CLOCKS.iter().any(|c| now.bounds_differ(&refused, *c).is_some());
            read_back(|| self.files.clock_state(), is_reset);
            self.write_bounds(by, was)?;
        }
        let now = self.files.clock_state();
        match was.level.filter(|l| now.level != Some(*l)) {
            Some(level) => by.set_level(level),
            None => Ok(()),
        }
    }

    fn write_bounds(&self, by: &SettingsWriter, was: ClockState) -> Result<()> {
        CLOCKS.into_iter().try_for_each(|clock| {
            let now = self.files.clock_state();
            now.bounds_differ(&was, clock).map_or(Ok(()), |old| by.set_bounds(clock, now, old))
        })
    }
}
