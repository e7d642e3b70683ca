//! A PCI address.

use std::fmt;

/// Ordered as libamd_smi orders its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bdf {
    pub domain: u32,
    pub bus: u8,
    pub device: u8,
    pub function: u8,
}

impl Bdf {
    /// `0000:0c:00.0`
    pub fn parse(text: &str) -> Result<Bdf, String> {
        let bad = || format!("PCI address {text:?} is not of the form 0000:0c:00.0");
        let (rest, function) = text.split_once('.').ok_or_else(bad)?;
        let mut parts = rest.split(':').map(|p| u32::from_str_radix(p, 16));
        let mut next = || parts.next().and_then(Result::ok).ok_or_else(bad);
        let (domain, bus, device) = (next()?, next()?, next()?);
        let function = function.parse::<u8>().map_err(|_| bad())?;
        if bus > 255 || device > 31 || function > 7 {
            return Err(bad());
        }
        Ok(Bdf { domain, bus: bus as u8, device: device as u8, function })
    }

    /// `amdsmi_bdf_t`: function 0-2, device 3-7, bus 8-15, domain from 16.
    pub fn as_union(&self) -> u64 {
        u64::from(self.function) | u64::from(self.device) << 3 | u64::from(self.bus) << 8 | u64::from(self.domain) << 16
    }

    /// KFD's location_id: the same without the domain.
    pub fn location(&self) -> u64 {
        self.as_union() & 0xFFFF
    }
}

impl fmt::Display for Bdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:02x}:{:02x}.{}", self.domain, self.bus, self.device, self.function)
    }
}

#[cfg(test)]
mod tests {
    use super::Bdf;

    #[test]
    fn parses_and_prints() {
        let b = Bdf::parse("0001:c1:00.3").unwrap();
        assert_eq!(b.to_string(), "0001:c1:00.3");
        assert_eq!(b.as_union(), 0x1_c103);
        assert!(Bdf::parse("c1:00").is_err());
    }
}
