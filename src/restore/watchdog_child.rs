//! The watchdog's own code. No allocation, no lock, no libc function but `syscall`, which the first call binds.

use super::session_claims::SessionClaims;
use super::settle::BySysfs;
use super::store::Impatience;
use super::syscalls::{self, Fd, SyscallIo};
use std::ops::Range;

fn call(number: libc::c_long, arguments: [usize; 4]) -> isize {
    syscalls::call(number, arguments).map_or(-1, |value| value as isize)
}

/// Ends this process at once, without the application's exit handlers.
pub fn exit() -> ! {
    loop {
        call(libc::SYS_exit_group, [0; 4]);
    }
}

/// Waits for the application's death, or for the report that everything is restored.
pub fn watch(claims: &mut SessionClaims, socket: i32, parent: i32, parent_fd: i32, release: bool) -> ! {
    // Out of the application's terminal, process group and folder.
    call(libc::SYS_setsid, [0; 4]);
    call(libc::SYS_chdir, [c"/".as_ptr() as usize, 0, 0, 0]);
    call(libc::SYS_prctl, [libc::PR_SET_NAME as usize, c"zeus_amd-guard".as_ptr() as usize, 0, 0]);
    close_other_fds(socket, parent_fd);
    if release {
        release_memory(claims);
    }
    call(libc::SYS_write, [socket as usize, c"r".as_ptr() as usize, 1, 0]);
    if wait(socket, parent, parent_fd) {
        restore(claims);
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

/// Gives up all claims of the session. A GPU in reset is tried again for a while; what is left then is restored by the next
/// guard of the user.
fn restore(claims: &mut SessionClaims) {
    const ATTEMPTS: usize = 20;
    for attempt in 1..=ATTEMPTS {
        let impatience = if attempt == ATTEMPTS { Impatience::GoOn } else { Impatience::Fail };
        if claims.give_up(0, impatience, true, &mut BySysfs(&SyscallIo)) == Ok(true) {
            break;
        }
        syscalls::pause_ms(250);
    }
}

/// Smaller memory is not worth a system call.
const LARGE: usize = 1 << 20;

/// A copy of an application with 100 GB would keep each page that the application changes from then on. Large anonymous
/// memory is released page by page (it reads as zeros then), shared memory is unmapped; what this code needs stays.
fn release_memory(claims: &SessionClaims) {
    let here = 0_u8;
    // SAFETY: this thread's own errno, only its address.
    let thread = unsafe { libc::__errno_location() } as usize;
    let at = |address: usize| address..address + 1;
    let [own, scratch, memory] = claims.addresses();
    let needed = [at(std::ptr::addr_of!(here) as usize), at(thread), own, scratch, memory];
    // Of a stack and of what a thread has, only one address is known.
    let around = needed.clone().map(|n| n.start.saturating_sub(LARGE)..n.end.saturating_add(LARGE));
    let Ok(maps) = Fd::open(c"/proc/self/maps", libc::O_RDONLY) else { return };
    let mut line = Line::default();
    let mut room = [0_u8; 2048];
    while let Ok(n @ 1..) = maps.read_once(&mut room) {
        for byte in room.get(..n).unwrap_or_default() {
            if *byte != b'\n' {
                line.add(*byte);
                continue;
            }
            let Line { start, end, shared, anonymous, writable, .. } = line;
            line = Line::default();
            if shared && !needed.iter().any(|n| n.start < end && start < n.end) {
                call(libc::SYS_munmap, [start, end - start, 0, 0]);
            } else if anonymous && writable && !shared {
                each_large_part_beside(&around, start..end, |part| {
                    call(libc::SYS_madvise, [part.start, part.len(), libc::MADV_DONTNEED as usize, 0]);
                });
            }
        }
    }
}

/// The kernel shows neighbouring memory as one: what is needed may be at any place in it.
fn each_large_part_beside(needed: &[Range<usize>], memory: Range<usize>, mut each: impl FnMut(Range<usize>)) {
    const ALIGNED: usize = !(LARGE - 1);
    let mut from = memory.start;
    while from < memory.end {
        let next = needed.iter().filter(|n| n.end > from && n.start < memory.end).min_by_key(|n| n.start);
        let to = next.map_or(memory.end, |n| n.start & ALIGNED);
        if to.saturating_sub(from) >= LARGE {
            each(from..to);
        }
        from = next.map_or(memory.end, |n| n.end.saturating_add(LARGE - 1) & ALIGNED);
    }
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
    fn needed_memory_stays() {
        const MB: usize = LARGE;
        let released = |needed: &[(usize, usize)], (start, end): (usize, usize)| {
            let needed: Vec<_> = needed.iter().map(|(start, end)| *start..*end).collect();
            let mut all = Vec::new();
            each_large_part_beside(&needed, start..end, |part| all.push((part.start, part.end)));
            all
        };
        assert_eq!(released(&[], (3, MB + 3)), [(3, MB + 3)]);
        assert_eq!(released(&[], (3, MB + 2)), []);
        assert_eq!(released(&[(9 * MB, 10 * MB)], (0, 8 * MB)), [(0, 8 * MB)], "it is elsewhere");
        assert_eq!(released(&[(4 * MB + 5, 4 * MB + 6)], (0, 8 * MB)), [(0, 4 * MB), (5 * MB, 8 * MB)]);
        let two = [(6 * MB + 1, 7 * MB), (0, MB / 2)];
        assert_eq!(released(&two, (MB / 4, 8 * MB)), [(MB, 6 * MB), (7 * MB, 8 * MB)]);
        assert_eq!(
            released(&[(2 * MB, 4 * MB), (3 * MB, 5 * MB)], (2 * MB, 6 * MB)),
            [(5 * MB, 6 * MB)],
            "they overlap"
        );
        assert_eq!(released(&[(0, 9 * MB)], (MB, 8 * MB)), []);
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
}
