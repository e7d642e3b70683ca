//! The node beside its GPUs.

use super::at_exit;
use super::handle::SessionHandle;
use super::node_total::zeus_amd_node_total_t;
use super::panic::catch_panics;
use super::pointers::{null, out, write_c_string};
use super::status::zeus_amd_status_t;
use super::structs::{out_array, out_struct, zeroed, OutArray, OutStruct, VersionedStruct};
use super::types::{zeus_amd_method_t, zeus_amd_session_t, zeus_amd_window_t};
use crate::error::{Error, Result};
use crate::node::{Domain, DomainEnergy, DomainKind, DomainSource, NodeWindow};
use crate::platform::memory;
use std::ffi::c_char;
use std::mem::size_of;

/// A window over the node, from zeus_amd_node_window_begin() to
/// zeus_amd_node_window_end().
pub struct zeus_amd_node_window_t {
    _opaque: [u8; 0],
}

/// What a domain of the node is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_node_domain_kind_t {
    /// The whole node: processors, memory, accelerators, network, losses.
    ZEUS_AMD_NODE_DOMAIN_NODE = 0,
    /// All processors, by the board.
    ZEUS_AMD_NODE_DOMAIN_CPU = 1,
    /// All memory, by the board.
    ZEUS_AMD_NODE_DOMAIN_MEMORY = 2,
    /// A GPU's package, by the board. Their order is the board's, not HIP's.
    ZEUS_AMD_NODE_DOMAIN_ACCELERATOR = 3,
    /// A processor's package, by its own register.
    ZEUS_AMD_NODE_DOMAIN_CPU_PACKAGE = 4,
    /// The cores of a processor's package; none of AMD's, whose register is that
    /// of one core.
    ZEUS_AMD_NODE_DOMAIN_CPU_CORES = 5,
    /// What a processor's package has beside its cores.
    ZEUS_AMD_NODE_DOMAIN_UNCORE = 6,
    /// The memory of a processor, beside its package.
    ZEUS_AMD_NODE_DOMAIN_DRAM = 7,
    /// The platform, by a processor's register (psys): what it covers is the
    /// vendor's choice, so it is in no total.
    ZEUS_AMD_NODE_DOMAIN_PLATFORM = 8,
    /// The package of a GPU of the session.
    ZEUS_AMD_NODE_DOMAIN_GPU = 9,
    /// Another zone of powercap.
    ZEUS_AMD_NODE_DOMAIN_OTHER = 10,
}

/// Where a domain is read.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_node_source_t {
    /// /sys/cray/pm_counters of HPE Cray EX, in whole joules and watts, about ten
    /// times a second:
    /// https://cray-hpe.github.io/docs-csm/en-15/operations/power_management/user_access_to_compute_node_power_data/
    ZEUS_AMD_NODE_SOURCE_PM_COUNTERS = 0,
    /// /sys/class/powercap/intel-rapl:*, of AMD's processors too:
    /// https://docs.kernel.org/power/powercap/powercap.html
    ZEUS_AMD_NODE_SOURCE_POWERCAP = 1,
    /// As the GPU of the session.
    ZEUS_AMD_NODE_SOURCE_GPU = 2,
}

/// parent is set: the energy of that domain includes this one's.
pub const ZEUS_AMD_NODE_DOMAIN_INFO_VALID_PARENT_BIT: u32 = 1024;
/// gpu is set.
pub const ZEUS_AMD_NODE_DOMAIN_INFO_VALID_GPU_BIT: u32 = 2048;
/// refresh_ns is set.
pub const ZEUS_AMD_NODE_DOMAIN_INFO_VALID_REFRESH_BIT: u32 = 4096;
/// The counter wraps around: a background thread of the session reads it from
/// the first energy or window of the node on.
pub const ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_WRAPS_BIT: u32 = 8192;

