//! Every document and every example fits its schema, by the judgement of another validator, and what is wrong does not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drsync::config::{KEYS, Level, read_text};
use drsync::render::schema;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::runner;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn schemas() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        ("plan", schema::plan()),
        ("run", schema::run()),
        ("event", schema::event()),
        ("config", schema::configuration()),
        ("status", schema::status()),
        ("check", schema::check()),
        ("diff", schema::diff()),
        ("history", schema::history()),
        ("validation", schema::validation()),
        ("told", schema::told_document()),
        ("error", schema::error()),
    ])
}

fn validators() -> BTreeMap<&'static str, Validator> {
    let schemas = schemas().into_iter();
    schemas.map(|(name, schema)| (name, validator(&schema))).collect()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema")
}

/// What is wrong with a document, each with its place.
fn wrong(schema: &Validator, document: &Value) -> Vec<String> {
    schema
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn fits(schema: &Validator, document: &Value, named: &str) {
    let wrong = wrong(schema, document);
    assert!(wrong.is_empty(), "{named}: {}", wrong.join("\n"));
}

/// The name of the schema that a document's own words ask for.
fn asks_for(document: &Value) -> Option<&'static str> {
    match document["kind"].as_str() {
        Some(kind) => {
            let of = kind.strip_prefix("drsync.").unwrap_or(kind);
            schemas().into_keys().find(|name| *name == of)
        }
        _ if document.get("event").is_some() => Some("event"),
        _ if document.get("secret_scope").is_some() => Some("config"),
        _ => None,
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).expect("a file");
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).expect("a folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files
}

#[test]
fn every_schema_is_one_of_2020_12_and_describes_every_property() {
    fn undescribed(at: &str, schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(Value::Object(properties)) = members.get("properties") {
                    for (name, property) in properties {
                        // The name of a variant is told with the variant.
                        let told = ["description", "const"];
                        if !told.iter().any(|key| property.get(key).is_some()) {
                            found.push(format!("{at}.{name}"));
                        }
                        undescribed(&format!("{at}.{name}"), property, found);
                    }
                }
                for (key, value) in members.iter().filter(|(key, _)| *key != "properties") {
                    undescribed(&format!("{at}/{key}"), value, found);
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    undescribed(&format!("{at}/{number}"), item, found);
                }
            }
            _ => {}
        }
    }
    for (name, schema) in schemas() {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["$id"], format!("urn:drsync:schema:{name}:1"));
        let mut found = vec![];
        undescribed(name, &schema, &mut found);
        assert_eq!(found, Vec::<String>::new());
        let text = schema.to_string();
        assert!(!text.contains("[`"), "{name}: a link that only rustdoc follows");
    }
}

#[test]
fn every_stored_document_of_every_version_fits() {
    let schemas = validators();
    let mut seen = 0;
    for path in files("fixtures/documents", "json") {
        let document = read(&path);
        let of = asks_for(&document).unwrap_or_else(|| panic!("{}", path.display()));
        fits(&schemas[of], &document, &path.display().to_string());
        seen += 1;
    }
    assert!(seen > 1);
}

#[test]
fn every_example_of_a_configuration_fits() {
    let schema = validator(&schema::configuration());
    for path in files("fixtures/configuration", "json") {
        fits(&schema, &read(&path), &path.display().to_string());
    }
}

/// Blocks of a page between ```` ```json ```` and its end.
fn json_blocks(page: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "```json" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

#[test]
fn every_example_of_the_documentation_fits_where_it_has_a_schema() {
    let schemas = validators();
    let mut pages = files("docs", "md");
    pages.push(Path::new(ROOT).join("README.md"));
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        for block in json_blocks(&text) {
            let document: Value = serde_json::from_str(&block)
                .unwrap_or_else(|error| panic!("{}: {error}: {block}", page.display()));
            match asks_for(&document) {
                Some(of) => fits(&schemas[of], &document, &block),
                // Files of a lakehouse's catalog and jobs are not drsync's documents.
                None => assert!(page.ends_with("lakehouse.md"), "{block}"),
            }
        }
    }
}

/// Runs drsync in a folder, and returns what it printed on stdout.
fn drsync(folder: &Path, arguments: &[&str]) -> String {
    runner::stdout(&runner::drsync(folder, arguments).at("2026-11-22T11:00:00Z").output())
}

