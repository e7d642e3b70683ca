//! The rounds of the background thread: which GPUs are polled, and when the next round is.

use super::sample_ring::SampleRing;
use super::sampling_rate::{PollScheduler, IDLE};
use crate::device::{Device, PollResult};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Instant;

pub(super) struct PollLoop<'a> {
    watched: &'a [AtomicU64],
    gpus: Vec<Gpu<'a>>,
    /// The polls of a round.
    polled: Vec<(&'a Device, PollResult)>,
}

struct Gpu<'a> {
    device: &'a Device,
    scheduler: PollScheduler,
}

impl<'a> PollLoop<'a> {
    pub fn new(devices: &'a [Device], watched: &'a [AtomicU64]) -> Self {
        let measured = devices.iter().filter(|d| !d.is_secondary());
        let gpus: Vec<Gpu> = measured.map(|device| Gpu { device, scheduler: PollScheduler::new() }).collect();
        PollLoop { watched, polled: Vec::with_capacity(gpus.len()), gpus }
    }

    fn watched(&self, device: &Device) -> u64 {
        self.watched[device.identity.index].load(Ordering::SeqCst)
    }

    /// Polls what is due. Returns the time of the next round. A panic breaks the GPU or the sampler that it is of; the
    /// others go on.
    pub fn round(&mut self, rings: &[Arc<SampleRing>]) -> Instant {
        self.gpus.retain(|gpu| !gpu.device.broken.is_set());
        let start = Instant::now();
        let mut next = start + IDLE;
        for i in 0..self.gpus.len() {
            let watched = self.watched(self.gpus[i].device);
            let Gpu { device, scheduler } = &mut self.gpus[i];
            let poll = || {
                scheduler.request(start, device, watched, rings.iter().map(|ring| ring.period()));
                scheduler.is_due(start).then(|| device.poll())
            };
            if let Some(polled) = device.broken.contain(poll).flatten() {
                self.polled.push((device, polled));
            }
        }
        if self.polled.is_empty() {
            return self.gpus.iter().map(|gpu| gpu.scheduler.next(start)).fold(next, Instant::min);
        }
        let end = Instant::now();
        let mut polled = self.polled.iter().peekable();
        for Gpu { device, scheduler } in &mut self.gpus {
            let poll = polled.next_if(|(polled, _)| std::ptr::eq(*polled, *device));
            let schedule = || {
                if let Some((_, poll)) = poll {
                    scheduler.update(end, device, poll);
                }
                scheduler.record_cost(end - start);
                scheduler.next(start)
            };
            next = next.min(device.broken.contain(schedule).unwrap_or(start));
        }
        rings.iter().for_each(|ring| ring.record(self.polled.iter().map(|(device, poll)| (*device, poll))));
        self.polled.clear();
        next
    }

    /// Power is integrated for windows that are open, or were a moment ago.
    pub fn integrates(&self) -> bool {
        self.gpus.iter().any(|gpu| gpu.scheduler.integrates(gpu.device))
    }

    /// Windows whose power is integrated have been opened or ended since the round began.
    pub fn is_outdated(&self) -> bool {
        self.gpus.iter().any(|gpu| gpu.scheduler.is_outdated(gpu.device, self.watched(gpu.device)))
    }
}
