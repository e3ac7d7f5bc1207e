//! Whether a region is there, and whether it may be written: looked at, never tried.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;

use super::catalog::{ExternalLocation, resolve_location};
use super::delta::{is_unflushable, unknown_kind};
use super::grants::{self, Right};
use super::{LakehouseLocation, LakehouseWorkspace};
use crate::off_thread::off_thread;
use crate::region::{
    Denied, Grant, RegionError, RegionErrorKind, Repair, UnprovedAccess, WriteAccess,
};
use crate::text::shell_word;

impl LakehouseLocation {
    /// The root of the sync location is a folder that can be read; it is never made.
    pub(super) async fn look_at_root(&self) -> Result<(), RegionError> {
        let root = self.root.clone();
        let looked = off_thread(move || std::fs::read_dir(&root).map(drop)).await;
        looked.map_err(|error| {
            let doing = format!("look at the sync location {}", self.text);
            match error.kind() {
                io::ErrorKind::NotFound => {
                    let detail = format!("the folder {} does not exist", self.root.display());
                    RegionError::new(RegionErrorKind::Unavailable, doing, detail)
                }
                io::ErrorKind::NotADirectory => {
                    let detail = format!("{} is not a folder", self.root.display());
                    RegionError::new(RegionErrorKind::Unavailable, doing, detail)
                }
                io::ErrorKind::PermissionDenied => {
                    RegionError::new(RegionErrorKind::Denied, doing, error.to_string())
                }
                _ => RegionError::new(RegionErrorKind::Unavailable, doing, error.to_string())
                    .transient(),
            }
        })
    }
}

impl LakehouseWorkspace {
    pub(super) async fn look_at_access(&self, location: &str) -> Result<WriteAccess, RegionError> {
        let catalog = self.catalog().await?;
        let principal = self.principal(&catalog);
        match catalog.external_location(self.folder(), location) {
            None => {}
            Some(None) => {
                return Err(RegionError::new(
                    RegionErrorKind::NotFound,
                    format!("find the external location of {location}"),
                    "no external location of the catalog covers it",
                ));
            }
            Some(Some(entry)) => {
                if let Some(denied) = entry.refuses(&principal) {
                    return Ok(WriteAccess::Refused(denied));
                }
            }
        }
        let folder = PathBuf::from(resolve_location(self.folder(), location));
        off_thread(move || disk_access(&folder)).await
    }
}

impl ExternalLocation {
    fn refuses(&self, principal: &str) -> Option<Denied> {
        if self.read_only {
            return Some(Denied::read_only(&self.name));
        }
        // What is written there is read back, the ledger and the replicas.
        let missing = match (self.may_write(principal), self.may_read(principal)) {
            (true, true) => return None,
            (false, _) => "WRITE FILES",
            (true, false) => "READ FILES",
        };
        Some(Denied {
            message: format!("{principal} has no {missing} on the external location {}", self.name)
                .into(),
            remedy: Some(Repair::Grant(Grant::to_write(&self.name, principal))),
        })
    }

    fn may_write(&self, principal: &str) -> bool {
        let owner = self.owner.as_deref();
        grants::may(owner, self.grants.as_ref(), principal, Right::WriteFiles)
    }

    /// Whether a principal may read the files there, as owner, by a grant, or because nothing is said about grants.
    pub fn may_read(&self, principal: &str) -> bool {
        let owner = self.owner.as_deref();
        grants::may(owner, self.grants.as_ref(), principal, Right::ReadFiles)
    }
}

/// What cannot be seen of a folder that may be written: that a name is given once, and that what was written lasts.
fn unproved(folder: &Path) -> Option<UnprovedAccess> {
    let place = folder.display().to_string();
    if let Some(kind) = unknown_kind(folder) {
        return Some(UnprovedAccess::TakenNames { place, file_system: kind });
    }
    // Flushing changes nothing.
    let flushed = File::open(folder).and_then(|opened| opened.sync_all());
    let error = flushed.err().filter(is_unflushable)?.to_string();
    Some(UnprovedAccess::Flushing { place, error: error.into() })
}

/// What the file system says about writing into a folder.
fn disk_access(folder: &Path) -> Result<WriteAccess, RegionError> {
    match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(match unproved(folder) {
            Some(why) => WriteAccess::NotProved(why),
            None => WriteAccess::Allowed,
        }),
        // A region that is away says so itself.
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(WriteAccess::Allowed),
        Err(Errno::ROFS) => Ok(WriteAccess::Refused(Denied {
            message: format!("the file system of {} is read-only", folder.display()).into(),
            remedy: None,
        })),
        Err(Errno::ACCESS | Errno::PERM) => Ok(WriteAccess::Refused(Denied {
            message: format!("the folder {} may not be written by this user", folder.display())
                .into(),
            remedy: Some(Repair::Shell(format!(
                "chmod u+rwx {}",
                shell_word(&folder.display().to_string())
            ))),
        })),
        Err(error) => Err(RegionError::new(
            RegionErrorKind::Other,
            format!("look at the rights on {}", folder.display()),
            error.to_string(),
        )),
    }
}
