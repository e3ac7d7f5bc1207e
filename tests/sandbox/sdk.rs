//! Databricks' own clients, unmodified, against the sandbox.
//!
//! Runs where `DRSYNC_SDK_PYTHON` names a Python with `databricks-sdk`; says so and skips elsewhere.

use tokio::process::Command;

use crate::world::Sandbox;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_clients_work_unmodified() {
    let Some(python) = std::env::var_os("DRSYNC_SDK_PYTHON") else {
        eprintln!("SKIPPED: DRSYNC_SDK_PYTHON names no Python with databricks-sdk");
        return;
    };
    let sandbox = Sandbox::new().await;
    let served = sandbox.primary();
    let output = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python/sdk_check.py"
        ))
        .args([
            &served.url,
            &served.token,
            &served.warehouse_id,
            &served.client_id,
            &served.client_secret,
        ])
        .arg(sandbox.path("west/sync"))
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
