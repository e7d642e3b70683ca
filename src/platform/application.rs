//! Whether threads of the application are left. A program whose `main` ends with `pthread_exit` lives as long as its last
//! thread, and a background thread of this library must not be the one that keeps it.

use std::path::Path;
use std::{fs, io};

/// Begins the name of each background thread. Copies of this library recognise each other's threads by it.
pub const THREAD_PREFIX: &str = "zeus_amd-";

/// Whether `main` has ended and all other threads are background threads. One read while `main` runs. `false` without /proc.
#[must_use]
pub fn is_gone() -> bool {
    let main = format!("/proc/self/task/{}", std::process::id());
    if !Thread::read(Path::new(&main)).is_ok_and(|main| main.ended) {
        return false;
    }
    let Ok(mut threads) = fs::read_dir("/proc/self/task") else { return false };
    threads.all(|thread| {
        thread.is_ok_and(|thread| match Thread::read(&thread.path()) {
            Ok(thread) => thread.ended || thread.name.starts_with(THREAD_PREFIX),
            // It has ended since the folder was read.
            Err(e) => matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)),
        })
    })
}

#[derive(Debug, PartialEq)]
struct Thread {
    name: String,
    ended: bool,
}

impl Thread {
    fn read(folder: &Path) -> io::Result<Thread> {
        Thread::parse(&String::from_utf8_lossy(&fs::read(folder.join("stat"))?))
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// `42 (name) S ...`, where the name may have parentheses.
    fn parse(stat: &str) -> Option<Thread> {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        Some(Thread { name: name.to_owned(), ended: rest.starts_with(['Z', 'X']) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_recognised() {
        let parsed = |stat| Thread::parse(stat).map(|t| (t.name, t.ended));
        assert_eq!(parsed("42 (a) b) Z 1 2\n"), Some(("a) b".to_owned(), true)));
        assert_eq!(parsed("42 (zeus_amd-sample) S 1 2\n"), Some(("zeus_amd-sample".to_owned(), false)));
        assert_eq!(parsed("42 a"), None);
        assert!(!is_gone());
    }
}
