//! What regions say is reworded: nothing but words changes, in no document, in how a run ends, and in what people are told of.

use std::sync::Mutex;

use drsync::apply::Event;
use drsync::plan::Plan;
use serde_json::Value;

use crate::support::world::{Form, World, batch};

const COUNTRIES: &str = "main.shop.countries";

/// Texts for people, by the keys that they stand under.
const WORDS: [&str; 8] =
    ["message", "answer", "shared_answer", "remedy", "remedy_words", "lost", "reason", "warnings"];

/// A text without ids of tables and files, which are others in every world.
fn without_ids(text: &str) -> String {
    const LENGTH: usize = 36;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if rest.get(..LENGTH).is_some_and(|id| uuid::Uuid::try_parse(id).is_ok()) {
            plain.push_str("some-id");
            rest = &rest[LENGTH..];
        } else {
            plain.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    plain
}

/// Whether two texts, under a key, are the same but for words, and for digests of what has some.
fn agree(key: &str, within: &Value, one: &str, other: &str) -> bool {
    let digest = |text: &str| {
        let hex = text.rsplit(':').next().unwrap_or_default();
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    // Why a region did not take something down, and why a table failed; of endings it is a code.
    let why = key == "why" && ["region", "outcome"].iter().any(|of| within.get(*of).is_some());
    // Commits of others are made by the clock of this machine, in each world by itself.
    let made = key == "committed_at";
    one == other || WORDS.contains(&key) || why || made || (digest(one) && digest(other))
}

/// The first place at which two documents differ by more than words, and at how many they differ by words.
fn differ(
    at: &str,
    key: &str,
    within: &Value,
    one: &Value,
    other: &Value,
) -> (Option<String>, usize) {
    let wrong = || (Some(format!("{at}: {one} {other}")), 0);
    let both = |pairs: Vec<(String, &str, &Value, &Value, &Value)>| {
        let mut words = 0;
        for (at, key, within, one, other) in pairs {
            match differ(&at, key, within, one, other) {
                (None, more) => words += more,
                wrong => return wrong,
            }
        }
        (None, words)
    };
    match (one, other) {
        (Value::Object(first), Value::Object(second)) => {
            if !first.keys().eq(second.keys()) {
                return wrong();
            }
            let members = first.iter().zip(second.values());
            both(
                members
                    .map(|((key, value), second)| {
                        (format!("{at}.{key}"), key.as_str(), one, value, second)
                    })
                    .collect(),
            )
        }
        (Value::Array(first), Value::Array(second)) if first.len() == second.len() => {
            let items = first.iter().zip(second).enumerate();
            both(
                items
                    .map(|(number, (first, second))| {
                        (format!("{at}[{number}]"), key, within, first, second)
                    })
                    .collect(),
            )
        }
        (Value::String(first), Value::String(second)) if agree(key, within, first, second) => {
            (None, usize::from(first != second && WORDS.contains(&key)))
        }
        (one, other) if one == other => (None, 0),
        _ => wrong(),
    }
}

/// What two rounds leave behind: plan, status, events, record, each by its name.
struct Left(Vec<(String, Value)>);

impl Left {
    fn add(&mut self, world: &World, name: &str, document: impl serde::Serialize) {
        let folder = world.path("").display().to_string();
        let text = serde_json::to_string(&document).unwrap().replace(&folder, "/world/");
        let document = serde_json::from_str(&without_ids(&text)).unwrap();
        self.0.push((format!("{} {name}", self.0.len()), document));
    }

    async fn look(&mut self, world: &World) -> Plan {
        let (plan, status) = world.plan_and_status().await;
        self.add(world, "status", &status);
        self.add(world, "plan", &plan);
        plan
    }

    async fn apply(&mut self, world: &mut World, plan: &Plan) {
        let events = Mutex::new(Vec::<Event>::new());
        let watch = |event: &Event| events.lock().unwrap().push(event.clone());
        let record = world.apply_watching(plan, &watch).await;
        self.add(world, "events", events.into_inner().unwrap());
        self.add(world, "record", &record);
        let regions = world.regions();
        for region in [&regions.primary, &regions.secondary] {
            let ledger = region.location.ledger().await.ok();
            let rows = ledger.and_then(|ledger| ledger.metadata).map(|table| table.rows);
            self.add(world, "rows", rows);
        }
    }
}

/// A world in which something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    PrimaryAway,
    SecondaryAway,
    SourceTruncated,
    SourceDenied,
    SourceGone,
    FileGone,
    FolderOfOthers,
    ReplicaChanged,
    ReplicaDamaged,
    LedgerDamaged,
    EvidenceBlocked,
    PrimaryNotWritable,
    StrangeEvidence,
}

const ALL: [Wrong; 14] = [
    Wrong::Nothing,
    Wrong::PrimaryAway,
    Wrong::SecondaryAway,
    Wrong::SourceTruncated,
    Wrong::SourceDenied,
    Wrong::SourceGone,
    Wrong::FileGone,
    Wrong::FolderOfOthers,
    Wrong::ReplicaChanged,
    Wrong::ReplicaDamaged,
    Wrong::LedgerDamaged,
    Wrong::EvidenceBlocked,
    Wrong::PrimaryNotWritable,
    Wrong::StrangeEvidence,
];

impl Wrong {
    /// Whether it goes wrong between plan and apply.
    fn is_late(self) -> bool {
        matches!(self, Wrong::SecondaryAway | Wrong::FileGone | Wrong::EvidenceBlocked)
    }

    async fn happen(self, world: &World) {
        let truncate = |path: std::path::PathBuf| {
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        };
        let first_parquet = |folder: std::path::PathBuf| {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut files: Vec<_> =
                entries.filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect();
            files.sort();
            files.remove(0)
        };
        match self {
            Wrong::Nothing => {}
            Wrong::PrimaryAway => std::fs::rename(world.path("east"), world.path("gone")).unwrap(),
            Wrong::SecondaryAway => {
                std::fs::rename(world.path("west"), world.path("gone")).unwrap()
            }
            Wrong::SourceTruncated => {
                let log = "east/tables/countries/_delta_log/00000000000000000001.json";
                truncate(world.path(log));
            }
            Wrong::SourceDenied => {
                let workspace = world.workspace();
                workspace.grant(COUNTRIES, "somebody@example.com", &["SELECT"]).unwrap();
            }
            Wrong::SourceGone => {
                let gone = |catalog: &mut Value| catalog["tables"] = serde_json::json!([]);
                world.workspace().edit_catalog(gone).unwrap();
            }
            Wrong::FileGone => {
                let folder = world.path("east/tables/countries");
                for entry in std::fs::read_dir(folder).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_some_and(|it| it == "parquet") {
                        std::fs::remove_file(path).unwrap();
                    }
                }
            }
            Wrong::FolderOfOthers => {
                let folder = world.replica_folder(COUNTRIES);
                let _ = std::fs::remove_dir_all(&folder);
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join("notes.txt"), "mine").unwrap();
            }
            Wrong::ReplicaChanged => {
                world.replica(COUNTRIES).insert(&batch([9])).await.unwrap();
            }
            Wrong::ReplicaDamaged => {
                std::fs::remove_file(first_parquet(world.replica_folder(COUNTRIES))).unwrap();
            }
            Wrong::LedgerDamaged => {
                let log = "west/sync/_drsync/sync_metadata/_delta_log/00000000000000000000.json";
                truncate(world.path(log));
            }
            Wrong::EvidenceBlocked => {
                let evidence = world.path("west/sync/_drsync/evidence");
                let _ = std::fs::remove_dir_all(&evidence);
                std::fs::write(evidence, "no folder").unwrap();
            }
            Wrong::PrimaryNotWritable => {
                let ledger = world.path("east/sync/_drsync");
                let _ = std::fs::remove_dir_all(&ledger);
                std::fs::write(ledger, "no folder").unwrap();
            }
            Wrong::StrangeEvidence => {
                let evidence = world.path("west/sync/_drsync/evidence");
                std::fs::create_dir_all(&evidence).unwrap();
                std::fs::write(evidence.join("notes.run.json"), "{}").unwrap();
            }
        }
    }
}

