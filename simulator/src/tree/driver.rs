//! amdgpu's side of the files that take clock settings: what a write to them does, or the error that it gets.
//!
//! The rules are those of aldebaran_ppt.c and smu_v13_0_6_ppt.c: bounds are pending until they are committed, a commit sets
//! both domains, and what was pending stays so when a commit is refused. Of Radeon (`od_outlasts_auto`) those of
//! sienna_cichlid_ppt.c and smu_v13_0_0_ppt.c: level auto leaves the table and its bounds in force, which only `r` restores.
//! A power cap is taken in whole watts (amdgpu_hwmon_set_power_cap in amdgpu_pm.c).

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::io::AsRawFd;
use std::path::{Path, PathBuf};

use super::od::{self, Limits, Range};
use crate::clock::boottime_ns;
use crate::machine::{ClockSpec, Gpu, Machine};

/// The driver's lock: libamd_smi, the settings poller and the preloaded library all change settings.
pub const LOCK: &str = "driver.lock";

pub const CAP_FILE: &str = "power1_cap";

/// What the driver knows of a GPU beside the table.
pub fn memory_file(root: &Path, g: &Gpu) -> PathBuf {
    root.join(format!("driver.{}", g.index))
}

/// The level in which the graphics clock keeps to an upper bound: from the commit on that follows it.
const DETERMINISM: &str = "perf_determinism";

/// Bounds that were set and are not known to be in force.
type Pending = [Option<u32>; 2];

#[derive(Default)]
struct Memory {
    gfx: Pending,
    mem: Pending,
    offset: Option<i32>,
    /// Commands since the last commit, for the log.
    commands: Vec<String>,
    /// The level and the power cap that were logged last.
    level: String,
    cap: String,
}

impl Memory {
    fn parse(text: &str) -> Memory {
        let mut memory = Memory::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("level", level)) => memory.level = level.to_string(),
                Some(("cap", cap)) => memory.cap = cap.to_string(),
                Some(("command", command)) => memory.commands.push(command.to_string()),
                _ => memory.set(line),
            }
        }
        memory
    }

    fn set(&mut self, command: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            [domain, bound, mhz] => {
                let slot = if domain == "s" { &mut self.gfx } else { &mut self.mem };
                slot[usize::from(bound == "1")] = mhz.parse().ok();
            }
            [_, mhz] => self.offset = mhz.parse().ok(),
            _ => {}
        }
    }

    fn text(&self) -> String {
        let mut text = format!("level {}\ncap {}\n", self.level, self.cap);
        text.extend(self.commands.iter().map(|c| format!("command {c}\n")));
        for (letter, slot) in [("s", self.gfx), ("m", self.mem)] {
            for (bound, mhz) in slot.iter().enumerate() {
                text += &mhz.map_or(String::new(), |mhz| format!("{letter} {bound} {mhz}\n"));
            }
        }
        text + &self.offset.map_or(String::new(), |mhz| format!("s {mhz}\n"))
    }
}

fn memory(root: &Path, g: &Gpu) -> Memory {
    Memory::parse(&fs::read_to_string(memory_file(root, g)).unwrap_or_default())
}

/// Whether level and power cap are what they were when they were logged last.
pub fn is_known(root: &Path, g: &Gpu, level: &str, cap: &str) -> bool {
    let memory = memory(root, g);
    (memory.level.as_str(), memory.cap.as_str()) == (level, cap)
}

/// One GPU's settings, locked until this is dropped.
pub struct Driver<'a> {
    kernel: &'a str,
    root: &'a Path,
    gpu: &'a Gpu,
    _lock: File,
}

