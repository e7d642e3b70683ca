//! The kernel's `gpu_metrics`: a binary file that one read returns whole. It is what libamd_smi reads and formats.

mod fast_path;
mod revisions;
mod v1_9;

use crate::gpu::present_count;
use crate::sysfs::SysfsError;
use fast_path::FastLayout;
use revisions::{Field, Layout};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;
use v1_9::AttributeFingerprint;

pub use fast_path::FastReading;

/// The kernel gives one page at most, and keeps a byte of it for itself.
const PAGE: usize = 4096;

/// Graphics clocks in one table.
pub const CLOCKS: usize = 8;

/// What is wrong with a table. None of it is guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableError {
    #[error("gpu_metrics has {read} bytes, too few for its header")]
    Truncated { read: usize },
    #[error("gpu_metrics has {read} bytes and says that it has {said}")]
    Size { said: u16, read: usize },
    #[error("gpu_metrics {major}.{minor} has {read} bytes, where that revision has {known}; a driver from outside the kernel may have another layout")]
    Layout { major: u8, minor: u8, read: usize, known: u16 },
    #[error("gpu_metrics has revision {major}.{minor}, which is not known here; use a newer zeus_amd")]
    Revision { major: u8, minor: u8 },
    #[error("gpu_metrics 1.9 is malformed: {0}")]
    Attributes(&'static str),
}

/// All of a table; absent is what the revision does not have, or the driver did not fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Major and minor.
    pub revision: (u8, u8),
    /// Counts of (nominally) 2^-16 J. On a second die it is 0; that is not for the table to judge.
    pub energy: Option<u64>,
    /// Bits of the counter's field: 32, 64, or 0 without one. MI100 and Navi count 32 bits in a field of 64.
    pub energy_bits: u8,
    /// `CLOCK_BOOTTIME` when the driver filled the table.
    pub driver_time_ns: Option<u64>,
    /// The firmware's own clock at the sample, counted in 10 ns.
    pub firmware_time_ns: Option<u64>,
    pub average_power_mw: Option<u32>,
    pub current_power_mw: Option<u32>,
    pub edge_c: Option<i32>,
    pub hotspot_c: Option<i32>,
    pub memory_c: Option<i32>,
    pub vrsoc_c: Option<i32>,
    /// One for each compute die.
    pub graphics_mhz: [Option<u32>; CLOCKS],
    pub graphics_average_mhz: Option<u32>,
    pub memory_mhz: Option<u32>,
    pub memory_average_mhz: Option<u32>,
    /// Rounded down.
    pub graphics_activity_percent: Option<u32>,
    pub memory_activity_percent: Option<u32>,
    /// Bits whose meaning differs from chip to chip.
    pub throttle_status: Option<u32>,
    /// Bits that mean the same on every chip.
    pub throttle_independent: Option<u64>,
    /// The firmware's cycles so far.
    pub accumulations: Option<u64>,
}

/// Checks a table and takes all of it.
pub fn parse(bytes: &[u8]) -> Result<Metrics, TableError> {
    let mut found = None;
    let layout = layout_of(bytes, &mut found)?;
    Ok(Table { bytes, layout }.metrics())
}

/// A table whose header and structure are right. A value is looked up when it is asked for: a reading of energy pays for
/// energy and time alone.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
}

/// The layout of a table, if these bytes are one; `found` keeps one that is not known beforehand.
#[inline(always)]
fn layout_of<'a>(bytes: &[u8], found: &'a mut Option<Layout>) -> Result<&'a Layout, TableError> {
    let read = bytes.len();
    let Some([s0, s1, major, minor]) = at(bytes, 0) else { return Err(TableError::Truncated { read }) };
    let said = u16::from_le_bytes([s0, s1]);
    if usize::from(said) != read || read >= PAGE {
        return Err(TableError::Size { said, read });
    }
    if (major, minor) == (1, 9) {
        return Ok(found.insert(v1_9::layout(bytes)?));
    }
    let layout = revisions::of((major, minor)).ok_or(TableError::Revision { major, minor })?;
    if layout.size != said {
        return Err(TableError::Layout { major, minor, read, known: layout.size });
    }
    Ok(layout)
}

/// `N` bytes of a table from `offset`.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

