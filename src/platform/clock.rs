//! Clocks.

/// `CLOCK_MONOTONIC` in nanoseconds: for ages and durations inside this process.
#[must_use]
pub fn monotonic_ns() -> u64 {
    now_ns(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_BOOTTIME` in nanoseconds, which the driver stamps its table with.
#[must_use]
pub fn boot_ns() -> u64 {
    now_ns(libc::CLOCK_BOOTTIME)
}

/// As [`monotonic_ns`], some milliseconds behind and a fifth of the price: for whether something is a quarter of a second
/// old. It stands while the machine sleeps, which is no age.
#[must_use]
#[inline]
pub fn coarse_ns() -> u64 {
    now_ns(libc::CLOCK_MONOTONIC_COARSE)
}

fn now_ns(clock: libc::clockid_t) -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is a valid timespec; both clocks exist on every Linux that has amdgpu.
    unsafe { libc::clock_gettime(clock, &mut t) };
    (t.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(t.tv_nsec as u64)
}
