use chrono::DateTime;

use super::super::columns::{sync_cuts, sync_metadata};
use super::*;
use crate::config::TableName;
use crate::ledger::{AcceptedRisk, Consistency, CutTableEntry};

fn cut() -> Cut {
    let at = |millis: i64| DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap();
    Cut {
        group_name: "gruppe \"ä\"".into(),
        cut_number: 3,
        recovery_point: at(1),
        consistency: Consistency::WorkflowConsistent,
        trigger: "workflow".into(),
        workflow_run_id: Some(88),
        planned_at: at(500),
        tables: vec![CutTableEntry {
            table: TableName::new("main", "shop", "odd name"),
            source_table_id: "id".into(),
            source_version: 6,
            source_committed_at: at(999),
            rows: None,
            files: 2,
            bytes: u64::from(u32::MAX) * 1000,
            replica_location: "/w/main/shop/odd%20name".into(),
            replica_version: 0,
            source_commit_sha256: None,
            replica_files_sha256: None,
            replica_content_sha256: None,
            later: Default::default(),
        }],
        accepted: vec![AcceptedRisk { code: "c".into(), scope: "s".into(), reason: "r\n".into() }],
        plan_id: "P".into(),
        plan_sha256: "aa".into(),
        run_id: "R".into(),
        epoch: 0,
        committed_by: "someone".into(),
        committed_at: at(1000),
        previous_sha256: Some("bb".into()),
        run_record_sha256: None,
        kind: None,
        active: None,
        later: Default::default(),
    }
}

#[test]
fn a_cut_comes_back_with_the_same_hash() {
    let first = Cut {
        workflow_run_id: None,
        tables: vec![],
        accepted: vec![],
        previous_sha256: None,
        ..cut()
    };
    let batch = to_batch(sync_cuts(), &[cut(), first.clone()]).unwrap();
    let (back, odd) = records::<Cut>(&[batch]).unwrap();
    assert_eq!(odd, []);
    assert_eq!(back, [cut(), first.clone()]);
    assert_eq!([back[0].sha256(), back[1].sha256()], [cut().sha256(), first.sha256()]);
}

#[test]
fn a_row_comes_back_as_it_was() {
    let row = Row::first_seen("g", Some("w".into()), vec!["a.b.c".into()], cut().planned_at);
    let failed = row.failed("code: text", cut().committed_at);
    let batch = to_batch(sync_metadata(), &[&row, &failed]).unwrap();
    assert_eq!(records::<Row>(&[batch]).unwrap().0, [row, failed]);
}

#[test]
fn no_rows_are_an_empty_batch_with_all_columns() {
    let batch = to_batch(sync_metadata(), &Vec::<Row>::new()).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (0, 9));
    assert!(records::<Row>(&[batch]).unwrap().0.is_empty());
}

#[test]
fn a_time_without_a_zone_is_utc_and_a_strange_status_is_none() {
    let mut value = serde_json::json!({
        "group_name": "g", "date_created": "2026-11-22T09:41:07.500",
        "date_updated": "2026-11-22T09:41:07", "current_sync_status": "odd"
    });
    in_utc(&mut value);
    Row::heal(&mut value);
    let row: Row = serde_json::from_value(value).unwrap();
    assert_eq!(row.date_created.timestamp_subsec_millis(), 500);
    assert_eq!(row.current_sync_status, None);
}

#[test]
fn a_row_that_is_no_cut_stops_no_other() {
    let mut odd = serde_json::to_value(cut()).unwrap();
    odd["consistency"] = "odd".into();
    let good = serde_json::to_value(cut()).unwrap();
    let batch = to_batch(sync_cuts(), &[good, odd]).unwrap();
    let (cuts, odd) = records::<Cut>(&[batch]).unwrap();
    assert_eq!(cuts, [cut()]);
    let [odd] = &odd[..] else {
        panic!("{odd:?}");
    };
    assert_eq!(odd.to_string(), "cut 3 of gruppe \"ä\"");
}

#[test]
fn a_time_that_json_cannot_hold_stops_its_row_alone() {
    let batch = to_batch(sync_cuts(), &[cut(), Cut { cut_number: 4, ..cut() }]).unwrap();
    for column in ["recovery_point", "planned_at", "committed_at"] {
        let (place, _) = batch.schema().column_with_name(column).unwrap();
        let mut columns = batch.columns().to_vec();
        let times = arrow_array::TimestampMicrosecondArray::from(vec![0, i64::MAX]);
        columns[place] = Arc::new(times.with_timezone("UTC"));
        let batch = RecordBatch::try_new(batch.schema(), columns).unwrap();
        let (cuts, odd) = records::<Cut>(&[batch]).unwrap();
        assert_eq!(cuts.len(), 1, "{column}");
        assert_eq!(odd.len(), 1, "{column}");
        assert_eq!(odd[0].cut, "cut 4", "{column}");
    }
}
