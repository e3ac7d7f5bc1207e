//! Metrics as a parser of Prometheus' own understands them.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::able;

/// Name, labels and value of every sample; `None`, and a word, where there is no such parser.
pub(crate) fn understood(text: &str) -> Option<Vec<Value>> {
    let python = able::python("prometheus_client")?;
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/metrics.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
