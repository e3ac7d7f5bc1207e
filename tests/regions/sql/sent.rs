//! What rounds over a sandbox send to its warehouses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drsync::apply::{self, ApplyOptions};
use drsync::config::read_text;
use drsync::databricks::{ConnectOptions, Environment, connect};
use drsync::observe::observe;
use drsync::plan::{Request, plan};
use drsync::region::{RecordRange, Regions};
use drsync::sandbox::{self, Quirks, Running, WorkspaceEndpoint};
use drsync::sql::Statement;
use serde_json::Value;

use super::kind::{Piece, pieces};
use crate::support::world::{World, batch};

/// Names that a table may have.
const NAMES: [&str; 6] = [
    "main.shop.`with space`",
    "main.shop.quo'te\"s",
    "main.shop.`back``tick`",
    "main.shop.`dot.in.name`",
    "main.shop.ünïcode",
    "main.shop.`x;--`",
];

/// Every statement of a first round, of one after changes and losses, and of one that asks table by table.
pub(crate) async fn by_rounds() -> Vec<Statement> {
    let mut world = World::new().await;
    for (number, name) in NAMES.iter().enumerate() {
        world.make(name, &format!("tables/odd{number}")).await;
    }
    world.add_group("odd", None, &NAMES);
    let mut sent = round(&world, "first", Quirks::default()).await;
    world.countries().insert(&batch([4])).await.unwrap();
    std::fs::remove_dir_all(world.path("east/sync/_drsync")).unwrap();
    world.later(12 * 60);
    sent.extend(round(&world, "second", Quirks::default()).await);
    world.later(12 * 60);
    world.source_at("tables/odd0").insert(&batch([4])).await.unwrap();
    world.later(12 * 60);
    let one_by_one = Quirks { refuse_history_queries: true, ..Quirks::default() };
    sent.extend(round(&world, "third", one_by_one).await);
    sent.into_iter().map(statement).collect()
}

/// A text with the markers that it has.
fn statement(text: String) -> Statement {
    let mut markers = BTreeSet::new();
    for piece in pieces(&text) {
        let Piece::Plain(plain) = piece else { continue };
        for (at, _) in plain.match_indices(':') {
            let word = |letter: char| letter.is_alphanumeric() || letter == '_';
            if !plain[..at].ends_with(word) {
                let name = plain[at + 1..].split(|letter| !word(letter)).next();
                markers.extend(name.map(str::to_owned));
            }
        }
    }
    let nothing = Statement::new(text);
    markers.iter().fold(nothing, |statement, marker| statement.with(marker, ""))
}

async fn round(world: &World, run: &str, quirks: Quirks) -> BTreeSet<String> {
    let text = serde_json::to_vec_pretty(&world.config).unwrap();
    std::fs::write(world.path("drsync.json"), text).unwrap();
    let now = world.now;
    let options = sandbox::SandboxOptions {
        clock: Arc::new(move || now),
        quirks,
        ..sandbox::SandboxOptions::new(sandbox::World::find(&world.path("")).unwrap())
    };
    let running = sandbox::serve(options).await.unwrap();
    let regions = open(world, &running).await;
    apply_now(world, &running, &regions, run).await;
    regions.secondary.location.evidence("none.plan.json").await.unwrap();
    let bound = Some("01JD".to_owned());
    for (from, until) in [(None, None), (bound.clone(), bound)] {
        let range = RecordRange { from, until, newest: None };
        regions.secondary.location.run_records(&range).await.unwrap();
        regions.secondary.location.record_signatures(&range).await.unwrap();
        regions.secondary.location.evidence_names(&range).await.unwrap();
    }
    let mut sent = history(&running.primary).await;
    sent.extend(history(&running.secondary).await);
    sent
}

async fn open(world: &World, running: &Running) -> Regions {
    let configuration = read_text("drsync.json", running.configuration.as_bytes(), &world.path(""));
    let variables = [&running.primary, &running.secondary]
        .map(|served| (served.token_variable.clone(), served.token.clone()));
    let environment = Environment::new(BTreeMap::from(variables), None);
    let options = ConnectOptions {
        verify_rows: true,
        ..ConnectOptions::of(&configuration.workspaces[0], environment).unwrap()
    };
    connect(&options).await.unwrap().regions()
}

async fn apply_now(world: &World, running: &Running, regions: &Regions, run: &str) {
    let configuration = read_text("drsync.json", running.configuration.as_bytes(), &world.path(""));
    let regions = std::slice::from_ref(regions);
    let request = Request { plan_id: format!("plan-{run}"), full: true, ..Request::default() };
    let seen = observe(&configuration, regions, &request, world.now, true).await;
    let plan = plan(&seen, &request);
    let now = world.now;
    let options = ApplyOptions {
        clock_overridden: true,
        ..ApplyOptions::new(
            run_id(run, now),
            drsync::plan::Provenance::of_actor("tester"),
            move || now,
        )
    };
    let record = apply::apply(&plan.stored(), regions, &options, &|_| {}).await;
    assert_eq!(record.exit.code, 0, "{record:#?}");
}

/// The texts of a warehouse's statements.
async fn history(served: &WorkspaceEndpoint) -> BTreeSet<String> {
    let url = format!("{}/api/2.0/sql/history/queries?max_results=1000", served.url);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(url).bearer_auth(&served.token).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let queries = value["res"].as_array().unwrap().iter();
    queries.map(|query| query["query_text"].as_str().unwrap().to_owned()).collect()
}

/// The id of an apply of a name.
fn run_id(name: &str, now: chrono::DateTime<chrono::Utc>) -> String {
    let random = name.bytes().fold(7, |sum: u128, byte| sum * 31 + u128::from(byte));
    let millis = now.timestamp_millis() as u64;
    ulid::Ulid::from_parts(millis, random & ((1 << 80) - 1)).to_string()
}
