//! Every cut of a story, followed literally in whatever state the replicas are; then the readers of others compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drsync::config::Sides;
use drsync::ledger::{Cut, Cuts};
use drsync::render::sections::runbook::guide;
use drsync::render::writers;
use drsync::runbook::{Language, LookedAtGroups, RunbookInput, RunbookSubject, make};
use serde_json::{Value, json};

use crate::runbook::follow::{Step, steps};
use crate::runbook::lakehouse::{copy, done, run};
use crate::runbook::workspace::{answer, fenced, statements};
use crate::support::able::python;
use crate::support::readers::{assert_same, readers};
use crate::support::world::{Form, World, batch};

const GROUP: &str = "it's `odd`";
const ODD: &str = "main.shop.`od'd t%`";
const GROWS: &str = "main.shop.grows";
const TABLES: [(&str, &str); 3] =
    [("main.shop.countries", "tables/countries"), (ODD, "tables/odd"), (GROWS, "tables/grows")];
/// Cuts of the story.
const CUTS: u64 = 4;

/// A story that was told, with the west as it was after each cut.
struct Told {
    world: World,
    form: Form,
    python: Option<PathBuf>,
}

/// In what state the west is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// As the last apply left it.
    Whole,
    /// A newer sync has brought some of its replicas, and no cut.
    HalfASync,
    /// Somebody wrote to the replicas.
    Drifted,
    /// Somebody wrote to the replicas, and what they wrote is gone.
    FileGone,
}

impl Told {
    /// `None`: there is no Python with which a lakehouse's runbook could be followed.
    async fn of(form: Form) -> Option<Told> {
        let python = match form {
            Form::Lakehouse => Some(python("deltalake, pyarrow")?),
            Form::Sandbox => None,
        };
        let mut world = World::of(form).await;
        for (name, location) in &TABLES[1..] {
            world.make(&name.replace('`', ""), location).await;
        }
        world.groups().clear();
        world.add_group(GROUP, None, &TABLES.map(|(name, _)| name));
        let told = Told { world, form, python };
        Some(told.played().await)
    }

    async fn played(mut self) -> Told {
        for number in 1..=CUTS {
            self.happens(number).await;
            let record = self.world.apply().await;
            assert_eq!(record.groups[0].cut, Some(number), "{record:#?}");
            copy(&self.world.path("west"), &self.world.path(&format!("west-{number}")));
            self.world.later(13 * 60);
        }
        self
    }

    /// What the sources go through before a cut.
    async fn happens(&self, number: u64) {
        for (name, location) in TABLES {
            let table = self.world.source_at(location);
            match number {
                1 => {}
                2 if name == GROWS => {
                    add_column(&self.world, location).await;
                    table.insert(&batch([4])).await.unwrap();
                }
                2 => drop(table.insert(&batch([4])).await.unwrap()),
                3 if name == GROWS => {
                    table.replace().await.unwrap();
                    table.insert(&batch([7, 8])).await.unwrap();
                }
                3 => drop(table.delete(|row| row["id"] == 1).await.unwrap()),
                _ => {
                    table.insert(&batch([9])).await.unwrap();
                    table.optimize().await.unwrap();
                }
            }
        }
    }

    /// Puts the west back to where it was after a cut, in a state.
    async fn found(&self, number: u64, found: Found) {
        let put_back = |from: u64, inside: &str| {
            let to = self.world.path("west").join(inside);
            std::fs::remove_dir_all(&to).unwrap();
            copy(&self.world.path(&format!("west-{from}")).join(inside), &to);
        };
        put_back(number, "");
        match found {
            Found::Whole => {}
            Found::HalfASync => {
                for (name, _) in &TABLES[1..] {
                    let folder = self.world.replica_folder(name);
                    let inside = folder.strip_prefix(self.world.path("west")).unwrap();
                    put_back(number + 1, inside.to_str().unwrap());
                }
            }
            Found::Drifted | Found::FileGone => {
                for (name, _) in TABLES {
                    let before = data_files(&self.world.replica_folder(name));
                    self.world.replica(name).insert(&batch([99])).await.unwrap();
                    if found == Found::FileGone {
                        for file in data_files(&self.world.replica_folder(name)) {
                            if !before.contains(&file) {
                                std::fs::remove_file(file).unwrap();
                            }
                        }
                    }
                }
            }
        }
    }

