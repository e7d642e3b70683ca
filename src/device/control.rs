//! Changing one GPU: nothing is called when nothing has to change, everything is read back.

use super::source::amdsmi::{AmdsmiCall, AmdsmiSource};
use super::Device;
use crate::amdsmi::status::Status;
use crate::error::{Error, Kind, Result};
use crate::platform::{fork, log};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The driver applies a setting before it returns; a little patience for one that does not.
pub(super) const READBACK_DELAYS_MS: [u64; 4] = [0, 1, 10, 40];

/// Who writes a setting.
pub(super) enum SettingsWriter<'a> {
    Amdsmi(&'a AmdsmiSource, AmdsmiCall),
    Sysfs,
}

impl Device {
    pub(super) fn writer(&self) -> Result<SettingsWriter<'_>> {
        match &self.amdsmi {
            Some(amdsmi) => Ok(SettingsWriter::Amdsmi(amdsmi, self.ask(amdsmi)?)),
            None => Ok(SettingsWriter::Sysfs),
        }
    }

    /// Sets the power limit of the package. Range checked first, read back afterwards.
    pub fn set_power_limit_mw(&self, limit_mw: u64) -> Result<()> {
        if limit_mw == 0 {
            return Err(Error::InvalidArgument(format!(
                "{}: 0 is not a power limit; to lift one, reset it",
                self.label()
            )));
        }
        self.warn_without_rights();
        self.change_power_limit(|_| Ok(limit_mw.saturating_mul(1000)))
    }

    /// Sets the power limit back to the vendor's default.
    pub fn reset_power_limit(&self) -> Result<()> {
        self.warn_without_rights();
        self.change_power_limit(|default| default.ok_or_else(|| self.no_limit()))
    }

    pub(super) fn change_power_limit(&self, wanted: impl FnOnce(Option<u64>) -> Result<u64>) -> Result<()> {
        const WHAT: &str = "power limit";
        let _alone = self.control_lock.lock();
        let caps = self.power_caps()?;
        let wanted = wanted(caps.default_uw)?;
        let current = caps.current_uw.ok_or_else(|| self.no_limit())?;
        // Zeus's rule: the same milliwatts are the same limit.
        if current / 1000 == wanted / 1000 {
            return Ok(());
        }
        let (min, max) = (caps.min_uw.unwrap_or(0), caps.max_uw.unwrap_or(u64::MAX));
        if !(min..=max).contains(&wanted) {
            return Err(Error::OutOfRange {
                device: self.label(),
                what: WHAT,
                asked: watts(wanted),
                range: format!("{} to {}", watts(min), watts(max)),
            });
        }
        match self.writer()? {
            SettingsWriter::Amdsmi(amdsmi, AmdsmiCall { calls, g, handle }) => {
                calls
                    .set_power_cap(g, handle, wanted)
                    .map_err(|s| self.setter_failure(amdsmi, s, "amdsmi_set_power_cap", "hwmon/*/power1_cap"))?
            }
            SettingsWriter::Sysfs => self.write_cap_uw(wanted)?,
        }
        let mut now = None;
        for pause in READBACK_DELAYS_MS {
            std::thread::sleep(Duration::from_millis(pause));
            now = self.power_caps()?.current_uw;
            if now.is_some_and(|now| now / 1000 == wanted / 1000) {
                return Ok(());
            }
        }
        Err(Error::NotApplied {
            device: self.label(),
            what: WHAT,
            asked: watts(wanted),
            now: now.map_or_else(|| "not to be read".into(), watts),
        })
    }

    /// As Zeus does it: once, before the first setter. Not with a lock held: the host's sink may call back.
    pub(super) fn warn_without_rights(&self) {
        static SAID: AtomicBool = AtomicBool::new(false);
        if !fork::has_sys_admin() && !SAID.swap(true, Ordering::Relaxed) {
            log::warning(|| {
                "this process lacks CAP_SYS_ADMIN; settings of AMD GPUs will most likely be refused".into()
            });
        }
    }

    /// A setter's failure: for a refusal, who was asked for what.
    pub(super) fn setter_failure(
        &self,
        amdsmi: &AmdsmiSource,
        status: Status,
        call: &'static str,
        file: &str,
    ) -> Error {
        let mut error = self.failure(amdsmi, status, call);
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

/// For people: a limit that nobody could mean is not written out.
fn watts(uw: u64) -> String {
    if uw == u64::MAX {
        "more than can be said".to_owned()
    } else {
        format!("{} W", uw as f64 / 1e6)
    }
}
