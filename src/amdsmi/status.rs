//! Status codes of libamd_smi (`amdsmi_status_t` in amdsmi.h): their names and error kinds.

use crate::error::Kind;

/// A status code other than SUCCESS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u32);

impl Status {
    pub const SUCCESS: u32 = 0;
    pub const NOT_SUPPORTED: Status = Status(2);
    pub const NOT_INIT: Status = Status(32);
    pub const NOT_FOUND: Status = Status(31);
    // Not AMD's: why a call was not made, or its result not waited for.
    pub const HUNG: Status = Status(0xFFFF_5A00);
    pub const EXITING: Status = Status(0xFFFF_5A01);
    pub const NO_THREAD: Status = Status(0xFFFF_5A02);
    pub const BLOCKED: Status = Status(0xFFFF_5A03);
    /// A change was made by a handle that is another GPU's now, and may have been already.
    pub const MOVED: Status = Status(0xFFFF_5A04);

    /// `Ok` for SUCCESS.
    pub fn check(code: u32) -> Result<(), Status> {
        if code == Self::SUCCESS {
            Ok(())
        } else {
            Err(Status(code))
        }
    }

    /// A call exceeds its time limit: this one, or the one before it.
    #[must_use]
    pub fn is_hang(self) -> bool {
        matches!(self, Status::HUNG | Status::BLOCKED)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().chain(OWN).find(|r| r.0 == self.0).unwrap_or(&UNLISTED)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    #[must_use]
    pub fn kind(self) -> Kind {
        self.row().2
    }

    /// What the user can do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self.kind() {
            _ if self == Status::MOVED => "other code of this process has initialised libamd_smi again, so a setting of another GPU may have been changed: compare the power limits and clocks of all",
            Kind::NotSupported => "this GPU, driver or libamd_smi does not offer it, or the GPU is runtime-suspended or in reset",
            Kind::NoPermission => "it needs root (CAP_SYS_ADMIN), or membership in the groups render and video",
            Kind::DriverNotLoaded => "load the amdgpu kernel module (modprobe amdgpu), or pass /dev/kfd and /dev/dri into the container",
            Kind::NotInitialized => "libamd_smi is not initialised; another part of this process may have shut it down: close this session and open a new one",
            Kind::Timeout | Kind::Busy => "try again; if it persists, check for a process that hangs inside libamd_smi, and check the kernel log for messages of amdgpu",
            Kind::NoMemory => "the system is short of memory or file descriptors",
            Kind::DeviceLost => "the GPU was reset or removed; check the kernel log for messages of amdgpu",
            Kind::LibraryNotFound | Kind::LibraryInvalid => "the ROCm installation is incomplete",
            Kind::InvalidArgument | Kind::OutOfRange => "the driver refused the value",
            _ => "check the kernel log for messages of amdgpu",
        }
    }
}

