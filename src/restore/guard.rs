//! Guards: settings that are changed through a session are restored at the guard's end. If the process dies before, its
//! watchdog process restores them, or else the next guard of the same user does.
//!
//! A shared file, one for all guards of a user on a node, holds the settings from before the first change. It also holds
//! claims: records of which guard changed which setting (`claims.rs`). A claim is recorded before the change is made.

use super::claimed_change::ClaimedChange;
use super::claims::{key, Claim, Gpu, Setting};
use super::session_claims::{self, SessionClaims};
use super::settle::{settle, BySysfs, Restorer};
use super::store::{Impatience, StoreError, Transaction};
use super::watchdog::Watchdog;
use crate::control::{Change, Controller, LibcIo, Settings};
use crate::error::{Error, Result};
use crate::gpu::Clock;
use crate::platform::broken::Broken;
use crate::platform::files::{if_readable, is_dir, name, readable_entries};
use crate::platform::sync::Mutex;
use crate::platform::{fork, log};
use crate::sysfs::pp_od::Bounds;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The guards of one session, a stack: the first is the outermost.
pub struct GuardStack {
    controllers: Arc<[Controller]>,
    /// The directory below which sysfs is found.
    root: PathBuf,
    state: Mutex<State>,
    /// Set when a begin or a change has panicked.
    broken: Broken,
}

#[derive(Default)]
struct State {
    last_id: u64,
    open: Vec<OpenGuard>,
    /// `Some` while a guard is open.
    claims: Option<SessionClaims>,
    /// Why the claims are not shared with other processes; `None` if they are.
    unshared: Option<String>,
}

struct OpenGuard {
    id: u64,
    watchdog: Option<Watchdog>,
}

impl OpenGuard {
    fn is_watched(&self) -> bool {
        self.watchdog.as_ref().is_some_and(Watchdog::is_running)
    }
}

/// A caller's handle of a guard. The guard ends when its session closes; the handle may live longer.
pub struct Guard {
    guards: Arc<GuardStack>,
    id: u64,
    fork_token: u64,
}

/// What a guard restores on one GPU, and how surely.
#[derive(Debug, Clone, Copy, Default)]
pub struct GuardInfo {
    /// What its end restores.
    pub settings: Settings,
    pub graphics: Option<Bounds>,
    pub memory: Option<Bounds>,
    /// A watchdog process restores them if this process dies.
    pub has_watchdog: bool,
    /// Guards of other processes of this user know of the changes.
    pub is_shared: bool,
    /// The folders also have files of guards of another user or PID namespace, which do not know of the changes. A container
    /// with a private /dev/shm is not seen.
    pub has_foreign_guards: bool,
}

impl Guard {
    /// Restores what was changed since the start. Does nothing if the guard has ended already; may be repeated if it fails.
    pub fn end(&self) -> Result<()> {
        fork::require_current(self.fork_token)?;
        self.guards.end(self.id)
    }

    pub fn info(&self, gpu: u32) -> Result<GuardInfo> {
        fork::require_current(self.fork_token)?;
        self.guards.info(self.id, gpu)
    }
}

impl GuardStack {
    #[must_use]
    pub fn new(controllers: Arc<[Controller]>, root: &Path) -> Arc<GuardStack> {
        Arc::new(GuardStack { controllers, root: root.to_owned(), state: Mutex::default(), broken: Broken::default() })
    }

    /// Begins a guard. With `watch` a watchdog process restores the settings if this process dies.
    pub fn begin(self: &Arc<Self>, watch: bool) -> Result<Guard> {
        self.without_panic(|| {
            let mut state = self.state.lock();
            let begun = self.begin_locked(&mut state, watch);
            if state.open.is_empty() {
                state.claims = None;
            }
            begun.map(|id| Guard { guards: self.clone(), id, fork_token: fork::fork_token() })
        })
    }

