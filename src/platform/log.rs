//! Log messages: they go to the sink that the application installed. Nothing is printed.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

pub type Sink = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// An installed sink (`None`: removed), and the one before it.
struct Installed {
    sink: Option<(Level, Sink)>,
    _previous: *const Installed,
}

/// Without a lock: a forked child could inherit it from a thread that the child does not have.
static CURRENT: AtomicPtr<Installed> = AtomicPtr::new(std::ptr::null_mut());

/// Installs a sink for messages up to a level, or removes it. The previous sink is leaked, because another thread may be
/// calling it.
pub fn set_sink(sink: Option<(Level, Sink)>) {
    let previous = CURRENT.load(Ordering::Acquire);
    if sink.is_none() && previous.is_null() {
        return;
    }
    // If two threads install at the same time, one wins; the other's is not in the list.
    CURRENT.store(Box::into_raw(Box::new(Installed { sink, _previous: previous })), Ordering::Release);
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
    // SAFETY: NULL or from `set_sink`, which never frees one.
    let installed = unsafe { CURRENT.load(Ordering::Acquire).as_ref() };
    if let Some((max_level, sink)) = installed.and_then(|i| i.sink.as_ref()) {
        if level > *max_level {
            return;
        }
        let text = text();
        // SAFETY: NULL, or a log of this thread in a frame below this one, not borrowed elsewhere.
        match unsafe { CAPTURE.try_with(Cell::get).unwrap_or(std::ptr::null_mut()).as_mut() } {
            Some(captured) => captured.push((level, text)),
            None => sink(level, &text),
        }
    }
}

pub fn warning(text: impl FnOnce() -> String) {
    emit(Level::Warning, text);
}

pub fn info(text: impl FnOnce() -> String) {
    emit(Level::Info, text);
}
