//! A plan and its apply over the sandbox, through a proxy, and what has to hold whatever the proxy did.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use drsync::apply::{self, ApplyOptions, GroupOutcome, RunRecord};
use drsync::cli::ExitStatus;
use drsync::config::{Configuration, read_text};
use drsync::databricks::{ConnectOptions, Environment, Notice, Timing, connect};
use drsync::ledger::{Row, RowStatus};
use drsync::observe::observe;
use drsync::plan::{FindingCode, Plan, Request, plan};
use drsync::region::{LedgerCopy, Regions};
use drsync::render::writers::{Form, write};
use drsync::render::{self, Style};
use drsync::sandbox::{self, Quirks, Running};
use serde_json::{Value, json};

use super::between::{Between, Meeting};
use crate::support::world::{World, batch, start};

/// How a round begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Nothing was ever synchronized.
    First,
    /// One group was, and has commits since; another is new; the primary's metadata tables are lost.
    Later,
}

/// What the service's clock shows.
type Clock = Arc<Mutex<DateTime<Utc>>>;

/// One round in a world of its own.
pub(crate) struct Trial {
    world: World,
    clock: Clock,
    running: Running,
    between: Arc<Between>,
    /// The configuration with the sandbox's own addresses; those of the proxies stand in `asked`.
    asked: Configuration,
    meeting: Option<Meeting>,
    /// Everything that anybody was told.
    said: Arc<Mutex<String>>,
}

/// How a round ended.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) requests: usize,
    state: State,
}

/// A table of a cut with the versions of its source and of its replica.
type Pinned = (String, u64, u64);

/// What is left in both regions, without what differs from round to round.
#[derive(Debug, PartialEq)]
struct State {
    /// Per group: number of its cut, and per table the versions.
    cuts: Vec<(String, u64, Vec<Pinned>)>,
    /// Rows of a table's replica.
    ids: BTreeMap<String, Vec<i64>>,
    /// Commits of a replica that are clones, by source version.
    clones: BTreeMap<String, Vec<u64>>,
    /// Replicas in the secondary's own catalog, and where they lie.
    registered: BTreeMap<String, String>,
}

const TABLES: [&str; 3] = ["main.shop.countries", "main.shop.orders", "main.shop.lines"];

impl Trial {
    pub(crate) async fn new(start_at: Start, meeting: Option<Meeting>) -> Trial {
        let mut world = World::new().await;
        let clock: Clock = Arc::new(Mutex::new(world.now));
        if start_at == Start::Later {
            let running = serve(&world, &clock).await;
            let regions = directly(&world, &running).await;
            let calm = round(&world.configuration(), &regions, &world, "before", &|_| {}).await;
            assert_eq!(calm.1.exit.code, 0, "{:#?}", calm.1);
            world.later(10);
            world.countries().insert(&batch(4..=5)).await.unwrap();
            std::fs::remove_dir_all(world.path("east/sync/_drsync")).unwrap();
            world.later(12 * 60);
            *clock.lock().unwrap() = world.now;
        }
        world.make("main.shop.orders", "tables/orders").await;
        world.make("main.shop.lines", "tables/lines").await;
        world.add_group("orders", Some("orders_job"), &TABLES[1..]);
        world.workspace().add_job(7, "orders_job").unwrap();
        let (begin, end) = (start() - chrono::Duration::minutes(10), start());
        let end = end - chrono::Duration::minutes(1);
        world.workspace().add_run(7, 88, begin, Some(end), "SUCCESS").unwrap();
        let running = serve(&world, &clock).await;
        let between = Between::new(world.now);
        let mut text = running.configuration.clone();
        for served in [&running.primary, &running.secondary] {
            text = text.replace(&served.url, &between.stand_before(&served.url).await);
        }
        let mut value: Value = serde_json::from_str(&text).unwrap();
        // The token is in a secret, which is read with a service principal's: three sign-ins in one.
        value["secret_scope"] = json!("sandbox");
        value["workspaces"][0]["workspace_pat_key"] = json!("primary-pat");
        let asked = read_text("drsync.json", value.to_string().as_bytes(), &world.path(""));
        assert!(asked.mistakes.is_empty(), "{:?}", asked.mistakes);
        Trial { world, clock, running, between, asked, meeting, said: Arc::default() }
    }

    fn say(&self, text: &str) {
        let mut said = self.said.lock().unwrap();
        said.push_str(text);
        said.push('\n');
    }

