//! The configuration that applies keep beside their evidence, found by whoever has nothing but the sync location.
//! It asks, and writes nothing.
//!
//! Whoever may write there can put anything there. So a document counts if a run record names it by its digest; where keys are
//! asked for, one that a runner signed. What a configuration found so may be used for is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::recent::FUTURE;
use crate::canonical::sha256_of_bytes;
use crate::limits::CONFIGURATION;
use crate::record::{RunRecord, SignatureSeen};
use crate::region::{
    KeptDocument, Location, RecordRange, RegionError, SIGNATURE_ENDING, apply_of, is_configuration,
};

/// Records that are asked for at once, the newest first.
const AT_ONCE: usize = 64;
/// So many records are looked into: who needs more of them to find one that counts has to say which.
const MOST: usize = 4_096;

/// A configuration that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundConfiguration {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// SHA-256 of them.
    pub sha256: String,
    /// The document's name.
    pub document: String,
    /// The newest run record that names it; `None`: none does, and nothing but its name says that it was kept by an apply.
    pub named_by: Option<NamedBy>,
}

/// The run record that names a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBy {
    /// The apply.
    pub run_id: String,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The key that signed the record, where one did.
    pub signed_by: Option<String>,
}

/// Finds the newest one at a sync location.
///
/// `asked` says of a document by which keys its record has to be signed: none, any record does.
///
/// # Errors
/// The evidence cannot be read.
pub async fn kept_configuration(
    location: &dyn Location,
    now: DateTime<Utc>,
    asked: impl Fn(&[u8]) -> Vec<String> + Send + Sync,
) -> Result<Option<FoundConfiguration>, RegionError> {
    let mut until = None;
    let mut looked = 0;
    // Each document is read once, however many records name it.
    let mut read: BTreeMap<(String, String), Option<Vec<u8>>> = BTreeMap::new();
    while looked < MOST {
        let range = RecordRange { until, newest: Some(AT_ONCE), ..RecordRange::default() };
        let documents = location.run_records(&range).await?.documents;
        for document in documents.iter().rev() {
            let Ok(record) = RunRecord::of(document) else {
                continue;
            };
            if record.ended_at > now + FUTURE {
                continue;
            }
            let kept: BTreeSet<(&str, &str)> = record
                .configurations
                .values()
                .map(|kept| (kept.document.as_str(), kept.sha256.as_str()))
                .collect();
            for (name, sha256) in kept {
                let key = (name.to_owned(), sha256.to_owned());
                if !read.contains_key(&key) {
                    let bytes = document_of(location, name, sha256).await;
                    read.insert(key.clone(), bytes);
                }
                let Some(Some(bytes)) = read.get(&key) else {
                    continue;
                };
                let keys = asked(bytes);
                let signed_by = signed_by(location, document, &record, &keys).await?;
                if !keys.is_empty() && signed_by.is_none() {
                    continue;
                }
                return Ok(Some(FoundConfiguration {
                    bytes: bytes.clone(),
                    sha256: sha256.to_owned(),
                    document: name.to_owned(),
                    named_by: Some(NamedBy {
                        run_id: record.run_id.clone(),
                        ended_at: record.ended_at,
                        signed_by,
                    }),
                }));
            }
        }
        looked += documents.len();
        // A name has more than the id it begins with, so that nothing of this apply is asked for again.
        let oldest = documents.first().and_then(|document| apply_of(&document.name));
        until = oldest.map(str::to_owned);
        if documents.len() < AT_ONCE || until.is_none() {
            break;
        }
    }
    unnamed(location, asked).await
}

/// The newest document that is called a configuration, where no record names any: records may be lost.
async fn unnamed(
    location: &dyn Location,
    asked: impl Fn(&[u8]) -> Vec<String> + Send + Sync,
) -> Result<Option<FoundConfiguration>, RegionError> {
    let names = location.evidence_names(&RecordRange::default()).await?;
    for name in names.iter().rev().filter(|name| is_configuration(name)).take(AT_ONCE) {
        let Ok(Some(bytes)) = location.evidence(name).await else {
            continue;
        };
        if CONFIGURATION.allow(bytes.len() as u64).is_ok() && asked(&bytes).is_empty() {
            let sha256 = sha256_of_bytes(&bytes);
            return Ok(Some(FoundConfiguration {
                bytes,
                sha256,
                document: name.clone(),
                named_by: None,
            }));
        }
    }
    Ok(None)
}

/// A document that a record names; `None`: it is not there, or not as the record says.
async fn document_of(location: &dyn Location, name: &str, sha256: &str) -> Option<Vec<u8>> {
    // The name comes from a document that anybody may have written.
    if !is_configuration(name) {
        return None;
    }
    let bytes = location.evidence(name).await.ok().flatten()?;
    let small = CONFIGURATION.allow(bytes.len() as u64).is_ok();
    (small && sha256_of_bytes(&bytes) == sha256).then_some(bytes)
}

/// The key that a record is signed by: one of those that are asked for, or else the one that it names; `None`: none.
async fn signed_by(
    location: &dyn Location,
    document: &KeptDocument,
    record: &RunRecord,
    keys: &[String],
) -> Result<Option<String>, RegionError> {
    let keys = match keys {
        [] => record.signed_by.as_slice(),
        keys => keys,
    };
    if keys.is_empty() {
        return Ok(None);
    }
    let signature = location.evidence(&format!("{}{SIGNATURE_ENDING}", document.name)).await?;
    let verified = |key: &&String| {
        let (bytes, key) = (&document.bytes, std::slice::from_ref(*key));
        let seen = SignatureSeen::of_record(bytes, record, signature.as_deref(), key);
        seen == SignatureSeen::Verified
    };
    Ok(keys.iter().find(verified).cloned())
}
