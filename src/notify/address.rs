//! How records name an address without holding it. Pure.

use crate::canonical::sha256_of_bytes;

/// The beginning of an address's SHA-256, by which records name it; addresses are compared without case.
pub fn hash_of(address: &str) -> String {
    sha256_of_bytes(address.to_lowercase().as_bytes())[..16].to_owned()
}
