//! The libraries that this process has loaded. Each is loaded once, initialised once, and never closed.

use super::functions::AmdsmiApi;
use super::releases::Generation;
use super::search_path::{locate, Located, SearchPaths};
use super::status::Status;
use super::stderr_capture;
use crate::error::{Error, Result};
use crate::platform::fork::{spawn_signals_blocked, PerProcess};
use crate::platform::log;
use crate::platform::sync::{Condvar, Mutex};
use libloading::os::unix::{Library as Dl, RTLD_LOCAL, RTLD_NOW};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

enum Init {
    NotYet,
    Running,
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
    users: Mutex<u32>,
    /// Output of the initialisation, captured for the log.
    captured: Mutex<String>,
    /// Number of initialisations. Handles from before the last one are dangling pointers.
    epoch: AtomicU32,
    /// A call has exceeded its time limit and may still hold the lock of the calls.
    hung: AtomicBool,
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
    let version = library.ensure_init(limit);
    let captured = std::mem::take(&mut *library.captured.lock());
    for line in captured.lines() {
        log::info(|| format!("{} printed during amdsmi_init: {line}", library.path));
    }
    let version = version?;
    // Called before any thread of this library starts, so that its static data outlives these threads.
    let _ = library.calls.status_message(version.generation, Status(Status::SUCCESS));
    *library.users.lock() += 1;
    log::info(|| format!("{}: version {}, ROCm {}", library.path, words_text(version.words), version.generation.rocm));
    Ok((library, version))
}

fn load(places: &SearchPaths) -> Result<&'static Library> {
    let found = locate(places)?;
    let mut libraries = LIBRARIES.get().lock();
    EVER_LOADED.store(true, Ordering::Release);
    let (path, dl) = match found {
        Located::File(path) => {
            let real = path.canonicalize().unwrap_or(path);
            let name = real.display().to_string();
            // Without the dynamic loader, whose lock another thread may hold while the application forks.
            if let Some(known) = libraries.iter().find(|l| l.path == name) {
                return Ok(known);
            }
            let dl = open(&real.into_os_string()).map_err(|why| Error::LibraryInvalid { path: name.clone(), why })?;
            (name, dl)
        }
        Located::Loader(names) => {
            if let Some(known) = libraries.iter().find(|l| names.contains(&l.path)) {
                return Ok(known);
            }
            from_loader(&names, places)?
        }
    };
    let calls = AmdsmiApi::load(&dl);
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
        users: Mutex::new(0),
        captured: Mutex::new(String::new()),
        epoch: AtomicU32::new(0),
        hung: AtomicBool::new(false),
    }));
    libraries.push(library);
    Ok(library)
}

fn open(name: &std::ffi::OsStr) -> std::result::Result<Dl, String> {
    // Up to version 25.x libamd_smi exports all symbols of librocm_smi. RTLD_LOCAL hides them from the process; if
    // librocm_smi is loaded already, RTLD_DEEPBIND makes libamd_smi use its own. Only then: it breaks preloaded allocators.
    // SAFETY: a lookup by name.
    let has_rocm_smi = unsafe { !libc::dlsym(libc::RTLD_DEFAULT, c"rsmi_init".as_ptr()).is_null() };
    let deep = if has_rocm_smi { libc::RTLD_DEEPBIND } else { 0 };
    // SAFETY: AMD's library has no initialisers with preconditions.
    unsafe { Dl::open(Some(name), RTLD_NOW | RTLD_LOCAL | deep) }.map_err(|e| match e {
        libloading::Error::DlOpen { desc } => format!("{desc:?}").trim_matches('"').to_owned(),
        other => other.to_string(),
    })
}

