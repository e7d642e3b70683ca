//! What is recorded of a change of settings before it is made, what it has become, and how the record is withdrawn.

use super::claims::{key, pack, Claim, Claims, Gpu, Owner, Setting};
use crate::control::{Change, Controller, Level, Settings};
use crate::error::{Error, Result};
use crate::gpu::Clock;
use std::os::unix::ffi::OsStrExt;

/// A change with its claims.
pub struct ClaimedChange {
    pub claims: Vec<Claim>,
    /// The settings that the change affects, as they were before it.
    pub before: Settings,
    /// The GPU, and its settings from before the first change.
    pub first: Gpu,
}

impl ClaimedChange {
    /// Saves the current settings and prepares the claims, without values until the change is made. With the requested values,
    /// and a process that dies before its change, the old setting would pass for another program's change.
    pub fn new(controller: &Controller, change: &Change, owner: Owner, guard: u64) -> Result<ClaimedChange> {
        let before = controller.save(change)?;
        let gpu = key(controller.pci());
        let (folder, cap_file) = (controller.folder().as_os_str(), controller.power_cap_file()?);
        let first = Gpu::new(gpu, folder.as_bytes(), cap_file.as_os_str().as_bytes());
        let first = first.map_err(|errno| Error::io("a path in sysfs", std::io::Error::from_raw_os_error(errno)))?;
        let affected = match *change {
            Change::PowerLimit { .. } | Change::ResetPowerLimit => vec![Setting::PowerLimit],
            Change::Lock(clock, _) | Change::Reset(Some(clock)) => vec![clock.into()],
            Change::Reset(None) => vec![Setting::GraphicsClock, Setting::MemoryClock],
        };
        let claim = |setting| Claim { owner, guard, gpu, setting: setting as u64, value: 0, file: 0 };
        Ok(ClaimedChange { claims: affected.into_iter().map(claim).collect(), before, first })
    }

    /// Adds the claims. Returns the GPU's settings from before the first change, including those that were already known.
    pub fn add(&self, to: &mut Claims, first: Gpu) -> std::result::Result<Gpu, i32> {
        if to.gpu(first.gpu).is_none() {
            to.gpus.push(first)?;
        }
        let known = to.gpu_mut(first.gpu).ok_or(libc::ENOMEM)?;
        known.keep_of(&first);
        known.keep(&self.before);
        let known = *known;
        self.claims.iter().try_for_each(|claim| to.put(*claim))?;
        Ok(known)
    }

    pub fn set_values(&self, on: &mut Claims, now: &Settings) {
        for claim in on.claims.as_mut_slice() {
            if self.claims.iter().any(|c| c.key() == claim.key()) {
                claim.value = in_force(now, claim.setting);
            }
        }
    }

    pub fn withdraw(&self, from: &mut Claims, old: &[Claim]) {
        from.claims.set_len(0);
        for claim in old {
            let _ = from.claims.push(*claim);
        }
        from.remove(self.first.gpu, &|_| false);
    }
}

fn in_force(now: &Settings, setting: u64) -> u64 {
    let clocks = now.clocks.filter(|c| c.level == Some(Level::MANUAL));
    let clock = [Clock::Graphics, Clock::Memory].into_iter().find(|c| Setting::from(*c) as u64 == setting);
    match clock {
        Some(clock) => pack(clocks.and_then(|c| c.of(clock))),
        None => now.cap_uw.unwrap_or_default(),
    }
}
