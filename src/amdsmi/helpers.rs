//! Threads that call libamd_smi for others. A thread inside a call that does not return cannot leave it, so calls are made
//! on a helper, which is left behind at the time limit. Handing a call over takes some 10 µs; AMD's own calls take 150 to
//! 600 µs.

use super::status::Status;
use crate::platform::sync::{Condvar, Mutex};
use crate::platform::thread::Thread;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Job = Box<dyn FnOnce() + Send>;

/// A thread without a call ends after this time: a process that reads rarely has no thread more.
const IDLE: Duration = Duration::from_secs(1);

/// What a helper and the thread that uses it hand over. Not a channel of std, which keeps memory for each thread of the
/// application that waits.
#[derive(Default)]
struct Exchange {
    state: Mutex<ExchangeState>,
    changed: Condvar,
}

#[derive(Default)]
struct ExchangeState {
    job: Option<Job>,
    done: bool,
    /// No thread waits for the helper any more.
    closed: bool,
}

/// A thread that waits for calls. Its owner is the only thread that uses it.
struct Helper {
    exchange: Arc<Exchange>,
    thread: Thread,
}

/// The helpers that wait: as many as there were calls at the same time.
#[derive(Default)]
pub struct Helpers {
    idle: Idle,
}

type Idle = Arc<Mutex<Vec<Helper>>>;

thread_local! {
    /// This thread may be left inside a call.
    static IS_HELPER: Cell<bool> = const { Cell::new(false) };
}

/// Lets this thread make calls that may exceed the time limit: another one waits for it.
pub fn mark_helper() {
    IS_HELPER.set(true);
}

pub fn is_helper() -> bool {
    IS_HELPER.get()
}

impl Exchange {
    /// Changes the state, and notifies the other side.
    fn set(&self, change: impl FnOnce(&mut ExchangeState)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    /// Waits for as long as `limit` until something can be taken from the state.
    fn wait<T>(&self, limit: Duration, mut take: impl FnMut(&mut ExchangeState) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.state.lock();
        let mut is_over = false;
        loop {
            let taken = take(&mut state);
            if taken.is_some() || is_over {
                return taken;
            }
            (state, is_over) = self.changed.wait_until(state, deadline);
        }
    }
}

impl Helper {
    fn start(idle: &Idle) -> Result<Helper, Status> {
        let exchange = Arc::new(Exchange::default());
        let (idle, own) = (idle.clone(), exchange.clone());
        let body = move || serve(&idle, &own);
        let thread = Thread::start(c"zeus_amd-amdsmi", 8 << 20, body).map_err(|_| Status::NO_THREAD)?;
        Ok(Helper { exchange, thread })
    }
}

/// Makes calls until there is none for a while, or the caller has left.
fn serve(idle: &Idle, exchange: &Exchange) {
    mark_helper();
    loop {
        let next = exchange.wait(IDLE, |state| if state.closed { Some(None) } else { state.job.take().map(Some) });
        match next {
            Some(Some(job)) => {
                job();
                exchange.set(|state| state.done = true);
            }
            Some(None) => return,
            None => {
                let mut idle = idle.lock();
                // Who has taken it has a call for it.
                if let Some(i) = idle.iter().position(|helper| helper.thread.is_current()) {
                    idle.swap_remove(i);
                    return;
                }
            }
        }
    }
}

impl Helpers {
    /// Runs a call on a helper, and leaves it there at the time limit (`HUNG`).
    pub fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let idle = self.idle.lock().pop();
        let helper = idle.map_or_else(|| Helper::start(&self.idle), Ok)?;
        let result = Arc::new(Mutex::new(None));
        let of_helper = result.clone();
        let job = move || {
            let done = call();
            *of_helper.lock() = Some(done);
        };
        helper.exchange.set(|state| state.job = Some(Box::new(job)));
        let done = helper.exchange.wait(limit, |state| std::mem::take(&mut state.done).then_some(()));
        if done.is_none() {
            helper.exchange.set(|state| state.closed = true);
            return Err(Status::HUNG);
        }
        self.idle.lock().push(helper);
        let done = result.lock().take();
        done.ok_or(Status::NO_THREAD)
    }

    /// Ends those that wait.
    pub fn end_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        for Helper { exchange, thread } in idle {
            exchange.set(|state| state.closed = true);
            thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc::channel;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_call_that_hangs_is_left() {
        let helpers = Helpers::default();
        let own = std::thread::current().id();
        let first = helpers.run(LONG, || std::thread::current().id()).unwrap();
        assert_ne!(first, own);
        assert_eq!(helpers.run(LONG, || std::thread::current().id()), Ok(first), "it is used again");
        let (end, has_ended) = (channel::<()>(), Arc::new(AtomicBool::new(false)));
        let of_call = has_ended.clone();
        let hangs = move || {
            let _ = end.1.recv();
            of_call.store(true, SeqCst);
        };
        assert_eq!(helpers.run(Duration::from_millis(50), hangs), Err(Status::HUNG));
        assert_ne!(helpers.run(LONG, || std::thread::current().id()), Ok(first), "another thread");
        assert!(!has_ended.load(SeqCst));
        drop(end.0);
        while !has_ended.load(SeqCst) {
            std::thread::yield_now();
        }
        helpers.end_idle();
        assert!(helpers.idle.lock().is_empty());
    }

    /// Between two calls the thread may end: no call is lost.
    #[test]
    fn threads_end_by_themselves() {
        let helpers = Helpers::default();
        for n in 0..3 {
            assert_eq!(helpers.run(LONG, move || n), Ok(n));
            std::thread::sleep(IDLE - Duration::from_millis(1));
        }
        while !helpers.idle.lock().is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
