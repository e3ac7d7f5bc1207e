//! The program on a terminal of its own, which is seen and answered as a person would.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::site::Site;
use crate::support::runner::PROGRAM;

/// What a terminal showed.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) status: i32,
    /// All that was shown, in its order.
    pub(super) text: String,
    /// All that is left on it.
    pub(super) lines: Vec<String>,
    pub(super) wide: Vec<String>,
    pub(super) unknown: Vec<String>,
    pub(super) shown: Vec<bool>,
    pub(super) cursor: bool,
    pub(super) plain: bool,
    pub(super) modes: bool,
}

/// What is typed after a text was shown, and the seconds before that.
pub(super) type Key<'a> = (&'a str, &'a str, f64);

/// Runs the program on a terminal; `None`: no python3 makes one.
pub(super) async fn on_terminal(
    site: &Site,
    variables: &BTreeMap<String, String>,
    columns: u16,
    keys: &[Key<'_>],
    args: &[&str],
) -> Option<Seen> {
    let script = format!("{}/tests/python/pty_screen.py", env!("CARGO_MANIFEST_DIR"));
    let asked = json!({"columns": columns, "rows": 30, "keys": keys}).to_string();
    let words = [&[script.as_str(), asked.as_str(), PROGRAM], args].concat();
    let run = site.another("python3", variables).env("TERM", "xterm-256color").args(&words);
    let output = match run.among_others().output().await {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: no python3 makes a terminal: {error}");
            return None;
        }
    };
    let said = site.said(output);
    let seen = serde_json::from_str(&said.stdout);
    Some(seen.unwrap_or_else(|error| panic!("{error}: {}{}", said.stdout, said.stderr)))
}
