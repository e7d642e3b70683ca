//! `gpu_metrics` of one GPU: the open file and its reads.

use super::bytes::PAGE;
use super::fast_path::{FastLayout, FastReading};
use super::table::{layout_of, Table};
use super::v1_9::AttributeFingerprint;
use crate::sysfs::error::SysfsError;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The `gpu_metrics` file, open while the GPU is measured.
#[derive(Debug)]
pub struct MetricsFile {
    file: File,
    path: PathBuf,
    /// The first table's attributes, if it is self-describing: a table with the same ones needs no parsing.
    fingerprint: Option<AttributeFingerprint>,
    /// The offsets of the most frequent values in tables like the first one.
    fast: Option<FastLayout>,
    /// Two consecutive tables had no energy count although the revision has one.
    lacks_energy: AtomicBool,
}

impl MetricsFile {
    /// Opens the file and reads it once. Errors of that read show in the first reading.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut opened = MetricsFile {
            file: File::open(path)?,
            path: path.to_owned(),
            fingerprint: None,
            fast: None,
            lacks_energy: AtomicBool::new(false),
        };
        let (mut page, mut parsed) = (MaybeUninit::uninit(), None);
        if let Ok(bytes) = opened.read_into(&mut page) {
            let fast = layout_of(bytes, &mut parsed).ok().and_then(|layout| FastLayout::of(layout, bytes));
            (opened.fingerprint, opened.fast) = (AttributeFingerprint::of(bytes), fast);
        }
        Ok(opened)
    }

    /// Opens the file that a GPU has after it was unbound and bound again. The new file replaces the old one under the same
    /// descriptor, because other threads may be reading from it.
    fn reopen(&self) -> bool {
        let Ok(fresh) = File::open(&self.path) else { return false };
        // SAFETY: both descriptors are open during the call.
        let is_new = unsafe { libc::dup3(fresh.as_raw_fd(), self.file.as_raw_fd(), libc::O_CLOEXEC) >= 0 };
        self.lacks_energy.fetch_and(!is_new, Ordering::Relaxed);
        is_new
    }

    /// The most frequent values, on the fast path. `None` if the table differs from the first one or a value is missing:
    /// the slow path reports why.
    #[inline]
    pub fn fast_reading(&self) -> Option<FastReading> {
        self.read_fast(FastLayout::reading)
    }

    /// Count and driver's time, on the fast path.
    #[inline]
    pub fn energy_and_time(&self) -> Option<(u64, u64)> {
        self.read_fast(FastLayout::energy)
    }

    #[inline(always)]
    fn read_fast<T>(&self, take: impl Fn(&FastLayout, &[u8]) -> Option<T>) -> Option<T> {
        let fast = self.fast.as_ref()?;
        let mut page = MaybeUninit::uninit();
        let bytes = self.read_into(&mut page).ok()?;
        if self.fingerprint.as_ref().is_some_and(|fingerprint| !fingerprint.matches(bytes)) {
            return None;
        }
        take(fast, bytes)
    }

    /// Applies `take` to the current table. The driver copies the table without a lock, so a read may return one that is
    /// being refilled. A malformed table, and one without its energy count, is therefore read once more.
    #[inline]
    pub fn read_with<T>(&self, take: impl Fn(&Table) -> T) -> Result<T, SysfsError> {
        let take = |table: &Table| (table.lacks_energy(), take(table));
        match self.read_once(take) {
            Ok((false, value)) => Ok(value),
            Ok((true, value)) if self.lacks_energy.load(Ordering::Relaxed) => Ok(value),
            Err(e) if !matches!(e, SysfsError::Table(_)) => Err(e),
            _ => self.retry(take),
        }
    }

    #[cold]
    #[inline(never)]
    fn retry<T>(&self, take: impl Fn(&Table) -> (bool, T)) -> Result<T, SysfsError> {
        let (lacks_energy, value) = self.read_once(take)?;
        // Twice in a row: a property of this GPU.
        self.lacks_energy.fetch_or(lacks_energy, Ordering::Relaxed);
        Ok(value)
    }

    #[inline]
    fn read_once<T>(&self, take: impl Fn(&Table) -> T) -> Result<T, SysfsError> {
        let (mut page, mut parsed) = (MaybeUninit::uninit(), None);
        let bytes = self.read_into(&mut page)?;
        let layout = match &self.fingerprint {
            Some(fingerprint) if fingerprint.matches(bytes) => &fingerprint.layout,
            _ => match layout_of(bytes, &mut parsed) {
                Ok(layout) => layout,
                Err(e) => return Err(SysfsError::Table(e)),
            },
        };
        Ok(take(&Table::new(bytes, layout)))
    }

    /// One pread of a whole page, without allocation. The kernel refills the table at each read, so a split read would mix
    /// two samples.
    #[inline]
    fn read_into<'a>(&self, page: &'a mut MaybeUninit<[u8; PAGE]>) -> Result<&'a [u8], SysfsError> {
        let read = match usize::try_from(self.pread(page)) {
            Ok(read) => read,
            Err(_) => self.retry_read(page)?,
        };
        if read == 0 {
            return Err(SysfsError::Empty);
        }
        // SAFETY: the kernel has written this many bytes.
        Ok(unsafe { std::slice::from_raw_parts(page.as_ptr().cast(), read) })
    }

    #[inline(always)]
    fn pread(&self, page: &mut MaybeUninit<[u8; PAGE]>) -> isize {
        // SAFETY: the kernel writes at most PAGE bytes into the page.
        unsafe { libc::pread(self.file.as_raw_fd(), page.as_mut_ptr().cast(), PAGE, 0) }
    }

    /// Reads again after a read that failed.
    #[cold]
    fn retry_read(&self, page: &mut MaybeUninit<[u8; PAGE]>) -> Result<usize, SysfsError> {
        // Limited, because a timer signal of the application may interrupt every call.
        const MAX_INTERRUPTIONS: u32 = 10;
        let (mut interruptions, mut reopened) = (0, false);
        loop {
            match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::Interrupted && interruptions < MAX_INTERRUPTIONS => interruptions += 1,
                e if e.raw_os_error() == Some(libc::ENODEV) && !reopened && self.reopen() => reopened = true,
                e => return Err(e.into()),
            }
            if let Ok(read) = usize::try_from(self.pread(page)) {
                return Ok(read);
            }
        }
    }
}
