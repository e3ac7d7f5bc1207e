//! An estate that has been synchronized for long: what a round costs after many cuts against what it cost after few; and 2,000 tables,
//! in rounds that look at the newest versions of all of them and in rounds that do not.
//!
//! `cargo bench --bench estate`. `ESTATE_CUTS` makes another number of cuts; `ESTATE_ONLY` measures one of `aged`, `large` and `heads`
//! alone; `DRSYNC_PEER` names another version's program, whose quiet
//! plan of 2,000 tables is measured beside this one's, and may not be the faster one.
//!
//! Each measurement is made by a small process of its own: a child begins with the peak memory of who started it.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use drsync::lakehouse::Writer;
use drsync::lakehouse::write::{WorkspaceFolder, WritableTable, columns, rows};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;

const OURS: &str = env!("CARGO_BIN_EXE_drsync");
/// Cuts of the estate that is young.
const FEW: usize = 30;
/// Cuts of the one that is old, unless `ESTATE_CUTS` says otherwise.
const MANY: usize = 3_000;
/// Groups of one table each: every round changes one of them.
const GROUPS: usize = 20;
/// Commits of every table before it is synchronized: its log has a checkpoint and some commits after it, however few its cuts are.
const PAST: usize = 13;
/// Pairs of measurements: an apply costs the more the longer ago its ledger's last checkpoint is, which comes every thirteenth
/// round, so that three of these periods are measured.
const PAIRS: usize = 39;
/// What a round may cost after many cuts, in what it costs after few.
const RATIO_MAX: f64 = 1.2;
/// Files of both metadata tables of one region: two days of rounds, and what stands on shelves.
const FILES_MAX: usize = 1_000;

/// What a quiet plan of 2,000 tables may cost, in what it costs the peer: equal, but for what a machine is never equal to itself.
const PEER_RATIO_MAX: f64 = 1.05;
/// What a quiet round that looks at the newest versions of 2,000 tables may cost, in what one costs that does not.
const HEADS_RATIO_MAX: f64 = 1.2;
/// `sync_receipt_minutes` of an estate whose rounds look every ten minutes, and of one whose rounds do so every five years.
const OFTEN: i64 = 20;
const SELDOM: i64 = 5_256_000;

/// The first argument of a process that measures the program of the others.
const MEASURE: &str = "--measure";

