//! From the bytes of one or more files to a configuration and all of its mistakes. Pure.

use std::path::Path;

use sha2::{Digest, Sha256};

use secrecy::SecretString;

use super::across;
use super::credentials::{self, DocumentStep, TakenSecret};
use super::fields::{Fields, KeyPlace, WrongValue, sort_by_place};
use super::json::{self, Json};
use super::keys::Level;
use super::not_json::SyntaxError;
use super::settings::Schedules;
use super::values::{label, secret_name};
use super::workspace_draft::{Surroundings, WorkspaceDraft};
use super::{Configuration, Mistake, effective, notifications};
use crate::text::hex;

/// Reads one file. `source` is its name as the user gave it; relative paths are read against `base`, which is absolute.
pub fn read_text(source: &str, text: &[u8], base: &Path) -> Configuration {
    read_files(source, &[(source.to_string(), text.to_vec())], base)
}

/// Reads the files of a directory, each a name and its bytes, in the order of their names, as one configuration.
pub fn read_files(source: &str, files: &[(String, Vec<u8>)], base: &Path) -> Configuration {
    let mut files: Vec<&(String, Vec<u8>)> = files.iter().collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut digest = Sha256::new();
    let mut mistakes = Vec::new();
    let mut drafts = Vec::new();
    let mut require_signature = Vec::new();
    let mut require_signed_records = Vec::new();
    let mut secrets = Vec::new();
    let mut misplaced = Vec::new();
    let mut schedules = Schedules::default();
    for (name, text) in &files {
        digest.update(text);
        let mut read = Read {
            drafts: &mut drafts,
            mistakes: &mut mistakes,
            require_signature: &mut require_signature,
            require_signed_records: &mut require_signed_records,
            secrets: &mut secrets,
            misplaced: &mut misplaced,
        };
        read_file(name, text, base, &mut schedules, &mut read);
    }
    if files.is_empty() {
        mistakes.push(name_missing_file(source));
    }
    across::check(&mut drafts);

    let mut incomplete = !mistakes.is_empty() || !misplaced.is_empty();
    let mut workspaces = Vec::new();
    let mut unusable = Vec::new();
    for draft in drafts {
        mistakes.extend(draft.mistakes.iter().cloned());
        mistakes.extend(draft.groups.iter().flat_map(|group| group.mistakes.iter().cloned()));
        match draft.into_workspace() {
            Ok(workspace) => workspaces.push(workspace),
            Err(named) => {
                incomplete = true;
                unusable.extend(named.map(|named| *named));
            }
        }
    }
    take_in_misplaced(&mut mistakes, misplaced);
    sort_by_place(&mut mistakes);
    Configuration {
        source: source.to_string(),
        sha256: hex(&digest.finalize()),
        effective_sha256: effective::sha256(&workspaces),
        require_signature,
        require_signed_records,
        workspaces,
        mistakes,
        incomplete,
        unusable,
        secrets,
    }
}

/// That a directory has no file of a configuration.
fn name_missing_file(source: &str) -> Mistake {
    let place = KeyPlace { file: source.to_owned(), line: 1, path: "$".to_owned(), group: None };
    place.wrong(WrongValue::new("has no *.json file in it", "write one, or name another directory"))
}

/// What is wrong with a value that a secret was taken out of is that it held one.
fn take_in_misplaced(mistakes: &mut Vec<Mistake>, misplaced: Vec<Mistake>) {
    mistakes.retain(|mistake| {
        let mut at = misplaced.iter();
        !at.any(|it| it.file == mistake.file && it.path == mistake.path)
    });
    mistakes.extend(misplaced);
}

/// What was read so far, of every file.
struct Read<'a> {
    drafts: &'a mut Vec<WorkspaceDraft>,
    mistakes: &'a mut Vec<Mistake>,
    require_signature: &'a mut Vec<String>,
    require_signed_records: &'a mut Vec<String>,
    secrets: &'a mut Vec<SecretString>,
    /// The mistakes of secrets that were taken out.
    misplaced: &'a mut Vec<Mistake>,
}

/// Adds the file's workspaces to `drafts`, and what is wrong outside of them to `mistakes`; with such a mistake
/// none of the file's workspaces is used.
fn read_file(name: &str, text: &[u8], base: &Path, schedules: &mut Schedules, read: &mut Read<'_>) {
    let Read { drafts, mistakes, require_signature, require_signed_records, secrets, misplaced } =
        read;
    let place = |line: usize| {
        let (file, path) = (name.to_string(), "$".to_string());
        KeyPlace { file, line, path, group: None }
    };
    let mut root = match json::parse(text) {
        Ok(root) => root,
        Err(SyntaxError { line, message, remedy }) => {
            let wrong = WrongValue::new(message, remedy);
            mistakes.push(place(line).wrong(wrong));
            let text = String::from_utf8_lossy(text);
            let found = credentials::secrets_in(&text).into_iter();
            secrets.extend(found.map(|(_, secret)| secret.into()));
            return;
        }
    };
    let mut taken = Vec::new();
    credentials::take_out(&mut root, &[], &mut taken);
    for TakenSecret { kind, secret, line, steps } in taken {
        secrets.push(secret.into());
        let at = steps.iter().fold(place(line), |at, step| match step {
            DocumentStep::Key(key, line) => at.key(key, *line),
            DocumentStep::Item(item, line) => at.item(*item, *line),
        });
        let wrong = WrongValue::new(kind.message(), kind.remedy());
        misplaced.push(KeyPlace { line, ..at }.wrong(wrong));
    }
    misplaced.dedup();
    let Json::Object(members) = &root.value else {
        let message = format!("is {}, not an object", root.value.kind());
        let wrong = WrongValue::new(message, "write {\"secret_scope\": …, \"workspaces\": […]}");
        mistakes.push(place(root.line).wrong(wrong));
        return;
    };
    let mut fields = Fields::open(place(root.line), Level::File, members);
    let secret_scope = fields.read("secret_scope", secret_name).map(|(scope, _)| scope);
    require_signature.extend(fields.read("require_signature", label).map(|(keys, _)| keys));
    let of_records = fields.read("require_signed_records", label);
    require_signed_records.extend(of_records.map(|(keys, _)| keys));
    let notifications = notifications::read(&mut fields);
    let around = Surroundings { base, secret_scope, notifications };
    let mut found = Vec::new();
    if let Some((items, field)) = fields.list("workspaces") {
        for (at, node) in items.iter().enumerate() {
            found.push(WorkspaceDraft::read(
                node,
                field.place.item(at, node.line),
                &around,
                schedules,
            ));
        }
    }
    if !fields.mistakes.is_empty() {
        found.iter_mut().for_each(WorkspaceDraft::stop);
    }
    mistakes.append(&mut fields.mistakes);
    drafts.append(&mut found);
}
