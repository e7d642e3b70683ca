//! Where messages go: to the sink that the host installed, or nowhere. Nothing is ever printed.

use parking_lot::RwLock;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

pub type Sink = Arc<dyn Fn(Level, &str) + Send + Sync>;

static SINK: RwLock<Option<(Level, Sink)>> = RwLock::new(None);

/// Installs the sink and the most talkative level it wants, or removes it.
pub fn set_sink(sink: Option<(Level, Sink)>) {
    let old = std::mem::replace(&mut *SINK.write(), sink);
    drop(old);
}

/// Hands a message to the sink. Never called with a lock of this crate held, so a sink may call back.
pub fn emit(level: Level, text: impl FnOnce() -> String) {
    // `try_read`: in a forked child the lock may be held by a thread that is not there any more.
    let sink = SINK.try_read().and_then(|s| s.as_ref().filter(|s| level <= s.0).map(|s| s.1.clone()));
    if let Some(sink) = sink {
        sink(level, &text());
    }
}

pub fn warning(text: impl FnOnce() -> String) {
    emit(Level::Warning, text);
}

pub fn info(text: impl FnOnce() -> String) {
    emit(Level::Info, text);
}
