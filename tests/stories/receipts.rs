//! The receipt against the truth: in random stories, what it says is lost is what is lost, and what it does not know it calls unknown.
//!
//! The story keeps the truth itself: every commit that it makes, with its time and its rows, and every run of its job. drsync's word
//! is taken for one thing alone, the recovery point of a cut. `DRSYNC_RECEIPTS=10000` tells more stories.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use drsync::apply::GroupOutcome;
use drsync::observe::observe;
use drsync::plan::status::{StatusDocument, status};
use drsync::plan::{LossReceipt, Request, UnknownWhy, plan};
use futures::stream::{self, StreamExt as _};

use crate::support::world::{Form, World, batch, schema};

/// Stories at once.
const AT_ONCE: usize = 4;
/// Rounds come no later than this after each other.
const ROUNDS: i64 = 30;
/// The default of `sync_receipt_minutes`.
const RECEIPT: Duration = Duration::minutes(60);

/// Chance from a seed.
struct Dice(u64);

impl Dice {
    /// A number below another.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A commit that changes rows, as the story made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    version: u64,
    at: DateTime<Utc>,
    rows: u64,
}

/// A run of the job of `orders`.
#[derive(Debug, Clone, Copy)]
struct Run {
    id: i64,
    ended: Option<DateTime<Utc>>,
}

/// What really happened.
#[derive(Default)]
struct Truth {
    commits: BTreeMap<&'static str, Vec<Made>>,
    runs: Vec<Run>,
    /// The recovery point of each group's newest cut.
    held: BTreeMap<String, DateTime<Utc>>,
}

const GROUPS: [(&str, &[&str]); 2] =
    [("reference", &["main.shop.countries"]), ("orders", &["main.shop.orders", "main.shop.lines"])];
const JOB: i64 = 7;

fn folder(table: &str) -> String {
    format!("tables/{}", table.rsplit_once('.').unwrap().1)
}

struct Story {
    world: World,
    truth: Truth,
    dice: Dice,
    seed: u64,
    rows: i64,
    away: bool,
}

impl Story {
    async fn new(seed: u64) -> Story {
        let form = if seed.is_multiple_of(50) { Form::Sandbox } else { Form::Lakehouse };
        let mut world = World::of(form).await;
        for table in ["main.shop.orders", "main.shop.lines"] {
            world.make(table, &folder(table)).await;
        }
        world.add_group("orders", Some("orders_job"), GROUPS[1].1);
        world.workspace().add_job(JOB, "orders_job").unwrap();
        let dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        Story { world, truth: Truth::default(), dice, seed, rows: 100, away: false }
    }

    /// Somebody writes; maintenance changes nothing that anybody could lose.
    async fn write(&mut self) {
        let tables: Vec<&'static str> =
            GROUPS.iter().flat_map(|(_, tables)| *tables).copied().collect();
        let table = tables[self.dice.below(tables.len() as u64) as usize];
        let source = self.world.source_at(&folder(table));
        if self.dice.below(5) == 0 {
            source.optimize().await.unwrap();
        } else {
            let rows = 1 + self.dice.below(4) as i64;
            let version = source.insert(&batch(self.rows..self.rows + rows)).await.unwrap();
            self.rows += rows;
            let made = Made { version, at: self.world.now, rows: rows as u64 };
            self.truth.commits.entry(table).or_default().push(made);
        }
        self.pass();
    }

    fn begin_or_end_a_run(&mut self) {
        let now = self.world.now;
        let open = self.truth.runs.iter_mut().find(|run| run.ended.is_none());
        let workspace = self.world.workspace();
        match open {
            Some(run) => {
                run.ended = Some(now);
                let id = run.id;
                let ended = |jobs: &mut serde_json::Value| {
                    let jobs = jobs["jobs"].as_array_mut().unwrap();
                    for run in jobs[0]["runs"].as_array_mut().unwrap() {
                        if run["run_id"] == id {
                            run["end_time"] = now.timestamp_millis().into();
                            run["life_cycle_state"] = "TERMINATED".into();
                            run["result_state"] = "SUCCESS".into();
                        }
                    }
                };
                workspace.edit_jobs(ended).unwrap();
            }
            None => {
                let id = 100 + self.truth.runs.len() as i64;
                workspace.add_run(JOB, id, now, None, "").unwrap();
                self.truth.runs.push(Run { id, ended: None });
            }
        }
        self.pass();
    }

