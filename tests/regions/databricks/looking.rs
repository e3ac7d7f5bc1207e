//! Looking: presence, workflows, tables, histories, pins, replicas, rights; in batches, and where batches are refused.

use drsync::config::{TableName, WorkflowRef};
use drsync::region::{
    Deployment, PauseStatus, PinQuestion, RegionErrorKind, ReplicaQuestion, RunState, Size,
    SourceQuestion, Table, WriteAccess,
};
use serde_json::json;

use super::fake::{DeltaTable, Fake, SECONDARY, What};

fn name(table: &str) -> TableName {
    TableName::new("main", "core", table)
}

fn table(name: &TableName) -> Table {
    Table {
        name: name.clone(),
        table_id: Some("uc-1".to_owned()),
        location: None,
        unsupported: None,
        denied: None,
    }
}

fn question(table_name: &str, from_version: Option<u64>) -> SourceQuestion {
    SourceQuestion { table: table(&name(table_name)), from_version }
}

#[tokio::test]
async fn a_workspace_and_its_location_ask_once_who_asks_also_in_vain() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    let me = || fake.asked("/scim/v2/Me").len();
    let before = me();
    let denied = json!({"error_code": "PERMISSION_DENIED", "message": "no"}).to_string();
    fake.fault("/scim/v2/Me", 1, What::Answer(403, vec![], denied));
    assert_eq!(regions.primary.presence().await.unwrap_err().kind, RegionErrorKind::Denied);
    assert_eq!(me(), before + 1);
    regions.primary.presence().await.unwrap();
    assert_eq!(me(), before + 2);
    regions.secondary.presence().await.unwrap();
    assert_eq!(me(), before + 2, "whose location the secondary's is too");
}

#[tokio::test]
async fn presence_says_who_asks_and_what_the_services_clock_says() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    let primary = regions.primary.presence().await.unwrap();
    assert_eq!(primary.principal.as_deref(), Some("dr@example.com"));
    assert_eq!(primary.default_catalog.as_deref(), Some("main"));
    assert!(primary.clock.is_some());
    assert_eq!(regions.secondary.presence().await.unwrap().location, SECONDARY);
    assert!(
        fake.asked("/api/2.0/sql/statements ")
            .iter()
            .all(|it| it.contains("\"warehouse_id\":\"w1\"")),
        "the running one"
    );
    let gone = "[PATH_NOT_FOUND] The specified container does not exist. SQLSTATE: 42K03";
    fake.fault("LIST", 1, What::Fail("BAD_REQUEST", gone.to_owned()));
    assert_eq!(regions.secondary.presence().await.unwrap_err().kind, RegionErrorKind::Unavailable);
    fake.fault(
        "LIST",
        1,
        What::Fail(
            "BAD_REQUEST",
            "[INSUFFICIENT_PERMISSIONS] User does not have READ FILES on External Location 's'."
                .to_owned(),
        ),
    );
    let refused = regions.secondary.presence().await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Denied);
    let principal = primary.principal.unwrap();
    let grant =
        format!("; GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION s TO `{principal}` (");
    assert!(refused.describe_answer().to_string().contains(&grant), "{refused}");
}

#[tokio::test]
async fn the_grant_for_a_sync_location_is_on_the_external_location_that_covers_it() {
    for told in [
        "READ FILES on External Location 'theirs'",
        "ALL PRIVILEGES on External Location 's'",
        "MANAGE on External Location 's` TO `evil'",
    ] {
        let fake = Fake::start().await;
        let regions = fake.connect().await;
        let denied = format!("[INSUFFICIENT_PERMISSIONS] User does not have {told}.");
        fake.fault("LIST", 1, What::Fail("BAD_REQUEST", denied));
        let refused = regions.secondary.presence().await.unwrap_err();
        let grant = "; GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION s TO `dr@example.com` (";
        assert!(
            refused.describe_answer().to_string().contains(grant),
            "{}",
            refused.describe_answer()
        );
    }
}

#[tokio::test]
async fn a_stopped_warehouse_is_taken_and_said() {
    let fake = Fake::start().await;
    fake.change(|state| state.warehouses.truncate(1));
    let regions = fake.connect().await;
    regions.primary.presence().await.unwrap();
    let notices = fake.notices.lock().unwrap().clone();
    assert_eq!(notices, ["the SQL warehouse old is stopped: its first statement starts it"]);
}

