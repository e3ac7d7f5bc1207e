//! Text that came from a service, in Markdown: it can be read and does nothing.

use crate::canonical;
use crate::harmless::{clean, command, line, name};

/// Bytes of a name as it is written: longer ones are cut, for a name must not eat the budget of a comment.
const NAME_MAX: usize = 240;
/// Bytes of a sentence as it is written.
const SENTENCE_MAX: usize = 800;

/// A name as code: nothing in it is Markdown, HTML, a mention or a link.
pub(super) fn code(text: impl ToString) -> String {
    let name = name(text);
    if name.is_empty() {
        return String::new();
    }
    // In a cell of a table a bar ends the cell even inside code, and a backtick ends the code.
    if !name.bytes().any(|byte| matches!(byte, b'`' | b'|' | b'\\')) {
        let told = &name[..name.floor_char_boundary(NAME_MAX)];
        let more = if told.len() < name.len() { "…" } else { "" };
        format!("`{told}{more}`")
    } else {
        format!("<code>{}</code>", unlinked(entities(&name, NAME_MAX)))
    }
}

/// A sentence: every character that Markdown or HTML could take for its own is written as an entity.
pub(super) fn text<T: ToString + ?Sized>(text: &T) -> String {
    sentence(&clean(text))
}

/// The same of a sentence of our own with names in it.
pub(super) fn sentence(text: &str) -> String {
    unlinked(entities(text, SENTENCE_MAX))
}

/// A sentence of people, in which an address can be read and copied: as code, in which nothing is a mention or a link.
pub(super) fn words(said: &str) -> String {
    let one = |word: &str| {
        let around = |c: char| !c.is_alphanumeric();
        let bare = word.trim_matches(around);
        match word.split_once(bare) {
            Some((before, after)) if bare.contains('@') => {
                format!("{}{}{}", text(before), code(bare), text(after))
            }
            Some(_) | None => text(word),
        }
    };
    let said = clean(said);
    said.split(' ').map(one).collect::<Vec<_>>().join(" ")
}

/// Our own symbols; a tilde would strike words out.
pub(super) fn symbols(text: &str) -> String {
    text.replace('~', "&#126;")
}

/// An address would become a link, wherever it stands outside of real code.
fn unlinked(text: String) -> String {
    if !text.contains("://") && !text.contains("www.") {
        return text;
    }
    text.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// Every character as it is to be written, as long as they fit.
fn entities(text: &str, most: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(most) + 16);
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|byte| MARKS[usize::from(byte)]);
        let (plain, after) = rest.split_at(plain.unwrap_or(rest.len()));
        let fits = plain.floor_char_boundary(most - safe.len());
        safe.push_str(&plain[..fits]);
        let before = safe.len();
        match after.bytes().next() {
            _ if fits < plain.len() => safe.push('…'),
            None => {}
            Some(mark) => {
                // A mention or a number of an issue is looked for in what the reader sees: something unseen stands between.
                let unseen = if matches!(mark, b'@' | b'#') { "&#8203;" } else { "" };
                safe.push_str(&format!("&#{mark};{unseen}"));
                if safe.len() <= most {
                    rest = &after[1..];
                    continue;
                }
                safe.truncate(before);
                safe.push('…');
            }
        }
        return safe;
    }
}

/// Punctuation that has no meaning inside a line.
const PLAIN: &[u8] = b".,;:-/()?'\"%=";

/// Of each byte whether Markdown or HTML could take it for its own.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        marks[byte as usize] = byte.is_ascii_punctuation();
        byte += 1;
    }
    let mut at = 0;
    while at < PLAIN.len() {
        marks[PLAIN[at] as usize] = false;
        at += 1;
    }
    marks
};

/// Commands to be copied, in a fence that nothing in them can close.
pub(super) fn fence(language: &str, commands: &[String]) -> String {
    fenced(language, &commands.iter().map(|text| command(text)).collect::<Vec<_>>())
}

/// The same of lines that are harmless.
pub(super) fn fenced(language: &str, lines: &[String]) -> String {
    let mut longest = 2;
    for line in lines {
        let mut run = 0;
        for c in line.chars() {
            run = if c == '`' { run + 1 } else { 0 };
            longest = longest.max(run);
        }
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// A text of several lines to be copied, in a fence that nothing in it can close.
pub(super) fn block(language: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().map(line).collect();
    fenced(language, &lines)
}

/// Names in an HTML comment: nothing of them can end the comment; what is long is known by its digest.
pub(super) fn marker(names: &[&str]) -> String {
    const LENGTH_MAX: usize = 120;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let encoded: Vec<String> = names
        .iter()
        .map(|name| {
            let bytes = name.bytes();
            let written = bytes.map(|byte| {
                if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            });
            written.collect()
        })
        .collect();
    let all = encoded.join("+");
    match all.get(..LENGTH_MAX) {
        Some(start) if all.len() > LENGTH_MAX => {
            let digest = canonical::sha256_of_bytes(all.as_bytes());
            format!("{start}~{}", &digest[..16])
        }
        Some(_) | None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_sentence_can_be_read_and_copied() {
        assert_eq!(
            words("ask <anna@x.test>, then *bob*"),
            "ask &#60;`anna@x.test`&#62;, then &#42;bob&#42;"
        );
        assert_eq!(words("@all #7"), format!("{} {}", text("@all"), text("#7")));
        assert!(!words("a`@b`c|d").contains("|"));
    }

    #[test]
    fn names_are_code_whatever_they_hold() {
        assert_eq!(code("main.core.gold"), "`main.core.gold`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("a`b\\"), "<code>a&#96;b&#92;</code>");
        assert_eq!(code("\u{1b}[31mred\u{202e}"), "`red`");
        assert_eq!(code(" "), "");
        assert!(code("x".repeat(10_000)).len() < 250);
        assert!(code("|".repeat(10_000)).len() < 270);
    }

    #[test]
    fn a_sentence_neither_links_nor_mentions() {
        assert_eq!(text("ask @team"), "ask &#64;&#8203;team");
        assert_eq!(text("see https://x.test"), "see https&#58;//x.test");
        assert_eq!(text("<!-- *a* -->"), "&#60;&#33;-- &#42;a&#42; --&#62;");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let fenced = fence("sql", &["a ```` b\nc".to_owned()]);
        assert_eq!(fenced, "`````sql\na ```` b\u{fffd}c\n`````\n");
    }

    #[test]
    fn a_marker_ends_where_it_should() {
        assert_eq!(marker(&["east-1 --> <b>", "west"]), "east%2D1%20%2D%2D%3E%20%3Cb%3E+west");
        let (one, other) = ("x".repeat(10_000), "x".repeat(9_999));
        assert_ne!(marker(&[&one]), marker(&[&other]));
        assert!(marker(&[&one]).len() < 140);
    }
}
