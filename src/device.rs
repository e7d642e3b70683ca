//! One GPU: its readings, from whichever source serves them.

mod clocks;
mod control;
mod look;
mod settings;

use crate::amdsmi::status::Status;
use crate::amdsmi::version::Generation;
use crate::amdsmi::{Clock, Handle, Library, PowerCaps};
use crate::clock::{boot_ns, monotonic_ns};
use crate::counter::{energy_mj, EnergyUnit, Ledger};
use crate::error::{Error, Kind, Result};
use crate::sysfs::hwmon::Hwmon;
use crate::topology::{Place, Role};
use crate::verdict::Verdict;
use crate::{lock, log, sysfs};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

pub use look::Looked;
pub use settings::{Settings, Write};

/// The driver refreshes its table in 1 to 20 ms, a libamd_smi with a cache in 100: after this the value is old.
const STALE_AFTER_NS: u64 = 250_000_000;

/// Which of the two powers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    Instant,
    Average,
}

/// One reading of the energy accumulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawEnergy {
    pub accumulator: u64,
    /// Microjoules a count, in the unit that the session chose.
    pub unit_uj: f64,
    /// The driver's clock (boot time) when it filled the table.
    pub driver_time_ns: Option<u64>,
    /// `Some(age)` if that clock has stood still for suspiciously long.
    pub stale_ms: Option<u64>,
}

/// The powers that a GPU reports: one of the two, as a rule.
struct Powers {
    instant_mw: Option<u64>,
    average_mw: Option<u64>,
}

/// Power limits in milliwatts, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerLimits {
    pub current_mw: Option<u64>,
    pub default_mw: Option<u64>,
    pub min_mw: Option<u64>,
    pub max_mw: Option<u64>,
}

/// The driver time last seen, and when it was first seen, on our clock.
#[derive(Debug, Default)]
struct LastTime {
    driver_ns: u64,
    first_seen_ns: u64,
    /// How far our boot clock is ahead of the driver's at least, whatever the driver's zero is.
    least_lag_ns: i64,
    /// The driver's clock was seen to go as fast as ours: then the lag tells how old a reading is.
    paced: bool,
}

/// What every device of a session shares.
#[derive(Clone, Copy)]
pub struct Source {
    pub library: &'static Library,
    pub generation: &'static Generation,
    /// The library's initialisation that the handles belong to.
    pub epoch: u32,
}

pub struct Device {
    pub index: usize,
    pub name: String,
    pub place: Place,
    pub device_id: Option<u16>,
    /// HIP's index if nothing were masked.
    pub unmasked: Option<u32>,
    pub role: Role,
    /// For one that has no power and energy of its own: who has them, in words.
    pub shared_with: Option<String>,
    /// Equal for all GPUs that share one energy counter.
    pub package: String,
    source: Source,
    handle: Option<Handle>,
    /// Its folder in sysfs.
    folder: PathBuf,
    hwmon: Option<Hwmon>,
    verdict: Mutex<Verdict>,
    /// The book on its counter, begun at the first look. Held while it is looked at: then looks come in their order.
    ledger: lock::Mutex<Option<Ledger>>,
    last_time: Mutex<LastTime>,
    said_fraction: AtomicBool,
    /// One change at a time: what is read back is then one's own. Holds what has been locked.
    changing: lock::Mutex<clocks::Locks>,
}

impl Device {
    pub fn new(place: Place, source: Source, handle: Option<Handle>, root: &std::path::Path) -> Self {
        let folder = sysfs::pci_device(root, &place.pci);
        let mut device = Device {
            index: usize::MAX,
            name: String::new(),
            device_id: sysfs::device_id(&folder).or(place.node.as_ref().map(|n| n.device_id)),
            unmasked: None,
            role: Role::Single,
            shared_with: None,
            package: format!("{:04x}:{:02x}:{:02x}", place.pci.domain, place.pci.bus, place.pci.device),
            hwmon: Hwmon::find(&folder),
            folder,
            place,
            source,
            handle,
            verdict: Mutex::new(Verdict::NotChecked),
            ledger: lock::Mutex::new(None),
            last_time: Mutex::new(LastTime::default()),
            said_fraction: AtomicBool::new(false),
            changing: lock::Mutex::new(clocks::Locks::default()),
        };
        let asked = device.handle.map(|h| source.library.calls.market_name(source.generation, h).1);
        device.name = asked.flatten().or_else(|| sysfs::product_name(&device.folder)).unwrap_or_default();
        device
    }

