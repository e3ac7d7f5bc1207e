//! The gate of stored plans: what can be refused without a region is refused before any connection is made.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::program::{NOW, code, drsync, stderr, stdout, world};
use crate::support::edits::resealed;
use crate::support::runner;

/// A host that counts who connects, and knows nobody.
struct Host {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Host {
    fn new() -> Host {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                let _ = stream.read(&mut [0; 4096]);
                let body = r#"{"error_code":"NOT_FOUND","message":"no"}"#;
                let _ = write!(
                    stream,
                    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Host { url, connections }
    }

    fn connections(&self) -> usize {
        self.connections.swap(0, Ordering::Relaxed)
    }
}

fn signed_in(folder: &Path, arguments: &[&str]) -> Output {
    at(NOW, folder, arguments)
}

fn at(now: &str, folder: &Path, arguments: &[&str]) -> Output {
    let tokens = [("DRSYNC_TOKEN_EAST", "dapiCANARY"), ("DATABRICKS_TOKEN", "dapiAMBIENT")];
    runner::drsync(folder, arguments).at(now).envs(tokens).output()
}

/// A plan of the demo's world whose primary is another host, as whoever may write the file can make it; with its effect.
fn plan_for(folder: &Path, host: &str) -> (Value, String) {
    assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 0);
    let text = std::fs::read_to_string(folder.join("p.json")).expect("stored");
    let mut plan: Value = serde_json::from_str(&text).expect("JSON");
    plan["workspaces"][0]["observed"]["primary"]["workspace"] = host.into();
    let stored = resealed(plan).expect("a plan");
    let effect = stored.plan.effect_sha256.clone();
    let document = serde_json::to_value(&stored.plan).expect("JSON");
    (document, effect)
}

fn write(folder: &Path, name: &str, document: &Value) {
    std::fs::write(folder.join(name), format!("{document:#}")).expect("written");
}

#[test]
fn no_refusal_of_a_stored_plan_costs_a_connection() {
    let (world, host) = (world(), Host::new());
    let folder = world.path();
    let (plan, effect) = plan_for(folder, &host.url);
    write(folder, "host.json", &plan);
    let mut altered = plan.clone();
    altered["workspaces"][0]["groups"][0]["name"] = "others".into();
    write(folder, "altered.json", &altered);
    let mut later = plan.clone();
    later["format_version"] = "2.0".into();
    write(folder, "later.json", &later);
    std::fs::write(folder.join("empty.json"), "{}").expect("written");
    // The configuration that the host is part of, and a folder without any.
    let text = std::fs::read_to_string(folder.join("drsync.json")).expect("read");
    let mut own: Value = serde_json::from_str(&text).expect("JSON");
    own["workspaces"][0]["workspace_instance_url"] = host.url.clone().into();
    write(folder, "own.json", &own);
    let mut signed = own.clone();
    signed["require_signature"] = "RWTl960y2qnVbWtqGGSqN/TOTokd4qyFMwd02hds9UEX4dEGFqc+Erjv".into();
    write(folder, "signed.json", &signed);
    let bare = tempfile::tempdir().expect("a folder");
    write(bare.path(), "host.json", &plan);
    let key = "RWTl960y2qnVbWtqGGSqN/TOTokd4qyFMwd02hds9UEX4dEGFqc+Erjv";
    let other = "0".repeat(64);
    let cases: &[(&Path, &[&str], i32, &str)] = &[
        (folder, &["altered.json", "-c", "own.json"], 10, "was altered"),
        (folder, &["later.json", "-c", "own.json"], 65, "newer drsync"),
        (folder, &["empty.json", "-c", "own.json"], 65, "no plan"),
        (folder, &["missing.json", "-c", "own.json"], 65, "missing.json"),
        (
            folder,
            &["host.json", "-c", "own.json", "--expect-effect", &other],
            10,
            "review it again",
        ),
        (bare.path(), &["host.json", "--expect-effect", &other], 10, "review it again"),
        (folder, &["host.json", "-c", "own.json", "--expect-effect", ""], 64, "--expect-effect"),
        (
            folder,
            &["host.json", "-c", "own.json", "--require-signature", key],
            7,
            "host.json.minisig",
        ),
        // Forgotten on the command line, asked for by the configuration.
        (folder, &["host.json", "-c", "signed.json"], 7, "require_signature"),
        (
            folder,
            &["host.json"],
            7,
            "workspace_instance_url of workspace east is http://127.0.0.1:",
        ),
        (
            folder,
            &["host.json", "--expect-effect", &effect],
            7,
            "workspace_instance_url of workspace east",
        ),
        (bare.path(), &["host.json"], 7, "--require-signature"),
        (folder, &["host.json", "-c", "nowhere.json"], 78, "nowhere.json"),
    ];
    for command in ["apply", "check"] {
        for (folder, arguments, status, said) in cases {
            let all = [&[command], *arguments].concat();
            let refused = signed_in(folder, &all);
            let text = stderr(&refused);
            assert_eq!(code(&refused), *status, "{all:?}: {text}");
            assert!(text.contains(said), "{all:?}: {text}");
            assert_eq!(host.connections(), 0, "{all:?}");
        }
    }
    // Its effect does not cover all that would be done.
    let mut first = plan.clone();
    first["format_version"] = "1.0".into();
    let first = resealed(first).expect("a plan of the first version").plan;
    write(folder, "first.json", &serde_json::to_value(&first).expect("JSON"));
    let first = first.effect_sha256;
    let refused =
        signed_in(folder, &["apply", "first.json", "-c", "own.json", "--expect-effect", &first]);
    let text = stderr(&refused);
    assert_eq!(code(&refused), 5, "{text}");
    assert!(
        text.contains("format version 1.0") && text.contains("drsync plan --config own.json --out"),
        "{text}"
    );
    assert_eq!(code(&signed_in(folder, &["show", "first.json"])), 0);
    // A record that has to be signed, and nobody to sign it; then somebody else.
    let mut records = own.clone();
    records["require_signed_records"] = key.into();
    write(folder, "records.json", &records);
    let minisign::KeyPair { sk, .. } =
        minisign::KeyPair::generate_unencrypted_keypair().expect("a pair of keys");
    let secret = sk.to_box(None).expect("a text").into_string();
    std::fs::write(folder.join("other.key"), secret).expect("written");
    let only_ours = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(folder.join("other.key"), only_ours).expect("set");
    for what in [&["host.json"][..], &["--auto-approve"]] {
        for (with, said) in [
            (&[][..], "--sign-record-with runner.key"),
            (&["--sign-record-with", "other.key"], "is none of those"),
        ] {
            let all = [&["apply", "-c", "records.json"][..], what, with].concat();
            let refused = signed_in(folder, &all);
            let text = stderr(&refused);
            assert_eq!(code(&refused), 7, "{all:?}: {text}");
            assert!(text.contains("require_signed_records") && text.contains(said), "{text}");
        }
    }
    records["require_signed_records"] = "nobody.pub".into();
    write(folder, "records.json", &records);
    for command in [&["apply", "host.json"][..], &["apply", "--auto-approve"], &["validate"]] {
        let refused = signed_in(folder, &[command, &["-c", "records.json"]].concat());
        let text = stderr(&refused);
        assert_eq!(code(&refused), 78, "{command:?}: {text}");
        assert!(text.contains("nobody.pub"), "{command:?}: {text}");
    }
    assert_eq!(host.connections(), 0);

    for (now, status) in [("2026-12-22T11:00:00Z", 5), ("2026-11-21T11:00:00Z", 10)] {
        let refused = at(now, folder, &["apply", "host.json", "-c", "own.json"]);
        assert_eq!(code(&refused), status, "{}", stderr(&refused));
    }
    let selected = ["apply", "host.json", "-c", "own.json", "--only", "orders"];
    assert_eq!(code(&signed_in(folder, &selected)), 64);
    assert_eq!(host.connections(), 0);
    let runs = std::fs::read_dir(bare.path()).expect("a folder").count();
    assert_eq!(runs, 1, "nothing was written");

    // Each of the two that vouch lets it out.
    let own = ["apply", "host.json", "-c", "own.json"];
    let effect = ["apply", "host.json", "--expect-effect", &effect];
    for (folder, vouched) in [(folder, &own), (bare.path(), &effect)] {
        let refused = signed_in(folder, vouched);
        assert!(host.connections() > 0, "{}", stderr(&refused));
    }
}

#[test]
fn a_plan_of_folders_needs_no_credentials_and_is_one_of_its_configuration() {
    let world = world();
    let folder = world.path();
    assert_eq!(code(&drsync(folder, &["plan", "--out", "p.json"])), 0);
    let text = std::fs::read_to_string(folder.join("drsync.json")).expect("read");
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    other["workspaces"][0]["sync_location_secondary"] = "elsewhere".into();
    write(folder, "other.json", &other);
    let refused = drsync(folder, &["apply", "p.json", "-c", "other.json"]);
    assert_eq!(code(&refused), 7, "{}", stderr(&refused));
    let text = stderr(&refused);
    assert!(
        text.contains("sync_location_secondary of workspace east is ")
            && text.contains("/west/sync in p.json, and ")
            && text.contains("/elsewhere in other.json")
            && text.contains("computed from drsync.json"),
        "{text}"
    );
    // From a folder without a configuration too: nobody signs in anywhere.
    let bare = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder.join("p.json"), bare.path().join("p.json")).expect("copied");
    assert_eq!(code(&drsync(bare.path(), &["check", "p.json"])), 4);
    let below = folder.join("west");
    let applied = drsync(&below, &["apply", "../p.json"]);
    assert_eq!(code(&applied), 4, "{}", stderr(&applied));
}

