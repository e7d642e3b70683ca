//! One GPU's settings in sysfs, without an allocation or a lock: the watchdog, a clone of a process with threads, reads
//! and writes them too.

use super::clock_state::{bound_value, other, ClockState, Level};
use super::restore_clocks::ClockWriter;
use crate::gpu::{Bound, Clock};
use crate::sysfs::pp_od::{self, Bounds};
use std::ffi::CStr;
use std::fmt::Write;

pub const LEVEL_FILE: &str = "power_dpm_force_performance_level";
pub const OD_FILE: &str = "pp_od_clk_voltage";

/// How small files are read and written: by libc, or in the watchdog by plain system calls. Errors are errnos.
pub trait FileIo {
    fn read(&self, path: &CStr, room: &mut [u8]) -> Result<usize, i32>;
    /// One write, which the kernel takes as one value, or as one command where it is appended.
    fn write(&self, path: &CStr, text: &[u8], append: bool) -> Result<(), i32>;
    fn pause_ms(&self, ms: u64);
}

/// A file that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileError {
    pub file: &'static str,
    pub errno: i32,
}

/// A text without its own memory; what does not fit makes it invalid.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    pub fn new() -> Self {
        Text { bytes: [0; N], length: 0 }
    }

    pub fn push(&mut self, part: &[u8]) -> Result<(), i32> {
        let room = self.bytes.get_mut(self.length..self.length + part.len()).ok_or(libc::ENAMETOOLONG)?;
        room.copy_from_slice(part);
        self.length += part.len();
        Ok(())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Its last byte stays 0.
    pub fn as_c_str(&self) -> Result<&CStr, i32> {
        CStr::from_bytes_until_nul(&self.bytes).map_err(|_| libc::ENAMETOOLONG)
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        self.push(part.as_bytes()).map_err(|_| std::fmt::Error)
    }
}

/// The longest path of a settings file.
pub const MAX_PATH: usize = 1024;

/// The settings of one GPU.
pub struct SysfsSettings<'a, I> {
    pub io: &'a I,
    /// The folder of the PCI device.
    pub folder: &'a [u8],
}

