//! What keeps a sandbox to itself: its folders, its tokens, and whom it answers.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::world::Sandbox;

use crate::support::runner::{Run, drsync, stderr};

#[tokio::test]
async fn no_link_among_workspace_files_or_volumes_is_shown_or_followed() {
    let sandbox = Sandbox::new().await;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "CANARY").unwrap();
    for folder in ["workspace", "volumes"] {
        let within = sandbox.path("east").join(folder);
        fs::create_dir_all(&within).unwrap();
        symlink(outside.path(), within.join("folder")).unwrap();
        symlink(outside.path().join("secret"), within.join("file")).unwrap();
        let kind = rustix::fs::FileType::Fifo;
        let pipe = within.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, rustix::fs::Mode::RWXU, 0).unwrap();
    }
    for path in ["file", "pipe", "folder/secret"] {
        for asked in ["export", "get-status", "list"] {
            let answer = sandbox.get(&format!("/api/2.0/workspace/{asked}?path=/{path}")).await;
            assert_eq!(answer.status, 404, "{asked} {path}: {}", answer.body);
        }
        let import = json!({"path": format!("/{path}"), "content": "eA==", "overwrite": true});
        let answer = sandbox.post("/api/2.0/workspace/import", import).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        let file = format!("/api/2.0/fs/files/Volumes/{path}");
        assert_eq!(sandbox.get(&file).await.status, 404, "{path}");
        let put = format!("{file}?overwrite=true");
        let answer = sandbox.send(Method::PUT, &put, Some(json!("x"))).await.unwrap();
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
    }
    let made = sandbox.post("/api/2.0/workspace/mkdirs", json!({"path": "/folder/new"})).await;
    assert_eq!(made.status, 400, "{}", made.body);
    let made = sandbox
        .send(Method::PUT, "/api/2.0/fs/directories/Volumes/folder/new", None)
        .await
        .unwrap();
    assert_eq!(made.status, 409, "{}", made.body);
    assert_eq!(sandbox.get("/api/2.0/workspace/list?path=/").await.body, json!({}));
    let removed = sandbox
        .send(Method::DELETE, "/api/2.0/fs/files/Volumes/folder/secret", None)
        .await
        .unwrap();
    assert_eq!(removed.status, 404, "{}", removed.body);
    let left: Vec<_> =
        fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["secret"]);
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"CANARY");
}