/// What is left of the rounds before and after something goes wrong.
async fn rounds(wrong: Wrong, reworded: bool) -> Vec<(String, Value)> {
    let mut world = World::of(Form::Lakehouse).await;
    world.reworded = reworded;
    let mut left = Left(Vec::new());
    let plan = left.look(&world).await;
    left.apply(&mut world, &plan).await;
    world.later(70);
    world.countries().insert(&batch([4])).await.unwrap();
    world.later(12 * 60);
    if !wrong.is_late() {
        wrong.happen(&world).await;
    }
    let plan = left.look(&world).await;
    if wrong.is_late() {
        wrong.happen(&world).await;
    }
    left.apply(&mut world, &plan).await;
    world.later(10);
    let plan = left.look(&world).await;
    left.apply(&mut world, &plan).await;
    left.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_words_changes_where_what_regions_say_is_reworded() {
    let mut reworded = 0;
    for wrong in ALL {
        let (as_it_is, otherwise) = tokio::join!(rounds(wrong, false), rounds(wrong, true));
        assert_eq!(as_it_is.len(), otherwise.len(), "{wrong:?}");
        let mut words = 0;
        for ((name, one), (other_name, other)) in as_it_is.iter().zip(&otherwise) {
            assert_eq!(name, other_name, "{wrong:?}");
            let (more, of_words) = differ(name, "", &Value::Null, one, other);
            assert_eq!(more, None, "{wrong:?}");
            words += of_words;
        }
        eprintln!("{wrong:?}: {words} texts are others");
        reworded += usize::from(words > 0);
    }
    assert!(reworded >= 11, "only {reworded} of the worlds have anything to say");
}