impl Table<'_> {
    /// Major and minor.
    #[must_use]
    pub fn revision(&self) -> (u8, u8) {
        (self.bytes[2], self.bytes[3])
    }

    /// A value as its bits stand there; all ones is what the driver puts into every place before it fills some.
    #[inline]
    fn bits(&self, place: Field, index: usize) -> Option<u64> {
        if index >= usize::from(place.count) {
            return None;
        }
        let offset = usize::from(place.at) + index * place.bytes();
        match place.bytes() {
            1 => at(self.bytes, offset).map(u8::from_le_bytes).filter(|v| *v != u8::MAX).map(u64::from),
            2 => at(self.bytes, offset).map(u16::from_le_bytes).filter(|v| *v != u16::MAX).map(u64::from),
            4 => at(self.bytes, offset).map(u32::from_le_bytes).filter(|v| *v != u32::MAX).map(u64::from),
            _ => at(self.bytes, offset).map(u64::from_le_bytes).filter(|v| *v != u64::MAX),
        }
    }

    /// A number that cannot be negative.
    #[inline]
    fn number(&self, place: Field) -> Option<u64> {
        self.number_at(place, 0)
    }

    #[inline]
    fn number_at(&self, place: Field, index: usize) -> Option<u64> {
        let bits = self.bits(place, index)?;
        let negative = place.signed() && bits >> (8 * place.bytes() - 1) != 0;
        (!negative).then_some(bits)
    }

    fn small(&self, place: Field) -> Option<u32> {
        u32::try_from(self.number(place)?).ok()
    }

    fn celsius(&self, place: Field) -> Option<i32> {
        let bits = self.bits(place, 0)?;
        let unused = 64 - 8 * place.bytes();
        let value = if place.signed() { (bits << unused) as i64 >> unused } else { i64::try_from(bits).ok()? };
        i32::try_from(value).ok()
    }

    fn percent(&self, place: Field) -> Option<u32> {
        Some(self.small(place)? / u32::from(self.layout.activity_per_percent))
    }

    fn power_mw(&self, place: Field) -> Option<u32> {
        self.small(place)?.checked_mul(u32::from(self.layout.power_mw))
    }

    /// Nobody fills a table when a clock stands at 0: then the driver did not ask it.
    #[inline]
    fn time(&self, place: Field) -> Option<u64> {
        self.number(place).filter(|t| *t != 0)
    }

    #[inline(always)]
    #[must_use]
    pub fn energy(&self) -> Option<u64> {
        self.number(self.layout.energy).and_then(present_count)
    }

    /// There is a place for a count, and none in it.
    #[inline]
    fn lacks_energy(&self) -> bool {
        self.layout.energy.is_there() && self.energy().is_none()
    }

    #[inline(always)]
    #[must_use]
    pub fn driver_time_ns(&self) -> Option<u64> {
        self.time(self.layout.driver_time_ns)
    }

    #[inline(always)]
    #[must_use]
    pub fn firmware_time_ns(&self) -> Option<u64> {
        self.time(self.layout.firmware_time_10ns)?.checked_mul(10)
    }

    #[inline]
    #[must_use]
    pub fn average_power_mw(&self) -> Option<u32> {
        self.power_mw(self.layout.average_power)
    }

    #[inline]
    #[must_use]
    pub fn current_power_mw(&self) -> Option<u32> {
        self.power_mw(self.layout.current_power)
    }

    #[inline]
    #[must_use]
    pub fn hotspot_c(&self) -> Option<i32> {
        self.celsius(self.layout.hotspot_c)
    }

    /// All of it.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let l = self.layout;
        let throttle = self.small(l.throttle).filter(|t| *t != 0 || !l.zero_throttle_is_missing);
        let clock = |i| u32::try_from(self.number_at(l.graphics_mhz, i)?).ok();
        Metrics {
            revision: self.revision(),
            energy: self.energy(),
            energy_bits: if l.energy.is_there() { 8 * l.energy.bytes() as u8 } else { 0 },
            driver_time_ns: self.driver_time_ns(),
            firmware_time_ns: self.firmware_time_ns(),
            average_power_mw: self.average_power_mw(),
            current_power_mw: self.current_power_mw(),
            edge_c: self.celsius(l.edge_c),
            hotspot_c: self.hotspot_c(),
            memory_c: self.celsius(l.memory_c),
            vrsoc_c: self.celsius(l.vrsoc_c),
            graphics_mhz: std::array::from_fn(clock),
            graphics_average_mhz: self.small(l.graphics_average_mhz),
            memory_mhz: self.small(l.memory_mhz),
            memory_average_mhz: self.small(l.memory_average_mhz),
            graphics_activity_percent: self.percent(l.graphics_activity),
            memory_activity_percent: self.percent(l.memory_activity),
            throttle_status: throttle,
            throttle_independent: self.number(l.throttle_independent),
            accumulations: self.number(l.accumulations),
        }
    }
}

/// The file of one GPU, open for as long as the GPU is measured.
#[derive(Debug)]
pub struct MetricsFile {
    file: File,
    path: PathBuf,
    /// What the first table looked like, if it described itself: another one like it needs no walk.
    shape: Option<AttributeFingerprint>,
    /// The short way to what stands in a table like the first one.
    quick: Option<FastLayout>,
    /// Two tables in a row had no count where there is a place for one.
    lacks_energy: AtomicBool,
}

