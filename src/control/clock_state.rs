//! Levels and bounds of the clocks, as sysfs has them.

use crate::gpu::{Bound, Clock};
use crate::sysfs::pp_od::{self, Bounds};

/// By AMD's number, as the kernel spells them.
const LEVELS: [&str; 9] = [
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

/// A performance level, an index into [`LEVELS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(usize);

impl Level {
    pub const AUTO: Level = Level(0);
    /// The only one with bounds of the caller's; the others bring their own.
    pub const MANUAL: Level = Level(3);
    /// With an upper bound of the graphics clock, which the firmware keeps to from the commit on that follows the level.
    pub const DETERMINISM: Level = Level(8);

    pub fn parse(text: &str) -> Option<Level> {
        LEVELS.iter().position(|l| *l == text).map(Level)
    }

    pub fn name(self) -> &'static str {
        LEVELS[self.0]
    }

    /// From [`Level::amd_number`].
    pub fn from_amd_number(number: u32) -> Option<Level> {
        ((number as usize) < LEVELS.len()).then_some(Level(number as usize))
    }

    pub fn amd_number(self) -> u32 {
        self.0 as u32
    }
}

pub const CLOCKS: [Clock; 2] = [Clock::Graphics, Clock::Memory];

/// The level and the bounds in force; what cannot be read is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockState {
    pub level: Option<Level>,
    pub graphics: Option<Bounds>,
    pub memory: Option<Bounds>,
}

impl ClockState {
    pub fn of(&self, clock: Clock) -> Option<Bounds> {
        match clock {
            Clock::Graphics => self.graphics,
            Clock::Memory => self.memory,
        }
    }

    /// Bounds that cannot be read differ from none.
    pub fn is_bounded(&self, clock: Clock, wanted: Option<Bounds>) -> bool {
        self.of(clock).is_none() || wanted.is_none() || self.of(clock) == wanted
    }

    /// The bounds of a clock that are not as they were.
    pub fn bounds_differ(&self, was: &ClockState, clock: Clock) -> Option<Bounds> {
        was.of(clock).filter(|old| self.of(clock) != Some(*old))
    }

    /// Nothing that was known differs.
    pub fn is_as(&self, was: &ClockState) -> bool {
        (was.level.is_none() || self.level == was.level) && CLOCKS.iter().all(|c| self.bounds_differ(was, *c).is_none())
    }

    /// Bounds of the caller's are in force.
    pub fn has_own_bounds(&self) -> bool {
        matches!(self.level, Some(Level::MANUAL | Level::DETERMINISM))
    }

    pub fn format_bounds(&self, clock: Clock) -> String {
        self.of(clock)
            .map_or_else(|| NOT_READABLE.to_owned(), |b| format!("{} (level {})", format_range(b), self.format_level()))
    }

    pub fn format_level(&self) -> &'static str {
        self.level.map_or(NOT_READABLE, Level::name)
    }
}

pub const NOT_READABLE: &str = "not readable";

/// What this session has read of the clocks: graphics, memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockRanges {
    lockable: [Option<Bounds>; 2],
    /// In level auto, before the first lock since the last reset.
    before_lock: [Option<Bounds>; 2],
}

impl ClockRanges {
    /// OD_RANGE; where the driver has none, the bounds while nothing is locked, now or earlier.
    pub fn lockable(&mut self, clock: Clock, now: ClockState, table: &pp_od::Table) -> Option<Bounds> {
        for (i, clock) in CLOCKS.into_iter().enumerate() {
            let unlocked = now.of(clock).filter(|_| now.level == Some(Level::AUTO));
            self.before_lock[i] = self.before_lock[i].or(unlocked);
            self.lockable[i] = table.range_of(clock).or(unlocked).or(self.lockable[i]);
        }
        self.lockable[usize::from(clock == Clock::Memory)]
    }

    /// The bounds that a lock of this session has changed.
    pub fn before_lock(&mut self, clock: Clock) -> &mut Option<Bounds> {
        &mut self.before_lock[usize::from(clock == Clock::Memory)]
    }
}

pub fn other(clock: Clock) -> Clock {
    match clock {
        Clock::Graphics => Clock::Memory,
        Clock::Memory => Clock::Graphics,
    }
}

pub fn domain_name(clock: Clock) -> &'static str {
    match clock {
        Clock::Graphics => "graphics clock",
        Clock::Memory => "memory clock",
    }
}

pub fn bound_value(b: Bounds, which: Bound) -> u32 {
    match which {
        Bound::Min => b.min_mhz,
        Bound::Max => b.max_mhz,
    }
}

pub fn format_range(b: Bounds) -> String {
    format!("{} to {} MHz", b.min_mhz, b.max_mhz)
}