/// What a domain of the node is. Start from ZEUS_AMD_NODE_DOMAIN_INFO_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_node_domain_info_t {
    /// sizeof(zeus_amd_node_domain_info_t); ZEUS_AMD_NODE_DOMAIN_INFO_INIT sets
    /// it.
    pub struct_size: u32,
    /// Its index.
    pub domain: u32,
    /// ZEUS_AMD_NODE_DOMAIN_INFO_VALID_..._BIT: which of the fields below are
    /// set.
    pub valid: u32,
    /// ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_..._BIT.
    pub flags: u32,
    /// What it is.
    pub kind: zeus_amd_node_domain_kind_t,
    /// Where it is read.
    pub source: zeus_amd_node_source_t,
    /// ZEUS_AMD_STATUS_OK, or why its energy cannot be read now, such as
    /// ZEUS_AMD_STATUS_NO_PERMISSION.
    pub status: zeus_amd_status_t,
    /// The domain that includes it.
    pub parent: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// Zero.
    pub reserved: u32,
    /// The time between two updates of its values, in nanoseconds.
    pub refresh_ns: u64,
    /// Its energy is a multiple of this, in microjoules, or close to one.
    pub step_uj: u64,
    /// The highest power that its uncertainty is derived from, in milliwatts: its
    /// limit, and no less than such a part may draw.
    pub max_power_mw: u64,
    /// "node", "cpu", "memory", "accel2", "package-0", "package-0 core", "gpu3".
    pub name: [c_char; 64],
    /// The file of its energy, cut to fit.
    pub path: [c_char; 256],
}

/// energy_uj, uncertainty_uj, duration_ns and mean_power_mw are set.
pub const ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT: u32 = 1;
/// The uncertainty is more than a tenth of the energy: the time was too short.
pub const ZEUS_AMD_NODE_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT: u32 = 1;
/// The counter was reset in between. The energy across the reset is derived from
/// the power, and the uncertainty covers it.
pub const ZEUS_AMD_NODE_ENERGY_FLAG_RESET_BIT: u32 = 2;
/// The source was not updated for more than a second: the value is an old one.
pub const ZEUS_AMD_NODE_ENERGY_FLAG_STALE_BIT: u32 = 16;
/// No sample for so long that the counter may have wrapped around unseen, or of a
/// GPU for more than 250 ms; the uncertainty covers the gap.
pub const ZEUS_AMD_NODE_ENERGY_FLAG_SAMPLING_GAP_BIT: u32 = 32;
/// It is in the total.
pub const ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT: u32 = 16384;

/// The energy of a domain over a time. Start from ZEUS_AMD_NODE_ENERGY_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_node_energy_t {
    /// sizeof(zeus_amd_node_energy_t); ZEUS_AMD_NODE_ENERGY_INIT sets it.
    pub struct_size: u32,
    /// The index of the domain.
    pub domain: u32,
    /// ZEUS_AMD_NODE_ENERGY_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_NODE_ENERGY_FLAG_..._BIT.
    pub flags: u32,
    /// How the energy was obtained.
    pub method: zeus_amd_method_t,
    /// ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy.
    pub status: zeus_amd_status_t,
    /// Energy in microjoules, in the time between two updates of the source,
    /// duration_ns.
    pub energy_uj: u64,
    /// Upper limit of the error of the energy, in microjoules, for the time
    /// between the calls as well, as far as max_power_mw holds. Of pm_counters a
    /// value is taken to be no older than three updates, 300 ms. The error of the
    /// sensors themselves is not in it.
    pub uncertainty_uj: u64,
    /// The time that the energy belongs to, in nanoseconds.
    pub duration_ns: u64,
    /// Energy over duration, in milliwatts.
    pub mean_power_mw: u64,
}

// SAFETY (all): repr(C), begins with struct_size; integers, texts, and enums that have a 0.
unsafe impl VersionedStruct for zeus_amd_node_domain_info_t {
    const NAME: &'static str = "zeus_amd_node_domain_info_t";
    const INIT: &'static str = "ZEUS_AMD_NODE_DOMAIN_INFO_INIT";
    const FIRST_SIZE: usize = 384;
}
unsafe impl VersionedStruct for zeus_amd_node_energy_t {
    const NAME: &'static str = "zeus_amd_node_energy_t";
    const INIT: &'static str = "ZEUS_AMD_NODE_ENERGY_INIT";
    const FIRST_SIZE: usize = 56;
}
const _: () = assert!(size_of::<zeus_amd_node_domain_info_t>() >= zeus_amd_node_domain_info_t::FIRST_SIZE);
const _: () = assert!(size_of::<zeus_amd_node_energy_t>() >= zeus_amd_node_energy_t::FIRST_SIZE);

