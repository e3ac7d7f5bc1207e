//! Whether the secondary's workspace was seen, and what of it was not. Pure.

use super::observed::WorkspaceObserved;
use super::unwatched::{Unwatched, UnwatchedPart};

/// What of the secondary's workspace could not be seen; empty: all of it was. `None`: none is configured, or nobody looked, because
/// a region is away.
pub(super) fn of_workspace(workspace: &WorkspaceObserved) -> Option<Vec<Unwatched>> {
    workspace.workspace.secondary.as_ref()?;
    let presence = workspace.secondary.presence.as_ref().ok()?;
    if let Some(why) = &presence.workspace_unseen {
        let message = format!("the secondary workspace is not seen: {why}").into();
        return Some(vec![Unwatched { what: UnwatchedPart::Workspace, message }]);
    }
    // Only the primary tells which jobs to look for: without it nothing is said of what was not seen.
    let watch = workspace.watch.as_ref().filter(|_| workspace.primary.refusal().is_none())?;
    Some(watch.unseen.clone())
}
