//! The claims of one session: in a file of the user's, and once more in memory that the watchdog shares, for a node where
//! there can be no file, and for a file that another program removes.

use super::claims::{Claim, Claims, Owner, Setting};
use super::settle::{settle, start_time, Restorer};
use super::store::{Impatience, Memory, StoreError, Transaction, MEMORY};
use crate::control::{Settings, Text};
use std::io;
use std::mem::size_of;
use std::ops::Range;

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
    /// The first one that can be used is; the second one as long as it is there.
    paths: [Path; 2],
}

/// A path with its NUL.
pub type Path = Text<1024>;

// SAFETY: the mappings are its own.
unsafe impl Send for SessionClaims {}

impl SessionClaims {
    pub fn new(paths: [Path; 2], session: u64) -> io::Result<SessionClaims> {
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
        // SAFETY: just mapped.
        unsafe { std::ptr::addr_of_mut!((*scratch).paths).write(paths) };
        Ok(claims)
    }

    /// Where its parts are.
    pub fn addresses(&self) -> [Range<usize>; 3] {
        let of = |address: usize, size: usize| address..address + size;
        [
            of(std::ptr::from_ref(self) as usize, size_of::<SessionClaims>()),
            of(self.scratch as usize, size_of::<Scratch>()),
            of(self.memory.0 as usize, MEMORY),
        ]
    }

    fn scratch(&mut self) -> &mut Scratch {
        // SAFETY: mapped while this lives, and borrowed as this is; zeroes are claims.
        unsafe { &mut *self.scratch }
    }

    /// The file, created if necessary, and the memory.
    pub fn open(&mut self) -> (Result<Transaction<'_>, StoreError>, Transaction<'_>) {
        let memory = self.memory;
        let Scratch { of_file, of_memory, paths: [first, second] } = self.scratch();
        fn open<'a>(path: &'a Path, create: bool, data: &'a mut Claims) -> Result<Option<Transaction<'a>>, StoreError> {
            let mut file = Transaction::file(path.as_c_str()?, create, Impatience::Fail, data)?;
            if let Some(Err(errno)) = file.as_ref().map(Transaction::reserve) {
                // A file without claims is removed.
                let _ = file.as_mut().filter(|f| f.data.claims.len() == 0).map(Transaction::publish);
                return Err(errno.into());
            }
            Ok(file)
        }
        let (first, second) = (&*first, &*second);
        let order = [(second, false), (first, true), (second, true)];
        let mut file = Err(StoreError::Unusable(libc::ENOENT));
        for (path, create) in order {
            // SAFETY: the transaction of a path that failed is gone.
            let data = unsafe { &mut *std::ptr::from_mut(of_file) };
            match open(path, create, data) {
                Ok(None) => {}
                Ok(Some(opened)) => {
                    file = Ok(opened);
                    break;
                }
                Err(e @ (StoreError::Locked | StoreError::Exhausted(_))) => {
                    file = Err(e);
                    break;
                }
                Err(e) => file = Err(e),
            }
        }
        (file, Transaction::memory(memory, of_memory))
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
        Transaction::memory(memory, &mut self.scratch().of_memory)
    }

    /// Gives up the claims of this guard and of those that were begun after it, and of all processes that died. True:
    /// everything is restored. What is not stays claimed.
    pub fn give_up(
        &mut self,
        guard: u64,
        impatience: Impatience,
        is_watchdog: bool,
        restorer: &mut dyn Restorer,
    ) -> Result<bool, StoreError> {
        let (memory, owner) = (self.memory, self.owner);
        let Scratch { of_file, of_memory, paths } = self.scratch();
        let is_own = |c: &Claim| c.owner == owner && c.guard >= guard;
        let mut memory = Transaction::memory(memory, of_memory);
        let has_claims = memory.data.claims.as_slice().iter().any(is_own);
        memory.data.claims.as_mut_slice().iter_mut().filter(|c| c.file != 0).for_each(|c| c.file = Claim::LOST);
        memory.publish()?;
        let mut all_back = true;
        for (number, path) in (1..).zip(paths.iter()) {
            let mut file = match Transaction::file(path.as_c_str()?, false, impatience, of_file) {
                Ok(Some(file)) => file,
                Err(e @ (StoreError::Locked | StoreError::Exhausted(_))) if has_claims => return Err(e),
                Ok(None) | Err(_) => continue,
            };
            for claim in memory.data.claims.as_mut_slice() {
                if file.data.has(claim) {
                    claim.file = number;
                }
            }
            all_back &= settle(&mut file, &is_own, true, true, restorer)?;
            memory.data.remove_all(&|c| c.file == number && !file.data.has(c));
            memory.publish()?;
        }
        drop(memory);
        Ok(all_back & self.give_up_in_memory(guard, is_watchdog, restorer)?)
    }

    /// Where there can be no file, or another program has removed it, the memory serves for it. To a watchdog it appears the
    /// same when another guard has restored for the dead before it.
    fn give_up_in_memory(
        &mut self,
        guard: u64,
        is_watchdog: bool,
        restorer: &mut dyn Restorer,
    ) -> Result<bool, StoreError> {
        let is_left = |c: &Claim, file| c.guard >= guard && c.file == file;
        if !self.read_memory().data.claims.as_slice().iter().any(|c| is_left(c, 0) || is_left(c, Claim::LOST)) {
            return Ok(true);
        }
        // With the lock that changes take, where there can be one.
        let (mut lock, mut memory) = self.open();
        let mut all_back = settle(&mut memory, &|c| is_left(c, 0), false, true, restorer)?;
        all_back &= settle(&mut memory, &|c| is_left(c, Claim::LOST), false, !is_watchdog, restorer)?;
        // A file without claims is removed.
        let _ = lock.as_mut().map(|file| file.data.claims.len() > 0 || file.publish().is_ok());
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