impl<I: FileIo> SysfsSettings<'_, I> {
    fn path(&self, file: &str) -> Result<Text<MAX_PATH>, i32> {
        let mut path = Text::new();
        for part in [self.folder, b"/", file.as_bytes()] {
            path.push(part)?;
        }
        Ok(path)
    }

    /// The text of a file without trailing whitespace; `None` where there is no such file.
    fn parse<T>(&self, file: &str, parse: impl FnOnce(&str) -> T) -> Result<Option<T>, i32> {
        let mut room = [0; 4096];
        let read = match self.io.read(self.path(file)?.as_c_str()?, &mut room) {
            Err(libc::ENOENT) => return Ok(None),
            read => read?,
        };
        let text = std::str::from_utf8(&room[..read.min(room.len())]).map_err(|_| libc::EILSEQ)?;
        Ok(Some(parse(text.trim_end())))
    }

    fn write(&self, file: &str, text: &[u8], append: bool) -> Result<(), i32> {
        self.io.write(self.path(file)?.as_c_str()?, text, append)
    }

    /// The power cap in µW; its file is given relative to the device's folder, as it was called once.
    pub fn power_cap_uw(&self, file: &str) -> Result<Option<u64>, i32> {
        let read = |file: &str| self.parse(file, |text| text.parse().ok())?.ok_or(libc::ENOENT);
        match try_cap_files(file, read) {
            Err(libc::ENOENT) => Ok(None),
            cap => cap,
        }
    }

    pub fn set_power_cap_uw(&self, file: &str, uw: u64) -> Result<(), i32> {
        let mut text = Text::<24>::new();
        let _ = writeln!(text, "{uw}");
        try_cap_files(file, |file| self.write(file, text.as_bytes(), false))
    }

    /// A file that is not there has no value; any other failure is one.
    pub fn od_table(&self) -> Result<pp_od::Table, FileError> {
        let table = self.parse(OD_FILE, pp_od::parse).map_err(|errno| FileError { file: OD_FILE, errno })?;
        Ok(table.unwrap_or_default())
    }

    pub fn level(&self) -> Result<Option<Level>, FileError> {
        let level = self.parse(LEVEL_FILE, Level::parse).map_err(|errno| FileError { file: LEVEL_FILE, errno })?;
        Ok(level.flatten())
    }

    pub fn write_level(&self, level: Level) -> Result<(), FileError> {
        let mut text = Text::<32>::new();
        let _ = writeln!(text, "{}", level.name());
        self.write(LEVEL_FILE, text.as_bytes(), false).map_err(|errno| FileError { file: LEVEL_FILE, errno })
    }

    /// Level manual, the bounds of both clocks, and their commit. Older kernels keep bounds that were set before a level
    /// auto, and any commit would bring them back: so each commit says all. The driver may refuse a lower bound above the
    /// upper one that it still has, so the upper one comes first; where that is refused, the lower one.
    pub fn write_bounds(&self, clock: Clock, now: &ClockState, wanted: Bounds) -> Result<(), FileError> {
        self.write_level(Level::MANUAL)?;
        let first = self.write_bounds_in_order(clock, now, wanted, [Bound::Max, Bound::Min]);
        match first {
            Err(libc::EINVAL) => self.write_bounds_in_order(clock, now, wanted, [Bound::Min, Bound::Max]),
            done => done,
        }
        .map_err(|errno| FileError { file: OD_FILE, errno })
    }

    fn write_bounds_in_order(
        &self,
        clock: Clock,
        now: &ClockState,
        wanted: Bounds,
        order: [Bound; 2],
    ) -> Result<(), i32> {
        for (of, wanted) in [(clock, Some(wanted)), (other(clock), now.of(other(clock)))] {
            let Some(wanted) = wanted else { continue };
            for bound in order {
                let mhz = bound_value(wanted, bound);
                // A bound that is in force already need not be accepted (MI300 takes only the upper one of the memory).
                let in_force = now.of(of).is_some_and(|b| bound_value(b, bound) == mhz);
                match self.write_bound(of, bound, mhz) {
                    Err(errno) if !in_force => return Err(errno),
                    _ => {}
                }
            }
        }
        self.commit_bounds()
    }

    /// Pending until the commit.
    fn write_bound(&self, clock: Clock, bound: Bound, mhz: u32) -> Result<(), i32> {
        let domain = if clock == Clock::Graphics { 's' } else { 'm' };
        let mut command = Text::<32>::new();
        let _ = writeln!(command, "{domain} {} {mhz}", bound as u32);
        self.write(OD_FILE, command.as_bytes(), true)
    }

    fn commit_bounds(&self) -> Result<(), i32> {
        self.write(OD_FILE, b"c\n", true)
    }
}

/// hwmonN changes when a GPU is bound again: where the file is not there, those of other numbers are tried.
fn try_cap_files<T>(known: &str, with: impl Fn(&str) -> Result<T, i32>) -> Result<T, i32> {
    /// More than a node has sensors.
    const NUMBERS: u32 = 1024;
    let mut done = with(known);
    for number in 0..if known.is_empty() { 0 } else { NUMBERS } {
        if !matches!(done, Err(libc::ENOENT)) {
            break;
        }
        let mut file = Text::<40>::new();
        let _ = write!(file, "hwmon/hwmon{number}/power1_cap");
        done = with(file.as_c_str()?.to_str().map_err(|_| libc::EILSEQ)?);
    }
    done
}

impl<I: FileIo> ClockWriter for SysfsSettings<'_, I> {
    type Error = FileError;

    fn state(&self) -> ClockState {
        let table = self.od_table().unwrap_or_default();
        ClockState { level: self.level().ok().flatten(), graphics: table.graphics, memory: table.memory }
    }

    fn set_level(&self, level: Level) -> Result<(), FileError> {
        self.write_level(level)
    }

    fn set_bounds(&self, clock: Clock, now: &ClockState, wanted: Bounds) -> Result<(), FileError> {
        self.write_bounds(clock, now, wanted)
    }

    fn set_determinism_mhz(&self, max_mhz: u32) -> Result<(), FileError> {
        let written = self.write_bound(Clock::Graphics, Bound::Max, max_mhz).and_then(|()| self.commit_bounds());
        written.map_err(|errno| FileError { file: OD_FILE, errno })
    }

    fn pause_ms(&self, ms: u64) {
        self.io.pause_ms(ms);
    }
}
