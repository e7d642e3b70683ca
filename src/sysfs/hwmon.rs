//! hwmon of amdgpu: power, power cap, temperatures and clocks, one text file each. Slower than `gpu_metrics`.
//!
//! Source: drivers/gpu/drm/amd/pm/amdgpu_pm.c, Documentation/gpu/amdgpu/thermal.rst.

use super::error::{Implausible, SysfsError};
use super::runtime_power::RuntimePower;
use crate::error::Kind;
use crate::gpu::{is_temperature, PowerLimit, PowerLimits, Powers, Temperature};
use crate::platform::files::{exists, readable_entries, text};
use crate::platform::sync::{Mutex, OnceCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A temperature sensor, identified by the driver's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), allow(dead_code))] // Readings use junction and edge.
pub enum Sensor {
    /// The hotspot. Absent on APUs.
    Junction = 0,
    /// Absent on MI300 and later.
    Edge = 1,
    Memory = 2,
}

/// The file of a power limit.
#[must_use]
pub fn limit_file(which: PowerLimit) -> &'static str {
    match which {
        PowerLimit::Current => "power1_cap",
        PowerLimit::Default => "power1_cap_default",
        PowerLimit::Min => "power1_cap_min",
        PowerLimit::Max => "power1_cap_max",
    }
}

/// The power limit of a GPU that reports none; no GPU has a higher one.
pub const UNKNOWN_LIMIT_MW: u64 = 1_500_000;

impl Sensor {
    fn label(self) -> &'static str {
        match self {
            Sensor::Edge => "edge",
            Sensor::Junction => "junction",
            Sensor::Memory => "mem",
        }
    }
}

/// hwmon of one GPU. hwmonN changes when the GPU is bound again.
#[derive(Debug)]
pub struct Hwmon {
    device: PathBuf,
    /// Found at the first use.
    folder: Mutex<Option<Arc<Folder>>>,
    /// Of the whole GPU: all of its files are read only while it is not suspended.
    pub runtime_power: RuntimePower,
    limit_mw: OnceCell<u64>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Numbers of the sensors, in the order of [`Sensor`].
    sensors: [OnceCell<u32>; 3],
}

const ABSENT: SysfsError = SysfsError::Os(libc::ENOENT);

impl Folder {
    fn find(device: &Path) -> Result<Option<Arc<Folder>>, SysfsError> {
        for path in readable_entries(&device.join("hwmon"))? {
            if text(&path.join("name"))?.as_deref() == Some("amdgpu") {
                return Ok(Some(Arc::new(Folder { path, sensors: Default::default() })));
            }
        }
        Ok(None)
    }

    /// An empty line means that the driver could not read the value from the firmware.
    fn number(&self, file: &str) -> Result<i64, SysfsError> {
        let text = std::fs::read_to_string(self.path.join(file))?;
        match text.trim() {
            "" => Err(SysfsError::Empty),
            number => number.parse().map_err(|_| SysfsError::NotANumber),
        }
    }

    /// A power or a clock. The driver computes powers in signed 32 bits, so they appear negative above 2147 W.
    fn read_unsigned(&self, file: &str) -> Result<u64, SysfsError> {
        u64::try_from(self.number(file)?).map_err(|_| SysfsError::NotANumber)
    }

    /// The number of a sensor. Numbers are fixed, so a GPU without temp1 still has temp2.
    fn sensor(&self, sensor: Sensor) -> Result<Option<u32>, SysfsError> {
        let known = &self.sensors[sensor as usize];
        if let Some(number) = known.get() {
            return Ok(Some(*number));
        }
        for number in 1..=8 {
            if text(&self.path.join(format!("temp{number}_label")))?.as_deref() == Some(sensor.label()) {
                return Ok(Some(*known.set(number)));
            }
        }
        Ok(None)
    }
}

impl Hwmon {
    /// Opens nothing yet. Without a folder all values are absent.
    #[must_use]
    pub fn new(device: &Path, resumes: bool) -> Hwmon {
        Hwmon {
            device: device.to_owned(),
            folder: Mutex::default(),
            runtime_power: RuntimePower::new(device, resumes),
            limit_mw: OnceCell::default(),
        }
    }

    #[must_use]
    pub fn is_there(&self) -> bool {
        self.folder().is_ok()
    }

    fn folder(&self) -> Result<PathBuf, SysfsError> {
        self.with_folder(|f| if exists(&f.path)? { Ok(f.path.clone()) } else { Err(ABSENT) })
    }

    fn with_folder<T>(&self, read: impl Fn(&Folder) -> Result<T, SysfsError>) -> Result<T, SysfsError> {
        self.runtime_power.check_active()?;
        let known = self.folder.lock().clone();
        match known.as_ref().map_or(Err(ABSENT), |folder| read(folder)) {
            // The GPU may lack only this file. If the folder is missing, the GPU may have a new one.
            Err(error @ SysfsError::Os(libc::ENOENT | libc::ENODEV))
                if !known.as_ref().is_some_and(|folder| folder.path.exists()) =>
            {
                let fresh = Folder::find(&self.device)?;
                self.folder.lock().clone_from(&fresh);
                fresh.map_or(Err(error), |folder| read(&folder))
            }
            result => result,
        }
    }

    fn read_unsigned(&self, file: &str) -> Result<u64, SysfsError> {
        self.with_folder(|f| f.read_unsigned(file))
    }

    /// Instant socket power (MI300 and later), in µW. 0 on a secondary die (GCD).
    pub fn instant_power_uw(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("power1_input")
    }