impl<'a> Driver<'a> {
    pub fn lock(m: &'a Machine, root: &'a Path, gpu: &'a Gpu) -> Option<Driver<'a>> {
        let file = File::open(root.join(LOCK)).ok()?;
        // SAFETY: an open descriptor.
        unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) };
        Some(Driver { kernel: &m.spec.kernel, root, gpu, _lock: file })
    }

    fn file(&self, name: &str) -> PathBuf {
        super::pci_dir(self.root, self.gpu).join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn memory(&self) -> Memory {
        memory(self.root, self.gpu)
    }

    fn remember(&self, memory: &Memory) {
        // Without space in the file system settings are not taken; this process cannot report it.
        let _ = put(&memory_file(self.root, self.gpu), &memory.text());
    }

    fn show(&self, limits: Option<Limits>) -> Result<(), i32> {
        put(&self.file(od::FILE), &od::table(self.gpu, limits))
    }

    /// `time_ns pid tid FILE gpu name value`: a file has changed, by whomever.
    fn log(&self, name: &str, value: &str) {
        let (time, me) = (boottime_ns(), std::process::id());
        let line = format!("{time} {me} 0 FILE {} {name} {value}\n", self.gpu.number);
        let file = OpenOptions::new().append(true).open(self.root.join("calls.log"));
        let _ = file.and_then(|mut f| f.write_all(line.as_bytes()));
    }

    /// What the machine starts with.
    pub fn begin(&self, level: &str, cap: &str) {
        self.remember(&Memory { level: level.to_string(), cap: cap.to_string(), ..Memory::default() });
    }

    /// Writes the power cap's file.
    pub fn set_cap(&self, cap: &str) -> Result<(), i32> {
        const WATT_UW: u64 = 1_000_000;
        let uw: u64 = cap.parse().map_err(|_| libc::EINVAL)?;
        let cap = &(uw / WATT_UW * WATT_UW).to_string();
        put(&super::cap_file(self.root, self.gpu).ok_or(libc::ENOENT)?, &format!("{cap}\n"))?;
        self.cap_is(cap);
        Ok(())
    }

    /// The power cap's file has this text now.
    pub fn cap_is(&self, cap: &str) {
        let mut memory = self.memory();
        if memory.cap != cap {
            self.log(CAP_FILE, cap);
            memory.cap = cap.to_string();
            self.remember(&memory);
        }
    }

    /// Writes the level file, and does what the level does.
    pub fn set_level(&self, level: &str) -> Result<(), i32> {
        put(&self.file(od::LEVEL_FILE), &format!("{level}\n"))?;
        self.level_is(level);
        Ok(())
    }

    /// The level file has this text now.
    pub fn level_is(&self, level: &str) {
        let mut memory = self.memory();
        if memory.level != level {
            self.log(od::LEVEL_FILE, level);
            if memory.level == DETERMINISM {
                // The upper bound goes with it.
                let (mut now, unset) = (self.in_force(), Limits::of(self.gpu));
                now.gfx = now.gfx.zip(unset.gfx).map(|(now, unset)| [now[0], unset[1]]);
                let _ = self.show(Some(now));
            }
            memory.level = level.to_string();
        }
        if level == "auto" && !self.gpu.spec.od_outlasts_auto {
            // Nothing is bounded any more. Up to commit 923406e74ec6 bounds of the graphics clock are pending still.
            let gfx = if self.kernel >= "2025-07" { Pending::default() } else { memory.gfx };
            memory = Memory { level: memory.level, cap: memory.cap, gfx, ..Memory::default() };
            let _ = self.show(None);
        }
        self.remember(&memory);
    }

    /// One command written to pp_od_clk_voltage; the error that the write gets.
    pub fn command(&self, command: &str, log: bool) -> Result<(), i32> {
        let mut memory = self.memory();
        memory.commands.push(command.to_string());
        let done = self.carry_out(command, &mut memory);
        if done.is_err() || matches!(command, "c" | "r") {
            let commands = std::mem::take(&mut memory.commands).join("; ");
            if log {
                self.log(od::FILE, &(commands + if done.is_ok() { "" } else { " (refused)" }));
            }
        }
        self.remember(&memory);
        done
    }

    fn carry_out(&self, command: &str, memory: &mut Memory) -> Result<(), i32> {
        if command == "r" {
            (memory.gfx, memory.mem, memory.offset) = Default::default();
            return self.show(None);
        }
        if !matches!(self.text(od::LEVEL_FILE).trim(), "manual" | DETERMINISM) {
            return Err(libc::EINVAL);
        }
        if command == "c" {
            return self.commit(memory);
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        let clocks = &self.gpu.spec.clocks;
        match words[..] {
            ["s", mhz] => {
                let range = clocks.gfx.offset.ok_or(libc::EINVAL)?;
                let mhz = mhz.parse().ok().filter(|mhz| (range[0]..=range[1]).contains(mhz));
                memory.offset = Some(mhz.ok_or(libc::EINVAL)?);
            }
            [domain @ ("s" | "m"), bound @ ("0" | "1"), mhz] => {
                let (clock, now) = (if domain == "s" { &clocks.gfx } else { &clocks.mem }, self.in_force());
                let (slot, now) = if domain == "s" { (&mut memory.gfx, now.gfx) } else { (&mut memory.mem, now.mem) };
                let bound = usize::from(bound == "1");
                let mhz = mhz.parse().map_err(|_| libc::EINVAL)?;
                let is_range = |c: &ClockSpec| c.range.is_some_and(|r| (r[0]..=r[1]).contains(&mhz));
                if clock.range.is_none() || (self.gpu.spec.od_checks_range && !is_range(clock)) {
                    slot[bound] = now.map(|r| r[bound]);
                    return Err(libc::EINVAL);
                }
                slot[bound] = Some(mhz);
            }
            _ => return Err(libc::EINVAL),
        }
        Ok(())
    }

    /// The table without the commands that were appended to it.
    pub fn clean(&self) {
        let _ = self.show(Some(self.in_force()));
    }

    fn in_force(&self) -> Limits {
        Limits::parse(&self.text(od::FILE))
    }

    fn commit(&self, memory: &Memory) -> Result<(), i32> {
        let mut now = self.in_force();
        let mut done = Ok(());
        let (mut gfx, mut mem) = (memory.gfx, memory.mem);
        if self.text(od::LEVEL_FILE).trim() == DETERMINISM {
            // The upper bound is the clock to keep to; there is no lower one. One of the memory that is pending is taken for
            // it too: the function that sets it does not ask of which clock it is.
            gfx = [Limits::of(self.gpu).gfx.map(|unset| unset[0]), mem[1].or(gfx[1])];
            mem = Pending::default();
        }
        for (domain, pending) in [(&mut now.gfx, gfx), (&mut now.mem, mem)] {
            let Some(was) = *domain else { continue };
            let wanted = [0, 1].map(|bound| pending[bound].unwrap_or(was[bound]));
            if wanted != was && self.refuses(wanted) {
                // The graphics clock is set by then.
                done = Err(libc::EINVAL);
                break;
            }
            *domain = Some(wanted);
        }
        now.offset = now.offset.map(|mhz| memory.offset.unwrap_or(mhz));
        self.show(Some(now))?;
        done
    }

    fn refuses(&self, [low, high]: Range) -> bool {
        low > high || (low == high && self.kernel < "2026-04")
    }
}

/// Writes a settings file, past the preloaded library: that would take it for a program's write.
fn put(path: &Path, text: &str) -> Result<(), i32> {
    let errno = |e: std::io::Error| e.raw_os_error().unwrap_or(libc::EIO);
    let file = OpenOptions::new().write(true).open(path).map_err(errno)?;
    // In one write, or a process that is killed in between leaves the end of a longer text.
    let old = file.metadata().map_err(errno)?.len() as usize;
    let padded = format!("{text}{}", "\n".repeat(old.saturating_sub(text.len())));
    // SAFETY: an open descriptor and a text of that length.
    let n = unsafe { libc::syscall(libc::SYS_write, file.as_raw_fd(), padded.as_ptr(), padded.len()) };
    if n != padded.len() as libc::c_long {
        return Err(errno(std::io::Error::last_os_error()));
    }
    file.set_len(text.len() as u64).map_err(errno)
}
