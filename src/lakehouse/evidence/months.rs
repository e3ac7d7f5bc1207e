//! Where the documents of a month lie: directly in the folder of the evidence, or in one of their own once the month has passed.
//!
//! A document is only ever moved from the first place to the second, by a rename. So whoever looks for it looks in this order,
//! and meets it in one of them however many runners there are and whenever they are killed.

use std::collections::BTreeSet;
use std::io;

use chrono::{DateTime, Datelike, Utc};
use ulid::Ulid;

use crate::files::{self, EntryKind};
use crate::lakehouse::delta::{DeltaError, TableStore, UNFINISHED};
use crate::region::{PassedOver, RecordRange, apply_of};

/// The folder of the table in which Databricks keeps documents.
const DOCUMENTS: &str = "documents";
/// So many documents are moved by one apply at most: the next one goes on.
const MOVED_MOST: usize = 4_096;

/// A month of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    year: i32,
    month: u32,
}

impl Month {
    fn at(moment: DateTime<Utc>) -> Month {
        Month { year: moment.year(), month: moment.month() }
    }

    /// The month in which the apply of a document began.
    pub(super) fn of(name: &str) -> Option<Month> {
        let id: Ulid = apply_of(name)?.parse().ok()?;
        let millis = id.timestamp_ms().try_into().ok()?;
        DateTime::from_timestamp_millis(millis).map(Month::at)
    }

    /// The month whose folder has this name.
    fn named(folder: &str) -> Option<Month> {
        let (year, month) = folder.split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let written = year.len() >= 4 && month.len() == 2 && digits(year) && digits(month);
        let month = Month { year: year.parse().ok()?, month: month.parse().ok()? };
        (written && (1..=12).contains(&month.month)).then_some(month)
    }

    fn folder(self) -> String {
        format!("{:04}-{:02}", self.year, self.month)
    }

    /// Where a document of it lies once it has passed.
    pub(super) fn path_of(self, name: &str) -> String {
        format!("{}/{name}", self.folder())
    }

    /// Whether it has passed.
    pub(super) fn is_before(self, now: DateTime<Utc>) -> bool {
        self < Month::at(now)
    }
}

/// Reads a document wherever it lies.
pub(super) fn read(folder: &TableStore, name: &str) -> Result<Vec<u8>, DeltaError> {
    match (folder.read_all(name), Month::of(name)) {
        (Err(error), Some(month)) if error.is_not_found() => {
            folder.read_all(&month.path_of(name)).map(Vec::from)
        }
        (read, _) => read.map(Vec::from),
    }
}

/// The names of documents, the newest first. The folder of a month is looked into only when its turn comes.
pub(super) struct DocumentListing {
    names: BTreeSet<String>,
    /// Names that are in both places.
    twice: BTreeSet<String>,
    /// Those that may hold wanted documents, the newest last.
    months: Vec<Month>,
    /// What lies among them and is none, as far as was looked.
    pub(super) passed_over: Vec<PassedOver>,
}

impl DocumentListing {
    /// Begins with what lies directly in the folder: what is moved meanwhile is met in its month.
    pub(super) fn of(
        folder: &TableStore,
        wanted: &RecordRange,
    ) -> Result<DocumentListing, DeltaError> {
        let mut listing = DocumentListing {
            names: BTreeSet::new(),
            twice: BTreeSet::new(),
            months: Vec::new(),
            passed_over: Vec::new(),
        };
        let bound = |name: &Option<String>| name.as_deref().and_then(Month::of_id);
        let (from, until) = (bound(&wanted.from), bound(&wanted.until));
        for (name, named) in folder.names("")? {
            match Month::named(&name) {
                Some(month) if named == EntryKind::Folder => {
                    let wanted = from.is_none_or(|from| from <= month)
                        && until.is_none_or(|until| month <= until);
                    listing.months.extend(Some(month).filter(|_| wanted));
                }
                _ => listing.take(name, named, None),
            }
        }
        listing.months.sort_unstable();
        Ok(listing)
    }

