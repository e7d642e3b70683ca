//! The kernel's interfaces for AMD GPUs: attributes of amdgpu in sysfs, hwmon, the KFD topology, DRM. All below one root
//! directory.

pub mod drm;
mod error;
mod file;
pub mod gpu_metrics;
pub mod hwmon;
pub mod kfd;
pub mod pm_counters;
pub mod powercap;
pub mod pp_dpm;
pub mod pp_od;
mod runtime_power;

#[cfg(feature = "testing")]
pub use error::TableError;
pub use error::{Implausible, SysfsError};
pub use file::{access, device_id, is_partitioned, is_read_only, pci_device, product_name, unique_id};
