//! For how long a limit held the clocks of a GPU down.

use super::panic::catch_panics;
use super::pointers::null;
use super::readings::read_with;
use super::status::zeus_amd_status_t;
use super::structs::{out_struct, read_struct, InputStruct, VersionedStruct};
use super::types::zeus_amd_session_t;
use crate::energy::{LimitCounts, LIMITS};
use crate::error::{Error, Result};
use std::mem::size_of;

/// driver_time_ns is set.
pub const ZEUS_AMD_LIMIT_COUNTS_VALID_DRIVER_TIME_BIT: u32 = 4;
/// prochot_cycles is set.
pub const ZEUS_AMD_LIMIT_COUNTS_VALID_PROCHOT_BIT: u32 = 65536;
/// ppt_cycles is set.
pub const ZEUS_AMD_LIMIT_COUNTS_VALID_PPT_BIT: u32 = 131072;
/// socket_thermal_cycles is set.
pub const ZEUS_AMD_LIMIT_COUNTS_VALID_SOCKET_THERMAL_BIT: u32 = 262144;
/// vr_thermal_cycles is set.
pub const ZEUS_AMD_LIMIT_COUNTS_VALID_VR_THERMAL_BIT: u32 = 524288;
/// hbm_thermal_cycles is set.
pub const ZEUS_AMD_LIMIT_COUNTS_VALID_HBM_THERMAL_BIT: u32 = 1048576;
/// The driver's timestamp has stalled: this is an old reading.
pub const ZEUS_AMD_LIMIT_COUNTS_FLAG_STALE_BIT: u32 = 16;

/// The firmware's counters of limits. Start from ZEUS_AMD_LIMIT_COUNTS_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_limit_counts_t {
    /// sizeof(zeus_amd_limit_counts_t); ZEUS_AMD_LIMIT_COUNTS_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_LIMIT_COUNTS_VALID_..._BIT: which of the fields below are set;
    /// cycles always is.
    pub valid: u32,
    /// ZEUS_AMD_LIMIT_COUNTS_FLAG_..._BIT.
    pub flags: u32,
    /// CLOCK_BOOTTIME in nanoseconds when the driver read the counters.
    pub driver_time_ns: u64,
    /// Cycles of the firmware, about one a millisecond. All counts begin at the
    /// last reset of the GPU, and wrap around at 2^32.
    pub cycles: u64,
    /// Cycles in which PROCHOT was asserted.
    pub prochot_cycles: u64,
    /// Cycles in which the power limit of the package (PPT) held.
    pub ppt_cycles: u64,
    /// Cycles in which the temperature of the socket held the clocks down.
    pub socket_thermal_cycles: u64,
    /// The same for the temperature of the voltage regulators.
    pub vr_thermal_cycles: u64,
    /// The same for the temperature of the memory (HBM).
    pub hbm_thermal_cycles: u64,
}

/// duration_ns is set.
pub const ZEUS_AMD_LIMITED_TIME_VALID_DURATION_BIT: u32 = 2097152;
/// prochot_cycles is set.
pub const ZEUS_AMD_LIMITED_TIME_VALID_PROCHOT_BIT: u32 = 65536;
/// ppt_cycles is set.
pub const ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT: u32 = 131072;
/// socket_thermal_cycles is set.
pub const ZEUS_AMD_LIMITED_TIME_VALID_SOCKET_THERMAL_BIT: u32 = 262144;
/// vr_thermal_cycles is set.
pub const ZEUS_AMD_LIMITED_TIME_VALID_VR_THERMAL_BIT: u32 = 524288;
/// hbm_thermal_cycles is set.
pub const ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT: u32 = 1048576;
/// The counters were reset in between: the counts are those since the reset.
pub const ZEUS_AMD_LIMITED_TIME_FLAG_RESET_BIT: u32 = 2;