    async fn cuts(&self) -> Cuts {
        self.world.regions().secondary.location.ledger().await.unwrap().all_cuts()
    }

    async fn page(&self, to_cut: Option<u64>) -> Vec<Step> {
        let ledger = self.world.regions().secondary.location.ledger().await.unwrap();
        let place = RunbookSubject {
            sides: Sides::of("east", Some("west")),
            address: None,
            location: self.world.path("west/sync").display().to_string(),
            language: self.language(),
            when: None,
            approvers: Vec::new(),
        };
        let made = make(RunbookInput {
            read_around: None,
            place: &place,
            cuts: &ledger.all_cuts(),
            rows: &ledger.rows_by_group(),
            record: None,
            looked: &LookedAtGroups::default(),
            groups: &[],
            to_cuts: &to_cut.map(|cut| (GROUP.to_owned(), cut)).into_iter().collect(),
            come_back: false,
            made_at: self.world.now,
            made_by: "user:anna",
        });
        let page = writers::guide(&guide(&made));
        steps(&page, self.language().as_str())
    }

    fn language(&self) -> Language {
        match self.form {
            Form::Lakehouse => Language::Python,
            Form::Sandbox => Language::Sql,
        }
    }

    /// Follows a page as it stands.
    async fn follow(&self, page: &[Step], why: &str) {
        assert!(page.len() >= 4, "{why}: {page:#?}");
        for step in page {
            match (&self.python, self.world.west()) {
                (Some(python), _) => {
                    let said = done(python, step);
                    if step.is("Fence") {
                        assert_eq!(said, "1 row\n", "{why}");
                    } else if step.is("Check") {
                        assert!(
                            said.lines().all(|line| line.starts_with("True ")),
                            "{why}: {said}"
                        );
                        assert_eq!(said.lines().count(), TABLES.len(), "{why}: {said}");
                    }
                }
                (None, Some(west)) if step.is("Fence") => {
                    assert_eq!(fenced(west, step).await, 1, "{why}: {}", step.text);
                }
                (None, Some(west)) => {
                    for statement in statements(step) {
                        let answer = answer(west, statement).await;
                        let at_it =
                            answer.as_ref().is_err_and(|why| why.contains("should be less then"));
                        let good = answer.is_ok() || step.is("Bring back") && at_it;
                        assert!(good, "{why}: {statement}\n{answer:?}");
                        for line in answer.iter().flatten().filter(|_| step.is("Check")) {
                            assert_eq!(line["as_the_cut"], "true", "{why}: {line}");
                        }
                    }
                }
                (None, None) => unreachable!("a story is told in one of the two"),
            }
        }
    }

    /// Whether each table is what its source was at a cut, as the readers of others see both; and who is active.
    async fn assert_at(&self, cut: &Cut, why: &str) {
        let newest = self.cuts().await.newest(GROUP).cloned().unwrap();
        assert!(newest.is_role() && newest.active.as_deref() == Some("west"), "{why}: {newest:?}");
        let mut pairs = Vec::new();
        let mut plain = Vec::new();
        for entry in &cut.tables {
            let name = entry.table.to_string();
            let (_, location) = TABLES.iter().find(|(of, _)| *of == name).unwrap();
            let replica = self.world.replica_folder(&name);
            let mark = drsync::lakehouse::delta::TableStore::local(&replica);
            let rows = drsync::lakehouse::delta::read_rows(&mark, None).await.unwrap();
            let rows: usize = rows.iter().map(arrow_array::RecordBatch::num_rows).sum();
            assert_eq!(Some(rows as u64), entry.rows, "{why}: {name}");
            // Readers take a `%` in a folder's name for an escape.
            let shown = if replica.to_str().unwrap().contains('%') {
                let folder = tempfile::tempdir().unwrap();
                copy(&replica, &folder.path().join("t"));
                let shown = folder.path().join("t");
                plain.push(folder);
                shown
            } else {
                replica
            };
            pairs.push(json!({
                "source": self.world.path("east").join(location),
                "version": entry.source_version, "replica": shown,
            }));
        }
        if let Some(readers) = readers() {
            assert_same(readers, &pairs);
        }
    }

