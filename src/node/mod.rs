//! The node beside its GPUs: what the board's controller and the processors' registers measure, and the sum of all.

mod compare;
mod count;
mod domain;
mod gain;
mod interval;
mod series;
mod sources;
mod total;
mod unwrap;
mod watch;
mod window;

pub use domain::{Domain, DomainKind, DomainSource};
pub use sources::Node;
pub use total::{NodeTotal, Scope};
pub use window::{DomainEnergy, NodeWindow};
