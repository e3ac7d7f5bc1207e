//! How a page looks: as text for a screen, as Markdown for a comment, as HTML for a browser; what a form has to escape is escaped here and nowhere else.

pub(super) mod html;
pub(super) mod markdown;
pub(super) mod text;

#[cfg(test)]
mod tests;

pub use markdown::budget::{BUDGET, BUDGET_MIN};
pub use markdown::guide::guide;

use super::Style;
use super::page::{Page, PlannedStep};
use crate::figures::count;
use crate::plan::Action;

/// In which form a page is written.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// For a screen.
    Text(Style),
    /// For a comment, of so many bytes at most.
    Markdown(usize),
    /// One file for a browser.
    Html,
}

/// The page in a form.
pub fn write(page: &Page, form: Form) -> String {
    match form {
        Form::Text(style) => text::text(page, &style),
        Form::Markdown(budget) => markdown::markdown(page, budget),
        Form::Html => html::html(page),
    }
}

/// Pages on a screen, one after the other.
pub fn write_all(pages: &[Page], style: &Style) -> String {
    pages.iter().map(|page| text::text(page, style)).collect::<Vec<_>>().join("\n")
}

/// The lines of a page, without empty ones, for what stands between other text.
pub fn lines(page: &Page, style: &Style) -> Vec<String> {
    let text = text::text(page, style);
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// `v6 -> v8`, or the version alone where no other is replaced.
fn versions(step: &PlannedStep, to: &str) -> String {
    match (step.action, step.held) {
        (Action::Update, Some(held)) => format!("v{held} {to} v{}", step.version),
        (Action::Create | Action::Update | Action::NoOp, _) => format!("v{}", step.version),
    }
}

/// Commits after the pinned version are left out on purpose; whoever reads the plan should know.
fn stays_out(newer: u64) -> Option<String> {
    match newer {
        0 => None,
        1 => Some("1 newer commit stays out".to_owned()),
        newer => Some(format!("{} newer commits stay out", count(newer))),
    }
}