    /// Runs `body` unless a panic has ended an earlier one. Guards that are open can be ended all the same: what they restore
    /// was recorded before each change.
    fn without_panic<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.broken.is_set() {
            return Err(Error::Internal(
                "an earlier change failed inside; end the guards, close the session and open another".into(),
            ));
        }
        self.broken.mark(|| emit_afterwards(body))
    }

    fn begin_locked(&self, state: &mut State, watch: bool) -> Result<u64> {
        if state.claims.is_none() {
            let session = std::ptr::from_ref(self) as u64;
            let paths = self.files()?.map(|file| {
                let mut path = session_claims::Path::new();
                // A path that is too long is one that cannot be opened.
                let _ = path.push(file.as_os_str().as_bytes());
                path
            });
            let mut claims = SessionClaims::new(paths, session).map_err(|e| Error::io("what a guard needs", e))?;
            state.unshared = self.restore_for_the_dead(&mut claims)?;
            state.claims = Some(claims);
            self.warn(state);
        }
        let State { open, claims: Some(claims), .. } = state else { return Err(no_claims()) };
        // One watchdog is enough for all guards of the session.
        let is_watched = open.iter().any(OpenGuard::is_watched);
        let start = || Watchdog::start(claims).map_err(|e| Error::io("the guard's watchdog process", e));
        let watchdog = (watch && !is_watched).then(start).transpose()?;
        state.last_id += 1;
        state.open.push(OpenGuard { id: state.last_id, watchdog });
        Ok(state.last_id)
    }

    /// Restores settings that dead processes of this user left changed: they had no watchdog, or it was killed too. Returns why the shared
    /// file cannot be used, or `None` if it can.
    fn restore_for_the_dead(&self, claims: &mut SessionClaims) -> Result<Option<String>> {
        let mut restorer = self.restorer();
        let settled = claims.open().0.and_then(|mut file| {
            file.reserve()?;
            Ok(settle(&mut file, &|_| false, true, true, &mut restorer)?)
        });
        for e in restorer.errors {
            log::warning(|| format!("a process that died has left a setting changed: {e}"));
        }
        self.why_unusable(settled.map(drop))
    }

    /// `None` if the shared file can be used, else the reason why not. A temporary failure is an error.
    fn why_unusable(&self, opened: std::result::Result<(), StoreError>) -> Result<Option<String>> {
        let path = || match self.files() {
            Ok(files) => files.map(|file| file.display().to_string()).join(" or "),
            Err(_) => "the guards' file".to_owned(),
        };
        let os_text = std::io::Error::from_raw_os_error;
        match opened {
            Ok(()) => Ok(None),
            Err(StoreError::Locked) => Err(Error::GuardsLocked { path: path() }),
            Err(StoreError::Exhausted(errno)) => Err(Error::io(path(), os_text(errno))),
            Err(StoreError::Foreign) => {
                Ok(Some(format!("{} belongs to another user, or others may write to it", path())))
            }
            Err(StoreError::Unusable(errno)) => Ok(Some(format!("{}: {}", path(), os_text(errno)))),
        }
    }

    fn warn(&self, state: &State) {
        if let Some(why) = &state.unshared {
            log::warning(|| {
                format!("guards of other processes do not know of this guard ({why}); if they change the same settings, this guard restores the values from before its own first change")
            });
        }
        if self.has_foreign_guards().unwrap_or(false) {
            log::warning(|| {
                "there are guards of other users or containers; if they change the same settings, the guard that ends last decides what is restored".into()
            });
        }
    }

    /// The two folders for the shared file; the second is used if the first is full or read-only. A session's root directory
    /// may have its own.
    fn folders(&self) -> Result<[PathBuf; 2]> {
        let folder = |name: &str| {
            let own = self.root.join(name);
            Ok(if is_dir(&own)? { own } else { Path::new("/").join(name) })
        };
        Ok([folder("dev/shm")?, folder("tmp")?])
    }

    /// The prefix of all shared files for this root directory. 1 is the version of their format.
    fn prefix(&self) -> Result<String> {
        let id = |path: &Path| {
            let metadata = if_readable(path, std::fs::metadata(path))?;
            Ok(metadata.map_or((0, 0), |m| (m.dev(), m.ino())))
        };
        let root = id(&self.root)?;
        let (device, inode) = if id(Path::new("/"))? == root { (0, 0) } else { root };
        Ok(format!("zeus_amd-guards-1-{device:x}.{inode:x}-"))
    }

    /// Name of the shared file of this user in this PID namespace. A pid identifies a process only within its namespace.
    fn file_name(&self) -> Result<String> {
        // SAFETY: only asks the kernel.
        let user = unsafe { libc::geteuid() };
        let namespace = Path::new("/proc/self/ns/pid");
        let namespace = if_readable(namespace, std::fs::metadata(namespace))?.map_or(0, |m| m.ino());
        Ok(format!("{}{user}.{namespace:x}", self.prefix()?))
    }

    fn files(&self) -> Result<[PathBuf; 2]> {
        let name = self.file_name()?;
        Ok(self.folders()?.map(|folder| folder.join(&name)))
    }

    fn has_foreign_guards(&self) -> Result<bool> {
        let (own, prefix) = (self.file_name()?, self.prefix()?);
        for folder in self.folders()? {
            let is_foreign = |path: &PathBuf| name(path).is_some_and(|n| n.starts_with(&prefix) && n != own);
            if readable_entries(&folder)?.iter().any(is_foreign) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn restorer(&self) -> ByController<'_> {
        ByController { controllers: &self.controllers, errors: Vec::new() }
    }

    /// Changes settings of a GPU. If a guard is open, the innermost guard claims the settings before they change: a record from
    /// which its end, the watchdog or the user's next guard restores them. If a current value cannot be read, nothing is changed.
    pub fn change(&self, controller: &Controller, change: Change) -> Result<()> {
        self.without_panic(|| {
            let mut state = self.state.lock();
            let Some(guard) = state.open.last().map(|g| g.id) else {
                drop(state);
                return controller.apply(&change);
            };
            self.change_locked(&mut state, guard, controller, &change)
        })
    }

    fn change_locked(&self, state: &mut State, guard: u64, controller: &Controller, change: &Change) -> Result<()> {
        let State { claims: Some(claims), unshared, .. } = state else { return Err(no_claims()) };
        let owner = claims.owner;
        let (file, mut memory) = claims.open();
        let (mut file, usable) = match file {
            Ok(file) => (Some(file), Ok(())),
            Err(e) => (None, Err(e)),
        };
        let mut why_not = self.why_unusable(usable)?;
        let mut new = ClaimedChange::new(controller, change, owner, guard)?;
        let file_before = file.as_ref().map(|f| f.data.claims.as_slice().to_vec());
        let memory_before = memory.data.claims.as_slice().to_vec();
        let mut first = new.first;
        if let Some(shared) = &mut file {
            match new.add(shared.data, first).and_then(|kept| shared.publish().map(|()| kept)) {
                Ok(kept) => {
                    first = kept;
                    new.claims.iter_mut().for_each(|c| c.file = 1);
                }
                Err(errno) => {
                    why_not = self.why_unusable(Err(errno.into()))?;
                    file = None;
                }
            }
        }
        if unshared.is_none() {
            *unshared = why_not;
        }
        let kept = new.add(memory.data, first).and_then(|_| memory.publish());
        kept.map_err(|errno| Error::io("the guard's memory", std::io::Error::from_raw_os_error(errno)))?;
        let done = controller.apply(change);
        // If the change failed and the settings are as before, the claim is withdrawn. After success it records the value in
        // force; after a failure that left something changed, and where that cannot be read, its value stays 0: not known.
        let is_void = done.is_err() && controller.is_as_saved(&new.before);
        let now = if done.is_ok() { controller.save(change).ok() } else { None };
        let finish = |on: &mut Transaction, old: Vec<Claim>| {
            if is_void {
                new.withdraw(on.data, &old);
            } else if let Some(now) = &now {
                new.set_values(on.data, now);
            }
            // It needs no more space than before.
            let _ = on.publish();
        };
        if let Some((shared, old)) = file.as_mut().zip(file_before) {
            finish(shared, old);
        }
        finish(&mut memory, memory_before);
        done
    }

    /// Ends this guard and those that were begun after it.
    fn end(&self, id: u64) -> Result<()> {
        emit_afterwards(|| {
            let mut state = self.state.lock();
            let Some(at) = state.open.iter().position(|o| o.id == id) else { return Ok(()) };
            let Some(claims) = &mut state.claims else { return Err(no_claims()) };
            let mut restorer = self.restorer();
            let given_up = claims.give_up(id, Impatience::Fail, false, &mut restorer).map(drop);
            let is_left = claims.has_claims(id);
            let mut errors = restorer.errors.into_iter();
            let first = if is_left { errors.next() } else { None };
            errors.for_each(|e| log::warning(|| format!("the end of a guard could not restore everything: {e}")));
            self.why_unusable(given_up)?;
            if is_left {
                return Err(first.unwrap_or_else(|| Error::Internal("a guard's claim is left".into())));
            }
            let ended = state.open.split_off(at);
            ended.into_iter().filter_map(|o| o.watchdog).for_each(Watchdog::end);
            if state.open.is_empty() {
                state.claims = None;
            }
            Ok(())
        })
    }

    fn info(&self, id: u64, gpu: u32) -> Result<GuardInfo> {
        let Some(controller) = self.controllers.get(gpu as usize) else {
            return Err(Error::NotFound(format!("no GPU {gpu}: there are {}", self.controllers.len())));
        };
        let mut state = self.state.lock();
        if state.open.iter().all(|o| o.id != id) {
            return Ok(GuardInfo::default());
        }
        let mut info = GuardInfo {
            has_watchdog: state.open.iter().any(OpenGuard::is_watched),
            is_shared: state.unshared.is_none(),
            has_foreign_guards: self.has_foreign_guards()?,
            ..GuardInfo::default()
        };
        if let Some(claims) = &mut state.claims {
            let (settings, held) = claims.held(id, key(controller.pci()));
            let bounds = |clock| settings.clocks.filter(|_| held(Setting::from(clock))).and_then(|c| c.of(clock));
            (info.graphics, info.memory) = (bounds(Clock::Graphics), bounds(Clock::Memory));
            info.settings = settings;
        }
        Ok(info)
    }

    /// Ends all guards, with their session.
    pub fn end_all(&self) {
        let outermost = self.state.lock().open.first().map(|o| o.id);
        if let Some(Err(e)) = outermost.map(|id| self.end(id)) {
            log::warning(|| format!("a guard could not restore everything when its session was closed: {e}"));
        }
    }
}

/// Runs `body`, and emits its log messages after its locks are released: the application's log sink may call this library.
fn emit_afterwards<T>(body: impl FnOnce() -> T) -> T {
    let (value, messages) = log::capture(body);
    messages.into_iter().for_each(|(level, text)| log::emit(level, || text));
    value
}

fn no_claims() -> Error {
    Error::Internal("a guard without its claims".into())
}

/// Restores settings through the session's controllers. GPUs that are not in the session are restored through sysfs.
struct ByController<'a> {
    controllers: &'a [Controller],
    errors: Vec<Error>,
}

impl Restorer for ByController<'_> {
    fn now(&self, gpu: &Gpu) -> Settings {
        BySysfs(&LibcIo).now(gpu)
    }

    fn restore(&mut self, gpu: &Gpu, saved: &Settings) -> bool {
        let Some(controller) = self.controllers.iter().find(|c| key(c.pci()) == gpu.gpu) else {
            return BySysfs(&LibcIo).restore(gpu, saved);
        };
        controller.restore(saved).map_err(|e| self.errors.push(e)).is_ok()
    }
}
