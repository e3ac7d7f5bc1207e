//! Text of others, so that nothing that shows, logs or runs what drsync writes takes it for an order.
//!
//! A terminal acts on control characters, a reader's eye on what is not seen, a pipeline's runner on `##vso[…]` and `::…`, a shell on
//! what is not quoted.

use std::borrow::Cow;

mod clean;

pub use clean::{clean, command, shell};
pub(crate) use clean::{line, name};

/// Stands visibly where something was that would have been obeyed or not seen.
pub const MARK: char = '\u{fffd}';

/// Characters that change what is seen without being seen themselves.
pub fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text in which no runner finds an order wherever in a line it looks for one: `##vso[…]` and `##[…]` of Azure DevOps, which GitHub
/// Actions still reads too, and what TeamCity spells alike.
pub fn without_orders(text: &str) -> Cow<'_, str> {
    if !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find("##") {
        let (before, after) = rest.split_at(at + 1);
        safe.push_str(before);
        if is_order(&after[1..]) {
            safe.push(MARK);
        }
        rest = after;
    }
    safe.push_str(rest);
    Cow::Owned(safe)
}

/// Whether what follows `##` is an order: letters, and a bracket.
fn is_order(after: &str) -> bool {
    after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[')
}

/// Lines of which none is an order: the above, and a line that begins with `::`, after blanks or colours, as GitHub Actions reads it.
///
/// Wherever text is wrapped, a word of somebody's may come to stand at the beginning: so whole lines are looked at, and last.
pub fn lines(text: &str) -> Cow<'_, str> {
    let text = without_orders(text);
    if !text.split(['\n', '\r']).any(begins_as_order) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive(['\n', '\r']) {
        if begins_as_order(line) {
            safe.push_str(&line.replacen("::", &format!(":{MARK}:"), 1))
        } else {
            safe.push_str(line)
        }
    }
    Cow::Owned(safe)
}

/// The same where nothing but colours, tabs and ends of lines may act on a terminal: all else that would is a mark.
///
/// What is shown of others was made harmless where it was put together; this is for what nobody thought of, such as a word
/// of the command line in the complaint about it.
pub fn page(text: &str) -> Cow<'_, str> {
    let odd = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_unseen(c);
    if !text.contains(odd) {
        return lines(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = colour(rest).unwrap_or(c.len_utf8());
        if odd(c) && length == c.len_utf8() {
            safe.push(MARK)
        } else {
            safe.push_str(&rest[..length])
        }
        rest = &rest[length..];
    }
    Cow::Owned(lines(&safe).into_owned())
}

/// Bytes of the colour that a text begins with.
pub(crate) fn colour(text: &str) -> Option<usize> {
    let after = text.strip_prefix("\u{1b}[")?;
    let end = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    let end = end.strip_prefix('m')?;
    Some(text.len() - end.len())
}

fn begins_as_order(line: &str) -> bool {
    let mut rest = line.trim_start();
    while let Some(sequence) = rest.strip_prefix("\u{1b}[") {
        let parameters = |c: char| c.is_ascii_digit() || c == ';';
        let sequence = sequence.trim_start_matches(parameters);
        let mut chars = sequence.chars();
        chars.next();
        rest = chars.as_str().trim_start();
    }
    rest.starts_with("::")
}

/// A JSON text that means the same and holds nothing unseen and no order: what would be one is written as an escape.
///
/// Outside of strings JSON is plain ASCII, so that whatever is replaced stands in a string.
pub fn json(text: &str) -> Cow<'_, str> {
    let odd = |c: char| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || is_unseen(c);
    let plain = text.is_ascii() && !text.contains('\u{7f}');
    if !text.contains("##") && (plain || !text.contains(odd)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 64);
    let mut before = None;
    for c in text.chars() {
        if odd(c) || (c == '#' && before == Some('#')) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(safe)
}

/// The same of bytes; what is no text stays as it is.
pub fn json_bytes(bytes: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&bytes).map(json) {
        Ok(Cow::Owned(safe)) => safe.into_bytes(),
        Ok(Cow::Borrowed(_)) | Err(_) => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_anywhere_in_a_line_is_an_order() {
        for (text, safe) in [
            ("##vso[task.setvariable]x", "#\u{fffd}#vso[task.setvariable]x"),
            ("a ##[error]b", "a #\u{fffd}#[error]b"),
            ("###VSO[a", "##\u{fffd}#VSO[a"),
            ("##teamcity[a", "#\u{fffd}#teamcity[a"),
            ("## a [b]", "## a [b]"),
            ("a::b", "a::b"),
        ] {
            assert_eq!(without_orders(text), safe);
            assert_eq!(lines(text), safe);
        }
    }

    #[test]
    fn no_line_begins_with_an_order() {
        for (text, safe) in [
            ("::error::x", ":\u{fffd}:error::x"),
            ("a\n  ::add-mask::x\nb", "a\n  :\u{fffd}:add-mask::x\nb"),
            ("a\r::stop", "a\r:\u{fffd}:stop"),
            ("\u{1b}[1;31m ::stop", "\u{1b}[1;31m :\u{fffd}:stop"),
            ("a ::b\n", "a ::b\n"),
        ] {
            assert_eq!(lines(text), safe);
            assert_eq!(lines(safe), safe, "once is enough");
        }
    }

    #[test]
    fn nothing_but_colours_acts_on_a_terminal() {
        let coloured = "\u{1b}[1;31ma\u{1b}[0m\tb\n";
        assert_eq!(page(coloured), coloured);
        assert_eq!(
            page("a\r::b\u{1b}]0;t\u{7}\u{1b}[2J\u{9b}3m\u{202e}ü\u{1b}[0m ::c"),
            "a\u{fffd}::b\u{fffd}]0;t\u{fffd}\u{fffd}[2J\u{fffd}3m\u{fffd}ü\u{1b}[0m ::c"
        );
        assert_eq!(page("a\n\u{1b}[0m ::c"), "a\n\u{1b}[0m :\u{fffd}:c");
    }

    #[test]
    fn json_means_the_same_and_holds_no_order() {
        let value = serde_json::json!({"a": "##vso[x] ###[ \u{202e}\u{9b}\u{7f}\u{200b}\u{e0041}\u{0}\u{feff} ü\\##\"##"});
        for text in [value.to_string(), format!("{value:#}")] {
            let safe = json(&text);
            let read: serde_json::Value = serde_json::from_str(&safe).unwrap();
            assert_eq!(read, value);
            assert!(!safe.contains("##") && !safe.contains(|c: char| is_unseen(c)));
            assert!(!safe.contains(|c: char| c.is_control() && c != '\n'), "{safe}");
            assert!(safe.contains('ü'));
            assert_eq!(json(&safe), safe);
        }
        assert!(matches!(json("{\"a\": 1}"), Cow::Borrowed(_)));
    }
}
