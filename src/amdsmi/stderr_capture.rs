//! Captures what libamd_smi prints to standard error during its initialisation.
//!
//! Redirecting the descriptor would also redirect the application's other threads. A seccomp filter applies to one thread:
//! the kernel passes writes of the initialising thread to descriptor 2 to a listener, which reports success and keeps the
//! text for the log. Linux has such listeners since 5.0; before 5.9 one does not report that its last thread has ended, and
//! each open would leave a thread and a descriptor behind. There nothing is captured, and the library prints. Standard output
//! is not captured: with AMDSMI_INIT_AMD_GPUS alone libamd_smi does not use it, and its buffer may hold output of the
//! application.

use crate::platform::sync::Mutex;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;

/// The captured text.
pub type CapturedText = Arc<Mutex<String>>;

const MAX_BYTES: usize = 4096;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH: u32 = 0;

/// Redirects writes to descriptor 2 by the calling thread, and by threads that it starts, to the returned listener.
/// `None` if the kernel does not support it, or would keep the listener for ever.
pub fn install_filter() -> Option<OwnedFd> {
    if !listeners_end(&kernel_release()) {
        return None;
    }
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
    // SAFETY: a valid program. A filter needs no_new_privs, which applies to this thread only.
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
    // SAFETY: a new descriptor with no other owner.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Whether the kernel of this release reports to a listener that its last thread has ended: POLLHUP, since Linux 5.9 (commit
/// 99cdb8b9a573, "seccomp: notify about unused filter").
fn listeners_end(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
    numbers.next().zip(numbers.next()) >= Some((5, 9))
}

/// As `uname -r` has it; empty if the kernel gives none.
fn kernel_release() -> String {
    // SAFETY: `uname` fills a zeroed struct of its layout with terminated texts, and an empty one is such a text.
    unsafe {
        let mut names: libc::utsname = std::mem::zeroed();
        libc::uname(&mut names);
        CStr::from_ptr(names.release.as_ptr()).to_string_lossy().into_owned()
    }
}

/// Answers until the last thread with the filter has ended. Must run on a thread without the filter.
pub fn run_listener(listener: &OwnedFd, captured: &CapturedText) {
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
        // SAFETY: zeroed, as the kernel requires, and of the kernel's layout.
        unsafe {
            let mut request: libc::seccomp_notif = std::mem::zeroed();
            if libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &mut request) != 0 {
                continue;
            }
            let mut response: libc::seccomp_notif_resp = std::mem::zeroed();
            response.id = request.id;
            match written_text(&request) {
                Some((length, text)) => {
                    response.val = length as i64;
                    append(captured, &text);
                }
                // Another process, or unreadable memory: the kernel performs the write.
                None => response.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
            }
            // Fails only if the thread does not wait any more.
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &response);
        }
    }
}

fn append(captured: &CapturedText, text: &[u8]) {
    let mut captured = captured.lock();
    let room = MAX_BYTES.saturating_sub(captured.len());
    captured.push_str(&String::from_utf8_lossy(&text[..text.len().min(room)]));
}

/// The number of bytes that the thread writes, and the first of them.
fn written_text(request: &libc::seccomp_notif) -> Option<(usize, Vec<u8>)> {
    // SAFETY: sends no signal; asks whether this process has that thread, also without /proc.
    if unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), request.pid, 0) } != 0 {
        return None;
    }
    let (address, count) = (request.data.args[1] as usize, request.data.args[2] as usize);
    if i64::from(request.data.nr) == libc::SYS_write {
        return Some((count, read_own_memory(address, count.min(MAX_BYTES))?));
    }
    const IOVEC_SIZE: usize = std::mem::size_of::<libc::iovec>();
    let (mut total, mut text) = (0_usize, Vec::new());
    for i in 0..count.min(libc::UIO_MAXIOV as usize) {
        let iovec = read_own_memory(address + i * IOVEC_SIZE, IOVEC_SIZE)?;
        let word = |at: usize| usize::from_ne_bytes(iovec[at..at + 8].try_into().unwrap_or_default());
        let (base, length) = (word(0), word(8));
        text.extend(read_own_memory(base, length.min(MAX_BYTES))?);
        total += length;
    }
    Some((total, text))
}

/// Reads memory of this process. An invalid address is an error, not a crash.
fn read_own_memory(address: usize, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0_u8; length];
    let to = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: length };
    let from = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: length };
    // SAFETY: the kernel checks the source; the destination is `length` bytes.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &to, 1, &from, 1, 0) };
    (read == length as isize).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_whose_listeners_end() {
        for release in ["5.9.0", "5.9.0-rc1", "5.10.0-28-amd64", "5.14.0-427.el9.x86_64", "6.1", "7.0.0-14-generic"] {
            assert!(listeners_end(release), "{release}");
        }
        let others = ["5.8.18", "5.4.0-150-generic", "5.3.18-150300.59.43-default", "4.18.0-553.el8", "2.6.78"];
        for release in others.into_iter().chain(["", "6", "six.one", "-5.9", ".9.1", "99999999999.9"]) {
            assert!(!listeners_end(release), "{release}");
        }
        assert!(kernel_release().contains('.'), "{}", kernel_release());
    }
}
