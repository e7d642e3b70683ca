//! Plain system calls for what the watchdog does too: no allocation, no lock, no libc function but `syscall`, which the
//! first call binds. Errors are errnos.

use crate::control::FileIo;
use std::ffi::CStr;

pub fn call(number: libc::c_long, arguments: [usize; 4]) -> Result<usize, i32> {
    let [a, b, c, d] = arguments;
    // SAFETY: the callers pass what the kernel expects.
    let value = unsafe { libc::syscall(number, a, b, c, d) };
    if value >= 0 {
        return Ok(value as usize);
    }
    // SAFETY: this thread's own errno.
    Err(unsafe { *libc::__errno_location() })
}

/// An open descriptor.
pub struct Fd(usize);

impl Fd {
    pub fn open(path: &CStr, flags: i32) -> Result<Fd, i32> {
        let at = libc::AT_FDCWD as usize;
        let flags = (flags | libc::O_CLOEXEC) as usize;
        call(libc::SYS_openat, [at, path.as_ptr() as usize, flags, 0o600]).map(Fd)
    }

    pub fn read_once(&self, room: &mut [u8]) -> Result<usize, i32> {
        call(libc::SYS_read, [self.0, room.as_mut_ptr() as usize, room.len(), 0])
    }

    /// Reads until the end of the file or of the room.
    pub fn read(&self, room: &mut [u8]) -> Result<usize, i32> {
        full(room.len(), |done| self.read_once(&mut room[done..]))
    }

    pub fn read_at(&self, room: &mut [u8], offset: usize) -> Result<usize, i32> {
        full(room.len(), |done| {
            call(libc::SYS_pread64, [self.0, room[done..].as_mut_ptr() as usize, room.len() - done, offset + done])
        })
    }

    pub fn write(&self, text: &[u8]) -> Result<(), i32> {
        call(libc::SYS_write, [self.0, text.as_ptr() as usize, text.len(), 0]).map(drop)
    }

    pub fn write_at(&self, bytes: &[u8], offset: usize) -> Result<(), i32> {
        let written = full(bytes.len(), |done| {
            call(libc::SYS_pwrite64, [self.0, bytes[done..].as_ptr() as usize, bytes.len() - done, offset + done])
        })?;
        if written == bytes.len() {
            Ok(())
        } else {
            Err(libc::ENOSPC)
        }
    }

    /// Makes sure that later writes there do not lack space.
    pub fn reserve(&self, offset: usize, length: usize) -> Result<(), i32> {
        match call(libc::SYS_fallocate, [self.0, 0, offset, length]) {
            Err(libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
            done => done.map(drop),
        }
    }

    pub fn stat(&self) -> Result<libc::stat, i32> {
        // SAFETY: plain numbers.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        call(libc::SYS_fstat, [self.0, std::ptr::addr_of_mut!(stat) as usize, 0, 0])?;
        Ok(stat)
    }

    /// Takes the lock of the whole file, which the kernel releases when the last process that has this description of the
    /// file closes it. False: another one has it.
    pub fn try_lock(&self) -> Result<bool, i32> {
        // SAFETY: plain numbers; an open file description lock wants l_pid 0.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = libc::F_WRLCK as libc::c_short;
        match call(libc::SYS_fcntl, [self.0, libc::F_OFD_SETLK as usize, std::ptr::addr_of!(lock) as usize, 0]) {
            Ok(_) => Ok(true),
            Err(libc::EAGAIN | libc::EACCES | libc::EINTR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// A child that was forked meanwhile has the description too: closing alone would not release the lock.
    pub fn unlock(&self) {
        // SAFETY: as above.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = libc::F_UNLCK as libc::c_short;
        let _ = call(libc::SYS_fcntl, [self.0, libc::F_OFD_SETLK as usize, std::ptr::addr_of!(lock) as usize, 0]);
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        let _ = call(libc::SYS_close, [self.0, 0, 0, 0]);
    }
}

/// Repeats a call that may do a part only, until it does nothing more.
fn full(length: usize, mut part: impl FnMut(usize) -> Result<usize, i32>) -> Result<usize, i32> {
    let mut done = 0;
    while done < length {
        match part(done) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(libc::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(done)
}

/// How large this process may make a file.
pub fn file_size_limit() -> u64 {
    // SAFETY: plain numbers.
    let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
    let done = call(libc::SYS_prlimit64, [0, libc::RLIMIT_FSIZE as usize, 0, std::ptr::addr_of_mut!(limit) as usize]);
    done.map_or(u64::MAX, |_| limit.rlim_cur)
}

pub fn unlink(path: &CStr) {
    let _ = call(libc::SYS_unlinkat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, 0, 0]);
}

pub fn pause_ms(ms: u64) {
    let pause = libc::timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000) as i64 * 1_000_000 };
    let _ = call(libc::SYS_ppoll, [0, 0, std::ptr::addr_of!(pause) as usize, 0]);
}

/// Files by plain system calls.
pub struct SyscallIo;

impl FileIo for SyscallIo {
    fn read(&self, path: &CStr, room: &mut [u8]) -> Result<usize, i32> {
        Fd::open(path, libc::O_RDONLY)?.read(room)
    }

    fn write(&self, path: &CStr, text: &[u8], append: bool) -> Result<(), i32> {
        let how = if append { libc::O_APPEND } else { libc::O_TRUNC };
        Fd::open(path, libc::O_WRONLY | how)?.write(text)
    }

    /// Longer than asked for: no caller waits for the watchdog, and what it writes may take effect late.
    fn pause_ms(&self, ms: u64) {
        pause_ms(5 * ms);
    }
}
