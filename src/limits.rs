//! How much drsync takes from strangers: every limit in one place, each with its reason.
//!
//! Whoever writes a table, a workspace's answer or a file beside them decides how long and how deep it is. What is beyond a
//! limit is refused by name, with the limit told; the table or service it belongs to is blocked, and nothing else.

use std::fmt;
use std::time::Duration;

/// The most of something that drsync reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is counted, as a word that reads after "more than 7 MiB of".
    pub what: &'static str,
    /// How many of it are still read.
    pub most: u64,
    /// What `most` counts.
    pub unit: Unit,
    /// Why this many.
    pub reason: &'static str,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things of the kind that the limit names.
    Count,
    /// Structures inside of each other.
    Levels,
    /// So many times something else.
    Times,
}

impl Limit {
    /// Refuses more than the limit.
    ///
    /// # Errors
    /// The limit that was exceeded, which says so.
    pub fn allow(&'static self, found: u64) -> Result<(), Exceeded> {
        if found <= self.most { Ok(()) } else { Err(Exceeded(self)) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, most, unit, .. } = self;
        match unit {
            Unit::Bytes if most % (1 << 30) == 0 => write!(f, "{} GiB of {what}", most >> 30),
            Unit::Bytes if most % (1 << 20) == 0 => write!(f, "{} MiB of {what}", most >> 20),
            Unit::Bytes => write!(f, "{} KiB of {what}", most >> 10),
            Unit::Count => write!(f, "{} {what}", grouped(*most)),
            Unit::Levels => write!(f, "{most} levels of {what}"),
            Unit::Times => write!(f, "{most} times {what}"),
        }
    }
}

