//! The one place that writes a setting: through libamd_smi, or through sysfs.

use super::clock_state::{bound_value, domain_name, other, ClockState, Level};
use super::read_back::read_back;
use super::restore_clocks::ClockWriter;
use super::sysfs_settings::{FileError, FileIo, SysfsSettings, LEVEL_FILE, OD_FILE};
use crate::amdsmi::status::Status;
use crate::device::{AmdsmiCall, AmdsmiSource, Identity, SourceError};
use crate::error::{errno_of, Error, Kind, Result};
use crate::gpu::{Bound, Clock};
use crate::platform::fork;
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::pp_od::{self, Bounds};
use crate::sysfs::{access, is_read_only, SysfsError};
use std::ffi::{CStr, OsStr};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

pub const POWER_LIMIT: &str = "power limit";
const CAP_FILE: &str = "power1_cap";

/// Files by libc, for this process.
pub struct LibcIo;

impl FileIo for LibcIo {
    fn read(&self, path: &CStr, room: &mut [u8]) -> std::result::Result<usize, i32> {
        let mut read = || -> std::io::Result<usize> {
            let mut file = File::open(OsStr::from_bytes(path.to_bytes()))?;
            let mut length = 0;
            while length < room.len() {
                match file.read(&mut room[length..]) {
                    Ok(0) => break,
                    Ok(n) => length += n,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(length)
        };
        read().map_err(|e| errno_of(&e))
    }

    fn write(&self, path: &CStr, text: &[u8], append: bool) -> std::result::Result<(), i32> {
        let path = OsStr::from_bytes(path.to_bytes());
        let file = OpenOptions::new().write(true).append(append).truncate(!append).open(path);
        file.and_then(|mut file| file.write_all(text)).map_err(|e| errno_of(&e))
    }

    fn pause_ms(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}

/// The settings' files of one GPU.
pub struct SettingsFiles {
    pub folder: PathBuf,
    pub hwmon: Arc<Hwmon>,
}

impl SettingsFiles {
    /// The files of a setting.
    fn of(&self, what: &str) -> Vec<PathBuf> {
        match what {
            POWER_LIMIT => self.hwmon.power_cap_file().into_iter().collect(),
            _ => [LEVEL_FILE, OD_FILE].map(|file| self.folder.join(file)).to_vec(),
        }
    }

    /// Whether this process may write the files of a setting.
    pub fn are_writable(&self, what: &str) -> bool {
        let files = self.of(what);
        !files.is_empty() && files.iter().all(|file| access(file).is_ok() && !is_read_only(file))
    }

    pub fn sysfs(&self) -> SysfsSettings<'_, LibcIo> {
        SysfsSettings { io: &LibcIo, folder: self.folder.as_os_str().as_bytes() }
    }

    pub fn od_table(&self) -> pp_od::Table {
        self.sysfs().od_table().unwrap_or_default()
    }

    pub fn clock_state(&self) -> ClockState {
        self.sysfs().state()
    }

    pub fn clock_state_with(&self, table: &pp_od::Table) -> ClockState {
        let level = self.sysfs().level().ok().flatten();
        ClockState { level, graphics: table.graphics, memory: table.memory }
    }
}

/// Writes settings of one GPU.
pub struct SettingsWriter<'a> {
    pub gpu: &'a Identity,
    pub files: &'a SettingsFiles,
    /// `None`: through sysfs.
    pub amdsmi: Option<(&'a AmdsmiSource, AmdsmiCall)>,
    /// Counts calls that may have changed another GPU's setting.
    pub moved: &'a AtomicU64,
}

impl SettingsWriter<'_> {
    pub fn set_power_cap_uw(&self, uw: u64) -> Result<()> {
        let hwmon = &self.files.hwmon;
        match &self.amdsmi {
            Some((amdsmi, AmdsmiCall { calls, g, handle })) => self
                .noted(calls.set_power_cap(g, *handle, uw))
                .map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_power_cap", "hwmon/*/power1_cap")),
            None => hwmon.set_power_cap_uw(uw).map_err(|e| match e.kind() {
                Kind::NotSupported if !hwmon.is_there() => {
                    self.gpu.not_supported(POWER_LIMIT, "the driver has no hwmon folder for it")
                }
                _ => self.sysfs_error(POWER_LIMIT, CAP_FILE, e),
            }),
        }
    }

    /// Sets the level, and reads it back.
    pub fn set_level(&self, level: Level) -> Result<()> {
        const WHAT: &str = "performance level";
        match &self.amdsmi {
            Some((amdsmi, AmdsmiCall { calls, g, handle })) => self
                .noted(calls.set_perf_level(g, *handle, level.amd_number()))
                .map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_gpu_perf_level", LEVEL_FILE))?,
            None => self.files.sysfs().write_level(level).map_err(|e| self.file_error(WHAT, e))?,
        }
        let is_done = |now: &ClockState| now.level.map_or(true, |l| l == level);
        let now = read_back(|| self.files.clock_state(), is_done);
        if is_done(&now) {
            return Ok(());
        }
        Err(self.not_applied(WHAT, level.name().to_owned(), now.format_level().to_owned()))
    }

    /// A write that succeeded, and does not show.
    pub fn not_applied(&self, what: &'static str, asked: String, mut now: String) -> Error {
        if self.amdsmi.is_some() {
            now += " (or another GPU has got it, if other code of this process initialised libamd_smi again meanwhile)";
        }
        Error::NotApplied { device: self.gpu.label(), what, asked, now }
    }

    fn noted(&self, done: std::result::Result<(), Status>) -> std::result::Result<(), Status> {
        if done == Err(Status::MOVED) {
            self.moved.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    /// Sets level manual and both bounds. Each bound that libamd_smi writes is in force at once, and refused if it crosses
    /// the other one. Which that is need not show: older kernels keep bounds that were set before a level auto. So the
    /// upper bound is set first, unless it is below what shows, and in the other order if that is refused.
    fn write_bounds(&self, clock: Clock, now: &ClockState, wanted: Bounds) -> Result<()> {
        let Some((amdsmi, AmdsmiCall { calls, g, handle })) = &self.amdsmi else {
            let written = self.files.sysfs().write_bounds(clock, now, wanted);
            return written.map_err(|e| self.file_error(domain_name(clock), e));
        };
        if !calls.has_clk_limit() {
            let set = self.noted(calls.set_clk_range(g, *handle, clock, wanted.min_mhz, wanted.max_mhz));
            return set.map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_gpu_clk_range", OD_FILE));
        }
        let old = now.of(clock);
        let set_limit = |clock, bound, mhz| self.noted(calls.set_clk_limit(g, *handle, clock, bound, mhz));
        // A bound that is refused does not matter if it is in force already (MI300 takes only the upper one of the memory).
        let in_force = |bound| old.is_some_and(|o| bound_value(o, bound) == bound_value(wanted, bound));
        let set = |bound| {
            // In another level than manual what the file shows need not be in force.
            if in_force(bound) && now.level == Some(Level::MANUAL) {
                return Ok(());
            }
            match set_limit(clock, bound, bound_value(wanted, bound)) {
                Err(s) if !in_force(bound) || s.kind() == Kind::NoPermission => Err(s),
                _ => Ok(()),
            }
        };
        let mut order = [Bound::Max, Bound::Min];
        if old.is_some_and(|o| wanted.max_mhz <= o.min_mhz) {
            order.reverse();
        }
        let set_both = || {
            order.into_iter().try_for_each(set).or_else(|status| match status.kind() {
                Kind::InvalidArgument => order.into_iter().rev().try_for_each(set),
                _ => Err(status),
            })
        };
        // A commit sets both clocks: bounds of the other clock that another program has left half-set are refused with it.
        let set_after_other = |status: Status| {
            let Some(kept) = now.of(other(clock)).filter(|_| status.kind() == Kind::InvalidArgument) else {
                return Err(status);
            };
            for bound in [Bound::Max, Bound::Min] {
                let _ = set_limit(other(clock), bound, bound_value(kept, bound));
            }
            set_both()
        };
        let done = set_both().or_else(set_after_other);
        done.map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_gpu_clk_limit", OD_FILE))
    }

    fn file_error(&self, what: &'static str, FileError { file, errno }: FileError) -> Error {
        self.sysfs_error(what, file, SysfsError::Os(errno))
    }

    fn sysfs_error(&self, what: &'static str, file: &'static str, error: SysfsError) -> Error {
        match error {
            // A driver that refuses a value.
            SysfsError::Os(libc::EINVAL) => Error::Kernel {
                device: self.gpu.label(),
                what,
                file,
                kind: Kind::InvalidArgument,
                why: error.to_string(),
            },
            SysfsError::Os(libc::EACCES) if self.files.of(what).iter().any(|file| is_read_only(file)) => {
                let why = format!(
                    "the driver makes {file} read-only for every user, as it does in virtual machines (SR-IOV)"
                );
                self.gpu.not_supported(what, &why)
            }
            _ => SourceError::Sysfs { file, error }.of(self.gpu, what),
        }
    }

    /// A setter's failure. For a refusal: the user, and the file behind the call.
    fn amdsmi_error(&self, amdsmi: &AmdsmiSource, status: Status, call: &'static str, file: &str) -> Error {
        let mut error = amdsmi.failure(call, status).of(self.gpu, "");
        if let Error::Vendor { kind: Kind::NoPermission, advice, .. } = &mut error {
            // SAFETY: only asks the kernel.
            let user = unsafe { libc::geteuid() };
            let capability = if fork::has_sys_admin() { "with" } else { "without" };
            *advice = format!(
                "libamd_smi lets only root (effective user 0) change settings, and this process runs as user {user} {capability} CAP_SYS_ADMIN; the file behind it is {file} of the GPU"
            );
        }
        error
    }
}

impl ClockWriter for SettingsWriter<'_> {
    type Error = Error;

    fn state(&self) -> ClockState {
        self.files.clock_state()
    }

    fn set_level(&self, level: Level) -> Result<()> {
        SettingsWriter::set_level(self, level)
    }

    fn set_bounds(&self, clock: Clock, now: &ClockState, wanted: Bounds) -> Result<()> {
        self.write_bounds(clock, now, wanted)
    }

    /// By the file always: what libamd_smi has for bounds sets level manual.
    fn set_determinism_mhz(&self, max_mhz: u32) -> Result<()> {
        self.files.sysfs().set_determinism_mhz(max_mhz).map_err(|e| self.file_error(domain_name(Clock::Graphics), e))
    }

    fn pause_ms(&self, ms: u64) {
        LibcIo.pause_ms(ms);
    }
}
