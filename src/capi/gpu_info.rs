//! Which GPU an index is.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::{bytes, copy_text, null, out, write_c_string};
use super::status::zeus_amd_status_t;
use super::structs::out_struct;
use super::types::{
    zeus_amd_backend_t, zeus_amd_counter_state_t, zeus_amd_die_role_t, zeus_amd_gpu_info_t, zeus_amd_session_t,
    ZEUS_AMD_GPU_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT, ZEUS_AMD_GPU_INFO_FLAG_ORDER_UNCERTAIN_BIT,
    ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT, ZEUS_AMD_GPU_INFO_VALID_DEVICE_ID_BIT,
    ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT, ZEUS_AMD_GPU_INFO_VALID_NAME_BIT, ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT,
    ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT,
};
use crate::device::{Backend, Device};
use crate::energy::CounterState;
use crate::error::Result;
use crate::session::Session;
use crate::topology::visibility::uuid;
use crate::topology::{Order, Role};
use std::ffi::c_char;
use std::mem::zeroed;

impl From<Backend> for zeus_amd_backend_t {
    fn from(b: Backend) -> Self {
        match b {
            Backend::Auto => Self::ZEUS_AMD_BACKEND_AUTO,
            Backend::Amdsmi => Self::ZEUS_AMD_BACKEND_AMDSMI,
            Backend::Sysfs => Self::ZEUS_AMD_BACKEND_SYSFS,
        }
    }
}

impl From<CounterState> for zeus_amd_counter_state_t {
    fn from(v: CounterState) -> Self {
        match v {
            CounterState::Pending => Self::ZEUS_AMD_COUNTER_STATE_PENDING,
            CounterState::NotChecked => Self::ZEUS_AMD_COUNTER_STATE_NOT_CHECKED,
            CounterState::Trusted => Self::ZEUS_AMD_COUNTER_STATE_TRUSTED,
            CounterState::Stuck => Self::ZEUS_AMD_COUNTER_STATE_STUCK,
            CounterState::Implausible => Self::ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE,
            CounterState::NoPowerToCompare => Self::ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE,
            CounterState::Unsupported => Self::ZEUS_AMD_COUNTER_STATE_UNSUPPORTED,
            CounterState::Unreadable => Self::ZEUS_AMD_COUNTER_STATE_UNREADABLE,
            CounterState::SecondaryDie => Self::ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE,
            CounterState::SecondaryPartition => Self::ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION,
        }
    }
}

/// A short English text for a counter state, for any number.
///
/// @param[in] counter_state A zeus_amd_counter_state_t, or any other number.
/// @return A static string, such as "trusted"; never NULL, nothing to free.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_counter_state_string(counter_state: u32) -> *const c_char {
    let text = match counter_state {
        0 => c"not checked",
        1 => c"trusted",
        2 => c"stuck",
        3 => c"implausible",
        4 => c"no power to compare with",
        5 => c"unsupported",
        6 => c"secondary die",
        7 => c"secondary partition",
        8 => c"pending",
        9 => c"unreadable",
        _ => c"unknown counter state",
    };
    text.as_ptr()
}

fn info(s: &Session, device: &Device) -> zeus_amd_gpu_info_t {
    let d = &device.identity;
    // SAFETY: integers, arrays of characters, and enums that have a 0.
    let mut v: zeus_amd_gpu_info_t = unsafe { zeroed() };
    v.index = d.index as u32;
    if let Some(i) = d.unmasked_index {
        v.unmasked_index = i;
        v.valid |= ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT;
    }
    if let Some(i) = d.location.amdsmi {
        v.amdsmi_index = i as u32;
        v.valid |= ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT;
    }
    if let Some(node) = &d.location.node {
        v.kfd_node = node.number;
        v.valid |= ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT;
        if node.unique_id != 0 {
            v.unique_id = node.unique_id;
            write_c_string(&mut v.uuid, &uuid(node.unique_id));
            v.valid |= ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT;
        }
    }
    if let Some(id) = d.device_id {
        v.device_id = id.into();
        v.valid |= ZEUS_AMD_GPU_INFO_VALID_DEVICE_ID_BIT;
    }
    if !d.name.is_empty() {
        write_c_string(&mut v.name, &d.name);
        v.valid |= ZEUS_AMD_GPU_INFO_VALID_NAME_BIT;
    }
    v.partition = d.location.partition;
    v.die_role = match d.role {
        Role::Single | Role::SecondaryPartition { .. } => zeus_amd_die_role_t::ZEUS_AMD_DIE_SINGLE,
        Role::PrimaryDie => zeus_amd_die_role_t::ZEUS_AMD_DIE_PRIMARY,
        Role::SecondaryDie { .. } => zeus_amd_die_role_t::ZEUS_AMD_DIE_SECONDARY,
    };
    v.source = device.source().backend().into();
    v.counter_state = device.counter_state().into();
    if s.order == Order::Enumeration {
        v.flags |= ZEUS_AMD_GPU_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT;
    }
    if s.order_uncertain {
        v.flags |= ZEUS_AMD_GPU_INFO_FLAG_ORDER_UNCERTAIN_BIT;
    }
    write_c_string(&mut v.pci_address, &d.location.pci.to_string());
    write_c_string(&mut v.package, &d.package);
    v
}

