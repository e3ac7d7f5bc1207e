//! One object of a configuration while its keys are read: what is unknown, double, missing, or of the wrong kind. Pure.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::Mistake;
use super::json::{Json, Member, Node, is_comment};
use super::keys::{KEYS, Key, Level, ValueShape, key_anywhere, key_in};
use super::location::LocationError;
use super::name::NameError;
use crate::schedule::ScheduleError;
use crate::sentence::Sentence;

/// Where something stands: file, line and JSON path.
#[derive(Debug, Clone)]
pub(super) struct KeyPlace {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) path: String,
    /// The name of the group that it stands in, as it is written.
    pub(super) group: Option<String>,
}

/// What is wrong with a value, and what to do.
pub(super) struct WrongValue {
    pub(super) message: Sentence,
    pub(super) remedy: Option<Sentence>,
}

/// A key that was given, and what was given.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub(super) place: KeyPlace,
    pub(super) node: &'a Node,
    /// The key is spelled right and comes once, so that its value can be relied on.
    pub(super) sure: bool,
}

/// The known keys of one object, and the mistakes found in it so far.
pub(super) struct Fields<'a> {
    pub(super) place: KeyPlace,
    level: Level,
    given: BTreeMap<&'static str, Field<'a>>,
    pub(super) mistakes: Vec<Mistake>,
}

impl KeyPlace {
    pub(super) fn wrong(&self, wrong: WrongValue) -> Mistake {
        let KeyPlace { file, line, path, group } = self.clone();
        let WrongValue { message, remedy } = wrong;
        Mistake { file, line, path, group, message, remedy }
    }

    pub(super) fn key(&self, key: &str, line: usize) -> KeyPlace {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
        let path = match (self.path.as_str(), !key.is_empty() && key.chars().all(plain)) {
            ("$", true) => key.to_string(),
            ("$", false) => format!("[{}]", quote_short(key)),
            (path, true) => format!("{path}.{key}"),
            (path, false) => format!("{path}[{}]", quote_short(key)),
        };
        KeyPlace { file: self.file.clone(), line, path, group: self.group.clone() }
    }

    pub(super) fn item(&self, at: usize, line: usize) -> KeyPlace {
        let path = format!("{}[{at}]", self.path);
        KeyPlace { file: self.file.clone(), line, path, group: self.group.clone() }
    }
}

/// A text of the user in a message: quoted, without control characters, not endless.
pub(super) fn quote_short(text: &str) -> String {
    const LETTERS_MAX: usize = 80;
    let short: String = text.chars().take(LETTERS_MAX).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", short.escape_debug())
}

impl WrongValue {
    pub(super) fn new(message: impl Into<Sentence>, remedy: impl Into<Sentence>) -> WrongValue {
        WrongValue { message: message.into(), remedy: Some(remedy.into()) }
    }
}

impl From<NameError> for WrongValue {
    fn from(NameError { message, remedy }: NameError) -> WrongValue {
        WrongValue { message, remedy }
    }
}

impl From<LocationError> for WrongValue {
    fn from(LocationError { message, remedy }: LocationError) -> WrongValue {
        WrongValue { message, remedy }
    }
}

impl From<ScheduleError> for WrongValue {
    fn from(ScheduleError { message, remedy }: ScheduleError) -> WrongValue {
        WrongValue { message, remedy }
    }
}

/// The key with its example, as it would stand in the file.
fn example(key: &Key) -> String {
    format!("\"{}\": {}", key.name, key.example)
}

/// Every key that comes again, with its first line.
pub(super) fn doubles(place: &KeyPlace, members: &[Member]) -> Vec<Mistake> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for Member { line, key, .. } in members.iter().filter(|member| !is_comment(&member.key)) {
        match first.get(key.as_str()) {
            Some(before) => mistakes.push(place.key(key, *line).wrong(WrongValue::new(
                format!("is given twice, first in line {before}"),
                "keep one of them",
            ))),
            None => drop(first.insert(key, *line)),
        }
    }
    mistakes
}

