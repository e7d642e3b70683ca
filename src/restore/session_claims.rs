//! The claims of one session: in the user's file, and once more in memory that the watchdog shares, for a node where there
//! can be no file, and for a file that somebody removes.

use super::claims::{Claim, Claims, Owner, Setting};
use super::settle::{settle, start_time, Restorer};
use super::store::{Impatience, Memory, StoreError, Transaction, MEMORY};
use crate::control::Settings;
use std::ffi::CStr;
use std::io;
use std::mem::size_of;

/// Needs no allocation once it is made, so the watchdog can use its copy.
pub struct SessionClaims {
    pub owner: Owner,
    /// Private: what is read from the file, and from the memory.
    scratch: *mut Scratch,
    memory: Memory,
}

#[repr(C)]
struct Scratch {
    of_file: Claims,
    of_memory: Claims,
    path: [u8; 1024],
}

// SAFETY: the mappings are its own.
unsafe impl Send for SessionClaims {}

impl SessionClaims {
    pub fn new(path: &CStr, session: u64) -> io::Result<SessionClaims> {
        let map = |size: usize, flags: i32| {
            // SAFETY: fresh pages, checked.
            let p = unsafe {
                let protection = libc::PROT_READ | libc::PROT_WRITE;
                libc::mmap(std::ptr::null_mut(), size, protection, flags | libc::MAP_ANONYMOUS, -1, 0)
            };
            if p == libc::MAP_FAILED {
                Err(io::Error::last_os_error())
            } else {
                Ok(p.cast::<u8>())
            }
        };
        let pid = u64::from(std::process::id());
        let start_time = start_time(pid).map_err(io::Error::from_raw_os_error)?.unwrap_or_default();
        let scratch = map(size_of::<Scratch>(), libc::MAP_PRIVATE)?.cast::<Scratch>();
        let owner = Owner { pid, start_time, session };
        let mut claims = SessionClaims { owner, scratch, memory: Memory(std::ptr::null_mut()) };
        claims.memory = Memory(map(MEMORY, libc::MAP_SHARED)?);
        // SAFETY: just mapped; zeroes are a value.
        let to = unsafe { &mut (*scratch).path };
        let path = path.to_bytes_with_nul();
        let room = to.get_mut(..path.len()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENAMETOOLONG))?;
        room.copy_from_slice(path);
        Ok(claims)
    }

    pub fn addresses(&self) -> [usize; 2] {
        [self.scratch as usize, self.memory.0 as usize]
    }

    fn scratch(&mut self) -> (&mut Claims, &mut Claims, &CStr) {
        // SAFETY: mapped while this lives, and borrowed as this is.
        let Scratch { of_file, of_memory, path } = unsafe { &mut *self.scratch };
        (of_file, of_memory, CStr::from_bytes_until_nul(path).unwrap_or_default())
    }

    /// The file, created if necessary, and the memory.
    pub fn open(&mut self) -> (Result<Transaction<'_>, StoreError>, Transaction<'_>) {
        let memory = self.memory;
        let (of_file, of_memory, path) = self.scratch();
        let file = Transaction::file(path, true, Impatience::Fail, of_file);
        (file.and_then(|f| f.ok_or(StoreError::Unusable(libc::ENOENT))), Transaction::memory(memory, of_memory))
    }

    /// What the end of a guard and of those that were begun after it restores on a GPU, and which settings it has changed
    /// itself.
    pub fn held(&mut self, guard: u64, gpu: u64) -> (Settings, impl Fn(Setting) -> bool) {
        let found = self.read_memory();
        let due = found.data.gpu(gpu).map(|first| found.data.due(first, &|c| c.guard >= guard)).unwrap_or_default();
        let own = found.data.of_gpu(gpu).filter(|c| c.guard == guard).fold(0, |bits, c| bits | c.setting);
        let has = move |setting: Setting| own & setting as u64 != 0;
        (Settings { cap_uw: due.cap_uw.filter(|_| has(Setting::PowerLimit)), ..due }, has)
    }

    /// Whether this guard or one that was begun after it holds claims.
    pub fn has_claims(&mut self, guard: u64) -> bool {
        self.read_memory().data.claims.as_slice().iter().any(|c| c.guard >= guard)
    }

    fn read_memory(&mut self) -> Transaction<'_> {
        let memory = self.memory;
        Transaction::memory(memory, self.scratch().1)
    }

    /// Gives up the claims of this guard and of those that were begun after it, and of all processes that died. True:
    /// everything is restored. What is not stays claimed.
    pub fn give_up(
        &mut self,
        guard: u64,
        impatience: Impatience,
        restorer: &mut dyn Restorer,
    ) -> Result<bool, StoreError> {
        let (memory, owner) = (self.memory, self.owner);
        let (of_file, of_memory, path) = self.scratch();
        let is_own = |c: &Claim| c.owner == owner && c.guard >= guard;
        let mut memory = Transaction::memory(memory, of_memory);
        let has_claims = memory.data.claims.as_slice().iter().any(is_own);
        // Where the file is not there any more, or was never usable, the memory serves for it.
        let (mut in_file, mut all_back) = (false, true);
        match Transaction::file(path, false, impatience, of_file) {
            Err(StoreError::Locked | StoreError::Exhausted(_)) if !has_claims => {}
            Err(e @ (StoreError::Locked | StoreError::Exhausted(_))) => return Err(e),
            Err(_) | Ok(None) => {}
            Ok(Some(mut file)) => {
                in_file = file.data.claims.as_slice().iter().any(|c| c.owner == owner);
                all_back = settle(&mut file, &is_own, true, restorer)?;
                let left = |c: &Claim| file.data.claims.as_slice().iter().any(|f| f.key() == c.key());
                memory.data.remove_all(&|c| in_file && is_own(c) && !c.is_local() && !left(c));
                memory.publish()?;
            }
        }
        all_back &= settle(&mut memory, &|c| is_own(c) && (c.is_local() || !in_file), false, restorer)?;
        Ok(all_back)
    }
}

impl Drop for SessionClaims {
    fn drop(&mut self) {
        // SAFETY: mapped with these sizes; the memory may be missing.
        unsafe {
            libc::munmap(self.scratch.cast(), size_of::<Scratch>());
            if !self.memory.0.is_null() {
                libc::munmap(self.memory.0.cast(), MEMORY);
            }
        }
    }
}
