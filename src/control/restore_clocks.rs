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
    let settled = |is_done: &dyn Fn(&ClockState) -> bool| read_back_with(|ms| by.pause_ms(ms), || by.state(), is_done);
    // Any level but these brings its own bounds; some kernels leave the table as it was, so that comes second.
    let has_bounds = |l: Level| l == Level::MANUAL || l == Level::DETERMINISM;
    if let Some(level) = was.level.filter(|l| !has_bounds(*l) && by.state().level != Some(*l)) {
        by.set_level(level)?;
        settled(&is_back);
    }
    let written = write_bounds(by, was);
    if !is_back(&settled(&is_back)) {
        // The driver accepts no lower bound below its range, not even one that was in force: level auto brings it back.
        let refused = by.state();
        if let Err(e) = by.set_level(Level::AUTO) {
            return Err(written.err().unwrap_or(e));
        }
        settled(&|now| CLOCKS.iter().any(|c| now.bounds_differ(&refused, *c).is_some()));
        write_bounds(by, was)?;
    }
    let Some(level) = was.level.filter(|l| by.state().level != Some(*l)) else { return Ok(()) };
    by.set_level(level)?;
    if let (Level::DETERMINISM, Some(bounds)) = (level, was.graphics) {
        // The bounds that level manual has set show, and are not kept to. What is refused shows in them.
        let _ = by.set_determinism_mhz(bounds.max_mhz);
        if !is_back(&settled(&is_back)) {
            write_bounds(by, was)?;
            return by.set_level(level);
        }
    }
    Ok(())
}

fn write_bounds<W: ClockWriter>(by: &W, was: &ClockState) -> Result<(), W::Error> {
    CLOCKS.into_iter().try_for_each(|clock| {
        let now = by.state();
        now.bounds_differ(was, clock).map_or(Ok(()), |old| by.set_bounds(clock, &now, old))
    })
}
