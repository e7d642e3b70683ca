//! hwmon: powers and caps, temperatures, clocks, each a line of text. Not the fast way, but on every GPU that has them.

use super::{text, SysfsError, SysfsWrite};
use crate::gpu::{PowerLimits, Powers};
use crate::platform::sync::{Mutex, OnceCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// hwmon of one GPU. One that went and came back has another folder.
#[derive(Debug)]
pub struct Hwmon {
    device: PathBuf,
    folder: Mutex<Option<Arc<Folder>>>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Which number the junction's sensor has.
    junction: OnceCell<u32>,
}

const ABSENT: SysfsError = SysfsError::Os(libc::ENOENT);

impl Folder {
    fn find(device: &Path) -> Option<Arc<Folder>> {
        let entries = std::fs::read_dir(device.join("hwmon")).ok()?;
        let mut folders = entries.filter_map(|e| Some(e.ok()?.path()));
        let path = folders.find(|f| text(&f.join("name")).as_deref() == Some("amdgpu"))?;
        Some(Arc::new(Folder { path, junction: OnceCell::default() }))
    }

    /// The driver leaves an empty line where it could not ask the firmware.
    fn number(&self, file: &str) -> Result<i64, SysfsError> {
        let text = std::fs::read_to_string(self.path.join(file))?;
        match text.trim() {
            "" => Err(SysfsError::Empty),
            number => number.parse().map_err(|_| SysfsError::NotANumber),
        }
    }

    /// No power, no clock is negative; but the driver computes powers in 32 bits with a sign, and above 2147 W they are.
    fn read_unsigned(&self, file: &str) -> Result<u64, SysfsError> {
        u64::try_from(self.number(file)?).map_err(|_| SysfsError::NotANumber)
    }

    /// Which number a sensor has is the driver's business: a chip without the first has the second all the same.
    fn sensor(&self, sensor: Sensor) -> Option<u32> {
        let labelled = |n: &u32| text(&self.path.join(format!("temp{n}_label"))).as_deref() == Some(sensor.label());
        (1..=8).find(labelled)
    }
}

impl Hwmon {
    /// Looks for the folder; without one everything is absent.
    #[must_use]
    pub fn open(device: &Path) -> Hwmon {
        Hwmon { device: device.to_owned(), folder: Mutex::new(Folder::find(device)) }
    }

    #[must_use]
    pub fn is_there(&self) -> bool {
        self.folder().is_some()
    }

    fn folder(&self) -> Option<PathBuf> {
        self.with_folder(|f| if f.path.exists() { Ok(f.path.clone()) } else { Err(ABSENT) }).ok()
    }

    fn with_folder<T>(&self, read: impl Fn(&Folder) -> Result<T, SysfsError>) -> Result<T, SysfsError> {
        let known = self.folder.lock().clone();
        match known.as_ref().map_or(Err(ABSENT), |f| read(f)) {
            // A file that this GPU lacks is missing too; but where the folder is, there may be another.
            Err(f @ SysfsError::Os(libc::ENOENT | libc::ENODEV))
                if !known.as_ref().is_some_and(|k| k.path.exists()) =>
            {
                let fresh = Folder::find(&self.device);
                self.folder.lock().clone_from(&fresh);
                fresh.map_or(Err(f), |fresh| read(&fresh))
            }
            said => said,
        }
    }

    fn read_unsigned(&self, file: &str) -> Result<u64, SysfsError> {
        self.with_folder(|f| f.read_unsigned(file))
    }

    /// Instant socket power (MI300 and later), in µW. 0 on a second die.
    pub fn instant_power_uw(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("power1_input")
    }

    /// Average socket power (MI200 and earlier), in µW. 0 on a second die.
    pub fn average_power_uw(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("power1_average")
    }

    /// Both: usually one of the two. Without any, why.
    pub fn powers(&self) -> Result<Powers, SysfsError> {
        match (self.instant_power_uw(), self.average_power_uw()) {
            (Err(a), Err(b)) => Err(if a.is_transient() { a } else { b }),
            (instant, average) => Ok(Powers {
                instant_mw: instant.ok().map(|uw| uw / 1000),
                average_mw: average.ok().map(|uw| uw / 1000),
            }),
        }
    }

    /// The file of the power cap, which also takes a new one.
    #[must_use]
    pub fn power_cap_file(&self) -> Option<PathBuf> {
        Some(self.folder()?.join("power1_cap"))
    }

    /// The current power cap, in µW.
    #[must_use]
    pub fn power_cap_uw(&self) -> Option<u64> {
        self.read_unsigned("power1_cap").ok().filter(|v| *v != 0)
    }

    /// The caps. A failure if the current one cannot be read; then the others tell nothing.
    pub fn power_caps(&self) -> Result<PowerLimits, SysfsError> {
        // A cap, a default or a maximum of 0 W is one that the firmware did not tell; a minimum of 0 W is usual.
        let some = |uw: &u64| *uw != 0;
        self.with_folder(|f| {
            Ok(PowerLimits {
                current_uw: Some(f.read_unsigned("power1_cap")?).filter(some),
                default_uw: f.read_unsigned("power1_cap_default").ok().filter(some),
                min_uw: f.read_unsigned("power1_cap_min").ok(),
                max_uw: f.read_unsigned("power1_cap_max").ok().filter(some),
            })
        })
    }

    /// Asks for another power cap. The driver keeps whole watts and may cut it: what came of it has to be read back.
    pub fn set_power_cap_uw(&self, uw: u64) -> Result<(), SysfsError> {
        // The driver's number has 32 bits; it must not see the rest of a larger one.
        let uw = u32::try_from(uw).map_err(|_| SysfsError::Os(libc::EINVAL))?;
        self.with_folder(|f| SysfsWrite::value(f.path.join("power1_cap"), uw).run())
    }

    /// In thousandths of a degree Celsius.
    pub fn temperature_mc(&self, sensor: Sensor) -> Result<i32, SysfsError> {
        self.with_folder(|f| {
            let n = match sensor {
                Sensor::Junction => f.junction.get().copied().or_else(|| Some(*f.junction.set(f.sensor(sensor)?))),
                _ => f.sensor(sensor),
            };
            let mc = f.number(&format!("temp{}_input", n.ok_or(ABSENT)?))?;
            i32::try_from(mc).map_err(|_| SysfsError::NotANumber)
        })
    }

    /// The graphics clock of the moment.
    pub fn graphics_clock_hz(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("freq1_input")
    }

    /// The memory clock of the moment.
    pub fn memory_clock_hz(&self) -> Result<u64, SysfsError> {
        self.read_unsigned("freq2_input")
    }
}
