//! The secrets that this process uses, so that none of them is written anywhere: not by a service that sends back what it was
//! sent, not from a place in a configuration where it does not belong.
//!
//! Every secret is registered where it is first seen, and what is written passes through [`withheld`]. A text is compared as it
//! is and as it reads after decoding: percent signs, escapes of JSON, base64.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::RwLock;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Nothing shorter is a secret; words as short may stand in any text.
const BYTES_MIN: usize = 6;
/// How often a text is decoded: what was encoded twice is recognized.
const DECODED: u8 = 2;
/// Forms of a secret that a plain search finds.
const FORMS: usize = 7;
/// So many are known at once: a daemon signs in anew for months. Those that were not used for longest are forgotten, which have
/// expired long since.
const MOST: usize = 512;
/// What stands for a secret.
const WITHHELD: &str = "…";

static IN_USE: RwLock<Option<InUse>> = RwLock::new(None);

/// All secrets, the longest first, and all forms of them that a plain search finds.
struct InUse {
    secrets: Vec<String>,
    forms: AhoCorasick,
    /// Of each when it was last used, counted.
    used: HashMap<String, u64>,
    /// How often one was used.
    uses: u64,
}

/// Notes that a text is a secret.
pub fn register(secret: &str) {
    let secret = secret.trim();
    if secret.len() < BYTES_MIN {
        return;
    }
    let mut in_use = IN_USE.write().expect("no panic while a secret is noted");
    if let Some(known) = in_use.as_mut() {
        if !known.is_used_again(secret)
            && let Some(more) = known.with(secret, MOST)
        {
            *known = more;
        }
    } else {
        *in_use = InUse::of(HashMap::from([(secret.to_owned(), 0)]), 0);
    }
}

/// The text without any secret in use.
pub fn withheld(text: &str) -> Cow<'_, str> {
    let in_use = IN_USE.read().expect("no panic while a secret is noted");
    let Some(known) = in_use.as_ref() else {
        return Cow::Borrowed(text);
    };
    if known.found(text, DECODED).is_empty() {
        return Cow::Borrowed(text);
    }
    let of_several = known.secrets.iter().filter(|it| it.contains(ends_word));
    let plain = of_several.fold(text.to_owned(), |plain, it| plain.replace(it, WITHHELD));
    let plain: String = plain.split_inclusive(ends_word).map(|word| known.without(word)).collect();
    // A secret that only shows across several words, whatever stands between them, takes its whole line with it.
    let across = |line: &str| !known.found(line, DECODED).is_empty();
    let plain: String = plain
        .split_inclusive('\n')
        .map(|line| {
            if !across(line) {
                line.to_owned()
            } else if line.ends_with('\n') {
                format!("{WITHHELD}\n")
            } else {
                WITHHELD.to_owned()
            }
        })
        .collect();
    if known.found(&plain, DECODED).is_empty() {
        Cow::Owned(plain)
    } else {
        Cow::Borrowed(WITHHELD)
    }
}

