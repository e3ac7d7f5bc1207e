//! Secrets that stand in a configuration, known by their shape: a configuration names secrets, and holds none. Pure.

use super::json::{Json, Member, Node};

/// What a secret looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    Password,
    Signature,
    Webhook,
    PrivateKey,
}

impl Kind {
    pub(super) fn message(self) -> &'static str {
        match self {
            Kind::Token => "looks like a token, which belongs in no configuration",
            Kind::Password => "holds a password in an address, which belongs in no configuration",
            Kind::Signature => {
                "holds the signature or the key of a storage account, which belongs in no configuration"
            }
            Kind::Webhook => {
                "is the address of a webhook, whose path is its password and belongs in no configuration"
            }
            Kind::PrivateKey => "holds a private key, which belongs in no configuration",
        }
    }

    /// What to do: whoever could read the file has it.
    pub(super) fn remedy(self) -> &'static str {
        "revoke it, put a new one in a secret scope or a variable of the environment, and write the secret's name here at most"
    }
}

/// What stands for a secret that was taken out.
const WITHHELD: &str = "…";
/// Fewer characters than this are no secret part of a signature, a key or an address.
const PART_MIN: usize = 16;

/// Whether a character may stand in a secret of some kind.
type Letters = fn(char) -> bool;

/// Beginnings of tokens, with how many characters at least follow and of which kind they are.
const TOKENS: [(&str, usize, Letters); 17] = [
    ("dapi", 30, is_hex),
    ("dose", 30, is_hex),
    ("dkea", 30, is_hex),
    ("ghp_", 30, is_letter),
    ("gho_", 30, is_letter),
    ("ghu_", 30, is_letter),
    ("ghs_", 30, is_letter),
    ("ghr_", 30, is_letter),
    ("github_pat_", 30, is_word),
    ("glpat-", 20, is_word),
    ("xoxb-", 20, is_word),
    ("xoxp-", 20, is_word),
    ("xoxa-", 20, is_word),
    ("xoxs-", 20, is_word),
    ("AIza", 35, is_word),
    ("RWRTY0Iy", 100, is_base64),
    ("sk_live_", 16, is_letter),
];

/// Parameters whose value signs or opens something, in addresses and connection strings.
const PARAMETERS: [&str; 7] = [
    "sig=",
    "signature=",
    "x-amz-signature=",
    "x-goog-signature=",
    "accountkey=",
    "sharedaccesssignature=",
    "sharedaccesskey=",
];

/// Addresses of which everything after them is a password.
const WEBHOOKS: [&str; 5] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "webhook.office.com/webhookb2/",
    "outlook.office.com/webhook/",
    "discord.com/api/webhooks/",
];

fn is_hex(c: char) -> bool {
    c.is_ascii_hexdigit() || c == '-'
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_')
}

/// What may stand in the value of a parameter of an address.
fn is_value(c: char) -> bool {
    is_base64(c) || matches!(c, '%' | '.' | '~')
}

fn is_path(c: char) -> bool {
    is_value(c) || matches!(c, '@' | '?' | '&')
}

/// Every secret in a text, by its shape, with the part of the text that it is.
pub(super) fn secrets_in(text: &str) -> Vec<(Kind, &str)> {
    let mut found = Vec::new();
    for (start, least, of) in TOKENS {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            let token = run(&text[at + start.len()..], of);
            if token.len() >= least && !before.is_some_and(char::is_alphanumeric) {
                found.push((Kind::Token, &text[at..at + start.len() + token.len()]));
            }
        }
    }
    // A JSON Web Token: three parts, of which the first two are JSON.
    for (at, _) in text.match_indices("eyJ") {
        let token = run(&text[at..], |c| is_word(c) || c == '.');
        let parts: Vec<&str> = token.split('.').collect();
        if parts.len() >= 3 && parts[..2].iter().all(|part| part.len() >= 8) {
            found.push((Kind::Token, token));
        }
    }
    for (at, _) in text.match_indices("://") {
        let rest = &text[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"'));
        let authority = &rest[..end.unwrap_or(rest.len())];
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((_, password)) = user.split_once(':')
            && !password.is_empty()
        {
            found.push((Kind::Password, password));
        }
    }
    let lower = text.to_ascii_lowercase();
    for parameter in PARAMETERS {
        for (at, _) in lower.match_indices(parameter) {
            let value = run(&text[at + parameter.len()..], is_value);
            let begins = at == 0 || lower[..at].ends_with(['?', '&', ';', ' ', '"', '\n']);
            if value.len() >= PART_MIN && begins {
                found.push((Kind::Signature, value));
            }
        }
    }
    for host in WEBHOOKS {
        for (at, _) in lower.match_indices(host) {
            let path = run(&text[at + host.len()..], is_path);
            if path.len() >= PART_MIN {
                found.push((Kind::Webhook, path));
            }
        }
    }
    for (at, _) in text.match_indices("-----BEGIN ") {
        let rest = &text[at..];
        let is_key = rest.lines().next().is_some_and(|line| line.contains("PRIVATE KEY-----"));
        if is_key {
            let end = rest.find("-----END ").unwrap_or(rest.len());
            let body = rest.find("KEY-----").map_or(0, |begin| begin + "KEY-----".len());
            let body = rest.get(body..end).unwrap_or(rest).trim();
            found.push((Kind::PrivateKey, if body.is_empty() { rest } else { body }));
        }
    }
    found
}

