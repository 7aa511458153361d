//! Random bits for the VM's generator.
use std::hash::{BuildHasher, Hasher};

/// Bits the system has chosen: the standard library seeds its hash maps with them.
pub(super) fn system_seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// A sequence that depends on the seed only (splitmix64).
pub(super) struct Seeds(u64);

impl Seeds {
    pub fn new(seed: u64) -> Seeds {
        Seeds(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