    /// The next name.
    pub(super) fn newest(&mut self, folder: &TableStore) -> Result<Option<String>, DeltaError> {
        while let Some(month) = self.months.last().copied() {
            let newest = self.names.last().and_then(|name| Month::of(name));
            if newest > Some(month) {
                break;
            }
            self.months.pop();
            for (name, named) in folder.names(&month.folder())? {
                self.take(name, named, Some(month));
            }
        }
        Ok(self.names.pop_last())
    }

    /// Passes over what lies in a document's month and is not the document that was read, where one of its name lies in both places.
    pub(super) fn compare(&mut self, folder: &TableStore, name: &str, read: &[u8]) {
        let Some(month) = Month::of(name).filter(|_| self.twice.contains(name)) else {
            return;
        };
        let name = month.path_of(name);
        if folder.read_all(&name).is_ok_and(|other| other != read) {
            let why = "another document of its name lies beside its folder".into();
            self.passed_over.push(PassedOver { name, why });
        }
    }

    fn take(&mut self, name: String, named: EntryKind, within: Option<Month>) {
        // A file that is being written, and what Databricks keeps at the same place.
        let ours = name.starts_with(UNFINISHED) || (within.is_none() && name == DOCUMENTS);
        let why = match (named, within) {
            _ if ours => return,
            (EntryKind::Strange(why), _) => why,
            (EntryKind::Folder, _) => "it is no regular file but a folder".to_owned(),
            (EntryKind::File, _) if apply_of(&name).is_none() => {
                "its name is that of no document".to_owned()
            }
            (EntryKind::File, Some(month)) if Month::of(&name) != Some(month) => {
                format!("it is not of {}", month.folder())
            }
            (EntryKind::File, _) => {
                if !self.names.insert(name.clone()) {
                    self.twice.insert(name);
                }
                return;
            }
        };
        let name = match within {
            Some(month) => month.path_of(&name),
            None => name,
        };
        self.passed_over.push(PassedOver { name, why: why.into() });
    }
}

impl Month {
    /// The month of the moment in a ULID, or in what begins with one.
    fn of_id(text: &str) -> Option<Month> {
        let id: Ulid = text.get(..ulid::ULID_LEN)?.parse().ok()?;
        let millis = id.timestamp_ms().try_into().ok()?;
        DateTime::from_timestamp_millis(millis).map(Month::at)
    }
}

/// Moves what lies directly in the folder and is of a month that has passed.
pub(super) fn move_past_months(folder: &TableStore, now: DateTime<Utc>) -> Result<(), DeltaError> {
    let Some(root) = folder.folder() else {
        return Ok(());
    };
    let mut past: Vec<(Month, String)> = Vec::new();
    for (name, named) in folder.names("")? {
        let month = Month::of(&name);
        let month = month.filter(|month| named == EntryKind::File && month.is_before(now));
        past.extend(month.map(|month| (month, name)));
    }
    past.sort_unstable();
    past.truncate(MOVED_MOST);
    for of_month in past.chunk_by(|(one, _), (other, _)| one == other) {
        let (month, _) = of_month[0];
        folder.make_folder(&month.folder())?;
        for (_, name) in of_month {
            let inside = month.path_of(name);
            match files::rename_new(&root.join(name), &root.join(&inside)) {
                Ok(()) => {}
                // Another runner moved it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // Two runners kept it at once, one of them before it was moved: the same bytes need not lie there twice.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if folder.read_all(name)? == folder.read_all(&inside)? {
                        folder.remove(name)?;
                    }
                }
                Err(error) => return Err(DeltaError::io(format!("move {name}"), error)),
            }
        }
        folder.flush(&month.folder())?;
    }
    if past.is_empty() { Ok(()) } else { folder.flush("") }
}
