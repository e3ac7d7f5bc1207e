//! The runbook, followed as it stands by somebody who has nothing else, with the primary gone; and what drsync does afterwards.

mod follow;
mod kept;
mod lakehouse;
mod made;
mod stopped;
mod story;
mod unreadable;
pub(crate) mod workspace;
