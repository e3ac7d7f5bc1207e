//! Signatures of stored plans: made elsewhere with minisign, verified here.

use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};

use super::configuration::LoadedConfiguration;
use super::{ExitStatus, Failure};
use crate::apply::Approval;
use crate::config::WrittenKeys;
use crate::files;
use crate::limits::SMALL_FILE;
use crate::render::clean;
use crate::render::shell;

/// A signature that was verified.
pub(super) struct VerifiedSignature {
    pub(super) approval: Approval,
    /// The signature's file, to be kept beside the plan.
    pub(super) text: String,
}

/// Where the keys that are trusted stand: in a file of minisign public keys, or as they are, as minisign prints them, with commas between.
#[derive(Debug)]
pub(super) struct Keys {
    /// The key, or the name of the file, as it was given.
    given: String,
    /// The folder that a relative name of a file is read against.
    folder: PathBuf,
    /// What asks for them.
    asked_by: &'static str,
    /// How what asks for them ends where they cannot be read.
    unread: ExitStatus,
}

impl Keys {
    /// Those that a flag names.
    pub(super) fn of_flag(given: &str) -> Keys {
        Keys {
            given: given.to_owned(),
            folder: PathBuf::new(),
            asked_by: "--require-signature asks for",
            unread: ExitStatus::Usage,
        }
    }

    /// Those that a configuration names, which lies in a folder.
    pub(super) fn of_configuration(given: &str, folder: &Path) -> Keys {
        Keys {
            given: given.to_owned(),
            folder: folder.to_owned(),
            asked_by: "require_signature of the configuration asks for",
            unread: ExitStatus::Configuration,
        }
    }
}