impl MetricsFile {
    /// Opens it and has a first look at it; whether that worked, the first reading tells.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut opened = MetricsFile {
            file: File::open(path)?,
            path: path.to_owned(),
            shape: None,
            quick: None,
            lacks_energy: AtomicBool::new(false),
        };
        let (mut page, mut found) = (MaybeUninit::uninit(), None);
        if let Ok(bytes) = opened.read_into(&mut page) {
            let quick = layout_of(bytes, &mut found).ok().and_then(|layout| FastLayout::of(layout, bytes));
            (opened.shape, opened.quick) = (AttributeFingerprint::of(bytes), quick);
        }
        Ok(opened)
    }

    /// A GPU that went and came back has another file under the old name: it takes the place of this one, under the
    /// number that other threads may be reading by.
    fn reopen(&self) -> bool {
        let Ok(fresh) = File::open(&self.path) else { return false };
        // SAFETY: two descriptors that are open for the length of the call.
        let is_new = unsafe { libc::dup3(fresh.as_raw_fd(), self.file.as_raw_fd(), libc::O_CLOEXEC) >= 0 };
        self.lacks_energy.fetch_and(!is_new, Ordering::Relaxed);
        is_new
    }

    /// All of the table as it is now.
    pub fn read(&self) -> Result<Metrics, SysfsError> {
        self.read_with(|t| t.metrics())
    }

    /// What is read most, if all is as it was at first; else the other ways tell what is the matter.
    #[inline]
    pub fn fast_reading(&self) -> Option<FastReading> {
        self.read_fast(FastLayout::whole)
    }

    /// Count and driver's time, likewise.
    #[inline]
    pub fn energy_and_time(&self) -> Option<(u64, u64)> {
        self.read_fast(FastLayout::energy)
    }

    #[inline(always)]
    fn read_fast<T>(&self, take: impl Fn(&FastLayout, &[u8]) -> Option<T>) -> Option<T> {
        let quick = self.quick.as_ref()?;
        let mut page = MaybeUninit::uninit();
        let bytes = self.read_into(&mut page).ok().filter(|bytes| quick.fits(bytes))?;
        if self.shape.as_ref().is_some_and(|shape| !shape.is_that_of(bytes)) {
            return None;
        }
        take(quick, bytes)
    }

    /// What `take` wants of the table as it is now. The driver copies it without a lock: a table that is none, or has
    /// nothing where its counter belongs, may be one that was being filled, and is read once more.
    #[inline]
    pub fn read_with<T>(&self, take: impl Fn(&Table) -> T) -> Result<T, SysfsError> {
        let look = |t: &Table| (t.lacks_energy(), take(t));
        match self.read_once(look) {
            Ok((false, value)) => Ok(value),
            Ok((true, value)) if self.lacks_energy.load(Ordering::Relaxed) => Ok(value),
            Err(f) if !matches!(f, SysfsError::Table(_)) => Err(f),
            _ => self.retry(look),
        }
    }

    #[cold]
    #[inline(never)]
    fn retry<T>(&self, look: impl Fn(&Table) -> (bool, T)) -> Result<T, SysfsError> {
        let (lacks, value) = self.read_once(look)?;
        // Twice in a row: that is what this GPU is like.
        self.lacks_energy.fetch_or(lacks, Ordering::Relaxed);
        Ok(value)
    }

    #[inline]
    fn read_once<T>(&self, take: impl Fn(&Table) -> T) -> Result<T, SysfsError> {
        let (mut page, mut found) = (MaybeUninit::uninit(), None);
        let bytes = self.read_into(&mut page)?;
        let layout = match &self.shape {
            Some(shape) if shape.is_that_of(bytes) => &shape.layout,
            _ => match layout_of(bytes, &mut found) {
                Ok(layout) => layout,
                Err(why) => return Err(SysfsError::Table(why)),
            },
        };
        Ok(take(&Table { bytes, layout }))
    }

    /// One pread of a whole page, no allocation: the kernel fills the table anew for each read, so two reads would mix two
    /// samples.
    #[inline]
    fn read_into<'a>(&self, page: &'a mut MaybeUninit<[u8; PAGE]>) -> Result<&'a [u8], SysfsError> {
        let read = match usize::try_from(self.pread(page)) {
            Ok(n) => n,
            Err(_) => self.retry_read(page)?,
        };
        if read == 0 {
            return Err(SysfsError::Empty);
        }
        // SAFETY: the kernel has written so many bytes.
        Ok(unsafe { std::slice::from_raw_parts(page.as_ptr().cast(), read) })
    }

    #[inline(always)]
    fn pread(&self, page: &mut MaybeUninit<[u8; PAGE]>) -> isize {
        // SAFETY: the kernel writes at most PAGE bytes into the page.
        unsafe { libc::pread(self.file.as_raw_fd(), page.as_mut_ptr().cast(), PAGE, 0) }
    }

    /// After one that failed.
    #[cold]
    fn retry_read(&self, page: &mut MaybeUninit<[u8; PAGE]>) -> Result<usize, SysfsError> {
        // A host whose timer interrupts each call is not to wait here for ever.
        let mut interruptions = 0;
        let mut reopened = false;
        loop {
            match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::Interrupted && interruptions < 10 => interruptions += 1,
                e if e.raw_os_error() == Some(libc::ENODEV) && !reopened && self.reopen() => reopened = true,
                e => return Err(e.into()),
            }
            if let Ok(n) = usize::try_from(self.pread(page)) {
                return Ok(n);
            }
        }
    }
}
