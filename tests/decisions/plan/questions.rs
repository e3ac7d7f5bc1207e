//! What planning asks, round by round, against answers that are written down: no region, no runtime.

use std::cell::RefCell;
use std::collections::BTreeSet;

use drsync::config::TableName;
use drsync::observe::ask_until_known;
use drsync::plan::questions::{Answers, Looks, Questions, TableQuestions, again};
use drsync::plan::{
    Decision, LossReceipt, ReceiptTold, Request, TableObserved, WorkspaceObserved, plan,
};
use drsync::region::{
    CloneProof, Commit, ContentAnswer, Pin, RegionError, RegionErrorKind, Replica, RunState, Source,
};
use futures::FutureExt;
use proptest::prelude::*;

use super::world::{World, at, replica_commit, table};

/// One question: of which kind, and about which table.
type One = (&'static str, String);

/// Every question about a table.
fn each(asked: &Questions) -> Vec<One> {
    fn of<Q>(kind: &'static str, asked: &TableQuestions<Q>) -> Vec<One> {
        asked.tables().map(|(_, table)| (kind, table.to_string())).collect()
    }
    let mut all = [
        of("source", &asked.sources),
        of("came", &asked.came),
        of("replica", &asked.replicas),
        of("stands", &asked.stand),
        of("content", &asked.contents),
        of("registered", &asked.registered),
        of("pin", &asked.pins),
        of("rights", &asked.rights),
    ]
    .concat();
    all.sort();
    all
}

/// What is not known yet: everything but the ledger, the catalog and the workflows.
fn with_nothing_read(world: &World) -> WorkspaceObserved {
    let mut seen = world.observed.workspaces[0].clone();
    for table in seen.groups.iter_mut().flat_map(|group| &mut group.tables) {
        *table = TableObserved::listed(&table.name, table.listed.clone());
    }
    seen
}

/// How a region answers about a table.
trait Script {
    fn source(&self, truth: &TableObserved) -> Result<Source, RegionError> {
        truth.source.clone().unwrap()
    }

    fn came(&self, _: &TableObserved) -> Result<Vec<Commit>, RegionError> {
        Ok(Vec::new())
    }

    fn replica(&self, truth: &TableObserved) -> Result<Option<Replica>, RegionError> {
        truth.replica.clone().unwrap()
    }

    fn stands(&self, truth: &TableObserved, since: Option<u64>) -> Result<bool, RegionError> {
        Ok(self.replica(truth)?.map(|replica| replica.version) == since)
    }

    fn content(&self, _: &TableObserved) -> Result<ContentAnswer, RegionError> {
        Ok(ContentAnswer { content: None, proof: CloneProof::NotAsked, compared: false })
    }

    fn pin(&self, truth: &TableObserved, version: u64) -> Result<Pin, RegionError> {
        Ok(Pin { version, ..truth.pin.clone().unwrap()? })
    }
}

/// A region that says of each table what a world has of it.
struct Truth;

impl Script for Truth {}

/// Runs the loop to its end: what is known then, and what each round asked.
fn run(
    world: &World,
    seen: WorkspaceObserved,
    request: &Request,
    script: &impl Script,
) -> (WorkspaceObserved, Vec<Questions>) {
    let tables: Vec<&TableObserved> =
        world.observed.workspaces[0].groups.iter().flat_map(|group| &group.tables).collect();
    let truth = |name: &TableName| *tables.iter().find(|it| it.name == *name).unwrap();
    let rounds = RefCell::new(Vec::new());
    let answer = |asked: Questions| {
        rounds.borrow_mut().push(asked.clone());
        assert!(rounds.borrow().len() < 20, "it ends");
        let of_path = |path: &str| *tables.iter().find(|it| it.name.path() == path).unwrap();
        let sources = asked.sources.questions().iter();
        let sources = sources.map(|it| script.source(truth(&it.table.name))).collect();
        let came = asked.came.questions().iter();
        let came = came.map(|it| script.came(truth(&it.source.table.name))).collect();
        let replicas = asked.replicas.questions().iter();
        let replicas = replicas.map(|it| script.replica(of_path(&it.path))).collect();
        let stand = asked.stand.questions().iter();
        let stand = stand.map(|it| script.stands(of_path(&it.path), it.since_version)).collect();
        let contents = asked.contents.questions().iter();
        let contents = contents.map(|it| script.content(of_path(&it.path))).collect();
        let pins = asked.pins.questions().iter();
        let pins = pins.map(|it| script.pin(truth(&it.table.name), it.version)).collect();
        std::future::ready(Answers {
            sources: asked.sources.answered(sources),
            came: asked.came.answered(came),
            replicas: asked.replicas.answered(replicas),
            stand: asked.stand.answered(stand),
            contents: asked.contents.answered_of_contents(contents),
            registered: asked.registered.answered_plainly(&[]),
            pins: asked.pins.answered(pins),
            ..Answers::default()
        })
    };
    let now = world.observed.now;
    let looks = Looks::of(&seen, request, now);
    let mut seen = seen;
    let ended = ask_until_known(&mut seen, &looks, request, now, answer).now_or_never();
    ended.expect("it waits for nobody");
    (seen, rounds.into_inner())
}

/// The rounds of a world in which nothing was read, as those who read a test want them.
fn rounds(world: &World) -> Vec<Vec<String>> {
    rounds_with(world, &Truth)
}

fn rounds_with(world: &World, script: &impl Script) -> Vec<Vec<String>> {
    let request = Request { full: false, ..world.request.clone() };
    let (_, rounds) = run(world, with_nothing_read(world), &request, script);
    let words = |(kind, table): One| format!("{kind} {}", table.replace("main.shop.", ""));
    rounds.iter().map(|asked| each(asked).into_iter().map(words).collect()).collect()
}

/// A world in which nothing is due, what would be lost neither. Its cuts are of before there were digests, so that of a replica that
/// is looked at it is asked whether it is the clone that the cut says.
fn quiet() -> World {
    let mut world = World::new();
    for (group, cut) in [("orders", 41), ("reference", 7)] {
        let loss = LossReceipt {
            at: world.observed.now,
            commits: 0,
            since: None,
            runs: Vec::new(),
            tables: Vec::new(),
            unknown: Vec::new(),
        };
        world.workspace().receipts.insert(group.to_owned(), ReceiptTold { cut, loss });
    }
    world
}

#[test]
fn a_group_that_is_not_due_is_asked_for_one_sign_and_nothing_more() {
    assert_eq!(rounds(&quiet()), [["stands countries", "stands orders"]]);
}

#[test]
fn where_it_is_time_to_tell_what_would_be_lost_newest_versions_are_asked_for() {
    let mut world = quiet();
    world.workspace().receipts.remove("orders");
    let asked = ["came lines", "came orders", "stands countries", "stands lines", "stands orders"];
    assert_eq!(rounds(&world), [asked]);
}

#[test]
fn a_source_that_no_longer_has_the_commit_of_the_cut_has_its_group_read() {
    struct PutBack;
    impl Script for PutBack {
        fn came(&self, truth: &TableObserved) -> Result<Vec<Commit>, RegionError> {
            match truth.name.table.as_str() {
                "orders" => Err(RegionError::new(RegionErrorKind::Conflict, "look", "another")),
                _ => Ok(Vec::new()),
            }
        }
    }
    let mut world = quiet();
    world.workspace().receipts.remove("orders");
    let asked = rounds_with(&world, &PutBack);
    assert!(asked[0].contains(&"came orders".to_owned()), "{asked:?}");
    let read = ["replica lines", "replica orders", "source lines", "source orders"];
    assert_eq!(asked[1], read);
}

#[test]
fn of_a_group_that_is_due_histories_are_asked_and_then_the_pins() {
    let mut world = quiet();
    world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:30:00Z"), RunState::Succeeded);
    world.commit("main.shop.orders", 5, "2026-11-22T10:10:00Z", "WRITE");
    let histories =
        ["replica lines", "replica orders", "source lines", "source orders", "stands countries"];
    let contents: &[&str] = &["content lines", "content orders"];
    assert_eq!(rounds(&world), [&histories[..], contents, &["pin lines", "pin orders"]]);
}

#[test]
fn a_replica_that_left_its_cut_has_its_group_read_and_a_missing_one_every_group() {
    let mut world = quiet();
    world.replica("main.shop.countries").version = 3;
    world.replica("main.shop.countries").commits = vec![replica_commit(3, "UPDATE")];
    let signs: &[&str] = &["stands countries", "stands orders"];
    let group: &[&str] = &["replica countries", "source countries"];
    let contents: &[&str] = &["content countries"];
    assert_eq!(rounds(&world), [signs, group, contents, &["registered countries"]]);

    let mut world = quiet();
    world.table("main.shop.countries").replica = Some(Ok(None));
    let all: &[&str] = &["replica lines", "replica orders", "source lines", "source orders"];
    assert_eq!(rounds(&world)[..3], [signs, group, all]);
}

#[test]
fn where_a_copy_of_the_ledger_was_lost_everything_is_asked() {
    let mut world = quiet();
    world.workspace().secondary.ledger.as_mut().unwrap().metadata = None;
    world.merge();
    let tables = ["countries", "lines", "orders"];
    let all = ["replica", "source"];
    let all: Vec<String> =
        all.iter().flat_map(|kind| tables.map(|table| format!("{kind} {table}"))).collect();
    let contents: Vec<String> = tables.map(|table| format!("content {table}")).into();
    assert_eq!(rounds(&world), [all, contents]);
}

#[test]
fn of_a_primary_that_is_away_nothing_is_asked_and_of_replicas_only_where_all_is_to_be_seen() {
    let mut world = quiet();
    let refusal = RegionError::new(RegionErrorKind::Unavailable, "look at it", "it is away");
    world.workspace().primary.presence = Err(refusal.clone());
    for group in &mut world.workspace().groups {
        group.tables.iter_mut().for_each(|table| table.listed = Err(refusal.clone()));
    }
    assert_eq!(rounds(&world), [[""; 0]; 0]);
    let request = Request { full: true, ..Request::default() };
    let (_, rounds) = run(&world, with_nothing_read(&world), &request, &Truth);
    let asked: BTreeSet<&str> = rounds.iter().flat_map(each).map(|(kind, _)| kind).collect();
    assert_eq!(asked, BTreeSet::from(["content", "replica"]));
}

#[test]
fn a_table_that_a_group_names_twice_is_asked_about_once_and_known_at_both() {
    let mut world = quiet();
    let twice = world.group("reference").tables[0].clone();
    world.group("reference").tables.push(twice);
    let request = Request { full: true, ..Request::default() };
    let (seen, rounds) = run(&world, with_nothing_read(&world), &request, &Truth);
    assert_eq!(rounds[0].sources.questions().len(), 3);
    assert!(seen.groups[1].tables.iter().all(|table| table.source.is_some()));
}

#[test]
fn what_a_region_left_out_is_a_refusal_and_not_asked_again() {
    let world = quiet();
    let request = Request { full: true, ..Request::default() };
    let (_, mut rounds) = run(&world, with_nothing_read(&world), &request, &Truth);
    let asked = rounds.remove(0);
    let mut seen = with_nothing_read(&world);
    let sources = asked.sources.answered(Vec::new());
    seen.take(Answers { sources, ..Answers::default() });
    for table in seen.groups.iter().flat_map(|group| &group.tables) {
        let refused = table.source.as_ref().unwrap().as_ref().unwrap_err();
        assert_eq!(refused.detail, "0 answers to 3 questions");
    }
}

#[test]
fn an_apply_asks_of_a_replica_what_planning_asked() {
    let mut world = quiet();
    world.run(89, "2026-11-22T10:00:00Z", Some("2026-11-22T10:30:00Z"), RunState::Succeeded);
    world.commit("main.shop.orders", 5, "2026-11-22T10:10:00Z", "WRITE");
    let (seen, rounds) = run(&world, with_nothing_read(&world), &world.request, &Truth);
    let mut observed = world.observed.clone();
    observed.workspaces = vec![seen];
    let planned = plan(&observed, &world.request);
    let (_, group) = planned.groups().find(|(_, group)| group.name == "orders").unwrap();
    assert_eq!((group.decision, group.steps.len()), (Decision::Sync, 2));
    let ledger = &observed.workspaces[0].ledger;
    let in_cuts: Vec<_> =
        group.steps.iter().map(|step| ledger.cuts.entry_of("orders", &step.table)).collect();
    assert!(in_cuts.iter().all(Option::is_some));
    for (step, again) in group.steps.iter().zip(again::replicas(group, &in_cuts)) {
        assert_eq!(rounds[0].replicas.of("orders", &step.table), Some(&again));
        assert_eq!(again.since_version, Some(2));
    }
    for (step, again) in group.steps.iter().zip(again::sources(group)) {
        let asked = rounds[0].sources.of("orders", &step.table).unwrap();
        assert_eq!((&asked.table, Some(4)), (&again.table, asked.from_version));
        assert_eq!(again.from_version, Some(step.source.version), "older ones are of no interest");
    }
    let pinned = rounds.iter().find(|asked| !asked.pins.is_empty()).unwrap();
    for step in &group.steps {
        let held = step.replica.version;
        let asked = pinned.pins.of("orders", &step.table).unwrap();
        let again = again::pin(step, held);
        assert_eq!(
            (&asked.replica_location, asked.version),
            (&again.replica_location, again.version)
        );
        assert_eq!((&asked.table, asked.replica_version), (&again.table, again.replica_version));
    }
}

/// A region that answers by chance.
struct Chance {
    tape: Vec<u8>,
    at: RefCell<usize>,
}

impl Chance {
    fn of(&self, most: u8) -> u8 {
        let mut at = self.at.borrow_mut();
        *at += 1;
        self.tape[*at % self.tape.len()] % most
    }

    fn refusal(&self) -> RegionError {
        let kinds = [
            RegionErrorKind::Unavailable,
            RegionErrorKind::NotFound,
            RegionErrorKind::Denied,
            RegionErrorKind::SignedOut,
            RegionErrorKind::Conflict,
            RegionErrorKind::Other,
        ];
        RegionError::new(kinds[usize::from(self.of(6))], "look", "by chance")
    }
}

impl Script for Chance {
    fn source(&self, truth: &TableObserved) -> Result<Source, RegionError> {
        if self.of(4) == 0 { Err(self.refusal()) } else { truth.source.clone().unwrap() }
    }

    fn came(&self, _: &TableObserved) -> Result<Vec<Commit>, RegionError> {
        if self.of(4) == 0 { Err(self.refusal()) } else { Ok(Vec::new()) }
    }

    fn replica(&self, truth: &TableObserved) -> Result<Option<Replica>, RegionError> {
        let replica = truth.replica.clone().unwrap()?.unwrap();
        match self.of(6) {
            0 => Err(self.refusal()),
            1 => Ok(None),
            2 => {
                let commits = vec![replica_commit(3, "UPDATE")];
                Ok(Some(Replica { version: 3, commits, ..replica }))
            }
            3 => Ok(Some(Replica { version: 1, mark: None, ..replica })),
            _ => Ok(Some(replica)),
        }
    }

    fn stands(&self, _: &TableObserved, _: Option<u64>) -> Result<bool, RegionError> {
        match self.of(4) {
            0 => Err(self.refusal()),
            1 => Ok(false),
            _ => Ok(true),
        }
    }

    fn content(&self, truth: &TableObserved) -> Result<ContentAnswer, RegionError> {
        let why = || truth.name.to_string().into();
        Ok(ContentAnswer {
            content: None,
            proof: match self.of(5) {
                0 => return Err(self.refusal()),
                1 => CloneProof::Refuted { version: 2, why: why() },
                2 => CloneProof::Unknown { version: 2, why: why() },
                _ => CloneProof::Proved,
            },
            compared: false,
        })
    }

    fn pin(&self, truth: &TableObserved, version: u64) -> Result<Pin, RegionError> {
        if self.of(4) == 0 {
            return Err(self.refusal());
        }
        Ok(Pin { version, ..truth.pin.clone().unwrap()? })
    }
}

proptest! {
    #[test]
    fn whatever_is_answered_it_ends_and_nothing_is_asked_twice(
        tape in prop::collection::vec(any::<u8>(), 1..80),
        full in any::<bool>(),
        content in any::<bool>(),
        due in any::<bool>(),
        lost in any::<bool>(),
        known in any::<bool>(),
    ) {
        let mut world = if known { quiet() } else { World::new() };
        if due {
            let ended = Some("2026-11-22T10:30:00Z");
            world.run(89, "2026-11-22T10:00:00Z", ended, RunState::Succeeded);
            world.commit("main.shop.orders", 5, "2026-11-22T10:10:00Z", "WRITE");
        }
        if lost {
            world.workspace().secondary.ledger.as_mut().unwrap().metadata = None;
            world.merge();
        }
        let request = Request { full, content, ..world.request.clone() };
        let script = Chance { tape, at: RefCell::new(0) };
        let (seen, rounds) = run(&world, with_nothing_read(&world), &request, &script);
        let all: Vec<One> = rounds.iter().flat_map(each).collect();
        let once: BTreeSet<&One> = all.iter().collect();
        prop_assert_eq!(once.len(), all.len(), "asked twice: {:?}", all);
        // What was asked for in vain is decided on all the same.
        let mut observed = world.observed.clone();
        observed.workspaces = vec![seen];
        prop_assert_eq!(plan(&observed, &request).groups().count(), 2);
    }
}

#[test]
fn groups_that_were_left_out_are_asked_nothing() {
    let world = quiet();
    let mut request = Request { full: true, ..Request::default() };
    request.selection.only = vec!["reference".to_owned()];
    let looks = Looks::of(&with_nothing_read(&world), &request, at("2026-11-22T11:00:00Z"));
    assert_eq!(looks.wholly().collect::<Vec<_>>(), ["reference"]);
    let (_, rounds) = run(&world, with_nothing_read(&world), &request, &Truth);
    let asked: Vec<One> = rounds.iter().flat_map(each).collect();
    let countries = table("main.shop.countries").to_string();
    assert!(asked.iter().all(|(_, table)| *table == countries), "{asked:?}");
}
