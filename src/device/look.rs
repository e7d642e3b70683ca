//! Looks at a GPU: what it counts and draws, into the book that windows and samplers read.

use super::files::{table_energy, table_powers};
use super::{Device, Powers, RawEnergy};
use crate::clock::boot_ns;
use crate::counter::{EnergyUnit, Ledger, Look, Mark, Step};
use crate::error::{Kind, Result};
use crate::log;
use crate::topology::Role;
use crate::verdict::Verdict;

/// No GPU draws more for long, if nothing tells of its limit.
const UNKNOWN_LIMIT_MW: u64 = 1_500_000;
/// A counter that has stood still for so long although power is drawn has stopped: the slowest move every 100 ms.
const STOPPED_AFTER_NS: u64 = 120_000_000;

/// All that one reading says.
pub(super) struct Reading {
    pub energy: Option<RawEnergy>,
    pub powers: Powers,
    /// What is missing is missing for good.
    pub no_counter: bool,
    pub no_power: bool,
}

/// What a look came to.
pub struct Looked {
    pub look: Look,
    pub step: Step,
    /// The state of the book after it; its edge is when the look was over.
    pub mark: Mark,
    pub ceiling_mw: u64,
    /// How long a 32-bit counter takes to come round at most power.
    pub wrap_ns: Option<u64>,
}

impl Device {
    /// Looks, and writes it into the book.
    pub fn look(&self) -> Looked {
        let mut book = self.ledger.lock();
        let ledger = book.get_or_insert_with(|| Ledger::new(self.counter_bits(), self.highest_limit_mw()));
        let look = self.look_once();
        let step = ledger.add(&look);
        let stopped = ledger.still_ns() >= STOPPED_AFTER_NS;
        let looked = Looked {
            look,
            step,
            mark: Mark {
                edge_ns: look.seen_ns,
                counted: ledger.counted(),
                powered: ledger.powered(),
                totals: ledger.totals(),
            },
            ceiling_mw: ledger.ceiling_mw(),
            wrap_ns: ledger.wrap_ns(),
        };
        drop(book);
        if stopped && self.verdict().is_usable() {
            self.set_verdict(Verdict::Stuck);
            log::warning(|| format!("{}: its energy counter has stopped, and is not used any more", self.label()));
        }
        looked
    }

    fn look_once(&self) -> Look {
        let mut look = Look::default();
        match self.reading() {
            Ok(r) => {
                if let Some(raw) = r.energy {
                    look.accumulator = Some(raw.accumulator);
                    look.unit_uj = raw.unit_uj;
                    look.driver_ns = raw.driver_time_ns;
                    look.firmware_ns = raw.firmware_time_ns;
                    look.stale = raw.stale_ms.is_some();
                }
                look.no_counter = r.no_counter;
                look.power_mw = r.powers.instant_mw.or(r.powers.average_mw);
                look.averaged = r.powers.instant_mw.is_none() && r.powers.average_mw.is_some();
                look.no_power = r.no_power;
            }
            Err(e) => look.no_counter = e.kind() == Kind::NotSupported,
        }
        look.seen_ns = boot_ns();
        // A time that is still to come is none of this clock.
        look.driver_ns = look.driver_ns.filter(|d| *d <= look.seen_ns);
        look
    }

    /// Power and energy, by one read of the file where it serves.
    pub(super) fn reading(&self) -> Result<Reading> {
        self.refuse_shared("power and energy")?;
        let (energy, powers) = match &self.files {
            Some(files) => {
                match self.by_table(files, "energy", |t| (table_energy(t, files.unit_uj), table_powers(t))) {
                    Ok((energy, powers)) if powers.any() => (Ok(energy), Ok(powers)),
                    Ok((energy, _)) => (Ok(energy), Ok(self.hwmon_powers())),
                    Err(e) => (Err(e), Ok(self.hwmon_powers())),
                }
            }
            None => (self.raw_energy(EnergyUnit::Reported).map(Some), self.powers("power")),
        };
        // Of two dies one reports zeroes, which are no readings.
        let primary = self.role == Role::PrimaryDie;
        let real = |mw: &u64| *mw > 0 || !primary;
        let refused = |kind: Kind| kind == Kind::NotSupported;
        let no_counter = energy.as_ref().map_or_else(|e| refused(e.kind()), Option::is_none);
        let (powers, no_power) = match powers {
            Ok(p) => {
                let (instant_mw, average_mw) = (p.instant_mw.filter(real), p.average_mw.filter(real));
                (Powers { instant_mw, average_mw, ..p }, instant_mw.or(average_mw).is_none())
            }
            Err(e) => (Powers::default(), refused(e.kind())),
        };
        let mut energy = energy.ok().flatten().filter(|e| real(&e.accumulator));
        if let (Some(e), true) = (&mut energy, self.files.is_some()) {
            e.stale_ms = e.driver_time_ns.and_then(|t| self.standing_still_ms(t));
        }
        Ok(Reading { energy, powers, no_counter, no_power })
    }

    /// The firmware of MI100 and of Radeon counts in 32 bits, that of MI200 and later in 64.
    fn counter_bits(&self) -> u32 {
        const MI100: [u16; 4] = [0x7388, 0x738c, 0x738e, 0x7390];
        match self.place.node.as_ref().and_then(|n| n.gfx_target) {
            Some(gfx) if gfx < 90010 || (100_000..130_000).contains(&gfx) => 32,
            None if self.device_id.is_some_and(|id| MI100.contains(&id)) => 32,
            _ => 64,
        }
    }

    fn highest_limit_mw(&self) -> u64 {
        let limits = self.power_limits().ok();
        let highest = limits.and_then(|l| l.max_mw.max(l.current_mw).max(l.default_mw));
        highest.filter(|mw| *mw > 0).unwrap_or(UNKNOWN_LIMIT_MW)
    }
}
