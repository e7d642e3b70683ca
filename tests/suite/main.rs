//! The integration tests in one program, which is linked once. Each file is a module: `cargo test windows::`.

// What they share is theirs, so that each is as good as alone.
#![allow(clippy::duplicate_mod, clippy::module_inception)]

#[path = "../any_machine.rs"]
mod any_machine;
#[path = "../architecture.rs"]
mod architecture;
#[path = "../backends/main.rs"]
mod backends;
#[path = "../cases.rs"]
mod cases;
#[path = "../control.rs"]
mod control;
#[path = "../counter_validation.rs"]
mod counter_validation;
#[path = "../device_order.rs"]
mod device_order;
#[path = "../errors.rs"]
mod errors;
#[path = "../examples.rs"]
mod examples;
#[path = "../exhaustion.rs"]
mod exhaustion;
#[path = "../exports.rs"]
mod exports;
#[path = "../ffi_contract.rs"]
mod ffi_contract;
#[path = "../foreign.rs"]
mod foreign;
#[path = "../fuzz.rs"]
mod fuzz;
#[path = "../getters.rs"]
mod getters;
#[path = "../guard.rs"]
mod guard;
#[path = "../header.rs"]
mod header;
#[path = "../header_compiles.rs"]
mod header_compiles;
#[path = "../life.rs"]
mod life;
#[path = "../node.rs"]
mod node;
#[path = "../power_cap.rs"]
mod power_cap;
#[path = "../process.rs"]
mod process;
#[path = "../readings.rs"]
mod readings;
mod readme;
#[path = "../run_tool/main.rs"]
mod run_tool;
#[path = "../sampler.rs"]
mod sampler;
#[path = "../soak.rs"]
mod soak;
#[path = "../threads.rs"]
mod threads;
#[path = "../unprivileged_user.rs"]
mod unprivileged_user;
#[path = "../window_cost.rs"]
mod window_cost;
#[path = "../windows.rs"]
mod windows;