#[tokio::test]
async fn a_configured_warehouse_that_has_to_start_is_said_once_and_one_that_runs_is_not() {
    let fake = Fake::start().await;
    for (id, said) in [
        ("w0", Some("the SQL warehouse old is stopped: its first statement starts it")),
        ("w1", None),
        ("elsewhere", None),
    ] {
        fake.notices.lock().unwrap().clear();
        let mut options = fake.options();
        options.connection.warehouse_id = Some(id.to_owned());
        let regions = drsync::databricks::connect(&options).await.unwrap();
        regions.primary.presence().await.unwrap();
        regions.secondary.presence().await.unwrap();
        let notices = fake.notices.lock().unwrap().clone();
        assert_eq!(notices, Vec::from_iter(said), "{id}");
    }
}

#[tokio::test]
async fn workflows_are_found_by_exact_name_or_id_with_runs_from_every_page() {
    let fake = Fake::start().await;
    let ended = |id: i64, start: i64, end: i64, result: &str| json!({"run_id": id, "start_time": start, "end_time": end, "state": {"life_cycle_state": "TERMINATED", "result_state": result}});
    fake.change(|state| {
        state.jobs = vec![
            json!({"job_id": 7, "settings": {"name": "nightly", "schedule": {"pause_status": "UNPAUSED"}, "deployment": {"kind": "BUNDLE"}}}),
            json!({"job_id": 8, "settings": {"name": "twice"}}),
            json!({"job_id": 9, "settings": {"name": "twice"}}),
        ];
        state.runs = vec![
            json!({"run_id": 5, "start_time": 5000, "end_time": 0, "status": {"state": "RUNNING"}}),
            ended(4, 4000, 4500, "FAILED"),
            ended(3, 3000, 9000, "SUCCESS"),
            ended(2, 2000, 2500, "SUCCESS"),
            ended(1, 1000, 1500, "SUCCESS"),
        ];
    });
    let regions = fake.connect().await;
    let asked = ["nightly", "twice", "Nightly", "none", "id:7", "id:70"]
        .map(|it| WorkflowRef::parse(it).unwrap());
    let since = chrono::DateTime::from_timestamp_millis(4000);
    let found = regions.primary.workspace.as_ref().unwrap().workflows(&asked, since).await.unwrap();
    let nightly = found[0].as_ref().unwrap();
    assert_eq!(nightly.pause_status, PauseStatus::Unpaused);
    assert_eq!(nightly.deployment, Some(Deployment::Bundle));
    let runs: Vec<(i64, RunState)> =
        nightly.runs.iter().map(|run| (run.run_id, run.state)).collect();
    assert_eq!(
        runs,
        [
            (5, RunState::Active),
            (4, RunState::Failed),
            (3, RunState::Succeeded),
            // Ended before, and the newest of those.
            (2, RunState::Succeeded)
        ]
    );
    let kinds: Vec<Option<RegionErrorKind>> =
        found.iter().map(|it| it.as_ref().err().map(|error| error.kind)).collect();
    let not_found = Some(RegionErrorKind::NotFound);
    assert_eq!(
        kinds,
        [None, Some(RegionErrorKind::Conflict), not_found, not_found, None, not_found]
    );
    assert_eq!(
        found[2].as_ref().unwrap_err().describe_answer(),
        "no job that the principal may view has this name; there is nightly"
    );
}

