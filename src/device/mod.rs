//! One GPU: its readings, from whichever source serves them.

mod clocks;
mod control;
mod limits;
mod poll;
mod reading;
mod settings;
mod source;
mod staleness;

use crate::amdsmi::{Clock, ProcessorHandle};
use crate::energy::{energy_mj, AccumulatorTracker, EnergyResolution};
use crate::energy::{AtomicCounterState, CounterState};
use crate::error::{Error, Kind, Result};
use crate::platform::sync;
use crate::sysfs;
use crate::sysfs::hwmon::Hwmon;
use crate::topology::{GpuLocation, Role};
use source::amdsmi::AmdsmiSource;
use source::sysfs::SysfsSource;
use staleness::{retry_if_stale, StalenessDetector};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

pub use limits::PowerLimits;
pub use poll::PollResult;
pub use reading::Reading;
pub use settings::{SavedSettings, SysfsWrite};
pub use source::amdsmi::AmdsmiContext;

/// Which of the two powers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    Instant,
    Average,
}

/// Where readings are to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The kernel's files where they agree with libamd_smi, or where there is none.
    Auto,
    Amdsmi,
    Sysfs,
}

/// One reading of the energy accumulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawEnergy {
    pub accumulator: u64,
    /// Microjoules a count, in the unit that the session chose.
    pub resolution_uj: f64,
    /// The driver's clock (boot time) when it filled the table.
    pub driver_time_ns: Option<u64>,
    /// The firmware's clock at the accumulator's value.
    pub firmware_time_ns: Option<u64>,
    /// `Some(age)` if the driver's clock has stood still for suspiciously long.
    pub stale_ms: Option<u64>,
}

/// The powers that a GPU reports: one of the two, as a rule.
#[derive(Debug, Clone, Copy, Default)]
struct Powers {
    instant_mw: Option<u64>,
    average_mw: Option<u64>,
    /// The driver's clock, where it comes with them.
    driver_ns: Option<u64>,
}

impl Powers {
    fn any(self) -> bool {
        self.instant_mw.is_some() || self.average_mw.is_some()
    }
}

/// What a sensor of a GPU may say.
fn is_temperature(celsius: &i32) -> bool {
    (-100..1000).contains(celsius)
}

/// The kernel states 2^-16 J per count for MI200 ("15.259uJ resolution", inc/pmfw_if/smu13_driver_if_aldebaran.h) and for
/// MI300 and later ("Energy counter reported in 15.259uJ (2^-16) units", smu13/smu_v13_0_6_ppt.c), and for no other GPU.
/// <https://github.com/torvalds/linux/tree/master/drivers/gpu/drm/amd/pm/swsmu>
fn states_resolution(gfx_target: Option<u32>, device_id: Option<u16>) -> bool {
    match (gfx_target, device_id) {
        (Some(gfx), _) => gfx == 90_010 || (90_400..100_000).contains(&gfx),
        (None, Some(id)) => matches!(id, 0x7408 | 0x740C | 0x740F | 0x7410 | 0x74A0..=0x74BF | 0x75A0..=0x75BF),
        (None, None) => false,
    }
}

pub struct Device {
    pub index: usize,
    pub name: String,
    pub place: GpuLocation,
    pub device_id: Option<u16>,
    /// The kernel states how much energy a count of its counter stands for.
    states_resolution: bool,
    /// HIP's index if nothing were masked.
    pub unmasked_index: Option<u32>,
    pub role: Role,
    /// For one that has no power and energy of its own: who has them, in words.
    pub measured_by: Option<String>,
    /// Equal for all GPUs that share one energy counter.
    pub package: String,
    /// There are others, in this session or not.
    pub shares_package: bool,
    /// libamd_smi's side of it; without one, all goes by the kernel's files.
    amdsmi: Option<AmdsmiSource>,
    /// The kernel's files, where readings come from them.
    sysfs: Option<SysfsSource>,
    /// Its folder in sysfs.
    folder: PathBuf,
    hwmon: Hwmon,
    counter_state: AtomicCounterState,
    /// The book on its counter, begun at the first look. Held while it is looked at: then looks come in their order.
    tracker: sync::Mutex<Option<AccumulatorTracker>>,
    staleness: StalenessDetector,
    warned_rounding: AtomicBool,
    /// One change at a time: what is read back is then one's own. Holds what has been locked.
    control_lock: sync::Mutex<clocks::ClockLocks>,
}