/// A limit that was exceeded; reads after the name of what exceeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has more than {0}, the most that drsync reads")]
pub struct Exceeded(pub &'static Limit);

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Plans, run records, evidence and other documents of drsync's own.
pub static DOCUMENT: Limit = Limit {
    what: "one document",
    most: 256 << 20,
    unit: Unit::Bytes,
    reason: "a plan of a hundred thousand tables has some 100 MiB",
};

/// Configurations, `lakehouse.json` and `jobs.json`.
pub static CONFIGURATION: Limit = Limit {
    what: "one configuration file",
    most: 64 << 20,
    unit: Unit::Bytes,
    reason: "ten thousand groups of a hundred tables have some 50 MiB",
};

/// Tokens, keys, signatures and profiles.
pub static SMALL_FILE: Limit = Limit {
    what: "one key, token or signature",
    most: 1 << 20,
    unit: Unit::Bytes,
    reason: "the largest are files of profiles with a few KiB for each workspace",
};

/// One line of a commit or of a checkpoint in JSON.
pub static LOG_LINE: Limit = Limit {
    what: "one line of a log",
    most: 64 << 20,
    unit: Unit::Bytes,
    reason: "the longest are schemas of ten thousand columns, with some 10 MiB",
};

/// Files that one version of a table names.
pub static LIVE_FILES: Limit = Limit {
    what: "live files",
    most: 8_000_000,
    unit: Unit::Count,
    reason: "a million are a large table and need less than 1 GiB of memory; the largest known have a few million",
};

/// Text of actions that one version of a table makes drsync keep.
pub static LOG_TEXT: Limit = Limit {
    what: "actions in one version",
    most: 8 << 30,
    unit: Unit::Bytes,
    reason: "a million files with statistics of a hundred columns have some 4 GiB",
};

/// One checkpoint or sidecar, unpacked.
pub static CHECKPOINT: Limit = Limit {
    what: "one checkpoint, unpacked",
    most: 16 << 30,
    unit: Unit::Bytes,
    reason: "a million files with statistics in both forms have some 8 GiB; a small file can claim any size",
};

/// What a Parquet file of a log or of a metadata table becomes when it is read, with what is kept of it, in relation to its length.
///
/// The limits above are for the largest tables there are; this one keeps a file of a few KiB from taking what those need.
pub static UNPACKED: Limit = Limit {
    what: "a file's own length, unpacked",
    most: 500,
    unit: Unit::Times,
    reason: "the name of a live file takes some 20 bytes however well it is packed, its statistics of a hundred columns 5 KiB unpacked; \
             64 MiB are free",
};

/// Bytes that any file may have unpacked, however short it is.
const UNPACKED_FREE: u64 = 64 << 20;

/// How many bytes a file of so many may have, unpacked.
pub fn most_unpacked(length: u64) -> u64 {
    length.saturating_mul(UNPACKED.most).max(UNPACKED_FREE)
}

/// Refuses what is too much for a file of so many bytes.
///
/// # Errors
/// [`UNPACKED`], which says so.
pub fn allow_unpacked(found: u64, length: u64) -> Result<(), Exceeded> {
    if found <= most_unpacked(length) { Ok(()) } else { Err(Exceeded(&UNPACKED)) }
}

/// Rows of one checkpoint or sidecar.
pub static CHECKPOINT_ROWS: Limit = Limit {
    what: "rows in one checkpoint",
    most: 40_000_000,
    unit: Unit::Count,
    reason: "a checkpoint has live files, and a week of removed ones; a row of nothing takes no room and still takes time",
};

/// The footer of a Parquet file.
pub static PARQUET_FOOTER: Limit = Limit {
    what: "one Parquet footer",
    most: 32 << 20,
    unit: Unit::Bytes,
    reason: "a footer has some 150 bytes for each column of each row group, and is held in memory",
};

/// Columns and groups in the schema of a Parquet file.
pub static PARQUET_ELEMENTS: Limit = Limit {
    what: "elements in one Parquet schema",
    most: 100_000,
    unit: Unit::Count,
    reason: "checkpoints with statistics of ten thousand columns have some 40 000",
};

/// Groups inside of each other in the schema of a Parquet file.
pub static PARQUET_DEPTH: Limit = Limit {
    what: "one Parquet schema",
    most: 100,
    unit: Unit::Levels,
    reason: "every reader of Parquet recurses, each level costs stack; a schema in a Delta log cannot be deeper either",
};

/// One page of a Parquet file, unpacked.
pub static PARQUET_PAGE: Limit = Limit {
    what: "one Parquet page, unpacked",
    most: 256 << 20,
    unit: Unit::Bytes,
    reason: "writers end a page at 1 MiB, or after a thousand rows; one of a few KiB can claim 2 GiB",
};

/// The pages of all columns that are read, unpacked at a time.
pub static PARQUET_PAGES: Limit = Limit {
    what: "Parquet pages at a time, unpacked",
    most: 512 << 20,
    unit: Unit::Bytes,
    reason: "each column that is read holds one; a file may have more where that is less than 64 times its length",
};

/// The rows of a Parquet file that are read at a time.
pub static PARQUET_BATCH: Limit = Limit {
    what: "values of one Parquet column at a time",
    most: 256 << 20,
    unit: Unit::Bytes,
    reason: "a dictionary holds a value once that every row repeats; where one is long, fewer rows are read at a time",
};

/// A data file of a table whose rows drsync itself reads: its metadata tables.
pub static ROWS_FILE: Limit = Limit {
    what: "one data file of a metadata table",
    most: 256 << 20,
    unit: Unit::Bytes,
    reason: "a row of a metadata table has some KiB; such a file is read as a whole",
};

/// The rows of a metadata table, unpacked.
pub static ROWS: Limit = Limit {
    what: "one metadata table, unpacked",
    most: 2 << 30,
    unit: Unit::Bytes,
    reason: "a cut of a hundred tables has some 50 KiB; all cuts are held in memory",
};

/// An answer of a service, after it was decoded.
pub static ANSWER: Limit = Limit {
    what: "one answer",
    most: 64 << 20,
    unit: Unit::Bytes,
    reason: "services cut their answers into pages of at most 25 MiB",
};

/// An answer of a sign-in, or a refusal.
pub static SHORT_ANSWER: Limit = Limit {
    what: "one sign-in or refusal",
    most: 1 << 20,
    unit: Unit::Bytes,
    reason: "a token has some KiB, a refusal is a sentence",
};

/// Elements of lists and objects in one answer.
pub static ANSWER_ELEMENTS: Limit = Limit {
    what: "elements in one answer",
    most: 2_000_000,
    unit: Unit::Count,
    reason: "a page of fifty tables of a thousand columns has half of it; each costs memory",
};

/// Objects in one answer.
pub static ANSWER_OBJECTS: Limit = Limit {
    what: "objects in one answer",
    most: 300_000,
    unit: Unit::Count,
    reason: "a page of fifty tables of a thousand columns has 50 000; an empty one takes two bytes, and some hundred of memory",
};

/// One text in an answer.
pub static ANSWER_TEXT: Limit = Limit {
    what: "one text in an answer",
    most: 16 << 20,
    unit: Unit::Bytes,
    reason: "a part of a kept document is the longest, with 6 MiB",
};

/// One part of a result that is read from its store.
pub static RESULT_PART: Limit = Limit {
    what: "one part of a result",
    most: 128 << 20,
    unit: Unit::Bytes,
    reason: "services cut results into parts of some 20 MiB",
};

/// Parts of one result.
pub static RESULT_PARTS: Limit = Limit {
    what: "parts of one result",
    most: 1_000,
    unit: Unit::Count,
    reason: "at the service's size of a part this is far more than a result may have",
};

/// All of one result of a statement.
pub static RESULT: Limit = Limit {
    what: "one result",
    most: 512 << 20,
    unit: Unit::Bytes,
    reason: "the histories of fifty tables have a few MiB, the cuts of years some 100 MiB",
};

/// Pages of one listing.
pub static PAGES: Limit = Limit {
    what: "pages of one listing",
    most: 2_000,
    unit: Unit::Count,
    reason: "ten thousand tables of a schema have a few hundred; a service may page without end",
};

/// Items of one listing.
pub static LISTED: Limit = Limit {
    what: "items of one listing",
    most: 200_000,
    unit: Unit::Count,
    reason: "a schema has at most ten thousand tables, a workspace ten thousand jobs",
};

/// The token of a page, which is sent back in an address.
pub static PAGE_TOKEN: Limit = Limit {
    what: "one page token",
    most: 16 << 10,
    unit: Unit::Bytes,
    reason: "they have some 100 bytes, and an address that is longer is refused by most servers",
};

/// How long a command that only looks may ask services: whoever waits for a plan wants to know that it does not come.
pub const LOOKING_LONGEST: Duration = Duration::from_secs(15 * 60);
/// How long one question to a service may take with all its attempts, in an apply too: whoever is told to come back for ever is not answered.
pub const QUESTION_LONGEST: Duration = Duration::from_secs(15 * 60);
/// All limits, in the order of docs/limits.md.
pub static ALL: [&Limit; 28] = [
    &DOCUMENT,
    &CONFIGURATION,
    &SMALL_FILE,
    &LOG_LINE,
    &LIVE_FILES,
    &LOG_TEXT,
    &CHECKPOINT,
    &UNPACKED,
    &CHECKPOINT_ROWS,
    &PARQUET_FOOTER,
    &PARQUET_ELEMENTS,
    &PARQUET_DEPTH,
    &PARQUET_PAGE,
    &PARQUET_PAGES,
    &PARQUET_BATCH,
    &ROWS_FILE,
    &ROWS,
    &ANSWER,
    &SHORT_ANSWER,
    &ANSWER_ELEMENTS,
    &ANSWER_OBJECTS,
    &ANSWER_TEXT,
    &RESULT_PART,
    &RESULT_PARTS,
    &RESULT,
    &PAGES,
    &LISTED,
    &PAGE_TOKEN,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_limit_is_told_with_the_limit() {
        assert_eq!(LOG_LINE.allow(LOG_LINE.most), Ok(()));
        let said =
            |limit: &'static Limit| limit.allow(limit.most + 1).map_err(|error| error.to_string());
        for (limit, text) in [
            (&LOG_LINE, "it has more than 64 MiB of one line of a log, the most that drsync reads"),
            (&LIVE_FILES, "it has more than 8 000 000 live files, the most that drsync reads"),
            (
                &PARQUET_DEPTH,
                "it has more than 100 levels of one Parquet schema, the most that drsync reads",
            ),
        ] {
            assert_eq!(said(limit), Err(text.to_owned()));
        }
    }

    #[test]
    fn a_short_file_may_not_become_a_large_one() {
        let said = |found, length| allow_unpacked(found, length).map_err(|it| it.to_string());
        assert_eq!(said(64 << 20, 8 << 10), Ok(()));
        assert_eq!(
            said((64 << 20) + 1, 8 << 10).unwrap_err(),
            "it has more than 500 times a file's own length, unpacked, the most that drsync reads"
        );
        // A million live files whose names and statistics are packed as well as they can be.
        assert_eq!(said(1_000_000 * 5_000, 1_000_000 * 20), Ok(()));
    }

    #[test]
    fn every_limit_stands_in_the_documentation_with_its_reason() {
        let page = include_str!("../docs/limits.md");
        for limit in ALL {
            let row = format!("| {limit} | {} |", limit.reason);
            assert!(page.contains(&row), "docs/limits.md lacks {row}");
        }
    }
}
