//! All that one GPU says at one time: by one read of the file, where that serves.

use super::files::{table_energy, table_powers};
use super::{is_temperature, Device, Powers, RawEnergy};
use crate::counter::EnergyUnit;
use crate::error::{Kind, Result};
use crate::topology::Role;

/// What it said; what is missing it did not say.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    pub energy: Option<RawEnergy>,
    pub instant_mw: Option<u64>,
    pub average_mw: Option<u64>,
    pub hotspot_c: Option<i32>,
    /// The driver's clock (boot time) of all of it.
    pub driver_ns: Option<u64>,
    /// `Some(age)` if that has stood still for suspiciously long.
    pub stale_ms: Option<u64>,
    /// What is missing is missing for good.
    pub no_counter: bool,
    pub no_power: bool,
    /// Why there is no energy.
    pub why: Option<Kind>,
}

impl Device {
    /// Power and energy, and if wanted the temperature. Fails for a GPU that has none of its own.
    pub fn reading(&self, unit: EnergyUnit, temperature: bool) -> Result<Reading> {
        self.refuse_shared("power and energy")?;
        // How old it is shows right after it was read: the next call may have to wait for other threads.
        let age = |driver_ns: Option<u64>| driver_ns.and_then(|t| self.standing_still_ms(t));
        let (energy, powers, hotspot_c, stale_ms) = match &self.files {
            Some(files) => {
                let table = self.by_table(files, "power and energy", |t| {
                    (table_energy(t, files.unit_uj), table_powers(t), t.hotspot_c().filter(|_| temperature))
                });
                match table {
                    Ok((energy, powers, hotspot)) => {
                        let (driver_ns, stale_ms) = (powers.driver_ns, age(powers.driver_ns));
                        let powers = if powers.any() { powers } else { Powers { driver_ns, ..self.hwmon_powers() } };
                        (Ok(energy), Ok(powers), hotspot, stale_ms)
                    }
                    Err(e) => (Err(e), Ok(self.hwmon_powers()), None, None),
                }
            }
            None => {
                let energy = self.raw_energy(EnergyUnit::Reported);
                let mut stale_ms = energy.as_ref().ok().and_then(|e| e.stale_ms);
                let mut powers = self.powers("power");
                if let (Err(_), Ok(powers), Some(vendor)) = (&energy, &mut powers, &self.vendor) {
                    // Without a count nothing else tells whether a power is an old one.
                    powers.driver_ns = powers.driver_ns.or_else(|| vendor.time_of_repeated_ns());
                    stale_ms = age(powers.driver_ns);
                }
                let hotspot = if temperature { self.temperature_c().ok() } else { None };
                (energy.map(Some), powers, hotspot, stale_ms)
            }
        };
        // Not in the table, or nothing that could be one: then as a single call has it.
        let hotspot_c = hotspot_c.filter(is_temperature);
        let by_hwmon = temperature && hotspot_c.is_none() && self.files.is_some();
        let hotspot_c = if by_hwmon { self.temperature_c().ok() } else { hotspot_c };
        let missing = energy.as_ref().map_or_else(|e| Some(e.kind()), |e| e.is_none().then_some(Kind::NotSupported));
        let refused = powers.as_ref().map_or_else(|e| e.kind() == Kind::NotSupported, |_| true);
        let powers = powers.unwrap_or_default();
        // Of two dies one reports zeroes, which are no readings.
        let real = |value: &u64| *value > 0 || self.role != Role::PrimaryDie;
        let (instant_mw, average_mw) = (powers.instant_mw.filter(real), powers.average_mw.filter(real));
        let mut energy = energy.ok().flatten().filter(|e| real(&e.accumulator));
        let driver_ns = energy.and_then(|e| e.driver_time_ns).or(powers.driver_ns);
        if let Some(e) = &mut energy {
            e.unit_uj = unit.uj(e.unit_uj);
            e.stale_ms = stale_ms;
        }
        Ok(Reading {
            energy,
            instant_mw,
            average_mw,
            hotspot_c,
            driver_ns,
            stale_ms,
            no_counter: missing == Some(Kind::NotSupported),
            no_power: refused && instant_mw.or(average_mw).is_none(),
            why: missing,
        })
    }
}
