//! The GPUs of a session, made from the list of all GPUs of the machine: roles in their packages, sources, identities.

use crate::control::Controller;
use crate::device::{self, AmdsmiSource, Backend, Device, Identity, Source};
use crate::error::Result;
use crate::platform::log;
use crate::platform::text::printable;
use crate::sysfs;
use crate::sysfs::hwmon::Hwmon;
use crate::topology::{self, Enumeration, GpuLocation, Primary, Role};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The GPUs of a session: of each its readings and its settings.
#[derive(Default)]
pub(super) struct Gpus {
    pub devices: Vec<Device>,
    pub controllers: Vec<Controller>,
}

/// What is known of a GPU of the machine before its role in a package is.
struct Candidate {
    folder: PathBuf,
    hwmon: Arc<Hwmon>,
    amdsmi: Option<AmdsmiSource>,
    name: String,
    device_id: Option<u16>,
    has_two_dies: bool,
}

/// libamd_smi's part in a GPU, if it is used for it.
type AmdsmiOf<'a> = dyn Fn(&GpuLocation, &Path, Arc<Hwmon>) -> Option<AmdsmiSource> + 'a;

pub(super) struct Discovery<'a> {
    listing: &'a Enumeration,
    backend: Backend,
    /// Suspended GPUs may be resumed.
    resumes: bool,
    root: &'a Path,
    amdsmi: &'a AmdsmiOf<'a>,
    candidates: Vec<Candidate>,
}

impl<'a> Discovery<'a> {
    pub fn new(
        listing: &'a Enumeration,
        backend: Backend,
        resumes: bool,
        root: &'a Path,
        amdsmi: &'a AmdsmiOf<'a>,
    ) -> Result<Self> {
        let mut discovery = Discovery { listing, backend, resumes, root, amdsmi, candidates: Vec::new() };
        discovery.candidates = (0..listing.places.len()).map(|i| discovery.candidate(i)).collect::<Result<_>>()?;
        Ok(discovery)
    }

    /// Of a GPU that is not visible no file is opened, but that of its device id if KFD lacks it.
    fn candidate(&self, place: usize) -> Result<Candidate> {
        let location = &self.listing.places[place];
        let folder = sysfs::pci_device(self.root, &location.pci)?;
        let hwmon = Arc::new(Hwmon::new(&folder, self.resumes));
        let amdsmi = (self.amdsmi)(location, &folder, hwmon.clone());
        let of_node = location.node.as_ref().map(|n| n.device_id).filter(|id| *id != 0);
        let device_id = if of_node.is_some() { of_node } else { sysfs::device_id(&folder)? };
        let is_readable = self.is_visible(place) && hwmon.runtime_power.check_active().is_ok();
        let name = match amdsmi.as_ref().filter(|_| is_readable).and_then(AmdsmiSource::market_name) {
            None if is_readable => self.product_name(location, &folder)?,
            name => name,
        };
        let name = name.map_or_else(String::new, |n| printable(&n).into_owned());
        let has_two_dies = topology::has_two_dies(device_id, &name);
        Ok(Candidate { folder, hwmon, amdsmi, name, device_id, has_two_dies })
    }

    /// A partition has the name of its package.
    fn product_name(&self, location: &GpuLocation, folder: &Path) -> Result<Option<String>> {
        match sysfs::product_name(folder)? {
            None if location.partition != 0 => sysfs::product_name(&self.package_folder(location)?),
            name => Ok(name),
        }
    }

    /// All partitions are one PCI device, whose function 0 has the files.
    fn package_folder(&self, location: &GpuLocation) -> Result<PathBuf> {
        sysfs::pci_device(self.root, &location.pci.first_function())
    }

    fn is_visible(&self, place: usize) -> bool {
        self.listing.visible.contains(&place)
    }