impl Device {
    pub fn new(
        place: GpuLocation,
        source: Option<AmdsmiContext>,
        handle: Option<ProcessorHandle>,
        backend: Backend,
        root: &Path,
    ) -> Self {
        let folder = sysfs::pci_device(root, &place.pci);
        // One that libamd_smi does not list has no side of it, unless that one is insisted on.
        let amdsmi = source.filter(|_| handle.is_some() || backend == Backend::Amdsmi);
        let amdsmi = amdsmi.map(|source| AmdsmiSource::new(source, handle));
        let device_id = sysfs::device_id(&folder).or(place.node.as_ref().map(|n| n.device_id));
        let mut device = Device {
            index: usize::MAX,
            name: String::new(),
            states_resolution: states_resolution(place.node.as_ref().and_then(|n| n.gfx_target), device_id),
            device_id,
            unmasked_index: None,
            role: Role::Single,
            measured_by: None,
            shares_package: false,
            package: format!("{:04x}:{:02x}:{:02x}", place.pci.domain, place.pci.bus, place.pci.device),
            hwmon: Hwmon::open(&folder),
            folder,
            place,
            amdsmi,
            sysfs: None,
            counter_state: AtomicCounterState::new(CounterState::NotChecked),
            tracker: sync::Mutex::new(None),
            staleness: StalenessDetector::default(),
            warned_rounding: AtomicBool::new(false),
            control_lock: sync::Mutex::new(clocks::ClockLocks::default()),
        };
        let asked = device.amdsmi.as_ref().and_then(AmdsmiSource::market_name);
        device.name = asked.or_else(|| sysfs::product_name(&device.folder)).unwrap_or_default();
        device.select_source(backend);
        device
    }

    /// The resolution of its counts, where that one is wanted: the firmware's only if the kernel states it.
    #[must_use]
    #[inline]
    pub fn resolution(&self, wanted: EnergyResolution) -> EnergyResolution {
        wanted.if_stated(self.states_resolution)
    }

    /// How errors call it.
    #[must_use]
    pub fn label(&self) -> String {
        let name = if self.name.is_empty() { "unnamed" } else { &self.name };
        let number = if self.index == usize::MAX { String::new() } else { format!(" {}", self.index) };
        format!("GPU{number} ({name}, {})", self.place.pci)
    }

    /// Where its readings come from: never `Auto`.
    #[must_use]
    pub fn backend(&self) -> Backend {
        if self.sysfs.is_some() {
            Backend::Sysfs
        } else {
            Backend::Amdsmi
        }
    }

    #[must_use]
    #[inline]
    pub fn counter_state(&self) -> CounterState {
        self.counter_state.get()
    }

    pub fn set_counter_state(&self, v: CounterState) {
        self.counter_state.set(v);
    }

    /// Power of the whole package, in milliwatts.
    pub fn power_mw(&self, which: Power) -> Result<u64> {
        self.check_own_power("power")?;
        let power = self.reported_power_mw(which)?;
        self.check_not_zero("power", power)?;
        Ok(power)
    }

    /// What the source says, whoever's power it is.
    fn reported_power_mw(&self, which: Power) -> Result<u64> {
        let what = match which {
            Power::Instant => "instant power",
            Power::Average => "average power",
        };
        let (powers, stale_ms) = self.powers(what)?;
        let (asked, other) = match which {
            Power::Instant => (powers.instant_mw, powers.average_mw),
            Power::Average => (powers.average_mw, powers.instant_mw),
        };
        match (asked, other) {
            (Some(mw), _) => self.check_fresh(what, stale_ms).map(|()| mw),
            (None, Some(_)) => {
                let why = match which {
                    Power::Instant => "this GPU reports average power only; ask for that",
                    Power::Average => "this GPU reports instant power only; ask for that",
                };
                Err(self.not_supported(what, why))
            }
            (None, None) => {
                Err(self.not_supported(what, "the driver reports none (its gpu_metrics may be unreadable)"))
            }
        }
    }

