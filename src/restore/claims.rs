//! Who has changed what: for each GPU the settings from before the first change, and the claims of those that changed
//! them since, in order. The last claim's value is in force; without a claim it is the first setting again.
//!
//! Plain data of fixed size, which processes share and the watchdog works on.

use crate::control::{ClockState, Level, Settings};
use crate::gpu::Clock;
use crate::platform::pci::PciAddress;
use crate::sysfs::pp_od::Bounds;

/// A list of plain data without its own memory.
#[repr(C)]
pub struct List<T, const N: usize> {
    length: u64,
    items: [T; N],
}

impl<T: Copy, const N: usize> List<T, N> {
    pub fn new(filler: T) -> Self {
        List { length: 0, items: [filler; N] }
    }

    pub fn as_slice(&self) -> &[T] {
        &self.items[..self.len()]
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let length = self.len();
        &mut self.items[..length]
    }

    /// A length from outside is not believed.
    pub fn len(&self) -> usize {
        (self.length as usize).min(N)
    }

    pub fn set_len(&mut self, length: usize) {
        self.length = length.min(N) as u64;
    }

    pub fn push(&mut self, item: T) -> Result<(), i32> {
        let length = self.len();
        *self.items.get_mut(length).ok_or(libc::ENOMEM)? = item;
        self.length = length as u64 + 1;
        Ok(())
    }

    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let mut kept = 0;
        for i in 0..self.len() {
            if keep(&self.items[i]) {
                self.items[kept] = self.items[i];
                kept += 1;
            }
        }
        self.length = kept as u64;
    }
}

/// The guards of one session of one process.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    pub pid: u64,
    /// As in /proc/PID/stat: a later process with the same pid has another one.
    pub start_time: u64,
    /// Distinguishes the sessions of a process.
    pub session: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    PowerLimit = 1,
    GraphicsClock = 2,
    MemoryClock = 4,
}

impl From<Clock> for Setting {
    fn from(clock: Clock) -> Setting {
        match clock {
            Clock::Graphics => Setting::GraphicsClock,
            Clock::Memory => Setting::MemoryClock,
        }
    }
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub owner: Owner,
    /// The guard, counted from 1 in its session.
    pub guard: u64,
    pub gpu: u64,
    pub setting: u64,
    pub value: Value,
    /// In the memory of a session: the number of the file that has or had it, [`Claim::LOST`], or 0 if none ever did.
    pub file: u64,
}

impl Claim {
    /// For [`Claim::file`]: a file had it, and none has it any more.
    pub const LOST: u64 = u64::MAX;

    /// A guard has one claim of a setting.
    pub fn key(&self) -> (Owner, u64, u64, u64) {
        (self.owner, self.guard, self.gpu, self.setting)
    }
}

/// A power limit in µW, or packed bounds; 0: not known, or unlocked.
pub type Value = u64;

pub fn pack(bounds: Option<Bounds>) -> Value {
    bounds.map_or(0, |b| u64::from(b.max_mhz) << 32 | u64::from(b.min_mhz))
}

fn unpack(value: Value) -> Option<Bounds> {
    (value != 0).then_some(Bounds { min_mhz: value as u32, max_mhz: (value >> 32) as u32 })
}

/// A GPU by its address.
pub fn key(pci: PciAddress) -> u64 {
    u64::from(pci.domain) << 32 | u64::from(pci.bus) << 16 | u64::from(pci.device) << 8 | u64::from(pci.function)
}

const FOLDER: usize = 800;
const FILE: usize = 96;

/// The settings of a GPU from before the first change that is claimed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Gpu {
    pub gpu: u64,
    /// 0: not changed.
    cap_uw: u64,
    /// 1 + AMD's number; 0: the clocks are not changed.
    level: u64,
    graphics: u64,
    memory: u64,
    folder: [u8; FOLDER],
    cap_file: [u8; FILE],
}

