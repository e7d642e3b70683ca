//! The loaded libraries of this process: each is loaded once, initialised once, and never closed.

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

/// What is known once the library is initialised.
#[derive(Clone, Copy)]
pub struct Version {
    pub generation: &'static Generation,
    pub words: [u32; 4],
}

/// One libamd_smi in this process.
pub struct Library {
    /// Where it came from: a path, or the name that the loader knew.
    pub path: String,
    /// The loader's handle: the same for one file, whatever name it was asked for by.
    dl: usize,
    pub calls: AmdsmiApi,
    version: Mutex<Option<Version>>,
    init: Mutex<Init>,
    init_done: Condvar,
    users: Mutex<u32>,
    /// What it wanted to print while it initialised, for the log.
    printed: Mutex<String>,
    /// Counts initialisations: handles from before the last one are dangling pointers.
    epoch: AtomicU32,
    /// A thread is inside that was not waited for any longer, perhaps with the lock of its calls.
    stuck: AtomicBool,
}

/// The libraries of this process.
static LIBRARIES: PerProcess<Mutex<Vec<&'static Library>>> = PerProcess::new();

/// One was loaded by this process or by one that it was forked from.
static EVER_LOADED: AtomicBool = AtomicBool::new(false);

/// Was a libamd_smi in use before this process was forked? Its locks may then be held here by threads that are not there.
#[must_use]
pub fn is_inherited() -> bool {
    EVER_LOADED.load(Ordering::Acquire) && LIBRARIES.get_if_init().is_none()
}

/// Finds, loads and initialises libamd_smi, or hands out the one this process already has.
pub fn acquire(places: &SearchPaths, limit: Duration) -> Result<(&'static Library, Version)> {
    let library = load(places)?;
    if library.stuck.load(Ordering::Acquire) {
        let call = "a call of an earlier session has not returned yet".to_owned();
        return Err(Error::LibraryTimeout { path: library.path.clone(), call });
    }
    let version = library.ensure_init(limit);
    let printed = std::mem::take(&mut *library.printed.lock());
    for line in printed.lines() {
        log::info(|| format!("{} wanted to print: {line}", library.path));
    }
    let version = version?;
    // Called once now, so that whatever it keeps is there before any thread of ours, and goes after it.
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
            // Known by its name: the loader, in which another thread may be while the host forks, is left alone.
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
    // Never closed, even if it is refused: it has thread-locals and statics, and nothing in it supports an unload.
    let dl = dl.into_raw() as usize;
    // One under two names (the loader's and a path, two mounts of a folder) has one lock and one initialisation.
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
        printed: Mutex::new(String::new()),
        epoch: AtomicU32::new(0),
        stuck: AtomicBool::new(false),
    }));
    libraries.push(library);
    Ok(library)
}

fn open(name: &std::ffi::OsStr) -> std::result::Result<Dl, String> {
    // Up to 25.x it exports all of librocm_smi's symbols too: it must not lend them, and where librocm_smi is in the
    // process already, not borrow them either. Deep binding only then: it upsets preloaded allocators.
    // SAFETY: asks the loader for a name.
    let neighbour = unsafe { !libc::dlsym(libc::RTLD_DEFAULT, c"rsmi_init".as_ptr()).is_null() };
    let deep = if neighbour { libc::RTLD_DEEPBIND } else { 0 };
    // SAFETY: AMD's library has no initialisers that need anything of us.
    unsafe { Dl::open(Some(name), RTLD_NOW | RTLD_LOCAL | deep) }.map_err(|e| match e {
        libloading::Error::DlOpen { desc } => format!("{desc:?}").trim_matches('"').to_owned(),
        other => other.to_string(),
    })
}

