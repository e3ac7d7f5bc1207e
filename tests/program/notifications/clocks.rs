//! The nights in which clocks are moved: what people hear goes by time that passed, whatever clocks say of it.

use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use drsync::lakehouse::write::WorkspaceFolder;
use serde_json::{Value, json};

use super::Receivers;
use super::days::{Runners, heard};
use crate::support::world::batch;

/// The days around 02:30 in Berlin that is not there, and that is there twice. Both nights go on at 01:00Z.
const NIGHTS: [[&str; 2]; 2] = [["2027-03-27", "2027-03-28"], ["2027-10-30", "2027-10-31"]];

/// When somebody looks, hours of both days.
const ROUNDS: [&[u32]; 2] =
    [&[12, 14, 16, 18, 22, 23], &[0, 1, 2, 3, 4, 6, 14, 16, 17, 18, 19, 20]];

/// `reference` fails and has an objective that it stays within; `stock` is weakened; `parts` is well,
/// has the objective that its schedule gives it, and leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_whose_clock_is_moved_is_told_of_like_any_other() {
    let Some(receivers) = Receivers::start() else { return };
    for night in NIGHTS {
        let told = hear(&receivers, night).await;
        let expected = EXPECTED.trim().replace("D1", night[0]).replace("D2", night[1]);
        assert_eq!(told.join("\n"), expected);
    }
}

async fn hear(receivers: &Receivers, night: [&str; 2]) -> Vec<String> {
    let at = |text: &str| -> DateTime<Utc> {
        let text = text.replace("D1", night[0]).replace("D2", night[1]);
        format!("{text}:00Z").parse().unwrap()
    };
    let mut runners = Runners::new(receivers).await;
    WorkspaceFolder::create(runners.world.path("west"), "west", "dr-sync@example.com").unwrap();
    for name in ["stock", "parts"] {
        let table = format!("main.shop.{name}");
        runners.world.make(&table, &format!("tables/{name}")).await;
        runners.world.add_group(name, None, &[&table]);
    }
    let workspace = &mut runners.world.config["workspaces"][0];
    workspace["sync_timezone"] = "Europe/Berlin".into();
    workspace["sync_default_schedule"] = "30 2 * * *".into();
    workspace["secondary_workspace_name"] = "west".into();
    workspace["secondary_workspace_instance_url"] = "west".into();
    workspace["secondary_workspace_pat_key"] = "".into();
    let groups = runners.world.groups();
    groups[0]["sync_rpo_minutes"] = json!(4_320);
    groups[1]["sync_rpo_minutes"] = json!(2_880);
    for (group, owner) in groups.iter_mut().zip(["owner", "stock", "parts"]) {
        group["group_owner_email"] = format!("{owner}@example.com").into();
    }
    runners.configure();

    let jobs = runners.world.path("west/jobs.json");
    let whole = fs::read(&jobs).unwrap();
    let (sync, away) = (runners.world.path("west/sync"), runners.world.path("west/away"));
    let (mut known, mut said) = (receivers.came().len(), Vec::new());
    let rounds = ["D1", "D2"].into_iter().zip(ROUNDS);
    for now in
        rounds.flat_map(|(day, hours)| hours.iter().map(move |it| format!("{day}T{it:02}:00")))
    {
        let now = at(&now);
        runners.world.now = now - TimeDelta::minutes(1);
        for place in ["tables/stock", "tables/parts"] {
            let row = batch([now.timestamp() % 100_000]);
            runners.world.source_at(place).insert(&row).await.unwrap();
        }
        runners.world.now = now;
        let is = |text: &str| now == at(text);
        if is("D1T14:00") {
            runners.world.replica("main.shop.countries").insert(&batch([666])).await.unwrap();
        }
        if is("D1T16:00") {
            fs::write(&jobs, "{").unwrap();
        }
        if is("D1T22:00") {
            runners.world.groups()[1]["sync_rpo_minutes"] = Value::from(5_760);
            runners.configure();
        }
        if is("D2T01:00") {
            fs::rename(&sync, &away).unwrap();
        }
        if is("D2T03:00") {
            fs::rename(&away, &sync).unwrap();
        }
        if is("D2T17:00") {
            fs::write(&jobs, &whole).unwrap();
        }
        if is("D2T19:00") {
            runners.world.groups().pop();
            runners.configure();
        }
        let accepted =
            ["--accept", "replica_changed:reference", "--reason", "the rows were a mistake"];
        runners.scheduler(if is("D2T18:00") { &accepted } else { &[] });
        // What a pipeline sees of the west is its own to tell, and nothing else.
        if is("D1T18:00") || is("D2T06:00") || is("D2T20:00") {
            runners.world.now = now + TimeDelta::minutes(15);
            runners.pipeline();
        }
        let came = heard(receivers, &mut known);
        if !is("D1T12:00") {
            said.extend(came.into_iter().map(|it| format!("{} {it}", now.format("%FT%H:%M"))));
        }
    }
    said
}

/// What each address hears.
const EXPECTED: &str = "
D1T14:00 ops: reference failing since D1 14:00Z: replica_changed
D1T14:00 owner: reference failing since D1 14:00Z: replica_changed
D1T16:00 ops: west is not watched since D1 16:00Z: runs_unseen
D1T16:00 owner: west is not watched since D1 16:00Z: runs_unseen
D1T16:00 parts: west is not watched since D1 16:00Z: runs_unseen
D1T16:00 stock: west is not watched since D1 16:00Z: runs_unseen
D1T18:00 ops: west is not watched since D1 18:15Z: runs_unseen
D1T18:00 owner: west is not watched since D1 18:15Z: runs_unseen
D1T18:00 parts: west is not watched since D1 18:15Z: runs_unseen
D1T18:00 stock: west is not watched since D1 18:15Z: runs_unseen
D1T22:00 ops: stock protected less since D1 22:00Z: objective
D1T22:00 stock: stock protected less since D1 22:00Z: objective
D2T01:00 ops: REGION AWAY: no answer from west since D2 01:00Z
D2T01:00 owner: REGION AWAY: no answer from west since D2 01:00Z
D2T01:00 parts: REGION AWAY: no answer from west since D2 01:00Z
D2T01:00 stock: REGION AWAY: no answer from west since D2 01:00Z
D2T03:00 ops: west answers again after 2h
D2T03:00 owner: west answers again after 2h
D2T03:00 parts: west answers again after 2h
D2T03:00 stock: west answers again after 2h
D2T14:00 ops: Re: reference failing since D1 14:00Z: replica_changed
D2T14:00 owner: Re: reference failing since D1 14:00Z: replica_changed
D2T16:00 ops: Re: west is not watched since D1 16:00Z: runs_unseen
D2T16:00 owner: Re: west is not watched since D1 16:00Z: runs_unseen
D2T16:00 parts: Re: west is not watched since D1 16:00Z: runs_unseen
D2T16:00 stock: Re: west is not watched since D1 16:00Z: runs_unseen
D2T17:00 ops: west is watched again after 25h
D2T17:00 owner: west is watched again after 25h
D2T17:00 parts: west is watched again after 25h
D2T17:00 stock: west is watched again after 25h
D2T18:00 boss: reference recovered after 28h: cut 2
D2T18:00 ops: reference recovered after 28h: cut 2
D2T18:00 owner: reference recovered after 28h: cut 2
D2T19:00 ops: parts no longer configured since D2 19:00Z
D2T19:00 parts: parts no longer configured since D2 19:00Z
D2T20:00 ops: west is watched again after 26h
D2T20:00 owner: west is watched again after 26h
D2T20:00 stock: west is watched again after 26h
";
