//! A workspace: the steps are SQL, run in the west of a sandbox.

use std::net::TcpListener;
use std::path::Path;

use drsync::lakehouse::delta::{self, TableStore};
use drsync::lakehouse::{LakehouseLocation, Writer, demo};
use drsync::region::Location as _;
use drsync::sandbox::{self, Running, WorkspaceEndpoint, World};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::below::files;
use crate::runbook::follow::{Step, drsync, ends, guided, steps};
use crate::runbook::lakehouse::run_to_its_end;

/// A demo that is served, after two applies; the group of reference data has a name that needs quoting everywhere.
pub(crate) struct West {
    folder: TempDir,
    pub(crate) running: Running,
    pub(crate) variables: Vec<(String, String)>,
}

pub(crate) const ODD: &str = "it's `odd`";

impl West {
    pub(crate) async fn new() -> West {
        let folder = tempfile::tempdir().unwrap();
        demo::build(folder.path(), chrono::Utc::now()).await.unwrap();
        let world = World::find(folder.path()).unwrap();
        let running = sandbox::serve(sandbox::SandboxOptions::new(world)).await.unwrap();
        let served = [&running.primary, &running.secondary];
        let variables =
            served.map(|served| (served.token_variable.clone(), served.token.clone())).to_vec();
        let mut text: Value = serde_json::from_str(&running.configuration).unwrap();
        let groups = text["workspaces"][0]["sync_groups"].as_array_mut().unwrap();
        let group = groups.iter_mut().find(|group| group["group_name"] == "reference_data");
        group.unwrap()["group_name"] = ODD.into();
        text["workspaces"][0]["failover_when"] = "east is away for an hour".into();
        text["workspaces"][0]["sync_min_interval_minutes"] = 0.into();
        text["workspaces"][0]["failover_approvers"] = "cto@example.com".into();
        std::fs::write(folder.path().join("served.json"), text.to_string()).unwrap();
        // Where nobody listens any more.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        text["workspaces"][0]["workspace_instance_url"] = format!("http://127.0.0.1:{port}").into();
        std::fs::write(folder.path().join("dead.json"), text.to_string()).unwrap();
        let west = West { folder, running, variables };
        west.drsync(&["apply", "--auto-approve", "--config", "served.json"], 4).await;
        west
    }

    pub(crate) fn path(&self, inside: &str) -> std::path::PathBuf {
        self.folder.path().join(inside)
    }

    /// Runs drsync, which has to end so, and takes what it says.
    pub(crate) async fn drsync(&self, arguments: &[&str], code: i32) -> String {
        self.drsync_as(&self.variables, "", arguments, code).await
    }

    /// The same in a folder below, by somebody who has these variables.
    pub(crate) async fn drsync_as(
        &self,
        variables: &[(String, String)],
        inside: &str,
        arguments: &[&str],
        code: i32,
    ) -> String {
        let (folder, variables) = (self.path(inside), variables.to_vec());
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let ran = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            drsync(&folder, &variables, &arguments)
        });
        ends(&ran.await.unwrap(), code)
    }

    /// What the west answers to a statement: its rows by column, or its error.
    async fn sql(&self, statement: &str) -> Result<Vec<Value>, String> {
        answer(&self.running.secondary, statement).await
    }

    pub(crate) async fn runbook(&self) -> (String, Vec<Step>) {
        self.runbook_with(&[]).await
    }

    async fn runbook_with(&self, words: &[&str]) -> (String, Vec<Step>) {
        let asked = [&["runbook", "--config", "dead.json"], words].concat();
        let page = self.drsync(&asked, 0).await;
        let all = steps(&page, "sql");
        (page, all)
    }

    /// How many rows a fence says to have inserted; one that failed inserted none.
    async fn fenced(&self, step: &Step) -> u64 {
        fenced(&self.running.secondary, step).await
    }
}

