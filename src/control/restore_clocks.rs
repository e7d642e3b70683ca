//! How level and bounds of the clocks are restored, by whichever writer.

use super::clock_state::{ClockState, Level, CLOCKS};
use super::read_back::read_back_with;
use crate::gpu::Clock;
use crate::sysfs::pp_od::Bounds;

/// Reads and writes the clock settings of one GPU.
pub trait ClockWriter {
    type Error;
    fn state(&self) -> ClockState;
    fn set_level(&self, level: Level) -> Result<(), Self::Error>;
    /// Sets level manual and the bounds of one clock; the other one's stay.
    fn set_bounds(&self, clock: Clock, now: &ClockState, wanted: Bounds) -> Result<(), Self::Error>;
    /// The graphics clock that level perf_determinism keeps to.
    fn set_determinism_mhz(&self, max_mhz: u32) -> Result<(), Self::Error>;
    fn pause_ms(&self, ms: u64);
}

/// Writes what is not as it was; whether it is then, the caller reads back.
pub fn restore_clocks<W: ClockWriter>(by: &W, was: &ClockState) -> Result<(), W::Error> {
    let is_back = |now: &ClockState| CLOCKS.iter().all(|c| now.bounds_differ(was, *c).is_none());
    let settled = || settle(by, is_back);
    if was.level == Some(Level::DETERMINISM) {
        return restore_determinism(by, was);
    }
    // Any level but manual brings its own bounds; some kernels leave the table as it was, so that comes second.
    let now = by.state();
    if let Some(level) = was.level.filter(|l| *l != Level::MANUAL && now.level != Some(*l)) {
        // Bounds that are committed outlast the level: of Radeon they stay in force, and before mid-2025 MI200 and MI300 take
        // them up again with anybody's next commit. What is refused here comes again below.
        if now.has_own_bounds() {
            let _ = write_bounds(by, was);
            settled();
        }
        by.set_level(level)?;
        settled();
    }
    let written = write_bounds(by, was);
    if !is_back(&settled()) {
        // The driver accepts no lower bound below its range, not even one that was in force: level auto brings it back.
        if let Err(e) = lift_bounds(by) {
            return Err(written.err().unwrap_or(e));
        }
        write_bounds(by, was)?;
    }
    let level = was.level.filter(|l| by.state().level != Some(*l));
    level.map_or(Ok(()), |level| by.set_level(level))
}

/// The graphics clock to keep to is in force from its own commit on: bounds of level manual show the same and do not do it.
/// Level auto comes first, for MI300 takes an upper bound of the memory that is still pending for that clock
/// (smu_v13_0_6_usr_edit_dpm_table in drivers/gpu/drm/amd/pm/swsmu/smu13/smu_v13_0_6_ppt.c).
fn restore_determinism<W: ClockWriter>(by: &W, was: &ClockState) -> Result<(), W::Error> {
    if by.state().is_as(was) {
        return Ok(());
    }
    lift_bounds(by)?;
    by.set_level(Level::DETERMINISM)?;
    was.graphics.map_or(Ok(()), |bounds| by.set_determinism_mhz(bounds.max_mhz))
}

/// Level auto, with the bounds that it brings.
fn lift_bounds<W: ClockWriter>(by: &W) -> Result<(), W::Error> {
    let before = by.state();
    by.set_level(Level::AUTO)?;
    settle(by, |now| CLOCKS.iter().any(|c| now.bounds_differ(&before, *c).is_some()));
    Ok(())
}

fn settle<W: ClockWriter>(by: &W, is_done: impl Fn(&ClockState) -> bool) -> ClockState {
    read_back_with(|ms| by.pause_ms(ms), || by.state(), is_done)
}

fn write_bounds<W: ClockWriter>(by: &W, was: &ClockState) -> Result<(), W::Error> {
    CLOCKS.into_iter().try_for_each(|clock| {
        let now = by.state();
        now.bounds_differ(was, clock).map_or(Ok(()), |old| by.set_bounds(clock, &now, old))
    })
}
