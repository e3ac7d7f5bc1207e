//! The program itself over a world with one file changed: it ends by itself, in time, with a status of its own and within memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Instant;

use chrono::{DateTime, Utc};
use drsync::cli::ExitStatus;
use drsync::lakehouse::demo;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::foreign::corpus::{self, files_below};
use crate::foreign::mutate::{Dice, mutated};
use crate::foreign::{FIRST, LONGEST_TRIAL, keep_for_repair, number, seconds};

use crate::support::runner::drsync_under;

/// KiB of addresses that the program may use: its threads reserve many more than it uses.
const MEMORY_KIB: u64 = 2 << 20;

/// A key of minisign, and a signature by it of something else.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\nRUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\ntrusted comment: timestamp:1556193335\tfile:test\ny/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";
const PROFILES: &str = "[DEFAULT]\nhost = http://127.0.0.1:9\ntoken = dapi0123456789\n\n[odd]\nhost=http://127.0.0.1:9\nauth_type = pat\ntoken = dapi9876543210\n";
const BY_PROFILE: &str = r#"{"secret_scope": "s", "workspaces": [{"workspace_name": "odd", "workspace_instance_url": "http://127.0.0.1:9",
  "workspace_pat_key": "", "workspace_profile": "odd", "warehouse_id": "w", "sync_location_primary": "s3://a/b",
  "sync_location_secondary": "s3://c/d", "sync_failure_notification": "a@example.com", "sync_success_notification": "a@example.com",
  "sync_default_schedule": "0 */12 * * *", "sync_max_retries": 0,
  "sync_groups": [{"group_name": "g", "group_owner_email": "a@example.com", "tables": ["a.b.c"]}]}]}"#;

/// Files of one format, and the commands that read them.
struct Format {
    name: &'static str,
    files: Vec<PathBuf>,
    commands: Vec<Vec<String>>,
}

struct World {
    folder: TempDir,
    now: DateTime<Utc>,
}

