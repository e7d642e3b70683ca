//! The libraries that this process has loaded. Each is loaded once, initialised once, and never closed.

use super::api::{run_exit_hook, AmdsmiApi};
use super::helpers::mark_helper;
use super::process_wide;
use super::releases::Generation;
use super::search_path::{self, locate, Located, SearchPaths};
use super::status::Status;
use super::stderr_capture::{self, CapturedText};
use crate::error::{is_exhausted_errno, Error, Result};
use crate::platform::broken::contain;
use crate::platform::fork::PerProcess;
use crate::platform::log;
use crate::platform::sync::{Condvar, Mutex};
use crate::platform::thread::Thread;
use libloading::os::unix::{Library as Dl, RTLD_LOCAL, RTLD_NOW};
use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

enum Init {
    NotYet,
    Running { since: Instant },
    Done(std::result::Result<(), Status>),
}

/// The version of an initialised library.
#[derive(Clone, Copy)]
pub struct Version {
    pub generation: &'static Generation,
    pub words: [u32; 4],
}

/// One libamd_smi in this process.
pub struct Library {
    /// The path, or the name that the dynamic loader resolved.
    pub path: String,
    /// The dynamic loader's handle, which is the same for all names of one file.
    dl: usize,
    pub calls: AmdsmiApi,
    version: Mutex<Option<Version>>,
    init: Mutex<Init>,
    init_done: Condvar,
    /// What the library has printed at open.
    captured: CapturedText,
    /// This machine is virtual: libamd_smi before ROCm 7.1 refuses settings.
    is_guest: bool,
    /// Number of initialisations. Handles from before the last one are dangling pointers.
    epoch: AtomicU32,
    /// A call has exceeded its time limit and may still hold the lock of the calls.
    hung: AtomicBool,
    /// The same of amdsmi_init.
    init_hangs: AtomicBool,
}

/// The libraries of this process.
static LIBRARIES: PerProcess<Mutex<Vec<&'static Library>>> = PerProcess::new();

/// This process, or one that it was forked from, has loaded a library.
static EVER_LOADED: AtomicBool = AtomicBool::new(false);

/// libamd_smi was loaded before this process was forked. Its locks may be held by threads that this process does not have.
#[must_use]
pub fn is_inherited() -> bool {
    EVER_LOADED.load(Ordering::Acquire) && LIBRARIES.get_if_init().is_none()
}

/// Finds, loads and initialises libamd_smi, or returns the one that this process has already loaded.
pub fn acquire(places: &SearchPaths, limit: Duration) -> Result<(&'static Library, Version)> {
    let library = load(places)?;
    if library.hung.load(Ordering::Acquire) {
        let call = "a call of an earlier session has not returned yet".to_owned();
        return Err(Error::LibraryTimeout { path: library.path.clone(), call });
    }
    library.calls.set_limit(limit);
    let version = library.ensure_init(limit);
    let printed = library.take_printed();
    let version = version.map_err(|e| with_printed(e, &printed))?;
    library.calls.users().fetch_add(1, Ordering::AcqRel);
    log::info(|| format!("{}: version {}, ROCm {}", library.path, words_text(version.words), version.generation.rocm));
    Ok((library, version))
}

/// Adds to an error what the library has printed, which is its cause more often than not.
fn with_printed(mut error: Error, printed: &str) -> Error {
    let mut lines: Vec<&str> = printed.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines.dedup();
    if let (Error::Vendor { message, .. } | Error::LibraryTimeout { call: message, .. }, false) =
        (&mut error, lines.is_empty())
    {
        let text: String = lines.join("; ").chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect();
        *message += &format!(", it printed \"{text}\"");
    }
    error
}