#[tokio::test]
async fn a_listing_that_breaks_off_or_is_refused_says_of_no_workflow_that_it_is_missing() {
    let page = "<html><head><title>Please sign in</title></head></html>";
    let denied = r#"{"error_code":"PERMISSION_DENIED","message":"no"}"#;
    let gone = r#"{"error_code":"ENDPOINT_NOT_FOUND","message":"no API"}"#;
    let taken = r#"{"error_code":"RESOURCE_CONFLICT","message":"later"}"#;
    let half = r#"{"jobs": [{"job_id": 7, "settings": {"name": "nigh"#;
    let more = r#"{"jobs": [], "runs": [], "next_page_token": "A"}"#;
    for (status, answer) in [
        (200, half),
        (200, page),
        (200, more),
        (404, page),
        (404, gone),
        (409, taken),
        (403, denied),
    ] {
        for (listing, asked) in [
            ("jobs/list", "nightly"),
            ("jobs/get", "id:7"),
            ("jobs/runs/list", "nightly"),
            ("jobs/runs/list", "id:7"),
        ] {
            // Of one job there are no pages.
            if listing == "jobs/get" && answer == more {
                continue;
            }
            let fake = Fake::start().await;
            fake.change(|state| {
                state.jobs = vec![json!({"job_id": 7, "settings": {"name": "nightly"}})];
            });
            fake.fault(listing, 99, What::Answer(status, vec![], answer.to_owned()));
            let regions = fake.connect().await;
            let asked = [WorkflowRef::parse(asked).unwrap()];
            let found =
                regions.primary.workspace.as_ref().unwrap().workflows(&asked, None).await.unwrap();
            let error = found[0].as_ref().unwrap_err();
            assert!(
                !matches!(error.kind, RegionErrorKind::NotFound | RegionErrorKind::Conflict),
                "{status} {answer} of {listing}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn tables_are_listed_by_schema_and_what_is_not_listed_says_why() {
    let fake = Fake::start().await;
    fake.change(|state| {
        for number in 0..25 {
            let full = format!("main.core.t{number:02}");
            let info = json!({"name": format!("t{number:02}"), "catalog_name": "main", "schema_name": "core", "table_id": format!("id-{number}"), "table_type": "MANAGED", "data_source_format": "DELTA"});
            state.catalog.insert(full, info);
        }
        state.catalog.insert("main.core.secret".to_owned(), json!("PERMISSION_DENIED"));
    });
    let regions = fake.connect().await;
    let mut asked: Vec<TableName> = (0..25).map(|number| name(&format!("T{number:02}"))).collect();
    asked.extend([name("secret"), name("none")]);
    let found = regions.primary.workspace.as_ref().unwrap().tables(&asked).await.unwrap();
    assert_eq!(found[3].as_ref().unwrap().name.table, "t03", "as the catalog spells it");
    assert_eq!(found[24].as_ref().unwrap().table_id.as_deref(), Some("id-24"));
    assert_eq!(fake.asked("unity-catalog/tables?").len(), 3, "three pages");
    assert_eq!(fake.asked("unity-catalog/tables/").len(), 2);
    let denied = found[25].as_ref().unwrap().denied.clone().unwrap();
    assert_eq!(
        denied.remedy.unwrap().to_string(),
        "GRANT SELECT ON TABLE main.core.secret TO `dr@example.com`"
    );
    assert_eq!(found[26].as_ref().unwrap_err().kind, RegionErrorKind::NotFound);
}

#[tokio::test]
async fn one_table_that_fails_a_batch_is_taken_out_of_it() {
    let fake = Fake::start().await;
    fake.change(|state| {
        for table in ["a", "b", "c"] {
            state.tables.insert(format!("main.core.{table}"), DeltaTable::with_writes(3));
        }
    });
    let regions = fake.connect().await;
    let asked = [
        question("a", None),
        question("none", None),
        question("b", Some(1)),
        question("c", Some(9)),
    ];
    let found = regions.primary.workspace.as_ref().unwrap().sources(&asked).await;
    assert_eq!(found[1].as_ref().unwrap_err().kind, RegionErrorKind::NotFound);
    let versions = |at: usize| -> Vec<u64> {
        found[at].as_ref().unwrap().commits.iter().map(|it| it.version).collect()
    };
    assert_eq!((versions(0), versions(2), versions(3)), (vec![0, 1, 2], vec![1, 2], vec![0, 1, 2]));
    let first = &found[0].as_ref().unwrap().commits[0];
    assert_eq!(drsync::moment::text(first.committed_at), "2026-11-01T07:00:00.500Z");
    assert_eq!(
        (first.table_id.as_deref(), first.user.as_deref()),
        (Some("uc-1"), Some("dr@example.com"))
    );
    assert_eq!(fake.asked("DESCRIBE HISTORY").len(), 2, "the batch, and the rest of it");
}

#[tokio::test]
async fn a_warehouse_that_refuses_the_batched_form_is_asked_table_by_table() {
    let fake = Fake::start().await;
    fake.change(|state| {
        state.refuse_batches = true;
        for table in 0..30 {
            state.tables.insert(format!("main.core.t{table}"), DeltaTable::with_writes(2));
        }
    });
    let regions = fake.connect().await;
    let asked: Vec<SourceQuestion> =
        (0..30).map(|table| question(&format!("t{table}"), None)).collect();
    assert!(
        regions.primary.workspace.as_ref().unwrap().sources(&asked).await.iter().all(Result::is_ok)
    );
    assert!(
        regions.primary.workspace.as_ref().unwrap().sources(&asked).await.iter().all(Result::is_ok)
    );
    assert!(fake.asked("AS asked").len() <= 2, "the form is not tried again");
}

#[tokio::test]
async fn a_history_is_widened_until_it_reaches_back_and_read_from_every_chunk() {
    let fake = Fake::start().await;
    fake.change(|state| {
        state.tables.insert("main.core.busy".to_owned(), DeltaTable::with_writes(130));
        state.tables.insert("main.core.idle".to_owned(), DeltaTable::with_writes(1));
    });
    let regions = fake.connect().await;
    let found = regions
        .primary
        .workspace
        .as_ref()
        .unwrap()
        .sources(&[question("busy", Some(3)), question("idle", None)])
        .await;
    let busy = found[0].as_ref().unwrap();
    assert_eq!((busy.commits[0].version, busy.commits.len()), (3, 127));
    assert_eq!(fake.asked("LIMIT 50)").len(), 1);
    assert_eq!(fake.asked("LIMIT 500").len(), 1);
    assert!(!fake.asked("LIMIT 500")[0].contains("idle"));
    assert!(fake.asked("/result/chunks/").len() > 60);
}

#[tokio::test]
async fn a_pin_counts_rows_at_its_version_and_takes_the_rest_from_the_detail() {
    let fake = Fake::start().await;
    fake.change(|state| {
        let properties = [
            ("delta.columnMapping.mode", "name"),
            ("delta.deletedFileRetentionDuration", "interval 30 days"),
        ];
        let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        state.tables.insert(
            "main.core.gold".to_owned(),
            DeltaTable { properties, ..DeltaTable::with_writes(5) },
        );
    });
    let regions = fake.connect().await;
    let ask = |version| PinQuestion {
        table: table(&name("gold")),
        version,
        newest: version == 4,
        replica_location: format!("{SECONDARY}/main/core/gold"),
        replica_version: None,
        columns_since: None,
    };
    let found = regions.primary.workspace.as_ref().unwrap().pins(&[ask(3), ask(9), ask(4)]).await;
    let head = Size { files: 3, bytes: 300 };
    let newest = found[2].as_ref().unwrap();
    assert_eq!((newest.rows, newest.size), (Some(42), Some(head)));
    let pin = found[0].as_ref().unwrap();
    assert_eq!(
        (pin.rows, pin.size),
        (Some(42), None),
        "the newest version's files say nothing of an older one"
    );
    assert_eq!((pin.column_mapping.as_str(), pin.table_id.as_str()), ("name", "uc-1"));
    assert_eq!(pin.estimate.unwrap().copy_bytes, 300);
    assert_eq!(found[1].as_ref().unwrap_err().kind, RegionErrorKind::NotFound);
}

#[tokio::test]
async fn replicas_that_are_not_there_are_found_by_listing_their_folders() {
    let fake = Fake::start().await;
    fake.change(|state| {
        let there = DeltaTable::with_writes(2);
        state.tables.insert(format!("{SECONDARY}/main/core/t3"), there);
    });
    let regions = fake.connect().await;
    let asked: Vec<ReplicaQuestion> = (0..40)
        .map(|number| ReplicaQuestion { path: format!("main/core/t{number}"), since_version: None })
        .collect();
    let found = regions.secondary.location.replicas(&asked).await;
    assert_eq!(found.iter().filter(|it| matches!(it, Ok(None))).count(), 39);
    assert_eq!(found[3].as_ref().unwrap().as_ref().unwrap().version, 1);
    assert_eq!(fake.asked("\"statement\":").len(), 3, "a list, a history, a detail");
}

#[tokio::test]
async fn write_access_is_looked_at_and_never_tried() {
    let fake = Fake::start().await;
    let regions = fake.connect().await;
    let look = async |location: &str| {
        regions.primary.workspace.as_ref().unwrap().write_access(location).await
    };
    let away = look("abfss://other@acc.test/dr").await.unwrap_err();
    assert_eq!(away.kind, RegionErrorKind::NotFound);
    assert!(matches!(look(SECONDARY).await, Ok(WriteAccess::NotProved(_))));
    for alone in ["READ_FILES", "WRITE_FILES"] {
        fake.change(|state| state.privileges = vec![alone]);
        let found = look(SECONDARY).await;
        assert!(matches!(found, Ok(WriteAccess::NotProved(_))), "{found:?}");
    }
    fake.change(|state| state.privileges = vec!["READ_FILES", "WRITE_FILES"]);
    assert_eq!(look(SECONDARY).await, Ok(WriteAccess::Allowed));
    fake.change(|state| state.locations[0]["read_only"] = json!(true));
    assert!(matches!(look(SECONDARY).await, Ok(WriteAccess::Refused(_))));
    assert!(fake.asked("\"statement\":").is_empty());
}

#[tokio::test]
async fn a_result_that_is_too_long_is_read_from_its_signed_addresses_without_the_token() {
    let fake = Fake::start().await;
    fake.change(|state| {
        drop(state.tables.insert("main.core.a".to_owned(), DeltaTable::with_writes(5)))
    });
    let regions = fake.connect().await;
    let long = "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most 26214400 bytes. Please execute the statement with disposition=EXTERNAL_LINKS";
    fake.fault("DESCRIBE HISTORY", 1, What::Fail("BAD_REQUEST", long.to_owned()));
    let found = regions.primary.workspace.as_ref().unwrap().sources(&[question("a", None)]).await;
    assert_eq!(found[0].as_ref().unwrap().commits.len(), 5);
    assert_eq!(fake.asked("GET /signed/").len(), 1);
}
