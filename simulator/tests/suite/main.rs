//! The tests of the simulator in one program, which is linked once.

// What they share is theirs, so that each is as good as alone.
#![allow(clippy::duplicate_mod)]

#[path = "../abi.rs"]
mod abi;
#[path = "../behaviour.rs"]
mod behaviour;
#[path = "../driver.rs"]
mod driver;
#[path = "../formula.rs"]
mod formula;
#[path = "../parts.rs"]
mod parts;
#[path = "../tree.rs"]
mod tree;
#[path = "../whole.rs"]
mod whole;