    /// Both powers, and for how long their time has stood still, if that is too long.
    fn powers(&self, what: &'static str) -> Result<(Powers, Option<u64>)> {
        match (&self.sysfs, &self.amdsmi) {
            (Some(sysfs), _) => self.file_powers(sysfs, what),
            (None, Some(amdsmi)) => {
                let look = || {
                    let powers = self.vendor_powers(amdsmi)?;
                    // Up to 25.x a failed read repeats the last ones with SUCCESS, and without a time of their own.
                    let repeated_ns = if powers.any() { amdsmi.sample_time_ns() } else { None };
                    Ok((powers, self.stale_for_ms(repeated_ns)))
                };
                retry_if_stale(look, |(_, stale_ms)| stale_ms.is_some())
            }
            (None, None) => Err(self.without_source(what)),
        }
    }

    /// The energy counter as it stands, trusted or not.
    #[inline]
    pub fn raw_energy(&self, unit: EnergyResolution) -> Result<RawEnergy> {
        const WHAT: &str = "energy";
        self.check_own_power(WHAT)?;
        match self.read_fast(unit) {
            Some(t) => Ok(t.energy()),
            None => self.raw_energy_slow(unit),
        }
    }

    /// The same where something may be the matter: another look.
    fn raw_energy_slow(&self, unit: EnergyResolution) -> Result<RawEnergy> {
        const WHAT: &str = "energy";
        let mut raw = match (&self.sysfs, &self.amdsmi) {
            (Some(sysfs), _) => self.file_energy(sysfs, WHAT)?,
            (None, Some(amdsmi)) => match self.read_count_checked(amdsmi) {
                Ok(raw) => raw,
                Err(n) => return Err(self.energy_error(amdsmi, WHAT, n)),
            },
            (None, None) => return Err(self.without_source(WHAT)),
        };
        self.check_not_zero(WHAT, raw.accumulator)?;
        raw.resolution_uj = self.resolution(unit).uj(raw.resolution_uj);
        Ok(raw)
    }

    /// Energy in millijoules since the counter's own zero, if the counter is to be trusted.
    #[inline]
    pub fn energy_mj(&self, unit: EnergyResolution) -> Result<u64> {
        if !self.is_secondary() && self.counter_state().is_usable() {
            if let Some(mj) = self.energy_mj_fast(unit) {
                return Ok(mj);
            }
        }
        self.energy_mj_slow(unit)
    }

    fn energy_mj_slow(&self, unit: EnergyResolution) -> Result<u64> {
        const WHAT: &str = "energy";
        self.check_own_power(WHAT)?;
        let counter_state = self.counter_state();
        if counter_state == CounterState::Pending {
            return Err(Error::NotReady { device: self.label(), what: WHAT });
        }
        // Where validation could not read it, the call itself says why.
        if !counter_state.is_usable() && counter_state != CounterState::Unsupported {
            return Err(
                self.not_supported(WHAT, &format!("its energy counter is not trusted: {}", counter_state.why()))
            );
        }
        let raw = self.raw_energy_slow(unit)?;
        if counter_state == CounterState::Unsupported {
            return Err(self.not_supported(
                WHAT,
                "its energy counter could not be read when the session was opened, so nothing tells whether it is to be trusted; open another session",
            ));
        }
        self.check_fresh(WHAT, raw.stale_ms)?;
        self.to_mj(&raw)
    }