impl<'a> Fields<'a> {
    /// Takes an object's keys in, and says what is unknown or double.
    pub(super) fn open(place: KeyPlace, level: Level, members: &'a [Member]) -> Fields<'a> {
        let mistakes = doubles(&place, members);
        let mut fields = Fields { place, level, given: BTreeMap::new(), mistakes };
        let mut unknown = Vec::new();
        for member in members.iter().filter(|member| !is_comment(&member.key)) {
            let known = key_in(level, &member.key);
            match known {
                Some(key) => fields.take(key, member, true),
                None if unknown.iter().any(|other: &&Member| other.key == member.key) => {}
                None => unknown.push(member),
            }
        }
        for member in unknown {
            fields.unknown(member);
        }
        fields
    }

    fn take(&mut self, key: &Key, member: &'a Member, spelled: bool) {
        let place = self.place.key(&member.key, member.line);
        let field = Field { place, node: &member.value, sure: spelled };
        self.given.entry(key.name).and_modify(|first| first.sure = false).or_insert(field);
    }

    /// Names the nearest known key; where it is near and not given, the value is read as that key's,
    /// so that what is wrong inside it is said too and the key is not called missing.
    fn unknown(&mut self, member: &'a Member) {
        let place = self.place.key(&member.key, member.line);
        let elsewhere = key_anywhere(&member.key);
        if let Some(other) = elsewhere {
            let remedy = match (other.name, self.level) {
                ("sync_default_schedule", Level::Group) => "write sync_schedule".to_string(),
                _ => format!("move it to {}", other.level.describe_level()),
            };
            let message = format!("does not belong in {}", self.level.describe_level());
            self.mistakes.push(place.wrong(WrongValue::new(message, remedy)));
            return;
        }
        let mine = KEYS.iter().filter(|key| self.level.holds(key.level));
        let nearest = mine
            .map(|key| (nearness(&member.key, key.name), key))
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((nearness, key)) = nearest else {
            return;
        };
        let near = nearness >= near_in(self.level);
        let remedy = if near {
            format!("did you mean {}?", key.name)
        } else {
            format!("remove it; the nearest known key is {}", key.name)
        };
        self.mistakes.push(place.wrong(WrongValue::new("unknown key", remedy)));
        if near && !self.given.contains_key(key.name) {
            self.take(key, member, false);
        }
    }

    fn requires(&self, key: &Key) -> bool {
        key.required && !(self.level == Level::Group && key.level != Level::Group)
    }

    /// The entry of a key in this object.
    fn key(&self, name: &str) -> Option<&'static Key> {
        key_in(self.level, name)
    }

    /// What to do about a key without a value.
    fn value_remedy(&self, name: &str) -> Option<Sentence> {
        let key = self.key(name)?;
        Some(if self.requires(key) {
            format!("write {}", example(key)).into()
        } else {
            format!("leave it out, or write {}", example(key)).into()
        })
    }