impl From<DomainKind> for zeus_amd_node_domain_kind_t {
    fn from(kind: DomainKind) -> Self {
        match kind {
            DomainKind::Node => Self::ZEUS_AMD_NODE_DOMAIN_NODE,
            DomainKind::Cpu => Self::ZEUS_AMD_NODE_DOMAIN_CPU,
            DomainKind::Memory => Self::ZEUS_AMD_NODE_DOMAIN_MEMORY,
            DomainKind::Accelerator => Self::ZEUS_AMD_NODE_DOMAIN_ACCELERATOR,
            DomainKind::CpuPackage => Self::ZEUS_AMD_NODE_DOMAIN_CPU_PACKAGE,
            DomainKind::CpuCores => Self::ZEUS_AMD_NODE_DOMAIN_CPU_CORES,
            DomainKind::Uncore => Self::ZEUS_AMD_NODE_DOMAIN_UNCORE,
            DomainKind::Dram => Self::ZEUS_AMD_NODE_DOMAIN_DRAM,
            DomainKind::Platform => Self::ZEUS_AMD_NODE_DOMAIN_PLATFORM,
            DomainKind::Gpu => Self::ZEUS_AMD_NODE_DOMAIN_GPU,
            DomainKind::Other => Self::ZEUS_AMD_NODE_DOMAIN_OTHER,
        }
    }
}

/// A short English text for a kind of domain, for any number.
///
/// @param[in] kind A zeus_amd_node_domain_kind_t, or any other number.
/// @return A static string, such as "node" or "processor package"; never NULL,
///         nothing to free.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_node_domain_kind_string(kind: u32) -> *const c_char {
    let text = match kind {
        0 => c"node",
        1 => c"processors",
        2 => c"memory",
        3 => c"accelerator",
        4 => c"processor package",
        5 => c"processor cores",
        6 => c"processor uncore",
        7 => c"processor memory",
        8 => c"platform",
        9 => c"GPU",
        10 => c"other",
        _ => c"unknown kind",
    };
    text.as_ptr()
}

/// The number of domains of this node whose energy is measured: the node, its
/// processors, its memory, its accelerators, and each package of a GPU of the
/// session. Their indices are 0 to this minus 1, and stay for the session. The
/// first call that names the node searches for them; a session without such a
/// call reads none of their files.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] count   Written only on success; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_NO_MEMORY (no descriptor), or
///         ZEUS_AMD_STATUS_IO (a folder cannot be listed).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_domain_count(
    session: *const zeus_amd_session_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out(count, "count")?;
            to.write(s.node()?.domains().len() as u32);
            Ok(())
        })
    })
}

fn fill_info(value: &mut zeus_amd_node_domain_info_t, index: u32, domain: &Domain) {
    value.domain = index;
    value.kind = domain.kind.into();
    value.source = match domain.source {
        DomainSource::PmCounters(_) => zeus_amd_node_source_t::ZEUS_AMD_NODE_SOURCE_PM_COUNTERS,
        DomainSource::Powercap(_) => zeus_amd_node_source_t::ZEUS_AMD_NODE_SOURCE_POWERCAP,
        DomainSource::Gpu(_) => zeus_amd_node_source_t::ZEUS_AMD_NODE_SOURCE_GPU,
    };
    let mut set = |is_set: bool, bit: u32| value.valid |= if is_set { bit } else { 0 };
    set(domain.parent.is_some(), ZEUS_AMD_NODE_DOMAIN_INFO_VALID_PARENT_BIT);
    set(domain.refresh_ns > 0, ZEUS_AMD_NODE_DOMAIN_INFO_VALID_REFRESH_BIT);
    value.parent = domain.parent.unwrap_or(0) as u32;
    if let DomainSource::Gpu(gpu) = domain.source {
        value.valid |= ZEUS_AMD_NODE_DOMAIN_INFO_VALID_GPU_BIT;
        value.gpu = gpu as u32;
    }
    if matches!(domain.source, DomainSource::Powercap(_)) {
        value.flags |= ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_WRAPS_BIT;
    }
    value.refresh_ns = domain.refresh_ns;
    value.step_uj = domain.limits.resolution_uj;
    value.max_power_mw = domain.limits.max_power_mw;
    write_c_string(&mut value.name, &domain.name);
    write_c_string(&mut value.path, &domain.path);
}

