//! What an apply says while it works: a board on a terminal, elsewhere one line a transition.

use std::sync::{Mutex, PoisonError};

use crate::apply::Event;
use crate::plan::Plan;

mod bars;
mod board;
mod log;
mod pace;

pub use bars::Above;
use bars::Bars;
pub use log::ProgressLog;

/// Shows an apply at work.
#[derive(Debug)]
pub struct ProgressView {
    screen: Mutex<Screen>,
    /// Where lines go.
    write: fn(&str),
}

#[derive(Debug)]
enum Screen {
    Quiet,
    Lines(ProgressLog),
    Bars(Bars),
}

/// How an apply at work is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Quiet,
    /// One line a transition.
    Lines,
    /// A board of what runs and what waits, and the pace of all.
    Bars,
}

impl ProgressView {
    /// Gets ready to show the apply of a plan: a board on stderr, which is so many `columns` wide, or lines by `write`.
    pub fn of(plan: &Plan, mode: Mode, columns: fn() -> usize, write: fn(&str)) -> ProgressView {
        let screen = match mode {
            Mode::Quiet => Screen::Quiet,
            Mode::Lines => Screen::Lines(ProgressLog::of(plan)),
            Mode::Bars => Screen::Bars(Bars::of(plan, columns)),
        };
        ProgressView { screen: Mutex::new(screen), write }
    }

    /// What writes above the board, where there is one.
    pub fn above(&self) -> Option<Above> {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        match &*screen {
            Screen::Quiet | Screen::Lines(_) => None,
            Screen::Bars(bars) => Some(bars.above()),
        }
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
