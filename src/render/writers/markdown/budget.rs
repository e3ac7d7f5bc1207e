//! What a comment says within its budget: the fullest of several tellings that fits, and at its end what it leaves out.

use std::collections::BTreeMap;

use super::escape::{code, marker};
use crate::text::{count, plural};

/// Bytes that a comment may have unless told otherwise: services refuse them from 65,536 characters on.
pub const BUDGET: usize = 60_000;
/// Fewer than these hold not even what is never left out.
pub const BUDGET_MIN: usize = 3_000;

/// How much is told: the numbers are how many of a kind are named, further ones are counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameBudget {
    pub(super) statements: usize,
    pub(super) tables: usize,
    pub(super) groups: usize,
    /// Of blocked and dangerous things: all are counted whatever this says.
    pub(super) named: usize,
    pub(super) messages: bool,
    /// Causes told each with its remedy; further ones are counted by what they are.
    pub(super) causes: usize,
}

/// Every rung tells less than the one before; the first that fits the budget is taken. SQL goes first.
const LADDER: [NameBudget; 8] = {
    const ALL: usize = usize::MAX;
    [
        rung(ALL, ALL, ALL, ALL, ALL),
        rung(0, ALL, ALL, ALL, ALL),
        rung(0, 10, ALL, ALL, ALL),
        rung(0, 0, ALL, 200, 200),
        rung(0, 0, 100, 50, 50),
        rung(0, 0, 20, 20, 20),
        rung(0, 0, 5, 5, 10),
        rung(0, 0, 0, 2, 3),
    ]
};

/// What is told where nothing that tells more fits.
const SHORTEST: NameBudget = rung(0, 0, 0, 0, 0);

const fn rung(
    statements: usize,
    tables: usize,
    groups: usize,
    named: usize,
    causes: usize,
) -> NameBudget {
    NameBudget { statements, tables, groups, named, messages: named > 3, causes }
}

/// The fullest text that fits; what it leaves out is said at its end.
pub(super) fn fitted(budget: usize, make: impl Fn(Comment, NameBudget) -> Comment) -> String {
    let told = |room: usize, detail: NameBudget| {
        let comment = make(Comment::of(room), detail);
        let left_out = comment.left_out(budget);
        let Comment { mut text, left_out: _, room, is_too_long } = comment;
        text.truncate(text.trim_end().len());
        text.push('\n');
        text.push_str(&left_out);
        (!is_too_long && text.len() <= room).then_some(text)
    };
    let fits = LADDER.into_iter().find_map(|detail| told(budget, detail));
    // What is never left out is told, however little room there is.
    fits.or_else(|| told(usize::MAX, SHORTEST)).unwrap_or_default()
}

/// What is written so far, and what was left out.
#[derive(Debug, Default)]
pub(super) struct Comment {
    pub(super) text: String,
    left_out: BTreeMap<&'static str, usize>,
    /// Bytes that it may have.
    room: usize,
    /// It has more, and is not read.
    is_too_long: bool,
}

impl Comment {
    /// Nothing so far, where so many bytes have room.
    fn of(room: usize) -> Comment {
        Comment { room, ..Comment::default() }
    }

    /// Whether it is too long with so many bytes more, whatever else comes: then nothing more has to be written.
    pub(super) fn is_too_long_with(&mut self, more: usize) -> bool {
        self.is_too_long |= self.text.trim_end().len() + more > self.room;
        self.is_too_long
    }

    pub(super) fn block(&mut self, lines: &str) {
        if !lines.is_empty() {
            self.text.push_str(lines.trim_end());
            self.text.push_str("\n\n");
        }
    }

    pub(super) fn leave_out(&mut self, number: usize, what: &'static str) {
        if number > 0 {
            *self.left_out.entry(what).or_default() += number;
        }
    }

    fn left_out(&self, budget: usize) -> String {
        if self.left_out.is_empty() {
            String::new()
        } else {
            let kinds = self.left_out.iter();
            let kinds: Vec<String> = kinds.map(|(what, number)| plural(*number, what)).collect();
            format!(
                "\nLeft out to fit {} bytes: {}. Everything is in the document itself.\n",
                count(budget as u64),
                kinds.join(", ")
            )
        }
    }
}

/// The line by which a bot finds its comment again: one a kind of document and its workspaces.
pub(super) fn hidden<'a>(kind: &str, workspaces: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = workspaces.collect();
    format!("<!-- drsync:{kind} scope={} -->", marker(&names))
}

pub(super) fn heading(title: &str) -> String {
    format!("**{title}**\n\n")
}

/// Names as code, as many as are told, and how many more there are.
pub(super) fn names(page: &mut Comment, all: &[String], most: usize, what: &str) -> String {
    let shown: Vec<String> = all.iter().take(most).map(code).collect();
    let more = all.len() - shown.len();
    if more == 0 {
        return shown.join(", ");
    }
    page.leave_out(more, "name");
    if shown.is_empty() {
        plural(more, what)
    } else {
        format!("{} and {}", shown.join(", "), plural(more, &format!("more {what}")))
    }
}
