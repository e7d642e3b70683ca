//! Threads of this library that go on between calls. They call into libamd_smi, whose statics die when the process
//! exits, so they end before that, and all at once if need be.

use crate::platform::fork::{self, spawn_signals_blocked, PerProcess};
use crate::platform::sync::{Condvar, Mutex};
use std::os::unix::thread::JoinHandleExt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a worker waits on.
#[derive(Default)]
pub struct StopSignal {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Default)]
struct State {
    end: bool,
    woken: bool,
    ended: bool,
}

impl StopSignal {
    /// Waits until the time has come, or somebody wakes it. Is it to go on?
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        loop {
            if state.end {
                return false;
            }
            if std::mem::take(&mut state.woken) || Instant::now() >= deadline {
                return true;
            }
            (state, _) = self.told.wait_until(state, deadline);
        }
    }

    pub fn wake(&self) {
        self.state.lock().woken = true;
        self.told.notify_all();
    }

    fn end(&self) {
        self.state.lock().end = true;
        self.told.notify_all();
    }
}

/// A running thread. It ends when this is dropped.
pub struct Worker {
    signal: Arc<StopSignal>,
    thread: Option<JoinHandle<()>>,
    mark: u64,
}

static WORKERS: PerProcess<Mutex<Vec<Weak<StopSignal>>>> = PerProcess::new();

impl Worker {
    /// Starts one. What it calls in libamd_smi has been called once before, by the thread that starts it.
    pub fn start(name: &str, body: impl FnOnce(&StopSignal) + Send + 'static) -> std::io::Result<Worker> {
        let signal = Arc::new(StopSignal::default());
        let its = signal.clone();
        {
            let mut workers = WORKERS.get().lock();
            workers.retain(|w| w.strong_count() > 0);
            workers.push(Arc::downgrade(&signal));
        }
        let thread = spawn_signals_blocked(name, 256 << 10, move || {
            let ended = EndNotifier(&its);
            body(&its);
            drop(ended);
        })?;
        Ok(Worker { signal, thread: Some(thread), mark: fork::fork_token() })
    }

    pub fn wake(&self) {
        self.signal.wake();
    }
}

/// Tells even if the body panics.
struct EndNotifier<'a>(&'a StopSignal);

impl Drop for EndNotifier<'_> {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
        self.0.told.notify_all();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // In a forked child there is no such thread.
        if !fork::is_current(self.mark) {
            return;
        }
        self.signal.end();
        // What it says goes to the host's sink, which may end what it works for: nobody waits for himself.
        // SAFETY: both are threads that have not been joined.
        let is_own = |t: &JoinHandle<()>| unsafe { libc::pthread_equal(t.as_pthread_t(), libc::pthread_self()) != 0 };
        if let Some(thread) = self.thread.take().filter(|t| !is_own(t)) {
            let _ = thread.join();
        }
    }
}

/// The process exits: all end, and are waited for, but not for ever.
pub fn end_all(limit: Duration) {
    let Some(workers) = WORKERS.get_if_init() else { return };
    let workers: Vec<Arc<StopSignal>> = workers.lock().iter().filter_map(Weak::upgrade).collect();
    workers.iter().for_each(|w| w.end());
    let deadline = Instant::now() + limit;
    for w in workers {
        let mut state = w.state.lock();
        while !state.ended && Instant::now() < deadline {
            (state, _) = w.told.wait_until(state, deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// As when the host's log callback, called by the thread, ends what the thread works for.
    #[test]
    fn a_worker_may_be_ended_by_its_own_thread() {
        let (hand, own) = mpsc::channel::<Worker>();
        let (say, said) = mpsc::channel();
        let body = move |signal: &StopSignal| {
            drop(own.recv().unwrap());
            say.send(signal.wait_until(Instant::now())).unwrap();
        };
        hand.send(Worker::start("zeus_amd-test", body).unwrap()).unwrap();
        assert_eq!(said.recv_timeout(Duration::from_secs(20)), Ok(false));
    }
}