impl Gpu {
    pub fn new(gpu: u64, folder: &[u8], cap_file: &[u8]) -> Result<Gpu, i32> {
        let mut fresh =
            Gpu { gpu, cap_uw: 0, level: 0, graphics: 0, memory: 0, folder: [0; FOLDER], cap_file: [0; FILE] };
        let (folder_len, cap_len) = (folder.len(), cap_file.len());
        fresh.folder.get_mut(..folder_len).ok_or(libc::ENAMETOOLONG)?.copy_from_slice(folder);
        fresh.cap_file.get_mut(..cap_len).ok_or(libc::ENAMETOOLONG)?.copy_from_slice(cap_file);
        Ok(fresh)
    }

    /// Keeps settings from before the first change that others know of.
    pub fn keep_of(&mut self, other: &Gpu) {
        let cap_uw = Some(other.cap_uw).filter(|uw| *uw != 0);
        self.keep(&Settings { cap_uw, clocks: other.clocks() });
    }

    /// Keeps settings from before the first change.
    pub fn keep(&mut self, before: &Settings) {
        if self.cap_uw == 0 {
            self.cap_uw = before.cap_uw.unwrap_or_default();
        }
        if self.level == 0 {
            self.set_clocks(before.clocks);
        }
    }

    /// The folder of the PCI device.
    pub fn folder(&self) -> &[u8] {
        self.folder.split(|b| *b == 0).next().unwrap_or_default()
    }

    /// The file of the power cap in it.
    pub fn cap_file(&self) -> &str {
        let name = self.cap_file.split(|b| *b == 0).next().unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    pub fn clocks(&self) -> Option<ClockState> {
        let level = Level::from_amd_number(u32::try_from(self.level.checked_sub(1)?).ok()?)?;
        Some(ClockState { level: Some(level), graphics: unpack(self.graphics), memory: unpack(self.memory) })
    }

    fn set_clocks(&mut self, clocks: Option<ClockState>) {
        let clocks = clocks.unwrap_or_default();
        self.level = clocks.level.map_or(0, |l| 1 + u64::from(l.amd_number()));
        self.graphics = pack(clocks.graphics);
        self.memory = pack(clocks.memory);
    }
}

const MAX_GPUS: usize = 64;

/// All of a user's guards on a node, or those of one session.
#[repr(C)]
pub struct Claims {
    pub gpus: List<Gpu, MAX_GPUS>,
    pub claims: List<Claim, 4096>,
}

impl Claims {
    pub fn gpu(&self, gpu: u64) -> Option<&Gpu> {
        self.gpus.as_slice().iter().find(|g| g.gpu == gpu)
    }

    pub fn gpu_mut(&mut self, gpu: u64) -> Option<&mut Gpu> {
        self.gpus.as_mut_slice().iter_mut().find(|g| g.gpu == gpu)
    }

    pub fn of_gpu(&self, gpu: u64) -> impl DoubleEndedIterator<Item = &Claim> {
        self.claims.as_slice().iter().filter(move |c| c.gpu == gpu)
    }

    fn of(&self, gpu: u64, setting: Setting) -> impl DoubleEndedIterator<Item = &Claim> {
        self.of_gpu(gpu).filter(move |c| c.setting == setting as u64)
    }

    /// The claim becomes the last one of its guard and setting.
    pub fn put(&mut self, claim: Claim) -> Result<(), i32> {
        self.claims.retain(|c| c.key() != claim.key());
        self.claims.push(claim)
    }

    /// What has to be restored on a GPU where the claims that `is_gone` selects are given up: settings whose last claim is
    /// one of them.
    pub fn due(&self, gpu: &Gpu, is_gone: &dyn Fn(&Claim) -> bool) -> Settings {
        let in_force_is_gone = |s| self.of(gpu.gpu, s).next_back().is_some_and(is_gone);
        let kept = |s| self.of(gpu.gpu, s).rfind(|c| !is_gone(c));
        let cap = in_force_is_gone(Setting::PowerLimit).then(|| {
            let known = self.of(gpu.gpu, Setting::PowerLimit).rfind(|c| !is_gone(c) && c.value != 0);
            known.map_or(gpu.cap_uw, |c| c.value)
        });
        let (graphics, memory) = (kept(Setting::GraphicsClock), kept(Setting::MemoryClock));
        let is_due = in_force_is_gone(Setting::GraphicsClock) || in_force_is_gone(Setting::MemoryClock);
        let clocks = gpu.clocks().filter(|_| is_due).map(|first| {
            // Bounds: of a claim, from before where there is none, and any while unlocked.
            let bounds = |kept: Option<&Claim>, first| kept.map_or(first, |c| unpack(c.value));
            let is_locked = |kept: Option<&Claim>| kept.is_some_and(|c| c.value != 0);
            match (graphics, memory) {
                (None, None) => first,
                _ if is_locked(graphics) || is_locked(memory) => ClockState {
                    level: Some(Level::MANUAL),
                    graphics: bounds(graphics, first.graphics),
                    memory: bounds(memory, first.memory),
                },
                // Level auto brings back the bounds that it had, where it was in force.
                _ if first.level == Some(Level::AUTO) => first,
                _ => ClockState { level: Some(Level::AUTO), graphics: None, memory: None },
            }
        });
        Settings { cap_uw: cap.filter(|uw| *uw != 0), clocks }
    }

