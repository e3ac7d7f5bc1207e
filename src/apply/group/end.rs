//! How a group ends that does not come to its cut, and what its row says then.

use super::Attempt;
use crate::apply::fence::{Fence, told_with_clones};
use crate::apply::grant::{Missing, grant_for, with_grant};
use crate::apply::precondition::{self, Passed, Unfit};
use crate::ledger::{Cut, Cuts, row};
use crate::plan::{FindingCode, Role, words_of_region};
use crate::record::{Ending, Failed, Moved, TableRecord};
use crate::region::RegionError;
use crate::sentence::Sentence;

/// How a group ended that did not come to its cut.
pub(super) struct GroupEnd {
    pub(super) ending: Ending,
    pub(super) message: Sentence,
    pub(super) tables: Vec<TableRecord>,
    /// The cut that another apply brought it to.
    pub(super) cut: Option<Cut>,
    /// The right whose lack is why.
    pub(super) missing: Option<Missing>,
}

impl GroupEnd {
    /// An end before any table was looked at.
    pub(super) fn of(ending: Ending, message: impl Into<Sentence>) -> GroupEnd {
        GroupEnd { ending, message: message.into(), tables: Vec::new(), cut: None, missing: None }
    }

    /// The same for the lack of a right.
    pub(super) fn by(self, missing: Option<Missing>) -> GroupEnd {
        GroupEnd { missing, ..self }
    }

    /// The same with what was done to tables.
    pub(super) fn with(self, tables: Vec<TableRecord>) -> GroupEnd {
        GroupEnd { tables, ..self }
    }

    /// Another side is active of the group.
    pub(super) fn is_failed_over(&self) -> bool {
        self.ending.is_found(FindingCode::is_of_roles)
    }

    /// Another apply brought the group as far, or further.
    pub(super) fn is_overtaken(&self) -> bool {
        matches!(self.ending, Ending::Overtaken { .. })
    }
}

impl Attempt<'_> {
    /// Records an end that is none to be content with in both regions, as far as they can be written; `row`: what the row says of it.
    pub(super) async fn failed(&self, row: Sentence, end: GroupEnd) -> GroupEnd {
        let Attempt { run, site, plan, .. } = *self;
        let (principal, missing) = (site.principal.as_deref(), end.missing.as_ref());
        let grant = grant_for(site.regions, site.plan, plan, principal, missing).await;
        let with = |text| with_grant(text, grant.as_ref());
        let (row, message) = (with(row), with(end.message));
        let told = site.record(run, &plan.name, |before| before.failed(row, run.now())).await;
        if let Err(error) = told
            && site.secondary_refusal.is_none()
        {
            site.warn_of_status(run, &plan.name, Role::Secondary, &error);
        }
        GroupEnd { message, ..end }
    }

    /// Records that a region is away; nothing of the group was tried.
    pub(super) async fn away(&self, side: Role, refusal: &RegionError) -> GroupEnd {
        let words = words_of_region(side, refusal.kind);
        let end = GroupEnd::of(Ending::Away { side }, format!("{words}: {refusal}"));
        self.failed(words.into(), end).await
    }

    /// Records that a region's metadata tables cannot be used; the row says it as `row` has it.
    pub(super) async fn unusable(
        &self,
        side: Role,
        text: Sentence,
        row: impl FnOnce(&Sentence) -> Sentence,
        error: &RegionError,
    ) -> GroupEnd {
        let row = row(&text);
        let ending = Ending::Failed(Failed::LedgerUnusable { side });
        self.failed(row, GroupEnd::of(ending, text).by(Missing::of(error, None))).await
    }

    /// Records that a group cannot be synchronized as planned.
    pub(super) async fn unfit(&self, unfit: Unfit) -> GroupEnd {
        let Unfit { ending, text, missing, failure: _ } = unfit;
        let stale = matches!(*ending, Ending::Stale { .. });
        if stale {
            // What moved may be what another apply of the same changes did.
            let now = self.site.regions.secondary.location.ledger().await.unwrap_or_default();
            let faster = self.passed_by(&now.all_cuts());
            if let Some(end) = faster.filter(|end| end.is_overtaken() || end.is_failed_over()) {
                return end;
            }
        }
        let row = if stale { row::interrupted(&text) } else { text.clone() };
        self.failed(row, GroupEnd::of(*ending, text).by(missing)).await
    }

    /// The end of a group whose roles somebody has changed while it was at work, with what its clones did; `None`: nobody did, as
    /// far as the secondary's log can be read.
    pub(super) async fn fenced(
        &self,
        fence: &Fence<'_>,
        tables: &[TableRecord],
    ) -> Option<GroupEnd> {
        let cut = fence.find_change_of_role().await.ok().flatten()?;
        let end = if cut.is_away_from(&self.site.plan.name) {
            let (ending, _) = precondition::away_from_home(cut);
            GroupEnd::of(ending, told_with_clones(cut, tables))
        } else {
            let text = format!(
                "roles were changed while it was at work, by {} ({}): plan again",
                cut.committed_by,
                cut.label()
            );
            GroupEnd::of(Ending::Stale { why: Moved::CutCommitted, table: None }, text)
        };
        let end = GroupEnd { cut: Some(cut.clone()), ..end };
        Some(self.failed(end.message.clone(), end).await)
    }

    /// The end of a group whose cut does not come next in a log; `None`: it does.
    pub(super) fn passed_by(&self, cuts: &Cuts) -> Option<GroupEnd> {
        let Attempt { run, site, plan, point, .. } = *self;
        let home = &site.plan.name;
        let passed = precondition::follows(cuts, home, plan, point, &run.stored.sha256).err()?;
        let cut = match &passed {
            Passed::Applied(_) | Passed::Overtaken(_) | Passed::FailedOver(_) => {
                cuts.newest(&plan.name).cloned()
            }
            Passed::Stale(_, _) => None,
        };
        Some(GroupEnd { cut, ..GroupEnd::of(passed.ending(), passed.message()) })
    }
}
