//! Which run records have to be signed, where a configuration asks for it: those since the first that a runner signed. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use super::read;
use crate::canonical::sha256_of_bytes;
use crate::record::RunRecord;
use crate::region::KeptDocument;

/// The records that say to be signed by one of these keys, each with its bytes, the one that began first first.
///
/// The first of them whose signature verifies is the one since which records have to be signed.
pub fn signed_by<'a>(
    documents: &'a [KeptDocument],
    keys: &[String],
) -> Vec<(&'a KeptDocument, RunRecord)> {
    let by = |record: &RunRecord| record.signed_by.as_ref().is_some_and(|key| keys.contains(key));
    let mut all: Vec<_> = read(documents).filter(|(_, record)| by(record)).collect();
    all.sort_by(|(_, one), (_, other)| {
        (one.started_at, &one.run_id).cmp(&(other.started_at, &other.run_id))
    });
    all
}

/// The ids of the applies since one: those that began later, and those whose records lead to its own, whatever their clocks say.
pub fn records_since(documents: &[KeptDocument], first: &RunRecord) -> HashSet<String> {
    let all: Vec<(String, RunRecord)> = read(documents)
        .map(|(document, record)| (sha256_of_bytes(&document.bytes), record))
        .collect();
    let mut followers: HashMap<&str, Vec<&(String, RunRecord)>> = HashMap::new();
    for entry in &all {
        for named in entry.1.names() {
            followers.entry(named).or_default().push(entry);
        }
    }
    let later =
        |record: &RunRecord| record.run_id == first.run_id || record.started_at >= first.started_at;
    let mut to_follow: VecDeque<&(String, RunRecord)> =
        all.iter().filter(|(_, record)| later(record)).collect();
    let mut since = HashSet::new();
    while let Some((digest, record)) = to_follow.pop_front() {
        if since.insert(record.run_id.clone()) {
            to_follow.extend(followers.get(digest.as_str()).into_iter().flatten());
        }
    }
    since
}

/// The record of the apply that began last.
pub fn newest(documents: &[KeptDocument]) -> Option<RunRecord> {
    let records = read(documents).map(|(_, record)| record);
    records
        .max_by(|one, other| (one.started_at, &one.run_id).cmp(&(other.started_at, &other.run_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record that began at a minute, after another, and says to be signed.
    fn document(
        letter: char,
        minute: u32,
        previous: Option<&KeptDocument>,
        signed_by: Option<&str>,
    ) -> KeptDocument {
        let run_id = format!("01JDA2C700000000000000000{letter}");
        let mut record = serde_json::json!({
            "kind": "drsync.run", "format_version": "1.1", "run_id": run_id, "plan_id": "P", "plan_sha256": "p",
            "effect_sha256": "e", "started_at": format!("2026-11-22T10:{minute:02}:00.000Z"),
            "ended_at": format!("2026-11-22T10:{minute:02}:30.000Z"), "actor": "user:a",
            "exit": {"code": 0, "name": "ok"}, "groups": [],
            "summary": {"synchronized": 0, "failed": 0, "blocked": 0, "not_started": 0, "copied_files": 0, "copied_bytes": 0},
        });
        if let Some(previous) = previous {
            record["previous_run_sha256"] = sha256_of_bytes(&previous.bytes).into();
        }
        if let Some(key) = signed_by {
            record["signed_by"] = key.into();
        }
        KeptDocument { name: format!("{run_id}.run.json"), bytes: record.to_string().into_bytes() }
    }

    #[test]
    fn records_since_the_first_signed_one_are_those_of_later_times_and_those_that_lead_to_it() {
        let before = document('A', 10, None, None);
        let stranger = document('B', 15, Some(&before), Some("stranger"));
        let first = document('C', 20, Some(&stranger), Some("runner"));
        let after = document('D', 30, Some(&first), None);
        // The clock of its runner was slow: it says an earlier time than the record that it follows.
        let slow = document('E', 5, Some(&after), None);
        let documents = [before, stranger, first, after, slow];
        let keys = ["runner".to_owned()];
        let signed = signed_by(&documents, &keys);
        assert_eq!(signed.len(), 1);
        let since = records_since(&documents, &signed[0].1);
        let mut letters: Vec<char> = since.iter().filter_map(|id| id.chars().last()).collect();
        letters.sort_unstable();
        assert_eq!(letters, ['C', 'D', 'E']);
        let newest = newest(&documents).map(|record| record.run_id);
        assert!(newest.is_some_and(|id| id.ends_with('D')));
    }
}
