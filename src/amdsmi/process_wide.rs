//! What all copies of this library in one process share: a wheel and a profiler may each bring one, and they use one
//! libamd_smi. The first copy makes a private mapping named `/memfd:zeus_amd-amdsmi`, which the others find in
//! `/proc/self/maps`. Without memfd_create or /proc each copy has its own.

use super::call_lock::CallLock;
use crate::error::Result;
use crate::platform::files::{if_readable, text};
use crate::platform::fork::PerProcess;
use std::ffi::CStr;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// The layout is fixed: copies of different versions read it. Fields are only appended, within one page.
#[repr(C)]
pub struct ProcessWide {
    magic: [u8; 16],
    /// CANDIDATE, LEADER or VOID.
    state: AtomicU32,
    /// Sessions of all copies that use libamd_smi.
    pub users: AtomicU32,
    /// Held during a call of libamd_smi where the release needs that, and during every init and shutdown.
    pub lock: CallLock,
}

const NAME: &CStr = c"zeus_amd-amdsmi";
const MAGIC: [u8; 16] = *b"zeus_amd-amdsmi1";
const CANDIDATE: u32 = 0;
const LEADER: u32 = 1;
const VOID: u32 = 2;

/// That of this process. Fails if this process lacks descriptors or memory to find it.
pub fn get() -> Result<&'static ProcessWide> {
    static FOUND: PerProcess<&'static ProcessWide> = PerProcess::new();
    let own = || &*Box::leak(Box::new(ProcessWide::new()));
    FOUND.get_or_try(|| Ok(find()?.unwrap_or_else(own))).copied()
}

impl ProcessWide {
    fn new() -> Self {
        ProcessWide {
            magic: MAGIC,
            state: AtomicU32::new(CANDIDATE),
            users: AtomicU32::new(0),
            lock: CallLock::default(),
        }
    }
}

fn find() -> Result<Option<&'static ProcessWide>> {
    if let Some(leader) = elect(&mapped()?) {
        return Ok(Some(leader));
    }
    if if_readable(Path::new("memfd_create"), map())?.is_none() {
        return Ok(None);
    }
    // Voided by a copy that saw one at a lower address: then that one is seen now.
    (0..100).find_map(|_| mapped().map(|all| elect(&all)).transpose()).transpose()
}

/// Makes one, visible only when it is complete. A forked child does not inherit it.
fn map() -> io::Result<()> {
    let new = ProcessWide::new();
    let size = std::mem::size_of::<ProcessWide>();
    // SAFETY: plain system calls; the bytes are those of a struct of integers without padding.
    unsafe {
        let fd = libc::memfd_create(NAME.as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        let written = libc::write(fd, std::ptr::from_ref(&new).cast(), size) == size as isize;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let address = libc::mmap(std::ptr::null_mut(), size, access, libc::MAP_PRIVATE, fd, 0);
        let error = io::Error::last_os_error();
        libc::close(fd);
        if address == libc::MAP_FAILED {
            return Err(error);
        }
        if !written || libc::madvise(address, size, libc::MADV_DONTFORK) != 0 {
            libc::munmap(address, size);
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    Ok(())
}

/// Those of all copies in this process, by address.
fn mapped() -> Result<Vec<&'static ProcessWide>> {
    let name = format!("/memfd:{} (deleted)", NAME.to_string_lossy());
    let maps = text(Path::new("/proc/self/maps"))?.unwrap_or_default();
    let address = |line: &str| usize::from_str_radix(line.split('-').next()?, 16).ok();
    let of_name = maps.lines().filter(|line| line.ends_with(&name)).filter_map(address);
    // SAFETY: a mapping of that name is this struct, of this or a later version, and is never unmapped.
    Ok(of_name.map(|address| unsafe { &*(address as *const ProcessWide) }).filter(|p| p.magic == MAGIC).collect())
}

/// The one that all copies use. Each makes the one with the lowest address the leader, after it has voided the others,
/// unless one of them is the leader already. `None`: the list has changed, or is empty.
fn elect(candidates: &[&'static ProcessWide]) -> Option<&'static ProcessWide> {
    let change = |p: &ProcessWide, to| p.state.compare_exchange(CANDIDATE, to, SeqCst, SeqCst).err();
    let valid: Vec<_> = candidates.iter().copied().filter(|p| p.state.load(SeqCst) != VOID).collect();
    if let Some(leader) = valid.iter().find(|p| p.state.load(SeqCst) == LEADER) {
        return Some(leader);
    }
    let (lowest, others) = valid.split_first()?;
    if let Some(leader) = others.iter().find(|p| change(p, VOID) == Some(LEADER)) {
        return Some(leader);
    }
    match change(lowest, LEADER) {
        None | Some(LEADER) => Some(lowest),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Copies that come at the same time, each with another view of the others, choose the same one.
    #[test]
    fn copies_agree() {
        for round in 0..200 {
            let all: Vec<&'static ProcessWide> = (0..4).map(|_| &*Box::leak(Box::new(ProcessWide::new()))).collect();
            // Copy i exists when those before it in the order of this round have scanned or are about to.
            let chosen: Vec<_> = std::thread::scope(|scope| {
                let copies: Vec<_> = (0..4)
                    .map(|i| {
                        let mut seen = all[(round + i) % 4..].to_vec();
                        let all = &all;
                        scope.spawn(move || loop {
                            if let Some(leader) = elect(&seen) {
                                return std::ptr::from_ref(leader) as usize;
                            }
                            seen.clone_from(all);
                        })
                    })
                    .collect();
                copies.into_iter().map(|c| c.join().unwrap()).collect()
            });
            let leaders = all.iter().filter(|p| p.state.load(SeqCst) == LEADER).count();
            assert_eq!(leaders, 1, "round {round}");
            assert!(chosen.iter().all(|c| *c == chosen[0]), "round {round}: {chosen:?}");
        }
    }

    #[test]
    fn a_second_search_finds_the_first_ones() {
        let first = find().unwrap().unwrap();
        assert!(std::ptr::eq(find().unwrap().unwrap(), first));
        assert!(std::ptr::eq(get().unwrap(), first));
    }
}
