//! Where readings come from: libamd_smi or the kernel's files, and what becomes of them when files or libraries fail.

#[path = "../common/mod.rs"]
mod common;

mod all;
mod alone;

mod asked;
mod choice;
mod faults;
mod hot;
