//! The signature of a runner on its record, looked at. Pure.

use minisign_verify::{PublicKey, Signature};

use super::RunRecord;

/// What was found of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureSeen {
    /// None is kept.
    Missing,
    /// It is none of these bytes by the key that the record names, or has another comment.
    Wrong,
    /// It is, and the key is none of those by which the configuration has plans signed.
    OfAnother,
    /// It is.
    Verified,
}

impl SignatureSeen {
    /// Looks at the signature of a record: by one of these keys, or else by the one that the record names.
    pub fn of_record(
        document: &[u8],
        record: &RunRecord,
        signature: Option<&[u8]>,
        keys: &[String],
    ) -> SignatureSeen {
        let keys = match keys {
            [] => record.signed_by.as_slice(),
            keys => keys,
        };
        let Some(text) = signature.and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
            return SignatureSeen::Missing;
        };
        let read = Signature::decode(text).ok();
        let verified = read.is_some_and(|signature| {
            let mut keys = keys.iter().filter_map(|key| PublicKey::from_base64(key).ok());
            keys.any(|key| key.verify(document, &signature, false).is_ok())
        });
        if verified { SignatureSeen::Verified } else { SignatureSeen::Wrong }
    }
}
