//! An open session: the GPUs of this process in HIP's order.

use super::library::{self, AmdsmiInfo, Listed};
use super::options::{self, Options};
use super::{discovery, validation};
use crate::control::{Change, Controller};
use crate::device::Device;
use crate::energy::{Agreement, ResolutionChoice};
use crate::error::{Error, Kind, Result};
use crate::measure::Window;
use crate::measure::{Sampler, SamplerHandle};
use crate::node::{Node, NodeWindow};
use crate::platform::pci::Pattern;
use crate::platform::sync::OnceCell;
use crate::platform::worker::Worker;
use crate::platform::{fork, log};
use crate::restore::{Guard, GuardStack};
use crate::sysfs;
use crate::topology::visibility::{self, MaskedOut};
use crate::topology::{NoGpuReason, Order};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

pub struct Session {
    fork_token: u64,
    /// libamd_smi, if the session uses it.
    pub vendor: Option<AmdsmiInfo>,
    /// Why the session does without libamd_smi, if not by choice.
    pub amdsmi_error: Option<Kind>,
    pub order: Order,
    /// HIP's order is uncertain.
    pub order_uncertain: bool,
    /// Why there is no GPU, if there is none.
    pub zero: Option<NoGpuReason>,
    pub energy_resolution: ResolutionChoice,
    explanation: String,
    devices: Arc<[Device]>,
    controllers: Arc<[Controller]>,
    guards: Arc<GuardStack>,
    /// The background validation of the counters.
    checking: Option<Worker>,
    sampler: Arc<Sampler>,
    root: PathBuf,
    /// Made by the first call that names the node.
    node: OnceCell<Arc<Node>>,
    /// [`Session::take_first_thread`] has returned `true`.
    first_thread_taken: AtomicBool,
}

impl Session {
    pub fn open(options: &Options) -> Result<Session> {
        let fork_token = fork::fork_token();
        let places = options::places(options);
        let backend = options::backend(options)?;
        sysfs::drm::require_a_card(&places.root)?;
        let Listed { gpus, listing, vendor, lease, amdsmi_error } = library::list_gpus(&places, backend, options)?;
        let devices: Arc<[Device]> = gpus.devices.into();
        let controllers: Arc<[Controller]> = gpus.controllers.into();
        let mut session = Session {
            fork_token,
            vendor,
            amdsmi_error,
            order: listing.order,
            order_uncertain: listing.order_uncertain,
            zero: listing.zero,
            energy_resolution: options.energy_resolution,
            explanation: discovery::explanation(&listing, &devices),
            guards: GuardStack::new(controllers.clone(), &places.root),
            controllers,
            checking: None,
            sampler: Sampler::new(devices.clone(), Arc::new(lease)),
            root: places.root,
            node: OnceCell::default(),
            first_thread_taken: AtomicBool::new(false),
            devices,
        };
        for line in session.explanation.lines() {
            log::emit(log::Level::Debug, || line.to_owned());
        }
        if options.empty_mask_is_error && session.zero == Some(NoGpuReason::Masked(MaskedOut::EmptyMask)) {
            return Err(Error::EmptyMask(session.explanation.trim_end().replace('\n', "; ")));
        }
        if options.ensure_homogeneous {
            session.ensure_homogeneous()?;
        }
        session.checking = validation::validate(&session.devices, options.validation)?;
        session.sampler.prepare()?;
        Ok(session)
    }

    fn ensure_homogeneous(&self) -> Result<()> {
        // A suspended GPU has no name.
        let differ = |a: &Device, b: &Device| {
            let (a, b) = (&a.identity, &b.identity);
            a.device_id != b.device_id || !a.name.is_empty() && !b.name.is_empty() && a.name != b.name
        };
        let pairs = self.devices.iter().enumerate().flat_map(|(i, a)| self.devices[..i].iter().map(move |b| (b, a)));
        match pairs.into_iter().find(|(a, b)| differ(a, b)) {
            None => Ok(()),
            Some((one, other)) => Err(Error::Heterogeneous(format!(
                "{} and {} are different models, and the option ensure_homogeneous is set",
                one.label(),
                other.label()
            ))),
        }
    }

    /// Fails in a forked child, before any lock is touched.
    pub fn require_own_process(&self) -> Result<()> {
        fork::require_current(self.fork_token)
    }

    /// Returns `true` once: when the session has started its first background thread.
    pub fn take_first_thread(&self) -> bool {
        !self.first_thread_taken.load(Ordering::Relaxed)
            && (self.checking.is_some() || self.sampler.has_started())
            && !self.first_thread_taken.swap(true, Ordering::Relaxed)
    }

