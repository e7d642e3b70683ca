//! Locking clocks between two bounds.

use super::clock_state::{bound_value, domain_name, format_range, other, ClockState, Level, CLOCKS};
use super::controller::Controller;
use super::read_back::read_back;
use super::restore_clocks::{restore_clocks, ClockWriter};
use super::writer::SettingsWriter;
use crate::error::{Error, Kind, Result};
use crate::gpu::{Bound, Clock};
use crate::platform::log;
use crate::sysfs::pp_od::Bounds;

impl Controller {
    /// The range in which the clock can be locked.
    pub fn clock_range_mhz(&self, clock: Clock) -> Result<Bounds> {
        let what = domain_name(clock);
        self.identity.check_own_clocks(what)?;
        self.check_has_bounds(clock)?;
        let mut ranges = self.ranges.lock();
        let table = self.files.od_table();
        let now = self.files.clock_state_with(&table);
        ranges.lockable(clock, now, &table).ok_or_else(|| self.no_clock_range(clock))
    }

    /// Locks the clock between two bounds. The range is checked first, the result read back.
    pub(super) fn lock_clocks(&self, clock: Clock, wanted: Bounds) -> Result<()> {
        let what = domain_name(clock);
        let Bounds { min_mhz, max_mhz } = wanted;
        self.check_bounds(what, wanted)?;
        self.identity.check_own_clocks(what)?;
        // A lock whose bounds do not show could not be read back.
        if self.check_has_bounds(clock)?.is_some_and(|table| table.of(clock).is_none()) {
            return Err(self.no_clock_range(clock));
        }
        let by = self.writer(what)?;
        self.warn_without_rights();
        let mut ranges = self.ranges.lock();
        let table = self.files.od_table();
        let now = self.files.clock_state_with(&table);
        let range = ranges.lockable(clock, now, &table);
        // A bound that is in force need not be within it: RDNA2's memory starts below.
        let in_force = |bound, mhz| now.of(clock).is_some_and(|b| bound_value(b, bound) == mhz);
        let is_outside = |r: &Bounds| {
            (min_mhz < r.min_mhz && !in_force(Bound::Min, min_mhz))
                || (max_mhz > r.max_mhz && !in_force(Bound::Max, max_mhz))
        };
        if let Some(range) = range.filter(is_outside) {
            let range = format_range(range);
            return Err(Error::OutOfRange { device: self.label(), what, asked: format_range(wanted), range });
        }
        if now.level == Some(Level::MANUAL) && now.of(clock) == Some(wanted) {
            return Ok(());
        }
        let locked = self.lock_narrowest(&by, clock, &now, wanted, range).map_err(|e| self.roll_back(&by, now, e))?;
        drop(ranges);
        if locked != wanted {
            let (asked, locked) = (format_range(wanted), format_range(locked));
            log::warning(|| {
                format!("{}: the driver takes no {what} of {asked}; it is locked to {locked}", self.label())
            });
        }
        Ok(())
    }

    /// Drivers before April 2026, and libamd_smi before ROCm 6.3, refuse equal bounds: then the narrowest range that they
    /// accept is locked, with the value as the upper bound where that is possible.
    fn lock_narrowest(
        &self,
        by: &SettingsWriter,
        clock: Clock,
        now: &ClockState,
        wanted: Bounds,
        range: Option<Bounds>,
    ) -> Result<Bounds> {
        let Bounds { min_mhz, max_mhz } = wanted;
        let narrow = [(min_mhz - 1, max_mhz), (min_mhz, max_mhz.saturating_add(1))];
        let is_allowed = |b: &Bounds| range.map_or(true, |r| b.min_mhz >= r.min_mhz && b.max_mhz <= r.max_mhz);
        let narrow = narrow.map(|(min_mhz, max_mhz)| Bounds { min_mhz, max_mhz });
        let mut first = self.lock_and_verify(by, clock, now, wanted).map(|()| wanted);
        for bounds in narrow.into_iter().filter(|b| min_mhz == max_mhz && is_allowed(b)) {
            match &first {
                Err(e) if e.kind() == Kind::InvalidArgument => {}
                _ => break,
            }
            if self.lock_and_verify(by, clock, now, bounds).is_ok() {
                first = Ok(bounds);
            }
        }
        first
    }

