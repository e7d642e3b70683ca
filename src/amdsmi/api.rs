//! Calls of one loaded libamd_smi: under the lock of the calls, with a time limit, on handles that are proved.

use super::call_lock::{CallGuard, CallLock, Refusal};
use super::handle::{Gpu, ProcessorHandle};
use super::helpers::{is_helper, Helpers};
use super::process_wide::ProcessWide;
use super::releases::Generation;
use super::status::Status;
use super::symbols::{Ptr, SymbolTable};
use crate::platform::fork::PerProcess;
use crate::platform::sync::Mutex;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

const PROCESSOR_AMD_GPU: u32 = 1;
/// The largest limit that a caller can ask for means none: calls are made on the caller's thread.
const NO_LIMIT: Duration = Duration::from_millis(u32::MAX as u64);

/// The functions of one loaded library.
pub struct AmdsmiApi {
    pub(super) table: SymbolTable,
    process: &'static ProcessWide,
    /// All GPUs that have ever been enumerated.
    gpus: Mutex<Vec<&'static Gpu>>,
    /// The time limit of a call.
    limit_ns: AtomicU64,
    pub(super) helpers: Helpers,
    /// Functions that have returned once.
    called: AtomicU32,
}

/// Called when a function has returned for the first time: it may have made static objects, which are destroyed at process
/// exit before what was registered earlier.
static ON_FIRST_RETURN: PerProcess<fn()> = PerProcess::new();

/// Functions for `AmdsmiApi::called`.
#[derive(Clone, Copy)]
pub(super) enum Function {
    Init,
    Version,
    Message,
    List,
    BdfId,
    KfdInfo,
    EnumerationInfo,
    AsicInfo,
    PowerInfo,
    PowerCaps,
    SetPowerCap,
    EnergyCount,
    Temperature,
    ClockInfo,
    SetClkLimit,
    SetClkRange,
    SetPerfLevel,
}

impl Function {
    fn changes_settings(self) -> bool {
        use Function::{SetClkLimit, SetClkRange, SetPerfLevel, SetPowerCap};
        matches!(self, SetPowerCap | SetClkLimit | SetClkRange | SetPerfLevel)
    }
}

impl AmdsmiApi {
    pub fn load(library: &libloading::os::unix::Library, process: &'static ProcessWide) -> Result<AmdsmiApi, String> {
        Ok(AmdsmiApi {
            table: SymbolTable::load(library)?,
            process,
            gpus: Mutex::default(),
            limit_ns: AtomicU64::new(u64::MAX),
            helpers: Helpers::default(),
            called: AtomicU32::new(0),
        })
    }

    /// The sessions of this process that use libamd_smi.
    pub fn users(&self) -> &AtomicU32 {
        &self.process.users
    }

    pub fn set_limit(&self, limit: Duration) {
        self.limit_ns.store(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub fn limit(&self) -> Duration {
        Duration::from_nanos(self.limit_ns.load(Relaxed))
    }

    /// Whether calls for a GPU are refused now because one has exceeded its time limit.
    pub fn is_hung(&self, generation: &Generation, handle: ProcessorHandle) -> bool {
        self.lock_of(generation, handle).is_hung()
    }

    fn lock_of(&self, generation: &Generation, ProcessorHandle(gpu): ProcessorHandle) -> &'static CallLock {
        if generation.needs_lock {
            &self.process.lock
        } else {
            &gpu.lock
        }
    }

    /// Refuses calls from now on, and waits for all that are under way, up to a limit.
    pub fn close(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let gpus = self.gpus.lock().clone();
        let mut locks = vec![&self.process.lock];
        locks.extend(gpus.iter().map(|gpu| &gpu.lock));
        locks.retain(|lock| lock.refuse_calls());
        locks.iter().for_each(|lock| lock.wait_for_last_call(deadline.saturating_duration_since(Instant::now())));
    }

    /// Runs one call, and leaves it at the time limit. The lock is that of the process, or the GPU's; a call that hangs
    /// keeps it, so later ones are refused until it returns.
    fn locked<T: Send + 'static>(
        &'static self,
        lock: &'static CallLock,
        function: Function,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let limit = self.limit();
        let guard = lock.acquire(limit).map_err(refused)?;
        let token = guard.token();
        let call = move || {
            let result = call();
            self.returned(function);
            drop(guard);
            result
        };
        if is_helper() || limit >= NO_LIMIT {
            return Ok(call());
        }
        self.helpers.run(limit, call).inspect_err(|status| {
            if *status == Status::HUNG {
                lock.mark_hung(token);
            }
        })
    }

    #[inline]
    fn returned(&self, function: Function) {
        let bit = 1 << function as u32;
        if self.called.load(Relaxed) & bit == 0 && self.called.fetch_or(bit, AcqRel) & bit == 0 {
            run_exit_hook();
        }
    }

    /// Whether an init has returned, in this process.
    pub(super) fn has_initialised(&self) -> bool {
        self.called.load(Relaxed) & 1 << Function::Init as u32 != 0
    }

