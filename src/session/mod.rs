//! An open session.

mod discovery;
mod gpus;
mod library;
mod options;
#[allow(clippy::module_inception)] // The type gives the folder its name.
mod session;
mod validation;

pub use options::{probe, Options, Validation};
pub use session::Session;