    /// What of `due` is in force because of the claims on this GPU, and with `exactly` as they say: what another program has
    /// changed since stays.
    pub fn explained(&self, gpu: &Gpu, due: Settings, now: &Settings, exactly: bool) -> Settings {
        let claimed = |s| self.of(gpu.gpu, s).map(|c| c.value);
        // A process that died during its change did not say what came of it: 0 explains anything.
        let is_unknown = |setting| !exactly && claimed(setting).any(|value| value == 0);
        let is_cap = |now| {
            let mut known = claimed(Setting::PowerLimit).chain([gpu.cap_uw]);
            gpu.cap_uw == 0 || is_unknown(Setting::PowerLimit) || known.any(|uw| uw / 1000 == now / 1000)
        };
        let bounds = |setting, first: Option<Bounds>, now: Option<Bounds>| {
            let is_like = |b: Bounds, n: Bounds| {
                let same = [n.min_mhz == b.min_mhz, n.max_mhz == b.max_mhz];
                same == [true; 2] || !exactly && same != [false; 2]
            };
            let shares = |b: Bounds| now.map_or(true, |n| is_like(b, n));
            let is_free = claimed(setting).next().is_none() || is_unknown(setting);
            is_free || claimed(setting).filter_map(unpack).chain(first).any(shares)
        };
        let is_clocks = |now: ClockState| {
            let first = gpu.clocks().unwrap_or_default();
            match now.level {
                None => true,
                Some(Level::MANUAL) => {
                    bounds(Setting::GraphicsClock, first.graphics, now.graphics)
                        && bounds(Setting::MemoryClock, first.memory, now.memory)
                }
                // Claims leave no other level; it would be another program's.
                level => level == Some(Level::AUTO) || level == first.level,
            }
        };
        Settings {
            cap_uw: due.cap_uw.filter(|_| now.cap_uw.map_or(true, is_cap)),
            clocks: due.clocks.filter(|_| now.clocks.map_or(true, is_clocks)),
        }
    }

    /// Forgets claims of a GPU, and the first settings that no claim refers to any more.
    pub fn remove(&mut self, gpu: u64, is_gone: &dyn Fn(&Claim) -> bool) {
        self.claims.retain(|c| c.gpu != gpu || !is_gone(c));
        let cap = self.of(gpu, Setting::PowerLimit).next().is_some();
        let clocks = self.of_gpu(gpu).any(|c| c.setting != Setting::PowerLimit as u64);
        if let Some(first) = self.gpu_mut(gpu) {
            if !cap {
                first.cap_uw = 0;
            }
            if !clocks {
                first.set_clocks(None);
            }
        }
        if !cap && !clocks {
            self.gpus.retain(|g| g.gpu != gpu);
        }
    }

    pub fn has(&self, claim: &Claim) -> bool {
        self.of_gpu(claim.gpu).any(|c| c.key() == claim.key())
    }

    pub fn remove_all(&mut self, is_gone: &dyn Fn(&Claim) -> bool) {
        for key in self.keys() {
            self.remove(key, is_gone);
        }
    }

    /// All GPUs.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        let (mut keys, gpus) = ([0; MAX_GPUS], self.gpus.as_slice());
        keys.iter_mut().zip(gpus).for_each(|(key, gpu)| *key = gpu.gpu);
        keys.into_iter().take(gpus.len())
    }
}