    #[inline]
    pub fn to_mj(&self, raw: &RawEnergy) -> Result<u64> {
        energy_mj(raw.accumulator, raw.resolution_uj).ok_or_else(|| {
            self.not_supported("energy", &format!("libamd_smi reports a unit of {} µJ for it", raw.resolution_uj))
        })
    }

    /// Hotspot (junction) temperature in degrees Celsius.
    pub fn temperature_c(&self) -> Result<i32> {
        const WHAT: &str = "temperature";
        let celsius = match (&self.sysfs, &self.amdsmi) {
            (Some(sysfs), _) => self.file_hotspot_c(sysfs, WHAT)?,
            (None, Some(amdsmi)) => self.vendor_hotspot_c(amdsmi)?,
            (None, None) => return Err(self.without_source(WHAT)),
        };
        match i32::try_from(celsius) {
            Ok(c) if is_temperature(&c) => Ok(c),
            _ => Err(self.not_supported(WHAT, &format!("{celsius} °C is what is reported"))),
        }
    }

    /// The highest and the lowest clock of the domain, as Zeus has it: [max, min].
    pub fn clocks_mhz(&self, clock: Clock) -> Result<(u32, u32)> {
        match &self.amdsmi {
            Some(amdsmi) => self.vendor_clocks_mhz(amdsmi, clock),
            None => self.file_clocks_mhz(clock),
        }
    }

    /// Setters of AMD's library return when the driver is done.
    #[must_use]
    pub fn supports_nonblocking_setters(&self) -> bool {
        false
    }

    /// Power, energy and limits are another GPU's.
    #[must_use]
    pub fn is_secondary(&self) -> bool {
        matches!(self.role, Role::SecondaryDie { .. } | Role::SecondaryPartition { .. })
    }

    /// Does it report power or energy of its own? Of two dies only one does.
    #[must_use]
    pub fn reports_anything(&self) -> bool {
        // A failure that passes says nothing: then it is taken for the one that does, which refuses zeroes.
        let passing = |k: Kind| matches!(k, Kind::Busy | Kind::Io | Kind::Timeout | Kind::NoMemory);
        let power = |which| match self.reported_power_mw(which) {
            Ok(mw) => mw != 0,
            Err(e) => passing(e.kind()),
        };
        let counts = match (&self.sysfs, &self.amdsmi) {
            (Some(sysfs), _) => self.file_energy(sysfs, "energy"),
            (None, Some(amdsmi)) => self.vendor_energy(amdsmi, "energy"),
            (None, None) => Err(self.without_source("energy")),
        };
        let counts = counts.map_or_else(|e| passing(e.kind()), |raw| raw.accumulator != 0);
        power(Power::Instant) || power(Power::Average) || counts
    }

    /// Of two dies one reports zeroes. If that is the one that was taken for the other, they are no readings.
    fn check_not_zero(&self, what: &'static str, value: u64) -> Result<()> {
        if value == 0 && self.role == Role::PrimaryDie {
            let why = "it reports 0, as second dies do, and when the session was opened nothing told which die it is; open another session";
            return Err(self.not_supported(what, why));
        }
        Ok(())
    }

    pub fn not_supported(&self, what: &'static str, why: &str) -> Error {
        Error::NotSupported { device: self.label(), what, why: why.to_owned() }
    }

    fn without_source(&self, what: &'static str) -> Error {
        self.not_supported(what, "neither libamd_smi nor the kernel's files serve this GPU")
    }

    /// One counter, one limit a package: where they are another GPU's, this one refuses and names it.
    #[inline]
    fn check_own_power(&self, what: &'static str) -> Result<()> {
        let is = match self.role {
            Role::Single | Role::PrimaryDie => return Ok(()),
            Role::SecondaryDie { .. } => "it is the second die of its package and reports nothing of its own",
            Role::SecondaryPartition { .. } => {
                "it is a partition of a package that is measured as a whole, by its first partition"
            }
        };
        let who = self.measured_by.as_deref().unwrap_or("nothing tells which GPU");
        Err(self.not_supported(what, &format!("{is}; {who} has it, for all of the package")))
    }
}
