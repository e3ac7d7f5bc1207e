//! Replicas in the secondary's own workspace: registered, refreshed, and never put over something else.

use chrono::DateTime;
use drsync::config::Connection;
use drsync::config::TableName;
use drsync::databricks::ConnectOptions;
use drsync::ledger::{Consistency, Cut, CutTableEntry};
use drsync::region::{Region, RegionErrorKind, Unregistered};
use serde_json::json;

use super::fake::{Fake, SECONDARY, TOKEN, What};
use super::recording::append;

fn cut(tables: &[&str]) -> Cut {
    let at = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
    let entry = |table: &&str| CutTableEntry {
        table: TableName::new("main", "core", *table),
        source_table_id: "uc-1".to_owned(),
        source_version: 7,
        source_committed_at: at,
        rows: None,
        files: 3,
        bytes: 300,
        replica_location: format!("{SECONDARY}/main/core/{table}"),
        replica_version: 0,
        source_commit_sha256: None,
        replica_files_sha256: None,
        replica_content_sha256: None,
        later: Default::default(),
    };
    Cut {
        group_name: "g".to_owned(),
        cut_number: 1,
        recovery_point: at,
        consistency: Consistency::PointInTime,
        trigger: "schedule".to_owned(),
        workflow_run_id: None,
        planned_at: at,
        tables: tables.iter().map(entry).collect(),
        accepted: vec![],
        plan_id: String::new(),
        plan_sha256: String::new(),
        run_id: "r".to_owned(),
        epoch: 0,
        committed_by: "x".to_owned(),
        committed_at: at,
        previous_sha256: None,
        run_record_sha256: None,
        kind: None,
        active: None,
        later: Default::default(),
    }
}

/// The same with the secondary's own workspace.
fn with_secondary(options: ConnectOptions, address: &str) -> ConnectOptions {
    let secondary = Some(address.parse().unwrap());
    let connection =
        Connection { secondary_name: Some("west".to_owned()), ..options.connection.clone() };
    let mut environment = options.environment.clone();
    let variables = &mut environment.variables;
    variables.insert("DRSYNC_TOKEN_WEST".to_owned(), TOKEN.to_owned());
    ConnectOptions { secondary, connection, environment, ..options }
}

#[tokio::test]
async fn replicas_are_registered_in_the_secondary_and_never_over_another_table() {
    let fake = Fake::start().await;
    let other = Fake::start().await;
    let column = |kind: &str| json!([{"name": "id", "type_text": kind}]);
    fake.change(|state| {
        drop(
            state
                .catalog
                .insert("main.core.grown".to_owned(), json!({"columns": column("bigint")})),
        )
    });
    other.change(|state| {
        state.catalog.insert("main.core.theirs".to_owned(), json!({"storage_location": "abfss://s@acc.test/elsewhere"}));
        let grown = json!({"storage_location": format!("{SECONDARY}/main/core/grown/"), "columns": column("int")});
        state.catalog.insert("main.core.grown".to_owned(), grown);
    });
    let options = with_secondary(fake.options(), &other.base);
    let regions = drsync::databricks::connect(&options).await.unwrap();
    regions.secondary.location.create_ledger("east").await.unwrap();
    let registers = |region: &Region| region.workspace.as_ref().unwrap().registers();
    assert!(registers(&regions.secondary) && !registers(&regions.primary));
    let cuts = [cut(&["gold", "theirs", "grown"])];
    let told = regions.secondary.workspace.as_ref().unwrap().register(&cuts).await.unwrap();
    let there = other.state.lock().unwrap().catalog.clone();
    assert_eq!(there["main.core.gold"]["storage_location"], format!("{SECONDARY}/main/core/gold"));
    assert_eq!(there["main.core.theirs"]["storage_location"], "abfss://s@acc.test/elsewhere");
    assert_eq!(other.asked("REPAIR TABLE").len(), 1);
    assert_eq!(
        told.refused,
        [Unregistered {
            tables: vec![TableName::new("main", "core", "theirs")],
            why: format!(
                "the secondary has a table main.core.theirs of its own at abfss://s@acc.test/elsewhere, which stays as it is; rename it, and the next apply registers the replica at {SECONDARY}/main/core/theirs"
            )
            .into(),
        }]
    );
    assert_eq!(told.tables, [TableName::new("main", "core", "gold")]);
}

#[tokio::test]
async fn what_cannot_be_registered_is_told_once_for_each_cause_with_what_to_do() {
    let fake = Fake::start().await;
    let other = Fake::start().await;
    let options = with_secondary(fake.options(), &other.base);
    let denied =
        "[INSUFFICIENT_PERMISSIONS] User does not have CREATE TABLE on Schema 'main.core'.";
    let denied = What::Fail("BAD_REQUEST", denied.to_owned());
    other.fault("CREATE TABLE IF NOT EXISTS", 5, denied);
    let regions = drsync::databricks::connect(&options).await.unwrap();
    let cuts = [cut(&["a", "b", "c", "d", "e"])];
    let told = regions.secondary.workspace.as_ref().unwrap().register(&cuts).await.unwrap().refused;
    assert_eq!(told.len(), 1, "{told:?}");
    let head = "not registered in the secondary's catalog: main.core.a, main.core.b, main.core.c and 2 more: ";
    assert!(told[0].why.to_string().starts_with(head) && told[0].tables.len() == 5, "{told:?}");
    let grant = format!("; in {}: GRANT CREATE TABLE ON SCHEMA main.core TO `", other.base);
    assert!(told[0].why.to_string().contains(&grant), "{told:?}");
    let again = regions.secondary.workspace.as_ref().unwrap().register(&cuts).await.unwrap();
    assert_eq!((again.tables.len(), again.refused.len()), (5, 0));
    assert_eq!(other.asked("CREATE TABLE IF NOT EXISTS").len(), 10);
}