/// What a domain of the node is, and whether its energy can be read now.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  domain  An index below zeus_amd_node_domain_count().
/// @param[out] info    struct_size set by the caller
///                     (ZEUS_AMD_NODE_DOMAIN_INFO_INIT); written only on
///                     success; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND,
///         ZEUS_AMD_STATUS_STRUCT_VERSION, or as zeus_amd_node_domain_count().
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_domain_info(
    session: *const zeus_amd_session_t,
    domain: u32,
    info: *mut zeus_amd_node_domain_info_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a struct with its size, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out_struct(info, "info")?;
            let node = s.node()?;
            let found = node.domain(domain)?;
            let error = node.error(domain);
            to.fill(|value| {
                fill_info(value, domain, found);
                value.status = error.map_or(zeus_amd_status_t::ZEUS_AMD_STATUS_OK, Into::into);
            });
            Ok(())
        })
    })
}

/// Energy of a domain in microjoules since the zero of its counter: a start of
/// the controller (pm_counters), or of the machine (powercap). Wraparounds that
/// happen after the first reading of this session are corrected. The difference
/// of two readings is an energy; one reading alone is not.
///
/// @param[in]  session        An open session; not NULL.
/// @param[in]  domain         An index below zeus_amd_node_domain_count(), not of
///                            a GPU, which has zeus_amd_energy_mj().
/// @param[out] energy_uj      Written only on success; not NULL.
/// @param[out] uncertainty_uj What may be missing because the count is up to
///                            some updates old, in microjoules; may be NULL.
/// @return A status of any reading, or as zeus_amd_node_domain_count().
///         ZEUS_AMD_STATUS_NO_PERMISSION: powercap is root's alone since Linux
///         5.10. ZEUS_AMD_STATUS_NOT_SUPPORTED: also for a domain of a GPU.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_energy_uj(
    session: *const zeus_amd_session_t,
    domain: u32,
    energy_uj: *mut u64,
    uncertainty_uj: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out(energy_uj, "energy_uj")?;
            let node = s.node()?;
            let (uj, error_uj) = node.energy_uj(domain)?;
            at_exit::register_node_exit_handler(s, node);
            to.write(uj);
            write_if_wanted(uncertainty_uj, error_uj);
            Ok(())
        })
    })
}

/// Writes where the caller gave a place.
///
/// # Safety
/// NULL or a place for a number.
unsafe fn write_if_wanted(to: *mut u64, value: u64) {
    if !to.is_null() {
        // SAFETY: as the caller promises.
        unsafe { to.write(value) };
    }
}

/// Power of a domain, in milliwatts: what the controller shows (pm_counters), or
/// the mean over the next 50 ms, for which the call waits (powercap).
///
/// @param[in]  session        An open session; not NULL.
/// @param[in]  domain         An index below zeus_amd_node_domain_count(), not of
///                            a GPU, which has zeus_amd_power_instant_mw().
/// @param[out] power_mw       Written only on success; not NULL.
/// @param[out] uncertainty_mw Upper limit of the error in milliwatts: rounding,
///                            and of powercap what the edges of the time may
///                            add; may be NULL.
/// @return As zeus_amd_node_energy_uj().
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_power_mw(
    session: *const zeus_amd_session_t,
    domain: u32,
    power_mw: *mut u64,
    uncertainty_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out(power_mw, "power_mw")?;
            let (mw, error_mw) = s.node()?.power_mw(domain)?;
            to.write(mw);
            write_if_wanted(uncertainty_mw, error_mw);
            Ok(())
        })
    })
}