    /// How errors call it.
    #[must_use]
    pub fn label(&self) -> String {
        let name = if self.name.is_empty() { "unnamed" } else { &self.name };
        format!("GPU {} ({name}, {})", self.index, self.place.pci)
    }

    #[must_use]
    #[inline]
    pub fn verdict(&self) -> Verdict {
        *self.verdict.lock()
    }

    pub fn set_verdict(&self, v: Verdict) {
        *self.verdict.lock() = v;
    }

    /// Power of the whole package, in milliwatts.
    pub fn power_mw(&self, which: Power) -> Result<u64> {
        self.refuse_shared("power")?;
        let power = self.reported_power_mw(which)?;
        self.refuse_zero("power", power)?;
        Ok(power)
    }

    /// What the source says, whoever's power it is.
    fn reported_power_mw(&self, which: Power) -> Result<u64> {
        let what = match which {
            Power::Instant => "instant power",
            Power::Average => "average power",
        };
        let (status, powers) = self.powers()?;
        let (asked, other) = match which {
            Power::Instant => (powers.instant_mw, powers.average_mw),
            Power::Average => (powers.average_mw, powers.instant_mw),
        };
        match (asked, other, status) {
            (Some(mw), _, _) => {
                self.require_fresh(what)?;
                Ok(mw)
            }
            (None, Some(_), _) => {
                let why = match which {
                    Power::Instant => "this GPU reports average power only; ask for that",
                    Power::Average => "this GPU reports instant power only; ask for that",
                };
                Err(self.not_supported(what, why))
            }
            (None, None, Err(status)) => Err(self.failure(status, "amdsmi_get_power_info")),
            (None, None, Ok(())) => Err(self.not_supported(what, self.no_power())),
        }
    }

    /// Both powers, and how the call went: a failed one may have values.
    fn powers(&self) -> Result<(std::result::Result<(), Status>, Powers)> {
        if self.source.generation.frozen {
            // Its library reads the metrics once a process and mixes up GPUs; the kernel's own file does not.
            let mw = |read: fn(&Hwmon) -> Option<u64>| self.hwmon.as_ref().and_then(read).map(|uw| uw / 1000);
            let powers = Powers { instant_mw: mw(Hwmon::power_input_uw), average_mw: mw(Hwmon::power_average_uw) };
            return Ok((Ok(()), powers));
        }
        let handle = self.handle()?;
        let (status, info) = self.source.library.calls.power_info(self.source.generation, handle);
        let mw = |watts: Option<u32>| watts.map(|w| u64::from(w) * 1000);
        Ok((status, Powers { instant_mw: mw(info.current_w), average_mw: mw(info.average_w) }))
    }

