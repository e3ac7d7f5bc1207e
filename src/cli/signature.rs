//! Signatures of stored plans: made elsewhere with minisign, verified here.

use std::fs;
use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};

use super::{ExitStatus, Failure};
use crate::apply::Approval;
use crate::render::clean;
use crate::render::plan::shell;

/// A signature that was verified.
pub(super) struct Verified {
    pub(super) approval: Approval,
    /// The signature's file, to be kept beside the plan.
    pub(super) text: String,
}

/// Verifies the signature beside a plan's file against the keys that are trusted, and says whose it is.
///
/// `keys` is a file of minisign public keys, or one key as minisign prints it.
///
/// # Errors
/// `Usage`: no key can be read. `Refused`: there is no signature. `Altered`: it is not one of these bytes by one of these keys.
pub(super) fn verify(plan: &Path, bytes: &[u8], keys: &str) -> Result<Verified, Failure> {
    let keys = trusted(keys)?;
    if plan == Path::new("-") {
        let message =
            "a plan on stdin has no signature beside it: --require-signature takes a plan's file";
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    let path = beside(plan);
    let shown = path.display().to_string();
    let text = fs::read_to_string(&path).map_err(|error| {
        let message = format!("there is no signature of the plan to be read at {shown}: {error}");
        let sign = format!("minisign -S -m {}", shell(&plan.display().to_string()));
        Failure::new(ExitStatus::Refused, clean(&message))
            .remedy(format!("the reviewer runs: {sign}"))
    })?;
    let altered = |why: String| {
        let message = format!("{shown}: {why}; nothing was applied");
        Failure::new(ExitStatus::Altered, clean(&message))
    };
    let signature = Signature::decode(&text)
        .map_err(|error| altered(format!("it is no signature of minisign ({error})")))?;
    keys.into_iter()
        .find(|(_, key)| key.verify(bytes, &signature, true).is_ok())
        .map(|(public_key, _)| Verified {
            approval: Approval::Signature {
                public_key,
                trusted_comment: clean(signature.trusted_comment()),
            },
            text,
        })
        .ok_or_else(|| {
            altered("it is not a signature of these bytes by a key that is trusted".to_owned())
        })
}

fn beside(plan: &Path) -> PathBuf {
    let mut path = plan.as_os_str().to_owned();
    path.push(".minisig");
    PathBuf::from(path)
}

/// Keys with their texts.
fn trusted(keys: &str) -> Result<Vec<(String, PublicKey)>, Failure> {
    let usage = |why: String| {
        let message = format!("--require-signature {keys}: {why}");
        Failure::new(ExitStatus::Usage, clean(&message))
            .remedy("give a file of minisign public keys, or one key as minisign prints it")
    };
    if let Ok(key) = PublicKey::from_base64(keys) {
        return Ok(vec![(keys.to_owned(), key)]);
    }
    let text = fs::read_to_string(keys).map_err(|error| usage(error.to_string()))?;
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines().map(str::trim)) {
        if text.is_empty() || text.starts_with('#') || text.starts_with("untrusted comment:") {
            continue;
        }
        let key = PublicKey::from_base64(text)
            .map_err(|_| usage(format!("line {line} is no public key of minisign")))?;
        found.push((text.to_owned(), key));
    }
    match found.is_empty() {
        true => Err(usage("it holds no key".to_owned())),
        false => Ok(found),
    }
}
