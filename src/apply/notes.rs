//! What an apply notes while it works, for its record: warnings, and what each region took down. In memory alone.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::plan::Role;
use crate::record::{NotRecorded, Recorded, RecordedIn, RunWarning, TakenDown};
use crate::sentence::Sentence;

/// What a region was to take down: of which workspace, in which region, what.
type Owed = (String, Role, Recorded);

/// Noted by all groups at once.
#[derive(Debug, Default)]
pub(super) struct ApplyNotes {
    warnings: Mutex<Vec<RunWarning>>,
    /// Whether it was taken down, or why not. Only an answer of the region says that it was.
    taken: Mutex<BTreeMap<Owed, Result<(), Sentence>>>,
}

impl ApplyNotes {
    /// Notes a warning, and says whether it is the first of its kind and words: what several parts of an apply meet is told once.
    pub(super) fn warn(&self, warning: RunWarning) -> bool {
        let mut warnings = self.warnings.lock().expect("no panic while a warning is noted");
        let first = !warnings.contains(&warning);
        if first {
            warnings.push(warning);
        }
        first
    }

    /// Every warning, in their order.
    pub(super) fn warnings(&self) -> Vec<RunWarning> {
        self.warnings.lock().expect("no panic while a warning is noted").clone()
    }

    /// Notes that a region took something down; what it lacked before, it still lacks.
    pub(super) fn took(&self, workspace: &str, region: Role, what: Recorded) {
        let mut taken = self.taken.lock().expect("no panic while it is noted");
        taken.entry((workspace.to_owned(), region, what)).or_insert(Ok(()));
    }

    /// Notes that a region did not take something down; the first reason stands.
    pub(super) fn lacks(&self, workspace: &str, region: Role, what: Recorded, why: Sentence) {
        let mut taken = self.taken.lock().expect("no panic while it is noted");
        let noted = taken.entry((workspace.to_owned(), region, what)).or_insert(Ok(()));
        if noted.is_ok() {
            *noted = Err(why);
        }
    }

    /// Whether some region did not take something down.
    pub(super) fn lacks_any(&self, what: Recorded) -> bool {
        let taken = self.taken.lock().expect("no panic while it is noted");
        taken.iter().any(|((_, _, noted), done)| *noted == what && done.is_err())
    }

    /// What regions did not take down, sorted.
    pub(super) fn not_recorded(&self) -> Vec<NotRecorded> {
        let taken = self.taken.lock().expect("no panic while it is noted");
        let lack = |((workspace, region, what), done): (&Owed, &Result<(), Sentence>)| {
            let why = done.clone().err()?;
            Some(NotRecorded { workspace: workspace.clone(), region: *region, what: *what, why })
        };
        taken.iter().filter_map(lack).collect()
    }

    /// What each region of each workspace took down, sorted by workspace.
    pub(super) fn recorded(&self) -> Vec<RecordedIn> {
        let taken = self.taken.lock().expect("no panic while it is noted");
        let mut all: BTreeMap<&str, RecordedIn> = BTreeMap::new();
        for ((workspace, region, what), done) in taken.iter() {
            let recorded = all.entry(workspace).or_insert_with(|| RecordedIn {
                workspace: workspace.clone(),
                primary: TakenDown::default(),
                secondary: TakenDown::default(),
            });
            let taken = match region {
                Role::Primary => &mut recorded.primary,
                Role::Secondary => &mut recorded.secondary,
            };
            taken.set(*what, done.is_ok());
        }
        all.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_once_is_lacking_whatever_was_taken_before_and_after() {
        let notes = ApplyNotes::default();
        notes.took("east", Role::Primary, Recorded::Rows);
        notes.lacks("east", Role::Primary, Recorded::Rows, "it is full".into());
        notes.lacks("east", Role::Primary, Recorded::Rows, "it is gone".into());
        notes.took("east", Role::Primary, Recorded::Rows);
        notes.took("east", Role::Secondary, Recorded::Rows);
        let recorded = notes.recorded();
        let [east] = recorded.as_slice() else { panic!("{recorded:?}") };
        assert_eq!((east.primary.rows, east.primary.cuts), (Some(false), None));
        assert_eq!((east.secondary.rows, east.secondary.record), (Some(true), None));
        let lacking = notes.not_recorded();
        let why: Vec<&Sentence> = lacking.iter().map(|lack| &lack.why).collect();
        assert_eq!(why, [&Sentence::from("it is full")]);
        assert!(notes.lacks_any(Recorded::Rows) && !notes.lacks_any(Recorded::Cuts));
    }
}
