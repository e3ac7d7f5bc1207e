//! Days of rounds by two runners that share nothing, with incidents of every class: each address hears exactly what it should.

use std::fs;
use std::path::Path;
use std::process::Output;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Receivers, stderr};
use crate::support::runner::drsync;
use crate::support::world::{World, batch};

pub(super) fn at(text: &str) -> DateTime<Utc> {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

/// A scheduler of this machine, and a pipeline somewhere else that has the same configuration and keeps nothing.
pub(super) struct Runners {
    pub(super) world: World,
    pipeline: tempfile::TempDir,
}

impl Runners {
    pub(super) async fn new(receivers: &Receivers) -> Runners {
        let mut world = World::new().await;
        let workspace = &mut world.config["workspaces"][0];
        workspace["sync_success_notification"] = "boss@example.com".into();
        workspace["notifications"] = json!({
            "smtp": receivers.smtp("open", json!({"security": "none"})), "success": "off",
        });
        let runners = Runners { world, pipeline: tempfile::tempdir().unwrap() };
        runners.configure();
        runners
    }

    /// Both have the world's configuration.
    pub(super) fn configure(&self) {
        self.configure_scheduler();
        self.configure_pipeline();
    }

    /// This machine has it, and the pipeline does not yet.
    pub(super) fn configure_scheduler(&self) {
        fs::write(self.world.path("drsync.json"), self.world.config.to_string()).unwrap();
    }

    pub(super) fn configure_pipeline(&self) {
        let mut config = self.world.config.clone();
        let workspace = &mut config["workspaces"][0];
        for key in [
            "workspace_instance_url",
            "secondary_workspace_instance_url",
            "sync_location_primary",
            "sync_location_secondary",
        ] {
            if let Some(place) = workspace[key].as_str().map(|place| self.world.path(place)) {
                workspace[key] = place.to_str().unwrap().into();
            }
        }
        fs::write(self.pipeline.path().join("drsync.json"), config.to_string()).unwrap();
    }

    fn runs(&self, folder: &Path, more: &[&str]) -> Output {
        let arguments = [&["apply", "--auto-approve"], more].concat();
        let run = drsync(folder, &arguments).at(self.world.now.to_rfc3339());
        let pipeline = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "acme/dr")];
        let is_pipeline = folder == self.pipeline.path();
        run.envs(pipeline.into_iter().filter(|_| is_pipeline)).output()
    }

    pub(super) fn scheduler(&self, more: &[&str]) {
        let folder = self.world.path("");
        let ended = self.runs(&folder, more);
        let code = ended.status.code().unwrap();
        assert!([0, 1, 4, 5, 6, 8, 78].contains(&code), "{code}: {}", stderr(&ended));
    }

    pub(super) fn pipeline(&self) {
        let ended = self.runs(self.pipeline.path(), &[]);
        let code = ended.status.code().unwrap();
        assert!([0, 1, 4, 5, 6, 8].contains(&code), "{code}: {}", stderr(&ended));
        let _ = fs::remove_dir_all(self.pipeline.path().join(".drsync"));
    }

    pub(super) fn take_the_west_away(&self) {
        fs::rename(self.world.path("west"), self.world.path("gone")).unwrap();
    }

    pub(super) fn bring_the_west_back(&self) {
        fs::rename(self.world.path("gone"), self.world.path("west")).unwrap();
    }
}