    /// The other die of the package, by the XGMI link.
    fn linked_die(&self, place: usize) -> Option<usize> {
        let number = self.listing.places[place].node.as_ref()?.xgmi_peer?;
        self.listing.places.iter().position(|p| p.node.as_ref().is_some_and(|node| node.number == number))
    }

    /// The sources of the visible GPUs, and of dies that have to be read: whether a die is the primary one shows in what it
    /// reports, or in what the other die of its package reports. Without a link that shows which one that is, all are read.
    fn sources(&self) -> Vec<Option<Source>> {
        let places = 0..self.candidates.len();
        let is_unlinked =
            |i: usize| self.is_visible(i) && self.candidates[i].has_two_dies && self.linked_die(i).is_none();
        let reads_all_dies = places.clone().any(is_unlinked);
        let is_needed = |i: usize| self.is_visible(i) || reads_all_dies && self.candidates[i].has_two_dies;
        places.map(|i| is_needed(i).then(|| self.select(i))).collect()
    }

    fn select(&self, place: usize) -> Source {
        let Candidate { folder, hwmon, amdsmi, .. } = &self.candidates[place];
        device::select(self.backend, &self.listing.places[place].pci, folder, hwmon, amdsmi.as_ref())
    }

    /// The roles that follow from all GPUs of the machine. A die that cannot be read is what the other one is not; where that
    /// shows nothing either it counts as the primary one, whose zeros are refused anyway.
    fn roles(&self, sources: &[Option<Source>]) -> Result<Vec<Role>> {
        let read = |(source, candidate): (&Option<Source>, &Candidate)| match source {
            Some(source) if candidate.has_two_dies => source.reports_power_or_energy(),
            _ => Ok(None),
        };
        let reports = sources.iter().zip(&self.candidates).map(read).collect::<Result<Vec<Option<bool>>>>()?;
        let by_link = |i: usize| self.linked_die(i).and_then(|other| reports[other]).map(|reports| !reports);
        let reports = |i: usize| reports[i].or_else(|| by_link(i)).unwrap_or(sources[i].is_some());
        let die = |i: usize| (self.candidates[i].has_two_dies, reports(i));
        Ok(topology::roles(self.listing, &(0..sources.len()).map(die).collect::<Vec<_>>()))
    }

    /// The visible GPUs, in their order.
    pub fn gpus(&self) -> Result<Gpus> {
        let Enumeration { places, visible, .. } = self.listing;
        if self.listing.order_uncertain && visible.len() > 1 {
            log::warning(|| "HIP's order of the GPUs is not certain here: compare PCI addresses".into());
        }
        let mut sources = self.sources();
        let roles = self.roles(&sources)?;
        let packages: Vec<String> = (0..places.len()).map(|i| package(i, &roles, self.listing)).collect();
        let mut gpus = Gpus::default();
        for (index, &i) in visible.iter().enumerate() {
            let identity = self.identity(index, i, &roles, &packages)?;
            let source = if identity.reads_for_package() {
                self.first_partition_source(i, roles[i])?
            } else {
                let Some(source) = sources.get_mut(i).and_then(Option::take) else { continue };
                source
            };
            let Candidate { folder, hwmon, amdsmi, .. } = &self.candidates[i];
            gpus.controllers.push(Controller::new(
                identity.clone(),
                folder.clone(),
                hwmon.clone(),
                amdsmi.clone(),
                self.backend != Backend::Amdsmi,
            ));
            gpus.devices.push(Device::new(identity, source));
        }
        Ok(gpus)
    }

    fn identity(&self, index: usize, place: usize, roles: &[Role], packages: &[String]) -> Result<Identity> {
        let Candidate { name, device_id, .. } = &self.candidates[place];
        let location = &self.listing.places[place];
        let role = roles[place];
        let siblings = packages.iter().filter(|p| **p == packages[place]).count();
        // The other partitions may be hidden from this process.
        let shares_package = role != Role::Single || siblings > 1 || sysfs::is_partitioned(self.root, &location.pci)?;
        let gfx_target = location.node.as_ref().and_then(|n| n.gfx_target);
        Ok(Identity {
            index,
            name: name.clone(),
            location: location.clone(),
            device_id: *device_id,
            states_resolution: device::states_resolution(gfx_target, *device_id),
            unmasked_index: self.listing.unmasked[place],
            role,
            measured_by: measured_by(role, self.listing, location),
            package: packages[place].clone(),
            shares_package,
            package_reader: self.package_reader(place, role),
        })
    }