/// Cycles between two readings of the counters of limits. A limit held for the
/// share ppt_cycles / cycles of the time. Start from
/// ZEUS_AMD_LIMITED_TIME_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_limited_time_t {
    /// sizeof(zeus_amd_limited_time_t); ZEUS_AMD_LIMITED_TIME_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_LIMITED_TIME_VALID_..._BIT: which of the fields below are set;
    /// cycles always is.
    pub valid: u32,
    /// ZEUS_AMD_LIMITED_TIME_FLAG_..._BIT.
    pub flags: u32,
    /// The time between the readings by the driver's clock, in nanoseconds.
    pub duration_ns: u64,
    /// Cycles of the firmware in this time.
    pub cycles: u64,
    /// See zeus_amd_limit_counts_t.
    pub prochot_cycles: u64,
    /// See zeus_amd_limit_counts_t.
    pub ppt_cycles: u64,
    /// See zeus_amd_limit_counts_t.
    pub socket_thermal_cycles: u64,
    /// See zeus_amd_limit_counts_t.
    pub vr_thermal_cycles: u64,
    /// See zeus_amd_limit_counts_t.
    pub hbm_thermal_cycles: u64,
}

// SAFETY (all): repr(C), begins with struct_size; integers.
unsafe impl VersionedStruct for zeus_amd_limit_counts_t {
    const NAME: &'static str = "zeus_amd_limit_counts_t";
    const INIT: &'static str = "ZEUS_AMD_LIMIT_COUNTS_INIT";
    const FIRST_SIZE: usize = 72;
}
unsafe impl InputStruct for zeus_amd_limit_counts_t {}
unsafe impl VersionedStruct for zeus_amd_limited_time_t {
    const NAME: &'static str = "zeus_amd_limited_time_t";
    const INIT: &'static str = "ZEUS_AMD_LIMITED_TIME_INIT";
    const FIRST_SIZE: usize = 72;
}
const _: () = assert!(size_of::<zeus_amd_limit_counts_t>() >= zeus_amd_limit_counts_t::FIRST_SIZE);
const _: () = assert!(size_of::<zeus_amd_limited_time_t>() >= zeus_amd_limited_time_t::FIRST_SIZE);

/// The bits of the limits in the order of the counts; both structs have the same.
const BITS: [u32; LIMITS] = [
    ZEUS_AMD_LIMIT_COUNTS_VALID_PROCHOT_BIT,
    ZEUS_AMD_LIMIT_COUNTS_VALID_PPT_BIT,
    ZEUS_AMD_LIMIT_COUNTS_VALID_SOCKET_THERMAL_BIT,
    ZEUS_AMD_LIMIT_COUNTS_VALID_VR_THERMAL_BIT,
    ZEUS_AMD_LIMIT_COUNTS_VALID_HBM_THERMAL_BIT,
];

/// The bits of the counts that are there, and the counts.
fn split(limited: [Option<u64>; LIMITS]) -> (u32, [u64; LIMITS]) {
    let is_there = limited.iter().zip(BITS).filter(|(l, _)| l.is_some());
    (is_there.fold(0, |all, (_, bit)| all | bit), limited.map(Option::unwrap_or_default))
}

impl From<&zeus_amd_limit_counts_t> for LimitCounts {
    fn from(c: &zeus_amd_limit_counts_t) -> Self {
        let counts =
            [c.prochot_cycles, c.ppt_cycles, c.socket_thermal_cycles, c.vr_thermal_cycles, c.hbm_thermal_cycles];
        let has = |bit: u32| c.valid & bit != 0;
        let mut limited = counts.map(Some);
        for (count, bit) in limited.iter_mut().zip(BITS) {
            *count = count.filter(|_| has(bit));
        }
        let driver_ns = Some(c.driver_time_ns).filter(|_| has(ZEUS_AMD_LIMIT_COUNTS_VALID_DRIVER_TIME_BIT));
        LimitCounts { driver_ns, cycles: c.cycles, limited }
    }
}