    /// How the list of GPUs was made, one line for each step; then what the board and the powers say of their counters.
    #[must_use]
    pub fn explanation(&self) -> Cow<'_, str> {
        let of_board = self.node.get().and_then(|node| node.opinion());
        let of_powers = self.devices.iter().filter_map(refuted_by_power);
        let opinions: String = of_board.into_iter().chain(of_powers).collect();
        if opinions.is_empty() {
            return Cow::Borrowed(&self.explanation);
        }
        Cow::Owned(format!("{}{opinions}", self.explanation))
    }

    /// The GPU at a PCI address.
    pub fn find_by_pci(&self, text: &str) -> Result<u32> {
        let pattern = Pattern::parse(text).ok_or_else(|| {
            Error::InvalidArgument(format!("\"{text}\" is not a PCI address such as 0000:c1:00.0 or c1:00.0"))
        })?;
        self.find(text, |d| pattern.matches(&d.identity.location.pci))
    }

    /// The GPU with a UUID.
    pub fn find_by_uuid(&self, text: &str) -> Result<u32> {
        let uuid = visibility::parse_uuid(text)
            .ok_or_else(|| Error::InvalidArgument(format!("\"{text}\" is not a UUID such as GPU-4f2a1b9c00d1e2f3")))?;
        let in_kfd = |d: &Device| d.identity.location.node.as_ref().is_some_and(|n| n.unique_id == uuid.id);
        // ROCm's own form has KFD's id, amd-smi's has that or the serial number, by its release.
        if !uuid.is_of_amdsmi && self.devices.iter().any(in_kfd) {
            return self.find(text, in_kfd);
        }
        let serial = |d: &Device| {
            let folder = sysfs::pci_device(&self.root, &d.identity.location.pci.first_function())?;
            sysfs::unique_id(&folder)
        };
        let serials = self.devices.iter().map(serial).collect::<Result<Vec<_>>>()?;
        self.find(text, |d| {
            (in_kfd(d) || serials[d.identity.index] == Some(uuid.id))
                && uuid.partition.map_or(true, |p| p == d.identity.location.partition)
        })
    }

    fn find(&self, text: &str, fits: impl Fn(&Device) -> bool) -> Result<u32> {
        let mut hits = self.devices.iter().filter(|d| fits(d));
        match (hits.next(), hits.next()) {
            (Some(one), None) => Ok(one.identity.index as u32),
            (None, _) => Err(Error::NotFound(format!(
                "no GPU of this session matches \"{text}\": {}",
                self.explanation.trim_end().replace('\n', "; ")
            ))),
            (Some(one), Some(other)) => Err(Error::Ambiguous(format!(
                "\"{text}\" matches more than one GPU: {} and {}",
                one.label(),
                other.label()
            ))),
        }
    }

    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Settings that are changed from now on are restored at the end of the guard or of the session; with `watch` also if
    /// this process terminates.
    pub fn begin_guard(&self, watch: bool) -> Result<Guard> {
        self.guards.begin(watch)
    }

    /// Changes settings of a GPU, through the innermost guard.
    pub fn change(&self, index: u32, change: Change) -> Result<()> {
        self.guards.change(self.controller(index)?, change)
    }

    /// Begins a window over all GPUs.
    pub fn begin_window(&self) -> Result<Box<Window>> {
        Window::begin(&self.sampler, self.zero, self.energy_resolution.of_intervals())
    }

    /// What measures the node beside the GPUs.
    pub fn node(&self) -> Result<&Arc<Node>> {
        match self.node.get() {
            Some(node) => Ok(node),
            None => Ok(self.node.set(Arc::new(Node::open(&self.root, &self.devices)?))),
        }
    }

    /// Begins a window over the node and all GPUs.
    pub fn begin_node_window(&self) -> Result<NodeWindow> {
        NodeWindow::begin(self.node()?, &self.devices, || self.begin_window())
    }

    /// Starts to sample all GPUs.
    pub fn start_sampler(&self, period: Option<Duration>, capacity: usize) -> Result<SamplerHandle> {
        self.sampler.start(self.energy_resolution.of_intervals(), period, capacity)
    }

    #[inline(always)]
    pub fn device(&self, index: u32) -> Result<&Device> {
        self.devices.get(index as usize).ok_or_else(|| self.no_device(index))
    }

    /// The settings of a GPU.
    pub fn controller(&self, index: u32) -> Result<&Controller> {
        self.controllers.get(index as usize).ok_or_else(|| self.no_device(index))
    }

    #[cold]
    fn no_device(&self, index: u32) -> Error {
        let available = match self.devices.len() {
            0 => "there are none".to_owned(),
            1 => "there is one, GPU 0".to_owned(),
            count => format!("there are {count}, GPU 0 to {}", count - 1),
        };
        Error::NotFound(format!("no GPU {index}: {available}"))
    }
}

/// What is said of a counter that its GPU's own power contradicts. Only of packages whose sensors were compared: MI200, MI300
/// and later.
fn refuted_by_power(device: &Device) -> Option<String> {
    const COMPARED: [std::ops::Range<u32>; 2] = [90_010..90_011, 90_400..90_600];
    let gfx_target = device.identity.location.node.as_ref().and_then(|n| n.gfx_target)?;
    if !COMPARED.iter().any(|range| range.contains(&gfx_target)) || !device.counter_state().is_usable() {
        return None;
    }
    let agreement = device.agreement().filter(Agreement::is_refuted)?;
    Some(format!(
        "{}: its counter shows {:.2} of the energy that its power gives over {:.0} s, further apart than their sensors may be: one of both is wrong\n",
        device.label(),
        agreement.ratio(),
        agreement.ns as f64 / 1e9,
    ))
}

impl Drop for Session {
    fn drop(&mut self) {
        self.guards.end_all();
        self.checking = None;
        self.sampler.end();
        self.node.get().into_iter().for_each(|node| node.end());
    }
}
