//! What an apply says while it works: bars on a terminal, elsewhere one line a transition.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::apply::Event;
use crate::harmless::lines;
use crate::plan::Plan;

mod bars;
mod log;
mod pace;

use bars::Bars;
pub use log::Log;

/// Shows an apply at work on stderr.
#[derive(Debug)]
pub struct Progress(Mutex<Screen>);

#[derive(Debug)]
enum Screen {
    Quiet,
    Lines(Log),
    Bars(Bars),
}

/// How an apply at work is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Quiet,
    /// One line a transition.
    Lines,
    /// A bar for every running group, and the pace of all.
    Bars,
}

impl Progress {
    /// Gets ready to show the apply of a plan.
    pub fn of(plan: &Plan, mode: Mode) -> Progress {
        Progress(Mutex::new(match mode {
            Mode::Quiet => Screen::Quiet,
            Mode::Lines => Screen::Lines(Log::of(plan)),
            Mode::Bars => Screen::Bars(Bars::of(plan)),
        }))
    }

    /// Shows one event.
    pub fn tell(&self, event: &Event) {
        let mut screen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *screen {
            Screen::Quiet => {}
            Screen::Lines(log) => {
                if let Some(line) = log.line(event) {
                    // A log that nobody reads any more is no reason to stop an apply.
                    let _ = writeln!(std::io::stderr().lock(), "{}", lines(&line));
                }
            }
            Screen::Bars(bars) => bars.tell(event),
        }
    }
}