/// Begins a window over all domains of the node and all GPUs of the session, with
/// one begin for both. It contains a window of the GPUs: see
/// zeus_amd_node_window_gpus().
///
/// The files of the node are read here and at the end, which takes some hundred
/// microseconds more than a window of GPUs alone. Where a counter wraps around
/// (powercap), a background thread of the session reads it in between, about
/// every 16 seconds. Where pm_counters measure the packages of the session,
/// another one samples both until the window ends, 40 times a second, for
/// zeus_amd_explain(). A window may outlive its session, but the threads end with
/// the session.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] window  Receives the window, or NULL on failure; not NULL.
/// @return As zeus_amd_window_begin(), or as zeus_amd_node_domain_count().
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_window_begin(
    session: *const zeus_amd_session_t,
    window: *mut *mut zeus_amd_node_window_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        let to = out(window, "window")?;
        to.write(std::ptr::null_mut());
        SessionHandle::with(session, |s| {
            let begun = memory::make(|| s.begin_node_window())?;
            at_exit::register_exit_handler(s);
            at_exit::register_node_exit_handler(s, s.node()?);
            to.write(Box::into_raw(begun).cast());
            Ok(())
        })
    })
}

/// The window behind a pointer from C.
///
/// # Safety
/// NULL, or from `zeus_amd_node_window_begin` and not yet ended.
unsafe fn window(window: *const zeus_amd_node_window_t) -> Result<*mut NodeWindow> {
    let window = window.cast_mut().cast::<NodeWindow>();
    // SAFETY: as the caller promises.
    unsafe { window.as_ref() }.ok_or_else(|| null("the window"))?.gpus().require_own_process()?;
    Ok(window)
}

/// The window of the GPUs in a window of the node, for zeus_amd_window_read() and
/// zeus_amd_window_lap() alone: each GPU as these show it. It begins when the
/// node's window begins, and is freed with it.
///
/// @param[in]  window A window of the node; not NULL.
/// @param[out] gpus   Receives the window of the GPUs; not NULL.
/// @return A status of any call.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_window_gpus(
    window: *const zeus_amd_node_window_t,
    gpus: *mut *mut zeus_amd_window_t,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_node_window_begin, and a pointer to a result, as the caller promises.
    catch_panics(|| unsafe {
        let to = out(gpus, "gpus")?;
        to.write(std::ptr::from_ref((*self::window(window)?).gpus()).cast_mut().cast());
        Ok(())
    })
}

fn fill(value: &mut zeus_amd_node_energy_t, domain: u32, one: &DomainEnergy) {
    value.domain = domain;
    if let Some(kind) = one.error {
        value.status = kind.into();
    }
    let Some(i) = &one.interval else { return };
    value.valid = ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT;
    let mut set = |is_set: bool, bit: u32| value.flags |= if is_set { bit } else { 0 };
    set(i.has_high_uncertainty(), ZEUS_AMD_NODE_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT);
    set(i.restarted, ZEUS_AMD_NODE_ENERGY_FLAG_RESET_BIT);
    set(i.stale, ZEUS_AMD_NODE_ENERGY_FLAG_STALE_BIT);
    set(i.gap, ZEUS_AMD_NODE_ENERGY_FLAG_SAMPLING_GAP_BIT);
    set(one.counted, ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT);
    value.method = i.method.into();
    value.energy_uj = i.energy_uj;
    value.uncertainty_uj = i.uncertainty_uj;
    value.duration_ns = i.duration_ns;
    value.mean_power_mw = i.mean_mw();
}

/// The caller's places for results, checked: the total, and the domains.
type Places = (Option<OutStruct<zeus_amd_node_total_t>>, Option<OutArray<zeus_amd_node_energy_t>>);