    /// Average socket power (MI200 and earlier), in µW. 0 on a secondary die (GCD).
    pub fn average_power_uw(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("power1_average")
    }

    /// Instant and average power, if plausible. A GPU usually has one of the two. Fails if it has none.
    pub fn powers(&self) -> Result<Powers, SysfsError> {
        let plausible = |uw: Result<u64, SysfsError>| {
            let mw = uw? / 1000;
            self.check_power(mw).map_or(Ok(mw), |why| Err(SysfsError::Implausible(why)))
        };
        match (plausible(self.instant_power_uw()), plausible(self.average_power_uw())) {
            (Err(instant), Err(average)) => Err(if instant.kind() == Kind::NotSupported { average } else { instant }),
            (instant, average) => Ok(Powers { instant_mw: instant.ok(), average_mw: average.ok() }),
        }
    }

    /// Why a power of this GPU, from any source, cannot be right.
    #[inline]
    #[must_use]
    pub fn check_power(&self, mw: u64) -> Option<Implausible> {
        if mw == 0 {
            return Some(Implausible::NoPower);
        }
        let limit_mw = self.limit_mw.get().copied().unwrap_or_else(|| self.highest_limit_mw());
        (mw > 2 * limit_mw).then_some(Implausible::HighPower { limit_mw })
    }

    /// The highest power limit.
    #[cold]
    pub fn highest_limit_mw(&self) -> u64 {
        let limits = self.power_limits();
        let highest_uw = limits.ok().and_then(|l| l.max_uw.max(l.current_uw).max(l.default_uw));
        match highest_uw.map(|uw| uw / 1000).filter(|mw| *mw > 0) {
            Some(mw) => *self.limit_mw.set(mw),
            // It may be readable later.
            None if limits.is_err_and(|(_, error)| error.is_transient()) => UNKNOWN_LIMIT_MW,
            None => *self.limit_mw.set(UNKNOWN_LIMIT_MW),
        }
    }

    /// The file of the power cap, for reading and writing.
    pub fn power_cap_file(&self) -> Result<PathBuf, SysfsError> {
        Ok(self.folder()?.join("power1_cap"))
    }

    /// The current power cap, in µW.
    #[must_use]
    pub fn power_cap_uw(&self) -> Option<u64> {
        self.read_unsigned("power1_cap").ok().filter(|v| *v != 0)
    }

    /// One of the power limits, in µW; `None` if the driver reports none. Fails if it cannot be read, or the GPU has no cap.
    pub fn power_limit_uw(&self, which: PowerLimit) -> Result<Option<u64>, SysfsError> {
        match self.read_unsigned(limit_file(which)) {
            Err(e) if which != PowerLimit::Current && matches!(e.kind(), Kind::NotSupported | Kind::UnexpectedData) => {
                Ok(None)
            }
            // A cap, default or maximum of 0 W is one that the firmware does not report. A minimum of 0 W is usual.
            uw => uw.map(|uw| Some(uw).filter(|uw| *uw != 0 || which == PowerLimit::Min)),
        }
    }

    /// All power limits, or the first file that fails.
    pub fn power_limits(&self) -> Result<PowerLimits, (&'static str, SysfsError)> {
        let read = |which| self.power_limit_uw(which).map_err(|error| (limit_file(which), error));
        Ok(PowerLimits {
            current_uw: read(PowerLimit::Current)?,
            default_uw: read(PowerLimit::Default)?,
            min_uw: read(PowerLimit::Min)?,
            max_uw: read(PowerLimit::Max)?,
        })
    }

    /// Writes the power cap. The driver rounds it down to whole watts and may limit it: the caller reads it back.
    pub fn set_power_cap_uw(&self, uw: u64) -> Result<(), SysfsError> {
        // The driver's value has 32 bits and would be truncated.
        let uw = u32::try_from(uw).map_err(|_| SysfsError::Os(libc::EINVAL))?;
        self.with_folder(|f| {
            let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(f.path.join("power1_cap"))?;
            Ok(std::io::Write::write_all(&mut file, format!("{uw}\n").as_bytes())?)
        })
    }

    /// A temperature in thousandths of a degree Celsius.
    pub fn temperature_mc(&self, sensor: Sensor) -> Result<i32, SysfsError> {
        self.with_folder(|f| {
            let temperature_mc = f.number(&format!("temp{}_input", f.sensor(sensor)?.ok_or(ABSENT)?))?;
            i32::try_from(temperature_mc).map_err(|_| SysfsError::NotANumber)
        })
    }

    /// Hotspot (junction) in degrees Celsius, or the edge sensor's if the GPU has no other.
    pub fn temperature(&self) -> Result<Temperature, SysfsError> {
        let has_junction = self.with_folder(|f| Ok(f.sensor(Sensor::Junction)?.is_some()))?;
        let sensor = if has_junction { Sensor::Junction } else { Sensor::Edge };
        let celsius = self.temperature_mc(sensor)?.div_euclid(1000);
        if is_temperature(celsius) {
            Ok(Temperature { celsius, is_edge: !has_junction })
        } else {
            Err(SysfsError::NotANumber)
        }
    }

    /// The current graphics clock.
    #[cfg(feature = "testing")]
    pub fn graphics_clock_hz(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("freq1_input")
    }

    /// The current memory clock.
    #[cfg(feature = "testing")]
    pub fn memory_clock_hz(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("freq2_input")
    }
}
