use super::*;
use crate::config::{TableName, WorkflowRef};
use crate::lakehouse::LakehouseWorkspace;
use crate::region::{PinQuestion, RunState, SourceQuestion, Table as Listed, Workspace};

fn east(dir: &Path) -> LakehouseWorkspace {
    LakehouseWorkspace::open(dir.join("east"), Writer::new("a"))
}

async fn tables(workspace: &dyn Workspace) -> Vec<Listed> {
    let names: Vec<TableName> =
        data::TABLES.iter().map(|name| TableName::parse(name).unwrap()).collect();
    workspace.tables(&names).await.unwrap().into_iter().map(Result::unwrap).collect()
}

async fn heads(workspace: &dyn Workspace) -> Vec<u64> {
    let mut heads = Vec::new();
    for table in tables(workspace).await {
        let asked = SourceQuestion { table, from_version: None };
        let source = workspace.sources(&[asked]).await.remove(0).unwrap();
        heads.push(source.commits.last().unwrap().version);
    }
    heads
}

#[tokio::test]
async fn the_demo_is_what_its_screen_shows() {
    let dir = tempfile::tempdir().unwrap();
    let now = Utc::now();
    let demo = build(dir.path(), now).await.unwrap();
    assert_eq!((demo.groups, demo.tables, demo.workflows), (3, 8, 2));
    let workspace = east(dir.path());
    workspace.identity().await.unwrap();
    assert_eq!(heads(&workspace).await, [8, 5, 4, 2, 2, 1, 1, 1]);

    let listed = tables(&workspace).await;
    let denied: Vec<_> = listed
        .iter()
        .filter(|table| table.denied.is_some())
        .map(|table| table.name.to_string())
        .collect();
    assert_eq!(denied, ["main.crm.contacts"]);

    let asked = [WorkflowRef::Name("orders_job".into())];
    let workflow = workspace.workflows(&asked, None).await.unwrap().remove(0).unwrap();
    let runs: Vec<_> = workflow.runs.iter().map(|run| (run.run_id, run.state)).collect();
    assert_eq!(
        runs,
        [(89, RunState::Active), (88, RunState::Succeeded), (87, RunState::Succeeded)]
    );
    let end = workflow.runs[1].ended_at.unwrap();
    let source = SourceQuestion { table: listed[0].clone(), from_version: None };
    let source = workspace.sources(&[source]).await.remove(0).unwrap();
    let at_end = source.commits.iter().rfind(|commit| commit.committed_at <= end).unwrap();
    assert_eq!(at_end.version, 6, "two newer commits stay out");

    let mut bytes = 0;
    for (table, version) in listed.iter().zip([6, 4, 4, 2, 2]) {
        let asked = PinQuestion {
            table: table.clone(),
            version,
            newest: false,
            replica_location: "/none".into(),
            replica_version: None,
            columns_since: None,
        };
        let pin = workspace.pins(&[asked]).await.remove(0).unwrap();
        bytes += pin.size.unwrap().bytes;
    }
    assert!((3 << 19..5 << 19).contains(&bytes), "about 2 MiB, not {bytes}");
}

#[tokio::test]
async fn going_on_ends_run_89_after_its_last_commit() {
    let dir = tempfile::tempdir().unwrap();
    let begin = Utc::now();
    build(dir.path(), begin).await.unwrap();
    let now = begin + TimeDelta::seconds(5);
    advance(dir.path(), now).await.unwrap();
    let workspace = east(dir.path());
    assert_eq!(heads(&workspace).await, [9, 6, 4, 2, 2, 1, 1, 1]);
    let asked = [WorkflowRef::Id(1016)];
    let workflow = workspace.workflows(&asked, None).await.unwrap().remove(0).unwrap();
    assert_eq!((workflow.runs[0].run_id, workflow.runs[0].state), (89, RunState::Succeeded));
    assert_eq!(workflow.runs[0].ended_at.unwrap().timestamp_millis(), now.timestamp_millis());
}

#[tokio::test]
async fn a_demo_is_made_anew_and_nothing_else_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let refused = build(dir.path(), Utc::now()).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let refused = advance(dir.path(), Utc::now()).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::NotFound);

    let own = dir.path().join("sub/drsync-demo");
    build(&own, Utc::now()).await.unwrap();
    std::fs::rename(own.join("west"), own.join("gone")).unwrap();
    let refused = build(&own, Utc::now()).await.unwrap_err();
    assert_eq!(refused.kind, RegionErrorKind::Conflict);
    assert!(refused.detail.to_string().ends_with(": gone"), "{refused}");
    std::fs::rename(own.join("gone"), dir.path().join("gone")).unwrap();
    build(&own, Utc::now()).await.unwrap();
    assert!(own.join("west/sync").is_dir());
}

#[tokio::test]
async fn the_configuration_of_the_demo_has_no_mistakes_and_can_be_moved() {
    let dir = tempfile::tempdir().unwrap();
    let demo = build(dir.path(), Utc::now()).await.unwrap();
    let text = std::fs::read_to_string(&demo.configuration).unwrap();
    let read = crate::config::read_text("drsync.json", text.as_bytes(), dir.path());
    assert_eq!(read.mistakes, []);
    assert_eq!(read.workspaces[0].groups.len(), 3);
    assert!(!text.contains(&dir.path().display().to_string()));
}
