//! Tells people that no apply could begin, and that they begin again.
//!
//! There is no record of an apply that did not begin, so a note of this machine remembers what was told.

use std::io::IsTerminal as _;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Applied, Keychain, Teller, say};
use crate::apply::RunRecord;
use crate::cli::clock::Clock;
use crate::cli::configuration::Found;
use crate::cli::flags::Context;
use crate::cli::{ExitStatus, Failure, keep, who};
use crate::notify::deliver::{self, SENDING, Secrets};
use crate::notify::{Cause, CauseCode, Outcome, Policy, Round, Standing, Told, letters, not_begun};

/// Tells that an apply could not begin, where nobody sits before it and reads why.
pub(super) async fn fail(context: &Context, found: &Found, teller: &Teller, failure: &Failure) {
    let code = match failure.status() {
        _ if std::io::stdin().is_terminal() => return,
        ExitStatus::Authentication => CauseCode::NotSignedIn,
        ExitStatus::Configuration => CauseCode::ConfigurationUnusable,
        ExitStatus::Failed | ExitStatus::PrimaryAway => CauseCode::NotBegun,
        // What the command or the plan lacks is seen by whoever gave them.
        _ => return,
    };
    let cause = Cause { code, table: None, message: failure.message().into() };
    let now = context.clock.now();
    let telling =
        Telling { folder: &found.folder, run_id: &Clock::id(now), now, policies: &teller.policies };
    telling.tell(Some(&cause), &Keychain::offline(&teller.scopes)).await;
}

/// Tells that an apply began, where it was told that none could.
pub(super) async fn begin_again(teller: &Teller, applied: &Applied<'_>, record: &RunRecord) {
    if keep::not_begun(applied.folder).is_empty() {
        return;
    }
    let policies = teller.policies(applied.plan);
    let telling = Telling {
        folder: applied.folder,
        run_id: &record.run_id,
        now: record.ended_at,
        policies: &policies,
    };
    telling.tell(None, &teller.keychain(applied)).await;
}

/// What one run tells of beginnings.
struct Telling<'a> {
    folder: &'a Path,
    run_id: &'a str,
    now: DateTime<Utc>,
    policies: &'a [Policy],
}

impl Telling<'_> {
    async fn tell(&self, cause: Option<&Cause>, secrets: &dyn Secrets) {
        let before = keep::not_begun(self.folder);
        let standings = self.policies.iter().map(|policy| {
            let of_workspace = before.iter().filter(|it| it.workspace == policy.workspace);
            let of_workspace: Vec<&Standing> = of_workspace.collect();
            not_begun(&self.round(policy), &of_workspace, policy, cause)
        });
        let told = Told {
            run_id: self.run_id.to_owned(),
            ended_at: self.now,
            url: None,
            standings: standings.collect(),
            synchronized: Vec::new(),
        };
        let messages = letters(&told, self.policies);
        let answers = deliver::send(&messages, secrets, tokio::time::sleep(SENDING)).await;
        say(&messages, &answers);
        // What reached nobody is told by the next run.
        if messages.is_empty() || answers.iter().any(|answer| answer.outcome == Outcome::Sent) {
            let mut open = told.standings;
            open.retain(|standing| standing.incidents.iter().any(|incident| incident.is_open()));
            keep::note_not_begun(self.folder, &open);
        }
    }

    /// Nothing was looked at.
    fn round(&self, policy: &Policy) -> Round {
        Round {
            run_id: self.run_id.to_owned(),
            workspace: policy.workspace.clone(),
            seen_from: who::place(),
            started_at: self.now,
            ended_at: self.now,
            whole: false,
            away: Vec::new(),
            answered: Vec::new(),
            lost: Vec::new(),
            weakened: Vec::new(),
            groups: Vec::new(),
        }
    }
}