/// The same of every text in a document.
pub fn withheld_in(value: &mut Value) {
    match value {
        Value::String(text) => {
            let plain = withheld(text);
            if plain != *text {
                *text = plain.into_owned();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(withheld_in),
        Value::Object(fields) => fields.values_mut().for_each(withheld_in),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '<' | '>')
}

/// Whether a text holds a secret in use.
pub fn holds(text: &str) -> bool {
    withheld(text) != text
}

impl InUse {
    /// These, each with when it was last used; `None`: there are more than can be looked for.
    fn of(used: HashMap<String, u64>, uses: u64) -> Option<InUse> {
        let mut secrets: Vec<String> = used.keys().cloned().collect();
        secrets.sort_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        // What is searched is mostly JSON, in which bytes that are rare elsewhere are frequent.
        let forms = AhoCorasick::builder()
            .prefilter(false)
            .build(secrets.iter().flat_map(|secret| forms_of(secret)))
            .ok()?;
        Some(InUse { secrets, forms, used, uses })
    }

    /// Notes that one is used again, if it is known.
    fn is_used_again(&mut self, secret: &str) -> bool {
        self.uses += 1;
        let uses = self.uses;
        self.used.get_mut(secret).map(|last| *last = uses).is_some()
    }

    /// The same with another one, without that which was not used for longest where there are too many.
    fn with(&self, secret: &str, most: usize) -> Option<InUse> {
        let mut used = self.used.clone();
        while used.len() >= most {
            let oldest = used.iter().min_by_key(|(_, last)| **last)?.0.clone();
            used.remove(&oldest);
        }
        used.insert(secret.to_owned(), self.uses);
        InUse::of(used, self.uses)
    }

    /// Which secrets a text holds, in whatever form.
    fn found(&self, text: &str, decode: u8) -> BTreeSet<usize> {
        let found = self.forms.find_overlapping_iter(text);
        let mut found: BTreeSet<usize> = found.map(|it| it.pattern().as_usize() / FORMS).collect();
        let mut decoded = |by: char, decode_by: fn(&str) -> String| {
            if decode > 0 && text.contains(by) {
                let decoded = decode_by(text);
                if decoded != text {
                    found.extend(self.found(&decoded, decode - 1));
                }
            }
        };
        decoded('%', without_percent);
        decoded('\\', without_escapes);
        found
    }

    /// A word without the secrets in it. One that holds an encoded secret is withheld whole, up to the character that ends it.
    fn without(&self, word: &str) -> String {
        let found = self.found(word, DECODED);
        let is_plain = |it: &usize| word.contains(&self.secrets[*it]);
        if found.iter().all(is_plain) {
            let secrets = found.iter().map(|it| self.secrets[*it].as_str());
            return secrets.fold(word.to_owned(), |word, it| word.replace(it, WITHHELD));
        }
        let end = word.chars().next_back().filter(|c| ends_word(*c));
        format!("{WITHHELD}{}", end.map(String::from).unwrap_or_default())
    }
}

/// A secret as it is, and the part of its base64 that does not depend on what stands before and after it.
fn forms_of(secret: &str) -> [String; FORMS] {
    let base64 = |before: usize| {
        let mut bytes = vec![0; before];
        bytes.extend(secret.as_bytes());
        let encoded = STANDARD.encode(&bytes);
        encoded[(8 * before).div_ceil(6)..8 * bytes.len() / 6].to_owned()
    };
    let for_urls = |text: &str| text.replace('+', "-").replace('/', "_");
    let [first, second, third] = [base64(0), base64(1), base64(2)];
    [secret.to_owned(), for_urls(&first), for_urls(&second), for_urls(&third), first, second, third]
}

fn without_percent(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A text with what JSON escapes in it read.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = after.chars();
        let Some(escaped) = chars.next() else {
            rest = "";
            break;
        };
        rest = chars.as_str();
        let code = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
        match (escaped, code(rest)) {
            ('u', Some(code)) => {
                plain.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = &rest[4..];
            }
            ('n' | 'r' | 't' | 'b' | 'f', _) => plain.push(' '),
            (other, _) => plain.push(other),
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "dapi-canary/of+the=registry";

    fn is_withheld(text: &str) -> bool {
        let told = withheld(text);
        !without_escapes(&without_percent(&told)).contains(SECRET) && told.contains(WITHHELD)
    }

    #[test]
    fn a_secret_is_withheld_in_every_spelling() {
        register(SECRET);
        let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let escaped: String = SECRET.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let twice = percent.replace('%', "%25");
        for text in [SECRET, &percent, &escaped, &twice] {
            assert!(is_withheld(&format!("no \"{text}\" here")), "{text}");
        }
        for before in ["", "a", "ab", "client:"] {
            let encoded = STANDARD.encode(format!("{before}{SECRET}"));
            assert_ne!(withheld(&encoded), encoded);
            let encoded = encoded.replace('+', "-").replace('/', "_");
            assert_ne!(withheld(&encoded), encoded);
        }
        register("a pass phrase");
        assert_eq!(withheld("as \"a pass phrase\" is"), "as \"…\" is");
        assert_eq!(withheld(&format!("Bearer {SECRET}, and more")), "Bearer …, and more");
        assert_eq!(
            withheld(&format!("{{\"message\":\"{escaped}\",\"code\":7}}")),
            "{\"message\":\"…\",\"code\":7}"
        );
    }

    #[test]
    fn of_very_many_secrets_those_that_were_used_lately_are_known() {
        let mut known = InUse::of(HashMap::from([(SECRET.to_owned(), 0)]), 0).unwrap();
        for hour in 0..20 {
            let token = format!("token-of-hour-{hour:06}");
            assert!(!known.is_used_again(&token));
            known = known.with(&token, 4).unwrap();
            assert!(known.is_used_again(SECRET));
        }
        let newest = ["token-of-hour-000017", "token-of-hour-000018", "token-of-hour-000019"];
        let mut secrets = known.secrets;
        secrets.sort_unstable();
        assert_eq!(secrets[..1], [SECRET]);
        assert_eq!(secrets[1..], newest);
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        register(SECRET);
        for text in ["", "100% \\ of it", "%zz \\u12", "dapi-canary/of"] {
            assert!(matches!(withheld(text), Cow::Borrowed(same) if same == text));
        }
        register("short");
        assert_eq!(withheld("a short text"), "a short text");
    }
}
