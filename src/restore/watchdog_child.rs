//! The watchdog's own code. No allocation, no lock, no libc function but `syscall`, which the first call binds.

use std::ffi::CStr;

fn call(number: libc::c_long, arguments: [usize; 4]) -> isize {
    let [a, b, c, d] = arguments;
    // SAFETY: the callers below pass what the kernel expects.
    unsafe { libc::syscall(number, a, b, c, d) as isize }
}

/// Ends this process at once, without the application's exit handlers.
pub fn exit() -> ! {
    loop {
        call(libc::SYS_exit_group, [0; 4]);
    }
}

/// Waits for the application's death, or for the report that everything is restored.
pub fn watch(plan: &[u8], socket: i32, parent: i32, parent_fd: i32, release: bool) -> ! {
    // Out of the application's terminal, process group and folder.
    call(libc::SYS_setsid, [0; 4]);
    call(libc::SYS_chdir, [c"/".as_ptr() as usize, 0, 0, 0]);
    call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, c"zeus_amd-guard".as_ptr() as usize, 0, 0]);
    close_other_fds(socket, parent_fd);
    if release {
        release_memory(plan);
    }
    call(libc::SYS_write, [socket as usize, c"r".as_ptr() as usize, 1, 0]);
    if wait(socket, parent, parent_fd) {
        restore(plan);
    }
    exit()
}

fn close_other_fds(a: i32, b: i32) {
    let (low, high) = if b < 0 || a < b { (a, b.max(a)) } else { (b, a) };
    let range = |from: i32, to: i32| from > to || call(libc::SYS_close_range, [from as usize, to as usize, 0, 0]) >= 0;
    if range(0, low - 1) && range(low + 1, high - 1) && range(high + 1, i32::MAX) {
        return;
    }
    // Before Linux 5.9: one by one, as far as descriptors can go.
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let known = call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE as usize, 0, std::ptr::addr_of_mut!(limit) as usize]);
    let most = if known >= 0 { limit.rlim_max.min(1 << 20) as i32 } else { 1 << 16 };
    for fd in (0..most).filter(|fd| *fd != a && *fd != b) {
        call(libc::SYS_close, [fd as usize, 0, 0, 0]);
    }
}

/// True: the application is dead. False: it reported that everything is restored.
fn wait(socket: i32, parent: i32, parent_fd: i32) -> bool {
    loop {
        let mut both = [
            libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 },
            libc::pollfd { fd: parent_fd, events: libc::POLLIN, revents: 0 },
        ];
        // Without a descriptor of the parent its pid is polled, five times a second.
        let pause = libc::timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        let timeout = if parent_fd >= 0 { 0 } else { std::ptr::addr_of!(pause) as usize };
        call(libc::SYS_ppoll, [both.as_mut_ptr() as usize, 2, timeout, 0]);
        let [reported, ended] = both;
        if reported.revents != 0 {
            // Any other byte is not the guard's.
            let mut byte = 0_u8;
            let n = call(libc::SYS_read, [socket as usize, std::ptr::addr_of_mut!(byte) as usize, 1, 0]);
            if n != 1 {
                return true;
            }
            if byte == b'e' {
                return false;
            }
        }
        // A forked child of the application may still have the socket open.
        let is_dead =
            if parent_fd >= 0 { ended.revents != 0 } else { call(libc::SYS_getppid, [0; 4]) != parent as isize };
        if is_dead {
            return true;
        }
    }
}

fn restore(plan: &[u8]) {
    // The last byte is the end of the last string.
    let mut strings = plan.split_inclusive(|b| *b == 0).filter_map(|s| CStr::from_bytes_with_nul(s).ok());
    let mut differs = false;
    while let (Some(how), Some(file), Some(text)) = (strings.next(), strings.next(), strings.next()) {
        match how.to_bytes().first() {
            Some(b'?') => differs = !file_equals(file, text.to_bytes()),
            Some(b'!') => differs = !becomes_equal(file, text.to_bytes()),
            Some(b'w') if differs => write(file, text.to_bytes(), libc::O_TRUNC),
            Some(b'a') if differs => write(file, text.to_bytes(), libc::O_APPEND),
            _ => {}
        }
    }
}

fn open(file: &CStr, flags: i32) -> isize {
    call(libc::SYS_openat, [libc::AT_FDCWD as usize, file.as_ptr() as usize, (flags | libc::O_CLOEXEC) as usize, 0])
}

fn close(fd: isize) {
    call(libc::SYS_close, [fd as usize, 0, 0, 0]);
}

/// The same within a tenth of a second: earlier writes may take effect late.
fn becomes_equal(file: &CStr, text: &[u8]) -> bool {
    let pause = libc::timespec { tv_sec: 0, tv_nsec: 5_000_000 };
    (0..20).any(|_| {
        let is_equal = file_equals(file, text);
        if !is_equal {
            call(libc::SYS_ppoll, [0, 0, std::ptr::addr_of!(pause) as usize, 0]);
        }
        is_equal
    })
}

