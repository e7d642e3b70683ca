//! Handles: addresses that mean something to the library only, and no longer after the last shut_down.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Mutex;

use super::context::{lock, Context};
use super::status::*;

#[derive(Clone, Copy)]
enum Kind {
    Socket(usize),
    Processor(usize),
    Node,
}

/// What init makes and the last shut_down ends.
#[derive(Default)]
pub struct Life {
    pub count: u32,
    sockets: Vec<usize>,
    processors: Vec<usize>,
    node: usize,
    /// All addresses ever handed out; those of an earlier life are dangling.
    known: Option<HashMap<usize, (Kind, u64)>>,
    /// Memory of processors: shut_down frees it and the next init takes it again, in another order.
    memory: Vec<usize>,
    generation: u64,
}

pub static LIFE: Mutex<Life> = Mutex::new(Life {
    count: 0,
    sockets: Vec::new(),
    processors: Vec::new(),
    node: 0,
    known: None,
    memory: Vec::new(),
    generation: 0,
});

/// Names of sockets in order, and for each processor the socket it sits on.
pub fn sockets(cx: &Context) -> (Vec<String>, Vec<usize>) {
    let mut names: Vec<String> = Vec::new();
    let mut of = Vec::new();
    for p in &cx.processors {
        let b = p.bdf;
        let name = if cx.release.socket_has_function() {
            format!("{:04X}:{:02X}:{:02X}.{:02}", b.domain, b.bus, b.device, b.function)
        } else {
            format!("{:04X}:{:02X}:{:02X}", b.domain, b.bus, b.device)
        };
        of.push(names.iter().position(|n| *n == name).unwrap_or(names.len()));
        if *of.last().unwrap_or(&0) == names.len() {
            names.push(name);
        }
    }
    (names, of)
}

impl Life {
    /// Makes new handles. Those of processors have addresses of an earlier life where the release lets that happen: the
    /// second processor's old one is the first's now, and so on.
    pub fn begin(&mut self, cx: &Context, gpus: bool) {
        self.generation += 1;
        let generation = self.generation;
        let known = self.known.get_or_insert_with(HashMap::new);
        let mut fresh = |kind| {
            let address = Box::leak(Box::new([0u64; 8])).as_ptr() as usize;
            known.insert(address, (kind, generation));
            address
        };
        let (names, _) = sockets(cx);
        let n = if gpus { cx.processors.len() } else { 0 };
        self.sockets = (0..if gpus { names.len() } else { 0 }).map(|i| fresh(Kind::Socket(i))).collect();
        while self.memory.len() <= n && !cx.release.knows_stale_handles() {
            self.memory.push(fresh(Kind::Node));
        }
        let room = self.memory.len();
        self.processors = match room {
            0 => (0..n).map(|i| fresh(Kind::Processor(i))).collect(),
            _ => (0..n).map(|i| self.memory[(i + generation as usize) % room]).collect(),
        };
        self.node = fresh(Kind::Node);
        known.extend(
            self.processors.iter().enumerate().map(|(i, address)| (*address, (Kind::Processor(i), generation))),
        );
    }

    pub fn sockets(&self) -> &[usize] {
        &self.sockets
    }

    pub fn processors(&self) -> &[usize] {
        &self.processors
    }

    fn find(&self, handle: *mut c_void) -> Result<(Kind, bool), u32> {
        if self.count == 0 {
            return Err(NOT_INIT);
        }
        if handle.is_null() {
            return Err(INVAL);
        }
        let (kind, generation) =
            self.known.as_ref().and_then(|k| k.get(&(handle as usize))).copied().ok_or(NOT_FOUND)?;
        Ok((kind, generation == self.generation))
    }
}

/// The index of a processor handle.
pub fn processor(cx: &Context, handle: *mut c_void) -> Result<usize, u32> {
    let (found, has_gpus) = {
        let life = lock(&LIFE);
        (life.find(handle)?, !life.processors.is_empty())
    };
    match found {
        (Kind::Processor(i), true) => Ok(i),
        // In the real library a use after free: 31 in 6.4, an answer from dead memory elsewhere. The log shows it. Where the
        // process initialised it for CPUs only there are no GPUs.
        (Kind::Processor(i), false) => {
            cx.log(&format!("STALE-HANDLE processor {i}"));
            if cx.release.knows_stale_handles() || !has_gpus {
                Err(NOT_FOUND)
            } else {
                Ok(i)
            }
        }
        _ => Err(NOT_FOUND),
    }
}

/// The index of a socket handle.
pub fn socket(handle: *mut c_void) -> Result<usize, u32> {
    match lock(&LIFE).find(handle)? {
        (Kind::Socket(i), _) => Ok(i),
        _ => Err(NOT_FOUND),
    }
}