    /// A few seconds, so that no two things happen at once.
    fn pass(&mut self) {
        let seconds = 1 + self.dice.below(240) as i64;
        self.world.now += Duration::seconds(seconds);
    }

    /// The next round of the scheduler, at most half an hour after the last.
    async fn round(&mut self, last: &mut DateTime<Utc>) {
        let due = *last + Duration::minutes(ROUNDS);
        if self.world.now < due {
            self.world.now += (due - self.world.now) * self.dice.below(2) as i32;
        }
        *last = self.world.now;
        let record = self.world.apply().await;
        for group in &record.groups {
            if group.outcome == GroupOutcome::Synchronized {
                self.truth.held.insert(group.name.clone(), group.recovery_point.unwrap());
            }
            let Some(held) = self.truth.held.get(&group.name) else {
                continue;
            };
            let told = group.loss.as_ref();
            let Some(loss) = told else {
                panic!("{}: round of {last}: {}: nothing is known", self.seed, group.name)
            };
            assert!(self.away || *last - loss.at < RECEIPT, "{}: {loss:?} at {last}", self.seed);
            self.compare(&group.name, *held, loss);
        }
        self.pass();
    }

    /// What a receipt says is what the story knows as of the receipt's look.
    fn compare(&self, group: &str, held: DateTime<Utc>, loss: &LossReceipt) {
        let seed = self.seed;
        let (_, tables) = GROUPS.iter().find(|(name, _)| *name == group).unwrap();
        let mut total = 0;
        for table in *tables {
            let made = self.truth.commits.get(table).into_iter().flatten();
            // What was written at the very moment of the look may be in it or not: time passes between any two things.
            let lost: Vec<Made> =
                made.filter(|it| it.at > held && it.at <= loss.at).copied().collect();
            total += lost.len() as u64;
            let told = loss.tables.iter().find(|told| told.table.to_string() == *table);
            assert_eq!(told.is_some(), !lost.is_empty(), "{seed}: {table}: {loss:?}\n{lost:?}");
            let Some(told) = told else { continue };
            let listed: Vec<Made> = told
                .listed
                .iter()
                .map(|it| Made { version: it.version, at: it.at, rows: it.rows.unwrap() })
                .collect();
            assert_eq!(listed, lost[..lost.len().min(20)], "{seed}: {table}");
            assert_eq!(told.commits, lost.len() as u64, "{seed}: {table}");
            let rows: u64 = lost.iter().map(|it| it.rows).sum();
            assert_eq!(told.rows, Some(rows), "{seed}: {table}");
            assert_eq!(told.writers, ["etl@example.com"], "{seed}: {table}");
        }
        assert_eq!(loss.commits, total, "{seed}: {group}");
        let runs = self.truth.runs.iter().filter(|run| run.ended.is_none_or(|ended| ended > held));
        let begun = |run: &&Run| self.begun(run) <= loss.at;
        let repeat: Vec<i64> = runs.filter(begun).map(|run| run.id).collect();
        let expected = if group == "orders" && total > 0 { repeat } else { vec![] };
        assert_eq!(loss.runs, expected, "{seed}: {group}: {loss:?}");
    }

    fn begun(&self, run: &Run) -> DateTime<Utc> {
        let jobs = std::fs::read(self.world.path("east/jobs.json"))
            .or_else(|_| std::fs::read(self.world.path("gone/jobs.json")))
            .unwrap();
        let jobs: serde_json::Value = serde_json::from_slice(&jobs).unwrap();
        let runs = jobs["jobs"][0]["runs"].as_array().unwrap();
        let found = runs.iter().find(|it| it["run_id"] == run.id).unwrap();
        DateTime::from_timestamp_millis(found["start_time"].as_i64().unwrap()).unwrap()
    }

    async fn status(&self) -> StatusDocument {
        let configuration = self.world.configuration();
        let request = Request { full: true, ..Request::default() };
        let regions = [self.world.regions()];
        let seen = observe(&configuration, &regions, &request, self.world.now, true).await;
        status(&seen, &plan(&seen, &request))
    }