/// Is this the text of the file, but for whitespace at its end?
fn file_equals(file: &CStr, text: &[u8]) -> bool {
    let fd = open(file, libc::O_RDONLY);
    if fd < 0 {
        return false;
    }
    let mut room = [0_u8; 4096];
    let n = call(libc::SYS_read, [fd as usize, room.as_mut_ptr() as usize, room.len(), 0]);
    close(fd);
    let got = room.get(..n.max(0) as usize).unwrap_or_default();
    let length = got.iter().rposition(|b| !b.is_ascii_whitespace()).map_or(0, |last| last + 1);
    length == text.len() && got.iter().zip(text).all(|(a, b)| a == b)
}

/// The kernel takes each write as one command. A refusal cannot be reported: the application is dead.
fn write(file: &CStr, text: &[u8], flags: i32) {
    let fd = open(file, libc::O_WRONLY | flags);
    if fd >= 0 {
        call(libc::SYS_write, [fd as usize, text.as_ptr() as usize, text.len(), 0]);
        close(fd);
    }
}

/// A copy of an application with 100 GB would keep each page that the application changes from then on. Large anonymous
/// memory is released page by page (it reads as zeros then), shared memory is unmapped; what this code needs stays.
fn release_memory(plan: &[u8]) {
    const LARGE: usize = 1 << 20;
    let here = 0_u8;
    // SAFETY: this thread's own errno, only its address.
    let thread = unsafe { libc::__errno_location() } as usize;
    let needed = [std::ptr::addr_of!(here) as usize, thread, plan.as_ptr() as usize];
    let fd = open(c"/proc/self/maps", libc::O_RDONLY);
    if fd < 0 {
        return;
    }
    let mut line = Line::default();
    let mut room = [0_u8; 2048];
    loop {
        let n = call(libc::SYS_read, [fd as usize, room.as_mut_ptr() as usize, room.len(), 0]);
        if n <= 0 {
            break;
        }
        for byte in room.get(..n as usize).unwrap_or_default() {
            if *byte != b'\n' {
                line.add(*byte);
                continue;
            }
            let Line { start, end, shared, anonymous, writable, .. } = line;
            line = Line::default();
            if needed.iter().any(|a| (start..end).contains(a)) {
                continue;
            }
            if shared {
                call(libc::SYS_munmap, [start, end - start, 0, 0]);
            } else if anonymous && writable && end - start >= LARGE {
                call(libc::SYS_madvise, [start, end - start, libc::MADV_DONTNEED as usize, 0]);
            }
        }
    }
    close(fd);
}

/// One line of /proc/self/maps, read byte by byte: "START-END rw-p OFFSET DEVICE INODE   PATH".
#[derive(Clone, Copy, Default)]
struct Line {
    field: usize,
    in_field: usize,
    start: usize,
    end: usize,
    writable: bool,
    shared: bool,
    /// Inode 0.
    anonymous: bool,
}

impl Line {
    fn add(&mut self, byte: u8) {
        if byte == b' ' {
            self.field += usize::from(self.in_field > 0);
            self.in_field = 0;
            return;
        }
        match (self.field, byte) {
            (0, b'-') => std::mem::swap(&mut self.start, &mut self.end),
            // Both numbers are read into `end`.
            (0, _) => self.end = (self.end << 4) | (byte as char).to_digit(16).unwrap_or(0) as usize,
            (1, b'w') => self.writable = true,
            (1, b's') => self.shared = true,
            (4, b'0') if self.in_field == 0 => self.anonymous = true,
            (4, _) => self.anonymous = false,
            _ => {}
        }
        self.in_field += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        text.bytes().fold(Line::default(), |mut l, b| {
            l.add(b);
            l
        })
    }

    #[test]
    fn lines_of_maps() {
        let l = line("7f12a0000000-7f12b0000000 rw-p 00000000 00:00 0 ");
        assert_eq!((l.start, l.end), (0x7f12_a000_0000, 0x7f12_b000_0000));
        assert!(l.writable && l.anonymous && !l.shared);
        let l = line("55d0-55e0 rw-s 00000000 00:01 1034                       /dev/shm/a b 0");
        assert!(l.shared && !l.anonymous && l.start == 0x55d0);
        assert!(!line("55d0-55e0 r-xp 00000000 fd:01 0101 /lib/x").anonymous);
        assert!(line("55d0-55e0 rw-p 00000000 00:00 0                          [heap]").anonymous);
    }

    #[test]
    fn a_plan_is_written_where_it_differs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("same"), "auto\n").unwrap();
        std::fs::write(path("other"), "1000000000\n").unwrap();
        std::fs::write(path("table"), "old\n").unwrap();
        let p = |name: &str| path(name).to_str().unwrap().to_owned();
        let plan = format!(
            "?\0{s}\0auto\0w\0{s}\0never\n\0!\0{s}\0auto\0w\0{s}\0never\n\0!\0{o}\0750\0w\0{o}\0750\n\0?\0{t}\0new\0a\0{t}\0s 0 5\n\0a\0{t}\0c\n\0?\0{m}\0\0w\0{m}\0x\0",
            s = p("same"), o = p("other"), t = p("table"), m = p("missing")
        );
        restore(plan.as_bytes());
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        assert_eq!(
            (read("same"), read("other"), read("table")),
            ("auto\n".into(), "750\n".into(), "old\ns 0 5\nc\n".into())
        );
        assert!(!path("missing").exists());
    }
}
