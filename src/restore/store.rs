//! Where claims are kept: in a file that all guards of a user share, or in memory that a process shares with its watchdog.
//!
//! Two slots: the one that is not valid is written and then made valid by its number and checksum, so a process may die at
//! any point. The file is locked from reading to writing; the kernel releases the lock of a process that dies. No
//! allocation: the watchdog reads and writes claims too.

use super::claims::Claims;
use super::syscalls::{self, Fd};
use crate::error::is_exhausted_errno;
use std::ffi::CStr;
use std::mem::size_of;

const MAGIC: u64 = u64::from_le_bytes(*b"zeusamd1");
/// Room for a slot.
const SLOT: usize = 0x50000;
/// Size of a memory that holds claims.
pub const MEMORY: usize = 2 * SLOT;
/// How long to wait for another process, which changes one setting. Where many take turns, each may take so long.
const PATIENCE_MS: u64 = 10_000;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Header {
    magic: u64,
    generation: u64,
    checksum: u64,
    gpus: u64,
    claims: u64,
}

const _: () = assert!(size_of::<Header>() + size_of::<Claims>() <= SLOT);

/// Plain data as bytes.
fn bytes<T: Copy>(items: &[T]) -> &[u8] {
    // SAFETY: repr(C) structs of numbers without padding.
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), std::mem::size_of_val(items)) }
}

fn bytes_mut<T: Copy>(items: &mut [T]) -> &mut [u8] {
    // SAFETY: as above; any bytes are a value.
    unsafe { std::slice::from_raw_parts_mut(items.as_mut_ptr().cast(), std::mem::size_of_val(items)) }
}

/// Memory of [`MEMORY`] bytes that another process may share.
#[derive(Clone, Copy)]
pub struct Memory(pub *mut u8);

pub enum Store<'a> {
    File { fd: Fd, path: &'a CStr },
    Memory(Memory),
}

impl Store<'_> {
    fn read_at(&self, room: &mut [u8], offset: usize) -> Result<(), i32> {
        match self {
            Store::File { fd, .. } => {
                let read = fd.read_at(room, offset)?;
                room[read..].fill(0);
            }
            // SAFETY: offsets are below MEMORY.
            Store::Memory(m) => unsafe { std::ptr::copy(m.0.add(offset), room.as_mut_ptr(), room.len()) },
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: usize) -> Result<(), i32> {
        match self {
            Store::File { fd, .. } => fd.write_at(bytes, offset),
            Store::Memory(m) => {
                // SAFETY: as above.
                unsafe { std::ptr::copy(bytes.as_ptr(), m.0.add(offset), bytes.len()) };
                Ok(())
            }
        }
    }
}

/// Why the file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// Another process holds it for too long.
    Locked,
    /// It belongs to another user, or others may write to it.
    Foreign,
    /// This process lacks descriptors or memory for the moment.
    Exhausted(i32),
    /// There can be no such file here.
    Unusable(i32),
}

impl From<i32> for StoreError {
    fn from(errno: i32) -> StoreError {
        match errno {
            errno if is_exhausted_errno(errno) => StoreError::Exhausted(errno),
            _ => StoreError::Unusable(errno),
        }
    }
}

/// What to do about a lock that is not released.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Impatience {
    Fail,
    /// A watchdog restores at last without it.
    GoOn,
}

/// Increases with each change of the claims.
fn generation(file: &Fd) -> u64 {
    let mut headers = [Header::default(); 2];
    for (slot, header) in headers.iter_mut().enumerate() {
        let _ = file.read_at(bytes_mut(std::slice::from_mut(header)), slot * SLOT);
    }
    headers[0].generation.max(headers[1].generation)
}

/// Claims that were read, and locked against changes by others until this is dropped.
pub struct Transaction<'a> {
    store: Store<'a>,
    pub data: &'a mut Claims,
    /// The slot that is valid, and its number.
    valid: Option<(usize, u64)>,
}