#[test]
fn every_document_that_a_world_makes_fits() {
    let schemas = validators();
    let world = tempfile::tempdir().expect("a folder");
    let folder = world.path();
    let check = |of: &str, text: &str, named: &str| {
        let document: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{named}: {error}: {text}"));
        fits(&schemas[of], &document, named);
        document
    };
    drsync(folder, &["demo", "--dir", "."]);
    let configuration = std::fs::read_to_string(folder.join("drsync.json")).expect("read");
    check("config", &configuration, "the demo's configuration");
    let first = std::fs::read_to_string(folder.join("plan.json")).expect("read");
    check("plan", &first, "the demo's plan");
    let planned = drsync(folder, &["plan", "--json"]);
    let planned = check("plan", &planned, "plan --json");
    let decisions: Vec<&Value> = planned["workspaces"][0]["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| &group["decision"])
        .collect();
    assert!(decisions.contains(&&json!("blocked")) && decisions.contains(&&json!("sync")));
    check("status", &drsync(folder, &["status", "--json"]), "status");
    let applied = drsync(folder, &["apply", "--auto-approve", "--json", "--events", "events"]);
    check("run", &applied, "apply --json");
    let events = std::fs::read_to_string(folder.join("events")).expect("read");
    let mut kinds: Vec<String> = vec![];
    for line in events.lines() {
        let event = check("event", line, "apply --events");
        kinds.push(event["event"].as_str().expect("a kind").to_owned());
    }
    assert!(kinds.contains(&"table_cloned".to_owned()), "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("summary"));
    let runs = std::fs::read_dir(folder.join(".drsync/runs")).expect("a folder");
    for entry in runs {
        let path = entry.expect("an entry").path();
        let document = read(&path);
        let of = asks_for(&document).expect("a kind");
        fits(&schemas[of], &document, &path.display().to_string());
    }
    check("error", &drsync(folder, &["plan", "--json", "--only", "nobody"]), "a mistake");
    std::fs::write(folder.join("bad.json"), "{\"workspaces\": 1}").expect("written");
    check("error", &drsync(folder, &["plan", "--json", "-c", "bad.json"]), "no configuration");
    let altered = first.replacen("\"complete\": false", "\"complete\": true", 1);
    assert_ne!(altered, first);
    std::fs::write(folder.join("altered.json"), altered).expect("written");
    let altered = drsync(folder, &["show", "altered.json", "--json"]);
    let altered = check("error", &altered, "an altered plan");
    assert!(altered["digests"]["document_sha256"]["computed"].is_string(), "{altered}");
    // With the secondary away, the same documents say other things.
    std::fs::rename(folder.join("west"), folder.join("gone")).expect("moved");
    check("plan", &drsync(folder, &["plan", "--json"]), "plan, away");
    check("status", &drsync(folder, &["status", "--json"]), "away");
    check("run", &drsync(folder, &["apply", "--auto-approve", "--json"]), "apply, away");
}

#[test]
fn a_document_with_something_wrong_in_it_does_not_fit() {
    let schema = validator(&schema::plan());
    let good = read(&Path::new(ROOT).join("fixtures/documents/plan-1.json"));
    let mut later = good.clone();
    later["a_field_of_a_later_version"] = json!({ "any": "thing" });
    later["workspaces"][0]["groups"][0]["another"] = json!(1);
    later["format_version"] = json!("1.7");
    fits(&schema, &later, "a later minor version");
    let changes: [(&str, Value); 8] = [
        ("/kind", json!("drsync.run")),
        ("/format_version", json!("2.0")),
        ("/created_at", json!("yesterday")),
        ("/complete", json!("yes")),
        ("/summary/create", json!(-1)),
        ("/workspaces/0/groups/0/decision", json!("synced")),
        ("/workspaces/0/groups", json!({})),
        ("/workspaces/0/observed/primary/location", Value::Null),
    ];
    for (place, value) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(place).expect("it is there") = value;
        assert!(!wrong(&schema, &bad).is_empty(), "{place}");
    }
    for gone in ["plan_id", "workspaces", "summary"] {
        let mut bad = good.clone();
        bad.as_object_mut().expect("an object").shift_remove(gone);
        assert!(!wrong(&schema, &bad).is_empty(), "{gone}");
    }
}

/// The example, with everything that may stand in `notifications`.
fn example() -> Value {
    let mut example = read(&Path::new(ROOT).join("fixtures/configuration/example.json"));
    example["workspaces"][0]["notifications"] = json!({
        "smtp": {
            "host": "smtp.example.com", "from": "drsync@example.com", "user": "drsync@example.com",
            "auth": "xoauth2", "oauth": { "tenant": "a-tenant", "client_id": "an-app" },
        },
        "webhooks": [{ "kind": "standard", "url_secret": "hook", "secret_key": "hook-key" }],
        "heartbeat": { "url_secret": "beat" },
    });
    example
}

/// The objects of the example that hold a key: the file, its workspace, its first group.
fn places(level: Level) -> Vec<&'static str> {
    match level {
        Level::File => vec![""],
        Level::Workspace => vec!["/workspaces/0"],
        Level::WorkspaceOrGroup => vec!["/workspaces/0", "/workspaces/0/sync_groups/0"],
        Level::Group => vec!["/workspaces/0/sync_groups/0"],
        Level::FileOrWorkspace => vec!["", "/workspaces/0"],
        Level::Notifications => vec!["/workspaces/0/notifications"],
        Level::Smtp => vec!["/workspaces/0/notifications/smtp"],
        Level::OAuth => vec!["/workspaces/0/notifications/smtp/oauth"],
        Level::Webhook => vec!["/workspaces/0/notifications/webhooks/0"],
        Level::Heartbeat => vec!["/workspaces/0/notifications/heartbeat"],
    }
}

