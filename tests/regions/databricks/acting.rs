//! Clones: done once, decided by the replica's own history, left to the warehouse when work is to end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use drsync::config::TableName;
use drsync::region::{CloneOrder, Mark, Progress, RegionErrorKind, Size, VerifiedLevel};

use super::fake::{DeltaTable, Fake, SECONDARY, What};

const PATH: &str = "main/core/gold";

fn replica() -> String {
    format!("{SECONDARY}/{PATH}")
}

fn order(source_version: u64, replica_version: Option<u64>) -> CloneOrder {
    let mark =
        Mark { source_table_id: "uc-1".to_owned(), source_version, replica: PATH.to_owned() };
    let properties = mark.properties();
    let text = drsync::sql::properties(&properties);
    CloneOrder {
        table: TableName::new("main", "core", "gold"),
        source_location: None,
        source_table_id: "uc-1".to_owned(),
        source_version,
        replica_path: PATH.to_owned(),
        replica_version,
        statement: format!(
            "CREATE OR REPLACE TABLE delta.`{}` DEEP CLONE `main`.`core`.`gold` VERSION AS OF {source_version} {text}",
            replica()
        ),
        doubted: false,
        properties,
    }
}

async fn world() -> (Fake, drsync::databricks::Connected) {
    let fake = Fake::start().await;
    fake.change(|state| {
        drop(state.tables.insert("main.core.gold".to_owned(), DeltaTable::with_writes(9)))
    });
    let regions = fake.connect().await;
    (fake, regions)
}

fn clones(fake: &Fake) -> usize {
    let state = fake.state.lock().unwrap();
    state.tables.get(&replica()).map_or(0, |table| {
        table.commits.iter().filter(|(operation, ..)| operation == "CLONE").count()
    })
}

#[tokio::test]
async fn a_clone_is_made_verified_and_not_made_again() {
    let (fake, regions) = world().await;
    let progress = Progress::default();
    let cloned = regions.secondary.location.deep_clone(&order(7, None), &progress).await.unwrap();
    assert_eq!((cloned.replica_version, cloned.copied_files, cloned.copied_bytes), (0, 3, 300));
    let size = Size { files: 3, bytes: 300 };
    assert_eq!((cloned.already, cloned.source_size), (false, Some(size)));
    assert!(cloned.statement_id.is_some());
    let verified = regions.secondary.location.verify(&order(7, None), 0).await.unwrap();
    assert_eq!((verified.level, verified.differences), (VerifiedLevel::Metrics, vec![]));
    let again = regions.secondary.location.deep_clone(&order(7, None), &progress).await.unwrap();
    assert_eq!((again.replica_version, again.copied_files, again.statement_id), (0, 0, None));
    assert_eq!((again.already, again.source_size), (true, Some(size)));
    fake.change(|state| state.tables.get_mut(&replica()).unwrap().commit("OPTIMIZE"));
    let next = regions.secondary.location.deep_clone(&order(8, Some(0)), &progress).await.unwrap();
    assert_eq!(next.replica_version, 2, "maintenance in between is nobody's change");
    assert_eq!(clones(&fake), 2);
    fake.change(|state| state.tables.get_mut(&replica()).unwrap().files = 99);
    let verified = regions.secondary.location.verify(&order(8, Some(0)), 2).await.unwrap();
    assert_eq!(verified.differences, ["files: 3 in the source, 99 in the replica"]);
}

#[tokio::test]
async fn a_lost_reply_is_decided_by_the_replicas_history() {
    let (fake, regions) = world().await;
    fake.fault("CREATE OR REPLACE", 1, What::DropAfter);
    let cloned =
        regions.secondary.location.deep_clone(&order(7, None), &Progress::default()).await.unwrap();
    assert_eq!((cloned.replica_version, cloned.copied_files), (0, 3));
    assert_eq!((clones(&fake), fake.asked("CREATE OR REPLACE").len()), (1, 1));
    fake.fault("CREATE OR REPLACE", 1, What::DropBefore);
    let error = regions
        .secondary
        .location
        .deep_clone(&order(8, Some(0)), &Progress::default())
        .await
        .unwrap_err();
    assert!(error.outcome_unknown && error.transient, "{error}");
    assert_eq!(clones(&fake), 1);
    regions.secondary.location.deep_clone(&order(8, Some(0)), &Progress::default()).await.unwrap();
    assert_eq!(clones(&fake), 2);
}

#[tokio::test]
async fn a_throttled_clone_is_sent_again_because_it_was_not_begun() {
    let (fake, regions) = world().await;
    let busy = r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"warming"}"#;
    fake.fault("CREATE OR REPLACE", 2, What::Answer(503, vec![], busy.to_owned()));
    regions.secondary.location.deep_clone(&order(7, None), &Progress::default()).await.unwrap();
    assert_eq!(clones(&fake), 1);
}

#[tokio::test]
async fn what_someone_else_wrote_is_not_cloned_over() {
    let (fake, regions) = world().await;
    regions.secondary.location.deep_clone(&order(7, None), &Progress::default()).await.unwrap();
    fake.change(|state| state.tables.get_mut(&replica()).unwrap().commit("UPDATE"));
    let error = regions
        .secondary
        .location
        .deep_clone(&order(8, Some(0)), &Progress::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, RegionErrorKind::Conflict);
    assert_eq!(
        error.describe_answer(),
        "UPDATE by dr@example.com made v1; its rows can be read under that version"
    );
    assert_eq!(clones(&fake), 1);
    let absent = regions
        .secondary
        .location
        .deep_clone(&order(8, None), &Progress::default())
        .await
        .unwrap_err();
    assert_eq!(absent.kind, RegionErrorKind::Conflict);
}

