//! The sources of a node: what there is, and its readings.

use super::compare::Comparison;
use super::count::Count;
use super::domain::{Domain, DomainKind, DomainSource};
use super::gain::Finding;
use super::unwrap::Unwrapped;
use super::watch::{Watch, Watching};
use crate::device::Device;
use crate::error::{Error, Kind, Result};
use crate::platform::clock::boot_ns;
use crate::platform::sync::Mutex;
use crate::platform::worker::{StopSignal, Worker};
use crate::sysfs::pm_counters::{PmCounters, PmReading, PmSensor};
use crate::sysfs::powercap::{zones, Zone};
use crate::sysfs::SysfsError;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What measures a node. Made when it is first asked for: a session that measures GPUs alone reads none of it.
pub struct Node {
    inner: Arc<Inner>,
    /// Reads the registers before they wrap around twice.
    poller: Mutex<Option<Worker>>,
    /// Samples the board beside the counters.
    watcher: Mutex<Option<Worker>>,
    has_started: AtomicBool,
    /// Over the longest window so far.
    comparison: Mutex<Option<Comparison>>,
}

struct Inner {
    domains: Vec<Domain>,
    pm: Option<PmCounters>,
    zones: Vec<Register>,
    watch: Option<Arc<Watch>>,
}

struct Register {
    zone: Zone,
    max_power_mw: u64,
    unwrapped: Mutex<Unwrapped>,
}

/// The power of a register is its energy over this time.
const POWER_TIME: Duration = Duration::from_millis(50);

/// Between two rounds of the thread that reads the registers.
const POLL_RANGE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(60));

/// Advice where a register may not be read.
const ROOT_ONLY: &str = "since Linux 5.10 only root may read the energy of processors (CVE-2020-8694); ask the administrator for read access to it (chmod a+r at boot, or a udev rule), or run as root";

