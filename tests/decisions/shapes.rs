//! A document that grew has another version: the digest of every shape is kept beside the version that it is of.

use std::collections::BTreeMap;
use std::path::Path;

use drsync::canonical;
use drsync::formats::{self, Format};
use drsync::render::schema;
use serde_json::{Map, Value};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Where the digests are: of every version of every document since they are kept, `drsync.plan 1.4`.
const KEPT: &str = "fixtures/shapes.json";

/// Documents that lie somewhere for years, and how their fixtures are called.
const STORED: [(Format, &str); 2] = [(formats::PLAN, "plan"), (formats::RUN, "run")];

/// Words of a schema that change nothing for a reader.
const WORDS: [&str; 4] = ["$id", "$schema", "description", "title"];

fn schema_of(format: Format) -> Value {
    match format {
        formats::PLAN => schema::plan(),
        formats::RUN => schema::run(),
        formats::TOLD => schema::told_document(),
        formats::STATUS => schema::status(),
        formats::CHECK => schema::check(),
        formats::DIFF => schema::diff(),
        formats::HISTORY => schema::history(),
        formats::VALIDATION => schema::validation(),
        formats::ERROR => schema::error(),
        other => panic!("{} has no schema", other.kind),
    }
}

/// A schema without its words and without the order of what has none.
fn shape(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            // A property may be called as a word is; what it stands for is a schema then, and no text.
            let said = |name: &str, value: &Value| WORDS.contains(&name) && value.is_string();
            let kept = members.iter().filter(|(name, value)| !said(name, value));
            Value::Object(
                kept.map(|(name, value)| (name.clone(), shape(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(shape).collect();
            items.sort_by_key(canonical::to_string);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

#[test]
fn a_document_whose_shape_is_another_has_another_version() {
    let kept = std::fs::read_to_string(Path::new(ROOT).join(KEPT)).unwrap();
    let kept: BTreeMap<String, String> = serde_json::from_str(&kept).unwrap();
    let mut wrong = Vec::new();
    for format in formats::ALL {
        let Format { kind, version } = format;
        let digest = canonical::sha256(&shape(&schema_of(format)));
        let name = format!("{kind} {version}");
        match kept.get(&name) {
            Some(known) if *known == digest => {}
            Some(_) => wrong.push(format!(
                "{kind} is of another shape than its version {version}: a field that came is optional, and the version in \
                 src/formats.rs is the next minor one; {KEPT} gets that version with \"{digest}\", and keeps this one"
            )),
            None => wrong.push(format!("{KEPT} lacks {name:?}: \"{digest}\"")),
        }
        let minor = |version: &str| version.split_once('.').unwrap().1.parse::<u32>().unwrap();
        let of_kind = kept.keys().filter_map(|name| name.strip_prefix(&format!("{kind} ")));
        let later = of_kind.filter(|other| minor(other) > minor(version));
        wrong.extend(later.map(|later| format!("{kind} was {later} before it was {version}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_every_version_of_a_stored_document_one_is_kept() {
    for (format, name) in STORED {
        let (major, minor) = format.version.split_once('.').unwrap();
        for minor in 0..=minor.parse::<u32>().unwrap() {
            let version = format!("{major}.{minor}");
            let file = match minor {
                0 => format!("fixtures/documents/{name}-{major}.json"),
                _ => format!("fixtures/documents/{name}-{version}.json"),
            };
            let text = std::fs::read_to_string(Path::new(ROOT).join(&file));
            let text =
                text.unwrap_or_else(|error| panic!("a document of {version}, {file}: {error}"));
            let document: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(document["format_version"], version.as_str(), "{file}");
        }
    }
}

/// What the changes page calls each document.
const CALLED: [(Format, &str); 9] = [
    (formats::PLAN, "stored plan"),
    (formats::RUN, "run record"),
    (formats::TOLD, "what people were told"),
    (formats::STATUS, "`status --json`"),
    (formats::CHECK, "`check` and `diff` with `--json`"),
    (formats::DIFF, "`check` and `diff` with `--json`"),
    (formats::HISTORY, "`history --json`"),
    (formats::VALIDATION, "`validate --json`"),
    (formats::ERROR, "a failure, with `--json`"),
];

#[test]
fn the_changes_page_has_the_version_of_every_document() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/changelog.md")).unwrap();
    for (Format { kind, version }, called) in CALLED {
        let row = format!("| {called} | {version} |");
        assert!(page.contains(&row), "{kind}: {row}");
    }
    assert_eq!(CALLED.map(|(format, _)| format), formats::ALL);
}

#[test]
fn words_and_order_are_no_shape_and_a_field_is() {
    let of = |text: &str| canonical::sha256(&shape(&serde_json::from_str(text).unwrap()));
    let one = r#"{"title": "a", "required": ["a", "title"], "properties": {"title": {"type": "string", "description": "x"}}}"#;
    let same = r#"{"required": ["title", "a"], "properties": {"title": {"type": "string"}}}"#;
    let other = r#"{"required": ["title", "a"], "properties": {"name": {"type": "string"}}}"#;
    assert_eq!(of(one), of(same));
    assert_ne!(of(one), of(other));
}
