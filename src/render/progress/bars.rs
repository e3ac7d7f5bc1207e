//! An apply at work on a terminal: the board below, and above it a line for whatever lasts.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::log::ProgressLog;
use crate::apply::{Event, EventKind};
use crate::harmless::lines;
use crate::plan::Plan;

/// A board that is drawn again with every event, and a line for whatever lasts.
#[derive(Debug)]
pub(super) struct Bars {
    log: ProgressLog,
    board: Board,
    above: Above,
    shown: ProgressBar,
    columns: fn() -> usize,
}

/// What writes above the board while it is there, and takes it away.
#[derive(Debug, Clone)]
pub struct Above(MultiProgress);

impl Above {
    /// Writes a line above the board.
    pub fn line(&self, text: &str) {
        // The apply goes on, whoever looks.
        let _ = self.0.println(text);
    }

    /// Takes the board away for good, so that nothing of it is left on the screen.
    pub fn clear(&self) {
        let _ = self.0.clear();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }
}

impl Bars {
    pub(super) fn of(plan: &Plan, columns: fn() -> usize) -> Bars {
        let all = MultiProgress::new();
        let shown = all.add(ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            shown.set_style(style);
        }
        Bars {
            log: ProgressLog::of(plan),
            board: Board::of(plan),
            above: Above(all),
            shown,
            columns,
        }
    }

    pub(super) fn above(&self) -> Above {
        self.above.clone()
    }

    pub(super) fn tell(&mut self, event: &Event) {
        self.board.tell(event);
        let lasting = matches!(
            event.what,
            EventKind::TableRetried { .. }
                | EventKind::TableFailed { .. }
                | EventKind::CutCommitted { .. }
                | EventKind::GroupEnded { .. }
                | EventKind::Registered { .. }
                | EventKind::Warning(_)
        );
        if let Some(line) = self.log.line(event).filter(|_| lasting) {
            self.above.line(&lines(&line));
        }
        match &event.what {
            EventKind::Summary { .. } => {
                self.shown.finish_and_clear();
                self.above.clear();
            }
            _ => {
                let board = self.board.lines(event.at, (self.columns)().saturating_sub(1));
                self.shown.set_message(lines(&board.join("\n")).into_owned());
            }
        }
    }
}