    /// The east is lost: what the west knows is what was true when somebody last looked, however long that goes on.
    async fn lose_the_east(&mut self, last: &mut DateTime<Utc>) {
        std::fs::rename(self.world.path("east"), self.world.path("gone")).unwrap();
        self.away = true;
        for _ in 0..1 + self.dice.below(2) {
            self.world.later(ROUNDS);
            self.round(last).await;
        }
        let status = self.status().await;
        for group in &status.workspaces[0].groups {
            match self.truth.held.get(&group.name) {
                Some(held) => self.compare(&group.name, *held, group.loss.as_ref().unwrap()),
                // Of what never was in a cut nothing is said to be lost, and nothing not to be.
                None => assert_eq!(group.loss, None),
            }
        }
    }
}

async fn tell(seed: u64) {
    let mut story = Story::new(seed).await;
    let mut last = story.world.now - Duration::minutes(ROUNDS);
    for _ in 0..8 {
        // Nothing keeps a scheduler from its rounds.
        if story.world.now - last > Duration::minutes(ROUNDS - 5) {
            story.round(&mut last).await;
        }
        match story.dice.below(6) {
            0..3 => story.write().await,
            3 | 4 => story.begin_or_end_a_run(),
            _ => story.round(&mut last).await,
        }
    }
    story.lose_the_east(&mut last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_random_stories_what_is_said_to_be_lost_is_lost_and_the_rest_is_unknown() {
    let stories = std::env::var("DRSYNC_RECEIPTS").ok().and_then(|number| number.parse().ok());
    let stories = (1..=stories.unwrap_or(100)).map(tell);
    stream::iter(stories).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

/// `orders` with a cut, four commits beyond it, and one on its other table.
async fn gone_on() -> Story {
    let mut story = Story::new(7).await;
    story.world.groups().last_mut().unwrap().as_object_mut().unwrap().remove("workflow");
    let record = story.world.apply().await;
    assert!(record.groups.iter().all(|group| group.outcome == GroupOutcome::Synchronized));
    story.world.later(10);
    for (folder, rows) in [("orders", 4), ("lines", 1)] {
        for row in 0..rows {
            story.world.later(1);
            let source = story.world.source_at(&format!("tables/{folder}"));
            source.insert(&batch(200 + row..201 + row)).await.unwrap();
        }
    }
    story
}

/// The receipt of `orders` in the status.
async fn receipt_of_orders(story: &Story) -> LossReceipt {
    let status = story.status().await;
    let groups = &status.workspaces[0].groups;
    groups.iter().find(|group| group.name == "orders").unwrap().loss.clone().unwrap()
}

#[tokio::test]
async fn a_source_that_lost_its_history_was_made_again_or_is_gone_is_unknown_and_never_nothing() {
    let story = gone_on().await;
    assert_eq!(receipt_of_orders(&story).await.commits, 5);
    let folder = story.world.path("east/tables/orders");

    // Two of the commits that came are no longer in the log.
    let orders = story.world.source_at("tables/orders");
    orders.checkpoint(5).await.unwrap();
    for version in 0..4 {
        let commit = folder.join(format!("_delta_log/{version:020}.json"));
        if commit.exists() {
            std::fs::remove_file(commit).unwrap();
        }
    }
    let loss = receipt_of_orders(&story).await;
    assert_eq!(loss.unknown[0].why, UnknownWhy::Gap, "{loss:?}");
    assert_eq!((loss.unknown.len(), loss.commits), (1, 3), "{loss:?}");
    assert!(loss.at >= story.world.now, "{loss:?}");

    // Somebody makes it again.
    std::fs::remove_dir_all(&folder).unwrap();
    let orders = story.world.source_at("tables/orders");
    orders.create(schema(), &[], &[]).await.unwrap();
    orders.insert(&batch(1..=3)).await.unwrap();
    let loss = receipt_of_orders(&story).await;
    assert_eq!(loss.unknown[0].why, UnknownWhy::Recreated, "{loss:?}");
    // All that is in the new one, and what is known of the other table.
    assert!(loss.commits >= 2, "{loss:?}");

    std::fs::remove_dir_all(&folder).unwrap();
    let loss = receipt_of_orders(&story).await;
    assert_eq!(loss.unknown[0].why, UnknownWhy::Gone, "{loss:?}");
    assert_eq!(loss.commits, 1, "{loss:?}");
}

/// Whoever looks at a group that is not due asks what came to its sources since the cut: not of another table, nor of one that was put
/// back and went on from an earlier version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_round_knows_a_source_that_was_made_again_or_put_back() {
    const LAKEHOUSE: u64 = 7;
    const SANDBOX: u64 = 50;
    for form in [LAKEHOUSE, SANDBOX] {
        for (made_again, further) in [(true, 0), (true, 2), (false, 0), (false, 1)] {
            let mut story = Story::new(form).await;
            story.world.groups().last_mut().unwrap().as_object_mut().unwrap().remove("workflow");
            let orders = story.world.source_at("tables/orders");
            let newest = orders.insert(&batch([100])).await.unwrap();
            let record = story.world.apply().await;
            assert!(record.groups.iter().all(|it| it.outcome == GroupOutcome::Synchronized));
            story.world.later(5);
            let folder = story.world.path("east/tables/orders");
            let mut version = if made_again {
                std::fs::remove_dir_all(&folder).unwrap();
                story.world.source_at("tables/orders").create(schema(), &[], &[]).await.unwrap();
                0
            } else {
                std::fs::remove_file(folder.join(format!("_delta_log/{newest:020}.json"))).unwrap();
                newest - 1
            };
            while version < newest + further {
                story.world.later(1);
                let orders = story.world.source_at("tables/orders");
                // Of another number of rows: over REST a commit is known by its row in the history alone.
                version = orders.insert(&batch([300, 301])).await.unwrap();
            }
            story.world.later(40);
            let record = story.world.apply().await;
            let told = record.groups.iter().find(|group| group.name == "orders").unwrap();
            assert_ne!(told.outcome, GroupOutcome::Synchronized);
            let loss = told.loss.clone().unwrap();
            let case = format!("{form} {made_again} {further}: {loss:?}");
            assert!(loss.unknown.iter().any(|it| it.why == UnknownWhy::Recreated), "{case}");
            assert!(loss.commits >= further, "{case}");
        }
    }
}

#[tokio::test]
async fn a_plan_that_ends_half_done_leaves_what_it_was_to_bring_and_not_what_was_known_before() {
    for planned_now in [true, false] {
        let mut story = Story::new(7).await;
        story.world.groups().last_mut().unwrap().as_object_mut().unwrap().remove("workflow");
        let record = story.world.apply().await;
        let before = record.groups.iter().find(|group| group.name == "orders").unwrap();
        let before = before.loss.clone().unwrap();
        assert_eq!(before.commits, 0);
        story.world.later(70);
        let folder = story.world.path("east/tables/orders");
        let files = || -> Vec<_> {
            let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            names.filter(|path| path.extension().is_some_and(|end| end == "parquet")).collect()
        };
        let old = files();
        for table in ["orders", "lines"] {
            story.world.source_at(&format!("tables/{table}")).insert(&batch([200])).await.unwrap();
        }
        story.world.later(1);
        let plan = story.world.plan().await;
        // One of two clones fails.
        files().iter().filter(|path| !old.contains(path)).for_each(|path| {
            std::fs::remove_file(path).unwrap();
        });
        story.world.planned_now = planned_now;
        let record = story.world.apply_plan(&plan).await;
        let orders = record.groups.iter().find(|group| group.name == "orders").unwrap();
        assert_eq!((orders.outcome, orders.cut), (GroupOutcome::Failed, Some(1)));
        let loss = orders.loss.clone().unwrap();
        assert!(loss.at > before.at, "{loss:?}");
        if planned_now {
            assert_eq!((loss.commits, loss.unknown.len()), (2, 0), "{loss:?}");
            continue;
        }
        // A stored plan is believed what it pins.
        assert_eq!(loss.commits, 1, "{loss:?}");
        let unknown = loss.unknown.iter().map(|unknown| (unknown.why, unknown.known_at));
        assert_eq!(unknown.collect::<Vec<_>>(), [(UnknownWhy::Pinned, Some(before.at)); 2]);
    }
}
