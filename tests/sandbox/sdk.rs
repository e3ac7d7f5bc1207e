//! Clients of others, unmodified, against the sandbox.
//!
//! Each runs where `DRSYNC_TEST_PYTHON` names a Python that has it; elsewhere it says so and skips.

use std::ffi::OsString;

use tokio::process::Command;

use crate::support::able;
use crate::world::Sandbox;

/// Runs a script of `tests/python` with a Python that has these modules.
async fn run(modules: &str, script: &str, arguments: impl Fn(&Sandbox) -> Vec<OsString>) {
    let Some(python) = able::python(modules) else {
        return;
    };
    let sandbox = Sandbox::new().await;
    let output = Command::new(python)
        .arg(format!("{}/tests/python/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments(&sandbox))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", sandbox.path("home"))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_clients_work_unmodified() {
    run("databricks.sdk, databricks.sql", "sdk_check.py", |sandbox| {
        let served = sandbox.primary();
        let words = [
            &served.url,
            &served.token,
            &served.warehouse_id,
            &served.client_id,
            &served.client_secret,
        ];
        let location = sandbox.path("west/sync").into_os_string();
        words.map(OsString::from).into_iter().chain([location]).collect()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duckdb_reads_tables_by_way_of_the_catalog() {
    run(
        "duckdb_extension_httpfs, duckdb_extension_delta, duckdb_extension_unity_catalog",
        "duckdb_check.py",
        |sandbox| {
            let served = sandbox.primary();
            [&served.url, &served.token].map(OsString::from).into()
        },
    )
    .await;
}