impl World {
    /// Applied once, and with news since.
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let now = Utc::now();
        corpus::build(&folder.path().join("world")).await;
        let world = World { folder, now };
        world.tell_somebody_who_is_not_there();
        for command in ["plan --out plan.json", "apply plan.json --auto-approve"] {
            let done = world.run(&words(command));
            assert!([0, 4].contains(&done.status.code().unwrap()), "{command}: {done:?}");
        }
        demo::advance(&world.path(""), now).await.unwrap();
        fs::remove_file(world.path("plan.json")).unwrap();
        let planned = world.run(&words("plan --out plan.json"));
        assert_eq!(planned.status.code(), Some(0), "{planned:?}");
        fs::write(world.path("plan.json.minisig"), SIGNATURE).unwrap();
        fs::write(world.path("keys"), format!("untrusted comment: minisign public key\n{KEY}\n"))
            .unwrap();
        fs::write(world.path("profiles"), PROFILES).unwrap();
        fs::write(world.path("profile.json"), BY_PROFILE).unwrap();
        world
    }

    /// Every apply leaves messages that were not taken to the next.
    fn tell_somebody_who_is_not_there(&self) {
        let path = self.path("drsync.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config["workspaces"][0]["notifications"] =
            json!({"webhooks": [{"kind": "slack", "url_secret": "nobody"}]});
        fs::write(&path, config.to_string()).unwrap();
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join("world").join(inside)
    }

    fn now_file(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    fn below(&self, folder: &str, which: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let mut found = files_below(&self.path(folder));
        found.retain(|path| which(path.to_str().unwrap()));
        assert!(!found.is_empty(), "{folder} has nothing to change");
        found
    }

    fn formats(&self) -> Vec<Format> {
        let one = |name: &str| vec![self.path(name)];
        let format = |name, files: Vec<PathBuf>, commands: &[&str]| Format {
            name,
            files,
            commands: commands.iter().map(|command| words(command)).collect(),
        };
        let runs =
            self.below(".drsync/runs", |path| path.ends_with(".json") && !path.contains(".plan."));
        let record = format!("show {}", runs[0].display());
        let records = format!("show {} --json", runs[0].display());
        vec![
            format("configuration", one("drsync.json"), &["validate", "plan", "status --json"]),
            format(
                "lakehouse.json",
                one("east/lakehouse.json"),
                &["plan", "validate", "plan --json"],
            ),
            format("jobs.json", one("east/jobs.json"), &["plan", "status"]),
            format(
                "plan",
                one("plan.json"),
                &[
                    "show plan.json",
                    "check plan.json",
                    "show plan.json --format html",
                    "diff plan.json plan.json",
                ],
            ),
            format("record", vec![runs[0].clone()], &[&record, &records, "show plan.json"]),
            format(
                "evidence",
                self.below("west/sync/_drsync/evidence", |_| true),
                &["history --since 2020-01-01", "history --since 2020-01-01 --json"],
            ),
            format(
                "ledger",
                self.below("west/sync/_drsync", |path| !path.contains("evidence")),
                &["status", "plan", "history"],
            ),
            format(
                "signature",
                vec![self.path("plan.json.minisig"), self.path("keys")],
                &["check plan.json --require-signature keys"],
            ),
            format("profiles", one("profiles"), &["validate -c profile.json"]),
            format(
                "source",
                self.below("east/tables", |_| true),
                &["plan --full", "status --json", "plan --full --json"],
            ),
            format("replica", self.below("west/sync/main", |_| true), &["plan --full", "status"]),
        ]
    }

    fn run(&self, arguments: &[String]) -> Output {
        let bounded = format!("ulimit -v {MEMORY_KIB}; exec \"$@\"");
        let seconds = LONGEST_TRIAL.as_secs().to_string();
        let within = ["timeout", "-sKILL", &seconds, "sh", "-c", &bounded, "sh"];
        drsync_under(&within, self.path(""), &[])
            .args(arguments)
            .at(self.now.to_rfc3339())
            .env("HOME", self.folder.path())
            .env("MALLOC_ARENA_MAX", "2")
            .env("DATABRICKS_CONFIG_FILE", self.path("profiles"))
            .env("DRSYNC_WEBHOOK_NOBODY_URL", "http://127.0.0.1:9/")
            .output()
    }

    /// Runs a command over a file that was changed, which afterwards is as it was.
    fn try_with(&self, file: &Path, changed: &[u8], arguments: &[String], seed: u64) -> Output {
        let (kept, about) = (fs::read(file).unwrap(), fs::metadata(file).unwrap());
        let shown = arguments.join(" ");
        fs::write(self.now_file(), changed).unwrap();
        fs::write(
            self.now_file().with_extension("txt"),
            format!("seed {seed}: drsync {shown}, {}", file.display()),
        )
        .unwrap();
        let write = |bytes: &[u8]| {
            fs::write(file, bytes).unwrap();
            let opened = fs::File::options().write(true).open(file).unwrap();
            opened.set_modified(about.modified().unwrap()).unwrap();
        };
        write(changed);
        let output = self.run(arguments);
        write(&kept);
        if let Some(wrong) = wrong_with(&output) {
            panic!("{wrong}; {}", keep_for_repair(&self.now_file()));
        }
        output
    }
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(str::to_owned).collect()
}

/// What is wrong with how a run ended and with what it said.
fn wrong_with(output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let end: Vec<char> = said.chars().rev().take(600).collect();
    let end: String = end.into_iter().rev().collect();
    let known: BTreeSet<i32> = ExitStatus::ALL.iter().map(|status| status.code().into()).collect();
    match output.status.code() {
        Some(code) if known.contains(&code) && !said.contains("panicked") => {
            let failed = ![0, 2, 3].contains(&code);
            (failed && said.trim().is_empty())
                .then(|| format!("it ends with {code} without a word"))
        }
        _ => Some(format!("it ends with {}: {end}", output.status)),
    }
}

/// Every format in turn, with the commands that read it in turn.
pub(crate) async fn try_every_format() {
    let world = World::new().await;
    let formats = world.formats();
    for format in &formats {
        for command in &format.commands {
            let before = world.run(command);
            assert_eq!(wrong_with(&before), None, "{}: {command:?}", format.name);
        }
    }
    let everything: Vec<&PathBuf> = formats.iter().flat_map(|format| &format.files).collect();
    let until = Instant::now() + seconds();
    let first = number(FIRST).unwrap_or(1);
    let mut tried = BTreeMap::<&str, u64>::new();
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        let mut dice = Dice::of(seed);
        let format = &formats[(seed % formats.len() as u64) as usize];
        let file = dice.one(&format.files).clone();
        let other = fs::read(*dice.one(&everything)).unwrap();
        let changed = mutated(&mut dice, &fs::read(&file).unwrap(), &other);
        let command = dice.one(&format.commands);
        world.try_with(&file, &changed, command, seed);
        *tried.entry(format.name).or_default() += 1;
    }
    eprintln!("program: trials from seed {first}: {tried:?}");
}