fn with(place: &str, key: &str, value: &Value) -> Value {
    let mut changed = example();
    changed
        .pointer_mut(place)
        .and_then(Value::as_object_mut)
        .expect("an object")
        .insert(key.to_owned(), value.clone());
    changed
}

fn is_valid(configuration: &Value) -> bool {
    let text = configuration.to_string();
    let read = read_text("drsync.json", text.as_bytes(), Path::new("/srv"));
    read.mistakes.is_empty()
}

#[test]
fn what_drsync_reads_as_a_configuration_fits_the_schema() {
    let schema = validator(&schema::configuration());
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(99_999_999),
        json!(""),
        json!(" "),
        json!("7"),
        json!("007"),
        json!("-1"),
        json!("main"),
        json!("ops@example.com, dr@example.com"),
        json!("s3://somewhere/else"),
        json!("https://adb-9.azuredatabricks.net"),
        json!("0 2 * * *"),
        json!("America/New_York"),
        json!("id:7"),
        json!([]),
        json!(["one", "two"]),
        json!(["one", "one"]),
        json!([1]),
        json!({}),
        json!({ "//": 1, "$schema": 2 }),
        json!({ "core_raw": "a view" }),
        json!({ "core_raw": "" }),
        json!({ "core_raw": 1, "//x": 1 }),
        json!({ "smtp": {}, "webhooks": [], "//": 1 }),
        json!({ "smtp": [] }),
        json!({ "mail": {} }),
    ];
    let (mut both, mut neither) = (0, 0);
    for key in KEYS {
        for place in places(key.level) {
            for value in &values {
                let changed = with(place, key.name, value);
                let fits = wrong(&schema, &changed).is_empty();
                match (is_valid(&changed), fits) {
                    (true, true) => both += 1,
                    (false, false) => neither += 1,
                    // What only drsync can tell: a schedule that never fires, a host that is none.
                    (false, true) => {}
                    (true, false) => panic!("{place}/{}: {value} is read", key.name),
                }
            }
        }
    }
    assert!(both > 100 && neither > 500, "{both} {neither}");
}

#[test]
fn a_configuration_fits_with_comments_and_not_with_unknown_or_missing_keys() {
    let schema = validator(&schema::configuration());
    for place in ["", "/workspaces/0", "/workspaces/0/sync_groups/0"] {
        for comment in ["$schema", "//", "// why", "//sync_groups"] {
            let changed = with(place, comment, &json!(["anything"]));
            assert!(is_valid(&changed), "{place} {comment}");
            fits(&schema, &changed, comment);
        }
        for unknown in ["schema", "/ why", "sync_retries", "Tables", "$schemas"] {
            let changed = with(place, unknown, &json!("anything"));
            assert!(!is_valid(&changed), "{place} {unknown}");
            assert!(!wrong(&schema, &changed).is_empty(), "{place} {unknown}");
        }
    }
    for key in KEYS.iter().filter(|key| key.required) {
        for place in places(key.level) {
            let mut changed = example();
            let object = changed.pointer_mut(place).and_then(Value::as_object_mut);
            object.expect("an object").shift_remove(key.name);
            assert_eq!(
                is_valid(&changed),
                wrong(&schema, &changed).is_empty(),
                "{place} without {}",
                key.name
            );
        }
    }
}

#[test]
fn every_example_of_a_key_fits_in_its_place() {
    let schema = validator(&schema::configuration());
    for key in KEYS {
        let Ok(value) = serde_json::from_str::<Value>(key.example) else {
            continue;
        };
        if key.example.contains('…') {
            continue;
        }
        for place in places(key.level) {
            fits(&schema, &with(place, key.name, &value), key.name);
        }
    }
}

#[test]
fn the_command_prints_the_schemas() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, schema) in schemas() {
        let printed = drsync(folder.path(), &["schema", name]);
        let printed: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(printed, schema, "{name}");
    }
}