struct Row(u32, &'static str, Kind);

static UNLISTED: Row = Row(u32::MAX - 2, "a status that no amdsmi.h defines", Kind::Unknown);

static OWN: &[Row] = &[
    Row(Status::HUNG.0, "no return within the time limit", Kind::Timeout),
    Row(Status::BLOCKED.0, "no call behind one that has not returned", Kind::Timeout),
    Row(Status::EXITING.0, "no call at process exit", Kind::NotInitialized),
    Row(Status::MOVED.0, "the handle became another GPU's during the call", Kind::NotInitialized),
    Row(Status::NO_THREAD.0, "no thread for the call", Kind::NoMemory),
];

#[rustfmt::skip]
static TABLE: &[Row] = &[
    Row(1, "AMDSMI_STATUS_INVAL", Kind::InvalidArgument),
    Row(2, "AMDSMI_STATUS_NOT_SUPPORTED", Kind::NotSupported),
    Row(3, "AMDSMI_STATUS_NOT_YET_IMPLEMENTED", Kind::NotSupported),
    Row(4, "AMDSMI_STATUS_FAIL_LOAD_MODULE", Kind::LibraryInvalid),
    Row(5, "AMDSMI_STATUS_FAIL_LOAD_SYMBOL", Kind::LibrarySymbols),
    Row(6, "AMDSMI_STATUS_DRM_ERROR", Kind::Io),
    Row(7, "AMDSMI_STATUS_API_FAILED", Kind::Io),
    Row(8, "AMDSMI_STATUS_TIMEOUT", Kind::Timeout),
    Row(9, "AMDSMI_STATUS_RETRY", Kind::Busy),
    Row(10, "AMDSMI_STATUS_NO_PERM", Kind::NoPermission),
    Row(11, "AMDSMI_STATUS_INTERRUPT", Kind::Busy),
    Row(12, "AMDSMI_STATUS_IO", Kind::Io),
    Row(13, "AMDSMI_STATUS_ADDRESS_FAULT", Kind::Unknown),
    Row(14, "AMDSMI_STATUS_FILE_ERROR", Kind::Io),
    Row(15, "AMDSMI_STATUS_OUT_OF_RESOURCES", Kind::NoMemory),
    Row(16, "AMDSMI_STATUS_INTERNAL_EXCEPTION", Kind::Unknown),
    Row(17, "AMDSMI_STATUS_INPUT_OUT_OF_BOUNDS", Kind::OutOfRange),
    Row(18, "AMDSMI_STATUS_INIT_ERROR", Kind::NotInitialized),
    Row(19, "AMDSMI_STATUS_REFCOUNT_OVERFLOW", Kind::Unknown),
    Row(20, "AMDSMI_STATUS_DIRECTORY_NOT_FOUND", Kind::Io),
    Row(21, "AMDSMI_STATUS_IPC_ERROR", Kind::Io),
    Row(30, "AMDSMI_STATUS_BUSY", Kind::Busy),
    Row(31, "AMDSMI_STATUS_NOT_FOUND", Kind::NotFound),
    Row(32, "AMDSMI_STATUS_NOT_INIT", Kind::NotInitialized),
    Row(33, "AMDSMI_STATUS_NO_SLOT", Kind::NotFound),
    Row(34, "AMDSMI_STATUS_DRIVER_NOT_LOADED", Kind::DriverNotLoaded),
    Row(39, "AMDSMI_STATUS_MORE_DATA", Kind::BufferTooSmall),
    Row(40, "AMDSMI_STATUS_NO_DATA", Kind::UnexpectedData),
    Row(41, "AMDSMI_STATUS_INSUFFICIENT_SIZE", Kind::BufferTooSmall),
    Row(42, "AMDSMI_STATUS_UNEXPECTED_SIZE", Kind::UnexpectedData),
    Row(43, "AMDSMI_STATUS_UNEXPECTED_DATA", Kind::UnexpectedData),
    Row(44, "AMDSMI_STATUS_NON_AMD_CPU", Kind::NotSupported),
    Row(45, "AMDSMI_STATUS_NO_ENERGY_DRV", Kind::DriverNotLoaded),
    Row(46, "AMDSMI_STATUS_NO_MSR_DRV", Kind::DriverNotLoaded),
    Row(47, "AMDSMI_STATUS_NO_HSMP_DRV", Kind::DriverNotLoaded),
    Row(48, "AMDSMI_STATUS_NO_HSMP_SUP", Kind::NotSupported),
    Row(49, "AMDSMI_STATUS_NO_HSMP_MSG_SUP", Kind::NotSupported),
    Row(50, "AMDSMI_STATUS_HSMP_TIMEOUT", Kind::Timeout),
    Row(51, "AMDSMI_STATUS_NO_DRV", Kind::DriverNotLoaded),
    Row(52, "AMDSMI_STATUS_FILE_NOT_FOUND", Kind::LibraryNotFound),
    Row(53, "AMDSMI_STATUS_ARG_PTR_NULL", Kind::InvalidArgument),
    Row(54, "AMDSMI_STATUS_AMDGPU_RESTART_ERR", Kind::DeviceLost),
    Row(55, "AMDSMI_STATUS_SETTING_UNAVAILABLE", Kind::NotSupported),
    Row(56, "AMDSMI_STATUS_CORRUPTED_EEPROM", Kind::UnexpectedData),
    // In ROCm 6.4.1 to 6.4.4; 39 since 7.0.
    Row(57, "AMDSMI_STATUS_MORE_DATA", Kind::BufferTooSmall),
    Row(0xFFFF_FFFE, "AMDSMI_STATUS_MAP_ERROR", Kind::Unknown),
    Row(0xFFFF_FFFF, "AMDSMI_STATUS_UNKNOWN_ERROR", Kind::Unknown),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of any release is mapped, with its name.
    #[test]
    fn every_code_has_its_name() {
        let facts: serde_json::Value =
            serde_json::from_str(include_str!("../../simulator/vendor-data/amdsmi-enums.json")).unwrap();
        let mut seen = 0;
        for row in facts["status_by_value"].as_array().unwrap() {
            let code = u32::try_from(row["value"].as_u64().unwrap()).unwrap();
            if code == Status::SUCCESS {
                continue;
            }
            let names: Vec<_> = row["names"].as_array().unwrap().iter().map(|n| n["name"].as_str().unwrap()).collect();
            assert!(names.contains(&Status(code).name()), "{code}: {} not in {names:?}", Status(code).name());
            seen += 1;
        }
        assert_eq!(seen, TABLE.len());
        assert_eq!(Status(4711).kind(), Kind::Unknown);
    }
}