    /// Locks one clock. The other one's bounds are `before`'s, also where the driver brings back older ones with the commit.
    fn lock_and_verify(&self, by: &SettingsWriter, clock: Clock, before: &ClockState, wanted: Bounds) -> Result<()> {
        by.set_bounds(clock, &self.files.clock_state(), wanted)?;
        let kept = before.of(other(clock));
        let is_kept = |now: &ClockState| now.is_bounded(other(clock), kept);
        let is_done = |now: &ClockState| {
            now.is_bounded(clock, Some(wanted)) && now.level.map_or(true, |l| l == Level::MANUAL) && is_kept(now)
        };
        let mut now = read_back(|| self.files.clock_state(), is_done);
        if let Some(kept) = kept.filter(|_| !is_kept(&now)) {
            by.set_bounds(other(clock), &now, kept)?;
            now = read_back(|| self.files.clock_state(), is_done);
        }
        if is_done(&now) {
            return Ok(());
        }
        let (what, asked) = if is_kept(&now) { (clock, Some(wanted)) } else { (other(clock), kept) };
        let asked = asked.map_or_else(String::new, format_range);
        Err(by.not_applied(domain_name(what), asked, now.format_bounds(what)))
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

    /// Unlocks one clock, or both. The hardware resets only both: bounds of the other clock are set again.
    pub(super) fn reset_clocks(&self, which: Option<Clock>) -> Result<()> {
        let what = which.map_or("clock", domain_name);
        self.identity.check_own_clocks(what)?;
        self.check_active(what)?;
        let by = self.writer(what)?;
        self.warn_without_rights();
        let mut ranges = self.ranges.lock();
        let now = self.files.clock_state();
        let clocks = CLOCKS.into_iter().filter(|clock| which.map_or(true, |w| w == *clock));
        if now.level == Some(Level::AUTO) && clocks.clone().all(|c| now.is_bounded(c, *ranges.before_lock(c))) {
            return Ok(());
        }
        let mut left = None;
        let mut reset = || {
            by.set_level(Level::AUTO)?;
            for clock in clocks.clone() {
                let before_lock = ranges.before_lock(clock);
                let stays = self.lift_bounds_that_stay(&by, clock, &now, *before_lock)?;
                if stays.is_none() {
                    *before_lock = None;
                }
                left = left.take().or(stays);
            }
            let Some(kept) = which.map(other) else { return Ok(()) };
            let unlocked = self.files.clock_state();
            match unlocked.bounds_differ(&now, kept) {
                Some(bounds) => self.lock_and_verify(&by, kept, &unlocked, bounds),
                None => Ok(()),
            }
        };
        reset().map_err(|e| self.roll_back(&by, now, e))?;
        left.map_or(Ok(()), Err)
    }

    /// Radeon's drivers keep bounds in force past a level auto (smu_v11_0_set_performance_level in
    /// drivers/gpu/drm/amd/pm/swsmu/smu11/smu_v11_0.c sets others). There they are set as they were before the lock; where this
    /// session has not seen that, as wide as the levels are, which of RDNA3 end below the highest clock. The driver's own
    /// reset, "r", would also drop what others have set of voltage and fan. Returns what the driver does not take.
    fn lift_bounds_that_stay(
        &self,
        by: &SettingsWriter,
        clock: Clock,
        was: &ClockState,
        before_lock: Option<Bounds>,
    ) -> Result<Option<Error>> {
        let table = self.files.od_table();
        let now = self.files.clock_state_with(&table);
        let stays = now.of(clock).filter(|bounds| was.of(clock) == Some(*bounds) && table.range_of(clock).is_some());
        let Some(bounds) = stays else { return Ok(None) };
        let as_levels = || {
            let (highest_mhz, lowest_mhz) = self.clock_levels_mhz(clock).ok()?;
            // The table may round otherwise than the list of levels does.
            let min_mhz = if bounds.min_mhz <= lowest_mhz + 1 { bounds.min_mhz } else { lowest_mhz };
            let max_mhz = if bounds.max_mhz + 1 >= highest_mhz { bounds.max_mhz } else { highest_mhz };
            Some(Bounds { min_mhz, max_mhz })
        };
        let Some(unlocked) = before_lock.or_else(as_levels).filter(|unlocked| *unlocked != bounds) else {
            return Ok(None);
        };
        let mut left = None;
        if let Err(e) = self.lock_and_verify(by, clock, &now, unlocked) {
            let upper = Bounds { min_mhz: bounds.min_mhz, ..unlocked };
            if e.kind() != Kind::InvalidArgument {
                return Err(e);
            }
            if upper != bounds {
                self.lock_and_verify(by, clock, &self.files.clock_state(), upper)?;
            }
            let now = self.files.clock_state().format_bounds(clock);
            left = Some(by.not_applied(domain_name(clock), format_range(unlocked), now));
        }
        by.set_level(Level::AUTO)?;
        Ok(left)
    }

    /// Undoes a change that failed half-way, or says what could not be undone.
    fn roll_back(&self, by: &SettingsWriter, was: ClockState, mut e: Error) -> Error {
        let undone = restore_clocks(by, &was);
        let is_back = |now: &ClockState| self.clocks_differ(now, &was).is_none();
        let now = read_back(|| self.files.clock_state(), is_back);
        let Some(left) = self.clocks_differ(&now, &was) else { return e };
        if let Error::Vendor { advice: more, .. }
        | Error::NotApplied { now: more, .. }
        | Error::Kernel { why: more, .. } = &mut e
        {
            let why = undone.map_or_else(|e| format!(" ({e})"), |()| String::new());
            *more += &format!("; the change could not be undone: {left}{why}");
        }
        e
    }
}
