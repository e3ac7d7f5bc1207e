//! The Delta readers of others, in one Python for all tests of a process: each is asked whether it reads the same in a source
//! and in its replica.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

/// How many readers answer for a pair.
pub(crate) const READERS: usize = 2;

/// The Python with the readers; it ends with the process, when nobody can ask it any more.
pub(crate) struct Readers {
    _process: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The Python that has the readers.
pub(crate) fn python() -> Option<std::path::PathBuf> {
    super::able::python("deltalake, duckdb, duckdb_extension_delta, pyarrow")
}

/// The readers, where `DRSYNC_TEST_PYTHON` names a Python that has them; `None`, and a word, elsewhere.
pub(crate) fn readers() -> Option<&'static Mutex<Readers>> {
    static READERS: OnceLock<Option<Mutex<Readers>>> = OnceLock::new();
    let readers = READERS.get_or_init(|| {
        let python = python()?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/compare.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asked, answers) = (process.stdin.take(), process.stdout.take());
        Some(Mutex::new(Readers {
            asked: asked.unwrap(),
            answers: BufReader::new(answers.unwrap()),
            _process: process,
        }))
    });
    if readers.is_none() {
        eprintln!("SKIPPED: the readers of others are not asked");
    }
    readers.as_ref()
}

/// Asks every reader about every pair: `{"source", "version", "replica"}`, and `replica_version` where it is not the newest.
pub(crate) fn compare(readers: &Mutex<Readers>, pairs: &[Value]) -> Vec<Value> {
    let mut readers = readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut answers = Vec::new();
    for pair in pairs {
        writeln!(readers.asked, "{pair}").unwrap();
        for _ in 0..READERS {
            let mut line = String::new();
            readers.answers.read_line(&mut line).unwrap();
            answers.push(serde_json::from_str(&line).expect("the readers answer"));
        }
    }
    answers
}

/// Asks about pairs that have to read the same, each in one reader at least: one may not know a feature.
pub(crate) fn assert_same(readers: &Mutex<Readers>, pairs: &[Value]) {
    let answers = compare(readers, pairs);
    for (pair, answers) in pairs.iter().zip(answers.chunks(READERS)) {
        let say = |verdict: Value| answers.iter().any(|answer| answer["same"] == verdict);
        assert!(say(json!(true)) && !say(json!(false)), "{pair}: {answers:#?}");
    }
}