#[test]
fn an_altered_plan_is_told_with_what_it_states_and_what_was_computed() {
    let world = world();
    let folder = world.path();
    let (plan, effect) = plan_for(folder, "/elsewhere");
    let mut altered = plan.clone();
    altered["workspaces"][0]["groups"][0]["max_retries"] = json!(20);
    write(folder, "altered.json", &altered);
    let shown = drsync(folder, &["show", "altered.json", "--json"]);
    assert_eq!(code(&shown), 10);
    let told: Value = serde_json::from_str(&stdout(&shown)).expect("JSON");
    for digest in ["effect_sha256", "document_sha256"] {
        assert_eq!(told["digests"][digest]["stated"], plan[digest]);
        let computed = told["digests"][digest]["computed"].as_str().expect("computed");
        assert_eq!(computed.len(), 64);
    }
    let text = stderr(&drsync(folder, &["show", "altered.json"]));
    assert!(
        text.contains(&format!(
            "document_sha256 stated {}",
            plan["document_sha256"].as_str().expect("stated")
        )),
        "{text}"
    );
    assert_eq!(plan["effect_sha256"], effect.as_str());

    // A statement that is not the step's clone, with digests that are right.
    let mut evil = plan.clone();
    let groups = evil["workspaces"][0]["groups"].as_array_mut().expect("groups");
    let mut due = groups.iter_mut().filter(|group| group["decision"] == "sync");
    due.next().expect("one is due")["steps"][0]["statement"] = "DROP TABLE main.shop.orders".into();
    let error = resealed(evil).expect_err("refused");
    assert!(error.to_string().contains(
        "its statement is DROP TABLE main.shop.orders, and follows as CREATE OR REPLACE"
    ));
}
