//! Where readings come from: libamd_smi or the kernel's files, and what becomes of them when files or libraries fail.

#[path = "../common/mod.rs"]
mod common;

mod all;
mod sysfs_only;

mod client;
mod faults;
mod hangs;
mod libdrm;
mod other_gpu;
mod read_cost;
mod source_selection;
