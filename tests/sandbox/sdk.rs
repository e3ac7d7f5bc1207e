//! Clients of others, unmodified, against the sandbox.
//!
//! Each runs where a variable names a Python that has it; elsewhere it says so and skips.

use std::ffi::OsString;

use tokio::process::Command;

use crate::world::Sandbox;

/// Runs a script of `tests/python` with the Python that a variable names.
async fn run(variable: &str, script: &str, arguments: impl Fn(&Sandbox) -> Vec<OsString>) {
    let Some(python) = std::env::var_os(variable) else {
        eprintln!("SKIPPED: {variable} names no Python for {script}");
        return;
    };
    let sandbox = Sandbox::new().await;
    let output = Command::new(python)
        .arg(format!(
            "{}/tests/python/{script}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .args(arguments(&sandbox))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", sandbox.path("home"))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// `DRSYNC_SDK_PYTHON`: `databricks-sdk` and `databricks-sql-connector`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_clients_work_unmodified() {
    run("DRSYNC_SDK_PYTHON", "sdk_check.py", |sandbox| {
        let served = sandbox.primary();
        let words = [
            &served.url,
            &served.token,
            &served.warehouse_id,
            &served.client_id,
            &served.client_secret,
        ];
        let location = sandbox.path("west/sync").into_os_string();
        words
            .map(OsString::from)
            .into_iter()
            .chain([location])
            .collect()
    })
    .await;
}

/// `DRSYNC_DUCKDB_PYTHON`: `duckdb` with its extensions `httpfs`, `delta` and `unity_catalog` as packages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duckdb_reads_tables_by_way_of_the_catalog() {
    run("DRSYNC_DUCKDB_PYTHON", "duckdb_check.py", |sandbox| {
        let served = sandbox.primary();
        [&served.url, &served.token].map(OsString::from).into()
    })
    .await;
}
