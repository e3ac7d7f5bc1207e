//! A document as one HTML file: nothing is loaded, nothing runs, and whatever came from a service is text.
//!
//! The document itself is in the file, byte for byte, behind a link that saves it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use sha2::{Digest, Sha256};

use crate::command::Command;
use crate::figures::moment;
use crate::harmless::{clean, command, name};
use crate::render::page::Document;

/// How every page looks; the policy of the page allows this text and no other.
const CSS: &str = include_str!("page.css");

/// What writes itself where it stands: a page of many tables is made of many small things, and none of them is made apart first.
pub(super) struct WrittenInPlace<F: Fn(&mut String)>(pub(super) F);

impl<F: Fn(&mut String)> Render for WrittenInPlace<F> {
    fn render_to(&self, page: &mut String) {
        let WrittenInPlace(write) = self;
        write(page);
    }
}

/// What a page is made of.
pub(super) struct Sheet<'a, B: Render> {
    /// What kind of document it shows, before the verdict.
    pub(super) what: &'a str,
    pub(super) verdict: &'a str,
    /// Parts that the navigation leads to: id and words.
    pub(super) parts: Vec<(String, String)>,
    pub(super) body: B,
}

impl<B: Render> Sheet<'_, B> {
    pub(super) fn text(self) -> String {
        let Sheet { what, verdict, parts, body } = self;
        let style = BASE64.encode(Sha256::digest(CSS.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
        );
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    meta name="robots" content="noindex";
                    title { (shortened(verdict)) " – " (what) }
                    style { (PreEscaped(CSS)) }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        p.what { (what) }
                        h1 { (verdict) }
                    }
                    nav aria-label="Parts of this page" {
                        ul {
                            @for (id, words) in &parts {
                                li { a href={ "#" (id) } { (words) } }
                            }
                        }
                    }
                    main id="content" tabindex="-1" { (body) }
                }
            }
        };
        let mut text = page.into_string();
        text.push('\n');
        text
    }
}

/// As many whole words as a title takes beside what the page is.
fn shortened(text: &str) -> String {
    const LETTERS_MAX: usize = 48;
    let Some((at, _)) = text.char_indices().nth(LETTERS_MAX) else {
        return text.to_owned();
    };
    let (words, _) = text[..at].rsplit_once(' ').unwrap_or((&text[..at], ""));
    format!("{}…", words.trim_end_matches([',', ';', ':']))
}

/// A name, digest or id, in full.
pub(super) fn code(text: impl ToString) -> impl Render {
    let name = name(text);
    WrittenInPlace(move |page| {
        page.push_str("<code>");
        name.render_to(page);
        page.push_str("</code>");
    })
}

/// Something to copy.
pub(super) fn write_copied(text: &str) -> impl Render {
    WrittenInPlace(move |page| {
        page.push_str("<pre><code>");
        command(text).render_to(page);
        page.push_str("</code></pre>");
    })
}

pub(super) fn time(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(crate::moment::text(at)) { (moment(at)) } }
}

/// A table that can be scrolled with the keyboard where it is wider than the page.
pub(super) fn table(caption: &str, heads: &[&str], rows: impl Render) -> Markup {
    html! {
        div.scroll role="group" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// An address that a person may follow; anything else is text.
pub(super) fn address(text: &str) -> Markup {
    let shown = name(text);
    let follows =
        url::Url::parse(&shown).is_ok_and(|url| url.scheme() == "https" && url.host().is_some());
    if follows {
        html! { a href=(shown) rel="noreferrer noopener" { (shown) } }
    } else {
        html! { (clean(text)) }
    }
}

/// The document itself, to be saved, checked, and shown by a program.
pub(super) fn document(document: &Document, sha256: &str, kind: &str) -> Markup {
    let Document { bytes, id, shown_by } = document;
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).take(26).collect();
    let file = format!("{kind}-{id}.json");
    // Nothing in it means anything to HTML.
    let encoded = WrittenInPlace(|page| BASE64.encode_string(bytes, page));
    let shows = match shown_by {
        Some(verb) => Command::new(*verb).word(&*file).to_string(),
        None => format!("jq . {file}"),
    };
    html! {
        section aria-labelledby="document" {
            h2 id="document" { "The document" }
            p {
                "This page was made from the document below and holds all of its bytes: "
                a id="bytes" href={ "data:application/json;base64," (encoded) } download=(file) {
                    "save " (file)
                }
                ". Its SHA-256:"
            }
            (write_copied(sha256))
            p { "To check what was saved, and to see it as text:" }
            (write_copied(&format!("sha256sum {file} && {shows}")))
        }
    }
}