    /// The field of a key, unless it is missing or null, which is said.
    pub(super) fn field(&mut self, name: &'static str) -> Option<Field<'a>> {
        let known = self.key(name)?;
        let required = self.requires(known);
        let Some(field) = self.given.get(name).cloned() else {
            if required {
                let wrong = WrongValue::new("is missing", format!("add {}", example(known)));
                let place = self.place.key(name, self.place.line);
                self.mistakes.push(place.wrong(wrong));
            }
            return None;
        };
        if let Json::Null = field.node.value {
            let remedy = self.value_remedy(name);
            self.wrong(&field, WrongValue { message: "is null".into(), remedy });
            return None;
        }
        Some(field)
    }

    /// Whether the key, or one taken for it, is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The text that a key was given, where it was given one; nothing is said of what it was given instead.
    pub(super) fn given_text(&self, name: &str) -> Option<(&'a str, Field<'a>)> {
        let field = self.given.get(name)?.clone();
        match &field.node.value {
            Json::Text(text) => Some((text, field)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    pub(super) fn wrong(&mut self, field: &Field<'_>, wrong: WrongValue) {
        self.mistakes.push(field.place.wrong(wrong));
    }

    fn kind_wrong(&mut self, field: &Field<'_>, name: &str, wanted: &str) {
        let message = format!("is {}, not {wanted}", field.node.value.kind()).into();
        let remedy = self.key(name).map(|key| format!("write {}", example(key)).into());
        self.mistakes.push(field.place.wrong(WrongValue { message, remedy }));
    }

    /// The text of a key, and where it stands.
    pub(super) fn text(&mut self, name: &'static str) -> Option<(&'a str, Field<'a>)> {
        let field = self.field(name)?;
        let Json::Text(text) = &field.node.value else {
            self.kind_wrong(&field, name, "text");
            return None;
        };
        Some((text, field))
    }

    /// What `read` makes of the text of a key.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, WrongValue>,
    ) -> Option<(T, Field<'a>)> {
        let (text, field) = self.text(name)?;
        // A secret that is not named is looked up nowhere; everything else that is empty was forgotten.
        let may_be_empty = self.key(name).is_some_and(|key| key.shape == ValueShape::TextOrEmpty);
        if text.trim().is_empty() && !may_be_empty {
            let remedy = self.value_remedy(name);
            self.wrong(&field, WrongValue { message: "is empty".into(), remedy });
            return None;
        }
        match read(text) {
            Ok(value) => Some((value, field)),
            Err(wrong) => {
                self.wrong(&field, wrong);
                None
            }
        }
    }

    /// The whole number of a key, also where it is written as text.
    pub(super) fn number(&mut self, name: &'static str) -> Option<u32> {
        let ValueShape::Number(least, greatest) = self.key(name)?.shape else {
            return None;
        };
        let range = least..=greatest;
        let field = self.field(name)?;
        let digits = match &field.node.value {
            Json::Number(digits) => digits.as_str(),
            Json::Text(_) => {
                return self.read(name, |text| whole_number(text, range)).map(|(number, _)| number);
            }
            _ => {
                self.kind_wrong(&field, name, "a number");
                return None;
            }
        };
        match whole_number(digits, range) {
            Ok(number) => Some(number),
            Err(wrong) => {
                self.wrong(&field, wrong);
                None
            }
        }
    }

    /// One of the texts that a key may have, as `read` makes something of it.
    pub(super) fn choice<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<(T, Field<'a>)> {
        let ValueShape::Choice(choices) = self.key(name)?.shape else {
            return None;
        };
        self.read(name, |text| read(text).ok_or_else(|| no_choice(text, choices)))
    }

    /// The list of a key; one that is empty is a mistake.
    pub(super) fn list(&mut self, name: &'static str) -> Option<(&'a [Node], Field<'a>)> {
        let field = self.field(name)?;
        let Json::Array(items) = &field.node.value else {
            self.kind_wrong(&field, name, "a list");
            return None;
        };
        if items.is_empty() {
            let remedy = self.value_remedy(name);
            self.wrong(&field, WrongValue { message: "is empty".into(), remedy });
            return None;
        }
        Some((items, field))
    }

    /// The object of a key.
    pub(super) fn object(&mut self, name: &'static str) -> Option<(&'a [Member], Field<'a>)> {
        let field = self.field(name)?;
        let Json::Object(members) = &field.node.value else {
            self.kind_wrong(&field, name, "an object");
            return None;
        };
        Some((members, field))
    }
}

/// What is said of a text that is none of those there are, with the nearest.
pub(super) fn no_choice(text: &str, choices: &[&str]) -> WrongValue {
    let nearest = choices
        .iter()
        .map(|choice| (nearness(text, choice), choice))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(nearness, _)| *nearness >= NEAR_CHOICE);
    let remedy = match nearest {
        Some((_, choice)) => format!("did you mean {choice}?"),
        None => format!("write one of {}", choices.join(", ")),
    };
    WrongValue::new(format!("is {}, which is none of those there are", quote_short(text)), remedy)
}

fn whole_number(text: &str, range: RangeInclusive<u32>) -> Result<u32, WrongValue> {
    let bounds = format!("write a whole number from {} to {}", range.start(), range.end());
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WrongValue::new("is not a whole number", bounds));
    }
    match text.parse::<u32>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(WrongValue::new("is out of range", bounds)),
    }
}

/// From here on an unknown key is taken for a slip of the nearest one. Found by trying slips of every key:
/// one letter dropped, doubled, swapped or changed stays above, and two different keys stay below.
const NEAR: f64 = 0.8;

/// The same of the keys within `notifications`, which are shorter and fewer.
const NEAR_SHORT: f64 = 0.7;

/// The same of one of a few texts, which are short and far apart.
const NEAR_CHOICE: f64 = 0.6;

/// From where on an unknown key of an object is taken for a slip.
fn near_in(level: Level) -> f64 {
    if level.of_notifications() { NEAR_SHORT } else { NEAR }
}

/// How near two keys are, 0 to 1, however they are capitalised and their words parted.
fn nearness(unknown: &str, known: &str) -> f64 {
    let letters = |text: &str| -> String {
        let plain = text.chars().filter(|c| c.is_alphanumeric());
        plain.flat_map(char::to_lowercase).take(80).collect()
    };
    strsim::normalized_damerau_levenshtein(&letters(unknown), &letters(known))
}

/// Puts mistakes in the order in which a person goes through them: by file, then by line.
pub(super) fn sort_by_place(mistakes: &mut [Mistake]) {
    mistakes.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
