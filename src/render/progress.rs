//! What an apply says while it works: bars on a terminal, elsewhere one line a transition.

use std::sync::{Mutex, PoisonError};

use crate::apply::Event;
use crate::plan::Plan;

mod bars;
mod log;
mod pace;

use bars::Bars;
pub use log::Log;

/// Shows an apply at work.
#[derive(Debug)]
pub struct Progress {
    screen: Mutex<Screen>,
    /// Where lines go.
    write: fn(&str),
}

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
    /// Gets ready to show the apply of a plan: bars on stderr, or lines by `write`.
    pub fn of(plan: &Plan, mode: Mode, write: fn(&str)) -> Progress {
        let screen = match mode {
            Mode::Quiet => Screen::Quiet,
            Mode::Lines => Screen::Lines(Log::of(plan)),
            Mode::Bars => Screen::Bars(Bars::of(plan)),
        };
        Progress { screen: Mutex::new(screen), write }
    }

    /// Shows one event.
    pub fn tell(&self, event: &Event) {
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *screen {
            Screen::Quiet => {}
            Screen::Lines(log) => {
                if let Some(line) = log.line(event) {
                    (self.write)(&line);
                }
            }
            Screen::Bars(bars) => bars.tell(event),
        }
    }
}
