//! What can be planted: in calls of libamd_smi, and in the files of a GPU.

use serde::{Deserialize, Serialize};

use super::Gpu;
use crate::metrics::Blob;

/// What a call answers instead of its result: `7`, or `{ status = 7, after = 3, first = 2, delay_ms = 50 }`; or what a
/// setter does instead of what it is asked for: `{ ignore = true }`, `{ clamp = 600000000 }`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fault {
    Status(u32),
    Detail(FaultDetail),
}

#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct FaultDetail {
    pub status: u32,
    /// Only after this many calls that went well.
    pub after: u64,
    /// Only so many times, then all is well again (0: for ever).
    pub first: u64,
    pub delay_ms: u64,
    /// Busy for so long, as AMD's is with its log text.
    pub delay_us: u64,
    /// Does not return.
    pub hang: bool,
    /// A line on stderr, as the library prints why it fails.
    pub stderr: Option<String>,
    /// SUCCESS, and nothing is done.
    pub ignore: bool,
    /// SUCCESS, and no more than this is set, in the unit of the call.
    pub clamp: Option<u64>,
}

impl Fault {
    pub fn detail(&self) -> FaultDetail {
        match self {
            Fault::Status(status) => FaultDetail { status: *status, ..Default::default() },
            Fault::Detail(d) => d.clone(),
        }
    }
}

/// `{ … }` or a list of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FileFaults {
    One(FileFault),
    Many(Vec<FileFault>),
}

/// What is wrong with a file for a while.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct FileFault {
    /// Opening it gives this error.
    pub open: Option<Errno>,
    /// Reading it does, also through descriptors that are open already.
    pub read: Option<Errno>,
    /// Writing it does.
    pub write: Option<Errno>,
    /// For gpu_metrics.
    pub content: Option<Content>,
    /// One read in so many fails or finds the content so, counted in each process; 0: all do.
    pub every: u64,
    pub from_s: f64,
    /// For ever, if it is not said.
    pub for_s: Option<f64>,
}

/// By its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Errno {
    Eperm,
    Enoent,
    Eintr,
    Eio,
    Eagain,
    Eacces,
    Ebusy,
    Enodev,
    Einval,
    Emfile,
    Etime,
    Eremoteio,
    Eopnotsupp,
}

impl Errno {
    pub fn number(self) -> i32 {
        match self {
            Errno::Eperm => libc::EPERM,
            Errno::Enoent => libc::ENOENT,
            Errno::Eintr => libc::EINTR,
            Errno::Eio => libc::EIO,
            Errno::Eagain => libc::EAGAIN,
            Errno::Eacces => libc::EACCES,
            Errno::Ebusy => libc::EBUSY,
            Errno::Enodev => libc::ENODEV,
            Errno::Einval => libc::EINVAL,
            Errno::Emfile => libc::EMFILE,
            Errno::Etime => libc::ETIME,
            Errno::Eremoteio => libc::EREMOTEIO,
            Errno::Eopnotsupp => libc::EOPNOTSUPP,
        }
    }
}

/// A broken table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing at all.
    Empty,
    /// The first half of it.
    Truncated,
    /// Filled up to 4095 bytes, the most that the kernel gives.
    Oversized,
    /// Every byte 0xFF.
    Ones,
    /// Every byte 0.
    Zeros,
    /// All values, but not the header, are all-ones.
    Unavailable,
    /// Random bytes, others at each refresh.
    Garbage,
    /// The header names a revision that nobody knows.
    Revision,
    /// The header names a size 8 bytes larger than the table is.
    Size,
    /// The header is right, all values are 0 but the driver's time.
    ZeroValues,
    /// The driver's time is an hour ahead.
    TimeAhead,
    /// The power is 60490 W.
    AbsurdPower,
}

const HOUR_NS: u64 = 3_600_000_000_000;

impl Content {
    /// Makes a good table (the first `n` bytes of a page) a broken one, and returns its size.
    pub fn apply(self, page: &mut [u8; 4096], n: usize, blob: &Blob, driver_ns: u64, seed: u64) -> usize {
        match self {
            Content::Empty => return 0,
            Content::Truncated => return n / 2,
            Content::Oversized => {
                page[n..].fill(0x5A);
                return 4095;
            }
            Content::Ones => page[..n].fill(0xFF),
            Content::Zeros => page[..n].fill(0),
            Content::Unavailable => page[4.min(n)..n].fill(0xFF),
            Content::Garbage => {
                for (i, b) in page[..n].iter_mut().enumerate() {
                    *b = crate::power::hash(seed.wrapping_add(i as u64)) as u8;
                }
            }
            Content::Revision => page[2..4].fill(99),
            Content::Size => page[..2].copy_from_slice(&(n as u16 + 8).to_le_bytes()),
            Content::ZeroValues => {
                blob.zero(&mut page[..n]);
                blob.moving().put_driver_time(&mut page[..n], driver_ns);
            }
            Content::TimeAhead => blob.moving().put_driver_time(&mut page[..n], driver_ns + HOUR_NS),
            Content::AbsurdPower => blob.moving().put_power(&mut page[..n], 60490),
        }
        n
    }
}

impl Gpu {
    /// What is wrong with a file at a machine time.
    pub fn file_fault(&self, name: &str, now_ns: u64) -> Option<&FileFault> {
        let all = match self.spec.file.get(name)? {
            FileFaults::One(f) => std::slice::from_ref(f),
            FileFaults::Many(all) => all,
        };
        let t = now_ns as f64 / 1e9;
        all.iter().find(|f| f.from_s <= t && t < f.from_s + f.for_s.unwrap_or(f64::INFINITY))
    }
}
