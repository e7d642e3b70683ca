//! The one place that writes a setting: through libamd_smi, or through sysfs.

use super::clock_state::{bound_value, domain_name, ClockState, Level};
use super::read_back::read_back;
use crate::amdsmi::status::Status;
use crate::device::{AmdsmiCall, AmdsmiSource, Identity, SourceError};
use crate::error::{Error, Kind, Result};
use crate::gpu::{Bound, Clock};
use crate::platform::fork;
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::pp_od::{self, Bounds};
use crate::sysfs::{SysfsError, SysfsWrite};
use std::path::PathBuf;
use std::sync::Arc;

pub const POWER_LIMIT: &str = "power limit";
const CAP_FILE: &str = "power1_cap";
const LEVEL_FILE: &str = "power_dpm_force_performance_level";
pub const OD_FILE: &str = "pp_od_clk_voltage";

/// The settings' files of one GPU.
pub struct SettingsFiles {
    pub folder: PathBuf,
    pub hwmon: Arc<Hwmon>,
}

impl SettingsFiles {
    /// Whether this process may write the files of a setting.
    pub fn are_writable(&self, what: &str) -> bool {
        let may_write = |path: PathBuf| crate::sysfs::access(&path).is_ok();
        match what {
            POWER_LIMIT => self.hwmon.power_cap_file().is_some_and(may_write),
            _ => may_write(self.level_file()) && may_write(self.od_file()),
        }
    }

    pub fn level_file(&self) -> PathBuf {
        self.folder.join(LEVEL_FILE)
    }

    pub fn od_file(&self) -> PathBuf {
        self.folder.join(OD_FILE)
    }

    pub fn od_text(&self) -> Option<String> {
        crate::sysfs::text(&self.od_file())
    }

    pub fn od_table(&self) -> pp_od::Table {
        self.od_text().map_or_else(pp_od::Table::default, |text| pp_od::parse(&text))
    }

    pub fn clock_state(&self) -> ClockState {
        self.clock_state_with(&self.od_table())
    }

    pub fn clock_state_with(&self, table: &pp_od::Table) -> ClockState {
        let level = crate::sysfs::text(&self.level_file()).and_then(|text| Level::parse(&text));
        ClockState { level, graphics: table.graphics, memory: table.memory }
    }

    pub fn level_write(&self, level: Level) -> SysfsWrite {
        SysfsWrite::value(self.level_file(), level.name())
    }

    /// Level manual, the bounds, and their commit. Until the commit no bound is in force, so their order is free.
    pub fn bound_writes(&self, bounds: impl IntoIterator<Item = (Clock, Bound, u32)>) -> Vec<SysfsWrite> {
        let command = |text: String| SysfsWrite::command(self.od_file(), text);
        let mut writes = vec![self.level_write(Level::MANUAL)];
        writes.extend(bounds.into_iter().map(|(clock, bound, mhz)| {
            let domain = if clock == Clock::Graphics { 's' } else { 'm' };
            command(format!("{domain} {} {mhz}", bound as u32))
        }));
        writes.push(command("c".to_owned()));
        writes
    }
}

/// Writes settings of one GPU.
pub struct SettingsWriter<'a> {
    pub gpu: &'a Identity,
    pub files: &'a SettingsFiles,
    /// `None`: through sysfs.
    pub amdsmi: Option<(&'a AmdsmiSource, AmdsmiCall)>,
}

impl SettingsWriter<'_> {
    pub fn set_power_cap_uw(&self, uw: u64) -> Result<()> {
        let hwmon = &self.files.hwmon;
        match &self.amdsmi {
            Some((amdsmi, AmdsmiCall { calls, g, handle })) => calls
                .set_power_cap(g, *handle, uw)
                .map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_power_cap", "hwmon/*/power1_cap")),
            None if !hwmon.is_there() => {
                Err(self.gpu.not_supported(POWER_LIMIT, "the driver has no hwmon folder for it"))
            }
            None => hwmon.set_power_cap_uw(uw).map_err(|e| self.sysfs_error(POWER_LIMIT, CAP_FILE, e)),
        }
    }

    /// Sets the level, and reads it back.
    pub fn set_level(&self, level: Level) -> Result<()> {
        const WHAT: &str = "performance level";
        match &self.amdsmi {
            Some((amdsmi, AmdsmiCall { calls, g, handle })) => calls
                .set_perf_level(g, *handle, level.amd_number())
                .map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_gpu_perf_level", LEVEL_FILE))?,
            None => self.files.level_write(level).run().map_err(|e| self.sysfs_error(WHAT, LEVEL_FILE, e))?,
        }
        let is_done = |now: &ClockState| now.level.map_or(true, |l| l == level);
        let now = read_back(|| self.files.clock_state(), is_done);
        if is_done(&now) {
            return Ok(());
        }
        Err(Error::NotApplied {
            device: self.gpu.label(),
            what: WHAT,
            asked: level.name().to_owned(),
            now: now.format_level().to_owned(),
        })
    }

    /// Sets level manual and both bounds, in the order that keeps the lower one at or below the upper one throughout. A
    /// bound that is refused does not matter if it is in force already (MI300 takes only the upper one of the memory).
    pub fn set_bounds(&self, clock: Clock, now: ClockState, wanted: Bounds) -> Result<()> {
        let old = now.of(clock);
        let order = match old {
            Some(old) if wanted.min_mhz >= old.max_mhz => [Bound::Max, Bound::Min],
            _ => [Bound::Min, Bound::Max],
        };
        let is_set = |bound| old.is_some_and(|o| bound_value(o, bound) == bound_value(wanted, bound));
        match &self.amdsmi {
            None => self.write_bounds(clock, order, wanted, is_set),
            Some((amdsmi, AmdsmiCall { calls, g, handle })) if !calls.has_clk_limit() => {
                let set = calls.set_clk_range(g, *handle, clock, wanted.min_mhz, wanted.max_mhz);
                set.map_err(|s| self.amdsmi_error(amdsmi, s, "amdsmi_set_gpu_clk_range", OD_FILE))
            }
            Some((amdsmi, AmdsmiCall { calls, g, handle })) => {
                for bound in order {
                    // In another level than manual what the file shows need not be in force.
                    if is_set(bound) && now.level == Some(Level::MANUAL) {
                        continue;
                    }
                    match calls.set_clk_limit(g, *handle, clock, bound, bound_value(wanted, bound)) {
                        Err(s) if !is_set(bound) || s.kind() == Kind::NoPermission => {
                            return Err(self.amdsmi_error(amdsmi, s, "amdsmi_set_gpu_clk_limit", OD_FILE));
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
        }
    }

    fn write_bounds(
        &self,
        clock: Clock,
        order: [Bound; 2],
        wanted: Bounds,
        is_set: impl Fn(Bound) -> bool,
    ) -> Result<()> {
        let writes = self.files.bound_writes(order.map(|bound| (clock, bound, bound_value(wanted, bound))));
        // Level, two bounds, commit.
        let may_fail = [false, is_set(order[0]), is_set(order[1]), false];
        for (write, may_fail) in writes.into_iter().zip(may_fail) {
            let file = if write.append { OD_FILE } else { LEVEL_FILE };
            match write.run() {
                Err(e) if !may_fail => return Err(self.sysfs_error(domain_name(clock), file, e)),
                _ => {}
            }
        }
        Ok(())
    }

    fn sysfs_error(&self, what: &'static str, file: &'static str, error: SysfsError) -> Error {
        SourceError::Sysfs { file, error }.of(self.gpu, what)
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