/// What came since it was last asked: `address: subject`, sorted, of one address by the others' side.
pub(super) fn heard(receivers: &Receivers, known: &mut usize) -> Vec<String> {
    let came = receivers.came();
    let new = &came[*known..];
    *known = came.len();
    let mut heard: Vec<String> = new
        .iter()
        .map(|mail| {
            let to = mail["mail"][0].as_str().unwrap().split('@').next().unwrap().to_owned();
            let subject = mail["headers"]["Subject"].as_str().unwrap();
            format!("{to}: {}", subject.replace("[drsync] ", ""))
        })
        .collect();
    heard.sort();
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_some_days_of_two_runners_each_address_hears_exactly_what_it_should() {
    let Some(receivers) = Receivers::start() else { return };
    let mut runners = Runners::new(&receivers).await;
    let whole = fs::read_to_string(runners.world.path("drsync.json")).unwrap();
    let mut known = 0;
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    let mut now = runners.world.now;
    while now <= at("24T16:00") {
        runners.world.now = now;
        let is = |text: &str| now == at(text);
        if is("22T14:30") {
            runners.world.replica("main.shop.countries").insert(&batch([666])).await.unwrap();
        }
        if is("23T02:00") {
            runners.take_the_west_away();
        }
        if is("24T04:30") {
            runners.bring_the_west_back();
        }
        if is("24T08:00") {
            fs::write(runners.world.path("drsync.json"), "{\"workspaces\": [").unwrap();
        }
        if is("24T09:00") {
            fs::write(runners.world.path("drsync.json"), &whole).unwrap();
        }
        if is("24T14:00") {
            runners.world.groups()[0]["sync_rpo_minutes"] = Value::from(1_440);
            runners.configure();
        }
        let accepted =
            ["--accept", "replica_changed:reference", "--reason", "the rows were a mistake"];
        let mended: &[&str] = if is("22T20:00") { &accepted } else { &[] };
        runners.scheduler(mended);
        let came = heard(&receivers, &mut known);
        if !came.is_empty() {
            said.push((now.format("%dT%H:%M").to_string(), came));
        }
        // The pipeline comes every other hour, and once sees no west where the other one does.
        let beside = now + TimeDelta::minutes(15);
        if now.timestamp() % 7_200 == 0 {
            runners.world.now = beside;
            let blind = is("24T10:00");
            if blind {
                runners.take_the_west_away();
            }
            runners.pipeline();
            if blind {
                runners.bring_the_west_back();
            }
            let came = heard(&receivers, &mut known);
            if !came.is_empty() {
                said.push((beside.format("%dT%H:%M").to_string(), came));
            }
        }
        now += TimeDelta::minutes(30);
    }
    let said: Vec<String> = said
        .into_iter()
        .flat_map(|(at, came)| came.into_iter().map(move |it| format!("{at} {it}")))
        .collect();
    assert_eq!(said.join("\n"), EXPECTED.trim());
}

/// Written before the test ever ran.
const EXPECTED: &str = "
22T11:00 boss: reference synchronized: cut 1
22T11:00 owner: reference synchronized: cut 1
22T14:30 ops: reference failing since 2026-11-22 14:30Z: replica_changed
22T14:30 owner: reference failing since 2026-11-22 14:30Z: replica_changed
22T20:00 boss: reference recovered after 5h30m: cut 2
22T20:00 ops: reference recovered after 5h30m: cut 2
22T20:00 owner: reference recovered after 5h30m: cut 2
23T02:00 ops: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:00Z
23T02:00 owner: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:00Z
23T02:15 ops: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:15Z
23T02:15 owner: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:15Z
24T02:00 ops: Re: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:00Z
24T02:00 owner: Re: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:00Z
24T02:15 ops: Re: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:15Z
24T02:15 owner: Re: REGION AWAY: no answer from the secondary of east since 2026-11-23 02:15Z
24T04:30 ops: the secondary of east answers again after 26h30m
24T04:30 owner: the secondary of east answers again after 26h30m
24T06:15 ops: the secondary of east answers again after 28h
24T06:15 owner: the secondary of east answers again after 28h
24T08:00 ops: east: no apply begins since 2026-11-24 08:00Z: configuration_unusable
24T08:00 owner: east: no apply begins since 2026-11-24 08:00Z: configuration_unusable
24T09:00 ops: east: applies begin again after 1h
24T09:00 owner: east: applies begin again after 1h
24T10:15 ops: REGION AWAY: no answer from the secondary of east since 2026-11-24 10:15Z
24T10:15 owner: REGION AWAY: no answer from the secondary of east since 2026-11-24 10:15Z
24T12:15 ops: the secondary of east answers again after 2h
24T12:15 owner: the secondary of east answers again after 2h
24T14:00 ops: reference protected less since 2026-11-24 14:00Z: objective
24T14:00 owner: reference protected less since 2026-11-24 14:00Z: objective
";
