//! The demo plays as its screen says: plan, apply, more commits in the east, plan again.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use drsync::apply::{self, ApplyOptions};
use drsync::config::read_text;
use drsync::lakehouse::{Writer, demo, open_region};
use drsync::observe::observe;
use drsync::plan::{Plan, Request, plan};
use drsync::region::{Region, Regions};

fn regions(dir: &Path, now: DateTime<Utc>) -> Regions {
    let writer = Writer { user: "dr-sync@example.com".to_owned(), clock: Arc::new(move || now) };
    let open = |side: &str| -> Region {
        let location = dir.join(side).join("sync").display().to_string();
        open_region(Some(dir.join(side)), &location, writer.clone()).unwrap()
    };
    Regions { primary: open("east"), secondary: open("west") }
}

async fn planned(dir: &Path, now: DateTime<Utc>) -> Plan {
    let text = std::fs::read(dir.join(demo::CONFIGURATION)).unwrap();
    let configuration = read_text("drsync.json", &text, dir);
    assert_eq!(configuration.mistakes, []);
    let request =
        Request { plan_id: format!("plan-{}", now.timestamp_millis()), ..Request::default() };
    let observed = observe(&configuration, &[regions(dir, now)], &request, now, true).await;
    plan(&observed, &request)
}

/// One line a group: its decision and, of each table to be copied, the versions.
fn told(plan: &Plan) -> Vec<String> {
    let line = |group: &drsync::plan::GroupPlan| {
        let steps: Vec<String> = group
            .steps
            .iter()
            .map(|step| {
                let held =
                    step.replica.holds_source_version.map_or("-".to_owned(), |it| it.to_string());
                format!("{held}>{}", step.source.version)
            })
            .collect();
        let codes: Vec<String> = group.findings.iter().map(|it| format!("{:?}", it.code)).collect();
        format!("{} {:?} {} {}", group.name, group.decision, steps.join(" "), codes.join(" "))
    };
    plan.groups().map(|(_, group)| line(group).trim_end().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_plays_as_its_screen_says() {
    let dir = tempfile::tempdir().unwrap();
    let now = Utc::now();
    demo::build(dir.path(), now).await.unwrap();
    let first = planned(dir.path(), now).await;
    assert_eq!(
        told(&first),
        [
            "orders Sync ->6 ->4 ->4",
            "reference_data Sync ->2 ->2",
            "customer_360 Blocked  TableNotReadable",
        ]
    );
    let options = ApplyOptions {
        clock_overridden: true,
        ..ApplyOptions::new(
            "01JDA2C7000000000000000001".to_owned(),
            drsync::plan::Provenance::of_actor("tester"),
            move || now,
        )
    };
    apply::apply(&first.stored(), &[regions(dir.path(), now)], &options, &|_| {}).await;

    let later = now + TimeDelta::seconds(2);
    demo::advance(dir.path(), later).await.unwrap();
    let second = planned(dir.path(), later + TimeDelta::seconds(1)).await;
    let told = told(&second);
    assert_eq!(told[0], "orders Sync 6>9 4>6 4>4");
    assert!(
        told[1].starts_with("reference_data UpToDate")
            || told[1].starts_with("reference_data Waiting"),
        "{told:?}"
    );
    assert_eq!(told[2], "customer_360 Blocked  TableNotReadable");
}