    /// The first visible partition of a package whose first partition is not visible, as an index of the session.
    fn package_reader(&self, place: usize, role: Role) -> Option<usize> {
        let Enumeration { places, visible, .. } = self.listing;
        let is_same_package = |i: &usize| places[*i].pci.same_slot(&places[place].pci);
        let has_first = visible.iter().any(|i| is_same_package(i) && places[*i].partition == 0);
        let is_missing = matches!(role, Role::SecondaryPartition { .. }) && !has_first;
        visible.iter().position(is_same_package).filter(|_| is_missing)
    }

    /// The readings of the first partition, which are the package's.
    fn first_partition_source(&self, place: usize, role: Role) -> Result<Source> {
        let own = &self.listing.places[place];
        let pci = own.pci.first_function();
        let folder = self.package_folder(own)?;
        let hwmon = Arc::new(Hwmon::new(&folder, self.resumes));
        let first = match role {
            Role::SecondaryPartition { first: Some(first) } => &self.listing.places[first],
            _ => own,
        };
        let amdsmi = (self.amdsmi)(first, &folder, hwmon.clone());
        Ok(device::select(self.backend, &pci, &folder, &hwmon, amdsmi.as_ref()))
    }
}

/// The GPU that reports power and energy of a secondary one's package.
fn primary(role: Role) -> Option<Primary> {
    match role {
        Role::SecondaryDie { primary } => primary,
        Role::SecondaryPartition { first } => first.map(Primary::Listed),
        Role::Single | Role::PrimaryDie => None,
    }
}

/// Equal for all GPUs of one package.
fn package(place: usize, roles: &[Role], listing: &Enumeration) -> String {
    let GpuLocation { pci, node, .. } = &listing.places[place];
    match (primary(roles[place]), roles[place], node) {
        (Some(Primary::Listed(primary)), ..) => package(primary, roles, listing),
        (Some(Primary::Hidden(node)), ..) => package_of_dies(node),
        (None, Role::PrimaryDie, Some(node)) => package_of_dies(node.number),
        _ => format!("{:04x}:{:02x}:{:02x}", pci.domain, pci.bus, pci.device),
    }
}

/// That GPU, as text.
fn measured_by(role: Role, listing: &Enumeration, own: &GpuLocation) -> Option<String> {
    if role == (Role::SecondaryPartition { first: None }) {
        return Some(format!("the first partition of {}, which this process cannot see,", own.pci));
    }
    Some(match primary(role)? {
        Primary::Listed(place) => name_of(place, listing),
        Primary::Hidden(node) => format!("the GPU of KFD node {node}, which a device cgroup hides,"),
    })
}

/// Of two dies: the KFD node of the one that reports. It is all that the other one knows where a device cgroup hides that.
fn package_of_dies(node: u32) -> String {
    format!("kfd-node-{node}")
}

fn name_of(place: usize, listing: &Enumeration) -> String {
    match listing.visible.iter().position(|v| *v == place) {
        Some(index) => format!("GPU {index}"),
        None => {
            let GpuLocation { pci, node, .. } = &listing.places[place];
            let part = if listing.places.iter().any(|p| p.partition != 0 && p.pci.same_slot(pci)) {
                "the first partition of the GPU"
            } else {
                "the GPU"
            };
            let node = node.as_ref().map_or_else(String::new, |n| format!(" (KFD node {})", n.number));
            format!("{part} at {pci}{node}, which is not in this session,")
        }
    }
}
