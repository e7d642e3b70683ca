//! The kernel's interfaces for AMD GPUs: attributes of amdgpu in sysfs, hwmon, the KFD topology, DRM. All below one root
//! directory.

pub mod drm;
mod error;
mod file;
pub mod gpu_metrics;
pub mod hwmon;
pub mod kfd;
pub mod pp_dpm;
pub mod pp_od;
mod runtime_power;

pub use error::{Implausible, SysfsError, TableError};
pub use file::{access, device_id, is_partitioned, pci_device, product_name};
