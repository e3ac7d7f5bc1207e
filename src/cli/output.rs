//! The only place that writes to stdout and stderr and reads from stdin.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use serde::Serialize;

use super::log_line;
use crate::limits::DOCUMENT;
use crate::render::progress::Above;
use crate::{canonical, files, harmless, secrets};

/// Writes data to stdout. Whoever reads it may stop doing so: that is no error.
pub(super) fn data(text: &str) -> anyhow::Result<()> {
    match try_data(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("write to stdout"),
    }
}

/// Writes text of drsync alone, a program for a shell for example, as it is.
pub(super) fn verbatim(text: &str) -> anyhow::Result<()> {
    match write(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("write to stdout"),
    }
}

/// The same as [`data`] where it matters that nobody reads it.
///
/// Whatever it is, text, Markdown or HTML: in the log of a pipeline no line of it is an order.
pub(super) fn try_data(text: &str) -> io::Result<()> {
    write(&harmless::page(text))
}

fn write(text: &str) -> io::Result<()> {
    let text = secrets::withheld(text);
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

/// Whether stdout would take anything, as far as that can be told without writing to it.
pub(super) fn try_stdout() -> io::Result<()> {
    let stdout = io::stdout().lock();
    rustix::io::write(&stdout, &[])?;
    let mut asked = [PollFd::new(&stdout, PollFlags::OUT)];
    rustix::event::poll(&mut asked, Some(&Timespec::default()))?;
    if asked[0].revents().contains(PollFlags::ERR) {
        Err(ErrorKind::BrokenPipe.into())
    } else {
        Ok(())
    }
}

/// Writes a document to stdout as JSON.
pub(super) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    data(&json_text(document)?)
}

/// A document as JSON, with a newline at the end.
pub(super) fn json_text(document: &impl Serialize) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(document).context("write JSON")?;
    text.push('\n');
    Ok(harmless::json(&text).into_owned())
}

/// Writes a document that is JSON already, without a byte order mark.
pub(super) fn document(bytes: &[u8]) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(canonical::without_mark(bytes));
    data(&harmless::json(&text))
}

/// Everything that comes on stdin.
pub(super) fn all_of_stdin() -> io::Result<Vec<u8>> {
    files::read(io::stdin().lock(), &DOCUMENT)
}

/// Writes a line or more to stderr, or an object that says it where that is asked for.
pub(super) fn note(text: &str) {
    match log_line::of_text(text) {
        Some(object) => line(&object),
        None => line(&harmless::page(&secrets::withheld(text))),
    }
}

/// Writes a line to stderr that is harmless already; where nobody listens, nobody is told.
///
/// While a board is shown it goes above that: both would be unreadable otherwise.
pub(super) fn line(text: &str) {
    let text = secrets::withheld(text);
    match &*board() {
        Some(shown) => shown.above.line(&text),
        None => {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }
}

/// The board that is shown on stderr.
static BOARD: Mutex<Option<Shown>> = Mutex::new(None);

/// A board, and how the terminal was before.
struct Shown {
    above: Above,
    keys: Option<Termios>,
}

fn board() -> MutexGuard<'static, Option<Shown>> {
    BOARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A board is on the screen as long as this lives.
pub(super) struct BoardShown(());

impl BoardShown {
    /// From now on lines go above this.
    pub(super) fn begin(above: Option<Above>) -> BoardShown {
        *board() = above.map(|above| Shown { above, keys: silence_control_keys() });
        BoardShown(())
    }
}

impl Drop for BoardShown {
    fn drop(&mut self) {
        clear_board();
    }
}

/// Takes the board away: whoever ends the process leaves nothing of it behind.
pub(super) fn clear_board() {
    if let Some(Shown { above, keys }) = board().take() {
        above.clear();
        if let Some(keys) = keys.filter(|_| owns_terminal()) {
            // A terminal that is gone needs nothing.
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &keys);
        }
    }
}

/// Keeps the terminal from writing `^C` behind the last line of a board, which would move it by a row that then stays on the
/// screen; gives how it was before.
fn silence_control_keys() -> Option<Termios> {
    let before = termios::tcgetattr(io::stdin()).ok().filter(|_| owns_terminal())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHOCTL);
    termios::tcsetattr(io::stdin(), OptionalActions::Now, &silent).ok()?;
    Some(before)
}

/// Whether the terminal is this process's to change: one in the background would be stopped for trying.
fn owns_terminal() -> bool {
    termios::tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == rustix::process::getpgrp())
}

/// Columns of the terminal that stderr is; 80 where it does not say.
pub(super) fn stderr_columns() -> usize {
    let size = termios::tcgetwinsize(io::stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { 80 } else { columns }
}

/// What was said that need not be said again.
#[derive(Debug, Default)]
pub(super) struct AlreadySaid(Mutex<BTreeSet<String>>);

impl AlreadySaid {
    /// So much is remembered; what is forgotten is said once more.
    const MOST: usize = 1_000;

    /// Whether this is said for the first time, which it then was.
    pub(super) fn first(&self, text: &str) -> bool {
        let mut said = self.0.lock().expect("no panic while something is said");
        if said.len() >= Self::MOST {
            said.clear();
        }
        said.insert(text.to_owned())
    }

    /// Forgets everything, so that it is said once more.
    pub(super) fn forget(&self) {
        self.0.lock().expect("no panic while something is said").clear();
    }
}

/// Whether a person can be asked: both ends of the conversation are a terminal.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether what goes to stdout is seen by a person.
pub(super) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether what goes to stderr is seen by a person.
pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Asks on stderr and waits for a line; the end of input is an empty answer.
pub(super) fn ask(question: &str) -> anyhow::Result<String> {
    let question = secrets::withheld(question);
    let mut stderr = io::stderr().lock();
    write!(stderr, "{} ", harmless::page(&question))
        .and_then(|()| stderr.flush())
        .context("ask")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("read the answer")?;
    Ok(answer.trim().to_owned())
}
