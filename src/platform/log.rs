//! Where messages go: to the sink that the host installed, or nowhere. Nothing is ever printed.

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

/// A sink that was installed, or the wish for none, and the one before it.
struct Installed {
    sink: Option<(Level, Sink)>,
    _before: *const Installed,
}

/// No lock stands here: a forked child could inherit it from a thread that is not there to release it.
static LAST: AtomicPtr<Installed> = AtomicPtr::new(std::ptr::null_mut());

/// Installs the sink and the most talkative level it wants, or removes it. What was installed before is kept, as
/// another thread may be inside of it: a few words for each call.
pub fn set_sink(sink: Option<(Level, Sink)>) {
    let before = LAST.load(Ordering::Acquire);
    if sink.is_none() && before.is_null() {
        return;
    }
    // Of two threads that install at once, one comes last either way; the other's is then in nobody's list.
    LAST.store(Box::into_raw(Box::new(Installed { sink, _before: before })), Ordering::Release);
}

/// What was said meanwhile, and what for.
pub type CapturedLog = Vec<(Level, String)>;

thread_local! {
    /// Where this thread's messages are kept, for as long as [`keep`] runs. No destructor, as no thread of the host wants one.
    static KEPT: Cell<*mut CapturedLog> = const { Cell::new(std::ptr::null_mut()) };
}

/// Runs `body`, and keeps what it has to say for another thread to say.
pub fn capture<T>(body: impl FnOnce() -> T) -> (T, CapturedLog) {
    struct Back(*mut CapturedLog);
    impl Drop for Back {
        fn drop(&mut self) {
            KEPT.set(self.0);
        }
    }
    let mut said = CapturedLog::new();
    let back = Back(KEPT.replace(&mut said));
    let value = body();
    drop(back);
    (value, said)
}

/// Hands a message to the sink. Never called with a lock of this crate held, so a sink may call back.
pub fn emit(level: Level, text: impl FnOnce() -> String) {
    // SAFETY: NULL or from `set_sink`, which never frees one.
    let last = unsafe { LAST.load(Ordering::Acquire).as_ref() };
    if let Some((most, sink)) = last.and_then(|l| l.sink.as_ref()) {
        if level > *most {
            return;
        }
        let text = text();
        // SAFETY: NULL, or this thread's own, in a frame below this one; nobody else has it meanwhile.
        match unsafe { KEPT.try_with(Cell::get).unwrap_or(std::ptr::null_mut()).as_mut() } {
            Some(kept) => kept.push((level, text)),
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
