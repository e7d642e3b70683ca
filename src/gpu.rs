//! Plain types of one GPU, shared by the sources that read it, the library's state of it, and what changes it.

/// A clock domain, with AMD's number, the same in every release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Graphics = 0,
    Memory = 4,
}

/// A bound of a clock, with AMD's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Min = 0,
    Max = 1,
}

/// Which of the two powers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    Instant,
    Average,
}

/// The power limits in microwatts. What the driver does not report is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PowerLimits {
    pub current_uw: Option<u64>,
    pub default_uw: Option<u64>,
    pub min_uw: Option<u64>,
    pub max_uw: Option<u64>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerLimit {
    Current,
    Default,
    Min,
    Max,
}

impl PowerLimits {
    #[must_use]
    pub fn get(&self, which: PowerLimit) -> Option<u64> {
        match which {
            PowerLimit::Current => self.current_uw,
            PowerLimit::Default => self.default_uw,
            PowerLimit::Min => self.min_uw,
            PowerLimit::Max => self.max_uw,
        }
    }
}

/// The powers that a GPU reports: usually one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Powers {
    pub instant_mw: Option<u64>,
    pub average_mw: Option<u64>,
}

impl Powers {
    #[must_use]
    pub fn any(self) -> bool {
        self.instant_mw.is_some() || self.average_mw.is_some()
    }
}

/// One reading of the energy accumulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawEnergy {
    pub accumulator: u64,
    /// Microjoules a count.
    pub resolution_uj: f64,
    /// The driver's clock (boot time) when it filled the table.
    pub driver_time_ns: Option<u64>,
    /// The firmware's clock at the accumulator's value.
    pub firmware_time_ns: Option<u64>,
    /// `Some(age)` if the driver's clock has been stalled for too long.
    pub stale_ms: Option<u64>,
}

/// A temperature in degrees Celsius.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temperature {
    pub celsius: i32,
    /// Of the edge sensor: the GPU has no hotspot (junction) sensor, as APUs.
    pub is_edge: bool,
}

impl Temperature {
    #[must_use]
    pub fn hotspot(celsius: i32) -> Temperature {
        Temperature { celsius, is_edge: false }
    }
}

/// A value that a temperature sensor of a GPU can have, in degrees Celsius.
#[must_use]
#[inline]
pub fn is_temperature(celsius: i32) -> bool {
    (-60..=250).contains(&celsius)
}