impl Node {
    pub fn open(root: &Path, devices: &Arc<[Device]>) -> Result<Node> {
        let pm = PmCounters::open(root)?;
        let zones = zones(root)?;
        let domains = domains(pm.as_ref(), &zones, devices);
        let register = |(place, zone)| Register {
            zone,
            max_power_mw: domains
                .iter()
                .find(|d| d.source == DomainSource::Powercap(place))
                .map_or(0, |d| d.limits.max_power_mw),
            unwrapped: Mutex::default(),
        };
        let zones = zones.into_iter().enumerate().map(register).collect();
        let watch = Watch::new(&domains, devices);
        Ok(Node {
            inner: Arc::new(Inner { domains, pm, zones, watch }),
            poller: Mutex::new(None),
            watcher: Mutex::new(None),
            has_started: AtomicBool::new(false),
            comparison: Mutex::new(None),
        })
    }

    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.inner.domains
    }

    pub fn domain(&self, index: u32) -> Result<&Domain> {
        let count = self.domains().len();
        let none = || Error::NotFound(format!("no domain {index}: this node has {count}, numbered from 0"));
        self.domains().get(index as usize).ok_or_else(none)
    }

    /// Keeps the longest comparison.
    pub fn compare(&self, new: Comparison) {
        let mut kept = self.comparison.lock();
        if kept.as_ref().map_or(true, |old| old.duration_ns <= new.duration_ns) {
            *kept = Some(new);
        }
    }

    /// What the board and the counters of the GPUs said of the same packages, for people.
    #[must_use]
    pub fn opinion(&self) -> Option<String> {
        let findings: Vec<Finding> = self.inner.watch.as_ref().map(|watch| watch.findings()).unwrap_or_default();
        self.comparison.lock().as_ref().map(|comparison| comparison.text(&findings))
    }

    /// A thread has been started.
    pub fn has_started(&self) -> bool {
        self.has_started.load(Ordering::Relaxed)
    }

    /// No thread of this node runs any more, or starts.
    pub fn end(&self) {
        let workers = (self.poller.lock().take(), self.watcher.lock().take());
        drop(workers);
    }

    /// Samples the counters beside the board, where it measures the same packages, as long as this lives.
    pub fn watch(&self) -> Result<Option<Watching>> {
        let Some(watch) = &self.inner.watch else { return Ok(None) };
        let mut watcher = self.watcher.lock();
        let (watching, is_idle) = watch.begin();
        if let Some(worker) = &*watcher {
            if is_idle {
                worker.wake();
            }
            return Ok(Some(watching));
        }
        let (inner, watch) = (self.inner.clone(), watch.clone());
        let body = move |signal: &StopSignal| {
            let mut freshness = None;
            while signal.wait_until(Instant::now() + watch.period()) {
                watch.sample(|| inner.read_new(&watch.accelerators, &mut freshness));
            }
        };
        *watcher = Some(Worker::start(c"zeus_amd-board", "compares the board with the counters", body)?);
        self.has_started.store(true, Ordering::Relaxed);
        Ok(Some(watching))
    }

    /// Keeps the registers from wrapping around unseen from now on.
    pub fn keep_polling(&self) -> Result<()> {
        let mut poller = self.poller.lock();
        let Some(period) = self.inner.poll_period().filter(|_| poller.is_none()) else { return Ok(()) };
        let inner = self.inner.clone();
        let body = move |signal: &StopSignal| {
            while signal.wait_until(Instant::now() + period) {
                (0..inner.zones.len()).for_each(|place| {
                    inner.read_register(place);
                });
            }
        };
        *poller = Some(Worker::start(c"zeus_amd-node", "reads the energy registers of the processors", body)?);
        self.has_started.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Why the energy of a domain cannot be read now; of a GPU it is not asked.
    pub fn error(&self, index: u32) -> Option<Kind> {
        let count = self.inner.read_one(index as usize);
        let of_gpu = matches!(self.domains().get(index as usize)?.source, DomainSource::Gpu(_));
        if of_gpu || count.energy_uj.is_some() {
            None
        } else {
            count.error.or(Some(Kind::NotSupported))
        }
    }

    /// Readings of all domains but GPUs, in their order.
    #[must_use]
    pub fn read(&self) -> Vec<Count> {
        self.inner.read(|_| true)
    }

    /// The energy of a domain since the zero of its counter.
    pub fn energy_uj(&self, index: u32) -> Result<(u64, u64)> {
        let domain = self.own(index)?;
        self.keep_polling()?;
        let count = self.inner.read_one(index as usize);
        let energy_uj = count.energy_uj.ok_or_else(|| self.no_energy(domain, &count))?;
        let late_ns = domain.limits.max_age_ns + count.ended_ns.saturating_sub(count.begun_ns);
        let error_uj = u128::from(domain.limits.max_power_mw) * u128::from(late_ns) / 1_000_000;
        Ok((energy_uj, u64::try_from(error_uj).unwrap_or(u64::MAX).saturating_add(domain.limits.resolution_uj)))
    }

    /// The power of a domain and its largest error, in milliwatts. A register has none: its energy over a short time.
    pub fn power_mw(&self, index: u32) -> Result<(u64, u64)> {
        let domain = self.own(index)?;
        let first = self.inner.read_one(index as usize);
        if let Some(mw) = first.power_mw {
            return Ok((mw, 1000));
        }
        let begin_uj = first.energy_uj.ok_or_else(|| self.no_energy(domain, &first))?;
        std::thread::sleep(POWER_TIME);
        let last = self.inner.read_one(index as usize);
        let used_uj = last.energy_uj.filter(|_| last.epoch == first.epoch).and_then(|uj| uj.checked_sub(begin_uj));
        let used_uj = used_uj.ok_or_else(|| self.no_energy(domain, &last))?;
        let ns = last.begun_ns.saturating_sub(first.begun_ns).max(1);
        let mw = |uj: u128| u64::try_from(uj * 1_000_000 / u128::from(ns)).unwrap_or(u64::MAX);
        let edges_ns = domain.limits.max_age_ns + (last.ended_ns - last.begun_ns) + (first.ended_ns - first.begun_ns);
        let edges_uj = u128::from(domain.limits.max_power_mw) * u128::from(edges_ns) / 1_000_000;
        Ok((mw(used_uj.into()), mw(edges_uj + u128::from(domain.limits.resolution_uj)) + 1))
    }

    /// A domain that this module reads itself.
    fn own(&self, index: u32) -> Result<&Domain> {
        let domain = self.domain(index)?;
        match domain.source {
            DomainSource::Gpu(gpu) => Err(self.not_supported(domain, &format!("it is GPU {gpu}, which has readings of its own: zeus_amd_energy_mj() and zeus_amd_power_instant_mw()"))),
            _ => Ok(domain),
        }
    }

    fn not_supported(&self, domain: &Domain, why: &str) -> Error {
        Error::NotSupported { device: label(domain), what: "this reading", why: why.to_owned() }
    }

    /// Why a domain has no energy now.
    #[must_use]
    pub fn no_energy(&self, domain: &Domain, count: &Count) -> Error {
        let kind = count.error.unwrap_or(Kind::NotSupported);
        let why = match kind {
            Kind::NoPermission => ROOT_ONLY,
            Kind::NotSupported => "there is no such file, or it is empty",
            Kind::UnexpectedData => "the file has no valid value",
            Kind::Busy => "the controller restarts; try again in some seconds",
            _ => "it cannot be read; the kernel log may have details",
        };
        Error::Kernel {
            device: label(domain),
            what: "energy",
            file: "its file",
            kind,
            why: format!("{}: {why}", domain.path),
        }
    }
}

