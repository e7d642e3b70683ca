//! Which GPU an index is.

use super::boundary::{bytes, catch_panics, copy_text, null, out, out_struct, write_c_string};
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::{
    zeus_amd_backend_t, zeus_amd_counter_state_t, zeus_amd_die_role_t, zeus_amd_gpu_info_t, zeus_amd_session_t,
    ZEUS_AMD_GPU_FLAG_ORDER_FROM_ENUMERATION_BIT, ZEUS_AMD_GPU_FLAG_ORDER_UNCERTAIN_BIT,
    ZEUS_AMD_GPU_INFO_AMDSMI_INDEX_BIT, ZEUS_AMD_GPU_INFO_DEVICE_ID_BIT, ZEUS_AMD_GPU_INFO_KFD_NODE_BIT,
    ZEUS_AMD_GPU_INFO_NAME_BIT, ZEUS_AMD_GPU_INFO_UNIQUE_ID_BIT, ZEUS_AMD_GPU_INFO_UNMASKED_INDEX_BIT,
};
use crate::device::{Backend, Device};
use crate::energy::CounterState;
use crate::error::Result;
use crate::session::Session;
use crate::topology::visibility::uuid;
use crate::topology::{Order, Role};
use std::ffi::c_char;
use std::mem::zeroed;

use zeus_amd_counter_state_t as V;

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
            CounterState::Pending => V::ZEUS_AMD_COUNTER_STATE_PENDING,
            CounterState::NotChecked => V::ZEUS_AMD_COUNTER_STATE_NOT_CHECKED,
            CounterState::Trusted => V::ZEUS_AMD_COUNTER_STATE_TRUSTED,
            CounterState::Stuck => V::ZEUS_AMD_COUNTER_STATE_STUCK,
            CounterState::Implausible => V::ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE,
            CounterState::NoPowerToCompare => V::ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE,
            CounterState::Unsupported => V::ZEUS_AMD_COUNTER_STATE_UNSUPPORTED,
            CounterState::SecondaryDie => V::ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE,
            CounterState::SecondaryPartition => V::ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION,
        }
    }
}

fn info(s: &Session, device: &Device) -> zeus_amd_gpu_info_t {
    let d = &device.identity;
    // SAFETY: integers and arrays of characters.
    let mut v: zeus_amd_gpu_info_t = unsafe { zeroed() };
    v.index = d.index as u32;
    if let Some(i) = d.unmasked_index {
        v.unmasked_index = i;
        v.valid |= ZEUS_AMD_GPU_INFO_UNMASKED_INDEX_BIT;
    }
    if let Some(i) = d.location.amdsmi {
        v.amdsmi_index = i as u32;
        v.valid |= ZEUS_AMD_GPU_INFO_AMDSMI_INDEX_BIT;
    }
    if let Some(node) = &d.location.node {
        v.kfd_node = node.number;
        v.valid |= ZEUS_AMD_GPU_INFO_KFD_NODE_BIT;
        if node.unique_id != 0 {
            v.unique_id = node.unique_id;
            write_c_string(&mut v.uuid, &uuid(node.unique_id));
            v.valid |= ZEUS_AMD_GPU_INFO_UNIQUE_ID_BIT;
        }
    }
    if let Some(id) = d.device_id {
        v.device_id = id.into();
        v.valid |= ZEUS_AMD_GPU_INFO_DEVICE_ID_BIT;
    }
    if !d.name.is_empty() {
        write_c_string(&mut v.name, &d.name);
        v.valid |= ZEUS_AMD_GPU_INFO_NAME_BIT;
    }
    v.partition = d.location.partition;
    v.die_role = match d.role {
        Role::Single | Role::SecondaryPartition { .. } => zeus_amd_die_role_t::ZEUS_AMD_DIE_SINGLE,
        Role::PrimaryDie => zeus_amd_die_role_t::ZEUS_AMD_DIE_PRIMARY,
        Role::SecondaryDie { .. } => zeus_amd_die_role_t::ZEUS_AMD_DIE_SECONDARY,
    } as u32;
    v.source = zeus_amd_backend_t::from(device.source().backend()) as u32;
    v.counter_state = zeus_amd_counter_state_t::from(device.counter_state()) as u32;
    if s.order == Order::Enumeration {
        v.flags |= ZEUS_AMD_GPU_FLAG_ORDER_FROM_ENUMERATION_BIT;
    }
    if s.order_uncertain {
        v.flags |= ZEUS_AMD_GPU_FLAG_ORDER_UNCERTAIN_BIT;
    }
    write_c_string(&mut v.pci_address, &d.location.pci.to_string());
    write_c_string(&mut v.package, &d.package);
    v
}

/// Which GPU an index is, and whether its energy counter is to be trusted.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] info    struct_size set by the caller (ZEUS_AMD_GPU_INFO_INIT);
///                     written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
///         ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_NOT_FOUND (no such
///         index), ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
/// @param[in]  pci_address What hipDeviceGetPCIBusId() prints (0000:c1:00.0), in
///                         any case; the domain and the function may be missing.
/// @param[out] gpu         Receives its index; written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or not a
///         PCI address), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not
///         visible), ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (more than one fits),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
/// @param[in]  uuid    "GPU-" and 16 hex digits as ROCm's variables have it, the
///                     digits alone as hipDeviceGetUuid() gives them, or amd-smi's
///                     form with dashes; in any case.
/// @param[out] gpu     Receives its index; written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or not a
///         UUID), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not visible),
///         ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (partitions that share one),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
            let text = bytes(text).ok_or_else(|| null("the text to look for"))?;
            let to = out(gpu, "gpu")?;
            to.write(by(s, &String::from_utf8_lossy(&text))?);
            Ok(())
        })
    }
}

/// How environment and topology led to this list of GPUs, or to none: what the
/// kernel lists, what each mask kept and at which token it ended, and which GPU
/// each index is. For people; the wording may change.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] text    Receives the text, cut to fit, always ending in NUL; may be
///                     NULL if length is 0.
/// @param[in]  length  Bytes at text.
/// @param[out] needed  Receives the length of the whole text without its NUL; may
///                     be NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
            copy_text(text, length, s.explanation().as_bytes());
            if let Ok(needed) = out(needed, "needed") {
                needed.write(s.explanation().len());
            }
            Ok(())
        })
    })
}