fn from_loader(names: &[String], places: &SearchPaths) -> Result<(String, Dl)> {
    for name in names {
        match open(std::ffi::OsStr::new(name)) {
            Ok(dl) => return Ok((name.clone(), dl)),
            // "NAME: cannot open shared object file": it has none. Anything else is one that does not load.
            Err(why) if why.starts_with(&format!("{name}: cannot open")) => {}
            Err(why) => return Err(Error::LibraryInvalid { path: name.clone(), why }),
        }
    }
    let rocm: PathBuf = places.root.join("opt/rocm");
    Err(Error::LibraryNotFound {
        tried: format!(
            "not named by an option or variable, not in {} or {}-*, not known to the loader",
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

    /// Initialises it once, on a thread of its own that is left alone if it does not come back.
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
                    // From ROCm 6.4 on the version can be asked first: an unknown library is not even initialised.
                    if let Ok(words) = self.calls.version_words() {
                        self.set_version(words)?;
                    }
                    *state = Init::Running;
                    if let Err(source) = self.start_init() {
                        *state = Init::NotYet;
                        return Err(Error::Io { path: "a thread for amdsmi_init".into(), source });
                    }
                }
                Init::Running => {
                    let late;
                    (state, late) = self.init_done.wait_until(state, deadline);
                    if late && matches!(*state, Init::Running) {
                        return Err(self.timeout_error("amdsmi_init", limit));
                    }
                }
            }
        }
    }

    fn known_version(&self) -> Result<Version> {
        if let Some(v) = *self.version.lock() {
            return Ok(v);
        }
        let epoch = self.epoch();
        let words = self.calls.version_words().map_err(|s| {
            if s == Status::NOT_INIT {
                self.forget_init(epoch);
            }
            self.failure(s, "amdsmi_get_lib_version")
        })?;
        self.set_version(words)
    }

    /// Two threads: one initialises and may never come back, one listens to what the library prints meanwhile.
    fn start_init(&'static self) -> std::io::Result<()> {
        let (to_listener, from_init) = std::sync::mpsc::channel();
        let kept = stderr_capture::CapturedText::default();
        let keeping = kept.clone();
        spawn_signals_blocked("zeus_amd-hush", 256 << 10, move || {
            if let Ok(listener) = from_init.recv() {
                stderr_capture::run_listener(&listener, &keeping);
            }
        })?;
        spawn_signals_blocked("zeus_amd-init", 8 << 20, move || {
            if let Some(listener) = stderr_capture::install_filter() {
                let _ = to_listener.send(listener);
            }
            drop(to_listener);
            let done = self.calls.init();
            self.epoch.fetch_add(1, Ordering::AcqRel);
            *self.printed.lock() = std::mem::take(&mut *kept.lock());
            *self.init.lock() = Init::Done(done);
            self.init_done.notify_all();
        })
        .map(drop)
    }

    fn timeout_error(&self, call: &str, limit: Duration) -> Error {
        let call = format!("{call} has not returned within {} ms", limit.as_millis());
        Error::LibraryTimeout { path: self.path.clone(), call }
    }

    /// Runs what calls into the library on a thread of its own, which is left alone if it does not come back; then nobody
    /// begins to use the library until it does. What it has to say is said by the calling thread.
    pub fn call_with_timeout<T: Send + 'static>(
        &'static self,
        limit: Duration,
        body: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        let place = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = place.clone();
        let thread = spawn_signals_blocked("zeus_amd-list", 8 << 20, move || {
            let done = log::capture(|| catch_unwind(AssertUnwindSafe(body)));
            let mut to = theirs.0.lock();
            *to = Some(done);
            self.stuck.store(false, Ordering::Release);
            theirs.1.notify_all();
        });
        let thread = thread.map_err(|source| Error::Io { path: "a thread for libamd_smi".into(), source })?;
        let mut from = place.0.lock();
        while from.is_none() && Instant::now() < deadline {
            (from, _) = place.1.wait_until(from, deadline);
        }
        let Some((done, said)) = from.take() else {
            self.stuck.store(true, Ordering::Release);
            return Err(self.timeout_error("listing the GPUs", limit));
        };
        drop(from);
        // It has nothing more to do.
        let _ = thread.join();
        for (level, text) in said {
            log::emit(level, || text);
        }
        done.unwrap_or_else(|_| Err(Error::Internal("listing the GPUs failed inside".into())))
    }

    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Somebody else in this process may have shut the library down: then it is initialised anew, at the next open.
    /// `epoch` is the initialisation that was found dead: a younger one is left alone.
    pub fn forget_init(&self, epoch: u32) {
        let mut state = self.init.lock();
        if matches!(*state, Init::Done(_)) && self.epoch() == epoch {
            *state = Init::NotYet;
        }
    }

    /// A session ends. Shuts the library down if that was asked for and no other session uses it.
    pub fn release(&self, shut_down: bool) {
        let mut users = self.users.lock();
        *users = users.saturating_sub(1);
        if !shut_down || *users > 0 || self.stuck.load(Ordering::Acquire) {
            return;
        }
        let done = self.calls.shut_down();
        self.forget_init(self.epoch());
        // The sink may call back: not with the lock held.
        drop(users);
        if let Err(s) = done {
            log::warning(|| format!("amdsmi_shut_down: {} ({})", s.name(), s.0));
        }
    }

    /// At its own start "not initialised" means something else than later.
    fn init_failure(&self, status: Status) -> Error {
        let mut error = self.failure(status, "amdsmi_init");
        if let (Error::Vendor { advice, .. }, Status::NOT_INIT) = (&mut error, status) {
            *advice = "it cannot make sense of what the kernel shows of the GPUs (/sys/class/drm, /sys/class/kfd): look at these, at the kernel log, and whether the driver fits this ROCm release".to_owned();
        }
        error
    }

    /// A vendor status that belongs to no GPU.
    pub fn failure(&self, status: Status, call: &'static str) -> Error {
        self.device_failure(status, call, "libamd_smi".to_owned())
    }

    /// A vendor status as an error, with the vendor's words.
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
