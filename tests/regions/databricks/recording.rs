//! The ledger: rows and cuts read back as they were written, and cuts appended once whatever the network does.

use chrono::DateTime;
use drsync::config::TableName;
use drsync::ledger::{AcceptedRisk, Consistency, Cut, CutTableEntry, Row, RowStatus};
use drsync::region::{Appended, Location, RegionError, RegionErrorKind};

use super::fake::{Fake, PRIMARY, SECONDARY, What};

fn at(millis: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(1_790_000_000_000 + millis).unwrap()
}

fn cut(number: u64, run: &str, previous: Option<&Cut>) -> Cut {
    Cut {
        group_name: "finance's \"group\"".to_owned(),
        cut_number: number,
        recovery_point: at(1),
        consistency: Consistency::WorkflowConsistent,
        trigger: "workflow".to_owned(),
        workflow_run_id: Some(88),
        planned_at: at(1000),
        tables: vec![CutTableEntry {
            table: TableName::new("main", "core", "odd name"),
            source_table_id: "t-1".to_owned(),
            source_version: 41,
            source_committed_at: at(250),
            rows: None,
            files: 3,
            bytes: 9_007_199_254_740_993,
            replica_location: format!("{SECONDARY}/main/core/odd%20name"),
            replica_version: 2,
            source_commit_sha256: None,
            replica_files_sha256: None,
            replica_content_sha256: None,
            later: Default::default(),
        }],
        accepted: vec![AcceptedRisk {
            code: "source_shrank".into(),
            scope: "g".into(),
            reason: "it's\nfine \u{1f600}".into(),
        }],
        plan_id: "P".to_owned(),
        plan_sha256: "ab".to_owned(),
        run_id: run.to_owned(),
        epoch: 0,
        committed_by: "dr@example.com".to_owned(),
        committed_at: at(2000),
        previous_sha256: previous.map(Cut::sha256),
        run_record_sha256: None,
        kind: None,
        active: None,
        later: Default::default(),
    }
}

/// Appends one cut.
pub(crate) async fn append(region: &dyn Location, cut: &Cut) -> Result<Appended, RegionError> {
    let mut answers = region.append_cuts(std::slice::from_ref(cut)).await;
    assert_eq!(answers.len(), 1, "one answer a cut");
    answers.remove(0)
}

async fn world() -> (Fake, drsync::databricks::Connected) {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    regions.secondary.location.create_ledger("east").await.unwrap();
    (fake, regions)
}

fn stored(fake: &Fake) -> usize {
    fake.state.lock().unwrap().tables[&format!("{SECONDARY}/_drsync/sync_cuts")].rows.len()
}

#[tokio::test]
async fn a_ledger_that_is_not_there_is_none_and_one_that_is_made_is_claimed() {
    let (fake, regions) = world().await;
    let there = regions.secondary.location.ledger().await.unwrap();
    assert_eq!(there.metadata.unwrap().workspace.as_deref(), Some("east"));
    assert_eq!(there.cuts.unwrap().workspace.as_deref(), Some("east"));
    let primary = regions.primary.location.ledger().await.unwrap();
    assert_eq!((primary.metadata, primary.cuts), (None, None));
    let made = fake.asked("CREATE TABLE");
    assert!(made[1].contains("'delta.isolationLevel' = 'Serializable'"));
    for statement in made {
        for tag in [
            "'delta.autoOptimize.autoCompact' = 'true'",
            "'delta.deletedFileRetentionDuration' = 'interval 2 days'",
            "'delta.logRetentionDuration' = 'interval 2 days'",
            "'drsync.workspace' = 'east'",
        ] {
            assert!(statement.contains(tag), "{tag}: {statement}");
        }
    }
}

#[tokio::test]
async fn what_is_written_is_read_back_equal_and_cloned_to_the_other_side() {
    let (_fake, regions) = world().await;
    let row =
        Row::first_seen("g", Some("nightly".to_owned()), vec!["main.core.gold".to_owned()], at(7));
    let rows =
        [row.begun("run 1".to_owned(), at(8)), Row::first_seen("h'`\\", None, vec![], at(9))];
    regions.secondary.location.write_rows(&rows).await.unwrap();
    let version = regions.secondary.location.write_rows(&rows[..1]).await.unwrap();
    let first = cut(1, "r1", None);
    assert_eq!(
        append(regions.secondary.location.as_ref(), &first).await.unwrap(),
        Appended::Committed
    );
    let copy = regions.secondary.location.ledger().await.unwrap();
    let metadata = copy.metadata.unwrap();
    assert_eq!((metadata.rows.as_slice(), metadata.version), (rows.as_slice(), version));
    assert_eq!(metadata.rows[0].current_sync_status, Some(RowStatus::InProgress));
    let cuts = copy.cuts.unwrap().cuts;
    assert_eq!(cuts, std::slice::from_ref(&first));
    assert_eq!(cuts[0].sha256(), first.sha256());
    regions.primary.location.clone_ledger(SECONDARY).await.unwrap();
    let cloned = regions.primary.location.ledger().await.unwrap();
    assert_eq!(cloned.cuts.unwrap().cuts, cuts);
    assert_eq!(cloned.metadata.unwrap().workspace.as_deref(), Some("east"));
}

