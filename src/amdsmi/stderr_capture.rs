//! Keeps what libamd_smi prints while it initialises off the host's standard error.
//!
//! Redirecting the descriptor would take the lines of every other thread along. A seccomp filter belongs to one
//! thread: writes of the initialising thread to descriptor 2 come to a listener here instead, which answers that all
//! was written and keeps the text for the log. Where the kernel has no such listener (before Linux 5.0), the library
//! prints as it always did. Standard output is left alone: with the GPU flag alone nothing goes there, and its
//! buffer may hold lines of the host.

use crate::platform::sync::Mutex;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

/// What was kept back so far.
pub type CapturedText = Arc<Mutex<String>>;

const MAX_BYTES: usize = 4096;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH: u32 = 0;

/// Writes of the calling thread, and of threads it starts, to descriptor 2 go to the listener from now on.
/// `None` where the kernel cannot do that.
pub fn install_filter() -> Option<OwnedFd> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let op = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let (number, arch, first_argument) = (0, 4, 16);
    let mut program = [
        op(LOAD, arch, 0, 0),
        op(EQUAL, ARCH, 0, 6),
        op(LOAD, number, 0, 0),
        op(EQUAL, libc::SYS_write as u32, 1, 0),
        op(EQUAL, libc::SYS_writev as u32, 0, 3),
        op(LOAD, first_argument, 0, 0),
        op(EQUAL, 2, 0, 1),
        op(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0),
        op(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: a valid program; no_new_privs, which a filter needs, is the thread's own too.
    let fd = unsafe {
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 {
            return None;
        }
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            std::ptr::from_ref(&program),
        )
    };
    // SAFETY: a fresh descriptor that nobody else has.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Answers until the last thread under the filter is gone. Runs on a thread that is not under it.
pub fn run_listener(listener: &OwnedFd, kept: &CapturedText) {
    loop {
        let mut poll = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd.
        let ready = unsafe { libc::poll(&mut poll, 1, -1) };
        if ready < 0 && std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted {
            continue;
        }
        if ready < 0 || poll.revents & libc::POLLIN == 0 {
            return;
        }
        // SAFETY: zeroed, as the kernel demands, and of the kernel's layout.
        unsafe {
            let mut asked: libc::seccomp_notif = std::mem::zeroed();
            if libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &mut asked) != 0 {
                continue;
            }
            let mut answer: libc::seccomp_notif_resp = std::mem::zeroed();
            answer.id = asked.id;
            match text(&asked) {
                Some((length, text)) => {
                    answer.val = length as i64;
                    keep(kept, &text);
                }
                // Another process, or not readable: the kernel does it itself.
                None => answer.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
            }
            if libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 {
                // Before Linux 5.5 it cannot; nobody may be left waiting for the answer.
                (answer.flags, answer.val) = (0, asked.data.args[2] as i64);
                libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &answer);
            }
        }
    }
}

fn keep(kept: &CapturedText, text: &[u8]) {
    let mut kept = kept.lock();
    let room = MAX_BYTES.saturating_sub(kept.len());
    kept.push_str(&String::from_utf8_lossy(&text[..text.len().min(room)]));
}

/// How much the thread wants to write, and the beginning of it.
fn text(asked: &libc::seccomp_notif) -> Option<(usize, Vec<u8>)> {
    let own = std::path::Path::new("/proc/self/task").join(asked.pid.to_string());
    if !own.exists() {
        return None;
    }
    let (address, count) = (asked.data.args[1] as usize, asked.data.args[2] as usize);
    if i64::from(asked.data.nr) == libc::SYS_write {
        return Some((count, read_own_memory(address, count.min(MAX_BYTES))?));
    }
    let mut all = (0_usize, Vec::new());
    for i in 0..count.min(libc::UIO_MAXIOV as usize) {
        let piece = read_own_memory(address + i * 16, 16)?;
        let word = |at: usize| usize::from_ne_bytes(piece[at..at + 8].try_into().unwrap_or_default());
        let length = word(8);
        all.1.extend(read_own_memory(word(0), length.min(MAX_BYTES))?);
        all.0 += length;
    }
    Some(all)
}

/// Memory of this process, read so that a bad address is an error and not a crash.
fn read_own_memory(address: usize, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; length];
    let to = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: length };
    let from = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: length };
    // SAFETY: the kernel checks the source; the destination is `length` bytes.
    let n = unsafe { libc::process_vm_readv(libc::getpid(), &to, 1, &from, 1, 0) };
    (n == length as isize).then_some(bytes)
}
