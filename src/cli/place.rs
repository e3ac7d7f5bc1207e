//! Places for files that people name: what is drsync's may be replaced, what is somebody's stays as it is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use serde::Deserialize;

use super::{ExitStatus, Failure};
use crate::command::{Command, Verb};
use crate::files;
use crate::formats::PLAN;
use crate::limits::{CONFIGURATION, DOCUMENT};
use crate::render::clean;
use crate::render::shell;

/// A place for a plan: nothing is there, or an earlier plan, which is replaced.
///
/// # Errors
/// Whatever else is there is somebody's, and stays.
pub(super) fn for_plan(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let is = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("look at {shown}"));
            return Err(Failure::of(ExitStatus::Failed, error));
        }
        Ok(there) if !there.is_file() => "is no regular file",
        Ok(_) if holds_plan(path) => return Ok(()),
        Ok(_) => "is there already and holds no plan",
    };
    let message = format!("{shown} {is}: it stays as it is; give the plan another name");
    let free = another(path, "plan", "json");
    let again = Command::new(Verb::Plan).word("--out").word(free);
    Err(Failure::new(ExitStatus::Refused, clean(&message)).with_help(again))
}

/// Whether a file says of itself that it is a plan.
fn holds_plan(path: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    let read = files::read_named(path, &DOCUMENT).ok();
    let said = read.and_then(|bytes| serde_json::from_slice::<Kind>(&bytes).ok());
    said.is_some_and(|said| said.kind == PLAN.kind)
}

/// A name for a sandbox's configuration: `sandbox.json` of its world, unless something else is there, which stays.
pub(super) fn for_sandbox(folder: &Path) -> PathBuf {
    first_name(folder, "sandbox", "json", |path| match fs::symlink_metadata(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(there) => there.is_file() && holds_sandbox(path),
    })
}

/// Whether a file is the configuration of a sandbox: every workspace in it is on this machine.
fn holds_sandbox(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Configuration {
        workspaces: Vec<Addressed>,
    }
    #[derive(Deserialize)]
    struct Addressed {
        workspace_instance_url: String,
    }
    let read = files::read_named(path, &CONFIGURATION).ok();
    let said = read.and_then(|bytes| serde_json::from_slice::<Configuration>(&bytes).ok());
    said.is_some_and(|said| {
        let served = |workspace: &Addressed| {
            let url = &workspace.workspace_instance_url;
            url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:")
        };
        !said.workspaces.is_empty() && said.workspaces.iter().all(served)
    })
}

/// Opens a place for events: a new file, an empty one or earlier events, which are replaced; a pipe or a device.
///
/// # Errors
/// Whatever else is there is somebody's, and stays; no link is followed to a file.
pub(super) fn for_events(path: &Path) -> Result<File, Failure> {
    let failed = |error: io::Error| {
        let error = anyhow::Error::new(error).context(format!("write {}", path.display()));
        Failure::of(ExitStatus::Failed, error)
    };
    // Makes a file or none: neither replaces one nor follows a link.
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => return Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    if is_own_descriptor(path) {
        // Whoever started drsync opened it for this; what they wrote to it before stays.
        return OpenOptions::new().append(true).open(path).map_err(failed);
    }
    let is_link = fs::symlink_metadata(path).map_err(failed)?.is_symlink();
    let kind = match fs::metadata(path) {
        Ok(there) => there.file_type(),
        Err(_) if is_link => return Err(not_for_events(path, IS_LINK)),
        Err(error) => return Err(failed(error)),
    };
    if kind.is_fifo() || kind.is_char_device() {
        let Some(file) = open_once_read(path).map_err(failed)? else {
            return Err(not_for_events(path, "is a pipe, and nobody came to read it"));
        };
        // Looked at again: the name may have been given to something else meanwhile.
        let kind = file.metadata().map_err(failed)?.file_type();
        return if kind.is_fifo() || kind.is_char_device() {
            Ok(file)
        } else {
            Err(not_for_events(path, "is neither a pipe nor a device"))
        };
    }
    if is_link {
        return Err(not_for_events(path, IS_LINK));
    }
    if !kind.is_file() {
        return Err(not_for_events(path, "is no regular file"));
    }
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    let file = opened.map_err(failed)?;
    if !begins_with_event(&file).map_err(failed)? {
        return Err(not_for_events(path, "is there already and holds no events"));
    }
    // In this order, on the file that was opened: nothing is emptied that was not looked at.
    file.set_len(0).and_then(|()| io::Seek::rewind(&mut &file)).map_err(failed)?;
    Ok(file)
}

/// How long the reader of a pipe is waited for: one that is started beside drsync comes at once.
const READER_WITHIN: Duration = Duration::from_secs(5);

/// Opens a pipe or a device for writing, as soon as somebody reads it; `None`: nobody does.
fn open_once_read(path: &Path) -> io::Result<Option<File>> {
    let until = Instant::now() + READER_WITHIN;
    loop {
        // Without NONBLOCK the opening of a pipe waits for its reader, however long that takes.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        match OpenOptions::new().write(true).custom_flags(flags).open(path) {
            Ok(file) => {
                // A reader that is slow is waited for.
                let flags = fcntl_getfl(&file)?;
                fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
                return Ok(Some(file));
            }
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                if Instant::now() >= until {
                    return Ok(None);
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
}

const IS_LINK: &str = "is a link";

fn not_for_events(path: &Path, is: &str) -> Failure {
    let message = format!(
        "{} {is}: it stays as it is; --events takes a new file, earlier events, a pipe or a device, and {} is free",
        path.display(),
        shell(&another(path, "events", "jsonl"))
    );
    Failure::new(ExitStatus::Refused, clean(&message))
}

/// A first line of events is not longer.
const EVENT_MAX: u64 = 1 << 16;

/// Whether a file is empty or its first line is an event.
fn begins_with_event(file: &File) -> io::Result<bool> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "at")]
        _at: String,
        #[serde(rename = "event")]
        _event: String,
    }
    let mut line = Vec::new();
    BufReader::new(file.take(EVENT_MAX)).read_until(b'\n', &mut line)?;
    Ok(line.is_empty() || serde_json::from_slice::<Event>(&line).is_ok())
}

/// Whether a name is one of this process's own open files, as `/dev/stdout` and `/dev/fd/3` are.
fn is_own_descriptor(path: &Path) -> bool {
    let Ok(own) = fs::canonicalize("/proc/self/fd") else {
        return false;
    };
    let lies_there = |path: &Path| {
        let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
        folder.is_some_and(|folder| folder == own)
    };
    lies_there(path) || fs::read_link(path).is_ok_and(|target| lies_there(&target))
}

/// The first name like `plan.json` that is free, in the same folder where such files can lie there.
fn another(path: &Path, name: &str, ending: &str) -> String {
    let folder = match fs::symlink_metadata(path) {
        Ok(there) if there.is_file() => path.parent().unwrap_or(Path::new("")),
        Ok(_) | Err(_) => Path::new(""),
    };
    let is_free = |path: &Path| fs::symlink_metadata(path).is_err();
    let free = first_name(folder, name, ending, is_free);
    free.display().to_string()
}

/// The first of `name.ending`, `name-2.ending` … that will do.
fn first_name(folder: &Path, name: &str, ending: &str, will_do: impl Fn(&Path) -> bool) -> PathBuf {
    (1..)
        .map(|number: u32| match number {
            1 => folder.join(format!("{name}.{ending}")),
            _ => folder.join(format!("{name}-{number}.{ending}")),
        })
        .find(|candidate| will_do(candidate))
        .unwrap_or_default()
}
