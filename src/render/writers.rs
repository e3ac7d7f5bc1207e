//! How a page looks: as text for a screen, as Markdown for a comment, as HTML for a browser; escaping happens here and nowhere else.

pub(super) mod html;
pub(super) mod markdown;
pub(super) mod text;

use super::Style;
use super::page::Page;

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

/// The verdict and what is told one by one, for what stands between other text.
pub fn outline(page: &Page, style: &Style) -> Vec<String> {
    text::outline(page, style)
}

/// The lines of a page, without empty ones, for the same.
pub fn lines(page: &Page, style: &Style) -> Vec<String> {
    let text = text::text(page, style);
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
