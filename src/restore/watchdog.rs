//! A small process that restores settings if its parent dies.
//!
//! It is a clone without an exit signal: the application gets no SIGCHLD for it, and no wait() of the application sees
//! it. Between the clone and its end it makes plain system calls and nothing else: another thread of the application may
//! have held any lock.

use super::session_claims::SessionClaims;
use super::watchdog_child;
use crate::platform::broken::contain;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// The application's side of a watchdog.
pub struct Watchdog {
    pid: i32,
    /// Closed by the death of the application; one byte reports that everything is restored.
    socket: OwnedFd,
    /// Which socket it was: an application that closes all descriptors may have reused its number.
    identity: (u64, u64),
}

/// How long to wait for a watchdog that ends. It writes a few small files at most.
const TIMEOUT: Duration = Duration::from_secs(1);

impl Watchdog {
    pub fn start(claims: &mut SessionClaims) -> io::Result<Watchdog> {
        // Under valgrind and similar tools the tool's own memory would be released, too.
        Self::try_start(claims, true).or_else(|_| Self::try_start(claims, false))
    }

    fn try_start(claims: &mut SessionClaims, release: bool) -> io::Result<Watchdog> {
        let (socket, far) = pair()?;
        // SAFETY: asks for a descriptor of this process, checked below.
        let (parent, raw_parent_fd) = unsafe {
            let pid = libc::getpid();
            (pid, libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32)
        };
        // SAFETY: a new descriptor. Where the kernel has none (before 5.3) the watchdog polls its parent's pid instead.
        let parent_fd = (raw_parent_fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(raw_parent_fd) });
        // SAFETY: local sets of signals; the clone runs `watch` and never returns here.
        let pid = unsafe {
            let (mut all, mut old) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old);
            let pid = libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) as i32;
            if pid == 0 {
                let body = || watchdog_child::watch(claims, far.as_raw_fd(), parent, raw_parent_fd, release);
                // A copy of the application must never run on as the application.
                contain(body);
                watchdog_child::exit();
            }
            let failed = io::Error::last_os_error();
            libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut());
            if pid < 0 {
                return Err(failed);
            }
            pid
        };
        // Only the watchdog keeps the far end: its death closes the connection.
        drop((parent_fd, far));
        let identity = identity(&socket);
        let watchdog = Watchdog { pid, socket, identity };
        if watchdog.is_ready() {
            return Ok(watchdog);
        }
        watchdog.end();
        Err(io::Error::other("it ended before it began"))
    }

    /// Waits for its first byte: from then on signals that end the application do not reach it.
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

    /// Ends it: everything is restored.
    pub fn end(self) {
        if identity(&self.socket) != self.identity {
            // The application has closed the socket, which the watchdog took for the application's death.
            self.is_gone(libc::WNOHANG);
            let _ = self.socket.into_raw_fd();
            return;
        }
        // A socket and not a pipe: writing to a pipe without a reader would send the application a signal.
        // SAFETY: one byte, from a static.
        unsafe { libc::send(self.socket.as_raw_fd(), b"e".as_ptr().cast(), 1, libc::MSG_NOSIGNAL) };
        // SAFETY: an open socket. Closing is not enough: a forked child of the application has it, too.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
        let until = Instant::now() + TIMEOUT;
        let mut pause = Duration::from_micros(50);
        while !self.is_gone(libc::WNOHANG) {
            if Instant::now() > until {
                // SAFETY: it has not been waited for, so the pid is still its own.
                if unsafe { libc::kill(self.pid, libc::SIGKILL) } == 0 {
                    self.is_gone(0);
                }
                return;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        identity(&self.socket) == self.identity && !self.is_gone(libc::WNOHANG)
    }

    fn is_gone(&self, how: i32) -> bool {
        let mut status = 0;
        // SAFETY: only this process; __WALL, as it has no exit signal.
        let code = unsafe { libc::waitpid(self.pid, &mut status, libc::__WALL | how) };
        // An application that waits for all children with __WALL may have been faster.
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

/// An application that has closed its standard error writes its messages to whatever has that number.
fn above_stdio(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    // SAFETY: an open descriptor; the copy is owned here.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
