//! drsync as a process: in a folder, by a clock, with what it is told of the world, which is what a test says and nothing else.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The program that is tested.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_drsync");

/// drsync in a folder: it inherits no variable, has no terminal, and nothing comes in at stdin.
pub(crate) fn drsync(folder: impl AsRef<Path>, arguments: &[&str]) -> Run {
    Run::new(PROGRAM, folder).args(arguments)
}

/// The same in the hands of another program, which is found as those of this machine are: `timeout 30`, `strace -f`.
pub(crate) fn drsync_under(
    other: &[impl AsRef<OsStr>],
    folder: impl AsRef<Path>,
    arguments: &[&str],
) -> Run {
    let (program, words) = other.split_first().expect("a program");
    another(program, folder).args(words).args(&[PROGRAM]).args(arguments)
}

/// Another program, which runs drsync by itself.
pub(crate) fn another(program: impl AsRef<OsStr>, folder: impl AsRef<Path>) -> Run {
    Run::new(program, folder).env("PATH", std::env::var_os("PATH").unwrap_or_default())
}

/// A process before it begins.
pub(crate) struct Run {
    command: Command,
    stdin: Option<Vec<u8>>,
}

impl Run {
    fn new(program: impl AsRef<OsStr>, folder: impl AsRef<Path>) -> Run {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("USER", "someone").stdin(Stdio::null());
        Run { command, stdin: None }
    }

    /// With more arguments.
    pub(crate) fn args(mut self, words: &[impl AsRef<OsStr>]) -> Run {
        self.command.args(words);
        self
    }

    /// By a clock that stands still, or goes as a file says, `@FILE`.
    pub(crate) fn at(self, now: impl Display) -> Run {
        self.env("DRSYNC_NOW", now.to_string())
    }

    /// With a variable.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// With variables.
    pub(crate) fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Run {
        self.command.envs(variables);
        self
    }

    /// With a document at stdin.
    pub(crate) fn reads(mut self, bytes: &[u8]) -> Run {
        self.command.stdin(Stdio::piped());
        self.stdin = Some(bytes.to_vec());
        self
    }

    /// Says what it has to say there.
    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Run {
        self.command.stdout(to);
        self
    }

    /// Says there what it says beside that.
    pub(crate) fn stderr(mut self, to: impl Into<Stdio>) -> Run {
        self.command.stderr(to);
        self
    }

    /// Lets it begin.
    ///
    /// # Errors
    /// The program is not there.
    pub(crate) fn begin(mut self) -> std::io::Result<Child> {
        let mut child = self.command.spawn()?;
        if let (Some(bytes), Some(mut stdin)) = (self.stdin, child.stdin.take()) {
            stdin.write_all(&bytes).expect("it is read");
        }
        Ok(child)
    }

    /// The same of a program that is there.
    pub(crate) fn spawn(self) -> Child {
        self.begin().expect("it runs")
    }

    /// Waits for its end, and takes all that it says where it was not sent elsewhere.
    ///
    /// # Errors
    /// The program is not there.
    pub(crate) fn try_output(mut self) -> std::io::Result<Output> {
        if self.stdin.is_none() {
            return self.command.output();
        }
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.begin()?.wait_with_output()
    }

    /// The same of a program that is there.
    pub(crate) fn output(self) -> Output {
        self.try_output().expect("it runs")
    }

    /// The same, of one that has to end so.
    pub(crate) fn ends(self, expected: i32) -> Output {
        let output = self.output();
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(code(&output), expected, "{said}");
        output
    }

    /// The same for whoever waits among others.
    pub(crate) fn among_others(self) -> tokio::process::Command {
        self.command.into()
    }
}

/// What it printed.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// What it said beside that.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// How it ended.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}
