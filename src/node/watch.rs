//! Samples the board's accelerators and the packages' counters side by side, while windows of the node are open.

use super::count::Count;
use super::domain::{Domain, DomainSource};
use super::gain::Finding;
use super::series::{Counted, Series};
use crate::device::Device;
use crate::energy::{counts_pj, EnergyResolution, REPORTED_UJ};
use crate::platform::clock::boot_ns;
use crate::platform::sync::Mutex;
use crate::sysfs::pm_counters::PmSensor;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Between two samples: the board has ten updates a second, and a counter's course between two of its samples is a line.
const PERIOD: Duration = Duration::from_millis(25);
/// Between two rounds without an open window.
const IDLE: Duration = Duration::from_secs(3600);

pub struct Watch {
    devices: Arc<[Device]>,
    /// Places of the accelerators' domains, and of the GPUs of packages.
    pub accelerators: Vec<usize>,
    packages: Vec<usize>,
    series: Mutex<Series>,
    open: AtomicUsize,
    /// The thread waits for a window.
    is_idle: AtomicBool,
}

/// An open window.
pub struct Watching(Arc<Watch>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Watch {
    /// `None` where the board has other packages than the session.
    pub fn new(domains: &[Domain], devices: &Arc<[Device]>) -> Option<Arc<Watch>> {
        let is_accelerator = |d: &Domain| matches!(d.source, DomainSource::PmCounters(PmSensor::Accelerator(_)));
        let accelerators: Vec<usize> = (0..domains.len()).filter(|i| is_accelerator(&domains[*i])).collect();
        let gpu = |d: &Domain| if let DomainSource::Gpu(gpu) = d.source { Some(gpu) } else { None };
        let packages: Vec<usize> = domains.iter().filter_map(gpu).filter(|gpu| *gpu < devices.len()).collect();
        let series = Mutex::new(Series::new(accelerators.len(), packages.len()));
        let fits = !packages.is_empty() && packages.len() == accelerators.len();
        let (open, is_idle) = (AtomicUsize::new(0), AtomicBool::new(false));
        let watch = Watch { devices: devices.clone(), accelerators, packages, series, open, is_idle };
        fits.then(|| Arc::new(watch))
    }

    /// A window begins; whether the thread has to be notified.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> (Watching, bool) {
        self.open.fetch_add(1, Ordering::SeqCst);
        (Watching(self.clone()), self.is_idle.swap(false, Ordering::SeqCst))
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0
    }

    /// How long the thread waits now.
    #[must_use]
    pub fn period(&self) -> Duration {
        // In this order: a window that begins in between notifies the thread.
        self.is_idle.store(true, Ordering::SeqCst);
        if !self.is_open() {
            return IDLE;
        }
        self.is_idle.store(false, Ordering::SeqCst);
        PERIOD
    }

    /// Takes a sample. `read_board` gives the readings of the accelerators, or nothing where there is no new one.
    pub fn sample(&self, read_board: impl FnOnce() -> Vec<Count>) {
        if !self.is_open() {
            return;
        }
        let counted: Vec<Option<Counted>> = self.packages.iter().map(|gpu| counted(&self.devices[*gpu])).collect();
        let board = read_board();
        self.series.lock().add(boot_ns(), &board, &counted);
    }

    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.series.lock().findings()
    }
}

/// The count of a package; `None` where it has none that is used.
fn counted(device: &Device) -> Option<Counted> {
    let snapshot = device.poll_contained().snapshot;
    let count = snapshot.counted.filter(|_| device.counter_state().is_usable())?;
    // 15.3 is the kernel's 2^-16 J, rounded by 0.3 %.
    let is_rounded = count.resolution_uj.to_bits() == REPORTED_UJ.to_bits();
    let resolution_uj =
        if is_rounded { EnergyResolution::Firmware.uj(count.resolution_uj) } else { count.resolution_uj };
    Some(Counted {
        at_ns: count.at_ns(snapshot.driver_offset_ns),
        energy_pj: counts_pj(snapshot.totals.counts, resolution_uj),
        resets: snapshot.totals.resets,
    })
}
