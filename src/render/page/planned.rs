//! What a plan is told of beside what every screen has: tables and what happens to them, statements, settings, figures.

use super::phrase::{Phrase, Tone};
use crate::plan::Action;

/// What happens to the tables of a group, or of several.
#[derive(Debug, Clone, Default)]
pub(in crate::render) struct Steps {
    /// The group.
    pub(in crate::render) of: String,
    /// Tables that are told one by one.
    pub(in crate::render) told: Vec<PlannedStep>,
    /// Tables of which only the number and the size are told.
    pub(in crate::render) counted: Vec<Counted>,
}

/// What happens to one table.
#[derive(Debug, Clone)]
pub(in crate::render) struct PlannedStep {
    pub(in crate::render) action: Action,
    pub(in crate::render) table: String,
    /// The version of the source that the replica holds.
    pub(in crate::render) held: Option<u64>,
    /// The version that it is brought to.
    pub(in crate::render) version: u64,
    /// What is copied, where that is known.
    pub(in crate::render) copies: Option<CopySize>,
    /// Files of the source.
    pub(in crate::render) files: Option<u64>,
    /// Commits after the version, which stay out on purpose.
    pub(in crate::render) newer: u64,
    /// The columns that change; none: none is known to.
    pub(in crate::render) columns: Option<Phrase>,
}

/// Tables to which the same happens.
#[derive(Debug, Clone)]
pub(in crate::render) struct Counted {
    pub(in crate::render) action: Action,
    pub(in crate::render) tables: usize,
    /// As far as it is known of any.
    pub(in crate::render) copies: Option<CopySize>,
}

/// How much is copied.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::render) struct CopySize {
    pub(in crate::render) bytes: u64,
    pub(in crate::render) files: u64,
}

/// A statement that will be run.
#[derive(Debug, Clone)]
pub(in crate::render) struct PlannedStatement {
    pub(in crate::render) table: String,
    pub(in crate::render) text: String,
}

/// A setting that is another than before.
#[derive(Debug, Clone)]
pub(in crate::render) struct ChangedSetting {
    /// Which way, `weaker`.
    pub(in crate::render) word: &'static str,
    /// It protects less.
    pub(in crate::render) weaker: bool,
    /// The group or the workspace.
    pub(in crate::render) who: String,
    pub(in crate::render) setting: Phrase,
    pub(in crate::render) before: String,
    pub(in crate::render) after: String,
}

/// Cells under one another, without heads.
#[derive(Debug, Clone)]
pub(in crate::render) struct Grid {
    /// It is of a part of the entry.
    pub(in crate::render) under: bool,
    pub(in crate::render) rows: Vec<Vec<Phrase>>,
    /// Which columns are numbers.
    pub(in crate::render) numbers: &'static [bool],
}

impl ChangedSetting {
    /// In columns: which way, whose, which, as it was and as it is.
    pub(in crate::render) fn cells(&self) -> Vec<Phrase> {
        let ChangedSetting { word, weaker, who, setting, before, after } = self;
        let tone = if *weaker { Tone::Bad } else { Tone::Wait };
        let [before, after] = [before, after].map(Phrase::from_others);
        vec![Phrase::mark(word, tone), Phrase::name(who), setting.clone(), before, after]
    }

    /// `objective: 12h, now 347d`.
    pub(in crate::render) fn says(&self) -> Phrase {
        let ChangedSetting { word: _, weaker: _, who: _, setting, before, after } = self;
        let before = setting.clone().and(": ").and(Phrase::from_others(before));
        before.and(", now ").and(Phrase::from_others(after))
    }
}

impl CopySize {
    /// What is copied in all, as far as it is known of any.
    pub(in crate::render) fn sum(all: impl IntoIterator<Item = CopySize>) -> Option<CopySize> {
        let mut all = all.into_iter();
        let first = all.next()?;
        Some(all.fold(first, |sum, one| CopySize {
            bytes: sum.bytes.saturating_add(one.bytes),
            files: sum.files.saturating_add(one.files),
        }))
    }
}
