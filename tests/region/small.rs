//! A ledger stays small: what is read of it, the files it is kept in, and what is removed of it.

use chrono::{TimeDelta, Utc};
use drsync::lakehouse::delta::{self, TableStore};
use drsync::lakehouse::{LakehouseRegion, Writer};
use drsync::ledger::{Cut, Row};
use drsync::region::{Appended, LedgerTable, Region, heads_agree};

use crate::ledger::{append, cut};
use crate::world::{World, open_lakehouse};

async fn world() -> World {
    World::new(open_lakehouse).await
}

#[tokio::test]
async fn heads_are_the_newest_cuts_of_every_group_however_long_the_log() {
    let world = world().await;
    let region = world.secondary();
    region.create_ledger("east").await.unwrap();
    let mut of: Vec<Vec<Cut>> = vec![Vec::new(); 2];
    for n in 0..150 {
        let cuts = &mut of[usize::from(n % 5 == 0)];
        let group = ["often", "seldom"][usize::from(n % 5 == 0)];
        let next = cut(group, &format!("r{n}"), cuts.last());
        assert_eq!(append(region, &next).await.unwrap(), Appended::Committed);
        cuts.push(next);
    }
    let heads = region.ledger_heads().await.unwrap();
    let all = region.ledger().await.unwrap();
    assert!(heads.heads_only && heads.cuts.as_ref().unwrap().cuts.len() < 60);
    assert_eq!(all.cuts.as_ref().unwrap().cuts, of.concat());
    assert!(heads_agree(&heads, &all));
    assert_eq!(heads.all_cuts().divergence("often"), None);
    // Another process knows nothing of this one's reading.
    let late = cut("often", "late", of[0].get(3));
    assert!(matches!(
        append(region, &late).await.unwrap(),
        Appended::Lost(_) | Appended::Diverged(_)
    ));
}

#[tokio::test]
async fn what_is_past_its_retention_goes_and_a_version_of_yesterday_stays() {
    let world = world().await;
    let folder = world.path("west/sync/_drsync/sync_metadata");
    let now = std::sync::Arc::new(std::sync::Mutex::new(Utc::now()));
    let clock = now.clone();
    let writer = Writer {
        user: "dr-sync@example.com".to_owned(),
        clock: std::sync::Arc::new(move || *clock.lock().unwrap()),
    };
    let location = world.path("west/sync").display().to_string();
    let region = LakehouseRegion::open(None, &location, writer).unwrap();
    region.create_ledger("east").await.unwrap();
    let count = |inner: &str| std::fs::read_dir(folder.join(inner)).unwrap().count();
    let mut most = 0;
    for n in 0..400_i64 {
        *now.lock().unwrap() += TimeDelta::minutes(30);
        let at = *now.lock().unwrap();
        let row = Row::first_seen("g", None, vec![], at).failed(format!("m{n}"), at);
        region.write_rows(&[row]).await.unwrap();
        if n > 200 {
            most = most.max(count("") + count("_delta_log"));
        }
    }
    // Two days of commits, a checkpoint for every ten of them, and the file of each.
    assert!(most < 96 * 2 + 96 / 10 + 50, "{most}");
    let store = TableStore::local(&folder);
    let versions = delta::versions(&store).await.unwrap();
    let yesterday = versions.newest - 48;
    assert!(versions.oldest <= yesterday && versions.oldest > 0);
    for version in [yesterday, versions.newest] {
        let rows = delta::read_rows(&store, Some(version)).await.unwrap();
        assert_eq!(
            rows.iter()
                .map(arrow_array::RecordBatch::num_rows)
                .sum::<usize>(),
            1
        );
    }
}

#[tokio::test]
async fn what_was_read_around_damage_is_written_anew() {
    let world = world().await;
    let region = world.secondary();
    region.create_ledger("east").await.unwrap();
    let mut all = Vec::new();
    for n in 0..12 {
        let next = cut("g", &format!("r{n}"), all.last());
        append(region, &next).await.unwrap();
        all.push(next);
    }
    let log = world.path("west/sync/_drsync/sync_cuts/_delta_log");
    std::fs::remove_file(log.join("00000000000000000010.checkpoint.parquet")).unwrap();
    let copy = region.ledger_heads().await.unwrap();
    assert_eq!(copy.troubles.len(), 1, "{:?}", copy.troubles);
    assert!(!copy.troubles[0].unreadable);
    assert_eq!(copy.cuts.unwrap().cuts, all);
    region.mend(LedgerTable::Cuts).await.unwrap();
    let copy = region.ledger().await.unwrap();
    assert_eq!((copy.troubles, copy.cuts.unwrap().cuts), (vec![], all));
}