/// # Safety
/// As [`zeus_amd_node_window_read`].
unsafe fn places(
    needed: u32,
    total: *mut zeus_amd_node_total_t,
    domains: *mut zeus_amd_node_energy_t,
    count: *mut u32,
) -> Result<Places> {
    // SAFETY: NULL or a struct, as the caller promises.
    let to_total = if total.is_null() { None } else { Some(unsafe { out_struct(total, "total") }?) };
    if domains.is_null() && count.is_null() {
        return Ok((to_total, None));
    }
    // SAFETY: an array and its count, as the caller promises.
    let array = unsafe { out_array(domains, count, "domains") }?;
    out(count, "count")?.write(needed);
    if array.room < needed && array.room != 0 {
        return Err(Error::BufferTooSmall { what: "domains", room: array.room, needed });
    }
    Ok((to_total, Some(array)))
}

/// Reads a window into the caller's structs. The inner result says whether a total that was asked for has an energy.
fn read(window: &NodeWindow, (to_total, to_domains): Places) -> Result<()> {
    let (total, domains) = window.read();
    for (i, one) in domains.iter().enumerate() {
        let mut value = zeroed();
        fill(&mut value, i as u32, one);
        if let Some(array) = &to_domains {
            array.write(i, &value);
        }
    }
    let Some(to) = to_total else { return Ok(()) };
    to.fill(|value| value.fill(&total));
    if total.domains > 0 {
        return Ok(());
    }
    Err(window.nothing_measured(domains.first().and_then(|d| d.error)))
}

/// The energy of the node, and of each domain, since the start of the window,
/// which stays open.
///
/// The total is the node's own where a sensor measures all of it; else the sum of
/// what is measured, nothing twice: the GPUs' packages (or the board's
/// accelerators), the processors (the board's, or their packages), the memory.
/// The processor of an MI300A is in the package of its GPU.
///
/// @param[in]     window  A window of the node; not NULL.
/// @param[out]    total   struct_size set by the caller
///                        (ZEUS_AMD_NODE_TOTAL_INIT); may be NULL.
/// @param[out]    domains One element for each domain, in the order of indices.
///                        struct_size of the first (ZEUS_AMD_NODE_ENERGY_INIT)
///                        is the size of each. May be NULL.
/// @param[in,out] count   Capacity of domains; receives the number of domains.
///                        May be NULL if domains is.
/// @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
///         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL. A domain without an energy is no
///         failure: see its status. A total without any is one: the status of
///         the first domain, such as ZEUS_AMD_STATUS_NOT_SUPPORTED.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_window_read(
    window: *const zeus_amd_node_window_t,
    total: *mut zeus_amd_node_total_t,
    domains: *mut zeus_amd_node_energy_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_node_window_begin, and pointers to results, as the caller promises.
    catch_panics(|| unsafe {
        let window = &*self::window(window)?;
        read(window, places(window.domains().len() as u32, total, domains, count)?)
    })
}

/// Ends a window of the node: returns what zeus_amd_node_window_read() returns,
/// and frees the window and that of the GPUs in it. With NULL for total, domains
/// and count it only frees them.
///
/// If an argument is refused (ZEUS_AMD_STATUS_INVALID_ARGUMENT,
/// ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL), the window
/// stays open. Otherwise it has ended, whatever the status.
///
/// @param[in]     window  A window of the node; not NULL.
/// @param[out]    total   As for zeus_amd_node_window_read(); may be NULL.
/// @param[out]    domains As for zeus_amd_node_window_read(); may be NULL.
/// @param[in,out] count   As for zeus_amd_node_window_read(); may be NULL if
///                        domains is.
/// @return As zeus_amd_node_window_read().
/// @threadsafety Any thread, but not while another thread uses the window.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is freed.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_node_window_end(
    window: *mut zeus_amd_node_window_t,
    total: *mut zeus_amd_node_total_t,
    domains: *mut zeus_amd_node_energy_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_node_window_begin and ended once, and pointers to results, as the caller promises.
    catch_panics(|| unsafe {
        let window = self::window(window)?;
        let places = places((*window).domains().len() as u32, total, domains, count)?;
        let window = Box::from_raw(window);
        if total.is_null() && domains.is_null() && count.is_null() {
            return Ok(());
        }
        read(&window, places)
    })
}
