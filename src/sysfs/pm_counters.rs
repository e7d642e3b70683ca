//! `/sys/cray/pm_counters` of HPE Cray EX: energy and power of the node and its parts, from the board's controller. One value
//! a file, about ten updates a second.
//!
//! <https://cray-hpe.github.io/docs-csm/en-15/operations/power_management/user_access_to_compute_node_power_data/>

use super::error::SysfsError;
use crate::error::Result;
use crate::platform::clock::boot_ns;
use crate::platform::files::{name, readable_entries};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const FOLDER: &str = "sys/cray/pm_counters";

/// Updates a second where `raw_scan_hz` gives no usable number.
const DEFAULT_HZ: u64 = 10;

/// So often all values are read again, until they are of one update.
const ATTEMPTS: u32 = 4;

/// What a pair of files measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PmSensor {
    Node,
    Cpu,
    Memory,
    Accelerator(u32),
}

/// A number and the controller's time of it, in microseconds since an unspecified zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PmValue {
    pub number: u64,
    pub time_us: Option<u64>,
}

/// The values of one sensor.
#[derive(Debug, Clone, Copy)]
pub struct PmReading {
    pub energy_j: std::result::Result<PmValue, SysfsError>,
    pub power_w: std::result::Result<PmValue, SysfsError>,
}

/// Values that were read between two times on `CLOCK_BOOTTIME`.
#[derive(Debug)]
pub struct PmSnapshot {
    /// Changes when the controller restarts, from which on energies count from 0.
    pub startup: Option<u64>,
    pub begun_ns: u64,
    pub ended_ns: u64,
    /// In the order of the sensors that were asked for.
    pub readings: Vec<PmReading>,
}

pub struct PmCounters {
    folder: PathBuf,
    pub sensors: Vec<PmSensor>,
    pub update_ns: u64,
}

impl PmSensor {
    /// The sensor of a file such as "energy", "cpu_power" or "accel2_energy".
    fn of_file(file: &str) -> Option<PmSensor> {
        let (prefix, quantity) = file.rsplit_once('_').unwrap_or(("", file));
        if !matches!(quantity, "energy" | "power") {
            return None;
        }
        match prefix {
            "" => Some(PmSensor::Node),
            "cpu" => Some(PmSensor::Cpu),
            "memory" => Some(PmSensor::Memory),
            // "accel" alone is the only one, or the sum, of older boards.
            _ => number(prefix.strip_prefix("accel")?).map(PmSensor::Accelerator),
        }
    }

    /// The start of its files' names.
    #[must_use]
    pub fn prefix(self) -> String {
        match self {
            PmSensor::Node => String::new(),
            PmSensor::Cpu => "cpu_".to_owned(),
            PmSensor::Memory => "memory_".to_owned(),
            PmSensor::Accelerator(n) => format!("accel{n}_"),
        }
    }
}

/// Digits alone: no sign, no space.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// "12044825101 J 7810213855886 us", or a cap's "2894 W".
#[must_use]
pub fn parse_value(text: &str, unit: &str) -> Option<PmValue> {
    let mut words = text.split_ascii_whitespace();
    let number_of_unit = number(words.next()?)?;
    if words.next()? != unit {
        return None;
    }
    let time_us = match (words.next(), words.next()) {
        (None, _) => None,
        (Some(time), Some("us")) => Some(number(time)?),
        _ => return None,
    };
    words.next().is_none().then_some(PmValue { number: number_of_unit, time_us })
}

/// The text of a small file, by one read: a second one may see another value.
fn text(path: &Path) -> std::result::Result<String, SysfsError> {
    let mut bytes = [0; 256];
    let length = File::open(path)?.read(&mut bytes)?;
    if length == 0 {
        return Err(SysfsError::Empty);
    }
    std::str::from_utf8(&bytes[..length]).map(str::to_owned).map_err(|_| SysfsError::NotANumber)
}

impl PmCounters {
    /// `None` without such a controller.
    pub fn open(root: &Path) -> Result<Option<PmCounters>> {
        let folder = root.join(FOLDER);
        let files = readable_entries(&folder)?;
        let mut sensors: Vec<_> = files.iter().filter_map(|f| PmSensor::of_file(name(f)?)).collect();
        sensors.sort_unstable();
        sensors.dedup();
        let mut opened = PmCounters { folder, sensors, update_ns: 0 };
        let hz = opened.count("raw_scan_hz").filter(|hz| (1..=1000).contains(hz)).unwrap_or(DEFAULT_HZ);
        opened.update_ns = 1_000_000_000 / hz;
        Ok(Some(opened).filter(|pm| !pm.sensors.is_empty()))
    }

    #[must_use]
    pub fn path(&self, sensor: PmSensor) -> PathBuf {
        self.folder.join(format!("{}energy", sensor.prefix()))
    }

