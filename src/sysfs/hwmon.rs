//! hwmon: powers and caps, temperatures, clocks, each a line of text. Not the fast way, but on every GPU that has them.

use super::{text, Failure};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A temperature, by the driver's label for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensor {
    /// MI300 and later have none.
    Edge,
    /// Also called hotspot.
    Junction,
    Memory,
}

impl Sensor {
    fn label(self) -> &'static str {
        match self {
            Sensor::Edge => "edge",
            Sensor::Junction => "junction",
            Sensor::Memory => "mem",
        }
    }
}

/// The power cap and what it can be set to, in µW. What the driver does not tell is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    pub current_uw: Option<u64>,
    pub default_uw: Option<u64>,
    pub min_uw: Option<u64>,
    pub max_uw: Option<u64>,
}

/// The hwmon folder of one GPU.
#[derive(Debug, Clone)]
pub struct Hwmon(PathBuf);

impl Hwmon {
    #[must_use]
    pub fn find(device: &Path) -> Option<Hwmon> {
        let entries = std::fs::read_dir(device.join("hwmon")).ok()?;
        let mut folders = entries.filter_map(|e| Some(e.ok()?.path()));
        folders.find(|f| text(&f.join("name")).as_deref() == Some("amdgpu")).map(Hwmon)
    }

    /// The driver leaves an empty line where it could not ask the firmware.
    fn number(&self, file: &str) -> Result<i64, Failure> {
        let text = std::fs::read_to_string(self.0.join(file))?;
        match text.trim() {
            "" => Err(Failure::Empty),
            number => number.parse().map_err(|_| Failure::NotANumber),
        }
    }

    /// No power, no clock is negative; but the driver computes powers in 32 bits with a sign, and above 2147 W they are.
    fn positive(&self, file: &str) -> Result<u64, Failure> {
        u64::try_from(self.number(file)?).map_err(|_| Failure::NotANumber)
    }

    /// Instant socket power (MI300 and later), in µW. 0 on a second die.
    pub fn instant_power_uw(&self) -> Result<u64, Failure> {
        self.positive("power1_input")
    }

    /// Average socket power (MI200 and earlier), in µW. 0 on a second die.
    pub fn average_power_uw(&self) -> Result<u64, Failure> {
        self.positive("power1_average")
    }

    /// [`Hwmon::instant_power_uw`], whatever keeps it from being read.
    #[must_use]
    pub fn power_input_uw(&self) -> Option<u64> {
        self.instant_power_uw().ok()
    }

    /// [`Hwmon::average_power_uw`], whatever keeps it from being read.
    #[must_use]
    pub fn power_average_uw(&self) -> Option<u64> {
        self.average_power_uw().ok()
    }

    /// The file of the power cap, which also takes a new one.
    #[must_use]
    pub fn power_cap_file(&self) -> PathBuf {
        self.0.join("power1_cap")
    }

    /// The current power cap, in µW.
    #[must_use]
    pub fn power_cap_uw(&self) -> Option<u64> {
        self.positive("power1_cap").ok().filter(|v| *v != 0)
    }

    /// The caps. A failure if the current one cannot be read; then the others tell nothing.
    pub fn power_caps(&self) -> Result<Caps, Failure> {
        // A cap, a default or a maximum of 0 W is one that the firmware did not tell; a minimum of 0 W is usual.
        let some = |uw: &u64| *uw != 0;
        Ok(Caps {
            current_uw: Some(self.positive("power1_cap")?).filter(some),
            default_uw: self.positive("power1_cap_default").ok().filter(some),
            min_uw: self.positive("power1_cap_min").ok(),
            max_uw: self.positive("power1_cap_max").ok().filter(some),
        })
    }

    /// Asks for another power cap. The driver keeps whole watts and may cut it: what came of it has to be read back.
    pub fn set_power_cap_uw(&self, uw: u64) -> Result<(), Failure> {
        // The driver's number has 32 bits; it must not see the rest of a larger one.
        let uw = u32::try_from(uw).map_err(|_| Failure::Os(libc::EINVAL))?;
        let mut file = OpenOptions::new().write(true).truncate(true).open(self.power_cap_file())?;
        Ok(file.write_all(format!("{uw}\n").as_bytes())?)
    }

    /// In thousandths of a degree Celsius.
    pub fn temperature_mc(&self, sensor: Sensor) -> Result<i32, Failure> {
        // Which number a sensor has is the driver's business: a chip without the first has the second all the same.
        let labelled = |n: &u32| text(&self.0.join(format!("temp{n}_label"))).as_deref() == Some(sensor.label());
        let n = (1..=8).find(labelled).ok_or(Failure::Os(libc::ENOENT))?;
        i32::try_from(self.number(&format!("temp{n}_input"))?).map_err(|_| Failure::NotANumber)
    }

    /// The graphics clock of the moment.
    pub fn graphics_clock_hz(&self) -> Result<u64, Failure> {
        self.positive("freq1_input")
    }

    /// The memory clock of the moment.
    pub fn memory_clock_hz(&self) -> Result<u64, Failure> {
        self.positive("freq2_input")
    }
}