/// What a workspace answers to a statement: its rows by column, or its error.
pub(crate) async fn answer(
    served: &WorkspaceEndpoint,
    statement: &str,
) -> Result<Vec<Value>, String> {
    let WorkspaceEndpoint { url, token, warehouse_id, .. } = served;
    let client = Client::builder().no_proxy().build().unwrap();
    let body = json!({"statement": statement, "warehouse_id": warehouse_id, "wait_timeout": "50s"});
    let request = client.post(format!("{url}/api/2.0/sql/statements")).bearer_auth(token);
    let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
    if answer["status"]["state"] != "SUCCEEDED" {
        return Err(answer["status"]["error"]["message"].as_str().unwrap().to_owned());
    }
    let columns = answer["manifest"]["schema"]["columns"].as_array().cloned().unwrap_or_default();
    let rows = answer["result"]["data_array"].as_array().cloned().unwrap_or_default();
    let named = |row: &Value| -> Value {
        let cells = columns.iter().zip(row.as_array().unwrap());
        cells
            .map(|(column, cell)| (column["name"].as_str().unwrap().to_owned(), cell.clone()))
            .collect()
    };
    Ok(rows.iter().map(named).collect())
}

/// How many rows a fence says to have inserted; one that failed inserted none.
pub(crate) async fn fenced(served: &WorkspaceEndpoint, step: &Step) -> u64 {
    let answer = answer(served, &step.text).await.unwrap_or_default();
    let inserted = answer.first().map(|row| row["num_inserted_rows"].clone());
    inserted.and_then(|count| count.as_str()?.parse().ok()).unwrap_or(0)
}

/// The statements of a step.
pub(crate) fn statements(step: &Step) -> Vec<&str> {
    step.text.split(";\n").map(|text| text.trim_end_matches(';')).collect()
}