    /// The power limit of a sensor's part, in watts; `None` without one.
    #[must_use]
    pub fn cap_w(&self, sensor: PmSensor) -> Option<u64> {
        let cap = self.value(&format!("{}power_cap", sensor.prefix()), "W").ok()?;
        Some(cap.number).filter(|w| *w > 0)
    }

    /// The number of updates; `None` where it cannot be read.
    #[must_use]
    pub fn freshness(&self) -> Option<u64> {
        self.count("freshness")
    }

    fn count(&self, file: &str) -> Option<u64> {
        number(text(&self.folder.join(file)).ok()?.trim_end())
    }

    /// A number that hardly ever changes: half of one that is being written is a number too, so it is read until two
    /// readings in a row agree.
    fn steady_count(&self, file: &str) -> Option<u64> {
        let mut last = self.count(file);
        for _ in 0..ATTEMPTS {
            let before = std::mem::replace(&mut last, self.count(file));
            if before == last {
                break;
            }
        }
        last
    }

    /// A value. One that is being written is read again.
    fn value(&self, file: &str, unit: &str) -> std::result::Result<PmValue, SysfsError> {
        let path = self.folder.join(file);
        let mut last = SysfsError::NotANumber;
        for _ in 0..ATTEMPTS {
            match text(&path) {
                Ok(text) => match parse_value(&text, unit) {
                    Some(value) => return Ok(value),
                    None => last = SysfsError::NotANumber,
                },
                Err(SysfsError::Empty) => last = SysfsError::Empty,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The values of some sensors, of one update where that can be had: `freshness` counts updates and is read before and
    /// after. Each value has its own time, so values of two updates are as good, unless a restart is between them.
    pub fn read(&self, sensors: &[PmSensor]) -> std::result::Result<PmSnapshot, SysfsError> {
        let state = || (self.freshness(), self.steady_count("startup"));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let begun_ns = boot_ns();
            let before = state();
            let readings = sensors.iter().map(|s| self.reading(*s)).collect();
            let after = state();
            if before == after || (attempt >= ATTEMPTS && before.1 == after.1) {
                return Ok(PmSnapshot { startup: after.1, begun_ns, ended_ns: boot_ns(), readings });
            }
            if attempt >= 2 * ATTEMPTS {
                return Err(SysfsError::Os(libc::EBUSY));
            }
        }
    }

    fn reading(&self, sensor: PmSensor) -> PmReading {
        let prefix = sensor.prefix();
        PmReading {
            energy_j: self.value(&format!("{prefix}energy"), "J"),
            power_w: self.value(&format!("{prefix}power"), "W"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_of_a_real_node() {
        let value = |number, time_us| Some(PmValue { number, time_us });
        assert_eq!(
            parse_value("12044825101 J 7810213855886 us\n", "J"),
            value(12_044_825_101, Some(7_810_213_855_886))
        );
        assert_eq!(parse_value("724 W 7810213855886 us\n", "W"), value(724, Some(7_810_213_855_886)));
        assert_eq!(parse_value("2894 W\n", "W"), value(2894, None));
        for torn in [
            "",
            "12044825101",
            "12044825101 ",
            "12044825101 J 781021",
            "724 W",
            "-1 J 1 us",
            "+1 J 1 us",
            "1 J 1 us us",
        ] {
            assert_eq!(parse_value(torn, "J"), None, "{torn:?}");
        }
        assert_eq!(parse_value("99999999999999999999999 J 1 us", "J"), None);
    }

    #[test]
    fn sensors_of_files() {
        use PmSensor::{Accelerator, Cpu, Memory, Node};
        let known = [("energy", Node), ("power", Node), ("cpu_power", Cpu), ("memory_energy", Memory)];
        for (file, sensor) in known.into_iter().chain([("accel3_energy", Accelerator(3))]) {
            assert_eq!(PmSensor::of_file(file), Some(sensor), "{file}");
        }
        for other in [
            "capped_energy",
            "overshoot_energy",
            "accel0_power_cap",
            "power_cap",
            "freshness",
            "accel_energy",
            "accel+1_power",
        ] {
            assert_eq!(PmSensor::of_file(other), None, "{other}");
        }
    }

    proptest! {
        #![proptest_config(crate::cases::seeded(256))]

        #[test]
        fn any_text_is_refused_or_understood(text in ".{0,60}", unit in "[JW]") {
            if let Some(value) = parse_value(&text, &unit) {
                let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
                prop_assert_eq!(digits.parse::<u64>().unwrap(), value.number);
            }
        }

        #[test]
        fn every_value_is_read_back(number: u64, time: u64) {
            let text = format!("{number} J {time} us\n");
            prop_assert_eq!(parse_value(&text, "J"), Some(PmValue { number, time_us: Some(time) }));
            // The start of it is a value only where it is one without a time.
            for end in 0..text.len() - 4 {
                prop_assert!(parse_value(&text[..end], "J").map_or(true, |v| v.time_us.is_none() && v.number == number));
            }
        }
    }
}
