//! Text that came from a service is made harmless before it is shown.

use std::iter::Peekable;
use std::str::Chars;

use super::{MARK, is_unseen, without_orders};
use crate::text::shell_word;

/// Longer texts are cut: an error page of a proxy must not push the verdict off the screen.
const LENGTH_MAX: usize = 400;

/// The text without control characters, escape sequences, bidirectional controls and invisible characters, on one line,
/// and not much longer than a paragraph.
///
/// RFC 3339 moments in it are written as everywhere on screen, `2026-11-22 09:41:07Z`.
pub fn clean<T: ToString + ?Sized>(text: &T) -> String {
    let plain = moments(stripped(text.to_string()));
    if plain.len() <= LENGTH_MAX {
        return plain;
    }
    match plain.char_indices().nth(LENGTH_MAX) {
        Some((at, _)) => format!("{}…", plain[..at].trim_end()),
        None => plain,
    }
}

/// A name as it is shown: harmless, but never shortened.
pub(crate) fn name(text: impl ToString) -> String {
    stripped(text.to_string())
}

/// A command as it is shown: whatever would have been invisible is a visible mark, so that nobody runs what they did not read.
pub fn command(text: &str) -> String {
    line(text.trim())
}

/// The same of a line of what is copied, whose blanks at its beginning count.
pub(crate) fn line(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    without_orders(text)
        .chars()
        .map(|c| if is_unseen(c) || c.is_control() { MARK } else { c })
        .collect()
}

/// A name as one word of a shell, as it is shown.
pub fn shell(text: &str) -> String {
    command(&shell_word(text))
}

/// Whether nothing in a text could be obeyed or not seen: so it is with nearly all, and those are left as they are.
fn is_plain(text: &str) -> bool {
    let order = || text.contains('#') && text.contains("##");
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !order()
}

fn stripped(text: String) -> String {
    let twice = |text: &str| text.as_bytes().windows(2).any(|two| two == b"  ");
    let spaced = |text: &str| text.starts_with(' ') || text.ends_with(' ') || twice(text);
    if is_plain(&text) && !spaced(&text) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_until_final(&mut chars),
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => plain.push(' '),
            c if c.is_control() || is_unseen(c) => {}
            c => plain.push(c),
        }
    }
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    without_orders(&plain).into_owned()
}

/// What follows ESC: a control sequence, a string up to its terminator, or one character.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.next() {
        Some('[') => skip_until_final(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || c == '\u{9c}' {
                    return;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    return;
                }
            }
        }
        Some(_) | None => {}
    }
}

fn skip_until_final(chars: &mut Peekable<Chars<'_>>) {
    while let Some(c) = chars.next_if(|c| ('\u{20}'..='\u{7e}').contains(c)) {
        if ('\u{40}'..='\u{7e}').contains(&c) {
            return;
        }
    }
}

/// Rewrites every RFC 3339 moment in UTC to seconds and a blank.
fn moments(text: String) -> String {
    const SHAPE: &[u8; 19] = b"dddd-dd-ddTdd:dd:dd";
    if !text.contains('T') {
        return text;
    }
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let mut at = 0;
    while at + SHAPE.len() < bytes.len() {
        let here = &bytes[at..at + SHAPE.len()];
        let fits = here.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            _ => byte == shape,
        });
        let mut end = at + SHAPE.len();
        if fits && bytes[end] == b'.' {
            end += 1 + bytes[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        }
        if fits && bytes.get(end) == Some(&b'Z') {
            out.push_str(&text[from..at]);
            out.push_str(&text[at..at + 10]);
            out.push(' ');
            out.push_str(&text[at + 11..at + SHAPE.len()]);
            out.push('Z');
            from = end + 1;
            at = from;
        } else {
            at += 1;
        }
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["main.core.core_gold", "Größe 大きさ", "a (b) {c} `d`", ""] {
            assert_eq!(clean(text), text);
            assert_eq!(command(text), text);
        }
    }

    #[test]
    fn escape_sequences_are_gone_with_all_they_carry() {
        assert_eq!(clean("a\u{1b}[2J\u{1b}[31mb\u{1b}[0m"), "ab");
        assert_eq!(clean("a\u{1b}]0;title\u{7}b"), "ab");
        assert_eq!(clean("a\u{1b}]8;;http://x.test\u{1b}\\link"), "alink");
        assert_eq!(clean("a\u{9b}31mb\u{1b}cc"), "abc");
        assert_eq!(clean("a\u{1b}[31"), "a");
    }

    #[test]
    fn what_cannot_be_seen_is_gone() {
        assert_eq!(clean("gold\u{202e}dlog\u{2066}x\u{200b}y\u{feff}"), "golddlogxy");
        assert_eq!(clean("one\r\ntwo\tthree\u{2028}four\u{0}"), "one two three four");
        assert_eq!(clean("\u{e0041}tag\u{ad}"), "tag");
    }

    #[test]
    fn no_runner_of_a_pipeline_obeys_it() {
        let order = "##vso[task.uploadfile]/etc/passwd";
        for text in [order, "#\u{200b}#vso[task.uploadfile]/etc/passwd", "#\u{1b}[1m#vso[a"] {
            for shown in [clean(text), name(text), command(text)] {
                assert!(!shown.contains("##vso["), "{shown}");
            }
        }
    }

    #[test]
    fn a_command_shows_what_would_have_been_invisible() {
        assert_eq!(
            command("GRANT SELECT ON TABLE `a\u{202e}b`\nTO `c`"),
            "GRANT SELECT ON TABLE `a\u{fffd}b`\u{fffd}TO `c`"
        );
    }

    #[test]
    fn a_long_text_is_shortened_and_a_name_is_not() {
        let long = "x".repeat(5_000);
        assert_eq!(clean(&long).chars().count(), LENGTH_MAX + 1);
        assert_eq!(name(&long).len(), 5_000);
    }

    #[test]
    fn moments_are_written_as_everywhere_on_screen() {
        assert_eq!(
            clean("succeeded at 2026-11-22T09:41:07.500Z, after cut 41"),
            "succeeded at 2026-11-22 09:41:07Z, after cut 41"
        );
        assert_eq!(clean("next due 2026-11-22T12:00:00Z"), "next due 2026-11-22 12:00:00Z");
        assert_eq!(clean("2026-11-22T12:00:00"), "2026-11-22T12:00:00");
        assert_eq!(clean("2026-11-22T12:00:00+01:00"), "2026-11-22T12:00:00+01:00");
    }
}
