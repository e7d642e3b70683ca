//! PCI addresses (BDF) in the forms of the kernel, of libamd_smi and of users.

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
    /// The kernel's form: domain, bus, device and function.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let Pattern { domain, bus, device, function } = Pattern::parse(name)?;
        Some(PciAddress { domain: domain?, bus, device, function: function? })
    }

    /// From the low 16 bits that libamd_smi's packed id and KFD's `location_id` have in common.
    fn new(domain: u32, low: u32) -> Self {
        let low = low & 0xFFFF;
        PciAddress { domain, bus: (low >> 8) as u8, device: (low >> 3 & 0x1F) as u8, function: (low & 7) as u8 }
    }

    /// From libamd_smi's packed id: the address, and the partition number in bits 28 to 31
    /// (`amdsmi_get_gpu_bdf_id` in amdsmi.h).
    #[must_use]
    pub fn from_amdsmi(id: u64) -> (Self, u32) {
        (Self::new((id >> 32) as u32, id as u32), (id >> 28 & 0xF) as u32)
    }

    /// From KFD's `domain` and `location_id`: the address, and the partition number in the upper bits
    /// (drivers/gpu/drm/amd/amdkfd/kfd_topology.c).
    #[must_use]
    pub fn from_kfd(domain: u32, location_id: u32) -> (Self, u32) {
        (Self::new(domain, location_id), location_id >> 28)
    }

    /// Function 0 of the slot, which has the files of a GPU whose partitions differ in the function.
    #[must_use]
    pub fn first_function(&self) -> Self {
        PciAddress { function: 0, ..*self }
    }

    /// Both addresses are in one slot. With some drivers the partitions of a GPU differ in the function.
    #[must_use]
    pub fn same_slot(&self, other: &Self) -> bool {
        (self.domain, self.bus, self.device) == (other.domain, other.bus, other.device)
    }
}

/// An address in which the domain and the function may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern {
    domain: Option<u32>,
    bus: u8,
    device: u8,
    function: Option<u8>,
}

impl Pattern {
    /// Accepts "0000:c1:00.0", "C1:00.0" and "c1:00", with hexadecimal digits of any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Pattern> {
        let hex = |digits: &str, max_len: usize| {
            let valid = (1..=max_len).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
        };
        let (slot, function) = match text.split_once('.') {
            Some((slot, function)) => (slot, Some(hex(function, 1)? as u8)),
            None => (text, None),
        };
        let parts: Vec<&str> = slot.split(':').collect();
        let (domain, bus, device) = match parts[..] {
            [domain, bus, device] => (Some(hex(domain, 8)?), bus, device),
            [bus, device] => (None, bus, device),
            _ => return None,
        };
        let device = hex(device, 2).filter(|d| *d < 32)? as u8;
        Some(Pattern { domain, bus: hex(bus, 2)? as u8, device, function })
    }

    #[must_use]
    pub fn matches(&self, address: &PciAddress) -> bool {
        (self.bus, self.device) == (address.bus, address.device)
            && self.domain.map_or(true, |domain| domain == address.domain)
            && self.function.map_or(true, |function| function == address.function)
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
            assert!(Pattern::parse(text).unwrap().matches(&a), "{text}");
        }
        for text in ["0000:c5:00.0", "c5:00.1", "c6:00.0", "c5:01.0"] {
            assert!(!Pattern::parse(text).unwrap().matches(&a), "{text}");
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
