//! Several runners at once on one lakehouse: every cut is made once, both copies are the same, and the ledger accuses nobody.

use std::collections::BTreeSet;
use std::process::{Child, Output, Stdio};

use crate::support::world::{World, batch};

/// Runners of each round, which begin together.
const RUNNERS: usize = 3;
const ROUNDS: i64 = 4;
/// What a runner may end with that others were faster than: all was done, some was, or none because the plan was overtaken.
const ENDS: [i32; 3] = [0, 4, 5];
/// What a ledger that is whole is never said to be.
const ACCUSATIONS: [&str; 3] = ["ledger_lost", "ledger_damaged", "ledger_diverged"];

/// What it said, of which nothing is an accusation.
fn said(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    for accusation in ACCUSATIONS {
        assert!(!said.contains(accusation), "{said}");
    }
    said
}

async fn assert_every_cut_once_in_both(world: &World, groups: &[String]) {
    let regions = world.regions();
    let primary = regions.primary.location.ledger().await.unwrap().all_cuts();
    let secondary = regions.secondary.location.ledger().await.unwrap().all_cuts();
    let all = |cuts: &drsync::ledger::Cuts| cuts.iter().cloned().collect::<Vec<_>>();
    assert!(all(&primary) == all(&secondary));
    for group in groups {
        assert_eq!(secondary.divergence(group), None);
        let numbers: Vec<u64> = secondary.of(group).map(|cut| cut.cut_number).collect();
        let once: BTreeSet<u64> = numbers.iter().copied().collect();
        assert_eq!(once.len(), numbers.len(), "{group}: {numbers:?}");
        assert_eq!(numbers.len() as i64, ROUNDS, "{group}: {numbers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runners_that_begin_together_make_every_cut_once_and_accuse_nobody() {
    let mut world = World::new().await;
    let mut groups = vec!["reference".to_owned()];
    let mut places = vec!["tables/countries".to_owned()];
    for number in 0..3 {
        let (group, name) = (format!("g{number}"), format!("main.shop.t{number}"));
        let place = format!("tables/t{number}");
        world.make(&name, &place).await;
        world.add_group(&group, None, &[&name]);
        groups.push(group);
        places.push(place);
    }
    std::fs::write(world.path("drsync.json"), world.config.to_string()).unwrap();
    let first_day = world.now.date_naive().to_string();

    for round in 0..ROUNDS {
        if round > 0 {
            world.later(12 * 60);
            for place in &places {
                let table = world.source_at(place);
                table.insert(&batch([100 + round])).await.unwrap();
            }
            world.later(1);
        }
        let runner = |_| {
            let apply = world.drsync(&["apply", "--auto-approve"]);
            apply.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
        };
        let runners: Vec<Child> = (0..RUNNERS).map(runner).collect();
        for runner in runners {
            let output = runner.wait_with_output().unwrap();
            let said = said(&output);
            let ended = output.status.code();
            assert!(ended.is_some_and(|code| ENDS.contains(&code)), "{ended:?}: {said}");
        }
        // Whatever they left to each other is done by one that is alone.
        world.later(1);
        for args in [&["apply", "--auto-approve"][..], &["plan", "--json"]] {
            let output = world.drsync(args).output();
            let said = said(&output);
            assert!(output.status.success(), "round {round}: {said}");
        }
    }
    assert_every_cut_once_in_both(&world, &groups).await;
    let history = world.drsync(&["history", "--since", &first_day]).output();
    let said = said(&history);
    assert_eq!(history.status.code(), Some(0), "{said}");
}
