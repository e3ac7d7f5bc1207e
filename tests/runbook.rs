//! The runbook, followed as it stands by somebody who has nothing else, with the primary gone; and what drsync does afterwards.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

#[path = "python/able.rs"]
mod able;
#[path = "stories/below.rs"]
mod below;
#[path = "runbook/follow.rs"]
mod follow;
#[path = "runbook/lakehouse.rs"]
mod lakehouse;
#[path = "runbook/made.rs"]
mod made;
#[path = "runbook/workspace.rs"]
mod workspace;
