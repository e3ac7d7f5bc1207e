//! Mail: what it takes to hand 500 messages to a server on this machine over TLS, against Python's smtplib in the same run.
//!
//! `DRSYNC_TEST_PYTHON=/path/to/python cargo bench --bench notify`, with a Python that has `aiosmtpd`, `cryptography` and
//! `standardwebhooks`; says so and measures nothing elsewhere.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that prints, and a panic is its verdict"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

#[path = "../tests/support/able.rs"]
mod able;

/// Receivers; each gets a message of every class.
const RECEIVERS: usize = 42;
/// Classes of messages of `notify test`.
const CLASSES: usize = 12;
/// Pairs of measurements.
const PAIRS: usize = 7;
/// What drsync may take, in what smtplib takes.
const RATIO_MAX: f64 = 1.0;

/// Sends as many messages of their size over one connection, one envelope each, and says how long it took.
const PEER: &str = r#"
import smtplib, ssl, sys, time
from email.message import EmailMessage
port, ca, count, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
begun = time.monotonic()
with smtplib.SMTP_SSL("localhost", port, context=ssl.create_default_context(cafile=ca)) as server:
    server.login("drsync", "good-password")
    for number in range(count):
        message = EmailMessage()
        message["From"], message["To"] = "drsync@example.com", f"address-{number}@example.com"
        message["Subject"], message["Message-ID"] = f"message {number}", f"<{number}@example.com>"
        message.set_content("line of text\n" * (size // 26))
        message.add_alternative("<p>line of text\n" * (size // 32), subtype="html")
        server.send_message(message)
print(time.monotonic() - begun)
"#;

fn main() {
    let Some(python) = able::python("aiosmtpd, cryptography, standardwebhooks") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(&python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/told.py"))
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let ports: Value = serde_json::from_str(&line).unwrap();
    let port = ports["tls"].as_u64().unwrap();
    let ca = folder.path().join("ca.pem");
    let world = tempfile::tempdir().unwrap();
    configure(world.path(), port);

    // The size of what is sent, for the other one to send as much.
    run(world.path(), &ca);
    let came = std::fs::read_to_string(folder.path().join("came")).unwrap();
    let texts = came.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let size =
        |it: &Value| it["plain"].as_str().unwrap().len() + it["html"].as_str().unwrap().len();
    let sizes: Vec<usize> = texts.map(|it| size(&it)).collect();
    let count = RECEIVERS * CLASSES;
    assert_eq!(sizes.len(), count, "every message arrives");
    let size = sizes.iter().sum::<usize>() / count;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        ours.push(run(world.path(), &ca));
        let peer = Command::new(&python)
            .args(["-c", PEER, &port.to_string()])
            .arg(&ca)
            .args([count.to_string(), size.to_string()])
            .output()
            .unwrap();
        assert!(peer.status.success(), "{}", String::from_utf8_lossy(&peer.stderr));
        theirs.push(String::from_utf8(peer.stdout).unwrap().trim().parse().unwrap());
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours / theirs;
    println!(
        "{count} messages of {size} bytes over TLS: {ours:.2} s, smtplib {theirs:.2} s, ratio {ratio:.2} (medians of {PAIRS} pairs)"
    );
    assert!(ratio <= RATIO_MAX, "slower than smtplib");
}

/// A world whose configuration tells so many addresses over the server.
fn configure(world: &Path, port: u64) {
    let made = Command::new(env!("CARGO_BIN_EXE_drsync"))
        .args(["demo", "--dir", "."])
        .current_dir(world)
        .output()
        .unwrap();
    assert!(made.status.success());
    let path = world.join("drsync.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let workspace = &mut config["workspaces"][0];
    let addresses: Vec<String> =
        (0..RECEIVERS).map(|number| format!("address-{number}@example.com")).collect();
    workspace["sync_failure_notification"] = addresses.join(", ").into();
    workspace["sync_success_notification"] = addresses[0].clone().into();
    for group in workspace["sync_groups"].as_array_mut().unwrap() {
        group["group_owner_email"] = addresses[0].clone().into();
    }
    workspace["notifications"] = json!({
        "smtp": {
            "host": "localhost", "port": port, "security": "tls", "from": "drsync@example.com",
            "auth": "plain", "user": "drsync", "password_secret": "smtp",
        },
    });
    std::fs::write(path, config.to_string()).unwrap();
}

/// Sends all messages, and says how long it took from the program's start to its end.
fn run(world: &Path, ca: &Path) -> f64 {
    let begun = Instant::now();
    let sent = Command::new(env!("CARGO_BIN_EXE_drsync"))
        .args(["notify", "test"])
        .current_dir(world)
        .env("SSL_CERT_FILE", ca)
        .env("DRSYNC_SMTP_PASSWORD", "good-password")
        .output()
        .unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stdout));
    seconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
