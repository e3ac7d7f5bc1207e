//! The demo's world, served, and the program that is run against it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;

use drsync::lakehouse::demo;
use drsync::sandbox::{Running, SandboxOptions, World, serve};
use tempfile::TempDir;

use crate::support::runner::{Run, another, drsync};

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) running: Running,
}

/// What a run of the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    pub(crate) async fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let made = demo::build(&folder.path().join("world"), chrono::Utc::now()).await;
        made.unwrap();
        std::fs::create_dir(folder.path().join("here")).unwrap();
        let world = World::find(&folder.path().join("world")).unwrap();
        let running = serve(SandboxOptions::new(world)).await.unwrap();
        Site { folder, running }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub(crate) fn fault(&self, text: &str) {
        self.running.inject(text.parse().unwrap());
    }

    /// Puts a file into the primary's lakehouse.
    pub(crate) fn put(&self, inside: &str, text: &str) {
        let path = self.path("world/east").join(inside);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Variables that name the primary, with its token.
    pub(crate) fn signed_in(&self) -> BTreeMap<String, String> {
        let (primary, secondary) = (&self.running.primary, &self.running.secondary);
        [
            ("DATABRICKS_HOST", &primary.url),
            ("DATABRICKS_TOKEN", &primary.token),
            ("DRSYNC_TOKEN_WEST", &secondary.token),
            ("DRSYNC_TOKEN_SECONDARY", &secondary.token),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .into()
    }

    pub(crate) fn drsync(&self, args: &[&str], variables: &BTreeMap<String, String>) -> Run {
        drsync(self.path("here"), args).env("HOME", self.path("here")).envs(variables)
    }

    /// Another program, which runs drsync by itself.
    pub(crate) fn another(&self, program: &str, variables: &BTreeMap<String, String>) -> Run {
        another(program, self.path("here")).env("HOME", self.path("here")).envs(variables)
    }

    pub(crate) async fn run(&self, args: &[&str], variables: &BTreeMap<String, String>) -> Said {
        let mut command = self.drsync(args, variables).among_others();
        self.said(command.output().await.unwrap())
    }

    /// What was said, with HOST for the primary's address and WORLD for the folder.
    pub(crate) fn said(&self, output: Output) -> Said {
        let plain = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            for served in [&self.running.primary, &self.running.secondary] {
                for secret in [&served.token, &served.client_secret] {
                    assert!(!text.contains(secret.as_str()), "{text}");
                }
            }
            let world = self.path("world").display().to_string();
            text.replace(&self.running.primary.url, "HOST")
                .replace(&self.running.secondary.url, "OTHER")
                .replace(&world, "WORLD")
        };
        Said {
            code: output.status.code().unwrap(),
            stdout: plain(output.stdout),
            stderr: plain(output.stderr),
        }
    }
}

/// A text with the ids of requests left out.
pub(crate) fn without_ids(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (request ") {
        plain.push_str(before);
        rest = after.split_once(')').unwrap().1;
    }
    plain + rest
}
