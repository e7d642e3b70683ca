//! Numbers for tests with inputs that nobody thought of.

#![allow(dead_code)]

/// That of ZEUS_AMD_SEED, in a CI always the same one, elsewhere a new one each time; printed.
pub fn seed() -> u64 {
    let chosen = std::env::var("ZEUS_AMD_SEED").ok().map(|s| s.parse().expect("ZEUS_AMD_SEED is a number"));
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = chosen.or(std::env::var_os("CI").map(|_| 1)).unwrap_or_else(now);
    println!("seed {seed}; ZEUS_AMD_SEED={seed} repeats it");
    seed
}

/// Numbers that look random and can be had again.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        Random(seed())
    }

    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// In [0, 1).
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.part()
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}
