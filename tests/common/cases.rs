//! Inputs that proptest makes, of the seed that all random tests take.

use super::random;
use proptest::test_runner::{Config, RngSeed};

pub fn seeded(count: u32) -> Config {
    Config { cases: count, rng_seed: RngSeed::Fixed(random::seed()), ..Config::default() }
}