/// The beginning of a text that is of some characters.
fn run(text: &str, of: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !of(c)).unwrap_or(text.len());
    &text[..end]
}

/// A secret that was taken out of a document: what it looked like, and the keys and places down to it.
pub(super) struct TakenSecret {
    pub(super) kind: Kind,
    pub(super) secret: String,
    pub(super) line: usize,
    pub(super) steps: Vec<DocumentStep>,
}

/// One step down into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DocumentStep {
    Key(String, usize),
    Item(usize, usize),
}

/// Takes every secret out of a document, comments and unknown keys too, so that nothing that is read from it holds one.
pub(super) fn take_out(node: &mut Node, above: &[DocumentStep], taken: &mut Vec<TakenSecret>) {
    let line = node.line;
    match &mut node.value {
        Json::Text(text) => take_from(text, line, above, taken),
        Json::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                let steps = [above, &[DocumentStep::Item(at, item.line)]].concat();
                take_out(item, &steps, taken);
            }
        }
        Json::Object(members) => {
            for Member { line, key, value } in members {
                take_from(key, *line, above, taken);
                let steps = [above, &[DocumentStep::Key(key.clone(), *line)]].concat();
                take_out(value, &steps, taken);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn take_from(text: &mut String, line: usize, steps: &[DocumentStep], taken: &mut Vec<TakenSecret>) {
    let found: Vec<(Kind, String)> =
        secrets_in(text).into_iter().map(|(kind, secret)| (kind, secret.to_owned())).collect();
    for (kind, secret) in found {
        *text = text.replace(&secret, WITHHELD);
        taken.push(TakenSecret { kind, secret, line, steps: steps.to_vec() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    fn kinds(text: &str) -> Vec<Kind> {
        secrets_in(text).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn secrets_are_known_by_their_shape() {
        let letters = "a1B2".repeat(10);
        for (text, kind) in [
            (format!("dapi{HEX}"), Kind::Token),
            (format!("dapi{HEX}-2"), Kind::Token),
            (format!("the token is dose{HEX}, for now"), Kind::Token),
            (format!("ghp_{letters}"), Kind::Token),
            (format!("github_pat_{letters}_x"), Kind::Token),
            (format!("xoxb-{letters}"), Kind::Token),
            (format!("Bearer eyJ{letters}.eyJ{letters}.{letters}"), Kind::Token),
            ("https://dr:hunter2@adb-1.azuredatabricks.net".to_owned(), Kind::Password),
            ("smtp://user:p%40ss@mail.test:587/".to_owned(), Kind::Password),
            (
                format!("https://a.blob.core.windows.net/c?sv=2024&sig={letters}%3D"),
                Kind::Signature,
            ),
            (format!("AccountName=a;AccountKey={letters}==;x=y"), Kind::Signature),
            (format!("https://b.s3.test/k?X-Amz-Signature={HEX}"), Kind::Signature),
            (format!("https://hooks.slack.com/services/T0/B0/{letters}"), Kind::Webhook),
            (
                format!("https://x.webhook.office.com/webhookb2/{HEX}@t/IncomingWebhook/1"),
                Kind::Webhook,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----".to_owned(),
                Kind::PrivateKey,
            ),
        ] {
            assert_eq!(kinds(&text), [kind], "{text}");
        }
    }

    #[test]
    fn names_addresses_and_reasons_are_no_secrets() {
        for text in [
            "",
            "dapi-main-workspace-token",
            "east-pat",
            "dapi",
            "main.core.gold",
            "https://adb-1234567890123456.7.azuredatabricks.net",
            "abfss://dr@account.dfs.core.windows.net/sync",
            "s3://bucket/path",
            "owner@example.com, other@example.com",
            "the sig=nature is missing",
            "eyJ.is.short",
            "RWQ0ub1ZCHLvIAqRPIaM0EDWLlzPAIO6Vp7MTqOWP4QOWJWqm2Vl3C2e",
            "0 */6 * * *",
            "-----BEGIN PUBLIC KEY-----",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}
