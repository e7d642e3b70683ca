//! What the driver offers of a clock: its levels, and whether it can be bounded at all.

use super::clock_state::domain_name;
use super::controller::Controller;
use super::sysfs_settings::OD_FILE;
use crate::device::SourceError;
use crate::error::{Error, Kind, Result};
use crate::gpu::Clock;
use crate::sysfs::{pp_dpm, pp_od};

/// The kernel's documentation of the parameter: Documentation/gpu/amdgpu/module-parameters.rst.
pub(super) const NO_CLOCKS: &str = "its pp_od_clk_voltage shows no bounds that could be set (of many Radeon GPUs only where overdrive is enabled by the kernel parameter amdgpu.ppfeaturemask)";

impl Controller {
    /// The highest and the lowest level of the clock, as Zeus has it: (max, min). libamd_smi is asked only where the file is
    /// not readable: ROCm 6.4 leaves out the current level, and of Navi some releases report the current clock as the lowest
    /// one (`get_frequencies` in rocm_smi.cc).
    pub fn clock_levels_mhz(&self, clock: Clock) -> Result<(u32, u32)> {
        let what = domain_name(clock);
        let file = match clock {
            Clock::Graphics => "pp_dpm_sclk",
            Clock::Memory => "pp_dpm_mclk",
        };
        self.check_active(what)?;
        let error = match (pp_dpm::read(&self.files.folder.join(file)), &self.amdsmi) {
            (Ok(levels), _) => return Ok((levels.highest_mhz, levels.lowest_mhz)),
            (Err(error), Some(_)) if matches!(error.kind(), Kind::NotSupported | Kind::NoPermission) => error,
            (Err(error), _) => return Err(self.error(what, SourceError::Sysfs { file, error })),
        };
        let of_amdsmi = self.amdsmi.as_ref().map_or(Err(SourceError::Sysfs { file, error }), |amdsmi| {
            let call = amdsmi.call()?;
            if call.g.skips_current_level {
                return Ok(None);
            }
            call.calls.clocks(call.g, call.handle, clock).map(Some).map_err(|status| {
                // It reads the same file, and says less of why it cannot.
                match self.prefers_sysfs && !status.is_hang() {
                    true => SourceError::Sysfs { file, error },
                    false => amdsmi.failure("amdsmi_get_clock_info", status),
                }
            })
        });
        let Some(clocks) = of_amdsmi.map_err(|e| self.error(what, e))? else {
            if error.kind() != Kind::NotSupported {
                return Err(self.error(what, SourceError::Sysfs { file, error }));
            }
            let why = "its file is not readable, and the libamd_smi of ROCm 6.4 leaves out the current level";
            return Err(self.identity.not_supported(what, why));
        };
        let range = clocks.max_mhz.zip(clocks.min_mhz).filter(|(max, min)| 0 < *min && min <= max);
        range.ok_or_else(|| self.identity.not_supported(what, "the driver does not report its range"))
    }

    /// The table of bounds, if it can be read. Fails for a clock that can only be shifted, for a GPU without clocks to set, and
    /// while the file cannot be read for a passing reason.
    pub(super) fn check_has_bounds(&self, clock: Clock) -> Result<Option<pp_od::Table>> {
        self.check_active(domain_name(clock))?;
        match pp_od::read(&self.files.folder.join(OD_FILE)) {
            Ok(table) if table.graphics_offset_only && clock == Clock::Graphics => Err(self.no_clock_range(clock)),
            Ok(table) if table == pp_od::Table::default() => Err(self.no_clock_range(clock)),
            Err(error) if error.kind() == Kind::NotSupported => Err(self.no_clock_range(clock)),
            Err(error) if error.is_transient() => {
                Err(self.error(domain_name(clock), SourceError::Sysfs { file: OD_FILE, error }))
            }
            table => Ok(table.ok()),
        }
    }

    pub(super) fn no_clock_range(&self, clock: Clock) -> Error {
        let what = domain_name(clock);
        let why = match pp_od::read(&self.files.folder.join(OD_FILE)) {
            Ok(table) if table.graphics_offset_only && clock == Clock::Graphics => {
                "this GPU knows only an offset of the graphics clock (OD_SCLK_OFFSET in pp_od_clk_voltage), and no bounds"
            }
            Ok(table) if table == pp_od::Table::default() => NO_CLOCKS,
            Err(error) if error.kind() == Kind::NotSupported => NO_CLOCKS,
            Ok(table) if table.of(clock).is_none() => "its pp_od_clk_voltage shows no bounds of it that could be set and read back",
            Ok(_) => "its pp_od_clk_voltage shows no OD_RANGE, and shows the range otherwise only while nothing is locked",
            Err(error) => return self.error(what, SourceError::Sysfs { file: OD_FILE, error }),
        };
        self.identity.not_supported(what, why)
    }

    /// Fails while the GPU is runtime-suspended, and so is left alone.
    pub(super) fn check_active(&self, what: &'static str) -> Result<()> {
        let active = self.files.hwmon.runtime_power.check_active();
        active.map_err(|error| self.error(what, SourceError::Sysfs { file: "power/runtime_status", error }))
    }
}