fn from_loader(names: &[String], places: &SearchPaths) -> Result<(String, Dl)> {
    for name in names {
        match open(std::ffi::OsStr::new(name)) {
            Ok(dl) => return Ok((name.clone(), dl)),
            // "NAME: cannot open shared object file": not found. Any other error: found, but not loadable.
            Err(why) if why.starts_with(&format!("{name}: cannot open")) => {}
            Err(why) => return Err(Error::LibraryInvalid { path: name.clone(), why }),
        }
    }
    let rocm: PathBuf = places.root.join("opt/rocm");
    Err(Error::LibraryNotFound {
        tried: format!(
            "not set by an option or variable, not in {} or {}-*, not found by the dynamic loader",
            rocm.display(),
            rocm.display()
        ),
    })
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
        let deadline = Instant::now() + limit;
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
                    if let Ok(words) = self.calls.version_words() {
                        self.set_version(words)?;
                    }
                    *state = Init::Running;
                    if let Err(source) = self.start_init() {
                        *state = Init::NotYet;
                        return Err(Error::Io { path: "the thread that calls amdsmi_init".into(), source });
                    }
                }
                Init::Running => {
                    let timed_out;
                    (state, timed_out) = self.init_done.wait_until(state, deadline);
                    if timed_out && matches!(*state, Init::Running) {
                        return Err(self.timeout_error("amdsmi_init", limit));
                    }
                }
            }
        }
    }

    fn known_version(&self) -> Result<Version> {
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

    /// Starts two threads: one initialises the library and may never return, one captures what the library prints.
    fn start_init(&'static self) -> std::io::Result<()> {
        let (listener_sender, listener_receiver) = std::sync::mpsc::channel();
        let text = stderr_capture::CapturedText::default();
        let listener_text = text.clone();
        spawn_signals_blocked("zeus_amd-stderr", 256 << 10, move || {
            if let Ok(listener) = listener_receiver.recv() {
                stderr_capture::run_listener(&listener, &listener_text);
            }
        })?;
        spawn_signals_blocked("zeus_amd-init", 8 << 20, move || {
            if let Some(listener) = stderr_capture::install_filter() {
                let _ = listener_sender.send(listener);
            }
            drop(listener_sender);
            let done = self.calls.init();
            self.epoch.fetch_add(1, Ordering::AcqRel);
            *self.captured.lock() = std::mem::take(&mut *text.lock());
            *self.init.lock() = Init::Done(done);
            self.init_done.notify_all();
        })
        .map(drop)
    }

    fn timeout_error(&self, call: &str, limit: Duration) -> Error {
        let call = format!("{call} has not returned within {} ms", limit.as_millis());
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
        let thread = spawn_signals_blocked("zeus_amd-list", 8 << 20, move || {
            let done = log::capture(|| catch_unwind(AssertUnwindSafe(body)));
            let (result, condvar) = &*thread_shared;
            let mut result = result.lock();
            *result = Some(done);
            self.hung.store(false, Ordering::Release);
            condvar.notify_all();
        });
        let thread = thread.map_err(|source| Error::Io { path: "the thread that lists the GPUs".into(), source })?;
        let (result, condvar) = &*shared;
        let mut result = result.lock();
        while result.is_none() && Instant::now() < deadline {
            (result, _) = condvar.wait_until(result, deadline);
        }
        let Some((done, messages)) = result.take() else {
            self.hung.store(true, Ordering::Release);
            return Err(self.timeout_error("listing the GPUs", limit));
        };
        drop(result);
        // The thread is about to end.
        let _ = thread.join();
        for (level, text) in messages {
            log::emit(level, || text);
        }
        done.unwrap_or_else(|_| Err(Error::Internal("listing the GPUs panicked".into())))
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
    pub fn release(&self, shut_down: bool) {
        let mut users = self.users.lock();
        *users = users.saturating_sub(1);
        if !shut_down || *users > 0 || self.hung.load(Ordering::Acquire) {
            return;
        }
        let done = self.calls.shut_down();
        self.forget_init(self.epoch());
        // The log sink may call back: the lock is released first.
        drop(users);
        if let Err(status) = done {
            log::warning(|| format!("amdsmi_shut_down: {} ({})", status.name(), status.0));
        }
    }

    /// The error of `amdsmi_init`, where NOT_INIT has another meaning than in later calls.
    fn init_failure(&self, status: Status) -> Error {
        let mut error = self.failure(status, "amdsmi_init");
        if let (Error::Vendor { advice, .. }, Status::NOT_INIT) = (&mut error, status) {
            *advice = "it does not understand the kernel's description of the GPUs: check /sys/class/drm, /sys/class/kfd, the kernel log, and that the driver supports this ROCm release".to_owned();
        }
        error
    }

    /// The error of a libamd_smi status that belongs to no GPU.
    pub fn failure(&self, status: Status, call: &'static str) -> Error {
        self.device_failure(status, call, "libamd_smi".to_owned())
    }

    /// The error of a libamd_smi status, with libamd_smi's message.
    pub fn device_failure(&self, status: Status, call: &'static str, device: String) -> Error {
        let generation = self.version.lock().map(|v| v.generation);
        let message = generation
            .and_then(|g| self.calls.status_message(g, status))
            .map_or(String::new(), |w| format!(", \"{w}\""));
        Error::Vendor {
            device,
            call,
            kind: status.kind(),
            code: status.0,
            name: status.name(),
            message,
            advice: status.advice().to_owned(),
        }
    }
}
