//! What each screen says: from typed facts to blocks, whatever format they will be written in.

pub(super) mod acceptances;
pub(super) mod away;
pub mod card;
pub(super) mod causes;
pub mod check;
pub mod config;
pub mod cut_history;
pub(super) mod dangers;
pub mod diff;
pub(super) mod findings;
pub mod init;
pub(super) mod losses;
pub(super) mod metadata;
pub(super) mod notes;
pub mod notify;
pub mod plan;
pub mod run;
pub mod runbook;
pub mod show;
pub mod status;
pub mod validate;
