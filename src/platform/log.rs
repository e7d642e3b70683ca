//! Log messages: they go to the sink that the application installed. Nothing is printed.

use std::cell::Cell;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicPtr, AtomicUsize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

pub type Sink = Box<dyn Fn(Level, &str) + Send + Sync>;

struct Installed {
    max_level: Level,
    sink: Sink,
    /// The one that was replaced before this one.
    next_replaced: *mut Installed,
}

/// Without a lock: a forked child could inherit it from a thread that the child does not have.
static CURRENT: AtomicPtr<Installed> = AtomicPtr::new(std::ptr::null_mut());
/// Sinks that were replaced, and may still be running.
static REPLACED: AtomicPtr<Installed> = AtomicPtr::new(std::ptr::null_mut());
/// Threads that may be running one. In a forked child those of the parent stay in it, and its replaced sinks are leaked.
static USERS: AtomicUsize = AtomicUsize::new(0);

/// Installs a sink for messages up to a level, or removes it. Replaced sinks are freed as soon as none is running.
pub fn set_sink(sink: Option<(Level, Sink)>) {
    let new = sink.map_or(std::ptr::null_mut(), |(max_level, sink)| {
        Box::into_raw(Box::new(Installed { max_level, sink, next_replaced: std::ptr::null_mut() }))
    });
    keep_replaced(CURRENT.swap(new, SeqCst));
    // Taken first: what others replace from here on may be in use.
    let mut replaced = REPLACED.swap(std::ptr::null_mut(), SeqCst);
    if USERS.load(SeqCst) > 0 {
        keep_replaced(replaced);
        return;
    }
    while !replaced.is_null() {
        // SAFETY: from `Box::into_raw`; only this thread has it, and threads that use a sink from now on find another one.
        let one = unsafe { Box::from_raw(replaced) };
        replaced = one.next_replaced;
    }
}

/// Adds a list of sinks to the replaced ones.
fn keep_replaced(first: *mut Installed) {
    let mut last = first;
    // SAFETY: a list that only this thread has.
    while let Some(next) = unsafe { last.as_ref() }.map(|one| one.next_replaced).filter(|next| !next.is_null()) {
        last = next;
    }
    // SAFETY: as above.
    let Some(last) = (unsafe { last.as_mut() }) else { return };
    let mut head = REPLACED.load(SeqCst);
    loop {
        last.next_replaced = head;
        match REPLACED.compare_exchange(head, first, SeqCst, SeqCst) {
            Ok(_) => return,
            Err(other) => head = other,
        }
    }
}

/// Counts this thread among the users of a sink.
struct User;

impl User {
    fn new() -> User {
        USERS.fetch_add(1, SeqCst);
        User
    }
}

impl Drop for User {
    fn drop(&mut self) {
        USERS.fetch_sub(1, SeqCst);
    }
}

/// Captured messages with their levels.
pub type CapturedLog = Vec<(Level, String)>;

thread_local! {
    /// Destination of this thread's messages while [`capture`] runs. Without a destructor: the thread may be the application's.
    static CAPTURE: Cell<*mut CapturedLog> = const { Cell::new(std::ptr::null_mut()) };
}

/// Runs `body` and captures its messages, so that another thread can emit them.
pub fn capture<T>(body: impl FnOnce() -> T) -> (T, CapturedLog) {
    struct Restore(*mut CapturedLog);
    impl Drop for Restore {
        fn drop(&mut self) {
            CAPTURE.set(self.0);
        }
    }
    let mut captured = CapturedLog::new();
    let restore = Restore(CAPTURE.replace(&mut captured));
    let value = body();
    drop(restore);
    (value, captured)
}

/// Passes a message to the sink. No lock of this crate is held here, because the sink may call back.
pub fn emit(level: Level, text: impl FnOnce() -> String) {
    if CURRENT.load(SeqCst).is_null() {
        return;
    }
    let _user = User::new();
    // SAFETY: NULL or from `set_sink`, which frees none while there is a user.
    let Some(installed) = (unsafe { CURRENT.load(SeqCst).as_ref() }).filter(|i| level <= i.max_level) else { return };
    let text = text();
    // SAFETY: NULL, or a log of this thread in a frame below this one, not borrowed elsewhere.
    match unsafe { CAPTURE.try_with(Cell::get).unwrap_or(std::ptr::null_mut()).as_mut() } {
        Some(captured) => captured.push((level, text)),
        None => (installed.sink)(level, &text),
    }
}

pub fn warning(text: impl FnOnce() -> String) {
    emit(Level::Warning, text);
}

pub fn info(text: impl FnOnce() -> String) {
    emit(Level::Info, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::sync::Arc;

    /// A sink that says when it is dropped, and when it is called after that.
    struct Probe {
        alive: Arc<AtomicUsize>,
        dropped: AtomicBool,
    }

    impl Drop for Probe {
        fn drop(&mut self) {
            self.dropped.store(true, SeqCst);
            self.alive.fetch_sub(1, SeqCst);
        }
    }

    fn probe(alive: &Arc<AtomicUsize>) -> Option<(Level, Sink)> {
        alive.fetch_add(1, SeqCst);
        let probe = Probe { alive: alive.clone(), dropped: AtomicBool::new(false) };
        Some((
            Level::Debug,
            Box::new(move |_, _| {
                assert!(!probe.dropped.load(SeqCst));
                std::thread::yield_now();
                assert!(!probe.dropped.load(SeqCst), "freed while it runs");
            }),
        ))
    }

    /// Sinks are replaced while threads use them: none is freed too early, and none is left in the end.
    #[test]
    fn replaced_sinks_are_freed() {
        let (alive, end) = (Arc::new(AtomicUsize::new(0)), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !end.load(SeqCst) {
                        warning(|| "a message".to_owned());
                    }
                });
            }
            let replace = || (0..2000).for_each(|_| set_sink(probe(&alive)));
            let others: Vec<_> = (0..2).map(|_| scope.spawn(replace)).collect();
            others.into_iter().for_each(|t| t.join().unwrap());
            end.store(true, SeqCst);
        });
        set_sink(None);
        // Other tests of this process may log at that moment.
        while alive.load(SeqCst) > 0 {
            std::thread::yield_now();
            set_sink(None);
        }
    }
}