/// Verifies the signature beside a plan's file against the keys that are trusted, and says whose it is.
///
/// # Errors
/// `Usage`, `Configuration`: no key can be read. `Refused`: there is no signature. `Altered`: it is not one of these bytes by one
/// of these keys, or of minisign's old kind, which signs the file itself instead of its digest.
pub(super) fn verify(plan: &Path, bytes: &[u8], keys: &Keys) -> Result<VerifiedSignature, Failure> {
    let asked_by = keys.asked_by;
    let keys = trusted(keys)?;
    if plan == Path::new("-") {
        let message =
            "a plan on stdin has no signature beside it: --require-signature takes a plan's file";
        return Err(Failure::new(ExitStatus::Usage, message));
    }
    let path = beside(plan);
    let shown = path.display().to_string();
    let text = files::read_text(&path, &SMALL_FILE).map_err(|error| {
        let message = format!(
            "{asked_by} a signature of the plan, and there is none to be read at {shown}: {error}; nothing was opened"
        );
        let sign = format!("minisign -S -m {}", shell(&plan.display().to_string()));
        Failure::new(ExitStatus::Refused, clean(&message))
            .with_help(format!("the reviewer runs: {sign}"))
    })?;
    let altered = |why: String| {
        let message = format!("{shown}: {why}; nothing was opened");
        Failure::new(ExitStatus::Altered, clean(&message))
    };
    let signature = Signature::decode(&text)
        .map_err(|error| altered(format!("it is no signature of minisign ({error})")))?;
    if keys.iter().any(|(_, key)| is_of_the_old_kind(key, bytes, &signature)) {
        let sign = format!("minisign -S -H -m {}", shell(&plan.display().to_string()));
        let why =
            "it is a signature of minisign's old kind, of the file itself and not of its digest";
        return Err(altered(why.to_owned()).with_help(format!("the reviewer signs again: {sign}")));
    }
    keys.into_iter()
        .find(|(_, key)| key.verify(bytes, &signature, false).is_ok())
        .map(|(public_key, _)| VerifiedSignature {
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

/// The public keys of runners that `history --signed-by` names, as minisign writes them.
///
/// # Errors
/// `Usage`: no key can be read.
pub(super) fn runners_keys(given: &str) -> Result<Vec<String>, Failure> {
    let keys = Keys {
        given: given.to_owned(),
        folder: PathBuf::new(),
        asked_by: "--signed-by asks for",
        unread: ExitStatus::Usage,
    };
    let keys = trusted(&keys)?.into_iter();
    Ok(keys.map(|(text, _)| text).collect())
}

/// The public keys of runners of which one has to sign every run record, as a configuration asks for it; `None`: it does not.
///
/// Files of one directory may each ask: then a key has to stand in all of them.
///
/// # Errors
/// `Configuration`: no key can be read, or none stands in all.
pub(super) fn keys_of_records(found: &LoadedConfiguration) -> Result<Option<Vec<String>>, Failure> {
    let places = found.configuration.require_signed_records.iter().map(|given| Keys {
        asked_by: "require_signed_records of the configuration asks for",
        ..Keys::of_configuration(given, &found.folder)
    });
    in_all(places, "require_signed_records")
}

/// The public keys of reviewers by which a configuration has stored plans signed; none: it asks for no signature.
///
/// # Errors
/// `Configuration`: no key can be read.
pub(super) fn keys_of_plans(found: &LoadedConfiguration) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for given in &found.configuration.require_signature {
        let keys = trusted(&Keys::of_configuration(given, &found.folder))?;
        all.extend(keys.into_iter().map(|(text, _)| text));
    }
    Ok(all)
}

/// The keys that a configuration asks for, wherever they stand, to be written into it.
///
/// Files of one directory may each ask: then a key has to stand in all of them, as one signature has to be by it.
///
/// # Errors
/// `Configuration`: no key can be read, or none stands in all.
pub(super) fn written_keys(found: &LoadedConfiguration) -> Result<WrittenKeys, Failure> {
    let plans = found.configuration.require_signature.iter();
    let plans = plans.map(|given| Keys::of_configuration(given, &found.folder));
    Ok(WrittenKeys {
        plans: in_all(plans, "require_signature")?.unwrap_or_default(),
        records: keys_of_records(found)?.unwrap_or_default(),
    })
}

/// The keys that stand in all of several places; `None`: there is no place.
fn in_all(
    places: impl Iterator<Item = Keys>,
    setting: &str,
) -> Result<Option<Vec<String>>, Failure> {
    let mut all: Option<Vec<String>> = None;
    for keys in places {
        let keys = trusted(&keys)?;
        let mut these: Vec<String> = keys.into_iter().map(|(text, _)| text).collect();
        if let Some(before) = all {
            these.retain(|key| before.contains(key));
        }
        if these.is_empty() {
            let message =
                format!("{setting} of the configuration: no key stands in all of its files");
            return Err(Failure::new(ExitStatus::Configuration, message));
        }
        all = Some(these);
    }
    Ok(all)
}

/// Reads every key that a configuration asks for, which is all that can be said of it before it is needed.
///
/// # Errors
/// `Configuration`: no key can be read.
pub(super) fn check_keys(found: &LoadedConfiguration) -> Result<(), Failure> {
    keys_of_plans(found)?;
    keys_of_records(found).map(drop)
}

/// Whether a signature would be one of these bytes, were the old kind taken.
fn is_of_the_old_kind(key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
    key.verify(bytes, signature, true).is_ok() && key.verify(bytes, signature, false).is_err()
}

fn beside(plan: &Path) -> PathBuf {
    let mut path = plan.as_os_str().to_owned();
    path.push(".minisig");
    PathBuf::from(path)
}

/// Keys with their texts.
fn trusted(keys: &Keys) -> Result<Vec<(String, PublicKey)>, Failure> {
    let Keys { given, folder, asked_by, unread } = keys;
    let usage = |why: String| {
        let message = format!("{asked_by} keys of {given}: {why}");
        Failure::new(*unread, clean(&message))
            .with_help("give a file of minisign public keys, or one key as minisign prints it")
    };
    // One key, or several that a kept configuration lists.
    let listed = given.split(',').map(|text| text.trim());
    let listed = listed.map(|text| Some((text.to_owned(), PublicKey::from_base64(text).ok()?)));
    if let Some(keys) = listed.collect::<Option<Vec<_>>>() {
        return Ok(keys);
    }
    let text = files::read_text(&folder.join(given), &SMALL_FILE)
        .map_err(|error| usage(error.to_string()))?;
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines().map(str::trim)) {
        if text.is_empty() || text.starts_with('#') || text.starts_with("untrusted comment:") {
            continue;
        }
        let key = PublicKey::from_base64(text)
            .map_err(|_| usage(format!("line {line} is no public key of minisign")))?;
        found.push((text.to_owned(), key));
    }
    if found.is_empty() { Err(usage("it holds no key".to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    /// A signature of the text `test`, as minisign made it before it signed digests.
    const OLD: &str = "untrusted comment: signature from minisign secret key\nRWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=\ntrusted comment: timestamp:1555779966\tfile:test\nQtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==\n";

    #[test]
    fn a_signature_of_the_old_kind_is_refused_although_it_is_right() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = folder.path().join("plan.json");
        let verified = |text: &str, bytes: &[u8]| {
            fs::write(beside(&plan), text).expect("written");
            verify(&plan, bytes, &Keys::of_flag(KEY))
        };
        let Err(refused) = verified(OLD, b"test") else {
            panic!("the old kind was taken");
        };
        let said = refused.to_text();
        assert!(said.contains("minisign's old kind"), "{said}");
        let Err(other) = verified(OLD, b"other") else {
            panic!("of other bytes");
        };
        assert!(!other.to_text().contains("old kind"), "{}", other.to_text());
    }
}
