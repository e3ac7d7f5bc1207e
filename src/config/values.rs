//! Checks of single texts: labels, addresses of people, names of secrets, and what is still a placeholder. Pure.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::fields::{WrongValue, quote_short};

/// The most letters of a label, so that it fits any ledger, path or subject line.
const LABEL_LETTERS_MAX: usize = 255;

/// A label or a reason: not empty, on one line, without blanks at its ends.
pub(super) fn label(text: &str) -> Result<String, WrongValue> {
    if text.trim().is_empty() {
        return Err(WrongValue::new("is empty", "write a text"));
    }
    if text.starts_with('<') && text.ends_with('>') {
        return Err(placeholder_wrong(text, "write a text of your own"));
    }
    if text.chars().any(char::is_control) {
        return Err(WrongValue::new("has a control character in it", "write it on one line"));
    }
    if text != text.trim() {
        return Err(WrongValue::new("has a blank at its end", "remove it"));
    }
    if text.chars().count() > LABEL_LETTERS_MAX {
        return Err(WrongValue::new(
            format!("has more than {LABEL_LETTERS_MAX} letters"),
            "write a shorter text",
        ));
    }
    Ok(text.to_string())
}

/// A cron expression, whose fields may be parted by tabs as in a crontab; what its fields say is looked at elsewhere.
pub(super) fn cron_text(text: &str) -> Result<String, WrongValue> {
    label(&text.replace('\t', " "))
}

/// Why something is left out or stopped.
pub(super) fn reason(text: &str) -> Result<String, WrongValue> {
    match text.trim() {
        "" => Err(WrongValue::new("gives no reason", "write in a few words why")),
        text => Ok(text.to_string()),
    }
}

/// A moment in RFC 3339, or a day, which begins at midnight in UTC.
pub(super) fn day_or_moment(text: &str) -> Result<DateTime<Utc>, WrongValue> {
    let text = text.trim();
    let day = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .map(|day| day.and_time(NaiveTime::MIN).and_utc())
    };
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    moment.or_else(day).ok_or_else(|| {
        let remedy = "write a day, 2026-12-15, or a moment, 2026-12-15T06:00:00Z";
        WrongValue::new(format!("{} is no day and no moment", quote_short(text)), remedy)
    })
}

/// An optional label: empty is a mistake, because nobody can tell whether it was left out on purpose.
pub(super) fn optional_label(text: &str) -> Result<String, WrongValue> {
    if text.trim().is_empty() {
        Err(WrongValue::new("is empty", "leave it out, or write a text"))
    } else {
        label(text)
    }
}

/// The name of a secret or a scope; empty is none. Never repeats the text: it may be a token put in the wrong place.
pub(super) fn secret_name(text: &str) -> Result<Option<String>, WrongValue> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with('<') && text.ends_with('>') {
        return Err(placeholder_wrong(text, "write the secret's name, or \"\""));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@' | '.' | '/');
    if text.chars().all(plain) && text.len() <= 128 {
        Ok(Some(text.to_string()))
    } else {
        Err(WrongValue::new(
            "is not a name that Databricks allows for secrets",
            "write up to 128 letters, digits, and - _ @ . / only, or \"\"",
        ))
    }
}

/// Finds `<…>` in an address.
pub(super) fn placeholder(text: &str, remedy: &str) -> Result<(), WrongValue> {
    let found = text.split('<').skip(1).find_map(|rest| rest.split_once('>').map(|(name, _)| name));
    match found {
        Some(name) if !name.contains('@') => Err(placeholder_wrong(&format!("<{name}>"), remedy)),
        _ => Ok(()),
    }
}

/// Finds `<…>`, and the container and account that stand in examples.
pub(super) fn location_placeholder(text: &str) -> Result<(), WrongValue> {
    const REMEDY: &str = "write a folder of this region that drsync may write to";
    placeholder(text, REMEDY)?;
    let lower = text.to_lowercase();
    let example =
        lower.split_once("://").filter(|(_, rest)| rest.starts_with("container@storageaccount."));
    match example {
        Some((scheme, _)) => {
            Err(placeholder_wrong(&format!("{scheme}://container@storageaccount…"), REMEDY))
        }
        None => Ok(()),
    }
}