fn label(domain: &Domain) -> String {
    format!("node domain {}", domain.name)
}

impl Inner {
    /// So often that no register gets around half its range.
    fn poll_period(&self) -> Option<Duration> {
        let half = |r: &Register| {
            r.zone.energy_uj().ok()?;
            let ns = u128::from(r.zone.range_uj? / 4) * 1_000_000 / u128::from(r.max_power_mw.max(1));
            Some(Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX)))
        };
        Some(self.zones.iter().filter_map(half).min()?.clamp(POLL_RANGE.0, POLL_RANGE.1))
    }

    /// Readings of some domains of the controller; none where it has no new ones since `freshness`.
    fn read_new(&self, places: &[usize], freshness: &mut Option<u64>) -> Vec<Count> {
        let now = self.pm.as_ref().and_then(PmCounters::freshness);
        if now.is_some() && now == *freshness {
            return Vec::new();
        }
        *freshness = now;
        let counts = self.read(|i| places.contains(&i));
        places.iter().map(|i| counts[*i]).collect()
    }

    fn read_one(&self, index: usize) -> Count {
        self.read(|i| i == index).get(index).copied().unwrap_or_default()
    }

    /// Readings of the domains that are wanted; of the others nothing.
    fn read(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<Count> {
        let mut counts = vec![Count::default(); self.domains.len()];
        let mut sensors: Vec<(usize, PmSensor)> = Vec::new();
        for (i, domain) in self.domains.iter().enumerate().filter(|(i, _)| is_wanted(*i)) {
            match domain.source {
                DomainSource::Powercap(place) => counts[i] = self.read_register(place),
                DomainSource::PmCounters(sensor) => sensors.push((i, sensor)),
                DomainSource::Gpu(_) => {}
            }
        }
        let Some(pm) = self.pm.as_ref().filter(|_| !sensors.is_empty()) else { return counts };
        let wanted: Vec<PmSensor> = sensors.iter().map(|(_, sensor)| *sensor).collect();
        let begun_ns = boot_ns();
        match pm.read(&wanted) {
            Ok(read) => {
                for ((i, _), values) in sensors.iter().zip(&read.readings) {
                    counts[*i] = count_of(values, read.startup.unwrap_or(0), (read.begun_ns, read.ended_ns));
                }
            }
            Err(error) => {
                let none = Count { begun_ns, ended_ns: boot_ns(), error: Some(kind(error)), ..Count::default() };
                sensors.iter().for_each(|(i, _)| counts[*i] = none);
            }
        }
        counts
    }

    fn read_register(&self, place: usize) -> Count {
        let Register { zone, max_power_mw, unwrapped } = &self.zones[place];
        // Read under the lock: readings must come in their order.
        let mut state = unwrapped.lock();
        let begun_ns = boot_ns();
        let read = zone.energy_uj();
        let ended_ns = boot_ns();
        let mut count = Count { begun_ns, ended_ns, ..Count::default() };
        match read {
            Ok(raw_uj) => {
                state.add(raw_uj, begun_ns, zone.range_uj, *max_power_mw);
                (count.energy_uj, count.epoch, count.gaps) = (Some(state.total_uj), state.epoch, state.gaps);
            }
            Err(error) => count.error = Some(kind(error)),
        }
        count
    }
}

