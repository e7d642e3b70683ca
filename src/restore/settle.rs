//! Giving up claims: what they changed is restored, and then they are forgotten. By a guard's end, by a watchdog, and for
//! processes that died without one. No allocation.

use super::claims::{Claim, Gpu, List, Owner};
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
/// last by one of them is restored; claims stay where that fails. What cannot come from the claims stays as it is where only
/// dead processes claim it. Where the caller is not sure that its claims still hold, it has to be exactly what they say.
/// True: nothing failed.
pub fn settle(
    claims: &mut Transaction,
    is_own: &dyn Fn(&Claim) -> bool,
    dead: bool,
    is_sure: bool,
    restorer: &mut dyn Restorer,
) -> Result<bool, i32> {
    let dead = if dead { Dead::of(claims.data.claims.as_slice(), is_alive) } else { Dead::new() };
    settle_with(claims, is_own, &dead, is_sure, restorer)
}

fn settle_with(
    claims: &mut Transaction,
    is_own: &dyn Fn(&Claim) -> bool,
    dead: &Dead,
    is_sure: bool,
    restorer: &mut dyn Restorer,
) -> Result<bool, i32> {
    let is_gone = |c: &Claim| is_own(c) || dead.contains(&c.owner);
    let (mut all_back, mut changed) = (true, false);
    for key in claims.data.keys() {
        let Some(gpu) = claims.data.gpu(key).copied() else { continue };
        if !claims.data.of_gpu(key).any(is_gone) {
            continue;
        }
        let mut due = claims.data.due(&gpu, &is_gone);
        if !(is_sure && claims.data.of_gpu(key).any(is_own)) {
            due = claims.data.explained(&gpu, due, &restorer.now(&gpu), !is_sure);
        }
        let nothing = due.cap_uw.is_none() && due.clocks.is_none();
        if nothing || restorer.restore(&gpu, &due) {
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

/// The processes that are dead, decided once: a claim must not be in force when it is decided what is due, and that of a
/// dead process when claims are removed.
struct Dead(List<Owner, 256>);

impl Dead {
    fn new() -> Dead {
        Dead(List::new(Owner::default()))
    }

    /// Those that do not fit are left to the next guard.
    fn of(claims: &[Claim], is_alive: impl Fn(&Owner) -> bool) -> Dead {
        let mut dead = Dead::new();
        let mut last_alive = Owner::default();
        for Claim { owner, .. } in claims {
            if *owner == last_alive || dead.contains(owner) {
                continue;
            }
            if is_alive(owner) {
                last_alive = *owner;
            } else if dead.0.push(*owner).is_err() {
                break;
            }
        }
        dead
    }

    fn contains(&self, owner: &Owner) -> bool {
        self.0.as_slice().contains(owner)
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
            // Or there is no /proc, or it does not show that process here (hidepid).
            Fd::open(c"/proc/self/stat", libc::O_RDONLY)?;
            return match call(libc::SYS_kill, [pid as usize, 0, 0, 0]) {
                Err(libc::ESRCH) => Ok(None),
                _ => Err(libc::EACCES),
            };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ClockState, Level};
    use crate::restore::claims::{pack, Claims, Setting};
    use crate::restore::store::{Memory, MEMORY};
    use crate::sysfs::pp_od::Bounds;
    use std::cell::RefCell;
    use std::collections::HashSet;

    const GPU: u64 = 7;

    fn claim(pid: u64, value: u64) -> Claim {
        let owner = Owner { pid, ..Owner::default() };
        Claim { owner, guard: 1, gpu: GPU, setting: Setting::PowerLimit as u64, value, file: 0 }
    }

    fn no_claims() -> Box<Claims> {
        let layout = std::alloc::Layout::new::<Claims>();
        // SAFETY: zeroes are claims.
        unsafe { Box::from_raw(std::alloc::alloc_zeroed(layout).cast()) }
    }

    /// A power cap.
    struct Cap(u64);

    impl Restorer for Cap {
        fn now(&self, _: &Gpu) -> Settings {
            Settings { cap_uw: Some(self.0), clocks: None }
        }

        fn restore(&mut self, _: &Gpu, saved: &Settings) -> bool {
            self.0 = saved.cap_uw.unwrap_or(self.0);
            true
        }
    }

    /// The cap that is in force is another program's, the clocks are those of the dead.
    #[test]
    fn what_another_program_has_changed_stays() {
        let cap_uw = Some(300_000_000);
        let bounds = |min_mhz, max_mhz| Some(Bounds { min_mhz, max_mhz });
        let manual = |graphics| ClockState { level: Some(Level::MANUAL), graphics, memory: bounds(900, 1300) };
        let first = Settings { cap_uw: Some(750_000_000), clocks: Some(manual(bounds(500, 2100))) };
        let now = Settings { cap_uw, clocks: Some(manual(bounds(600, 900))) };
        let mut room = vec![0_u64; MEMORY / 8];
        let mut data = no_claims();
        let claims = Transaction::memory(Memory(room.as_mut_ptr().cast()), &mut data);
        let mut gpu = Gpu::new(GPU, b"/sys/a", b"cap").unwrap();
        gpu.keep(&first);
        claims.data.gpus.push(gpu).unwrap();
        let clock = Claim { setting: Setting::GraphicsClock as u64, value: pack(bounds(600, 900)), ..claim(1, 0) };
        [claim(1, 400_000_000), clock].into_iter().for_each(|c| claims.data.put(c).unwrap());
        let due = claims.data.due(&gpu, &|_| true);
        assert_eq!((due.cap_uw, due.clocks), (first.cap_uw, first.clocks));
        let explained = |claims: &Transaction, now, exactly| {
            let own = claims.data.explained(&gpu, due, now, exactly);
            (own.cap_uw, own.clocks)
        };
        assert_eq!(explained(&claims, &now, false), (None, first.clocks));
        let narrower = Settings { clocks: Some(manual(bounds(600, 800))), ..now };
        assert_eq!(explained(&claims, &narrower, false), (None, first.clocks), "the driver limits a bound");
        assert_eq!(explained(&claims, &narrower, true), (None, None));
        // It died before it could say what came of its change.
        claims.data.put(claim(1, 0)).unwrap();
        assert_eq!(explained(&claims, &now, false), (first.cap_uw, first.clocks));
        assert_eq!(explained(&claims, &now, true), (None, first.clocks));
    }

    /// Processes die while another one ends its guard: each is either dead or alive throughout. What it set stays claimed, or is
    /// restored.
    #[test]
    fn processes_that_die_meanwhile() {
        let mut room = vec![0_u64; MEMORY / 8];
        let mut data = no_claims();
        let mut claims = Transaction::memory(Memory(room.as_mut_ptr().cast()), &mut data);
        let mut gpu = Gpu::new(GPU, b"/sys/a", b"cap").unwrap();
        gpu.keep(&Settings { cap_uw: Some(750_000_000), clocks: None });
        claims.data.gpus.push(gpu).unwrap();
        for pid in 1..=40 {
            claims.data.put(claim(pid, 1_000_000 * (100 + pid))).unwrap();
        }
        // Alive when asked for the first time, dead from then on.
        let seen = RefCell::new(HashSet::new());
        let is_alive = |owner: &Owner| seen.borrow_mut().insert(owner.pid);
        let mut cap = Cap(140_000_000);
        let first = Dead::of(claims.data.claims.as_slice(), is_alive);
        assert!(settle_with(&mut claims, &|c| c.owner.pid == 1, &first, true, &mut cap).unwrap());
        assert_eq!((claims.data.claims.len(), cap.0), (39, 140_000_000), "the last claim is in force");
        let second = Dead::of(claims.data.claims.as_slice(), is_alive);
        assert!(settle_with(&mut claims, &|_| false, &second, true, &mut cap).unwrap());
        assert_eq!((claims.data.claims.len(), claims.data.gpus.len(), cap.0), (0, 0, 750_000_000));
    }
}
