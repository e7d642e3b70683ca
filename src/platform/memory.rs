//! Memory in reserve. Rust's collections, texts and threads end the process where an allocation fails, and stable Rust has a
//! fallible form of few of them. So all allocations of this library come from malloc, and where that has none from a
//! reserve: the call in progress goes on, and a call that was to make an object then gives it back and reports NO_MEMORY.

use crate::error::{Error, Result};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Pages of it that were never used cost nothing.
const SIZE: usize = 1 << 20;

/// An allocator with a reserve. Without a lock, which a forked child might inherit.
pub struct Reserve {
    memory: Pages,
    /// Upper half: number of blocks in use; lower half: where the unused part begins.
    state: AtomicUsize,
    /// Number of blocks that the reserve has ever given.
    served: AtomicU64,
}

#[repr(align(4096))]
struct Pages(UnsafeCell<[u8; SIZE]>);

// SAFETY: each block of it belongs to one caller.
unsafe impl Sync for Pages {}

#[cfg_attr(feature = "reserve", global_allocator)]
static RESERVE: Reserve = Reserve::new();

const HALF: u32 = usize::BITS / 2;

fn pack(blocks: usize, top: usize) -> usize {
    blocks << HALF | top
}

fn unpack(state: usize) -> (usize, usize) {
    (state >> HALF, state & ((1 << HALF) - 1))
}

impl Reserve {
    const fn new() -> Self {
        Reserve { memory: Pages(UnsafeCell::new([0; SIZE])), state: AtomicUsize::new(0), served: AtomicU64::new(0) }
    }

    fn base(&self) -> *mut u8 {
        self.memory.0.get().cast()
    }

    #[inline]
    fn owns(&self, block: *mut u8) -> bool {
        (block as usize).wrapping_sub(self.base() as usize) < SIZE
    }

    #[cold]
    fn take(&self, layout: Layout) -> *mut u8 {
        let place = |state| {
            let (blocks, top) = unpack(state);
            let start = top.checked_next_multiple_of(layout.align())?;
            let end = start.checked_add(layout.size()).filter(|end| *end <= SIZE)?;
            Some((start, pack(blocks + 1, end)))
        };
        let taken = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| Some(place(state)?.1));
        let Some((start, _)) = taken.ok().and_then(place) else { return std::ptr::null_mut() };
        self.served.fetch_add(1, Ordering::AcqRel);
        // SAFETY: below SIZE.
        unsafe { self.base().add(start) }
    }

    #[cold]
    fn give_back(&self, block: *mut u8, size: usize) {
        let start = block as usize - self.base() as usize;
        let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            let (blocks, top) = unpack(state);
            // The last block's place is used again at once, all places when none is in use.
            let top = if start + size == top { start } else { top };
            Some(if blocks <= 1 { 0 } else { pack(blocks - 1, top) })
        });
    }

    fn served(&self) -> u64 {
        self.served.load(Ordering::Acquire)
    }
}

// SAFETY: blocks are malloc's, or parts of the reserve that no other block overlaps while in use.
unsafe impl GlobalAlloc for Reserve {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY (all below): as the caller promises.
        match unsafe { System.alloc(layout) } {
            block if block.is_null() => self.take(layout),
            block => block,
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            return block;
        }
        let block = self.take(layout);
        if !block.is_null() {
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if self.owns(block) {
            self.give_back(block, layout.size());
        } else {
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        if !self.owns(block) {
            let moved = unsafe { System.realloc(block, layout, size) };
            if !moved.is_null() {
                return moved;
            }
        }
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            unsafe {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
        }
        moved
    }
}

/// Whether the reserve serves while an object is made.
pub struct Watch(u64);

impl Watch {
    /// Fails if too much of the reserve is in use to begin.
    pub fn begin() -> Result<Watch> {
        if unpack(RESERVE.state.load(Ordering::Acquire)).1 > SIZE / 2 {
            return Err(exhausted());
        }
        Ok(Watch(RESERVE.served()))
    }

    /// Fails if an allocation has failed since the start.
    pub fn check(&self) -> Result<()> {
        if RESERVE.served() == self.0 {
            Ok(())
        } else {
            Err(exhausted())
        }
    }
}

fn exhausted() -> Error {
    Error::exhausted("memory of this process".into())
}

/// Makes an object, unless that took memory from the reserve.
pub fn make<T>(body: impl FnOnce() -> Result<T>) -> Result<Box<T>> {
    let watch = Watch::begin()?;
    let made = Box::new(body()?);
    watch.check()?;
    Ok(made)
}

#[cfg(not(feature = "testing"))]
#[inline(always)]
fn count() {}

#[cfg(feature = "testing")]
thread_local!(static ALLOCATIONS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });

#[cfg(feature = "testing")]
fn count() {
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

/// How often this thread has allocated.
#[cfg(feature = "testing")]
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.with(std::cell::Cell::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn blocks_do_not_overlap_and_come_back() {
        static OWN: Reserve = Reserve::new();
        let reserve = &OWN;
        let sizes = [(1, 1), (100, 8), (4096, 4096), (3, 1), (64, 64)];
        let blocks: Vec<(usize, usize)> = sizes
            .iter()
            .map(|&(size, align)| {
                let block = reserve.take(layout(size, align)) as usize;
                assert!(block % align.min(4096) == 0 && reserve.owns(block as *mut u8));
                (block, size)
            })
            .collect();
        assert!(blocks.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "{blocks:?}");
        assert!(reserve.take(layout(SIZE, 1)).is_null(), "not more than it has");
        let (last, size) = blocks[4];
        reserve.give_back(last as *mut u8, size);
        assert_eq!(reserve.take(layout(64, 64)) as usize, last, "the last one's place at once");
        blocks.iter().for_each(|(block, size)| reserve.give_back(*block as *mut u8, *size));
        assert!(!reserve.take(layout(SIZE, 1)).is_null(), "all of it when none is in use");
        assert_eq!(reserve.served(), 7);
    }
}
