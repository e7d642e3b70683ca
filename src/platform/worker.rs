//! Background threads of this library. They call into libamd_smi, whose static objects are destroyed at process exit, so
//! all of them are stopped before that.

use super::application;
use super::fork::PerProcess;
use super::sync::{Condvar, Mutex};
use super::thread::Thread;
use crate::error::{Error, Result};
use std::ffi::CStr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Stops or notifies a worker.
#[derive(Default)]
pub struct StopSignal {
    state: Mutex<State>,
    condvar: Condvar,
}

#[derive(Default)]
struct State {
    end: bool,
    woken: bool,
    ended: bool,
    /// When to check again whether threads of the application are left.
    next_check: Option<Instant>,
}

/// How long the process may outlive the application's last thread.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl StopSignal {
    /// Waits for the deadline or a wake-up. Returns `false` if the worker must stop.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        loop {
            if state.end {
                return false;
            }
            let now = Instant::now();
            let check = *state.next_check.get_or_insert(now + CHECK_INTERVAL);
            if now >= check {
                state.next_check = None;
                drop(state);
                let is_last = application::is_gone();
                state = self.state.lock();
                state.end |= is_last;
                continue;
            }
            if std::mem::take(&mut state.woken) || now >= deadline {
                return true;
            }
            (state, _) = self.condvar.wait_until(state, deadline.min(check));
        }
    }

    pub fn wake(&self) {
        self.state.lock().woken = true;
        self.condvar.notify_all();
    }

    fn end(&self) {
        self.state.lock().end = true;
        self.condvar.notify_all();
    }
}

/// A background thread. Dropping this stops it.
pub struct Worker {
    signal: Arc<StopSignal>,
    thread: Option<Thread>,
}

/// Exit handlers of the application run on the last thread of the process.
const STACK_SIZE: usize = 2 << 20;

static WORKERS: PerProcess<Mutex<Vec<Weak<StopSignal>>>> = PerProcess::new();

impl Worker {
    /// Starts a thread named `name` for `purpose`. The caller has already called each libamd_smi function that the thread
    /// calls.
    pub fn start(
        name: &'static CStr,
        purpose: &str,
        body: impl FnOnce(&StopSignal) + Send + 'static,
    ) -> Result<Worker> {
        let signal = Arc::new(StopSignal::default());
        let worker_signal = signal.clone();
        {
            let mut workers = WORKERS.get_or_try(|| Ok(Mutex::default()))?.lock();
            workers.retain(|w| w.strong_count() > 0);
            workers.push(Arc::downgrade(&signal));
        }
        let thread = Thread::start(name, STACK_SIZE, move || {
            let _notifier = EndNotifier(&worker_signal);
            body(&worker_signal);
        });
        let thread = thread.map_err(|source| Error::io(format!("the thread that {purpose}"), source))?;
        Ok(Worker { signal, thread: Some(thread) })
    }

    pub fn wake(&self) {
        self.signal.wake();
    }
}

/// Reports the end of the thread, even after a panic.
struct EndNotifier<'a>(&'a StopSignal);

impl Drop for EndNotifier<'_> {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
        self.0.condvar.notify_all();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A forked child does not have the thread.
        let Some(thread) = self.thread.take().filter(Thread::is_here) else { return };
        self.signal.end();
        // The application's log callback, called by this thread, may drop the worker: a thread must not join itself.
        if !thread.is_current() {
            thread.join();
        }
    }
}

/// Stops all workers before process exit. Waits for them up to a time limit.
pub fn end_all(limit: Duration) {
    let Some(workers) = WORKERS.get_if_init() else { return };
    let workers: Vec<Arc<StopSignal>> = workers.lock().iter().filter_map(Weak::upgrade).collect();
    workers.iter().for_each(|worker| worker.end());
    let deadline = Instant::now() + limit;
    for worker in workers {
        let mut state = worker.state.lock();
        while !state.ended && Instant::now() < deadline {
            (state, _) = worker.condvar.wait_until(state, deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// The application's log callback, called by the thread, may drop the worker.
    #[test]
    fn a_worker_may_be_dropped_by_its_own_thread() {
        let (worker_sender, worker_receiver) = mpsc::channel::<Worker>();
        let (result_sender, result_receiver) = mpsc::channel();
        let body = move |signal: &StopSignal| {
            drop(worker_receiver.recv().unwrap());
            result_sender.send(signal.wait_until(Instant::now())).unwrap();
        };
        worker_sender.send(Worker::start(c"zeus_amd-test", "runs this test", body).unwrap()).unwrap();
        assert_eq!(result_receiver.recv_timeout(Duration::from_secs(20)), Ok(false));
    }
}
