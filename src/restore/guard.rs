//! Guards: settings as they were at its begin are put back at its end, and by a watcher if the process dies before.

use super::watchdog::Watchdog;
use crate::device::{Device, SavedSettings};
use crate::error::{Error, Result};
use crate::platform::sync::Mutex;
use crate::platform::{fork, log};
use std::sync::Arc;

/// The guards of one session, a stack: the first is the outermost.
pub struct GuardStack {
    devices: Arc<[Device]>,
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
    /// One for each device.
    was: Vec<SavedSettings>,
    watcher: Option<Watchdog>,
}

/// One guard, in the hands of a caller. It may outlive its session: then it has ended with it.
pub struct Guard {
    guards: Arc<GuardStack>,
    id: u64,
    mark: u64,
}

impl Guard {
    /// Puts back what differs from its begin. Does nothing if it has ended already.
    pub fn end(&self) -> Result<()> {
        if !fork::is_current(self.mark) {
            return Err(Error::Forked);
        }
        self.guards.end(self.id)
    }
}

impl GuardStack {
    #[must_use]
    pub fn new(devices: Arc<[Device]>) -> Arc<GuardStack> {
        Arc::new(GuardStack { devices, open: Mutex::new(OpenGuards::default()), ending: Mutex::new(()) })
    }

    /// Remembers how everything is. With `watch` a process of its own puts it back when this one dies.
    pub fn begin(self: &Arc<Self>, watch: bool) -> Result<Guard> {
        let mut stack = self.open.lock();
        let was = self.devices.iter().map(Device::settings).collect::<Result<Vec<SavedSettings>>>()?;
        // Of two watchers the inner one could come last; the outer one's memory is the one that counts.
        let watched = stack.open.iter().any(|o| o.watcher.is_some());
        let watcher = (watch && !watched).then(|| self.start_watcher(&was)).transpose()?;
        stack.last_id += 1;
        let id = stack.last_id;
        stack.open.push(SavedState { id, was, watcher });
        Ok(Guard { guards: self.clone(), id, mark: fork::fork_token() })
    }

    fn start_watcher(&self, was: &[SavedSettings]) -> Result<Watchdog> {
        let mut writes = Vec::new();
        for (device, was) in self.devices.iter().zip(was) {
            device.sysfs_writes(was, &mut writes);
        }
        Watchdog::start(&writes)
            .map_err(|source| Error::Io { path: "a process to watch over the guard".into(), source })
    }

    /// Ends this guard and those that were begun after it: what was before it comes back, whatever they remember.
    fn end(&self, id: u64) -> Result<()> {
        // The stack is let go before anything is put back: that may have something to say, and the host's log may call.
        let _one_at_a_time = self.ending.lock();
        let ended = {
            let mut stack = self.open.lock();
            let Some(at) = stack.open.iter().position(|o| o.id == id) else { return Ok(()) };
            stack.open.split_off(at)
        };
        let was = ended.first().map_or(&[][..], |o| &o.was);
        let restore = |(d, was): (&Device, &SavedSettings)| d.restore(was).err().filter(|_| !d.restore_via_sysfs(was));
        let mut errors: Vec<Error> = self.devices.iter().zip(was).filter_map(restore).collect();
        for watcher in ended.into_iter().filter_map(|o| o.watcher) {
            watcher.end(errors.is_empty());
        }
        if errors.is_empty() {
            return Ok(());
        }
        let first = errors.remove(0);
        for e in errors {
            log::warning(|| format!("the end of a guard could not put everything back: {e}"));
        }
        Err(first)
    }

    /// The session ends: so do all of its guards.
    pub fn end_all(&self) {
        let outermost = self.open.lock().open.first().map(|o| o.id);
        if let Some(Err(e)) = outermost.map(|id| self.end(id)) {
            log::warning(|| format!("a guard that ended with its session could not put everything back: {e}"));
        }
    }
}
