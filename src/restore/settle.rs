//! Giving up claims: what they changed is restored, and then they are forgotten. By a guard's end, by a watchdog, and for
//! processes that died without one. No allocation.

use super::claims::{Claim, Gpu, Owner};
use super::store::Transaction;
use super::syscalls::{call, Fd};
use crate::control::{restore_clocks, ClockWriter, FileIo, Settings, SysfsSettings, Text};
use std::fmt::Write as _;

/// Restores settings of a GPU.
pub trait Restorer {
    fn now(&self, gpu: &Gpu) -> Settings;
    /// False: something is not as it was.
    fn restore(&mut self, gpu: &Gpu, saved: &Settings) -> bool;
}

/// Restores through sysfs alone.
pub struct BySysfs<'a, I>(pub &'a I);

impl<I: FileIo> BySysfs<'_, I> {
    fn files<'b>(&'b self, gpu: &'b Gpu) -> SysfsSettings<'b, I> {
        SysfsSettings { io: self.0, folder: gpu.folder() }
    }

    fn is_back(&self, gpu: &Gpu, saved: &Settings) -> bool {
        let now = self.now(gpu);
        let is_clock = |was| now.clocks.is_some_and(|now| now.is_as(&was));
        saved.cap_uw.map_or(true, |uw| now.cap_uw.is_some_and(|now| now / 1000 == uw / 1000))
            && saved.clocks.map_or(true, is_clock)
    }
}

impl<I: FileIo> Restorer for BySysfs<'_, I> {
    fn now(&self, gpu: &Gpu) -> Settings {
        let files = self.files(gpu);
        Settings { cap_uw: files.power_cap_uw(gpu.cap_file()).ok().flatten(), clocks: Some(files.state()) }
    }

    fn restore(&mut self, gpu: &Gpu, saved: &Settings) -> bool {
        let files = self.files(gpu);
        // What counts is what can be read back.
        if let Some(uw) = saved.cap_uw.filter(|uw| self.now(gpu).cap_uw != Some(*uw)) {
            let _ = files.set_power_cap_uw(gpu.cap_file(), uw);
        }
        if let Some(was) = saved.clocks {
            let _ = restore_clocks(&files, &was);
        }
        for pause in [1, 10, 40, 100] {
            if self.is_back(gpu, saved) {
                return true;
            }
            self.0.pause_ms(pause);
        }
        self.is_back(gpu, saved)
    }
}

/// Gives up the caller's claims, which `is_own` selects, and with `dead` those of processes that are dead. What was changed
/// last by one of them is restored; claims stay where that fails. What cannot come from the claims stays as it is, where only
/// dead processes claim it, or the caller is not sure that its claims still hold. True: nothing failed.
pub fn settle(
    claims: &mut Transaction,
    is_own: &dyn Fn(&Claim) -> bool,
    dead: bool,
    is_sure: bool,
    restorer: &mut dyn Restorer,
) -> Result<bool, i32> {
    let alive = Alive::default();
    let is_gone = |c: &Claim| is_own(c) || dead && !alive.is_alive(&c.owner);
    let (mut all_back, mut changed) = (true, false);
    for key in claims.data.keys() {
        let Some(gpu) = claims.data.gpu(key).copied() else { continue };
        if !claims.data.of_gpu(key).any(is_gone) {
            continue;
        }
        let due = claims.data.due(&gpu, &is_gone);
        let nothing = due.cap_uw.is_none() && due.clocks.is_none();
        // A process died long ago, and another program has changed the setting since: that stays.
        let is_foreign =
            || !(claims.data.explain(&gpu, &restorer.now(&gpu)) || is_sure && claims.data.of_gpu(key).any(is_own));
        if nothing || is_foreign() || restorer.restore(&gpu, &due) {
            claims.data.remove(key, &is_gone);
            changed = true;
        } else {
            all_back = false;
        }
    }
    if changed || claims.data.gpus.len() == 0 {
        claims.publish()?;
    }
    Ok(all_back)
}

/// Which processes are alive, each asked for once.
struct Alive(std::cell::Cell<[(Owner, bool); 8]>);

impl Default for Alive {
    fn default() -> Self {
        Alive(std::cell::Cell::new([(Owner::default(), false); 8]))
    }
}

impl Alive {
    fn is_alive(&self, owner: &Owner) -> bool {
        let mut known = self.0.get();
        let same = |o: &Owner| (o.pid, o.start_time) == (owner.pid, owner.start_time);
        if let Some((_, alive)) = known.iter().find(|(o, _)| same(o)) {
            return *alive;
        }
        let alive = is_alive(owner);
        known.rotate_right(1);
        known[0] = (*owner, alive);
        self.0.set(known);
        alive
    }
}

fn is_alive(owner: &Owner) -> bool {
    match start_time(owner.pid) {
        Ok(Some(start_time)) => start_time == owner.start_time,
        Ok(None) => false,
        // Where /proc cannot be read, the pid alone.
        Err(_) => call(libc::SYS_kill, [owner.pid as usize, 0, 0, 0]) != Err(libc::ESRCH),
    }
}

/// When a process started, in ticks since boot; `None`: it is dead.
pub fn start_time(pid: u64) -> Result<Option<u64>, i32> {
    let mut path = Text::<32>::new();
    let _ = write!(path, "/proc/{pid}/stat");
    let fd = match Fd::open(path.as_c_str()?, libc::O_RDONLY) {
        Err(libc::ENOENT) => {
            // Or there is no /proc.
            Fd::open(c"/proc/self/stat", libc::O_RDONLY)?;
            return Ok(None);
        }
        fd => fd?,
    };
    let mut room = [0; 1024];
    let read = match fd.read(&mut room) {
        Err(libc::ESRCH) => return Ok(None),
        read => read?,
    };
    // The name of the program may contain anything; what follows does not contain a bracket.
    let rest = room[..read].rsplit(|b| *b == b')').next().unwrap_or_default();
    let mut fields = std::str::from_utf8(rest).map_err(|_| libc::EILSEQ)?.split_ascii_whitespace();
    let state = fields.next();
    let threads = fields.nth(16).and_then(|n| n.parse::<u64>().ok());
    let started = fields.nth(1).and_then(|n| n.parse().ok());
    // The first thread may have ended before the others.
    let is_dead = matches!(state, Some("Z" | "X" | "x")) && threads.unwrap_or(0) <= 1;
    if is_dead {
        Ok(None)
    } else {
        started.map(Some).ok_or(libc::EILSEQ)
    }
}