#[tokio::test]
async fn a_statement_reaches_a_folder_outside_of_the_world_only_if_it_is_allowed() {
    let outside = tempfile::tempdir().unwrap();
    let table = outside.path().join("payroll");
    let sandbox = Sandbox::new().await;
    copy(&sandbox.path("east/tables/ref_countries"), &table);
    let read = format!("SELECT count(*) FROM delta.`{}`", table.display());
    let list = format!("LIST '{}'", outside.path().display());
    // A link in the world leads out of it all the same.
    symlink(&table, sandbox.path("east/tables/link")).unwrap();
    let linked =
        format!("SELECT count(*) FROM delta.`{}`", sandbox.path("east/tables/link").display());
    for sql in [&read, &list, &linked] {
        let said = sandbox.failure(sql).await;
        assert!(said.contains("--allow"), "{sql}: {said}");
    }
    let allowed =
        Sandbox::serving(|options| options.allow = vec![outside.path().to_path_buf()]).await;
    assert_eq!(allowed.rows(&read).await[0][0], "249");
    assert!(!allowed.rows(&list).await.is_empty());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_sandbox_that_may_not_write_changes_nothing() {
    let sandbox = Sandbox::serving(|options| options.writable = false).await;
    let catalog = fs::read(sandbox.path("east/lakehouse.json")).unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM main.ref.countries").await[0][0], "249");
    for sql in [
        "DELETE FROM main.ref.countries",
        "DROP TABLE main.ref.countries",
        "CREATE SCHEMA main.new",
        "GRANT SELECT ON TABLE main.ref.countries TO `a@example.com`",
    ] {
        let said = sandbox.failure(sql).await;
        assert!(said.contains("read-only") && said.contains("--writable"), "{sql}: {said}");
    }
    let import = json!({"path": "/a", "content": "eA=="});
    let answer = sandbox.post("/api/2.0/workspace/import", import).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    let put =
        sandbox.send(Method::PUT, "/api/2.0/fs/files/Volumes/a", Some(json!("x"))).await.unwrap();
    assert_eq!(put.status, StatusCode::FORBIDDEN, "{}", put.body);
    let run = sandbox.post("/api/2.1/jobs/run-now", json!({"job_id": 1})).await;
    assert_eq!(run.status, StatusCode::FORBIDDEN, "{}", run.body);
    assert_eq!(fs::read(sandbox.path("east/lakehouse.json")).unwrap(), catalog);
    assert!(!sandbox.path("east/workspace").exists() && !sandbox.path("east/volumes").exists());
}

#[tokio::test]
async fn a_request_that_was_meant_for_another_host_is_refused_with_a_good_token_too() {
    let sandbox = Sandbox::new().await;
    let url = format!("{}/api/2.0/preview/scim/v2/Me", sandbox.primary().url);
    for (host, status) in
        [("attacker.example:8471", 421), ("127.0.0.1.attacker.example", 421), ("localhost", 200)]
    {
        let request = sandbox.client().get(&url).bearer_auth(&sandbox.primary().token);
        let answer = request.header(header::HOST, host).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{host}");
    }
}

fn program(world: &Path, more: &[&str]) -> Run {
    let serve = ["sandbox", "--port", "0", "--world"];
    drsync(".", &serve).args(&[world]).args(more)
}

/// What the program says until it serves; then it is ended.
fn served(world: &Path) -> String {
    let mut child = program(world, &[]).stdout(Stdio::piped()).spawn();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !said.contains("Next:") && lines.read_line(&mut said).unwrap() > 0 {}
    child.kill().unwrap();
    child.wait().unwrap();
    said
}

fn refused(world: &Path, more: &[&str]) -> String {
    let output = program(world, more).output();
    let said = stderr(&output);
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    said
}

#[tokio::test]
async fn tokens_are_random_kept_for_their_owner_alone_and_never_behind_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world");
    drsync::lakehouse::demo::build(&world, chrono::Utc::now()).await.unwrap();
    let kept = world.join("sandbox.env");
    let tokens = |said: &str| -> Vec<String> {
        said.lines().filter(|line| line.starts_with("export ")).map(str::to_owned).collect()
    };
    let first = tokens(&served(&world));
    assert_eq!(first.len(), 2, "{first:?}");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(tokens(&served(&world)), first, "the same world has the same tokens");

    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
    let said = refused(&world, &[]);
    assert!(said.contains("only its owner may read: remove it"), "{said}");
    fs::rename(&kept, folder.path().join("elsewhere")).unwrap();
    symlink(folder.path().join("elsewhere"), &kept).unwrap();
    let said = refused(&world, &[]);
    assert!(said.contains("sandbox.env") && said.contains("link"), "{said}");
    fs::remove_file(&kept).unwrap();
    assert_ne!(tokens(&served(&world)), first, "tokens cannot be computed from the folder");
}

#[tokio::test]
async fn a_folder_that_nobody_made_for_it_is_served_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path();
    drsync::lakehouse::demo::build(world, chrono::Utc::now()).await.unwrap();
    for name in ["drsync.json", ".drsync-demo"] {
        fs::remove_file(world.join(name)).unwrap();
    }
    let ask = |more: &'static [&'static str]| async move {
        let mut child = program(world, more).stdout(Stdio::piped()).spawn();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.contains("Next:") && lines.read_line(&mut said).unwrap() > 0 {}
        let after = |mark: &str| said.split(mark).nth(1).unwrap_or_default();
        let word = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
        let url = word(after("primary  "));
        let token = word(after("export ").split_once('=').unwrap().1);
        let body = json!({"path": "/a", "content": "eA=="});
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("{url}/api/2.0/workspace/import"));
        let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask(&[]).await, 403);
    assert!(!world.join("east/workspace").exists());
    assert_eq!(ask(&["--writable"]).await, 200);
    assert!(world.join("east/workspace/a").is_file());
}