    /// Signs in through the proxy.
    async fn regions(&self) -> Result<Regions, String> {
        let primary = &self.running.primary;
        let variables = [
            ("DATABRICKS_CLIENT_ID", &primary.client_id),
            ("DATABRICKS_CLIENT_SECRET", &primary.client_secret),
            ("DRSYNC_TOKEN_WEST", &self.running.secondary.token),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.clone()));
        let environment = Environment::new(BTreeMap::from(variables), None);
        let said = self.said.clone();
        let options = ConnectOptions {
            timing: hasty(&self.world, self.longest()),
            notice: Notice::new(move |text| said.lock().unwrap().push_str(&text)),
            ..ConnectOptions::of(&self.asked.workspaces[0], environment).unwrap()
        };
        self.say(&format!("{options:?}"));
        match connect(&options).await {
            Ok(connected) => {
                self.say(&format!("{connected:?}"));
                Ok(connected.regions())
            }
            Err(error) => {
                self.say(&format!("{error:?}"));
                Err(format!("{:#}", anyhow::Error::from(error)))
            }
        }
    }

    /// The round with its fault, then one without, which heals, then a plan that has nothing to do.
    ///
    /// The error says what does not hold.
    pub(crate) async fn go(mut self) -> Result<End, String> {
        self.between.meet(self.meeting);
        let first = self.round("first").await;
        let requests = self.between.seen().len();
        let met = match self.meeting {
            Some(meeting) => self.between.seen().get(meeting.place - 1).cloned(),
            None => None,
        };
        let wrong = |what: String| Err(format!("({}) {what}", met.clone().unwrap_or_default()));
        if let Err(what) = self.is_clear(&first) {
            return wrong(format!("the round: {what}"));
        }
        self.between.meet(None);
        self.later();
        match self.round("second").await {
            Ok((_, record)) if record.exit.code == 0 => {}
            other => return wrong(format!("the next round does not heal: {other:#?}")),
        }
        self.later();
        match self.round("third").await {
            Ok((plan, _)) if !plan.applyable => {}
            Ok((plan, _)) => {
                let style = Style { width: 200, color: false, verbose: true, config: None };
                let text = write(&render::sections::plan::screen(&plan, true), Form::Text(style));
                return wrong(format!("the third plan still finds work: {text}"));
            }
            Err(error) => return wrong(error),
        }
        let state = match self.state().await {
            Ok(state) => state,
            Err(what) => return wrong(what),
        };
        if let Err(what) = self.is_quiet() {
            return wrong(what);
        }
        Ok(End { requests, state })
    }

    fn longest(&self) -> Duration {
        match self.meeting {
            Some(meeting) if meeting.lasting => PAUSE_IN_VAIN,
            Some(_) | None => PAUSE,
        }
    }

    fn later(&mut self) {
        self.world.later(1);
        *self.clock.lock().unwrap() = self.world.now;
    }

    async fn round(&self, run: &str) -> Result<(Plan, RunRecord), String> {
        let regions = self.regions().await.inspect_err(|error| self.say(error))?;
        let tell = |text: &str| self.say(text);
        let (plan, record) = round(&self.asked, &regions, &self.world, run, &tell).await;
        let style = Style { width: 80, color: false, verbose: true, config: None };
        self.say(&serde_json::to_string(&plan).unwrap());
        self.say(&serde_json::to_string(&record).unwrap());
        self.say(&write(&render::sections::plan::screen(&plan, true), Form::Text(style)));
        self.say(&write(
            &render::sections::run::page(Some(&plan), &record, None),
            Form::Text(style),
        ));
        Ok((plan, record))
    }

    /// A round ends well, or each of its failures has a name and a reason.
    fn is_clear(&self, ended: &Result<(Plan, RunRecord), String>) -> Result<(), String> {
        let (plan, record) = match ended {
            Ok(ended) => ended,
            Err(text) if text.starts_with("sign in to http") && text.contains(": ") => {
                return Ok(());
            }
            Err(text) => return Err(format!("it is not said who was to sign in: {text}")),
        };
        let mut findings = plan.groups().flat_map(|(_, group)| &group.findings);
        if let Some(finding) = findings.find(|finding| !is_away(finding.code)) {
            return Err(format!("a fault is told as {finding:?}"));
        }
        let status = ExitStatus::recorded(&record.exit);
        if status.document() != record.exit {
            return Err(format!("it ends as {:?}", record.exit));
        }
        for group in &record.groups {
            let well = matches!(group.outcome, GroupOutcome::Synchronized | GroupOutcome::UpToDate);
            let said = group.message.clone().unwrap_or_default().to_string();
            let tables = group
                .tables
                .iter()
                .filter_map(|table| table.message.as_ref().map(ToString::to_string));
            if !well && said.is_empty() && tables.count() == 0 {
                return Err(format!("{} is {:?} without a reason", group.name, group.outcome));
            }
            if well && record.exit.code == 0 && group.cut.is_none() {
                return Err(format!("{} is well without a cut", group.name));
            }
        }
        Ok(())
    }

    /// No secret is in anything that was said, or on disk in either region.
    fn is_quiet(&self) -> Result<(), String> {
        let mut secrets = self.between.secrets();
        for served in [&self.running.primary, &self.running.secondary] {
            secrets.extend([served.token.clone(), served.client_secret.clone()]);
        }
        assert!(secrets.len() >= 4, "the secrets are seen");
        let said = self.said.lock().unwrap().clone();
        if let Some(at) = secrets.iter().find_map(|secret| said.find(secret)) {
            let from = said.floor_char_boundary(at.saturating_sub(200));
            return Err(format!("a secret is said: {}", &said[from..at]));
        }
        let mut folders = vec![self.world.path("east"), self.world.path("west")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    let text = String::from_utf8_lossy(&bytes);
                    if secrets.iter().any(|secret| text.contains(secret.as_str())) {
                        return Err(format!("a secret is in {}", path.display()));
                    }
                }
            }
        }
        Ok(())
    }

    fn registered(&self) -> BTreeMap<String, String> {
        let catalog = std::fs::read(self.world.path("west/lakehouse.json")).unwrap_or_default();
        let catalog: Value = serde_json::from_slice(&catalog).unwrap_or_default();
        let tables = catalog["tables"].as_array().cloned().unwrap_or_default();
        let world = self.world.path("").display().to_string();
        let entries = tables.iter().map(|table| {
            let place = table["storage_location"].as_str().unwrap_or_default();
            let name = table["full_name"].as_str().unwrap_or_default();
            (name.to_owned(), place.replace(&world, ""))
        });
        entries.collect()
    }

    /// What is left, after everything that has to hold in itself was looked at.
    async fn state(&self) -> Result<State, String> {
        let regions = self.world.regions();
        let read = async |region: &drsync::region::Region| {
            region.location.ledger().await.map_err(|error| format!("{error:#}"))
        };
        let (east, west) = (read(&regions.primary).await?, read(&regions.secondary).await?);
        let rows = |ledger: &LedgerCopy| -> Vec<Row> { ledger.metadata.clone().unwrap().rows };
        if rows(&east) != rows(&west) {
            return Err(format!("the rows differ: {east:#?} {west:#?}"));
        }
        for row in rows(&west) {
            if row.current_sync_status != Some(RowStatus::Success) {
                return Err(format!("a row does not say success: {row:#?}"));
            }
        }
        let logs = [&east, &west].map(|ledger| ledger.cuts.clone().unwrap().cuts);
        if logs[0] != logs[1] {
            return Err(format!("the cut logs differ: {logs:#?}"));
        }
        let numbers: BTreeSet<(String, u64)> =
            logs[1].iter().map(|cut| (cut.group_name.clone(), cut.cut_number)).collect();
        if numbers.len() != logs[1].len() {
            return Err(format!("a cut is there twice: {:#?}", logs[1]));
        }
        let cuts = logs[1].iter().map(|cut| {
            let tables = cut.tables.iter().map(|entry| {
                let name = entry.table.to_string();
                (name, entry.source_version, entry.replica_version)
            });
            (cut.group_name.clone(), cut.cut_number, tables.collect())
        });
        let mut state = State {
            cuts: cuts.collect(),
            ids: BTreeMap::new(),
            clones: BTreeMap::new(),
            registered: self.registered(),
        };
        for table in TABLES {
            let folder = self.world.replica_folder(table);
            let clones = clones(&folder);
            let versions: BTreeSet<u64> = clones.iter().copied().collect();
            if versions.len() != clones.len() {
                return Err(format!("{table} was cloned twice: {clones:?}"));
            }
            state.ids.insert(table.to_owned(), self.world.ids(&folder).await);
            state.clones.insert(table.to_owned(), clones);
        }
        Ok(state)
    }
}