/// Which GPU an index is, and the state of its energy counter.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] info    struct_size set by the caller (ZEUS_AMD_GPU_INFO_INIT);
///                     written only on success; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
///         ZEUS_AMD_STATUS_NOT_FOUND.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_gpu_info(
    session: *const zeus_amd_session_t,
    gpu: u32,
    info: *mut zeus_amd_gpu_info_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a struct with its size, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out_struct(info, "info")?;
            to.write(&self::info(s, s.device(gpu)?));
            Ok(())
        })
    })
}

/// The GPU of this session at a PCI address.
///
/// @param[in]  session     An open session; not NULL.
/// @param[in]  pci_address As hipDeviceGetPCIBusId() prints it (0000:c1:00.0),
///                         in any case; domain and function may be omitted; not
///                         NULL.
/// @param[out] gpu         Receives its index; written only on success; not
///                         NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (not a PCI
///         address), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not
///         visible) or ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (several GPUs match).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_find_by_pci(
    session: *const zeus_amd_session_t,
    pci_address: *const c_char,
    gpu: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a string, as the caller promises.
    catch_panics(|| unsafe { find(session, pci_address, gpu, Session::find_by_pci) })
}

/// The GPU of this session with a UUID.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  uuid    "GPU-" and 16 hex digits as in ROCm's variables, the
///                     digits alone as hipDeviceGetUuid() returns them, or the
///                     form of amd-smi with dashes; in any case; not NULL.
/// @param[out] gpu     Receives its index; written only on success; not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (not a
///         UUID), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not visible)
///         or ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (partitions that share the UUID).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_find_by_uuid(
    session: *const zeus_amd_session_t,
    uuid: *const c_char,
    gpu: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a string, as the caller promises.
    catch_panics(|| unsafe { find(session, uuid, gpu, Session::find_by_uuid) })
}

/// # Safety
/// NULL or an open session; NULL or a string that ends in NUL.
unsafe fn find(
    session: *const zeus_amd_session_t,
    text: *const c_char,
    gpu: *mut u32,
    by: impl FnOnce(&Session, &str) -> Result<u32>,
) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        SessionHandle::with(session, |s| {
            let text = bytes(text).ok_or_else(|| null("the text"))?;
            let to = out(gpu, "gpu")?;
            to.write(by(s, &String::from_utf8_lossy(&text))?);
            Ok(())
        })
    }
}

/// How environment and topology led to this list of GPUs: what the kernel lists,
/// what each mask kept and at which entry it ended, and which GPU each index is.
/// After a window of the node (zeus_amd_node_window_begin()) where pm_counters
/// measure the same packages: how far their energy and the counters' are apart,
/// over the longest window, and the gain of each counter over the last minute of
/// open windows. Of MI200 and later, while a sampler runs: a counter that the
/// GPU's own power contradicts. The text is for people; its wording may change.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] text    Receives the text, cut to fit, always NUL-terminated; may
///                     be NULL if length is 0.
/// @param[in]  length  Bytes at text.
/// @param[out] needed  Receives the length of the whole text without its NUL;
///                     may be NULL.
/// @return A status of any call.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_explain(
    session: *const zeus_amd_session_t,
    text: *mut c_char,
    length: usize,
    needed: *mut usize,
) -> zeus_amd_status_t {
    // SAFETY: an open session, `length` bytes at `text`, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            if text.is_null() && length > 0 {
                return Err(null("text"));
            }
            let explanation = s.explanation();
            copy_text(text, length, explanation.as_bytes());
            if let Ok(needed) = out(needed, "needed") {
                needed.write(explanation.len());
            }
            Ok(())
        })
    })
}
