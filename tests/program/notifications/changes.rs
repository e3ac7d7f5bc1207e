//! Days of two runners whose configuration changes on one of them first: what leaves it is told once, whatever the other still has.

use chrono::TimeDelta;

use super::Receivers;
use super::days::{Runners, at, heard};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_one_configuration_before_the_other_is_told_once() {
    let Some(receivers) = Receivers::start() else { return };
    let mut runners = Runners::new(&receivers).await;
    runners.world.make("main.shop.cities", "tables/cities").await;
    runners.world.make("main.shop.orders", "tables/orders").await;
    runners.world.add_group("orders", None, &["main.shop.orders"]);
    runners.world.groups()[1]["group_owner_email"] = "orders@example.com".into();
    let tables = &mut runners.world.groups()[0]["tables"];
    tables.as_array_mut().unwrap().push("main.shop.cities".into());
    runners.configure();
    let before = runners.world.config["workspaces"][0]["sync_failure_notification"].clone();
    let new = serde_json::Value::from("new@example.com");
    let mut known = 0;
    let mut said: Vec<String> = Vec::new();
    let mut now = runners.world.now;
    while now <= at("23T12:00") {
        runners.world.now = now;
        let is = |text: &str| now == at(text);
        if is("22T13:00") {
            runners.world.groups()[0]["tables"].as_array_mut().unwrap().pop();
        }
        if is("22T19:00") {
            runners.world.groups().pop();
        }
        for (moment, mail) in [("23T01:00", &new), ("23T08:00", &before), ("23T10:00", &new)] {
            if is(moment) {
                let workspace = &mut runners.world.config["workspaces"][0];
                workspace["sync_failure_notification"] = mail.clone();
            }
        }
        if ["23T08:00", "23T10:00"].into_iter().any(is) {
            runners.configure();
        }
        if ["22T13:00", "22T19:00", "23T01:00"].into_iter().any(is) {
            runners.configure_scheduler();
        }
        if ["22T17:00", "22T23:00", "23T05:00"].into_iter().any(is) {
            runners.configure_pipeline();
        }
        runners.scheduler(&[]);
        let came = heard(&receivers, &mut known);
        said.extend(came.into_iter().map(|it| format!("{} {it}", now.format("%dT%H:%M"))));
        let beside = now + TimeDelta::minutes(15);
        if now.timestamp() % 7_200 == 0 {
            runners.world.now = beside;
            runners.pipeline();
            let came = heard(&receivers, &mut known);
            said.extend(came.into_iter().map(|it| format!("{} {it}", beside.format("%dT%H:%M"))));
        }
        now += TimeDelta::minutes(30);
    }
    assert_eq!(said.join("\n"), EXPECTED.trim());
}

/// Each runner undoes what the other one has until both have the same: what either does is told once a day. What both have undone,
/// and bring again, is news.
const EXPECTED: &str = "
22T11:00 boss: orders, reference synchronized
22T11:00 orders: orders synchronized: cut 1
22T11:00 owner: reference synchronized: cut 1
22T13:00 ops: reference protected less since 2026-11-22 13:00Z: removed
22T13:00 owner: reference protected less since 2026-11-22 13:00Z: removed
22T19:00 ops: orders no longer configured since 2026-11-22 19:00Z
22T19:00 orders: orders no longer configured since 2026-11-22 19:00Z
23T01:00 new: east protected less since 2026-11-23 01:00Z: failure_mail
23T01:00 ops: east protected less since 2026-11-23 01:00Z: failure_mail
23T01:00 owner: east protected less since 2026-11-23 01:00Z: failure_mail
23T02:15 new: east protected less since 2026-11-23 02:15Z: failure_mail
23T02:15 ops: east protected less since 2026-11-23 02:15Z: failure_mail
23T02:15 owner: east protected less since 2026-11-23 02:15Z: failure_mail
23T08:00 new: east protected less since 2026-11-23 08:00Z: failure_mail
23T08:00 ops: east protected less since 2026-11-23 08:00Z: failure_mail
23T08:00 owner: east protected less since 2026-11-23 08:00Z: failure_mail
23T10:00 new: east protected less since 2026-11-23 10:00Z: failure_mail
23T10:00 ops: east protected less since 2026-11-23 10:00Z: failure_mail
23T10:00 owner: east protected less since 2026-11-23 10:00Z: failure_mail
";