/// Of a file that no driver of a GPU has: EPERM is a missing right.
fn kind(error: SysfsError) -> Kind {
    match error {
        SysfsError::Os(errno) => Kind::of_errno(errno).after_the_fact(),
        other => other.kind(),
    }
}

fn count_of(values: &PmReading, epoch: u64, (begun_ns, ended_ns): (u64, u64)) -> Count {
    let energy = values.energy_j.map_err(kind).and_then(|v| {
        let uj = v.number.checked_mul(1_000_000).ok_or(Kind::UnexpectedData)?;
        Ok((uj, v.time_us.and_then(|us| us.checked_mul(1000))))
    });
    Count {
        energy_uj: energy.ok().map(|(uj, _)| uj),
        clock_ns: energy.ok().and_then(|(_, ns)| ns),
        begun_ns,
        ended_ns,
        epoch,
        gaps: 0,
        power_mw: values.power_w.ok().and_then(|v| v.number.checked_mul(1000)),
        error: energy.err(),
    }
}

/// All domains: the controller's, the registers, the packages of the session's GPUs.
fn domains(pm: Option<&PmCounters>, zones: &[Zone], devices: &[Device]) -> Vec<Domain> {
    let mut all: Vec<Domain> = Vec::new();
    let place = |all: &[Domain], kind: DomainKind| all.iter().position(|d| d.kind == kind);
    for sensor in pm.iter().flat_map(|pm| pm.sensors.iter().map(move |s| (pm, *s))) {
        let node = place(&all, DomainKind::Node);
        all.push(Domain::of_sensor(sensor.0, sensor.1, node));
    }
    for (i, zone) in zones.iter().enumerate() {
        let package = zones.iter().position(|z| z.numbers.len() == 1 && z.numbers[..] == zone.numbers[..1]);
        let package = package.filter(|p| *p != i);
        let of_package = package.and_then(|p| all.iter().position(|d| d.source == DomainSource::Powercap(p)));
        let name = package.map(|p| zones[p].name.as_str());
        let mut domain = Domain::of_zone(i, zone, name, None);
        let node = place(&all, DomainKind::Node);
        domain.parent = match domain.kind {
            DomainKind::CpuPackage => place(&all, DomainKind::Cpu).or(node),
            // Beside the package's own energy, not in it.
            DomainKind::Dram => place(&all, DomainKind::Memory).or(node),
            DomainKind::Platform => node,
            _ => of_package,
        };
        all.push(domain);
    }
    for device in devices.iter().filter(|d| !d.is_secondary()) {
        let node = place(&all, DomainKind::Node);
        all.push(Domain::of_gpu(device.identity.index, format!("gpu{}", device.identity.index), node));
    }
    all
}
