//! gpu_metrics and hwmon without libamd_smi: against the simulated machine's truth, a parser that somebody else wrote, a
//! slow reading by the facts, and a million inputs that nobody would write.

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod file;
mod libdrm;
mod machines;
#[path = "../common/random.rs"]
mod numbers;
mod random;
mod reference_parser;

use numbers::Random;
use zeus_amd::allocations;

/// All revisions with fixed places, and their sizes.
const FIXED: [(u8, u8, u16); 15] = [
    (1, 0, 80),
    (1, 1, 96),
    (1, 2, 104),
    (1, 3, 120),
    (1, 4, 288),
    (1, 5, 360),
    (1, 6, 1664),
    (1, 7, 2208),
    (1, 8, 3872),
    (2, 0, 120),
    (2, 1, 120),
    (2, 2, 128),
    (2, 3, 152),
    (2, 4, 168),
    (3, 0, 264),
];

/// A table of so many bytes `fill`, whose header is right.
fn table((major, minor, size): (u8, u8, u16), fill: u8) -> Vec<u8> {
    let mut bytes = vec![fill; usize::from(size)];
    bytes[..2].copy_from_slice(&size.to_le_bytes());
    (bytes[2], bytes[3]) = (major, minor);
    bytes
}
