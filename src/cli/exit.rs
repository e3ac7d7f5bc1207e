//! How a command can end, with the code and the name of each ending, and how it ends that a region refuses. Pure.

use crate::apply::Exit;
use crate::plan::{Refused, Role};
use crate::region::RegionErrorKind;

/// Every exit status of drsync.
///
/// | code | name | when |
/// |---|---|---|
/// | 0 | ok | everything is as it should be |
/// | 1 | failed | groups failed and none is in order, a region answers with what cannot be used, or anything unclassified |
/// | 1 | blocked | of an apply: every group is blocked |
/// | 1 | broken chain | of a history: run records of the period are missing or altered |
/// | 1 | missing record | of a history: an apply of the period made cuts and has no run record yet |
/// | 1 | ledger lost | of a history: run records tell of cuts that the logs do not have |
/// | 1 | unproved claim | of a history: a run record of the period claims a plan, signature or cut that is not there or not so |
/// | 1 | record not kept | of an apply: its plan or run record is not in both regions; the next apply brings it |
/// | 2 | changes | `plan --detailed-exitcode`: an apply would do something |
/// | 3 | blocked | `validate`, `plan --detailed-exitcode`: something blocks, or the configuration has a mistake |
/// | 3 | not in order | `status --fail-on`: a group is in a state that was asked for |
/// | 4 | partial | some groups failed, are blocked, stale or mistaken in the configuration, others are in order |
/// | 5 | stale | the plan expired, or everything it was computed from has moved |
/// | 7 | refused | declined, or no terminal and no `--auto-approve`; a file or folder that is not drsync's to replace; a stored plan that is not the configuration's, lacks a signature, or that nothing vouches for; a runbook of a group whose cut cannot be read, or whose log lacks a change of role |
/// | 8 | primary region not available | the primary does not answer |
/// | 8 | secondary region not available | nothing was synchronized because the secondary is away |
/// | 9 | deadline reached | `apply --deadline`: work was left; the next apply goes on |
/// | 10 | altered plan | the plan is not what was written, or its effect not the one expected |
/// | 11 | failed over | another side is active of a group: nothing was written to its tables |
/// | 64 | usage | a mistake in the command line |
/// | 65 | unreadable plan | the file is no plan, or one of a later drsync |
/// | 77 | authentication | nobody is signed in, or no longer, or whoever is may use no SQL warehouse or not read the primary |
/// | 78 | configuration | nothing in the configuration is usable, or what it names is not there; `validate`: it has a mistake |
/// | 130 | interrupted | by Ctrl-C |
/// | 143 | interrupted | by SIGTERM |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything is as it should be.
    Ok,
    /// Groups failed and none is in order, or anything unclassified.
    Failed,
    /// Of an apply: groups are blocked and none is in order.
    AllBlocked,
    /// Of a history: run records of the period are missing or were altered.
    BrokenChain,
    /// Of a history: an apply of the period made cuts and has no run record yet.
    MissingRecord,
    /// Of a history: run records tell of cuts that the logs do not have.
    LedgerLost,
    /// Of a history: a run record of the period claims what is not so.
    UnprovedClaim,
    /// Of an apply: its plan or run record is not in both regions.
    RecordNotKept,
    /// Of `plan --detailed-exitcode`: an apply would do something.
    Changes,
    /// Of `validate` and `plan --detailed-exitcode`: something blocks.
    Blocked,
    /// Of `status --fail-on`: a group is in a state that was asked for.
    NotInOrder,
    /// Some groups are not in order, others are.
    Partial,
    /// The plan can no longer be applied.
    Stale,
    /// Nobody approved.
    Refused,
    /// The primary does not answer.
    PrimaryAway,
    /// Nothing was synchronized because the secondary does not answer.
    SecondaryAway,
    /// Of an apply: its deadline came before all was done.
    Deadline,
    /// The plan is not what was reviewed.
    Altered,
    /// Another side is active of a group.
    FailedOver,
    /// A mistake in the command line.
    Usage,
    /// The file is no plan.
    Unreadable,
    /// Nobody is signed in.
    Authentication,
    /// The configuration cannot be used.
    Configuration,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl ExitStatus {
    /// Every status, as `help exit-codes` lists them.
    pub const ALL: [ExitStatus; 25] = [
        ExitStatus::Ok,
        ExitStatus::Failed,
        ExitStatus::AllBlocked,
        ExitStatus::BrokenChain,
        ExitStatus::MissingRecord,
        ExitStatus::LedgerLost,
        ExitStatus::UnprovedClaim,
        ExitStatus::RecordNotKept,
        ExitStatus::Changes,
        ExitStatus::Blocked,
        ExitStatus::NotInOrder,
        ExitStatus::Partial,
        ExitStatus::Stale,
        ExitStatus::Refused,
        ExitStatus::PrimaryAway,
        ExitStatus::SecondaryAway,
        ExitStatus::Deadline,
        ExitStatus::Altered,
        ExitStatus::FailedOver,
        ExitStatus::Usage,
        ExitStatus::Unreadable,
        ExitStatus::Authentication,
        ExitStatus::Configuration,
        ExitStatus::Interrupted,
        ExitStatus::Terminated,
    ];

    /// What the shell sees.
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Ok => 0,
            ExitStatus::Failed
            | ExitStatus::AllBlocked
            | ExitStatus::BrokenChain
            | ExitStatus::MissingRecord
            | ExitStatus::LedgerLost
            | ExitStatus::UnprovedClaim
            | ExitStatus::RecordNotKept => 1,
            ExitStatus::Changes => 2,
            ExitStatus::Blocked | ExitStatus::NotInOrder => 3,
            ExitStatus::Partial => 4,
            ExitStatus::Stale => 5,
            ExitStatus::Refused => 7,
            ExitStatus::PrimaryAway | ExitStatus::SecondaryAway => 8,
            ExitStatus::Deadline => crate::apply::DEADLINE,
            ExitStatus::Altered => 10,
            ExitStatus::FailedOver => 11,
            ExitStatus::Usage => 64,
            ExitStatus::Unreadable => 65,
            ExitStatus::Authentication => 77,
            ExitStatus::Configuration => 78,
            ExitStatus::Interrupted => 130,
            ExitStatus::Terminated => 143,
        }
    }

    /// What people read, on stderr and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ExitStatus::Ok => "ok",
            ExitStatus::Failed => "failed",
            ExitStatus::AllBlocked | ExitStatus::Blocked => "blocked",
            ExitStatus::BrokenChain => "broken chain",
            ExitStatus::MissingRecord => "missing record",
            ExitStatus::LedgerLost => "ledger lost",
            ExitStatus::UnprovedClaim => "unproved claim",
            ExitStatus::RecordNotKept => "record not kept",
            ExitStatus::Changes => "changes",
            ExitStatus::NotInOrder => "not in order",
            ExitStatus::Partial => "partial",
            ExitStatus::Stale => "stale",
            ExitStatus::Refused => "refused",
            ExitStatus::PrimaryAway => "primary region not available",
            ExitStatus::SecondaryAway => "secondary region not available",
            ExitStatus::Deadline => "deadline reached",
            ExitStatus::Altered => "altered plan",
            ExitStatus::FailedOver => "failed over",
            ExitStatus::Usage => "usage",
            ExitStatus::Unreadable => "unreadable plan",
            ExitStatus::Authentication => "authentication",
            ExitStatus::Configuration => "configuration",
            ExitStatus::Interrupted | ExitStatus::Terminated => "interrupted",
        }
    }

    /// When a command ends so.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitStatus::Ok => "everything is as it should be",
            ExitStatus::Failed => "groups failed and none is in order, or anything unclassified",
            ExitStatus::AllBlocked => "apply: groups are blocked and none is in order",
            ExitStatus::BrokenChain => {
                "history: run records of the period are missing or were altered"
            }
            ExitStatus::MissingRecord => {
                "history: an apply of the period made cuts and has no run record yet"
            }
            ExitStatus::LedgerLost => "history: run records tell of cuts that the logs do not have",
            ExitStatus::UnprovedClaim => {
                "history: a run record of the period claims what is not there or not so"
            }
            ExitStatus::RecordNotKept => {
                "apply: its plan or run record is not in both regions; the next apply brings it"
            }
            ExitStatus::Changes => "plan --detailed-exitcode: an apply would do something",
            ExitStatus::Blocked => {
                "validate, plan --detailed-exitcode: something blocks, or the configuration is mistaken"
            }
            ExitStatus::NotInOrder => "status --fail-on: a group is in a state that was asked for",
            ExitStatus::Partial => {
                "some groups failed, are blocked, stale or mistaken, others are in order"
            }
            ExitStatus::Stale => "the plan expired, or all it was computed from has moved",
            ExitStatus::Refused => "declined, or no terminal and no --auto-approve",
            ExitStatus::PrimaryAway => "the primary does not answer",
            ExitStatus::SecondaryAway => {
                "nothing was synchronized or can be told: the secondary does not answer"
            }
            ExitStatus::Deadline => "apply --deadline: work was left; the next apply goes on",
            ExitStatus::Altered => "the plan was altered, or has another effect than expected",
            ExitStatus::FailedOver => {
                "another side is active of a group: nothing was written to its tables"
            }
            ExitStatus::Usage => "a mistake in the command line",
            ExitStatus::Unreadable => "the file is no plan, or one of a later drsync",
            ExitStatus::Authentication => "nobody is signed in, or may use no SQL warehouse",
            ExitStatus::Configuration => {
                "nothing in the configuration is usable, or what it names is not there; validate: it has a mistake"
            }
            ExitStatus::Interrupted => "by Ctrl-C",
            ExitStatus::Terminated => "by SIGTERM",
        }
    }

    /// How a command ends that cannot go on because of this refusal; `side`: whose.
    ///
    /// Whoever may not, or is not known, is told so by one status wherever that shows. What is not there was named by a
    /// configuration or on a command line, and is a mistake there.
    pub fn of_refusal(kind: RegionErrorKind, side: Role) -> ExitStatus {
        match kind {
            RegionErrorKind::NotFound => ExitStatus::Configuration,
            RegionErrorKind::Unavailable
            | RegionErrorKind::Denied
            | RegionErrorKind::SignedOut
            | RegionErrorKind::Conflict
            | RegionErrorKind::Unsupported
            | RegionErrorKind::Other => ExitStatus::of_unseen(side, Refused::of(kind)),
        }
    }

    /// How a command ends that cannot go on because a region was not seen; `refused`: how it answered, `None`: not at all.
    fn of_unseen(side: Role, refused: Option<Refused>) -> ExitStatus {
        match (refused, side) {
            (None, Role::Primary) => ExitStatus::PrimaryAway,
            (None, Role::Secondary) => ExitStatus::SecondaryAway,
            (Some(Refused::Denied), _) => ExitStatus::Authentication,
            // It answered, and not what was asked: no region is away for that.
            (Some(Refused::Unreadable), _) => ExitStatus::Failed,
        }
    }

    /// The same of several regions, none of which was seen: one that gives no answer counts before one that refuses, the primary
    /// before the secondary, a missing right before an answer of no use. `None`: there are none.
    pub fn of_all_unseen(
        unseen: impl IntoIterator<Item = (Role, Option<Refused>)>,
    ) -> Option<ExitStatus> {
        let rank = |status: &ExitStatus| match status {
            ExitStatus::PrimaryAway => 0,
            ExitStatus::SecondaryAway => 1,
            ExitStatus::Authentication => 2,
            _ => 3,
        };
        let statuses =
            unseen.into_iter().map(|(side, refused)| ExitStatus::of_unseen(side, refused));
        statuses.min_by_key(rank)
    }

    /// The status that a run record names.
    pub fn recorded(exit: &Exit) -> ExitStatus {
        ExitStatus::ALL
            .into_iter()
            .find(|status| status.code() == exit.code && status.name() == exit.name)
            .or_else(|| ExitStatus::ALL.into_iter().find(|status| status.code() == exit.code))
            .unwrap_or(ExitStatus::Failed)
    }

    /// As documents write it.
    pub fn document(self) -> Exit {
        Exit { code: self.code(), name: self.name().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_a_record() {
        for status in ExitStatus::ALL {
            assert_eq!(ExitStatus::recorded(&status.document()).code(), status.code());
            assert_eq!(ExitStatus::recorded(&status.document()).name(), status.name());
        }
    }

    #[test]
    fn a_refusal_ends_every_command_with_one_status() {
        use RegionErrorKind::{
            Conflict, Denied, NotFound, Other, SignedOut, Unavailable, Unsupported,
        };
        let code = |kind| ExitStatus::of_refusal(kind, Role::Secondary).code();
        assert_eq!([Denied, SignedOut].map(code), [77, 77]);
        assert_eq!(code(NotFound), 78);
        assert_eq!([Conflict, Unsupported, Other].map(code), [1, 1, 1]);
        for (side, status) in
            [(Role::Primary, ExitStatus::PrimaryAway), (Role::Secondary, ExitStatus::SecondaryAway)]
        {
            assert_eq!(ExitStatus::of_refusal(Unavailable, side), status);
        }
    }

    #[test]
    fn of_several_regions_silence_counts_before_a_refusal_whatever_their_order() {
        use Refused::{Denied, Unreadable};
        use Role::{Primary, Secondary};
        for (unseen, status) in [
            (vec![], None),
            (vec![(Primary, Some(Unreadable))], Some(ExitStatus::Failed)),
            (
                vec![(Primary, Some(Unreadable)), (Secondary, Some(Denied))],
                Some(ExitStatus::Authentication),
            ),
            (vec![(Primary, Some(Denied)), (Secondary, None)], Some(ExitStatus::SecondaryAway)),
            (vec![(Secondary, None), (Primary, None)], Some(ExitStatus::PrimaryAway)),
        ] {
            assert_eq!(ExitStatus::of_all_unseen(unseen.clone()), status, "{unseen:?}");
            assert_eq!(ExitStatus::of_all_unseen(unseen.into_iter().rev()), status);
        }
    }
}
