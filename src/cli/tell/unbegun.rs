//! Tells people that no apply could begin, of all workspaces or of one that cannot be used, and that they begin again.
//!
//! There is no record of an apply that did not begin, so a note of this machine remembers what was told.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Applied, Keychain, Teller, say};
use crate::apply::RunRecord;
use crate::cli::clock::Clock;
use crate::cli::flags::Context;
use crate::cli::output::AlreadySaid;
use crate::cli::{ExitStatus, Failure, keep, who};
use crate::notify::deliver::{self, SENDING, Secrets};
use crate::notify::{
    CauseCode, Delivery, DeliveryOutcome, FailureCause, Policy, RecordNews, Round, ToldState,
    end_of_left_workspace, letters, not_begun,
};

/// Tells that an apply could not begin, where nobody sits before it and reads why.
pub(super) async fn fail(context: &Context, teller: &Teller, failure: &Failure) -> Vec<Delivery> {
    let code = match failure.status() {
        _ if std::io::stdin().is_terminal() => return Vec::new(),
        ExitStatus::Authentication => CauseCode::NotSignedIn,
        ExitStatus::Configuration => CauseCode::ConfigurationUnusable,
        ExitStatus::Failed | ExitStatus::PrimaryAway => CauseCode::NotBegun,
        // What the command or the plan lacks is seen by whoever gave them.
        _ => return Vec::new(),
    };
    let now = context.clock.now();
    let run_id = &Clock::id(now);
    let said = &context.said;
    let telling =
        Telling { folder: &teller.folder, run_id, now, others: Vec::new(), gone: Vec::new(), said };
    let cause = FailureCause { code, table: None, message: failure.message() };
    let usable = teller.policies.iter().filter(|policy| !policy.is_silent());
    let usable = usable.map(|policy| (policy.clone(), Some(cause.clone())));
    let all: Vec<_> = usable.chain(teller.unusable()).collect();
    telling.tell(&all, &Keychain::offline(&teller.scopes)).await
}

/// Tells of an apply that began which workspaces it left out, and that it began where it was told that none could.
pub(super) async fn begin(
    teller: &Teller,
    applied: &Applied<'_>,
    record: &RunRecord,
) -> Vec<Delivery> {
    let before = keep::not_begun(&teller.folder);
    if before.is_empty() && teller.unusable.is_empty() {
        return Vec::new();
    }
    let begun = teller.policies(applied.plan);
    let gone = teller.gone(&before);
    // Of a workspace that was not asked for nothing is known.
    let others = before.into_iter().filter(|standing| {
        let is = |policy: &Policy| policy.workspace == standing.workspace;
        teller.policies.iter().any(is) && !begun.iter().any(is)
    });
    let telling = Telling {
        folder: &teller.folder,
        run_id: &record.run_id,
        now: record.ended_at,
        others: others.collect(),
        gone,
        said: applied.said,
    };
    let begun = begun.into_iter().map(|policy| (policy, None));
    let all: Vec<_> = begun.chain(teller.unusable()).collect();
    telling.tell(&all, &teller.keychain(applied)).await
}

impl Teller {
    /// Of these what stands of workspaces that left the configuration, with whom an apply of this machine told of them.
    fn gone(&self, standings: &[ToldState]) -> Vec<(Policy, ToldState)> {
        let Some(named) = &self.named else {
            return Vec::new();
        };
        let used = keep::used_configurations(&self.folder);
        let gone = standings.iter().filter(|standing| !named.contains(&standing.workspace));
        let known = gone.filter_map(|standing| {
            let used = used.iter().find(|used| used.name == standing.workspace)?;
            Some((Policy::of(used)?, standing.clone()))
        });
        known.collect()
    }

    /// Those of workspaces that cannot be used, each with the reason.
    fn unusable(&self) -> impl Iterator<Item = (Policy, Option<FailureCause>)> {
        self.unusable.iter().map(|(policy, why)| {
            let code = CauseCode::ConfigurationUnusable;
            let cause = FailureCause { code, table: None, message: why.clone() };
            (policy.clone(), Some(cause))
        })
    }
}

/// What one run tells of beginnings.
struct Telling<'a> {
    folder: &'a Path,
    run_id: &'a str,
    now: DateTime<Utc>,
    /// What stands of others, and goes on.
    others: Vec<ToldState>,
    /// What stood of those that left the configuration, and who heard of it.
    gone: Vec<(Policy, ToldState)>,
    said: &'a AlreadySaid,
}

impl Telling<'_> {
    /// Tells each that an apply could not begin, with the cause, or that one began; what servers answered.
    async fn tell(
        &self,
        of: &[(Policy, Option<FailureCause>)],
        secrets: &dyn Secrets,
    ) -> Vec<Delivery> {
        let before = keep::not_begun(self.folder);
        let standings = of.iter().map(|(policy, cause)| {
            let of_workspace = before.iter().filter(|it| it.workspace == policy.workspace);
            let of_workspace: Vec<&ToldState> = of_workspace.collect();
            not_begun(&self.round(policy), &of_workspace, policy, cause.as_ref())
        });
        let gone = self.gone.iter();
        let gone = gone.map(|(policy, standing)| {
            end_of_left_workspace(&self.round(policy), &[standing], policy)
        });
        let standings = standings.chain(gone);
        let told = RecordNews {
            run_id: self.run_id.to_owned(),
            ended_at: self.now,
            url: None,
            standings: standings.collect(),
            synchronized: Vec::new(),
            left: Vec::new(),
        };
        let gone = self.gone.iter().map(|(policy, _)| policy);
        let policies: Vec<Policy> =
            of.iter().map(|(policy, _)| policy).chain(gone).cloned().collect();
        let messages = letters(&told, &policies);
        let answers = deliver::send(&messages, secrets, tokio::time::sleep(SENDING)).await;
        say(self.said, &messages, &answers);
        // What reached nobody is told by the next run.
        if messages.is_empty()
            || answers.iter().any(|answer| answer.outcome == DeliveryOutcome::Sent)
        {
            let mut open = told.standings;
            open.retain(|standing| standing.incidents.iter().any(|incident| incident.is_open()));
            open.extend(self.others.iter().cloned());
            keep::note_not_begun(self.folder, &open);
        }
        answers
    }

    /// Nothing was looked at.
    fn round(&self, policy: &Policy) -> Round {
        Round {
            run_id: self.run_id.to_owned(),
            workspace: policy.workspace.clone(),
            seen_from: who::describe_machine(),
            started_at: self.now,
            ended_at: self.now,
            whole: false,
            away: Vec::new(),
            answered: Vec::new(),
            stands_by: true,
            unwatched: None,
            lost: Vec::new(),
            owners_before: BTreeMap::new(),
            weakened: Vec::new(),
            changed: Vec::new(),
            came: Vec::new(),
            groups: Vec::new(),
        }
    }
}
