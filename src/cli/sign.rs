//! Signs run records with a minisign key of the runner's own.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign::{PublicKey, SecretKey, SecretKeyBox};
use minisign_verify::Signature;

use super::configuration::LoadedConfiguration;
use super::failure::FailureHelp;
use super::{ExitStatus, Failure, signature};
use crate::apply::Signer;
use crate::command::{Command, Verb};
use crate::files;
use crate::limits::SMALL_FILE;
use crate::render::clean;
use crate::render::shell;
use crate::secrets;

/// The variable with the password of a key that has one.
const PASSWORD: &str = "DRSYNC_SIGN_PASSWORD";
/// What nobody but the owner may do with a key's file. A group may read it: so do services hand secrets to containers.
const OTHERS: u32 = 0o027;
/// How the bytes of a key without a password begin: Ed25519, no derivation.
const UNENCRYPTED: &[u8] = b"Ed\0\0";
/// Where in a key the sum of it stands.
const SUM_AT: usize = 126;
/// The length of that sum.
const SUM_BYTES: usize = 32;

/// A secret key that was opened; it is shown nowhere.
pub(super) struct RunnersKey {
    secret: SecretKey,
    public: String,
}

impl RunnersKey {
    /// Opens the file of a secret key, before anything else is done.
    ///
    /// # Errors
    /// `Usage`: it cannot be read, is no such key, or has another password. `Refused`: others may read or change it.
    pub(super) fn open(path: &Path) -> Result<RunnersKey, Failure> {
        let shown = path.display().to_string();
        let refused = |status: ExitStatus, why: &str, remedy: String| {
            let message = format!("--sign-record-with {shown}: {why}; nothing was opened");
            Failure::new(status, clean(&message)).with_help(remedy)
        };
        let make = "minisign -G makes a pair of keys, and the runner gets the secret one";
        let usage = |why: &str| refused(ExitStatus::Usage, why, make.to_owned());
        let opened = files::open_named(path).map_err(|error| usage(&error.to_string()))?;
        if is_open_to_others(&opened).map_err(|error| usage(&error.to_string()))? {
            let why = "others on this machine may read or change it";
            let remedy = format!("chmod 600 {}", shell(&shown));
            return Err(refused(ExitStatus::Refused, why, remedy));
        }
        let bytes = files::read(opened, &SMALL_FILE).map_err(|error| usage(&error.to_string()))?;
        let text =
            String::from_utf8(bytes).map_err(|_| usage("it is no secret key of minisign"))?;
        text.lines().skip(1).for_each(secrets::register);
        let password = std::env::var(PASSWORD).ok().filter(|text| !text.is_empty());
        password.iter().for_each(|text| secrets::register(text));
        // The library's own words are about a terminal at which nobody sits.
        let secret =
            opened_without_password(&text).or_else(|| opened_with(&text, password.as_deref()?));
        let Some(secret) = secret else {
            return Err(match password {
                Some(_) => {
                    let why = format!(
                        "it is no secret key of minisign, or {PASSWORD} is not its password"
                    );
                    usage(&why)
                }
                None => {
                    let why = "it is no secret key of minisign, or has a password";
                    let remedy = format!(
                        "put its password into {PASSWORD}, or make a key without one: minisign -G -W"
                    );
                    refused(ExitStatus::Usage, why, remedy)
                }
            });
        };
        let public = PublicKey::from_secret_key(&secret)
            .map_err(|_| usage("it is no secret key of minisign"))?;
        let key = RunnersKey { secret, public: public.to_base64() };
        if key.signs() {
            Ok(key)
        } else {
            Err(usage("it is damaged: what it signs does not verify"))
        }
    }
}

impl RunnersKey {
    /// Refuses an apply whose record would lack the signature that a configuration asks for; otherwise the keys that it names, if any.
    ///
    /// # Errors
    /// `Refused`: there is no key, or it is none of those. `Configuration`: those cannot be read.
    pub(super) fn check_demand(
        signer: Option<&dyn Signer>,
        found: &LoadedConfiguration,
    ) -> Result<Vec<String>, Failure> {
        let Some(keys) = signature::keys_of_records(found)? else {
            return Ok(Vec::new());
        };
        let asked = "require_signed_records of the configuration asks for a signed run record";
        let (why, help): (_, FailureHelp) = match signer {
            None => (
                "there is no key to sign it with",
                Command::new(Verb::Apply).word("--sign-record-with").word("runner.key").into(),
            ),
            Some(signer) if keys.iter().all(|key| key != signer.public_key()) => (
                "the key that was given is none of those",
                format!("trust this one, if it is the runner's: {}", signer.public_key()).into(),
            ),
            Some(_) => return Ok(keys),
        };
        let message = format!("{asked}, and {why}; nothing was opened");
        Err(Failure::new(ExitStatus::Refused, message).with_help(help))
    }

    /// Whether what it signs verifies: half a key is one, too, until it is asked.
    fn signs(&self) -> bool {
        let text = self.sign(b"drsync", "drsync").ok();
        let signature = text.and_then(|text| Signature::decode(&text).ok());
        let key = minisign_verify::PublicKey::from_base64(&self.public).ok();
        let (Some(signature), Some(key)) = (signature, key) else {
            return false;
        };
        key.verify(b"drsync", &signature, false).is_ok()
    }
}

/// The key of a text that has no password; `None`: it is none.
fn opened_without_password(text: &str) -> Option<SecretKey> {
    let key = SecretKeyBox::from_string(text).ok()?;
    let key = key.into_unencrypted_secret_key().ok();
    key.or_else(|| opened_without_sum(text))
}

/// The same of a key without a sum of itself: `minisign -G -W` 0.11 writes zeros there.
fn opened_without_sum(text: &str) -> Option<SecretKey> {
    let bytes = STANDARD.decode(text.lines().nth(1)?.trim()).ok()?;
    let (key, sum) = bytes.split_at_checked(SUM_AT)?;
    let plain = key.starts_with(UNENCRYPTED) && sum == [0; SUM_BYTES];
    plain.then(|| SecretKey::from_bytes(&bytes).ok()).flatten()
}

/// The key of a text with its password; `None`: it is none, or has another.
fn opened_with(text: &str, password: &str) -> Option<SecretKey> {
    let key = SecretKeyBox::from_string(text).ok()?;
    key.into_secret_key(Some(password.to_owned())).ok()
}

/// Whether a file is anybody else's to read or to change; what is no file, a pipe from a keeper of secrets, is not.
fn is_open_to_others(file: &File) -> std::io::Result<bool> {
    let facts = file.metadata()?;
    Ok(facts.is_file() && facts.mode() & OTHERS != 0)
}

impl Signer for RunnersKey {
    fn public_key(&self) -> &str {
        &self.public
    }

    fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, String> {
        let untrusted = "signature of a run record of drsync";
        minisign::sign(None, &self.secret, bytes, Some(comment), Some(untrusted))
            .map(|signature| signature.into_string())
            .map_err(|error| error.to_string())
    }
}
