//! All that one GPU says at one time: by one read of the file, where that serves.

use super::source::amdsmi::AmdsmiSource;
use super::source::sysfs::{table_powers, SysfsSource};
use super::{is_temperature, Device, Powers, RawEnergy};
use crate::energy::{energy_mj, EnergyResolution};
use crate::error::{Kind, Result};
use crate::sysfs::SysfsError;
use crate::topology::Role;

/// What it said; what is missing it did not say.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    pub energy: Option<RawEnergy>,
    /// The same in millijoules.
    pub energy_mj: Option<u64>,
    pub instant_mw: Option<u64>,
    pub average_mw: Option<u64>,
    pub hotspot_c: Option<i32>,
    /// The driver's clock (boot time) of all of it.
    pub driver_ns: Option<u64>,
    /// `Some(age)` if that has stood still for suspiciously long.
    pub stale_ms: Option<u64>,
    /// What is missing is missing for good.
    pub counter_unsupported: bool,
    pub power_unsupported: bool,
    /// Why there is no energy.
    pub why: Option<Kind>,
}

/// What one source said.
struct SourceReading {
    energy: std::result::Result<RawEnergy, Kind>,
    powers: Powers,
    /// A power that is missing is missing for good.
    power_unsupported: bool,
    hotspot_c: Option<i32>,
    stale_ms: Option<u64>,
}

impl Device {
    /// Power and energy, and if wanted the temperature. Fails for a GPU that has none of its own.
    pub fn reading(&self, unit: EnergyResolution, temperature: bool) -> Result<Reading> {
        self.check_own_power("power and energy")?;
        if let Some(t) = self.read_fast(unit) {
            let mw = |is: bool| is.then_some(u64::from(t.table.power_mw));
            return Ok(Reading {
                energy: Some(t.energy()),
                energy_mj: Some(t.energy_mj),
                instant_mw: mw(t.table.instant),
                average_mw: mw(!t.table.instant),
                hotspot_c: temperature.then_some(t.table.hotspot_c),
                driver_ns: Some(t.table.driver_time_ns),
                stale_ms: None,
                counter_unsupported: false,
                power_unsupported: false,
                why: None,
            });
        }
        self.reading_slow(unit, temperature)
    }

    /// The same where something may be the matter: another look.
    pub fn reading_slow(&self, unit: EnergyResolution, temperature: bool) -> Result<Reading> {
        self.check_own_power("power and energy")?;
        let SourceReading { energy, powers, power_unsupported, hotspot_c, stale_ms } = match (&self.sysfs, &self.amdsmi)
        {
            (Some(sysfs), _) => self.read_sysfs(sysfs, temperature),
            (None, Some(amdsmi)) => self.read_amdsmi(amdsmi, temperature),
            (None, None) => return Err(self.without_source("power and energy")),
        };
        let missing = energy.as_ref().err().copied();
        // Of two dies one reports zeroes, which are no readings.
        let real = |value: &u64| *value > 0 || self.role != Role::PrimaryDie;
        let (instant_mw, average_mw) = (powers.instant_mw.filter(real), powers.average_mw.filter(real));
        let mut energy = energy.ok().filter(|e| real(&e.accumulator));
        let driver_ns = energy.and_then(|e| e.driver_time_ns).or(powers.driver_ns);
        if let Some(e) = &mut energy {
            e.resolution_uj = self.resolution(unit).uj(e.resolution_uj);
            e.stale_ms = stale_ms;
        }
        Ok(Reading {
            energy,
            energy_mj: energy.and_then(|e| energy_mj(e.accumulator, e.resolution_uj)),
            instant_mw,
            average_mw,
            hotspot_c: hotspot_c.filter(is_temperature),
            driver_ns,
            stale_ms,
            counter_unsupported: missing == Some(Kind::NotSupported),
            power_unsupported: power_unsupported && instant_mw.or(average_mw).is_none(),
            why: missing,
        })
    }

    fn read_sysfs(&self, sysfs: &SysfsSource, temperature: bool) -> SourceReading {
        let table =
            self.fresh_table(sysfs, |t| (sysfs.energy(t), table_powers(t), t.hotspot_c().filter(|_| temperature)));
        let (failure, (energy, mut powers, mut hotspot_c), stale_ms) = match table {
            Ok((taken, stale_ms)) => (None, taken, stale_ms),
            Err(f) => (Some(f), (None, Powers::default(), None), None),
        };
        // What is not in the table may be in hwmon; a GPU that is away has nothing there either.
        let mut power_unsupported = !failure.is_some_and(SysfsError::is_device_wide);
        if power_unsupported {
            if !powers.any() {
                match self.hwmon_powers() {
                    Ok(by_hwmon) => powers = Powers { driver_ns: powers.driver_ns, ..by_hwmon },
                    Err(h) => {
                        power_unsupported =
                            h.kind() == Kind::NotSupported && !failure.is_some_and(SysfsError::is_transient)
                    }
                }
            }
            if temperature && !hotspot_c.as_ref().is_some_and(is_temperature) {
                hotspot_c = self.hwmon_hotspot_c();
            }
        }
        let energy = energy.ok_or(failure.map_or(Kind::NotSupported, SysfsError::kind));
        SourceReading { energy, powers, power_unsupported, hotspot_c, stale_ms }
    }

    fn read_amdsmi(&self, amdsmi: &AmdsmiSource, temperature: bool) -> SourceReading {
        let energy = self.raw_energy(EnergyResolution::Reported);
        let mut stale_ms = energy.as_ref().ok().and_then(|e| e.stale_ms);
        let powers = self.vendor_powers(amdsmi);
        let power_unsupported = powers.as_ref().map_or_else(|e| e.kind() == Kind::NotSupported, |_| true);
        let mut powers = powers.unwrap_or_default();
        if energy.is_err() && powers.any() {
            // Without a count nothing else tells whether a power is an old one.
            powers.driver_ns = powers.driver_ns.or_else(|| amdsmi.sample_time_ns());
            stale_ms = self.stale_for_ms(powers.driver_ns);
        }
        let hotspot_c = if temperature { self.temperature_c().ok() } else { None };
        SourceReading { energy: energy.map_err(|e| e.kind()), powers, power_unsupported, hotspot_c, stale_ms }
    }
}
