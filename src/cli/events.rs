//! Events of an apply as lines of JSON.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;

use super::flags::Context;
use super::{ExitStatus, Failure};
use crate::apply::Event;

/// Where events go, a line of JSON each.
pub(super) struct Events {
    to: Option<Mutex<Box<dyn Write + Send>>>,
    /// They share stdout with nothing else.
    pub(super) on_stdout: bool,
}

impl Events {
    /// Nowhere.
    pub(super) fn none() -> Events {
        Events {
            to: None,
            on_stdout: false,
        }
    }

    /// Opens the file that was asked for, or stdout.
    pub(super) fn open(path: Option<&Path>, context: &Context) -> Result<Events, Failure> {
        let on_stdout = path == Some(Path::new("-"));
        if on_stdout && context.json {
            let message = "--events - and --json both write to stdout: give --events a file";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        let to: Option<Box<dyn Write + Send>> = match path {
            None => None,
            Some(_) if on_stdout => Some(Box::new(io::stdout())),
            Some(path) => {
                let file =
                    File::create(path).with_context(|| format!("write {}", path.display()))?;
                Some(Box::new(file))
            }
        };
        Ok(Events {
            to: to.map(Mutex::new),
            on_stdout,
        })
    }

    /// Writes an event; a reader that went away is no reason to stop an apply.
    pub(super) fn write(&self, event: &Event) {
        let Some(to) = &self.to else { return };
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        if let Ok(mut to) = to.lock() {
            let _ = writeln!(to, "{line}").and_then(|()| to.flush());
        }
    }
}
