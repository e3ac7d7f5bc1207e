//! Sentences are for people: what is said is read where it arrives, and decides nothing after that.

mod fields;
mod readings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use fields::is_of_tests;
use fields::{Holds, Known};
use readings::readings;

/// Where it is looked into what is said all the same, how often, and why nothing hangs on it.
const READ_IN: [(&str, usize, &str); 2] = [
    ("src/databricks/refusal.rs", 6, "what a service said is read here and nowhere else"),
    ("src/ledger/row.rs", 4, "nine columns force its prefixes; they are written and read here"),
];

/// Fields that are called as sayings are and may be looked into, and why.
const TEXTS: [(&str, &str, &str); 10] = [
    ("src/cli/accept.rs", "RiskToAccept.reason", WRITTEN),
    ("src/cli/look.rs", "Asking.reason", WRITTEN),
    ("src/config.rs", "Pause.reason", WRITTEN),
    ("src/history.rs", "AcceptedInPeriod.reason", WRITTEN),
    ("src/ledger/cut.rs", "AcceptedRisk.reason", WRITTEN),
    ("src/plan/settings.rs", "PauseSetting.reason", WRITTEN),
    ("src/databricks/refusal.rs", "Refusal.message", "what a service said, where it is read"),
    ("src/limits.rs", "Limit.reason", "a comment that the documentation repeats"),
    ("src/plan/finding.rs", "InDocument.remedy", "as documents have it; its parts alone count"),
    ("src/sandbox/sql/error.rs", "SqlError.message", "what the sandbox answers as a service"),
];

/// A text of the user's own.
const WRITTEN: &str = "what a person wrote, kept as it is and compared as a whole";

