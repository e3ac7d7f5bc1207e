//! What an apply says: its events as lines of JSON, its text on stdout, and what of both could not be written.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::flags::Context;
use super::{ExitStatus, Failure, output, place};
use crate::apply::{Event, LostOutput};
use crate::{harmless, secrets};

/// Where events go, a line of JSON each, and what was lost of them and of the text.
///
/// What cannot be written stops no apply: it is told at once on stderr, and in the record.
pub(super) struct Events {
    to: Option<Mutex<Box<dyn Write + Send>>>,
    /// Its name.
    shown: String,
    /// They share stdout with nothing else.
    pub(super) on_stdout: bool,
    lost: Mutex<Lost>,
}

#[derive(Default)]
struct Lost {
    events: Option<LostOutput>,
    text: Option<LostOutput>,
}

impl Events {
    /// Nowhere.
    pub(super) fn none() -> Events {
        Events { to: None, shown: String::new(), on_stdout: false, lost: Mutex::default() }
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
            Some(path) => Some(Box::new(place::for_events(path)?)),
        };
        let shown = match path {
            Some(path) if !on_stdout => path.display().to_string(),
            Some(_) | None => "stdout".to_owned(),
        };
        Ok(Events { to: to.map(Mutex::new), shown, on_stdout, lost: Mutex::default() })
    }

    /// Writes an event. After one that could not be written there are none: a gap in the middle would not be seen.
    pub(super) fn write(&self, event: &Event) {
        let Some(to) = &self.to else { return };
        if self.lost().events.is_some() {
            return;
        }
        let mut line = serde_json::to_string(event).unwrap_or_default();
        line.push('\n');
        let line = secrets::withheld(&line);
        let line = harmless::json(&line);
        let mut to = to.lock().expect("no panic while an event is written");
        let written = to.write_all(line.as_bytes()).and_then(|()| to.flush());
        if let Err(error) = written {
            self.lost().events = Some(note_loss(LostOutput::Events {
                to: self.shown.clone(),
                why: error.to_string().into(),
            }));
        }
    }

    /// Writes text or a document to stdout.
    pub(super) fn say(&self, text: &str) {
        self.heard(output::try_data(text));
    }

    /// What was lost so far; stdout is asked whether it would take anything.
    pub(super) fn lost_so_far(&self) -> Vec<LostOutput> {
        self.heard(output::try_stdout());
        let Lost { events, text } = &*self.lost();
        events.iter().chain(text).cloned().collect()
    }

    /// The ending of an apply whose output may have been lost.
    pub(super) fn ending(&self, otherwise: ExitStatus) -> ExitStatus {
        let Lost { events, text } = &*self.lost();
        match otherwise {
            ExitStatus::Ok if events.iter().chain(text).any(LostOutput::counts) => {
                ExitStatus::Failed
            }
            otherwise => otherwise,
        }
    }

    fn heard(&self, written: io::Result<()>) {
        let Err(error) = written else { return };
        let mut lost = self.lost();
        if lost.text.is_none() {
            lost.text = Some(note_loss(LostOutput::Text {
                reader_left: error.kind() == ErrorKind::BrokenPipe,
                why: error.to_string().into(),
            }));
        }
    }

    fn lost(&self) -> MutexGuard<'_, Lost> {
        self.lost.lock().expect("no panic while a loss is noted")
    }
}

/// Says it while there is something to be done about it, even where nobody wants remarks.
fn note_loss(lost: LostOutput) -> LostOutput {
    output::note(&format!("drsync: {lost}; the apply goes on"));
    lost
}

/// The question that an apply asks before it writes its record.
pub(super) fn question(events: &Arc<Events>) -> Arc<dyn Fn() -> Vec<LostOutput> + Send + Sync> {
    let events = Arc::clone(events);
    Arc::new(move || events.lost_so_far())
}
