//! Who signs run records.

/// Signs run records with a key of the runner's own.
pub trait Signer: Send + Sync {
    /// The public key, as minisign writes it.
    fn public_key(&self) -> &str;

    /// The signature of these bytes, as minisign writes it, with a comment that it covers.
    ///
    /// # Errors
    /// Why there is none.
    fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, String>;
}
