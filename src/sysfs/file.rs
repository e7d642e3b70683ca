//! The folder of a PCI device, and what its files state.

use crate::error::Result;
use crate::platform::files::{entries, exists, if_readable, name, text};
use crate::platform::pci::PciAddress;
use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder of a PCI device: by its address, or in an incomplete tree through the DRM card that links to it.
pub fn pci_device(root: &Path, address: &PciAddress) -> Result<PathBuf> {
    let wanted = address.to_string();
    let direct = root.join("sys/bus/pci/devices").join(&wanted);
    if exists(&direct)? {
        return Ok(direct);
    }
    for card in entries(&root.join("sys/class/drm"))? {
        let link = card.join("device");
        let device = if_readable(&link, link.canonicalize())?;
        if let Some(device) = device.filter(|device| name(device) == Some(&wanted)) {
            return Ok(device);
        }
    }
    Ok(direct)
}

/// The PCI device id, which the kernel prints as "0x74a1".
pub fn device_id(device: &Path) -> Result<Option<u16>> {
    let text = text(&device.join("device"))?;
    Ok(text.and_then(|text| u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()))
}

/// The GPU at function 0 of this slot is split into compute partitions.
pub fn is_partitioned(root: &Path, address: &PciAddress) -> Result<bool> {
    let first = address.first_function();
    let mode = text(&pci_device(root, &first)?.join("current_compute_partition"))?;
    Ok(mode.is_some_and(|mode| !mode.is_empty() && mode != "SPX"))
}

/// The serial number of a GPU, which KFD's unique_id of a partition may not be.
pub fn unique_id(device: &Path) -> Result<Option<u64>> {
    Ok(text(&device.join("unique_id"))?.and_then(|t| u64::from_str_radix(&t, 16).ok()))
}

/// The product name, if the driver gives one.
pub fn product_name(device: &Path) -> Result<Option<String>> {
    Ok(text(&device.join("product_name"))?.filter(|t| !t.is_empty()))
}

/// Nobody may write the file, as where amdgpu runs in a virtual machine. sysfs does not open it for root either, whatever the
/// capabilities say (kernfs_fop_open in fs/kernfs/file.c).
pub fn is_read_only(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.mode() & 0o222 == 0)
}

/// Checks that this process may read and write a file, by its effective ids.
pub fn access(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY (all): no arguments.
    let same_ids = unsafe { libc::geteuid() == libc::getuid() && libc::getegid() == libc::getgid() };
    // The effective ids need faccessat2 (Linux 5.8), which older sandboxes refuse with EPERM.
    let ask = |path: &CStr, how: i32| {
        let flags = if same_ids { 0 } else { libc::AT_EACCESS };
        // SAFETY: a NUL-terminated string.
        match unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), how, flags) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    let refuses_call = || ask(c"/", libc::F_OK).is_err();
    match ask(&path, libc::R_OK | libc::W_OK) {
        // For a file, EPERM comes from a device cgroup; if it comes for any path, a sandbox refuses the call.
        Err(e) if e.raw_os_error() == Some(libc::EPERM) && refuses_call() => access_by_mode(&path),
        other => other,
    }
}

/// The same from the file's owner and mode, which any kernel and sandbox shows.
fn access_by_mode(path: &CStr) -> io::Result<()> {
    // SAFETY: all bit patterns of the struct are values; a NUL-terminated string and buffers of the given sizes.
    unsafe {
        let mut st: libc::stat = std::mem::zeroed();
        if libc::stat(path.as_ptr(), &mut st) != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut groups = [0; 1024];
        let count = libc::getgroups(groups.len() as i32, groups.as_mut_ptr());
        let groups = groups.get(..count.max(0) as usize).unwrap_or_default();
        let in_group = libc::getegid() == st.st_gid || groups.contains(&st.st_gid);
        let bits = match libc::geteuid() {
            0 => libc::S_IRUSR | libc::S_IWUSR,
            user if user == st.st_uid => st.st_mode,
            _ if in_group => st.st_mode << 3,
            _ => st.st_mode << 6,
        };
        let read_write = libc::S_IRUSR | libc::S_IWUSR;
        if bits & read_write == read_write {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(libc::EACCES))
        }
    }
}
