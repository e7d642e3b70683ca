//! A sample of one GPU.

/// Which values a sample has, as bits of the interface.
pub mod valid {
    pub const ENERGY: u16 = 1;
    pub const POWER: u16 = 128;
    pub const COUNTER_POWER: u16 = 256;
}

/// What is true of a sample, as bits of the interface.
pub mod flag {
    pub const RESET: u16 = 2;
    pub const SAMPLING_GAP: u16 = 32;
    pub const AVERAGED_POWER: u16 = 64;
    pub const FIRMWARE_RESOLUTION: u16 = 128;
    pub const INTEGRATED: u16 = 1024;
}

/// A sample of one GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    pub gpu: u32,
    pub valid: u16,
    pub flags: u16,
    /// So much older than its time a count may be, 0 where the energy is integrated.
    pub max_age_ns: u32,
    /// `CLOCK_BOOTTIME` of the reading: the driver's time, or without one the receipt time.
    pub time_ns: u64,
    /// Energy since the sampler's first sample of the GPU.
    pub energy_uj: u64,
    /// Error of the energy since the first sample, without that of the resolution.
    pub error_uj: u64,
    /// What the counter would have missed had it stopped since the sample before: an error of the energy up to this sample, and
    /// of that from it on, which later samples do not have.
    pub unconfirmed_uj: u64,
    pub power_mw: u64,
    /// Mean power by the counter since the previous sample that has one, or a later one that was integrated or follows a reset,
    /// and the most that it is off.
    pub counter_power_mw: u64,
    pub counter_power_uncertainty_mw: u64,
    /// `CLOCK_BOOTTIME` between which the driver reported the power.
    pub power_begin_ns: u64,
    pub power_end_ns: u64,
}
