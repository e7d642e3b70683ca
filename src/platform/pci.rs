//! PCI addresses, as the kernel, AMD's library and people write them.

use std::fmt;

/// Domain, bus, device, function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    pub domain: u32,
    pub bus: u8,
    pub device: u8,
    pub function: u8,
}

impl PciAddress {
    /// As the kernel names a device: domain, bus, device and function.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let Pattern { domain, bus, device, function } = Pattern::parse(name)?;
        Some(PciAddress { domain: domain?, bus, device, function: function? })
    }

    /// From the 16 bits that both AMD's packed id and KFD's `location_id` end in.
    fn new(domain: u32, low: u32) -> Self {
        let low = low & 0xFFFF;
        PciAddress { domain, bus: (low >> 8) as u8, device: (low >> 3 & 0x1F) as u8, function: (low & 7) as u8 }
    }

    /// AMD's packed id; the partition number sits in bits 28 to 31 and is returned beside the address.
    #[must_use]
    pub fn from_amdsmi(id: u64) -> (Self, u32) {
        (Self::new((id >> 32) as u32, id as u32), (id >> 28 & 0xF) as u32)
    }

    /// KFD's `domain` and `location_id`.
    #[must_use]
    pub fn from_kfd(domain: u32, location_id: u32) -> (Self, u32) {
        (Self::new(domain, location_id), location_id >> 28)
    }

    /// The same slot: partitions of one GPU differ in the function on some drivers.
    #[must_use]
    pub fn same_slot(&self, other: &Self) -> bool {
        (self.domain, self.bus, self.device) == (other.domain, other.bus, other.device)
    }
}

/// An address as people and programs write it: the domain and the function may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    domain: Option<u32>,
    bus: u8,
    device: u8,
    function: Option<u8>,
}

impl Pattern {
    /// "0000:c1:00.0", "C1:00.0", "c1:00": hex digits of any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Pattern> {
        let hex = |t: &str, most: usize| {
            let digits = !t.is_empty() && t.len() <= most && t.bytes().all(|b| b.is_ascii_hexdigit());
            digits.then(|| u32::from_str_radix(t, 16).ok()).flatten()
        };
        let (place, function) = match text.split_once('.') {
            Some((place, f)) => (place, Some(hex(f, 1)? as u8)),
            None => (text, None),
        };
        let parts: Vec<&str> = place.split(':').collect();
        let (domain, bus, device) = match parts[..] {
            [domain, bus, device] => (Some(hex(domain, 8)?), bus, device),
            [bus, device] => (None, bus, device),
            _ => return None,
        };
        let device = hex(device, 2).filter(|d| *d < 32)? as u8;
        Some(Pattern { domain, bus: hex(bus, 2)? as u8, device, function })
    }

    #[must_use]
    pub fn fits(&self, a: &PciAddress) -> bool {
        (self.bus, self.device) == (a.bus, a.device)
            && self.domain.map_or(true, |d| d == a.domain)
            && self.function.map_or(true, |f| f == a.function)
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{:x}", self.domain, self.bus, self.device, self.function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let (a, _) = PciAddress::from_kfd(0x10, 0xC500);
        for text in ["0010:c5:00.0", "00000010:C5:00.0", "C5:00.0", "c5:0", "10:c5:00"] {
            assert!(Pattern::parse(text).unwrap().fits(&a), "{text}");
        }
        for text in ["0000:c5:00.0", "c5:00.1", "c6:00.0", "c5:01.0"] {
            assert!(!Pattern::parse(text).unwrap().fits(&a), "{text}");
        }
        for text in ["", ":", "c5", "c5:00.", "c5:20.0", "c5:00.0.0", "x:c5:00.0", "1:2:3:4", "+5:00.0", "c5:00.0 "] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn packed_forms() {
        let (a, partition) = PciAddress::from_amdsmi(0x0000_0002_3000_C5F9);
        assert_eq!((a.to_string().as_str(), partition), ("0002:c5:1f.1", 3));
        let (a, partition) = PciAddress::from_kfd(0, 0xC500);
        assert_eq!((a.to_string().as_str(), partition), ("0000:c5:00.0", 0));
    }
}
