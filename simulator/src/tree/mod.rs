//! The `/sys` and `/dev` tree of a machine, under a directory of its own.

pub mod driver;
mod hwmon;
mod kfd;
pub mod od;
mod pci;

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::machine::{Access, Dri, DrmClass, Gpu, Machine, Processor};

pub use hwmon::{asks_hardware, cap_file, named_file, power_file, power_name};
pub use pci::RUNTIME_STATUS;

/// Builds everything that does not move; the refresher fills in and refreshes the rest.
pub fn build(m: &Machine, root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("sys/bus/pci/devices"))?;
    fs::create_dir_all(root.join("dev/shm"))?;
    fs::set_permissions(root.join("dev/shm"), fs::Permissions::from_mode(0o1777))?;
    if m.spec.drm != DrmClass::None {
        fs::create_dir_all(root.join("sys/class/drm"))?;
        write(&root.join("sys/class/drm/version"), "drm 1.1.0 20060810\n")?;
    }
    if m.spec.dri != Dri::Missing {
        fs::create_dir_all(root.join("dev/dri"))?;
    }
    if m.spec.amdgpu {
        write(&root.join("sys/module/amdgpu/initstate"), "live\n")?;
        write(&root.join("sys/module/amdgpu/version"), &format!("{}\n", m.spec.driver_version))?;
    }
    fs::create_dir_all(root.join("sys/class/hwmon"))?;
    write(&root.join("proc/cpuinfo"), &cpuinfo(m))?;
    if m.spec.vga {
        pci::vga(m, root)?;
    }
    for g in m.gpus() {
        pci::device(m, root, g)?;
        hwmon::device(root, g)?;
    }
    for p in m.processors() {
        drm(m, root, p)?;
    }
    if m.spec.kfd {
        kfd::build(m, root)?;
    }
    m.node().build(root)?;
    Ok(())
}

/// A virtual machine shows by the flag `hypervisor`.
fn cpuinfo(m: &Machine) -> String {
    let flags = if m.spec.guest { "fpu sse2 hypervisor" } else { "fpu sse2" };
    format!("processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: {flags}\n")
}

/// `/sys/devices/…/<address>` of a GPU.
pub fn pci_dir(root: &Path, g: &Gpu) -> PathBuf {
    root.join("sys").join(pci::relative(&g.bdf))
}

/// The card's directory: beside the GPU's for partition 0, a platform device for the others.
fn drm(m: &Machine, root: &Path, p: &Processor) -> io::Result<()> {
    let g = m.gpu_of(p);
    let device =
        if p.partition == 0 { pci::relative(&g.bdf) } else { format!("devices/platform/amdgpu_xcp_{}", p.card) };
    let home = root.join("sys").join(&device).join("drm");
    for (name, minor, node) in [
        (format!("card{}", p.card), p.card, true),
        (format!("renderD{}", p.render), p.render, !matches!(g.spec.access, Access::NoRender | Access::Hidden)),
    ] {
        let dir = home.join(&name);
        fs::create_dir_all(&dir)?;
        symlink("../..", dir.join("device"))?;
        write(&dir.join("dev"), &format!("226:{minor}\n"))?;
        write(&dir.join("uevent"), &format!("MAJOR=226\nMINOR={minor}\nDEVNAME=dri/{name}\nDEVTYPE=drm_minor\n"))?;
        if m.spec.drm == DrmClass::Cards {
            symlink(format!("../../{device}/drm/{name}"), root.join("sys/class/drm").join(&name))?;
        }
        let path = root.join("dev/dri").join(&name);
        if node && minor == p.render && g.spec.access == Access::Masked {
            fs::create_dir_all(root.join("dev/dri"))?;
            symlink("/dev/null", path)?;
        } else if node && m.spec.dri != Dri::Missing {
            device_file(&path)?;
            // Without the preloaded library to show it as one, it is a DRM device by itself where that is allowed.
            if !m.spec.preload && minor == p.render {
                drm_device(&path, minor)?;
            }
        }
    }
    if p.partition != 0 {
        write(&root.join("sys").join(&device).join("uevent"), "DRIVER=amdgpu_xcp_drv\n")?;
    }
    Ok(())
}

/// A device file that every user may open, as if all were in the group "render".
pub(crate) fn device_file(path: &Path) -> io::Result<()> {
    write(path, "")?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))
}

/// Makes a character device of a file, if this user may.
fn drm_device(path: &Path, minor: u32) -> io::Result<()> {
    let node = CString::new(path.with_extension("node").as_os_str().as_bytes())?;
    // SAFETY: a NUL-terminated string; not opened by anything.
    if unsafe { libc::mknod(node.as_ptr(), libc::S_IFCHR | 0o666, libc::makedev(226, minor)) } == 0 {
        fs::rename(path.with_extension("node"), path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    }
    Ok(())
}

/// Writes a file, making the directories above it.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text)
}
