//! Columns, wrapping and margins, measured as a terminal measures. Pure.

use unicode_width::UnicodeWidthStr;

use crate::harmless::colour;

/// A blank at which no line is broken; on screen it is a plain one.
pub(crate) const UNBROKEN: &str = "\u{a0}";

/// Columns a text takes; colours take none.
pub(crate) fn width(text: &str) -> usize {
    const ESCAPE: char = '\u{1b}';
    let mut taken = 0;
    let mut rest = text;
    while let Some(at) = rest.find(ESCAPE) {
        let (before, from) = rest.split_at(at);
        let length = colour(from).unwrap_or(ESCAPE.len_utf8());
        taken += UnicodeWidthStr::width(before);
        rest = &from[length..];
    }
    taken + UnicodeWidthStr::width(rest)
}

/// The text with blanks up to a width.
pub(crate) fn pad(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// The text with blanks before it up to a width.
pub(crate) fn pad_left(text: &str, to: usize) -> String {
    format!("{}{text}", " ".repeat(to.saturating_sub(width(text))))
}

/// `head`, then text wrapped at words, its later lines under the first; words are never broken.
///
/// Where little room is left beside the head, the text begins on the next line.
pub(crate) fn hanging(head: &str, text: &str, columns: usize) -> Vec<String> {
    const ROOM_MIN: usize = 24;
    let beside = width(head);
    if text.is_empty() {
        return vec![head.trim_end().to_owned()];
    }
    if beside + ROOM_MIN > columns && beside + width(text) > columns {
        let mut lines = vec![head.trim_end().to_owned()];
        lines.extend(indented(6, text, columns));
        return lines;
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = head.to_owned();
    let mut empty = true;
    for word in words(text) {
        let blank = usize::from(!empty);
        if !empty && width(&line) + blank + width(&word) > columns {
            lines.push(std::mem::replace(&mut line, " ".repeat(beside)));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(&word.replace(UNBROKEN, " "));
        empty = false;
    }
    lines.push(line);
    lines
}

/// Words of a text; a date and its time are one.
pub(crate) fn words(text: &str) -> Vec<String> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut words: Vec<String> = vec![];
    for word in text.split(' ') {
        let time = word.get(..2).is_some_and(digits) && word.get(2..3) == Some(":");
        match words.last_mut() {
            Some(last) if time && last.get(last.len().saturating_sub(2)..).is_some_and(digits) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Text wrapped at words behind a margin.
pub(crate) fn indented(margin: usize, text: &str, columns: usize) -> Vec<String> {
    hanging(&" ".repeat(margin), text, columns.max(margin + 24))
}

/// Rows under one another, cells aligned right where `right` says so, `gap` blanks between them.
pub(crate) fn columns(
    rows: &[Vec<String>],
    right: &[bool],
    margin: usize,
    gap: usize,
) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    rows.iter()
        .map(|row| {
            let mut line = " ".repeat(margin);
            for (at, cell) in row.iter().enumerate().filter(|(at, _)| widths[*at] > 0) {
                if width(&line) > margin {
                    line.push_str(&" ".repeat(gap));
                }
                line.push_str(&match right.get(at) {
                    Some(true) => pad_left(cell, widths[at]),
                    Some(false) | None => pad(cell, widths[at]),
                });
            }
            line.trim_end().to_owned()
        })
        .collect()
}

/// Columns of a first line, wherever it is read: it stands alone in a chat message.
const FIRST_LINE: usize = 80;

/// A first line and what it goes on to say, `; 2 blocked`, as far as there is room; the lines below tell the rest.
pub(crate) fn first_line(
    mut line: String,
    goes_on: impl IntoIterator<Item = impl AsRef<str>>,
) -> String {
    for clause in goes_on {
        let clause = clause.as_ref();
        if has_room(&line, clause) {
            line.push_str(clause);
        }
    }
    line
}

/// A first line after what has to be said before: of its parts as many as there is room for, the first one at least. Whether
/// that are all.
pub(crate) fn first_line_after(mut line: String, parts: &[String]) -> (String, bool) {
    for (at, part) in parts.iter().enumerate() {
        let part = format!("{}{part}", if at == 0 { "; " } else { ", " });
        if at > 0 && !has_room(&line, &part) {
            return (line, false);
        }
        line.push_str(&part);
    }
    (line, true)
}

/// Whether a first line can go on to say a clause.
pub(crate) fn has_room(line: &str, clause: &str) -> bool {
    width(line) + width(clause) <= FIRST_LINE
}

/// The first few of many: `a, b, c, 4 more`.
pub(crate) fn few<T: AsRef<str>>(names: &[T], limit: usize) -> String {
    let shown = if names.len().saturating_sub(1) <= limit { names.len() } else { limit };
    let mut text = names[..shown].iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    if shown < names.len() {
        text.push_str(&format!(", {} more", names.len() - shown));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_says_what_there_is_room_for() {
        let line = |group: &str| {
            let newest = format!("; the newest is {group} cut 2 (2026-11-22 11:00:00Z)");
            first_line("3 cuts".to_owned(), [newest.as_str(), "; 1 blocked"])
        };
        assert_eq!(
            line("orders"),
            "3 cuts; the newest is orders cut 2 (2026-11-22 11:00:00Z); 1 blocked"
        );
        assert_eq!(line(&"long_name".repeat(5)), "3 cuts; 1 blocked");
        assert_eq!(first_line("x".repeat(90), ["; 1 blocked"]), "x".repeat(90));
    }

    #[test]
    fn after_what_has_to_be_said_a_first_line_has_one_part_at_least() {
        let parts =
            ["2 groups to sync".to_owned(), "1 blocked".to_owned(), "9 up to date".to_owned()];
        let after = |columns: usize| first_line_after("x".repeat(columns), &parts);
        let said = |columns: usize, parts: &str| format!("{}; {parts}", "x".repeat(columns));
        assert_eq!(after(37), (said(37, "2 groups to sync, 1 blocked, 9 up to date"), true));
        assert_eq!(after(38), (said(38, "2 groups to sync, 1 blocked"), false));
        assert_eq!(after(52), (said(52, "2 groups to sync"), false));
        assert_eq!(after(90), (said(90, "2 groups to sync"), false));
    }

    #[test]
    fn words_are_wrapped_and_never_broken() {
        let lines = hanging("head  ", "one two three_is_a_very_long_name_indeed four", 30);
        assert_eq!(
            lines,
            ["head  one two", "      three_is_a_very_long_name_indeed", "      four"]
        );
    }

    #[test]
    fn where_no_room_is_left_the_text_begins_on_the_next_line() {
        let lines = hanging(&"n".repeat(70), "a reason that is not short at all", 80);
        assert_eq!(lines[1], "      a reason that is not short at all");
    }

    #[test]
    fn colours_take_no_column() {
        assert_eq!(width("\u{1b}[32m+ create\u{1b}[0m x"), 10);
        assert_eq!(width("大\u{1b}"), 2);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = [vec!["大".into(), "x".into()], vec!["abc".into(), "y".into()]];
        assert_eq!(columns(&rows, &[], 0, 1), ["大  x", "abc y"]);
    }

    #[test]
    fn one_more_is_named_rather_than_counted() {
        assert_eq!(few(&["a", "b", "c"], 2), "a, b, c");
        assert_eq!(few(&["a", "b", "c", "d"], 2), "a, b, 2 more");
        assert_eq!(few(&["a", "b"], usize::MAX), "a, b", "as with -v");
    }
}
