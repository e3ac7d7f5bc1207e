//! Who is told what: incidents from run records, letters from incidents, and what servers answered. Pure.
//!
//! There is no state but the run records. Each carries the incidents of its workspaces ([`ToldState`]); the next apply reads the
//! newest records, decides by typed fields alone what opened, went on or closed ([`decide`]), and keeps that in its own record
//! before anything is sent. What is sent follows from a record and the configuration ([`letters`]), so that whatever could not be
//! sent is made again from the same record. What servers answered is kept beside the record ([`ToldDocument`]).
//!
//! Everything here is pure but [`deliver`], which speaks to mail servers and webhooks.

mod address;
mod chat;
mod decide;
pub mod deliver;
mod doubts;
mod escape;
mod incident;
mod letter;
mod letters;
mod payload;
mod policy;
mod round;
mod samples;
mod told;

pub use address::hash_of;
pub use decide::{carried, decide, end_of_left_workspace, last_words, not_begun};
pub use doubts::{Doubt, DoubtCode, doubts, of_address, of_secret, of_silence};
pub use incident::{
    CauseCode, Class, Closed, DigestGroup, FailureCause, GroupCut, How, Incident, Lost, SyncDigest,
    Telling, ToldState,
};
pub use letter::{Text, mail_id, text};
pub use letters::{
    Letter, LetterItem, News, Receiver, RecordNews, SynchronizedGroup, Why, letters,
};
pub use payload::{Call, calls};
pub use policy::{Before, KnownReceiver, Policy};
pub use round::{GroupRound, LeftWorkspace, Round, StateAfterApply};
pub use samples::samples;
pub use told::{Delivery, DeliveryOutcome, ToldDocument};