/// Nothing is wrong in these worlds but what the proxy does.
fn is_away(code: FindingCode) -> bool {
    matches!(code, FindingCode::PrimaryNotAvailable | FindingCode::SecondaryNotAvailable)
}

impl End {
    pub(crate) fn registers_all(&self) -> bool {
        self.state.registered.len() == TABLES.len()
    }

    /// What is left is the same, whatever happened on the way.
    pub(crate) fn differs_from(&self, calm: &End) -> Result<(), String> {
        if self.state == calm.state {
            Ok(())
        } else {
            Err(format!("{:#?} instead of {:#?}", self.state, calm.state))
        }
    }
}

/// Source versions of a replica's clones, oldest first.
fn clones(folder: &Path) -> Vec<u64> {
    let mut logs: Vec<_> = std::fs::read_dir(folder.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    logs.sort();
    let mut found = Vec::new();
    for log in logs {
        for line in std::fs::read_to_string(&log).unwrap().lines() {
            let action: Value = serde_json::from_str(line).unwrap();
            let info = &action["commitInfo"];
            if info["operation"] == "CLONE" {
                let version = &info["operationParameters"]["sourceVersion"];
                let text = version.to_string();
                found.push(text.trim_matches('"').parse().unwrap());
            }
        }
    }
    found
}

async fn serve(world: &World, clock: &Clock) -> Running {
    let text = serde_json::to_vec_pretty(&world.config).unwrap();
    std::fs::write(world.path("drsync.json"), text).unwrap();
    let clock = clock.clone();
    let options = sandbox::SandboxOptions {
        clock: Arc::new(move || *clock.lock().unwrap()),
        // Results come in many parts.
        quirks: Quirks { chunk_rows: 2, ..Quirks::default() },
        ..sandbox::SandboxOptions::new(sandbox::World::find(&world.path("")).unwrap())
    };
    sandbox::serve(options).await.unwrap()
}

/// Regions over the sandbox without anything in between.
async fn directly(world: &World, running: &Running) -> Regions {
    let text = running.configuration.as_bytes();
    let configuration = read_text("drsync.json", text, &world.path(""));
    let variables = [&running.primary, &running.secondary]
        .map(|served| (served.token_variable.clone(), served.token.clone()));
    let environment = Environment::new(BTreeMap::from(variables), None);
    let options = ConnectOptions {
        timing: hasty(world, PAUSE),
        ..ConnectOptions::of(&configuration.workspaces[0], environment).unwrap()
    };
    connect(&options).await.unwrap().regions()
}

/// Long enough for most statements to end before they are asked after again.
const PAUSE: Duration = Duration::from_millis(75);
/// Where nobody answers, waiting is in vain.
const PAUSE_IN_VAIN: Duration = Duration::from_millis(5);

/// No pause takes longer.
fn hasty(world: &World, longest: Duration) -> Timing {
    let now = world.now;
    Timing {
        now: Arc::new(move || now),
        sleep: Arc::new(move |pause| Box::pin(tokio::time::sleep(pause.min(longest)))),
        jitter: Arc::new(|| 0.5),
        until: None,
        question: drsync::limits::QUESTION_LONGEST,
    }
}

async fn round(
    configuration: &Configuration,
    regions: &Regions,
    world: &World,
    run: &str,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> (Plan, RunRecord) {
    let regions = std::slice::from_ref(regions);
    let request = Request { plan_id: format!("plan-{run}"), ..Request::default() };
    let observed = observe(configuration, regions, &request, world.now, true).await;
    tell(&format!("{observed:?}"));
    let plan = plan(&observed, &request);
    let now = world.now;
    let options = ApplyOptions {
        clock_overridden: true,
        ..ApplyOptions::new(
            run_id(run, now),
            drsync::plan::Provenance::of_actor("tester"),
            move || now,
        )
    };
    let stored = plan.stored();
    let said = |event| tell(&serde_json::to_string(&event).unwrap());
    let record = apply::apply(&stored, regions, &options, &said).await;
    (plan, record)
}

/// The id of an apply of a name.
fn run_id(name: &str, now: chrono::DateTime<chrono::Utc>) -> String {
    let random = name.bytes().fold(7, |sum: u128, byte| sum * 31 + u128::from(byte));
    let millis = now.timestamp_millis() as u64;
    ulid::Ulid::from_parts(millis, random & ((1 << 80) - 1)).to_string()
}
