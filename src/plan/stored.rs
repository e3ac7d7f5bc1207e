//! A plan as bytes: sealed with digests when written, checked when read.

use serde_json::Value;

use super::document::{FORMAT_VERSION, KIND, Plan};
use crate::canonical;

/// A plan that was read back, with the digest of the very bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of the bytes: the file's identity.
    pub sha256: String,
    /// The bytes themselves, kept as evidence.
    pub bytes: Vec<u8>,
}

/// Why a stored plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredPlanError {
    /// It is no plan, or one of a later drsync.
    #[error("read it as a plan: {0}")]
    Unreadable(String),
    /// It is not what drsync wrote.
    #[error("it was altered after it was made: {0}")]
    Altered(String),
}

/// The keys that hold digests.
const DIGESTS: [&str; 2] = ["effect_sha256", "document_sha256"];

impl Plan {
    /// Puts both digests into a finished plan.
    #[must_use]
    pub fn sealed(mut self) -> Plan {
        self.effect_sha256 = super::effect::sha256(&self);
        self.document_sha256 = document_sha256(&serde_json::to_value(&self).unwrap_or_default());
        self
    }

    /// The plan as it is stored: JSON with a line a field, and a newline at the end.
    ///
    /// # Panics
    /// If the plan cannot be written as JSON: it always can.
    pub fn stored(&self) -> StoredPlan {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a plan is JSON");
        bytes.push(b'\n');
        StoredPlan {
            plan: self.clone(),
            sha256: canonical::sha256_of_bytes(&bytes),
            bytes,
        }
    }
}

impl StoredPlan {
    /// Reads a stored plan and recomputes its digests.
    ///
    /// Unknown fields of a known major version are kept out of the plan but count in the document's digest.
    ///
    /// # Errors
    /// [`StoredPlanError`].
    pub fn read(bytes: &[u8]) -> Result<StoredPlan, StoredPlanError> {
        let unreadable = |why: &dyn std::fmt::Display| StoredPlanError::Unreadable(why.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        if value.get("kind").and_then(Value::as_str) != Some(KIND) {
            return Err(unreadable(&format!("its kind is not {KIND}")));
        }
        let version = value
            .get("format_version")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if version.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(unreadable(&format!(
                "its format version is {version:?}; this drsync reads {FORMAT_VERSION}: use a newer drsync"
            )));
        }
        let plan: Plan =
            serde_json::from_value(value.clone()).map_err(|error| unreadable(&error))?;
        if document_sha256(&value) != plan.document_sha256 {
            return Err(StoredPlanError::Altered(
                "document_sha256 is not that of the document".to_owned(),
            ));
        }
        if super::effect::sha256(&plan) != plan.effect_sha256 {
            return Err(StoredPlanError::Altered(
                "effect_sha256 is not that of its steps".to_owned(),
            ));
        }
        Ok(StoredPlan {
            plan,
            sha256: canonical::sha256_of_bytes(bytes),
            bytes: bytes.to_vec(),
        })
    }
}

/// SHA-256 of the canonical JSON of a document without its digests.
fn document_sha256(document: &Value) -> String {
    let mut bare = document.clone();
    if let Some(members) = bare.as_object_mut() {
        for key in DIGESTS {
            members.shift_remove(key);
        }
    }
    canonical::sha256(&bare)
}