/// The firmware's counters of the time in which a limit held the clocks of a
/// package down: its power limit, temperatures, PROCHOT. Read them at the start
/// and at the end of a time, and pass both to zeus_amd_limited_time(). MI300 and
/// later count them (gpu_metrics 1.6 and later):
/// https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/amd/include/kgd_pp_interface.h
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] counts  struct_size set by the caller
///                     (ZEUS_AMD_LIMIT_COUNTS_INIT); written only on success;
///                     not NULL.
/// @return A status of any reading, or ZEUS_AMD_STATUS_STRUCT_VERSION.
///         ZEUS_AMD_STATUS_NOT_SUPPORTED: the GPU does not count them, or is read
///         through libamd_smi (ZEUS_AMD_BACKEND_AMDSMI).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_limit_counts(
    session: *const zeus_amd_session_t,
    gpu: u32,
    counts: *mut zeus_amd_limit_counts_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a struct with its size, as the caller promises.
    catch_panics(|| unsafe {
        read_with(session, gpu, |device| {
            let to = out_struct(counts, "counts")?;
            let (found, is_stale) = device.limit_counts()?;
            to.fill(|c| {
                let (valid, limited) = split(found.limited);
                (c.gpu, c.valid, c.cycles) = (gpu, valid, found.cycles);
                if let Some(ns) = found.driver_ns {
                    c.valid |= ZEUS_AMD_LIMIT_COUNTS_VALID_DRIVER_TIME_BIT;
                    c.driver_time_ns = ns;
                }
                if is_stale {
                    c.flags |= ZEUS_AMD_LIMIT_COUNTS_FLAG_STALE_BIT;
                }
                [c.prochot_cycles, c.ppt_cycles, c.socket_thermal_cycles, c.vr_thermal_cycles, c.hbm_thermal_cycles] =
                    limited;
            });
            Ok(())
        })
    })
}

/// What was counted between two readings of the counters of limits, exactly: a
/// wraparound in between is corrected (they wrap around after 49 days). After a
/// reset of the GPU in between, the counts are those since the reset.
///
/// @param[in]  begin   From zeus_amd_limit_counts(); not NULL.
/// @param[in]  end     From a later call for the same GPU; not NULL.
/// @param[out] limited struct_size set by the caller
///                     (ZEUS_AMD_LIMITED_TIME_INIT); written only on success;
///                     not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (a pointer is
///         NULL, or the readings are of two GPUs),
///         ZEUS_AMD_STATUS_STRUCT_VERSION, or ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_limited_time(
    begin: *const zeus_amd_limit_counts_t,
    end: *const zeus_amd_limit_counts_t,
    limited: *mut zeus_amd_limited_time_t,
) -> zeus_amd_status_t {
    // SAFETY: structs with their sizes, as the caller promises.
    catch_panics(|| unsafe {
        let (begin, end) = (counts(begin, "begin")?, counts(end, "end")?);
        let to = out_struct(limited, "limited")?;
        if begin.gpu != end.gpu {
            let text = format!("begin is of GPU {}, end of GPU {}", begin.gpu, end.gpu);
            return Err(Error::InvalidArgument(text));
        }
        let found = LimitCounts::from(&begin).until(&LimitCounts::from(&end));
        to.fill(|l| {
            let (valid, limited) = split(found.limited);
            (l.gpu, l.valid, l.cycles) = (begin.gpu, valid, found.cycles);
            if let Some(ns) = found.duration_ns {
                l.valid |= ZEUS_AMD_LIMITED_TIME_VALID_DURATION_BIT;
                l.duration_ns = ns;
            }
            if found.reset {
                l.flags |= ZEUS_AMD_LIMITED_TIME_FLAG_RESET_BIT;
            }
            [l.prochot_cycles, l.ppt_cycles, l.socket_thermal_cycles, l.vr_thermal_cycles, l.hbm_thermal_cycles] =
                limited;
        });
        Ok(())
    })
}

/// # Safety
/// NULL, or a struct with its size.
unsafe fn counts(pointer: *const zeus_amd_limit_counts_t, what: &str) -> Result<zeus_amd_limit_counts_t> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: as the caller promises.
    unsafe { read_struct(pointer) }
}