    async fn cut(&self, number: u64) -> Cut {
        let cuts = self.cuts().await;
        cuts.of(GROUP).find(|cut| cut.cut_number == number).cloned().unwrap()
    }
}

/// The data files of a table without folders of partitions.
fn data_files(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|end| end == "parquet")).collect()
}

/// Gives a table a column more.
async fn add_column(world: &World, location: &str) {
    let log = world.path("east").join(location).join("_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(log).unwrap();
    let mut actions = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut action = actions.find(|action| action["metaData"].is_object()).unwrap();
    let schema = action["metaData"]["schemaString"].as_str().unwrap();
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    let column = json!({"name": "area", "type": "double", "nullable": true, "metadata": {}});
    schema["fields"].as_array_mut().unwrap().push(column);
    action["metaData"]["schemaString"] = schema.to_string().into();
    world.source_at(location).other("ADD COLUMNS", vec![action]).await.unwrap();
}

async fn at_every_cut_of_a_story_whatever_lies_on_the_replicas(form: Form) {
    let Some(told) = Told::of(form).await else {
        return;
    };
    for number in 1..=CUTS {
        for found in [Found::Whole, Found::HalfASync, Found::Drifted, Found::FileGone] {
            if found == Found::HalfASync && number == CUTS {
                continue;
            }
            let why = format!("cut {number}, {found:?}");
            told.found(number, found).await;
            let cut = told.cut(number).await;
            told.follow(&told.page(None).await, &why).await;
            told.assert_at(&cut, &why).await;
        }
    }
    // And from the last one back to each before it.
    for number in 1..CUTS {
        let why = format!("back to cut {number}");
        told.found(CUTS, Found::Drifted).await;
        let cut = told.cut(number).await;
        told.follow(&told.page(Some(number)).await, &why).await;
        told.assert_at(&cut, &why).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_as_at_the_cut_wherever_the_story_ends_in_a_lakehouse() {
    at_every_cut_of_a_story_whatever_lies_on_the_replicas(Form::Lakehouse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_as_at_the_cut_wherever_the_story_ends_in_a_workspace() {
    at_every_cut_of_a_story_whatever_lies_on_the_replicas(Form::Sandbox).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_the_cut_needs_and_that_is_gone_is_seen_by_whoever_follows_it() {
    let Some(told) = Told::of(Form::Lakehouse).await else {
        return;
    };
    let python = told.python.as_ref().unwrap();
    for (name, _) in TABLES {
        told.found(CUTS, Found::Whole).await;
        let store = drsync::lakehouse::delta::TableStore::local(told.world.replica_folder(name));
        let live = drsync::lakehouse::delta::read_rows(&store, None).await;
        assert!(live.is_ok());
        // The newest file is the one that was optimized last, which the cut needs.
        let newest = data_files(&told.world.replica_folder(name));
        let newest =
            newest.into_iter().max_by_key(|file| file.metadata().unwrap().modified().unwrap());
        std::fs::remove_file(newest.unwrap()).unwrap();
        let page = told.page(None).await;
        let mut answers: BTreeMap<String, String> = BTreeMap::new();
        for step in &page {
            let output = run(python, &step.text);
            let said = [output.stdout, output.stderr].concat();
            answers.insert(step.heading.clone(), String::from_utf8(said).unwrap());
        }
        let check = answers.iter().find(|(heading, _)| heading.contains("Check")).unwrap().1;
        assert!(check.contains("is gone: ") && check.contains("False "), "{name}: {check}");
    }
}