#[tokio::test]
async fn a_secondary_that_names_another_thing_or_another_right_has_none_of_its_words_in_a_grant() {
    for (told, expected) in [
        (
            "CREATE EXTERNAL TABLE on External Location 's'",
            "; in OTHER: GRANT READ FILES, CREATE EXTERNAL TABLE ON EXTERNAL LOCATION s TO `dr@example.com`",
        ),
        ("CREATE EXTERNAL TABLE on External Location 'theirs'", ""),
        ("MANAGE on Schema 'main.core'", ""),
        ("ALL PRIVILEGES on Catalog 'main'", ""),
        ("CREATE TABLE on Schema 'hr.pay'", ""),
    ] {
        let fake = Fake::start().await;
        let other = Fake::start().await;
        let denied = format!("[INSUFFICIENT_PERMISSIONS] User does not have {told}.");
        let denied = What::Fail("BAD_REQUEST", denied);
        other.fault("CREATE TABLE IF NOT EXISTS", 1, denied);
        let options = with_secondary(fake.options(), &other.base);
        let regions = drsync::databricks::connect(&options).await.unwrap();
        let refused =
            regions.secondary.workspace.as_ref().unwrap().register(&[cut(&["a"])]).await.unwrap();
        let [Unregistered { why, .. }] = &refused.refused[..] else { panic!("{told}") };
        let refused = why.to_string();
        assert_eq!(refused.contains("GRANT"), !expected.is_empty(), "{refused}");
        assert!(refused.contains(&expected.replace("OTHER", &other.base)), "{refused}");
        let general =
            "in the secondary the principal needs USE CATALOG, USE SCHEMA and CREATE TABLE";
        assert_eq!(refused.contains(general), expected.is_empty(), "{refused}");
    }
}

#[tokio::test]
async fn a_secondary_workspace_that_is_away_is_not_seen_and_nothing_more() {
    let fake = Fake::start().await;
    let options = with_secondary(fake.options(), "http://127.0.0.1:9");
    let regions = drsync::databricks::connect(&options).await.unwrap();
    let presence = regions.secondary.presence().await.unwrap();
    assert!(
        presence
            .workspace_unseen
            .unwrap()
            .to_string()
            .starts_with("http://127.0.0.1:9 does not answer: no connection")
    );
    regions.secondary.location.create_ledger("east").await.unwrap();
    let cuts = [cut(&["gold"])];
    append(regions.secondary.location.as_ref(), &cuts[0]).await.unwrap();
    let refused = regions.secondary.workspace.as_ref().unwrap().register(&cuts).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Unavailable);
}

#[tokio::test]
async fn where_the_primary_is_gone_the_secondarys_own_workspace_reads_and_writes_nothing() {
    let other = Fake::start().await;
    let own = other.connect().await;
    own.secondary.location.create_ledger("east").await.unwrap();
    let cut = cut(&["gold"]);
    append(own.secondary.location.as_ref(), &cut).await.unwrap();
    let mut options = with_secondary(other.options(), &other.base);
    options.address = "http://127.0.0.1:9".parse().unwrap();
    let regions = drsync::databricks::connect(&options).await.unwrap();
    assert!(regions.primary.presence().await.is_err());
    let presence = regions.secondary.presence().await.unwrap();
    assert_eq!(presence.workspace_unseen, None);
    let ledger = regions.secondary.location.ledger().await.unwrap();
    assert_eq!(ledger.cuts.unwrap().cuts, std::slice::from_ref(&cut));
    // Two workspaces that write to one location are one too many.
    let before = other.asked("MERGE INTO").len();
    let refused = [
        append(regions.secondary.location.as_ref(), &cut).await.map(drop),
        regions.secondary.location.write_rows(&[]).await.map(drop),
        regions.secondary.location.copy_cuts(&[cut]).await,
        regions.secondary.location.keep_evidence("a", b"b").await,
        regions.secondary.location.create_ledger("east").await,
        regions.secondary.location.clone_ledger(SECONDARY).await,
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind, RegionErrorKind::Unavailable);
    }
    assert_eq!(other.asked("MERGE INTO").len(), before);
}

#[tokio::test]
async fn a_replica_has_a_name_in_the_secondary_where_that_is_a_table_that_lies_there() {
    let fake = Fake::start().await;
    let other = Fake::start().await;
    let place = |table: &str| format!("{SECONDARY}/main/core/{table}");
    other.change(|state| {
        let catalog = &mut state.catalog;
        catalog.insert("main.core.gold".to_owned(), json!({"storage_location": place("gold/")}));
        let elsewhere = json!({"storage_location": "abfss://s@acc.test/elsewhere"});
        catalog.insert("main.core.theirs".to_owned(), elsewhere);
    });
    let tables = ["gold", "theirs", "none"];
    let asked = tables.map(|table| (TableName::new("main", "core", table), place(table)));
    let options = with_secondary(fake.options(), &other.base);
    let regions = drsync::databricks::connect(&options).await.unwrap();
    assert_eq!(
        regions.secondary.workspace.as_ref().unwrap().registered(&asked).await,
        [true, false, false]
    );
    let alone = drsync::databricks::connect(&fake.options()).await.unwrap();
    assert!(alone.secondary.workspace.is_none());
}
