//! Measures and controls the power and energy of AMD GPUs.
//!
//! This crate is the Rust core of `libzeus_amd.so`, a C library for HPC codes, energy profilers and other languages. Its
//! C interface is documented in `include/zeus_amd.h`. Rust programs may use the types below instead; unlike the
//! C interface they are not stable yet.
//!
//! # Example
//!
//! Energy of a piece of work, with its uncertainty:
//!
//! ```no_run
//! fn main() -> zeus_amd::Result<()> {
//!     let session = zeus_amd::Session::open(&zeus_amd::Options::default())?;
//!     let window = session.begin_window()?;
//!     // Run work on the GPUs, and wait until it has finished.
//!     let total = window.read(|index, gpu| match &gpu.interval {
//!         Some(energy) => println!("GPU {index}: {} mW by {:?}", energy.mean_mw(), energy.method),
//!         None => println!("GPU {index}: no energy ({})", gpu.counter_state.why()),
//!     });
//!     println!(
//!         "{} packages: {:.1} J +- {:.1} J",
//!         total.packages,
//!         total.energy_pj as f64 * 1e-12,
//!         total.uncertainty_pj as f64 * 1e-12
//!     );
//!     Ok(())
//! }
//! ```
//!
//! # Supported GPUs and ROCm releases
//!
//! | GPU | energy from |
//! |---|---|
//! | MI350X, MI355X, MI300X, MI300A, MI325X | 64-bit accumulator, 2^-16 J |
//! | MI210, MI250, MI250X | 64-bit accumulator, 2^-16 J |
//! | MI100, Radeon RX 6000 to 9000 | 32-bit accumulator if there is one, otherwise integrated power |
//! | MI50, MI60, Radeon VII, APUs | integrated power |
//!
//! libamd_smi of ROCm 6.0 to 10.x is loaded at run time if it is installed. Without it, or with an unknown version, sysfs
//! serves all readings. Linux, x86-64 and aarch64.
//!
//! # Structure
//!
//! A module uses only modules below it: `capi → session → {node, restore} → {control, measure} → device → topology → {amdsmi,
//! sysfs} → {energy, platform} → {gpu, error}`. The feature `testing` makes modules public for the tests of this
//! repository.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]
#![warn(unsafe_op_in_unsafe_fn)]

#[cfg(not(panic = "unwind"))]
compile_error!("zeus_amd contains panics at its C boundary and must be built with panic = \"unwind\"");

#[cfg(not(feature = "testing"))]
mod amdsmi;
#[cfg(feature = "testing")]
pub mod amdsmi;
/// The C interface. Public because some of its names exist for the header only; documented in `include/zeus_amd.h`.
#[doc(hidden)]
#[allow(rustdoc::broken_intra_doc_links, rustdoc::private_intra_doc_links)] // @param[in] is Doxygen's.
pub mod capi;
#[cfg(test)]
#[path = "../tests/common/cases.rs"]
mod cases;
mod control;
mod device;
mod energy;
mod error;
mod gpu;
mod measure;
mod node;
mod platform;
#[cfg(test)]
#[allow(clippy::print_stdout)] // a test says its seed
#[path = "../tests/common/random.rs"]
mod random;
mod restore;
mod session;
#[cfg(not(feature = "testing"))]
mod sysfs;
#[cfg(feature = "testing")]
pub mod sysfs;
mod topology;

pub use control::Controller;
pub use device::{Backend, Device, Identity, Reading};
pub use energy::{CounterState, EnergyInterval, EnergyResolution, Method};
pub use error::{Error, Kind, Result};
pub use gpu::{Clock, Power, PowerLimits, Powers, RawEnergy};
pub use measure::{DrainResult, GpuEnergy, Sample, SampleRing, SamplerHandle, Window, WindowTotal};
pub use platform::log::{set_sink, Level, Sink};
#[cfg(feature = "testing")]
pub use platform::memory::allocations;
pub use platform::pci::PciAddress;
pub use restore::Guard;
pub use session::{probe, Options, Session, Validation};
pub use topology::visibility::{Masks, Rules};