async fn rows_of(folder: &Path, version: Option<u64>) -> Vec<String> {
    let store = TableStore::local(folder);
    let mut rows = Vec::new();
    for batch in delta::read_rows(&store, version).await.unwrap() {
        let mut writer = arrow_json::LineDelimitedWriter::new(Vec::new());
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let text = String::from_utf8(writer.into_inner()).unwrap();
        rows.extend(text.lines().map(str::to_owned));
    }
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_it_has_the_tables_as_the_cut_has_them_and_drsync_leaves_them_alone() {
    let west = West::new().await;
    let replica = west.path("west/sync/main/ref/countries");
    let drift = format!("DELETE FROM delta.`{}`", replica.display());
    west.sql(&drift).await.unwrap();
    let (page, all) = west.runbook().await;
    assert!(page.contains("- [ ] \"east is away for an hour\""), "{page}");
    assert!(page.contains("one of `cto@example.com` says yes"), "{page}");
    for step in &all {
        if step.is("Fence") {
            assert_eq!(west.fenced(step).await, 1, "{}", step.text);
        } else if step.is("Bring back") {
            for statement in statements(step) {
                let answer = west.sql(statement).await;
                let good = answer.as_ref().is_ok_and(|rows| rows.len() == 1)
                    || answer.as_ref().is_err_and(|why| why.contains("should be less then"));
                assert!(good, "{statement}\n{answer:?}");
            }
        } else if step.is("Mark") {
            for statement in statements(step) {
                west.sql(statement).await.unwrap();
            }
        } else {
            assert!(step.is("Check"), "{}", step.heading);
            let lines = west.sql(&step.text).await.unwrap();
            assert!(!lines.is_empty());
            assert!(lines.iter().all(|line| line["as_the_cut"] == "true"), "{lines:?}");
        }
    }
    let fences: Vec<&Step> = all.iter().filter(|step| step.is("Fence")).collect();
    assert_eq!(fences.len(), 2);
    for fence in fences {
        assert_eq!(west.fenced(fence).await, 0, "somebody was faster");
    }
    // As a lakehouse that knows nothing of the service reads the log, and the tables.
    let location = west.path("west/sync");
    let location = LakehouseLocation::open(location.to_str().unwrap(), Writer::new("auditor"));
    let cuts = location.unwrap().ledger().await.unwrap().all_cuts();
    let mut tables = 0;
    for cut in cuts.newest_of_each() {
        assert!(
            cut.is_role() && cut.epoch == 1 && cut.active.as_deref() == Some("west"),
            "{cut:?}"
        );
        for entry in &cut.tables {
            let source = format!("east/tables/{}_{}", entry.table.schema, entry.table.table);
            let source = rows_of(&west.path(&source), Some(entry.source_version)).await;
            assert_eq!(rows_of(Path::new(&entry.replica_location), None).await, source);
            tables += 1;
        }
    }
    assert_eq!(tables, 5);

    let before = files(&west.path("west/sync/main"));
    west.drsync(&["apply", "--auto-approve", "--config", "served.json"], 11).await;
    assert_eq!(files(&west.path("west/sync/main")), before);

    // The west works.
    let work = format!("DELETE FROM delta.`{}` WHERE id = 5", replica.display());
    west.sql(&work).await.unwrap();
    west.drsync(&["apply", "--auto-approve", "--config", "served.json"], 11).await;
    let worked = rows_of(&replica, None).await;

    // And home again, as docs/bad-day.md says: the tables, the fence, and what was written meanwhile is accepted once.
    for cut in cuts.newest_of_each() {
        for entry in &cut.tables {
            let text =
                guided("CREATE OR REPLACE TABLE").replace("<table>", &entry.table.to_string());
            let text = text.replace("<replica location>", &entry.replica_location);
            let text = text.replace("<what the table at home had>", "interval 7 days");
            answer(&west.running.primary, &text).await.unwrap();
        }
    }
    let (_, home) = west.runbook_with(&["--come-back"]).await;
    assert_eq!(home.len(), 2, "{home:#?}");
    for step in &home {
        assert_eq!(west.fenced(step).await, 1, "{}", step.text);
    }
    // What was only marked meanwhile needs nobody.
    west.drsync(&["apply", "--auto-approve", "--config", "served.json"], 4).await;
    let status = west.drsync(&["status", "--config", "served.json"], 0).await;
    assert!(status.contains("replica_changed") && !status.contains("failed_over"), "{status}");
    run_to_its_end(&west.path(""));
    let odd = format!("replica_changed:{ODD}");
    let accept = ["plan", "--config", "served.json", "--accept", &odd];
    let now = ["--now", ODD];
    let accept = [&accept[..], &now, &["--reason", "we were away", "--out", "home.json"]].concat();
    west.drsync(&accept, 0).await;
    west.drsync(&["apply", "home.json", "--config", "served.json"], 4).await;
    let countries = west.path("east/tables/ref_countries");
    assert_eq!(rows_of(&countries, None).await, worked);
    assert_eq!(rows_of(&replica, None).await, worked);

    let orders = west.path("east/tables/shop_orders");
    let replicated = rows_of(&west.path("west/sync/main/shop/orders"), None).await;
    assert_eq!(rows_of(&orders, None).await, replicated);

    // Then everything synchronizes as before.
    let more = "DELETE FROM main.ref.countries WHERE id = 7";
    answer(&west.running.primary, more).await.unwrap();
    let now = rows_of(&countries, None).await;
    assert_eq!(now.len() + 1, worked.len());
    // The service tells its clock in whole seconds: what was written in this one may be after the moment that the first takes.
    for _ in 0..3 {
        let again = ["apply", "--auto-approve", "--now", ODD, "--config", "served.json"];
        west.drsync(&again, 4).await;
        if rows_of(&replica, None).await == now {
            return;
        }
    }
    panic!("what the east writes is not synchronized any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_follow_it_at_once_one_is_told_that_it_is_done() {
    let west = West::new().await;
    let (_, all) = west.runbook().await;
    for fence in all.iter().filter(|step| step.is("Fence")) {
        let (one, other) = tokio::join!(west.fenced(fence), west.fenced(fence));
        assert_eq!(one + other, 1);
    }
}