/// The source without its tests, each file by its path in the repository.
pub(crate) fn source() -> BTreeMap<String, syn::File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let parsed = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap();
        (name, parsed)
    };
    files.into_iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "tests" {
                collect(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Something that was found: its file, and what it is.
type Found = (String, String);

/// What is wrong with a source, as far as this looks: texts that are sayings, and readings of sayings, each by its file.
fn judge(source: &BTreeMap<String, syn::File>) -> (Vec<Found>, Vec<Found>) {
    let mut known = Known::default();
    let mut texts = Vec::new();
    for (file, parsed) in source {
        let before = known.fields.len();
        known.take_in(parsed);
        for field in &known.fields[before..] {
            if field.holds == Holds::Text && field.is_named_so() {
                texts.push((file.clone(), format!("{}.{}", field.owner, field.name)));
            }
        }
    }
    let read = source.iter().flat_map(|(file, parsed)| {
        readings(&known, parsed).into_iter().map(|reading| (file.clone(), reading))
    });
    (texts, read.collect())
}

#[test]
fn what_is_said_is_a_sentence() {
    let (texts, _) = judge(&source());
    let allowed = TEXTS.map(|(file, field, _)| (file.to_owned(), field.to_owned()));
    let wrong: Vec<_> = texts.iter().filter(|found| !allowed.contains(found)).collect();
    assert!(wrong.is_empty(), "a Sentence, or typed facts and a writer: {wrong:#?}");
    let unused: Vec<_> = allowed.iter().filter(|allowed| !texts.contains(allowed)).collect();
    assert!(unused.is_empty(), "allowed for nothing: {unused:#?}");
}

#[test]
fn no_sentence_is_read_outside_of_where_it_arrives() {
    let (_, read) = judge(&source());
    let mut found = BTreeMap::<&str, Vec<&str>>::new();
    for (file, reading) in &read {
        found.entry(file).or_default().push(reading);
    }
    let allowed: BTreeMap<&str, usize> =
        READ_IN.iter().map(|(file, count, _)| (*file, *count)).collect();
    let counts: BTreeMap<&str, usize> = found.iter().map(|(file, of)| (*file, of.len())).collect();
    assert_eq!(counts, allowed, "a fact that is needed is a field beside the sentence: {found:#?}");
}

/// What is found of a function with that body, beside declarations as the source has them.
fn planted(body: &str) -> Vec<String> {
    let code = format!(
        "struct Refusal {{ detail: Sentence, kind: Kind }}
        struct Warning {{ message: Option<Sentence> }}
        enum Ending {{ Stale {{ why: Moved }}, Failed {{ why: Sentence }} }}
        struct Finding {{ remedy: Option<Remedy> }}
        impl Refusal {{ fn told(&self) -> Sentence {{ told(&self.detail) }} }}
        fn planted(refusal: Refusal, warning: Warning, ending: Ending, doing: &str) {{ {body} }}"
    );
    let parsed = syn::parse_file(&code).unwrap_or_else(|error| panic!("{body}: {error}"));
    judge(&BTreeMap::from([("src/planted.rs".to_owned(), parsed)]))
        .1
        .into_iter()
        .map(|(_, it)| it)
        .collect()
}

#[test]
fn a_reading_is_seen_however_it_is_written() {
    for body in [
        r#"if refusal.detail.to_string().contains("GRANT") {}"#,
        r#"if refusal.told().to_string().starts_with("GRANT") {}"#,
        r#"let text = refusal.detail.to_string(); let found = text.find("GRANT");"#,
        r#"let known = warning.message.as_ref().map(|text| text.to_string()).is_some_and(|text| text.contains("x"));"#,
        r#"if let Some(text) = &warning.message { drop(text.to_string().split("; ")); }"#,
        r#"let Warning { message } = warning; let lines = message.unwrap().to_string().lines();"#,
        r#"match ending { Ending::Stale { why } => {} Ending::Failed { why } => drop(why.to_string().replace("a", "b")) }"#,
        r#"if refusal.detail == "no" {}"#,
        r#"if "no" != refusal.detail.to_string() {}"#,
        r#"if warning.message == Some("no".into()) {}"#,
        r#"let same = |other: Refusal| other.detail == refusal.detail;"#,
        r#"match refusal.detail.to_string().as_str() { "no" => {} _ => {} }"#,
        r#"let no = matches!(refusal.detail.to_string().as_str(), "no" | "never");"#,
        r#"println!("{}", refusal.detail.to_string().trim_end_matches('.'));"#,
        r#"let text = &refusal.detail.to_string()[..3];"#,
        r#"let verb = doing.split(' ').next();"#,
        r#"let known = ["no", "never"].contains(&refusal.detail.to_string().as_str());"#,
    ] {
        assert_eq!(planted(body).len(), 1, "{body}: {:?}", planted(body));
    }
}

#[test]
fn who_shows_stores_and_passes_on_reads_nothing() {
    for body in [
        r#"let all = vec![refusal.detail.clone()]; store(&all);"#,
        r#"println!("{}: {}", refusal.detail, refusal.told());"#,
        r#"let message = format!("{}, twice", refusal.detail); warn(message.into());"#,
        r#"if warning.message.is_some() || warning.message == None {}"#,
        r#"let names = vec!["a"]; let known = names.contains(&"a");"#,
        r#"match ending { Ending::Stale { why } => drop(why == Moved::CutGone), Ending::Failed { why } => show(why) }"#,
        r#"if finding.remedy == Some(remedy_of(kind)) {}"#,
        r#"let detail = list(); for line in kinds.to_string().lines() {}"#,
    ] {
        assert_eq!(planted(body), [""; 0], "{body}");
    }
}

#[test]
fn a_text_that_is_called_as_sayings_are_is_seen_whatever_it_is_wrapped_in() {
    let declared = |field: &str| {
        let parsed = syn::parse_file(&format!("pub struct Thing {{ pub {field} }}")).unwrap();
        judge(&BTreeMap::from([("src/thing.rs".to_owned(), parsed)])).0.len()
    };
    for field in [
        "message: String",
        "reason: Option<String>",
        "expiry_reason: Cow<'static, str>",
        "hints: Box<[String]>",
        "why: Vec<Option<Arc<str>>>",
        "doing: &'static str",
    ] {
        assert_eq!(declared(field), 1, "{field}");
    }
    for field in
        ["message: Sentence", "remedy: Remedy", "name: String", "reasons_of: String", "why: Moved"]
    {
        assert_eq!(declared(field), 0, "{field}");
    }
}
