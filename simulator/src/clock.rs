//! The machine's clock: a small shared file by which runner, simulated libraries and tests agree on time.
//!
//! Machine time is CLOCK_BOOTTIME minus the moment the machine started. While the clock is held the files of the tree do
//! not move, so that two programs that ask one after the other read the same counters; when it runs again they show the
//! energy of the whole time, as after one long refresh.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::io::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

const MAGIC: u64 = u64::from_le_bytes(*b"zamdsim1");
const COUNTERS: usize = 256;
const GPUS: usize = 64;

#[repr(C)]
struct Shared {
    magic: AtomicU64,
    epoch_ns: AtomicU64,
    hold: AtomicU32,
    held: AtomicU32,
    held_ns: AtomicU64,
    beat_ns: AtomicU64,
    calls: [AtomicU64; COUNTERS],
    /// Error that reading a GPU's moving files gives at the moment.
    broken: [AtomicU32; GPUS],
    /// How often a program opened or read a file of a GPU that asks the hardware.
    touched: [AtomicU64; GPUS],
    /// Machine time at which a suspended GPU resumed, 0 before.
    resumed_ns: [AtomicU64; GPUS],
}

/// Values of `held`.
const RUNS: u32 = 0;
/// Time goes on up to `held_ns` and no further.
const STOPPING: u32 = 1;
const STANDS: u32 = 2;

/// The open state file of a machine.
pub struct State {
    shared: *const Shared,
}

// The mapping lives as long as the process and holds atomics only.
unsafe impl Send for State {}
unsafe impl Sync for State {}

/// CLOCK_BOOTTIME in nanoseconds.
pub fn boottime_ns() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a plain system call that fills ts.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

impl State {
    /// Makes the file; the machine starts now.
    pub fn create(dir: &Path) -> Result<State, String> {
        let state = State::map(dir, true)?;
        state.s().epoch_ns.store(boottime_ns(), SeqCst);
        state.s().magic.store(MAGIC, SeqCst);
        Ok(state)
    }

    pub fn open(dir: &Path) -> Result<State, String> {
        let state = State::map(dir, false)?;
        if state.s().magic.load(SeqCst) != MAGIC {
            return Err(format!("{}: not the directory of a simulated machine", dir.display()));
        }
        Ok(state)
    }

    fn map(dir: &Path, create: bool) -> Result<State, String> {
        let path = dir.join("state");
        let size = std::mem::size_of::<Shared>();
        let fail = |e: std::io::Error| format!("{}: {e}", path.display());
        // Every process of the machine counts its calls here, whatever user it runs as.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .mode(0o666)
            .open(&path)
            .map_err(fail)?;
        if create {
            file.set_len(size as u64).map_err(fail)?;
        } else if file.metadata().map_err(fail)?.len() < size as u64 {
            return Err(format!("{}: too short", path.display()));
        }
        // SAFETY: maps `size` bytes of a file that has them; the mapping is never removed.
        let p = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if p == libc::MAP_FAILED {
            return Err(fail(std::io::Error::last_os_error()));
        }
        Ok(State { shared: p.cast() })
    }

    fn s(&self) -> &Shared {
        // SAFETY: the mapping is as large as Shared and stays.
        unsafe { &*self.shared }
    }

    pub fn epoch_ns(&self) -> u64 {
        self.s().epoch_ns.load(SeqCst)
    }

    /// Nanoseconds since machine start; stands still while the clock is held.
    pub fn now_ns(&self) -> u64 {
        let now = boottime_ns().saturating_sub(self.epoch_ns());
        match self.s().held.load(SeqCst) {
            RUNS => now,
            _ => now.min(self.s().held_ns.load(SeqCst)),
        }
    }

    /// Stops the clock, and returns the time at which it stands.
    pub fn stop(&self) -> Result<u64, String> {
        self.s().hold.store(1, SeqCst);
        self.wait_for(STANDS)?;
        Ok(self.s().held_ns.load(SeqCst))
    }

    pub fn start(&self) -> Result<(), String> {
        self.s().hold.store(0, SeqCst);
        self.wait_for(RUNS)
    }

    /// Moves the clock that stands to another time of the machine, from which it will go on: what is planted at a time need not
    /// be waited for, nor is it missed. Times that were read before belong to another CLOCK_BOOTTIME now.
    pub fn move_to(&self, ns: u64) {
        assert!(self.is_stopped(), "only a clock that stands is moved");
        self.s().epoch_ns.store(boottime_ns() - ns, SeqCst);
        self.s().held_ns.store(ns, SeqCst);
    }

    pub fn is_stopped(&self) -> bool {
        self.s().held.load(SeqCst) == STANDS
    }

    fn wait_for(&self, held: u32) -> Result<(), String> {
        let until = Instant::now() + Duration::from_secs(10);
        while self.s().held.load(SeqCst) != held {
            if Instant::now() > until {
                return Err("nothing keeps this machine's clock: has its runner ended?".to_string());
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        Ok(())
    }

    /// For the refresher: whether somebody wants the clock to stand.
    pub(crate) fn stop_wanted(&self) -> bool {
        self.s().hold.load(SeqCst) != 0
    }

    /// Stops the clock in two steps, so that no reader sees it go back: it is told where to stop, and has got there.
    pub(crate) fn halt(&self) {
        let at = boottime_ns() - self.epoch_ns() + 200_000;
        self.s().held_ns.store(at, SeqCst);
        self.s().held.store(STOPPING, SeqCst);
        while boottime_ns() - self.epoch_ns() < at {
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    pub(crate) fn set_held(&self, held: bool) {
        self.s().held.store(if held { STANDS } else { RUNS }, SeqCst);
    }

    /// What reading a GPU's moving files gives; 0 is well.
    pub(crate) fn broken(&self, gpu: usize) -> i32 {
        self.s().broken.get(gpu).map_or(0, |b| b.load(SeqCst) as i32)
    }

    pub(crate) fn set_broken(&self, gpu: usize, errno: i32) {
        if let Some(b) = self.s().broken.get(gpu) {
            b.store(errno as u32, SeqCst);
        }
    }

    pub(crate) fn touch(&self, gpu: usize) {
        if let Some(t) = self.s().touched.get(gpu) {
            t.fetch_add(1, SeqCst);
        }
    }

    /// How often programs opened or read files of a GPU that ask the hardware (with the preloaded library, and by libamd_smi).
    pub fn touched(&self, gpu: usize) -> u64 {
        self.s().touched.get(gpu).map_or(0, |t| t.load(SeqCst))
    }

    pub(crate) fn resume(&self, gpu: usize) {
        if let Some(r) = self.s().resumed_ns.get(gpu) {
            let _ = r.compare_exchange(0, self.now_ns().max(1), SeqCst, SeqCst);
        }
    }

    /// Machine time at which a suspended GPU resumed.
    pub fn resumed_ns(&self, gpu: usize) -> Option<u64> {
        self.s().resumed_ns.get(gpu).map(|r| r.load(SeqCst)).filter(|ns| *ns > 0)
    }

    pub(crate) fn beat(&self, ns: u64) {
        self.s().beat_ns.store(ns, SeqCst);
    }

    pub(crate) fn count(&self, function: usize) {
        self.s().calls[function % COUNTERS].fetch_add(1, SeqCst);
    }

    pub(crate) fn calls(&self, function: usize) -> u64 {
        self.s().calls[function % COUNTERS].load(SeqCst)
    }
}
