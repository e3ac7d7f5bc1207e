//! Documents that are kept as evidence.

/// The ending of a run record's name; before it stands the apply's id.
pub const RUN_RECORD_ENDING: &str = ".run.json";

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
    /// Whether a document belongs to the range, apart from how many do.
    pub fn holds(&self, name: &str) -> bool {
        name.ends_with(RUN_RECORD_ENDING)
            && self.from.as_deref().is_none_or(|from| name >= from)
            && self.until.as_deref().is_none_or(|until| name <= until)
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