    fn no_power(&self) -> &'static str {
        if self.source.generation.frozen {
            "the libamd_smi of ROCm 6.0 freezes it, and the kernel's hwmon folder offers none"
        } else {
            "the driver reports none (its gpu_metrics may be unreadable)"
        }
    }

    /// The energy counter as it stands, trusted or not.
    #[inline]
    pub fn raw_energy(&self, unit: EnergyUnit) -> Result<RawEnergy> {
        const WHAT: &str = "energy";
        self.refuse_shared(WHAT)?;
        if self.source.generation.frozen {
            return Err(self.not_supported(
                WHAT,
                "the libamd_smi of ROCm 6.0 reads the counter once a process and mixes up GPUs; use one of ROCm 6.1 or later",
            ));
        }
        let handle = self.handle()?;
        let count = self.source.library.calls.energy_count(self.source.generation, handle);
        let count = count.map_err(|s| self.failure(s, "amdsmi_get_energy_count"))?;
        let accumulator =
            count.accumulator.ok_or_else(|| self.not_supported(WHAT, "the driver has no energy counter for it"))?;
        self.refuse_zero(WHAT, accumulator)?;
        Ok(RawEnergy {
            accumulator,
            unit_uj: unit.uj(f64::from(count.resolution_uj)),
            driver_time_ns: count.time_ns,
            stale_ms: count.time_ns.and_then(|t| self.standing_still_ms(t)),
        })
    }

    /// Energy in millijoules since the counter's own zero, if the counter is to be trusted.
    pub fn energy_mj(&self, unit: EnergyUnit) -> Result<u64> {
        const WHAT: &str = "energy";
        self.refuse_shared(WHAT)?;
        let verdict = self.verdict();
        if verdict == Verdict::Pending {
            return Err(Error::NotYet { device: self.label(), what: WHAT });
        }
        // Where validation could not read it, the call itself says why.
        if !verdict.is_usable() && verdict != Verdict::Unsupported {
            return Err(self.not_supported(WHAT, &format!("its energy counter is not trusted: {}", verdict.why())));
        }
        let raw = self.raw_energy(unit)?;
        if verdict == Verdict::Unsupported {
            return Err(self.not_supported(
                WHAT,
                "its energy counter could not be read when the session was opened, so nothing tells whether it is to be trusted; open another session",
            ));
        }
        if let Some(age_ms) = raw.stale_ms {
            return Err(Error::Stale { device: self.label(), what: WHAT, age_ms });
        }
        self.to_mj(&raw)
    }

    #[inline]
    pub fn to_mj(&self, raw: &RawEnergy) -> Result<u64> {
        energy_mj(raw.accumulator, raw.unit_uj).ok_or_else(|| {
            self.not_supported("energy", &format!("libamd_smi reports a unit of {} µJ for it", raw.unit_uj))
        })
    }

    /// Hotspot (junction) temperature in degrees Celsius.
    pub fn temperature_c(&self) -> Result<i32> {
        let handle = self.handle()?;
        let celsius = self.source.library.calls.hotspot_c(self.source.generation, handle);
        let celsius = celsius.map_err(|s| self.failure(s, "amdsmi_get_temp_metric"))?;
        match i32::try_from(celsius) {
            Ok(c) if (-100..1000).contains(&c) => Ok(c),
            _ => Err(self.not_supported("temperature", &format!("libamd_smi reports {celsius} °C"))),
        }
    }

    pub fn power_limits(&self) -> Result<PowerLimits> {
        let caps = self.power_caps()?;
        let mw = |uw: Option<u64>| {
            uw.map(|uw| {
                if uw % 1000 != 0 && !self.said_fraction.swap(true, Ordering::Relaxed) {
                    log::warning(|| {
                        format!("{}: a power limit of {uw} µW is not a whole number of mW; rounded down", self.label())
                    });
                }
                uw / 1000
            })
        };
        Ok(PowerLimits {
            current_mw: mw(caps.current_uw),
            default_mw: mw(caps.default_uw),
            min_mw: mw(caps.min_uw),
            max_mw: mw(caps.max_uw),
        })
    }

    /// The caps in µW, the current one from the kernel's file where the library cannot show it.
    fn power_caps(&self) -> Result<PowerCaps> {
        self.refuse_shared("power limit")?;
        let handle = self.handle()?;
        let caps = self.source.library.calls.power_caps(self.source.generation, handle);
        let mut caps = caps.map_err(|s| self.failure(s, "amdsmi_get_power_cap_info"))?;
        if self.source.generation.cap_tenth {
            // The library loses the last digit from 1000 W on; the kernel's file tells.
            let told = self.hwmon.as_ref().and_then(Hwmon::power_cap_uw);
            let may_be_tenth = caps.max_uw.is_some_and(|max| max >= 1_000_000_000);
            caps.current_uw = told.or(if may_be_tenth { None } else { caps.current_uw });
        }
        Ok(caps)
    }

    /// One of the limits; absent is a failure.
    pub fn power_limit_mw(&self, which: impl FnOnce(&PowerLimits) -> Option<u64>) -> Result<u64> {
        which(&self.power_limits()?).ok_or_else(|| self.no_limit())
    }

    fn no_limit(&self) -> Error {
        self.not_supported(
            "power limit",
            "the driver reports none, or libamd_smi cannot show one of 1000 W and more and the hwmon folder is not readable",
        )
    }

    /// Setters of AMD's library return when the driver is done.
    #[must_use]
    pub fn supports_nonblocking_setters(&self) -> bool {
        false
    }

    /// The highest and the lowest clock of the domain, as Zeus has it: [max, min].
    pub fn clocks_mhz(&self, clock: Clock) -> Result<(u32, u32)> {
        let handle = self.handle()?;
        let clocks = self.source.library.calls.clocks(self.source.generation, handle, clock);
        let clocks = clocks.map_err(|s| self.failure(s, "amdsmi_get_clock_info"))?;
        match (clocks.max_mhz, clocks.min_mhz) {
            (Some(max), Some(min)) => Ok((max, min)),
            _ => Err(self.not_supported(clocks::name(clock), "the driver does not report its range")),
        }
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
        let counts = || {
            let count = self.handle.map(|h| self.source.library.calls.energy_count(self.source.generation, h));
            count.is_some_and(|c| c.map_or_else(|s| passing(s.kind()), |c| c.accumulator.is_some_and(|a| a != 0)))
        };
        power(Power::Instant) || power(Power::Average) || (!self.source.generation.frozen && counts())
    }

    /// Of two dies one reports zeroes. If that is the one that was taken for the other, they are no readings.
    fn refuse_zero(&self, what: &'static str, value: u64) -> Result<()> {
        if value == 0 && self.role == Role::PrimaryDie {
            let why = "it reports 0, as second dies do, and when the session was opened nothing told which die it is; open another session";
            return Err(self.not_supported(what, why));
        }
        Ok(())
    }

    pub fn not_supported(&self, what: &'static str, why: &str) -> Error {
        Error::NotSupported { device: self.label(), what, why: why.to_owned() }
    }

    /// One counter, one limit a package: where they are another GPU's, this one refuses and names it.
    #[inline]
    fn refuse_shared(&self, what: &'static str) -> Result<()> {
        let is = match self.role {
            Role::Single | Role::PrimaryDie => return Ok(()),
            Role::SecondaryDie { .. } => "it is the second die of its package and reports nothing of its own",
            Role::SecondaryPartition { .. } => {
                "it is a partition of a package that is measured as a whole, by its first partition"
            }
        };
        let who = self.shared_with.as_deref().unwrap_or("nothing tells which GPU");
        Err(self.not_supported(what, &format!("{is}; {who} has it, for all of the package")))
    }

    #[inline]
    fn handle(&self) -> Result<Handle> {
        let handle = self.handle.ok_or_else(|| {
            Error::NotFound(format!("{}: HIP sees this GPU, but libamd_smi does not list it", self.label()))
        })?;
        if self.source.epoch != self.source.library.epoch() {
            return Err(self.failure(Status::NOT_INIT, "libamd_smi, shut down and initialised anew by somebody else,"));
        }
        Ok(handle)
    }

    fn failure(&self, status: Status, call: &'static str) -> Error {
        self.source.library.device_failure(status, call, self.label())
    }

    /// For values without a time of their own: up to 25.x a failed read repeats the last ones with SUCCESS.
    fn require_fresh(&self, what: &'static str) -> Result<()> {
        if !self.source.generation.repeats_stale {
            return Ok(());
        }
        let Some(handle) = self.handle else { return Ok(()) };
        let count = self.source.library.calls.energy_count(self.source.generation, handle);
        let age = count.ok().and_then(|c| c.time_ns).and_then(|t| self.standing_still_ms(t));
        age.map_or(Ok(()), |age_ms| Err(Error::Stale { device: self.label(), what, age_ms }))
    }

    /// How long the driver's time has been `driver_ns`, if that is too long.
    #[inline]
    fn standing_still_ms(&self, driver_ns: u64) -> Option<u64> {
        let now = monotonic_ns();
        let lag = boot_ns().wrapping_sub(driver_ns) as i64;
        let mut last = self.last_time.lock();
        let least = if last.driver_ns == 0 { lag } else { last.least_lag_ns.min(lag) };
        last.least_lag_ns = least;
        if last.driver_ns != driver_ns {
            let (ours, theirs) = (now.saturating_sub(last.first_seen_ns), driver_ns.wrapping_sub(last.driver_ns));
            last.paced |= last.driver_ns != 0 && ours > STALE_AFTER_NS && theirs.abs_diff(ours) < ours / 4;
            (last.driver_ns, last.first_seen_ns) = (driver_ns, now);
        }
        // A time that is new to us may be old all the same.
        let lagging = if last.paced { lag.wrapping_sub(least).unsigned_abs() } else { 0 };
        let age = now.saturating_sub(last.first_seen_ns).max(lagging);
        (age > STALE_AFTER_NS).then_some(age / 1_000_000)
    }
}
