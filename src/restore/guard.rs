//! Guards: settings are restored at a guard's end, and by a watchdog process if this process dies before.

use super::watchdog::Watchdog;
use crate::control::{Controller, SavedSettings};
use crate::error::{Error, Result};
use crate::platform::sync::Mutex;
use crate::platform::{fork, log};
use std::sync::Arc;

/// The guards of one session, a stack: the first is the outermost.
pub struct GuardStack {
    controllers: Arc<[Controller]>,
    open: Mutex<OpenGuards>,
    ending: Mutex<()>,
}

#[derive(Default)]
struct OpenGuards {
    last_id: u64,
    open: Vec<SavedState>,
}

struct SavedState {
    id: u64,
    /// One for each GPU.
    saved: Vec<SavedSettings>,
    watchdog: Option<Watchdog>,
}

/// A caller's guard. It may outlive its session, with which it ends.
pub struct Guard {
    guards: Arc<GuardStack>,
    id: u64,
    mark: u64,
}

impl Guard {
    /// Restores what is not as it was at the begin. Does nothing if the guard has ended already.
    pub fn end(&self) -> Result<()> {
        fork::require_current(self.mark)?;
        self.guards.end(self.id)
    }
}

impl GuardStack {
    #[must_use]
    pub fn new(controllers: Arc<[Controller]>) -> Arc<GuardStack> {
        Arc::new(GuardStack { controllers, open: Mutex::new(OpenGuards::default()), ending: Mutex::new(()) })
    }

    /// Saves all settings. With `watch` a watchdog process restores them if this process dies.
    pub fn begin(self: &Arc<Self>, watch: bool) -> Result<Guard> {
        let mut stack = self.open.lock();
        let saved = self.controllers.iter().map(Controller::save).collect::<Result<Vec<SavedSettings>>>()?;
        // Of two watchdogs the inner one could come last; the outer one's settings are the ones to restore.
        let is_watched = stack.open.iter().any(|o| o.watchdog.is_some());
        let watchdog = (watch && !is_watched).then(|| self.start_watchdog(&saved)).transpose()?;
        stack.last_id += 1;
        let id = stack.last_id;
        stack.open.push(SavedState { id, saved, watchdog });
        Ok(Guard { guards: self.clone(), id, mark: fork::fork_token() })
    }

    fn start_watchdog(&self, saved: &[SavedSettings]) -> Result<Watchdog> {
        let restores = self.controllers.iter().zip(saved).flat_map(|(c, saved)| c.sysfs_restores(saved));
        Watchdog::start(&restores.collect::<Vec<_>>())
            .map_err(|source| Error::Io { path: "the guard's watchdog process".into(), source })
    }

    /// Ends this guard and those that were begun after it: the settings that this one saved are the ones to restore.
    fn end(&self, id: u64) -> Result<()> {
        // The stack is unlocked before anything is restored: the application's log sink may call back.
        let _one_at_a_time = self.ending.lock();
        let mut ended = {
            let mut stack = self.open.lock();
            let Some(at) = stack.open.iter().position(|o| o.id == id) else { return Ok(()) };
            stack.open.split_off(at)
        };
        let watchdogs: Vec<Watchdog> = ended.iter_mut().filter_map(|o| o.watchdog.take()).collect();
        let Some(outermost) = ended.first() else { return Ok(()) };
        let all = || self.controllers.iter().zip(&outermost.saved);
        let mut failed: Vec<_> = all().filter_map(|(c, saved)| Some((c, saved, c.restore(saved).err()?))).collect();
        if !watchdogs.is_empty() {
            watchdogs.into_iter().for_each(|w| w.end(failed.is_empty()));
            // A watchdog that ends after a failure tries, too.
            failed.retain(|(c, saved, _)| c.check_restored(saved).is_err());
        }
        let mut errors = failed.into_iter().map(|(_, _, e)| e);
        let first = errors.next();
        errors.for_each(|e| log::warning(|| format!("the end of a guard could not restore everything: {e}")));
        first.map_or(Ok(()), Err)
    }

    /// Ends all guards, with their session.
    pub fn end_all(&self) {
        let outermost = self.open.lock().open.first().map(|o| o.id);
        if let Some(Err(e)) = outermost.map(|id| self.end(id)) {
            log::warning(|| format!("a guard that ended with its session could not restore everything: {e}"));
        }
    }
}