impl<'a> Transaction<'a> {
    /// Opens the file. `None`: there is none, and it is not to be created.
    pub fn file(
        path: &'a CStr,
        create: bool,
        impatience: Impatience,
        data: &'a mut Claims,
    ) -> Result<Option<Transaction<'a>>, StoreError> {
        // Beyond the limit of this process a write is a signal that ends it.
        if syscalls::file_size_limit() < MEMORY as u64 {
            return Err(StoreError::Unusable(libc::EFBIG));
        }
        let (mut waited_ms, mut seen) = (0, (0, 0));
        loop {
            let create = if create { libc::O_CREAT } else { 0 };
            let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK | create;
            let fd = match Fd::open(path, flags) {
                Err(libc::ENOENT) if create == 0 => return Ok(None),
                fd => fd?,
            };
            let has_lock = fd.try_lock()?;
            let stat = fd.stat()?;
            // SAFETY: only asks the kernel.
            let is_own = stat.st_uid == unsafe { libc::geteuid() };
            let is_safe = stat.st_mode & (libc::S_IFMT | 0o077) == libc::S_IFREG && stat.st_nlink <= 1;
            if !is_own || !is_safe {
                return Err(StoreError::Foreign);
            }
            let turn = (stat.st_ino, generation(&fd));
            if turn != seen {
                (seen, waited_ms) = (turn, 0);
            }
            // Without a link: the last claim went in the meantime, and the file with it.
            if stat.st_nlink == 1 && (has_lock || waited_ms >= PATIENCE_MS && impatience == Impatience::GoOn) {
                let store = Store::File { fd, path };
                return Ok(Self::load(store, data).map(Some)?);
            }
            if waited_ms >= PATIENCE_MS {
                return Err(StoreError::Locked);
            }
            drop(fd);
            let pause = (1 + waited_ms / 8).min(10);
            waited_ms += pause;
            syscalls::pause_ms(pause);
        }
    }

    pub fn memory(memory: Memory, data: &'a mut Claims) -> Transaction<'a> {
        let mut found = Transaction { store: Store::Memory(memory), data, valid: None };
        // Memory has no errors.
        let _ = found.read();
        found
    }

    fn load(store: Store<'a>, data: &'a mut Claims) -> Result<Transaction<'a>, i32> {
        let mut found = Transaction { store, data, valid: None };
        found.read()?;
        Ok(found)
    }

    /// The valid slot with the highest number; empty if there is none.
    fn read(&mut self) -> Result<(), i32> {
        let mut headers = [Header::default(); 2];
        for (slot, header) in headers.iter_mut().enumerate() {
            self.store.read_at(bytes_mut(std::slice::from_mut(header)), slot * SLOT)?;
        }
        let newest = usize::from(headers[1].generation > headers[0].generation);
        for slot in [newest, 1 - newest] {
            let header = headers[slot];
            self.data.gpus.set_len(header.gpus as usize);
            self.data.claims.set_len(header.claims as usize);
            let counts = (self.data.gpus.len() as u64, self.data.claims.len() as u64);
            if header.magic != MAGIC || counts != (header.gpus, header.claims) {
                continue;
            }
            let at = slot * SLOT + size_of::<Header>();
            let gpus = bytes_mut(self.data.gpus.as_mut_slice());
            self.store.read_at(gpus, at)?;
            let at = at + gpus.len();
            self.store.read_at(bytes_mut(self.data.claims.as_mut_slice()), at)?;
            if header.checksum == self.checksum(header.generation) {
                self.valid = Some((slot, header.generation));
                return Ok(());
            }
        }
        self.data.gpus.set_len(0);
        self.data.claims.set_len(0);
        Ok(())
    }

    /// FNV-1a.
    fn checksum(&self, generation: u64) -> u64 {
        let parts = [bytes(self.data.gpus.as_slice()), bytes(self.data.claims.as_slice())];
        let all = parts.into_iter().flatten().copied().chain(generation.to_le_bytes());
        all.fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
    }

    /// Whether there is space for a first claim.
    pub fn reserve(&self) -> Result<(), i32> {
        match &self.store {
            Store::File { fd, .. } => (0..2).try_for_each(|slot| fd.reserve(slot * SLOT, 4096)),
            Store::Memory(_) => Ok(()),
        }
    }

    /// Makes the changed claims the valid ones. A file without claims is removed.
    pub fn publish(&mut self) -> Result<(), i32> {
        let (gpus, claims) = (bytes(self.data.gpus.as_slice()), bytes(self.data.claims.as_slice()));
        if let Store::File { fd, path } = &self.store {
            if gpus.is_empty() && claims.is_empty() {
                syscalls::unlink(path);
                return Ok(());
            }
            // Both, so that giving up a claim never lacks space.
            for slot in 0..2 {
                fd.reserve(slot * SLOT, size_of::<Header>() + gpus.len() + claims.len())?;
            }
        }
        let (slot, generation) = self.valid.map_or((0, 1), |(slot, generation)| (1 - slot, generation + 1));
        let at = slot * SLOT + size_of::<Header>();
        self.store.write_at(gpus, at)?;
        self.store.write_at(claims, at + gpus.len())?;
        let (gpus, claims) = (self.data.gpus.len() as u64, self.data.claims.len() as u64);
        let header = Header { magic: MAGIC, generation, checksum: self.checksum(generation), gpus, claims };
        self.store.write_at(bytes(&[header]), slot * SLOT)?;
        self.valid = Some((slot, generation));
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if let Store::File { fd, .. } = &self.store {
            fd.unlock();
        }
    }
}