fn main() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == MEASURE) {
        println!("{}", measured(args));
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let wrong: Vec<String> = runtime.block_on(async {
        let only = std::env::var("ESTATE_ONLY").ok();
        let asked = |subject: &str| only.as_ref().is_none_or(|only| only == subject);
        let mut wrong = Vec::new();
        if asked("aged") {
            wrong.extend(aged().await);
        }
        if asked("large") {
            wrong.extend(large().await);
        }
        if asked("heads") {
            wrong.extend(heads().await);
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("; "));
}

/// Few cuts against many, and what costs more than it may.
async fn aged() -> Vec<String> {
    let many = std::env::var("ESTATE_CUTS").ok();
    let many = many.map_or(MANY, |text| text.parse().unwrap());
    let mut young = Estate::new(OURS, GROUPS, 1).await;
    let mut old = Estate::new(OURS, GROUPS, 1).await;
    for estate in [&mut young, &mut old] {
        for _ in 0..PAST * GROUPS {
            estate.change().await;
        }
    }
    let begun = Instant::now();
    young.grow(FEW).await;
    old.grow(many).await;
    let took = begun.elapsed().as_secs();
    println!(
        "{FEW} cuts against {many} (made in {took} s); medians of {PAIRS} pairs, ratios of their sums"
    );
    let mut wrong = Vec::new();
    for what in [What::QuietPlan, What::Status, What::Apply] {
        let mut pairs = Vec::new();
        for _ in 0..PAIRS {
            pairs.push((young.measure(what).await, old.measure(what).await));
        }
        let worst = told(&format!("{what:?}"), &pairs).into_iter();
        let worst = worst.fold(0.0, f64::max);
        if worst > RATIO_MAX {
            wrong.push(format!("{what:?} costs {worst:.2} of what it cost"));
        }
    }
    for region in ["east", "west"] {
        let files = files_in(&old.path(region).join("sync/_drsync"));
        println!("{files} files in _drsync of {region}, evidence aside");
        if files > FILES_MAX {
            wrong.push(format!("_drsync of {region} has {files} files"));
        }
    }
    wrong
}

/// 2,000 tables of which none changed: rounds that ask for the newest versions of all sources, and whether every replica is as its
/// cut left it, against rounds of an estate whose configuration has them look seldom.
async fn heads() -> Vec<String> {
    let mut seldom = Estate::that_looks(OURS, 100, 20, SELDOM).await;
    let mut often = Estate::that_looks(OURS, 100, 20, OFTEN).await;
    for (estate, looks) in [(&mut seldom, 0), (&mut often, 100)] {
        estate.apply();
        // Half of `OFTEN` later, and before the schedule fires again: nothing is due.
        estate.now += TimeDelta::minutes(10);
        assert_eq!(estate.groups_looked_at(), looks, "what is compared is the look alone");
    }
    let mut pairs = Vec::new();
    for _ in 0..PAIRS {
        let without = seldom.measure(What::QuietPlan).await;
        pairs.push((without, often.measure(What::QuietPlan).await));
    }
    let [seconds, cpu, _] =
        told("a quiet plan of 2,000 tables, without their newest versions and with them", &pairs);
    match seconds.max(cpu) {
        more if more > HEADS_RATIO_MAX => {
            vec![format!("the newest versions of 2,000 tables cost {more:.2} of a round without")]
        }
        _ => Vec::new(),
    }
}

/// 2,000 tables of which none changed: another version's plan where one is named, and this one's, which may not be slower.
async fn large() -> Vec<String> {
    let mut ours = Estate::new(OURS, 100, 20).await;
    ours.apply();
    let Some(peer) = std::env::var_os("DRSYNC_PEER") else {
        let costs = (0..PAIRS).map(|_| ours.run(&["plan"]).seconds);
        println!("a quiet plan of 2,000 tables: {:.3} s", median(costs));
        return Vec::new();
    };
    let mut theirs = Estate::new(peer, 100, 20).await;
    theirs.apply();
    let mut pairs = Vec::new();
    for _ in 0..PAIRS {
        let peer = theirs.measure(What::QuietPlan).await;
        pairs.push((peer, ours.measure(What::QuietPlan).await));
    }
    let [seconds, cpu, _] = told("a quiet plan of 2,000 tables, the peer's and this one's", &pairs);
    match seconds.max(cpu) {
        slower if slower > PEER_RATIO_MAX => {
            vec![format!("2,000 tables cost {slower:.2} of the peer's")]
        }
        _ => Vec::new(),
    }
}

/// Runs a program, and says what it cost: seconds, seconds of CPU, and KiB of memory at its peak.
fn measured(mut command: impl Iterator<Item = OsString>) -> String {
    let mut program = Command::new(command.next().unwrap());
    program.args(command).stdout(Stdio::null());
    let begun = Instant::now();
    let done = program.status().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(done.success(), "{done}");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = usage.user_time() + usage.system_time();
    let cpu = cpu.num_microseconds() as f64 / 1_000_000.0;
    format!("{seconds} {cpu} {}", usage.max_rss())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    QuietPlan,
    Status,
    Apply,
}

#[derive(Debug, Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu: f64,
    peak_kib: f64,
}

/// One of the figures of a cost.
type Figure = fn(&Cost) -> f64;

/// Prints a row, and returns the ratios of the sums: of time, of CPU and of memory.
fn told(what: &str, pairs: &[(Cost, Cost)]) -> [f64; 3] {
    let figures: [(&str, Figure); 3] = [
        ("s", |cost| cost.seconds),
        ("s of CPU", |cost| cost.cpu),
        ("MiB at the peak", |cost| cost.peak_kib / 1024.0),
    ];
    let mut row = Vec::new();
    let ratios = figures.map(|(unit, of)| {
        let all = |which: fn(&(Cost, Cost)) -> &Cost| -> f64 {
            pairs.iter().map(|pair| of(which(pair))).sum()
        };
        let ratio = all(|pair| &pair.1) / all(|pair| &pair.0);
        let one = median(pairs.iter().map(|(one, _)| of(one)));
        let other = median(pairs.iter().map(|(_, other)| of(other)));
        row.push(format!("{one:.3} and {other:.3} {unit}, ratio {ratio:.2}"));
        ratio
    });
    println!("{what}: {}", row.join("; "));
    ratios
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Files below a folder, evidence aside.
fn files_in(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let counted = entries.filter(|entry| entry.file_name() != "evidence");
    let of = counted
        .map(|entry| if entry.file_type().unwrap().is_dir() { files_in(&entry.path()) } else { 1 });
    of.sum()
}

/// A number that follows from another, as if by chance (SplitMix64).
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Two regions in a folder, and a clock that goes on by half an hour a round.
struct Estate {
    folder: tempfile::TempDir,
    program: OsString,
    now: DateTime<Utc>,
    rounds: usize,
    groups: usize,
}

impl Estate {
    async fn new(program: impl Into<OsString>, groups: usize, tables: usize) -> Estate {
        Estate::that_looks(program, groups, tables, 60).await
    }

    /// One whose rounds look at the newest versions of sources so often, in minutes, as `sync_receipt_minutes` has it.
    async fn that_looks(
        program: impl Into<OsString>,
        groups: usize,
        tables: usize,
        minutes: i64,
    ) -> Estate {
        let mut estate = Estate {
            folder: tempfile::tempdir().unwrap(),
            program: program.into(),
            now: "2026-01-01T00:01:00Z".parse().unwrap(),
            rounds: 0,
            groups,
        };
        for inside in ["east/sync", "west/sync"] {
            fs::create_dir_all(estate.path(inside)).unwrap();
        }
        WorkspaceFolder::create(estate.path("east"), "east", "dr-sync@example.com").unwrap();
        let workspace = WorkspaceFolder::at(estate.path("east"));
        let schema = columns(&[("id", "long")]).unwrap();
        let mut configured = Vec::new();
        for group in 0..groups {
            let mut names = Vec::new();
            for table in 0..tables {
                let place = format!("tables/t{group}_{table}");
                let name = format!("main.shop.t{group}_{table}");
                let made = estate.table(&place);
                made.create(schema.clone(), &[], &[]).await.unwrap();
                made.insert(&rows(&schema, &[json!({"id": 0})]).unwrap()).await.unwrap();
                workspace.add_table(&name, &place).unwrap();
                names.push(name);
            }
            configured.push(json!({"group_name": format!("g{group}"), "group_owner_email": "o@example.com", "tables": names}));
        }
        let configuration = json!({
            "secret_scope": "",
            "workspaces": [{
                "workspace_name": "east", "workspace_instance_url": "east", "workspace_pat_key": "",
                "sync_location_primary": "east/sync", "sync_location_secondary": "west/sync",
                "sync_failure_notification": "a@example.com", "sync_success_notification": "a@example.com",
                "sync_default_schedule": "*/30 * * * *", "sync_max_retries": "0", "sync_receipt_minutes": minutes, "sync_groups": configured,
            }],
        });
        fs::write(estate.path("drsync.json"), configuration.to_string()).unwrap();
        estate.now += TimeDelta::minutes(30);
        estate
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn table(&self, place: &str) -> WritableTable {
        let now = self.now;
        let writer = Writer { user: "etl@example.com".to_owned(), clock: Arc::new(move || now) };
        WritableTable::at(self.path("east").join(place), writer).when(now)
    }

    /// Makes cuts until there are so many.
    async fn grow(&mut self, cuts: usize) {
        self.apply();
        for _ in self.groups..cuts {
            self.change().await;
            self.apply();
        }
    }

    /// One group's table gets another row in place of its own: it is as large after many cuts as after few.
    ///
    /// Which group's is decided as if by dice, the same in every estate: tables that all had their turns alike would all be at
    /// the same distance from their next checkpoint, and what is measured would be that.
    async fn change(&mut self) {
        self.rounds += 1;
        let mixed = mix(self.rounds as u64);
        let place = format!("tables/t{}_0", mixed % self.groups as u64);
        let id = json!(self.rounds);
        self.now += TimeDelta::minutes(20);
        let table = self.table(&place);
        let changed = table.update(|row| {
            row["id"] = id.clone();
            true
        });
        let version = changed.await.unwrap();
        // As every other writer does.
        if version.is_multiple_of(10) {
            table.checkpoint(version).await.unwrap();
        }
        self.now += TimeDelta::minutes(10);
    }

    /// Measures a run of the program, and fails where it did.
    fn run(&self, args: &[&str]) -> Cost {
        let output = Command::new(std::env::current_exe().unwrap())
            .arg(MEASURE)
            .arg(&self.program)
            .args(args)
            .current_dir(self.folder.path())
            .env("DRSYNC_NOW", self.now.to_rfc3339())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {why}");
        let figures: Vec<f64> =
            said.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
        Cost { seconds: figures[0], cpu: figures[1], peak_kib: figures[2] }
    }

    /// Of how many groups a plan that is made now looked at the sources.
    fn groups_looked_at(&self) -> usize {
        let output = Command::new(&self.program)
            .args(["plan", "--json"])
            .current_dir(self.folder.path())
            .env("DRSYNC_NOW", self.now.to_rfc3339())
            .output()
            .unwrap();
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let groups = plan["workspaces"][0]["groups"].as_array().unwrap();
        let looks = groups.iter().filter_map(|group| group["loss"]["at"].as_str());
        looks.filter(|at| at.parse::<DateTime<Utc>>().unwrap() == self.now).count()
    }

    fn apply(&self) {
        self.run(&["apply", "--auto-approve"]);
    }

    async fn measure(&mut self, what: What) -> Cost {
        if what == What::Apply {
            self.change().await;
        }
        self.run(match what {
            What::QuietPlan => &["plan"],
            What::Status => &["status"],
            What::Apply => &["apply", "--auto-approve"],
        })
    }
}
