//! The only place that writes to stdout and stderr and reads from stdin.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::Context as _;
use serde::Serialize;

/// Writes data to stdout. Whoever reads it may stop doing so: that is no error.
pub(super) fn data(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("write to stdout"),
    }
}

/// Writes a document to stdout as JSON.
pub(super) fn json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(document).context("write JSON")?;
    text.push('\n');
    data(&text)
}

/// Writes a line or more to stderr; where nobody listens, nobody is told.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
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
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} ")
        .and_then(|()| stderr.flush())
        .context("ask")?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("read the answer")?;
    Ok(answer.trim().to_owned())
}