fn placeholder_wrong(placeholder: &str, remedy: &str) -> WrongValue {
    let short: String = placeholder.chars().take(60).flat_map(char::escape_debug).collect();
    WrongValue::new(format!("still the placeholder {short}"), remedy)
}

/// One address or several, parted by commas; one that comes twice is kept once.
pub(super) fn emails(text: &str) -> Result<Vec<String>, WrongValue> {
    const REMEDY: &str = "write one address, or several parted by commas";
    if text.trim().is_empty() {
        return Err(WrongValue::new("is empty", REMEDY));
    }
    placeholder(text, REMEDY)?;
    let mut emails: Vec<String> = Vec::new();
    for email in text.split(',').map(str::trim) {
        if email.is_empty() {
            return Err(WrongValue::new("has a comma without an address beside it", REMEDY));
        }
        if !is_email(email) {
            return Err(WrongValue::new(
                format!("{} is not an address", quote_short(email)),
                REMEDY,
            ));
        }
        if !emails.iter().any(|other| other.to_lowercase() == email.to_lowercase()) {
            emails.push(email.to_string());
        }
    }
    Ok(emails)
}

/// Those of a list of addresses that are some, whatever else stands there.
pub(super) fn good_emails(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|email| is_email(email)).map(str::to_owned).collect()
}

/// Catches slips; whether anyone reads mail there only a mail can tell.
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "@<>()[]{},;:\\\"".contains(c);
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let name_good = !name.is_empty()
        && name.len() <= 64
        && !name.contains(odd)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    name_good && domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label)
}

/// The environment variable that holds a workspace's token.
pub fn token_variable(workspace: &str) -> String {
    format!("DRSYNC_TOKEN_{}", variable_part(workspace))
}

/// A name as it stands in the name of a variable of the environment.
pub(super) fn variable_part(name: &str) -> String {
    let plain = |c: char| match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9') => c,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of<T>(read: Result<T, WrongValue>) -> String {
        read.err().map(|wrong| wrong.message).unwrap_or_default().to_string()
    }

    #[test]
    fn addresses_of_people_are_parted_by_commas_and_kept_once() {
        let good = |text: &str| emails(text).ok().expect("addresses");
        assert_eq!(good("a@example.com"), ["a@example.com"]);
        assert_eq!(
            good(" a@example.com ,b.c+d@x.example.com, A@Example.com"),
            ["a@example.com", "b.c+d@x.example.com"]
        );
        for text in [
            "a",
            "a@",
            "@example.com",
            "a@b@example.com",
            "a b@example.com",
            "a@example..com",
            "a@localhost",
            "Ops <a@example.com>",
            "a@example.com;b@example.com",
            "a@-x.com",
            "a@example.com\n",
        ] {
            let message = message_of(emails(text));
            assert!(
                message.ends_with("is not an address") || text.ends_with('\n'),
                "{text}: {message}"
            );
        }
        assert_eq!(
            message_of(emails("a@example.com,")),
            "has a comma without an address beside it"
        );
        assert_eq!(message_of(emails("<owner>")), "still the placeholder <owner>");
        assert_eq!(message_of(emails(" ")), "is empty");
    }

    #[test]
    fn a_token_in_the_place_of_a_secrets_name_is_not_repeated() {
        assert_eq!(secret_name("east-pat").ok().flatten().as_deref(), Some("east-pat"));
        assert_eq!(secret_name("").ok().flatten(), None);
        assert!(!message_of(secret_name("my secret")).contains("my secret"));
    }

    #[test]
    fn placeholders_are_named() {
        assert_eq!(
            message_of(placeholder("https://<workspace-1>.databricks.com", "")),
            "still the placeholder <workspace-1>"
        );
        assert_eq!(
            message_of(location_placeholder(
                "abfss://container@storageaccount.dfs.core.windows.net/"
            )),
            "still the placeholder abfss://container@storageaccount…"
        );
        assert!(location_placeholder("abfss://container@eastacct.dfs.core.windows.net/").is_ok());
        assert_eq!(message_of(label("<name>")), "still the placeholder <name>");
    }

    #[test]
    fn a_token_variable_has_only_capitals_digits_and_underscores() {
        assert_eq!(token_variable("dr_test-east 1"), "DRSYNC_TOKEN_DR_TEST_EAST_1");
        assert_eq!(token_variable("größe"), "DRSYNC_TOKEN_GR__E");
    }
}
