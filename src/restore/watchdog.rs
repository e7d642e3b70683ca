//! A small process that outlives its parent long enough to put settings back.
//!
//! It is a clone without an exit signal: the host gets no SIGCHLD for it, and no wait() of the host sees it. Between
//! the clone and its end it makes plain system calls and nothing else: other threads of the host may have held any lock.

use crate::device::SysfsWrite;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// The other end of a watcher.
pub struct Watchdog {
    pid: i32,
    /// Its end is the host's end; a byte says that all is well.
    socket: OwnedFd,
    /// What the wire was: a host that closes all descriptors may have given its number to something else.
    identity: (u64, u64),
}

/// How long an ending watcher is waited for. It has a few small files to write at most.
const TIMEOUT: Duration = Duration::from_secs(1);

impl Watchdog {
    pub fn start(writes: &[SysfsWrite]) -> io::Result<Watchdog> {
        let plan = RestorePlan::new(writes)?;
        // Under valgrind and its like the tool's own memory is among what would be given back.
        Self::try_start(&plan, true).or_else(|_| Self::try_start(&plan, false))
    }

    fn try_start(plan: &RestorePlan, release: bool) -> io::Result<Watchdog> {
        let (socket, far) = pair()?;
        // SAFETY: asks for a descriptor of this process, checked below.
        let host = unsafe {
            let pid = libc::getpid();
            (pid, libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32)
        };
        // SAFETY: nobody else has it. Where the kernel has none (before 5.3) the watcher looks at its parent instead.
        let host_fd = (host.1 >= 0).then(|| unsafe { OwnedFd::from_raw_fd(host.1) });
        // SAFETY: local sets of signals; the clone runs `watch` and never comes back here.
        let pid = unsafe {
            let (mut all, mut old) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old);
            let pid = libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) as i32;
            if pid == 0 {
                let body = || super::watchdog_child::watch(plan.bytes(), far.as_raw_fd(), host.0, host.1, release);
                // A copy of the host must not run on as the host, whatever happens.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
                super::watchdog_child::exit();
            }
            let failed = io::Error::last_os_error();
            libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut());
            if pid < 0 {
                return Err(failed);
            }
            pid
        };
        // The far end is the watcher's alone: its death is the end of this one.
        drop((host_fd, far));
        let identity = identity(&socket);
        let watcher = Watchdog { pid, socket, identity };
        if watcher.is_ready() {
            return Ok(watcher);
        }
        watcher.end(true);
        Err(io::Error::other("it ended before it began"))
    }

    /// Waits for its first byte: from then on it is out of reach of what ends the host.
    fn is_ready(&self) -> bool {
        let mut byte = 0_u8;
        loop {
            // SAFETY: room for one byte.
            let n = unsafe { libc::read(self.socket.as_raw_fd(), std::ptr::addr_of_mut!(byte).cast(), 1) };
            if n >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return n == 1;
            }
        }
    }

    /// Ends it: with everything put back, or so that it tries.
    pub fn end(self, all_is_well: bool) {
        if identity(&self.socket) != self.identity {
            // Not ours any more, to write to or to close. The watcher took its end for the host's and is gone.
            self.is_gone(libc::WNOHANG);
            let _ = std::os::fd::IntoRawFd::into_raw_fd(self.socket);
            return;
        }
        if all_is_well {
            // Not a pipe: writing to one whose reader is gone would send the host a signal.
            // SAFETY: one byte, from a static.
            unsafe { libc::send(self.socket.as_raw_fd(), b"e".as_ptr().cast(), 1, libc::MSG_NOSIGNAL) };
        }
        // SAFETY: an open socket. Closing is not enough: a forked child of the host has it too.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
        let until = Instant::now() + TIMEOUT;
        let mut pause = Duration::from_micros(50);
        while !self.is_gone(libc::WNOHANG) {
            if Instant::now() > until {
                // SAFETY: it is not yet waited for, so the number is still its own.
                if unsafe { libc::kill(self.pid, libc::SIGKILL) } == 0 {
                    self.is_gone(0);
                }
                return;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    fn is_gone(&self, how: i32) -> bool {
        let mut status = 0;
        // SAFETY: only this process; __WALL, as it has no exit signal.
        let code = unsafe { libc::waitpid(self.pid, &mut status, libc::__WALL | how) };
        // A host that waits for everything with __WALL may have been faster.
        code == self.pid || (code < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD))
    }
}

/// Device and inode of a descriptor.
fn identity(fd: &OwnedFd) -> (u64, u64) {
    // SAFETY: room for the answer; a closed descriptor leaves zeroes.
    let stat = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        libc::fstat(fd.as_raw_fd(), &mut stat);
        stat
    };
    (stat.st_dev, stat.st_ino)
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: room for two descriptors, owned here on success.
    unsafe {
        if libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let (near, far) = (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1]));
        Ok((above_stdio(near)?, above_stdio(far)?))
    }
}

/// A host that has closed its standard error would write its messages to whatever has that number.
fn above_stdio(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    // SAFETY: an open descriptor; the copy is owned here.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fresh, nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// What is to be written, as one flat text in pages of its own: the watcher gives back all other memory.
/// Triples of strings: "?" FILE IS begins a setting, "w" or "a" FILE TEXT writes or appends.
struct RestorePlan {
    start: *mut u8,
    length: usize,
}

impl RestorePlan {
    fn new(writes: &[SysfsWrite]) -> io::Result<RestorePlan> {
        let mut flat = Vec::new();
        let mut put = |parts: [&[u8]; 3]| {
            for part in parts {
                flat.extend_from_slice(part);
                flat.push(0);
            }
        };
        for w in writes {
            put([b"?", w.file.as_os_str().as_bytes(), w.is.as_bytes()]);
            for (file, text) in &w.texts {
                // The table of clocks takes commands one by one; other files have one value.
                let how: &[u8] = if w.texts.len() > 1 { b"a" } else { b"w" };
                put([how, file.as_os_str().as_bytes(), text.as_bytes()]);
            }
        }
        let length = flat.len().max(1);
        // SAFETY: fresh pages, checked, large enough for what is copied.
        unsafe {
            let p = libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if p == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let start = p.cast::<u8>();
            std::ptr::copy_nonoverlapping(flat.as_ptr(), start, flat.len());
            Ok(RestorePlan { start, length: flat.len() })
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: mapped above, until dropped.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl Drop for RestorePlan {
    fn drop(&mut self) {
        // SAFETY: mapped with this length.
        unsafe { libc::munmap(self.start.cast(), self.length.max(1)) };
    }
}