/// Changes what servers answered to the newest apply, which the next one reads before it tells.
pub(crate) async fn try_what_was_told() {
    let world = World::new().await;
    let apply = words("apply --auto-approve");
    let before = world.run(&apply);
    assert_eq!(wrong_with(&before), None);
    let places = ["west/sync/_drsync", "east/sync/_drsync", ".drsync"];
    let everything = || places.iter().flat_map(|place| files_below(&world.path(place)));
    let told = |path: &PathBuf| path.to_str().unwrap().ends_with(".told.json");
    let kept: BTreeMap<PathBuf, Vec<u8>> =
        everything().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let newest = kept.keys().filter(|path| told(path)).filter_map(|path| path.file_name()).max();
    let files: Vec<&PathBuf> =
        kept.keys().filter(|path| path.file_name() == newest && told(path)).collect();
    assert!(files.len() > 1, "this machine and a region keep it: {files:?}");
    let others: Vec<&PathBuf> = kept.keys().collect();
    let until = Instant::now() + seconds();
    let first = number(FIRST).unwrap_or(1);
    let mut tried = 0_u64;
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        let mut dice = Dice::of(seed);
        let other = &kept[*dice.one(&others)];
        let changed = mutated(&mut dice, &kept[files[0]], other);
        for file in &files[1..] {
            fs::write(file, &changed).unwrap();
        }
        world.try_with(files[0], &changed, &apply, seed);
        for path in everything() {
            match kept.get(&path) {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
        }
        tried += 1;
    }
    eprintln!("told: {tried} trials from seed {first}");
}

/// The decisions of a plan by group, and what it says of each.
fn decisions(output: &Output) -> BTreeMap<String, (String, String)> {
    let plan: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let groups = plan["workspaces"][0]["groups"].as_array().unwrap().iter();
    groups
        .map(|group| {
            let decided = group["decision"].as_str().unwrap().to_owned();
            (group["name"].as_str().unwrap().to_owned(), (decided, group["findings"].to_string()))
        })
        .collect()
}

/// Changes files of tables that are alone in their groups, and looks at all other groups.
pub(crate) async fn try_tables_of_one_group() {
    let world = World::new().await;
    let command = words("plan --full --json");
    let before = decisions(&world.run(&command));
    let first = number(FIRST).unwrap_or(1);
    let until = Instant::now() + seconds();
    let (mut tried, mut blocked) = (0, 0);
    for seed in first.. {
        if Instant::now() > until {
            break;
        }
        let mut dice = Dice::of(seed);
        let group = *dice.one(&corpus::TABLES);
        let files = world.below(&format!("east/tables/{group}"), |_| true);
        let file = dice.one(&files).clone();
        let other = fs::read(dice.one(&files)).unwrap();
        let changed = mutated(&mut dice, &fs::read(&file).unwrap(), &other);
        let after = decisions(&world.try_with(&file, &changed, &command, seed));
        for (name, decided) in &before {
            if name == group {
                let (decision, findings) = &after[name];
                if decision == "blocked" {
                    blocked += 1;
                    assert!(findings.contains(group), "seed {seed}: {findings}");
                }
            } else {
                assert_eq!(
                    after.get(name),
                    Some(decided),
                    "seed {seed}: {name} suffers from {}",
                    file.display()
                );
            }
        }
        tried += 1;
    }
    eprintln!("hostile tables: {tried} trials from seed {first}, {blocked} blocked");
}
