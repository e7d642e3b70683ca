//! Handles of GPUs, proved before they are used.
//!
//! A handle is the address of an object in libamd_smi. Another part of the process may shut the library down and initialise
//! it again at any time; the address may then be that of another GPU. So the PCI address of a handle is asked for before and
//! after each call, under the lock of the calls, and handles are fetched again if it is not the expected one.

use super::call_lock::CallLock;
use super::symbols::Ptr;
use std::sync::atomic::AtomicPtr;

/// One GPU of a library. Never freed: there is one for each GPU.
pub(super) struct Gpu {
    /// `amdsmi_get_gpu_bdf_id`, or the status of a failure.
    pub bdf_id: Result<u64, super::status::Status>,
    /// Among those with the same one, in the library's order.
    pub rank: usize,
    /// The library's handle of the last enumeration.
    pub pointer: AtomicPtr<std::ffi::c_void>,
    /// Held during a call where the release allows calls for several GPUs at a time.
    pub lock: CallLock,
}

/// A GPU of libamd_smi: stays valid when the library is shut down and initialised again.
#[derive(Clone, Copy)]
pub struct ProcessorHandle(pub(super) &'static Gpu);

impl ProcessorHandle {
    pub(super) fn pointer(self) -> Ptr {
        self.0.pointer.load(std::sync::atomic::Ordering::Acquire)
    }
}
