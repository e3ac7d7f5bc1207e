//! Small things that texts are made of: plurals, spans, what SQL and a shell need in quotes, hex. Pure.

/// A number with thousands separators.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A word of ours, such as a label, as the beginning of a line.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// `1 group`, `1,204 groups`.
pub fn plural(number: usize, noun: &str) -> String {
    plural_of(number as u64, noun)
}

/// The same of a number from a document.
pub fn plural_of(number: u64, noun: &str) -> String {
    plural_as(number, noun, &format!("{noun}s"))
}

/// `1 apply`, `2 applies`: of a noun whose plural has more to it than an s.
pub fn plural_as(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", count(number))
}

/// A lag, an objective, an interval, in seconds: `41m`, `22h51m`, `12h`, `9d04h`; below a minute in seconds.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m"),
        (100.., _) => format!("{days}d{:02}h", hours % 24),
        (hours, 0) => format!("{hours}h"),
        (hours, minutes) => format!("{hours}h{minutes:02}m"),
    }
}

/// A group as people name it: with its workspace where there are several.
pub fn label_group(several: bool, workspace: &str, group: &str) -> String {
    if several { format!("{workspace}/{group}") } else { group.to_owned() }
}

/// Whether a pattern means a group: by its name, or by `WORKSPACE/NAME`, as screens label it where several workspaces have one of that name.
pub fn fits_group(pattern: &str, workspace: &str, group: &str) -> bool {
    fits(pattern, group)
        || pattern.contains('/') && fits(pattern, &label_group(true, workspace, group))
}

/// Whether a word, which is no pattern, names a group in either of these ways.
pub fn names_group(word: &str, workspace: &str, group: &str) -> bool {
    let labels =
        || word.strip_prefix(workspace).and_then(|rest| rest.strip_prefix('/')) == Some(group);
    word == group || labels()
}

/// Whether a name is what a pattern means, in which `*` stands for anything and `?` for one letter; a name means itself.
pub fn fits(pattern: &str, name: &str) -> bool {
    if pattern == name {
        return true;
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut here) = (0, 0);
    // Where the last `*` stood, and how much of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while here < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[here] => {
                at += 1;
                here += 1;
            }
            Some(_) | None => {
                let Some((stood, taken)) = star else { return false };
                star = Some((stood, taken + 1));
                at = stood + 1;
                here = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// An identifier of SQL: in backticks, backticks in it doubled.
pub fn identifier(text: &str) -> String {
    format!("`{}`", text.replace('`', "``"))
}

/// The same in backticks only where it needs them, for statements that people run.
pub fn identifier_short(text: &str) -> String {
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if begins && text.bytes().all(plain) { text.to_owned() } else { identifier(text) }
}

/// A string of SQL: in single quotes, backslashes and quotes in it escaped.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A name as it is compared with another: without backticks and case.
pub fn plain_name(name: &str) -> String {
    name.replace('`', "").to_lowercase()
}

/// Whether what somebody asked for is a table's name, or the end of it.
pub fn names_table(asked: &str, table: &str) -> bool {
    let (table, asked) = (plain_name(table), plain_name(asked));
    table == asked || table.ends_with(&format!(".{asked}"))
}

/// One word for a shell, whatever it holds: in quotes unless nothing in it has a meaning there.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Bytes, two digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_alone_or_with_its_workspace() {
        for pattern in ["orders", "ord*", "east/orders", "east/*", "*/orders", "e*/ord*"] {
            assert!(fits_group(pattern, "east", "orders"), "{pattern}");
        }
        // Without a slash no workspace is meant.
        for pattern in ["east*", "north/orders", "orders/east", "east/", "/orders"] {
            assert!(!fits_group(pattern, "east", "orders"), "{pattern}");
        }
        assert!(names_group("a/b", "east", "a/b") && names_group("east/a/b", "east", "a/b"));
        assert!(names_group("a*", "east", "a*") && !names_group("e*/a", "east", "a"));
    }

    #[test]
    fn a_star_stands_for_anything_and_a_question_mark_for_one_letter() {
        for (pattern, name) in [
            ("orders", "orders"),
            ("*", ""),
            ("core_*", "core_product"),
            ("*_daily", "crm_daily_daily"),
            ("c*e*t", "core_product"),
            ("a?c", "aüc"),
            ("a*?", "ab"),
            ("what?*", "what?*"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("orders", "Orders"), ("core_*", "score_a"), ("a?c", "ac"), ("*x", "xy"), ("", "a")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(!fits(&"*a".repeat(200), &"a".repeat(5_000).replace("aa", "ab")), "and in time");
    }

    #[test]
    fn one_is_told_from_many() {
        assert_eq!(plural(1, "group"), "1 group");
        assert_eq!(plural(0, "group"), "0 groups");
        assert_eq!(plural_of(1_234_567, "row"), "1,234,567 rows");
        assert_eq!(plural_as(2, "apply", "applies"), "2 applies");
    }

    #[test]
    fn a_span_has_two_units_at_most() {
        assert_eq!(span(-5), "0s");
        assert_eq!(span(59), "59s");
        assert_eq!(span(41 * 60 + 3), "41m");
        assert_eq!(span(43_200), "12h");
        assert_eq!(span(22 * 3_600 + 51 * 60), "22h51m");
        assert_eq!(span(3_600 + 9 * 60), "1h09m");
        assert_eq!(span(9 * 86_400 + 4 * 3_600), "9d04h");
    }

    #[test]
    fn nothing_breaks_out_of_its_quotes() {
        assert_eq!(identifier("a`; DROP TABLE b"), "`a``; DROP TABLE b`");
        assert_eq!(literal("it's a \\"), "'it\\'s a \\\\'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("a.b/c-d_e"), "a.b/c-d_e");
        assert_eq!(shell_word("a;curl${IFS}x|sh"), "'a;curl${IFS}x|sh'");
    }

    #[test]
    fn an_identifier_is_quoted_where_it_needs_it() {
        for (text, short) in [
            ("a_1", "a_1"),
            ("_a", "_a"),
            ("1a", "`1a`"),
            ("", "``"),
            ("a-b", "`a-b`"),
            ("é", "`é`"),
        ] {
            assert_eq!(identifier_short(text), short);
        }
    }

    #[test]
    fn the_end_of_a_name_names_a_table() {
        assert!(names_table("Gold", "main.core.gold"));
        assert!(names_table("`core`.gold", "main.core.gold"));
        assert!(!names_table("old", "main.core.gold"));
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
