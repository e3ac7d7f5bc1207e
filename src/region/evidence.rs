//! Documents that are kept as evidence, and how they are named. Pure.

use crate::sentence::Sentence;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use ulid::Ulid;

/// The ending of a plan's name; before it stands the id of the apply that carried it out.
pub const PLAN_ENDING: &str = ".plan.json";
/// The ending of a run record's name; before it stands the apply's id.
pub const RUN_RECORD_ENDING: &str = ".run.json";
/// The ending of a runbook's name; before it stands the id of the apply after which it was made.
pub const RUNBOOK_ENDING: &str = ".runbook.md";
/// The ending of the name of a configuration; before it stands the id of the first apply that used it.
pub const CONFIGURATION_ENDING: &str = ".config.json";
/// The ending of the name of what servers answered to the messages of an apply; before it stands the apply's id.
pub const TOLD_ENDING: &str = ".told.json";
/// What the name of a signature has after that of the document.
pub const SIGNATURE_ENDING: &str = ".minisig";

/// Which run records are wanted. Their names begin with a ULID, so names are as old as applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordRange {
    /// No name before this one.
    pub from: Option<String>,
    /// No name after this one.
    pub until: Option<String>,
    /// Only so many, the newest.
    pub newest: Option<usize>,
}

impl RecordRange {
    /// Whether a name is within the bounds, apart from how many are wanted.
    pub fn bounds(&self, name: &str) -> bool {
        self.from.as_deref().is_none_or(|from| name >= from)
            && self.until.as_deref().is_none_or(|until| name <= until)
    }

    /// Whether a document is a run record within the bounds, apart from how many are wanted.
    pub fn holds(&self, name: &str) -> bool {
        name.ends_with(RUN_RECORD_ENDING) && apply_of(name).is_some() && self.bounds(name)
    }
}

/// A document that was kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDocument {
    /// Its name.
    pub name: String,
    /// Its bytes as they were found.
    pub bytes: Vec<u8>,
}

/// Run records, and what lies among them that is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptRecords {
    /// Oldest first.
    pub documents: Vec<KeptDocument>,
    /// What was passed over, by name.
    pub passed_over: Vec<PassedOver>,
}

/// Something that lies among the evidence and is no document of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct PassedOver {
    /// Its name.
    pub name: String,
    /// What it is.
    pub why: Sentence,
}

/// The id of the apply that a document is of; `None`: it is no name of a document.
pub fn apply_of(name: &str) -> Option<&str> {
    let (id, rest) = name.split_at_checked(ulid::ULID_LEN)?;
    let document = rest.strip_suffix(SIGNATURE_ENDING).unwrap_or(rest);
    let known = [PLAN_ENDING, RUN_RECORD_ENDING, RUNBOOK_ENDING, CONFIGURATION_ENDING, TOLD_ENDING];
    let known = known.contains(&document);
    // As `Ulid` writes them; folders hold many, so none is written to compare it.
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'H' | b'J' | b'K' | b'M' | b'N' | b'P'..=b'T' | b'V'..=b'Z');
    let canonical = id.starts_with(|first| first <= '7') && id.bytes().all(digit);
    (known && canonical).then_some(id)
}

/// Whether a name is that of the signature of a run record.
pub fn is_record_signature(name: &str) -> bool {
    let document = name.strip_suffix(SIGNATURE_ENDING);
    document.is_some_and(|document| document.ends_with(RUN_RECORD_ENDING))
        && apply_of(name).is_some()
}

/// Whether a name is that of a configuration.
pub fn is_configuration(name: &str) -> bool {
    name.ends_with(CONFIGURATION_ENDING) && apply_of(name).is_some()
}

/// The first id that an apply of this moment can have: names before it are of earlier ones.
pub fn first_id_of(moment: DateTime<Utc>) -> String {
    let millis = moment.timestamp_millis().try_into().unwrap_or_default();
    Ulid::from_parts(millis, 0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_name() {
        let id = "01JDA2C7000000000000000000";
        for ending in [
            ".plan.json",
            ".run.json",
            ".runbook.md",
            ".config.json",
            ".plan.json.minisig",
            ".run.json.minisig",
            ".told.json",
        ] {
            assert_eq!(apply_of(&format!("{id}{ending}")), Some(id), "{ending}");
        }
        for odd in [
            "notes.run.json",
            ".run.json",
            "01jda2c7000000000000000000.run.json",
            "81JDA2C7000000000000000000.run.json",
            "01JDA2C7U00000000000000000.run.json",
            "01JDA2C7000000000000000000.json",
            "01JDA2C7000000000000000000.run.json.old",
            "\u{1F600}1JDA2C700000000000000000.run.json",
        ] {
            assert_eq!(apply_of(odd), None, "{odd}");
        }
    }

    #[test]
    fn ids_are_sorted_by_the_moment_they_were_made_at() {
        let moment = "2026-11-22T09:41:07.120Z".parse().unwrap();
        let id = Ulid::from_parts(1_795_340_467_120, 7).to_string();
        assert!(first_id_of(moment) < id);
        assert!(first_id_of(moment + chrono::Duration::milliseconds(1)) > id);
    }
}