    /// Runs one call of a function that concerns no GPU.
    pub(super) fn global<T: Send + 'static>(
        &'static self,
        function: Function,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.locked(&self.process.lock, function, call)
    }

    /// Runs init or shutdown: while no other call is under way.
    pub(super) fn alone<T: Send + 'static>(
        &'static self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let gpus = self.gpus.lock().clone();
        self.global(Function::Init, move || {
            let guards: Result<Vec<CallGuard>, _> = gpus.iter().map(|gpu| gpu.lock.acquire(self.limit())).collect();
            guards.map(|_guards| call()).map_err(refused)
        })?
    }

    /// Runs a call for one GPU, with a handle that is proved to be that GPU's before and after it.
    pub(super) fn on_gpu<T: Send + 'static>(
        &'static self,
        generation: &Generation,
        ProcessorHandle(gpu): ProcessorHandle,
        function: Function,
        call: impl Fn(Ptr) -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.locked(self.lock_of(generation, ProcessorHandle(gpu)), function, move || {
            let pointer = ProcessorHandle(gpu).pointer();
            if self.is_of(pointer, gpu)? {
                let result = call(pointer);
                match self.is_of(pointer, gpu) {
                    Ok(true) => return Ok(result),
                    // Not made again: that would hide what the first one may have done.
                    _ if function.changes_settings() => return Err(Status::MOVED),
                    is_of => is_of?,
                };
            }
            self.on_gpu_again(gpu, function, call)
        })?
    }

    /// The same with handles that are fetched again, once.
    #[cold]
    fn on_gpu_again<T>(&self, gpu: &Gpu, function: Function, call: impl Fn(Ptr) -> T) -> Result<T, Status> {
        let same: Vec<Ptr> = self.raw_handles()?.into_iter().filter(|p| self.raw_bdf_id(*p) == gpu.bdf_id).collect();
        let pointer = *same.get(gpu.rank).ok_or(Status::NOT_INIT)?;
        let result = call(pointer);
        gpu.pointer.store(pointer, Release);
        match self.is_of(pointer, gpu) {
            Ok(true) => Ok(result),
            _ if function.changes_settings() => Err(Status::MOVED),
            is_of => is_of.and(Err(Status::NOT_INIT)),
        }
    }

    /// Whether a handle is that of a GPU now. Fails where the library is not initialised.
    #[inline]
    fn is_of(&self, pointer: Ptr, gpu: &Gpu) -> Result<bool, Status> {
        let expected = gpu.bdf_id?;
        match self.raw_bdf_id(pointer) {
            Err(Status::NOT_INIT) => Err(Status::NOT_INIT),
            id => Ok(id == Ok(expected)),
        }
    }

    #[inline]
    fn raw_bdf_id(&self, pointer: Ptr) -> Result<u64, Status> {
        let mut id = 0_u64;
        // SAFETY: a handle that this library gave, which it checks, and a u64.
        Status::check(unsafe { (self.table.get_bdf_id)(pointer, &mut id) })?;
        Ok(id)
    }

    /// All GPUs, socket by socket, in libamd_smi's order.
    pub fn gpu_handles(&'static self) -> Result<Vec<ProcessorHandle>, Status> {
        let seen: Vec<(AtomicPtr<_>, Result<u64, Status>)> = self.global(Function::List, || {
            let pointers = self.raw_handles()?;
            Ok(pointers.into_iter().map(|p| (AtomicPtr::new(p), self.raw_bdf_id(p))).collect())
        })??;
        self.returned(Function::BdfId);
        let mut gpus = self.gpus.lock();
        let mut handles: Vec<ProcessorHandle> = Vec::new();
        for (i, (pointer, bdf_id)) in seen.iter().enumerate() {
            let bdf_id = *bdf_id;
            let rank = seen[..i].iter().filter(|s| s.1 == bdf_id).count();
            let known = gpus.iter().find(|g| g.bdf_id == bdf_id && g.rank == rank && bdf_id.is_ok());
            let gpu: &'static Gpu = match known {
                Some(known) => known,
                None => {
                    let lock = Default::default();
                    let new = Box::leak(Box::new(Gpu { bdf_id, rank, pointer: AtomicPtr::default(), lock }));
                    gpus.push(new);
                    new
                }
            };
            gpu.pointer.store(pointer.load(Relaxed), Release);
            handles.push(ProcessorHandle(gpu));
        }
        Ok(handles)
    }

    /// The handles of all GPUs now.
    fn raw_handles(&self) -> Result<Vec<Ptr>, Status> {
        let table = &self.table;
        // SAFETY (both): NULL asks for the count, then an array of that size.
        let sockets = list(|count, items| unsafe { (table.get_socket_handles)(count, items) })?;
        let mut gpus = Vec::new();
        for socket in sockets {
            for processor in list(|count, items| unsafe { (table.get_processor_handles)(socket, count, items) })? {
                let mut kind = PROCESSOR_AMD_GPU;
                if let Some(function) = table.get_processor_type {
                    // SAFETY: a handle from above, and a u32.
                    Status::check(unsafe { function(processor, &mut kind) })?;
                }
                if kind == PROCESSOR_AMD_GPU {
                    gpus.push(processor);
                }
            }
        }
        Ok(gpus)
    }
}

/// Sets what registers the calls of [`AmdsmiApi::close`] at process exit.
pub fn set_exit_hook(register: fn()) {
    let _ = ON_FIRST_RETURN.get_or_try(|| Ok(register));
}

pub(super) fn run_exit_hook() {
    if let Some(register) = ON_FIRST_RETURN.get_if_init() {
        register();
    }
}

fn refused(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Hung => Status::BLOCKED,
        Refusal::Exiting => Status::EXITING,
    }
}

/// Calls a list function of libamd_smi twice: for the count, then for the items. The second call may return fewer items.
fn list(mut call: impl FnMut(*mut u32, *mut Ptr) -> u32) -> Result<Vec<Ptr>, Status> {
    let mut count = 0_u32;
    Status::check(call(&mut count, std::ptr::null_mut()))?;
    let mut items = vec![std::ptr::null_mut(); count as usize];
    if count > 0 {
        Status::check(call(&mut count, items.as_mut_ptr()))?;
        items.truncate(count as usize);
    }
    items.retain(|p| !p.is_null());
    Ok(items)
}
