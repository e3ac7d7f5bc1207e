//! What each screen says: from typed facts to blocks, whatever format they will be written in.

pub(super) mod away;
pub(super) mod causes;
pub mod check;
pub(super) mod dangers;
pub mod diff;
pub(super) mod findings;
pub mod history;
pub(super) mod notes;
pub mod run;
pub mod status;
pub mod validate;
