//! Whether any of some files may have changed, by inotify: to read them all every other millisecond costs more than all else
//! that a machine does.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Without inotify (a user may have 128 by default) every answer is that they may have.
pub struct FileWatch {
    inotify: libc::c_int,
    /// Every file was there and is watched.
    is_complete: bool,
}

impl FileWatch {
    pub fn new() -> FileWatch {
        // SAFETY: a plain system call.
        let inotify = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
        FileWatch { inotify, is_complete: false }
    }

    /// Since the last call; the first time, and while one of them does not exist, yes.
    pub fn has_changed<'a>(&mut self, files: impl Iterator<Item = &'a Path>) -> bool {
        if !self.take_events() && self.is_complete {
            return false;
        }
        // Another file may have come in the place of one; what is watched already stays so.
        self.is_complete = true;
        for file in files {
            self.is_complete &= self.add(file);
        }
        true
    }

    fn add(&self, file: &Path) -> bool {
        let Ok(path) = CString::new(file.as_os_str().as_bytes()) else { return false };
        let events = libc::IN_MODIFY | libc::IN_ATTRIB | libc::IN_DELETE_SELF | libc::IN_MOVE_SELF;
        // SAFETY: a string; without inotify it fails.
        unsafe { libc::inotify_add_watch(self.inotify, path.as_ptr(), events) >= 0 }
    }

    /// Whether there were any.
    fn take_events(&self) -> bool {
        let mut events = [0_u8; 4096];
        let mut any = false;
        // SAFETY: a buffer of that size.
        while unsafe { libc::read(self.inotify, events.as_mut_ptr().cast(), events.len()) } > 0 {
            any = true;
        }
        any
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        if self.inotify >= 0 {
            // SAFETY: its own descriptor.
            unsafe { libc::close(self.inotify) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn each_change_is_seen_once() {
        let folder = std::env::temp_dir().join(format!("zeus-amd-file-watch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = ["a", "b"].map(|name| folder.join(name));
        fs::write(&files[0], "1").unwrap();
        let mut watch = FileWatch::new();
        let mut has_changed = || watch.has_changed(files.iter().map(|f| f.as_path()));
        assert!(has_changed() && has_changed(), "while one is missing");
        fs::write(&files[1], "1").unwrap();
        assert!(has_changed() && !has_changed());
        // Of the same length, and at once.
        fs::write(&files[0], "2").unwrap();
        assert!(has_changed() && !has_changed());
        // Another file of the same name, before and after it is written to.
        fs::write(folder.join("new"), "3").unwrap();
        fs::rename(folder.join("new"), &files[1]).unwrap();
        assert!(has_changed());
        fs::write(&files[1], "4").unwrap();
        assert!(has_changed());
        fs::remove_file(&files[0]).unwrap();
        assert!(has_changed() && has_changed(), "while one is missing");
        fs::remove_dir_all(&folder).unwrap();
    }
}