#[tokio::test]
async fn a_cut_is_appended_once_whether_its_reply_is_lost_before_or_after_the_effect() {
    for what in
        [What::DropBefore, What::DropAfter, What::Answer(502, vec![], "<html></html>".to_owned())]
    {
        let (fake, regions) = world().await;
        fake.fault("MERGE INTO", 1, what);
        let first = cut(1, "r1", None);
        assert_eq!(
            append(regions.secondary.location.as_ref(), &first).await.unwrap(),
            Appended::Committed
        );
        assert_eq!(stored(&fake), 1);
        assert_eq!(
            append(regions.secondary.location.as_ref(), &first).await.unwrap(),
            Appended::Committed,
            "again"
        );
        assert_eq!(stored(&fake), 1);
    }
}

#[tokio::test]
async fn cuts_of_many_groups_are_one_statement_also_where_its_reply_is_lost() {
    for what in [What::DropBefore, What::DropAfter] {
        let sent = match what {
            What::DropBefore => 2,
            _ => 1,
        };
        let (fake, regions) = world().await;
        fake.fault("MERGE INTO", 1, what);
        let cuts: Vec<Cut> = ["g", "h", "i"]
            .map(|group| Cut { group_name: group.to_owned(), ..cut(1, "r1", None) })
            .to_vec();
        let answers = regions.secondary.location.append_cuts(&cuts).await;
        assert_eq!(answers, vec![Ok(Appended::Committed); 3]);
        assert_eq!(stored(&fake), 3);
        assert_eq!(fake.asked("MERGE INTO").len(), sent);
    }
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_a_denial_is_not() {
    let (fake, regions) = world().await;
    let raced =
        "[DELTA_CONCURRENT_APPEND] Files were added by a concurrent update. SQLSTATE: 2D521";
    fake.fault("MERGE INTO", 2, What::Fail("BAD_REQUEST", raced.to_owned()));
    assert_eq!(
        append(regions.secondary.location.as_ref(), &cut(1, "r1", None)).await.unwrap(),
        Appended::Committed
    );
    fake.fault(
        "MERGE INTO",
        9,
        What::Fail("BAD_REQUEST", "[INSUFFICIENT_PERMISSIONS] no WRITE FILES".to_owned()),
    );
    let before = fake.asked("MERGE INTO").len();
    let error =
        append(regions.secondary.location.as_ref(), &cut(2, "r1", Some(&cut(1, "r1", None))))
            .await
            .unwrap_err();
    assert_eq!((error.kind, error.outcome_unknown), (RegionErrorKind::Denied, false));
    assert_eq!(fake.asked("MERGE INTO").len(), before + 1);
}

#[tokio::test]
async fn a_lost_race_and_another_predecessor_are_told_apart() {
    let (fake, regions) = world().await;
    let append = async |cut: &Cut| {
        super::recording::append(regions.secondary.location.as_ref(), cut).await.unwrap()
    };
    let first = cut(1, "r1", None);
    append(&first).await;
    let theirs = cut(2, "theirs", Some(&first));
    append(&theirs).await;
    assert_eq!(
        append(&cut(2, "ours", Some(&first))).await,
        Appended::Lost(Box::new(theirs.clone()))
    );
    let stranger = cut(1, "stranger", None);
    assert_eq!(
        append(&cut(3, "ours", Some(&stranger))).await,
        Appended::Diverged(Some(Box::new(theirs.clone())))
    );
    assert_eq!(
        append(&cut(7, "ours", Some(&theirs))).await,
        Appended::Committed,
        "numbers may be left out"
    );
    assert_eq!(stored(&fake), 3);
}

#[tokio::test]
async fn cuts_are_copied_where_they_are_missing_and_a_divergence_keeps_both() {
    let (fake, regions) = world().await;
    let first = cut(1, "r1", None);
    let (a, b) = (cut(2, "a", Some(&first)), cut(2, "b", Some(&first)));
    regions.secondary.location.copy_cuts(&[first.clone(), a]).await.unwrap();
    regions.secondary.location.copy_cuts(&[first.clone(), b]).await.unwrap();
    assert_eq!(stored(&fake), 3);
    let merges = fake.asked("MERGE INTO").len();
    regions.secondary.location.copy_cuts(&[first]).await.unwrap();
    assert_eq!(fake.asked("MERGE INTO").len(), merges, "nothing is missing");
}

#[tokio::test]
async fn evidence_is_kept_in_parts_once_and_never_replaced() {
    let (fake, regions) = world().await;
    let keep = async |bytes: &[u8]| {
        regions.secondary.location.keep_evidence("01J.plan.json", bytes).await.unwrap()
    };
    let long = vec![b'x'; 5 * 1024 * 1024];
    keep(&long).await;
    keep(&long).await;
    keep(b"other").await;
    let rows = fake.state.lock().unwrap().tables
        [&format!("{SECONDARY}/_drsync/evidence/documents")]
        .rows
        .clone();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["sha256"], drsync::canonical::sha256_of_bytes(&long));
    let error = regions.secondary.location.keep_evidence("../x", b"").await.unwrap_err();
    assert_eq!(error.kind, RegionErrorKind::Unsupported);
    assert!(!fake.asked(PRIMARY).iter().any(|it| it.contains("evidence")));
}