/// In a virtual machine, as libamd_smi finds it out.
fn is_guest(places: &SearchPaths) -> bool {
    let cpuinfo = std::fs::read_to_string(places.root.join("proc/cpuinfo")).unwrap_or_default();
    let flags = cpuinfo.lines().find_map(|line| line.strip_prefix("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Waits for the calls under way and refuses later ones: AMD's static objects are about to be destroyed. What was waited for
/// already, and abandoned, is not waited for again.
pub fn close_at_exit(limit: Duration) {
    let Some(libraries) = LIBRARIES.get_if_init() else { return };
    for library in libraries.lock().iter() {
        let is_abandoned = library.hung.load(Ordering::Acquire) || library.init_hangs.load(Ordering::Acquire);
        library.calls.close(if is_abandoned { Duration::ZERO } else { limit });
    }
}

fn load(places: &SearchPaths) -> Result<&'static Library> {
    let found = locate(places)?;
    let process = process_wide::get()?;
    let mut libraries = LIBRARIES.get_or_try(|| Ok(Mutex::default()))?.lock();
    EVER_LOADED.store(true, Ordering::Release);
    let (path, dl) = match found {
        Located::File(path) => {
            let real = path.canonicalize().unwrap_or(path);
            let name = real.display().to_string();
            // Without the dynamic loader, whose lock another thread may hold while the application forks.
            if let Some(known) = libraries.iter().find(|l| l.path == name) {
                return Ok(known);
            }
            let dl = open(real.as_os_str()).map_err(|e| e.of(&name))?;
            (name, dl)
        }
        Located::Loader(names) => {
            if let Some(known) = libraries.iter().find(|l| names.contains(&l.path)) {
                return Ok(known);
            }
            from_loader(&names, places)?
        }
    };
    let calls = AmdsmiApi::load(&dl, process);
    // Never closed, even if it is rejected: it has thread-locals and statics and does not support unloading.
    let dl = dl.into_raw() as usize;
    // One library under two names (the loader's and a path, two mounts of a folder) has one lock and one initialisation.
    if let Some(known) = libraries.iter().find(|l| l.dl == dl) {
        return Ok(known);
    }
    let calls = calls.map_err(|missing| Error::LibrarySymbols { path: path.clone(), missing })?;
    let library = Box::leak(Box::new(Library {
        path,
        dl,
        calls,
        version: Mutex::new(None),
        init: Mutex::new(Init::NotYet),
        init_done: Condvar::new(),
        captured: CapturedText::default(),
        is_guest: is_guest(places),
        epoch: AtomicU32::new(0),
        hung: AtomicBool::new(false),
        init_hangs: AtomicBool::new(false),
    }));
    libraries.push(library);
    // From its first call on, which may be under way at process exit.
    run_exit_hook();
    Ok(library)
}

/// A library that the dynamic loader did not open.
struct LoadError {
    text: String,
    /// The loader's last system call failed with this; 0 if none did.
    errno: i32,
}

impl LoadError {
    fn of(self, path: &str) -> Error {
        match self.errno {
            // The library may be good, and open when there is room.
            errno if is_exhausted_errno(errno) => Error::io(path, std::io::Error::from_raw_os_error(self.errno)),
            _ => Error::LibraryInvalid { path: path.to_owned(), why: self.text },
        }
    }
}

fn open(name: &std::ffi::OsStr) -> std::result::Result<Dl, LoadError> {
    let failed = |text: &std::ffi::CStr, errno| LoadError { text: text.to_string_lossy().into_owned(), errno };
    let name = std::ffi::CString::new(name.as_bytes()).map_err(|_| failed(c"its name contains a NUL", 0))?;
    // SAFETY: lookups by name, and AMD's library has no initialisers with preconditions.
    unsafe {
        // Up to version 25.x libamd_smi exports all symbols of librocm_smi. RTLD_LOCAL hides them from the process; if
        // librocm_smi is loaded already, RTLD_DEEPBIND makes libamd_smi use its own. Only then: it breaks preloaded
        // allocators.
        let has_rocm_smi = !libc::dlsym(libc::RTLD_DEFAULT, c"rsmi_init".as_ptr()).is_null();
        let deep = if has_rocm_smi { libc::RTLD_DEEPBIND } else { 0 };
        *libc::__errno_location() = 0;
        let handle = libc::dlopen(name.as_ptr(), RTLD_NOW | RTLD_LOCAL | deep);
        if !handle.is_null() {
            return Ok(Dl::from_raw(handle));
        }
        let errno = *libc::__errno_location();
        let text = libc::dlerror();
        let text = if text.is_null() { c"the dynamic loader gives no reason" } else { std::ffi::CStr::from_ptr(text) };
        Err(failed(text, errno))
    }
}

fn from_loader(names: &[String], places: &SearchPaths) -> Result<(String, Dl)> {
    for name in names {
        match open(std::ffi::OsStr::new(name)) {
            Ok(dl) => return Ok((name.clone(), dl)),
            // An error begins with the object that it is about, in every language: the name as given if it was not found,
            // its path if it was, and the name of another library if it needs that one.
            Err(e)
                if e.text.starts_with(&format!("{name}: ")) && matches!(e.errno, 0 | libc::ENOENT | libc::EACCES) => {}
            Err(e) => return Err(e.of(name)),
        }
    }
    let tried = format!(
        "no option or variable is set, {} and the virtual environment have none, and the dynamic loader finds none",
        places.root.join("opt/rocm*").display()
    );
    Err(Error::LibraryNotFound { tried, package: search_path::package(places)? })
}

fn words_text(words: [u32; 4]) -> String {
    format!("{}.{}.{}.{}", words[0], words[1], words[2], words[3])
}

impl Library {
    fn set_version(&self, words: [u32; 4]) -> Result<Version> {
        let generation = Generation::of(words).ok_or_else(|| Error::LibraryVersion {
            path: self.path.clone(),
            found: words_text(words),
            known: Generation::known(),
        })?;
        let version = Version { generation, words };
        *self.version.lock() = Some(version);
        Ok(version)
    }

    /// Initialises the library once, on a separate thread. The thread is abandoned if it exceeds the time limit.
    pub fn ensure_init(&'static self, limit: Duration) -> Result<Version> {
        let mut pause = Duration::from_millis(1);
        let mut state = self.init.lock();
        loop {
            match *state {
                Init::Done(Ok(())) => {
                    drop(state);
                    return self.known_version();
                }
                Init::Done(Err(status)) => {
                    *state = Init::NotYet;
                    return Err(self.init_failure(status));
                }
                Init::NotYet => {
                    // Since ROCm 6.4 the version can be read first: an unknown library is not initialised.
                    match self.calls.version_words() {
                        Ok(words) => drop(self.set_version(words)?),
                        Err(status) if status.is_hang() => return Err(self.failure(status, "amdsmi_get_lib_version")),
                        Err(_) => {}
                    }
                    *state = Init::Running { since: Instant::now() };
                    if let Err(source) = self.start_init() {
                        *state = Init::NotYet;
                        return Err(Error::io("the thread that calls amdsmi_init", source));
                    }
                }
                Init::Running { since } => {
                    // Counted from its start: where it hangs, a later session does not wait as long again.
                    let deadline = since + limit;
                    let next = Instant::now() + pause;
                    (state, _) = self.init_done.wait_until(state, deadline.min(next));
                    if !matches!(*state, Init::Running { .. }) {
                        continue;
                    }
                    if Instant::now() >= deadline {
                        self.init_hangs.store(true, Ordering::Release);
                        return Err(self.timeout_error("amdsmi_init", limit));
                    }
                    // It makes its static objects early, and may take long then.
                    pause *= 2;
                    if !self.calls.has_initialised() {
                        run_exit_hook();
                    }
                }
            }
        }
    }

    fn known_version(&'static self) -> Result<Version> {
        if let Some(version) = *self.version.lock() {
            return Ok(version);
        }
        let epoch = self.epoch();
        let words = self.calls.version_words().map_err(|status| {
            if status == Status::NOT_INIT {
                self.forget_init(epoch);
            }
            self.failure(status, "amdsmi_get_lib_version")
        })?;
        self.set_version(words)
    }

    /// Starts the thread that initialises the library, and may never return.
    fn start_init(&'static self) -> std::io::Result<()> {
        self.spawn_captured(c"zeus_amd-init", move || {
            let done = self.calls.init();
            self.epoch.fetch_add(1, Ordering::AcqRel);
            *self.init.lock() = Init::Done(done);
            self.init_hangs.store(false, Ordering::Release);
            self.init_done.notify_all();
        })
        .map(drop)
    }

    /// Starts two threads: one runs `body`, the other one captures what that prints to standard error.
    fn spawn_captured(&self, name: &'static CStr, body: impl FnOnce() + Send + 'static) -> std::io::Result<Thread> {
        let (listener_sender, listener_receiver) = std::sync::mpsc::channel();
        let captured = self.captured.clone();
        Thread::start(c"zeus_amd-stderr", 256 << 10, move || {
            if let Ok(listener) = listener_receiver.recv() {
                stderr_capture::run_listener(&listener, &captured);
            }
        })?;
        Thread::start(name, 8 << 20, move || {
            mark_helper();
            if let Some(listener) = stderr_capture::install_filter() {
                let _ = listener_sender.send(listener);
            }
            drop(listener_sender);
            body();
        })
    }

    /// What the library has printed, once, also for the log.
    fn take_printed(&self) -> String {
        let printed = std::mem::take(&mut *self.captured.lock());
        for line in printed.lines() {
            log::info(|| format!("{} printed at open: {line}", self.path));
        }
        printed
    }

    fn timeout_error(&self, call: &str, limit: Duration) -> Error {
        let late =
            if call.starts_with("amdsmi_set_") { ", but may still take effect: read back what it sets" } else { "" };
        let call = format!("{call} has not returned within {} ms and was abandoned{late}", limit.as_millis());
        Error::LibraryTimeout { path: self.path.clone(), call }
    }

    /// Runs `body`, which calls the library, on a separate thread with a time limit. If it exceeds the limit, no session
    /// uses the library until it returns. The calling thread emits its log messages.
    pub fn call_with_timeout<T: Send + 'static>(
        &'static self,
        limit: Duration,
        body: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        let shared = Arc::new((Mutex::new(None), Condvar::new()));
        let thread_shared = shared.clone();
        let thread = self.spawn_captured(c"zeus_amd-list", move || {
            let done = log::capture(|| contain(body));
            let (result, condvar) = &*thread_shared;
            let mut result = result.lock();
            *result = Some(done);
            self.hung.store(false, Ordering::Release);
            condvar.notify_all();
        });
        let thread = thread.map_err(|source| Error::io("the thread that lists the GPUs", source))?;
        let (result, condvar) = &*shared;
        let mut result = result.lock();
        while result.is_none() && Instant::now() < deadline {
            (result, _) = condvar.wait_until(result, deadline);
        }
        let Some((done, messages)) = result.take() else {
            self.hung.store(true, Ordering::Release);
            return Err(with_printed(self.timeout_error("listing the GPUs", limit), &self.take_printed()));
        };
        drop(result);
        // The thread is about to end.
        thread.join();
        for (level, text) in messages {
            log::emit(level, || text);
        }
        let printed = self.take_printed();
        done.unwrap_or_else(|| Err(Error::Internal("listing the GPUs panicked".into())))
            .map_err(|e| with_printed(e, &printed))
    }

    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Other code in this process may have shut the library down: the next open initialises it again. `epoch` is the
    /// initialisation that has ended; a later one stays valid.
    pub fn forget_init(&self, epoch: u32) {
        let mut state = self.init.lock();
        if matches!(*state, Init::Done(_)) && self.epoch() == epoch {
            *state = Init::NotYet;
        }
    }

    /// A session ends. Shuts the library down if requested and no other session uses it.
    pub fn release(&'static self, shut_down: bool) {
        let was_last = self.calls.users().fetch_sub(1, Ordering::AcqRel) == 1;
        if shut_down && was_last && !self.hung.load(Ordering::Acquire) {
            let done = self.calls.shut_down();
            self.forget_init(self.epoch());
            if let Err(status) = done {
                log::warning(|| format!("amdsmi_shut_down: {} ({})", status.name(), status.0));
            }
        }
        // Other sessions start them again.
        self.calls.helpers.end_idle();
    }

    /// The error of `amdsmi_init`, where NOT_INIT has another meaning than in later calls.
    fn init_failure(&'static self, status: Status) -> Error {
        let mut error = self.failure(status, "amdsmi_init");
        if let (Error::Vendor { advice, .. }, Status::NOT_INIT) = (&mut error, status) {
            *advice = "it does not understand the kernel's description of the GPUs: check /sys/class/drm, /sys/class/kfd, the kernel log, and that the driver supports this ROCm release".to_owned();
        }
        error
    }

    /// The error of a libamd_smi status that belongs to no GPU.
    pub fn failure(&'static self, status: Status, call: &'static str) -> Error {
        self.device_failure(status, call, "libamd_smi".to_owned())
    }

    /// The error of a libamd_smi status, with libamd_smi's message.
    pub fn device_failure(&'static self, status: Status, call: &'static str, device: String) -> Error {
        match status {
            Status::HUNG => return self.timeout_error(call, self.calls.limit()),
            Status::BLOCKED => {
                let call = format!("{call} was not called, because an earlier call has not returned");
                return Error::LibraryTimeout { path: self.path.clone(), call };
            }
            Status::EXITING => return Error::LibraryExiting { path: self.path.clone() },
            _ => {}
        }
        let message = self.calls.status_message(status).map_or(String::new(), |w| format!(", \"{w}\""));
        let words = self.version.lock().map_or([0; 4], |v| v.words);
        // ROCm 7.1.0 has 26.1.0.
        let refuses_guests = self.is_guest && [words[0], words[1]] < [26, 1];
        let advice = if status == Status::NOT_SUPPORTED && call.starts_with("amdsmi_set_") && refuses_guests {
            "this machine is a guest (virtual machine): libamd_smi changes settings there from ROCm 7.1 on".to_owned()
        } else {
            status.advice().to_owned()
        };
        Error::Vendor { device, call, kind: status.kind(), code: status.0, name: status.name(), message, advice }
    }
}