#[tokio::test]
async fn a_refused_version_says_what_the_engine_says() {
    let (fake, regions) = world().await;
    let late = "[DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION] Cannot time travel beyond 168 HOURS. SQLSTATE: 0AKDC";
    fake.fault("CREATE OR REPLACE", 1, What::Fail("BAD_REQUEST", late.to_owned()));
    let error = regions
        .secondary
        .location
        .deep_clone(&order(7, None), &Progress::default())
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.transient), (RegionErrorKind::Unsupported, false));
    assert!(
        error
            .to_string()
            .starts_with("clone main.core.gold version 7: [DELTA_UNSUPPORTED_TIME_TRAVEL"),
        "{error}"
    );
}

#[tokio::test]
async fn an_interrupted_clone_is_left_to_the_warehouse_and_named() {
    let (fake, regions) = world().await;
    fake.fault("CREATE OR REPLACE", 1, What::Hang);
    let stop = Arc::new(AtomicBool::new(false));
    let progress = Progress::with_stop(stop.clone());
    let ordered = order(7, None);
    let clone = regions.secondary.location.deep_clone(&ordered, &progress);
    let signal = async {
        while fake.asked("CREATE OR REPLACE").is_empty() {
            tokio::task::yield_now().await;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (ended, ()) = futures::join!(clone, signal);
    let error = ended.unwrap_err();
    assert!(!error.transient, "{error}");
    let left = fake.held();
    assert_eq!(left.len(), 1);
    let told = error.describe_answer().to_string();
    assert!(told.contains(&left[0]) && told.contains("left running"), "{error}");
    assert!(fake.asked("/cancel").is_empty());
}

#[tokio::test]
async fn a_workspace_that_falls_silent_under_a_clone_is_told_of_once_and_the_clone_goes_on() {
    let (fake, regions) = world().await;
    let progress = Progress::with_stop(Arc::new(AtomicBool::new(false)));
    let polls = "GET /api/2.0/sql/statements/";
    let ordered = order(7, None);
    let clone = regions.secondary.location.deep_clone(&ordered, &progress);
    let silence = async {
        while fake.asked("CREATE OR REPLACE").is_empty() {
            tokio::task::yield_now().await;
        }
        fake.fault(polls, 60, What::DropBefore);
    };
    let (cloned, ()) = futures::join!(clone, silence);
    cloned.unwrap();
    let notices = fake.notices.lock().unwrap().clone();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains(" does not answer ("), "{notices:?}");
}

#[tokio::test]
async fn a_clone_that_an_earlier_apply_left_running_is_taken_over() {
    let (fake, regions) = world().await;
    fake.fault("CREATE OR REPLACE", 1, What::Hang);
    let progress = Progress::with_stop(Arc::new(AtomicBool::new(false)));
    let ordered = order(7, None);
    {
        let clone = regions.secondary.location.deep_clone(&ordered, &progress);
        tokio::pin!(clone);
        while fake.asked("CREATE OR REPLACE").is_empty() {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(5), clone.as_mut()).await;
        }
        // Dropped here, as by kill -9.
    }
    let next = fake.connect().await;
    let clone = next.secondary.location.deep_clone(&ordered, &progress);
    let let_go = async {
        while fake.asked("history/queries").len() < 2 {
            tokio::task::yield_now().await;
        }
        fake.change(super::fake::State::let_go);
    };
    let (cloned, ()) = futures::join!(clone, let_go);
    assert_eq!(cloned.unwrap().copied_files, 3);
    assert_eq!(fake.asked("CREATE OR REPLACE").len(), 1);
}

#[tokio::test]
async fn rows_are_counted_on_both_sides_where_that_is_asked_for() {
    let (fake, _) = world().await;
    let mut options = fake.options();
    options.verify_rows = true;
    let regions = drsync::databricks::connect(&options).await.unwrap();
    regions.secondary.location.deep_clone(&order(7, None), &Progress::default()).await.unwrap();
    let verified = regions.secondary.location.verify(&order(7, None), 0).await.unwrap();
    assert_eq!(
        (verified.level, verified.source_rows, verified.replica_rows),
        (VerifiedLevel::Rows, Some(42), Some(42))
    );
}

#[tokio::test]
async fn a_clone_that_lost_against_maintenance_is_made_once_more_in_the_same_run() {
    let (fake, regions) = world().await;
    let progress = Progress::default();
    let clone = async |version, replica| {
        let order = order(version, replica);
        regions.secondary.location.deep_clone(&order, &progress).await
    };
    clone(7, None).await.unwrap();
    let lost = || {
        let text = "[DELTA_CONCURRENT_DELETE_READ] OPTIMIZE removed a file. SQLSTATE: 2D521";
        What::Fail("BAD_REQUEST", text.to_owned())
    };
    fake.change(|state| state.tables.get_mut(&replica()).unwrap().commit("OPTIMIZE"));
    fake.fault("DEEP CLONE", 1, lost());
    let before = fake.asked("DEEP CLONE").len();
    let cloned = clone(8, Some(0)).await.unwrap();
    assert_eq!((cloned.replica_version, cloned.already), (2, false));
    assert_eq!(fake.asked("DEEP CLONE").len() - before, 2);
    // Lost again, it is for whoever counts the attempts; nobody's change was cloned over.
    fake.fault("DEEP CLONE", 2, lost());
    let refused = clone(9, Some(2)).await.unwrap_err();
    assert_eq!((refused.kind, refused.transient), (RegionErrorKind::Conflict, true));
    assert_eq!(clones(&fake), 2);
}
