//! How an incident goes on: found again, told again, changed and ended. Pure.

use chrono::{DateTime, Duration, Utc};

use crate::notify::incident::{Closed, FailureCause, How, Incident, Telling};
use crate::notify::round::{GroupRound, Round};

impl Incident {
    pub(super) fn facts(&mut self, group: &GroupRound) {
        self.cut = group.cut.or(self.cut);
        self.lag_seconds = group.lag_seconds;
        self.rpo_seconds = group.rpo_seconds.or(self.rpo_seconds);
    }

    pub(super) fn count_round(&mut self, round: &Round) {
        self.seen_at = round.ended_at;
        self.rounds = self.rounds.saturating_add(1);
    }

    /// It was found again: other causes are told at once.
    pub(super) fn recur(&mut self, round: &Round, causes: &[FailureCause], reminder: Duration) {
        let before = self.codes();
        self.causes = causes.to_vec();
        if self.codes() == before {
            self.remind(round, reminder);
        } else {
            self.changed_by = Some(round.run_id.clone());
            self.counted_from = round.ended_at;
            self.tell(round);
        }
    }

    pub(super) fn is_seen_from(&self, round: &Round) -> bool {
        self.seen_from.as_deref() == Some(round.seen_from.as_str())
    }

    /// Ends what is seen now: at once from where it was not, and where nobody looks from there any more in the end all the same,
    /// for nobody else would ever close it.
    pub(super) fn end_as_seen(&mut self, round: &Round, reminder: Duration) {
        if self.is_seen_from(round) {
            self.close(round, How::Recovered);
        } else if round.ended_at - self.seen_at > reminder {
            self.close(round, How::Unattended);
        }
    }

    pub(super) fn tell(&mut self, round: &Round) {
        self.told = Telling { at: round.ended_at, by: round.run_id.clone(), to: Vec::new() };
    }

    /// Tells of it again where a whole number of spans passed since it was last told of, counted from its beginning, so that a
    /// round that comes late moves none that follow.
    pub(super) fn remind(&mut self, round: &Round, every: Duration) {
        let spans = |at: DateTime<Utc>| {
            (at - self.counted_from).num_seconds().div_euclid(every.num_seconds().max(1))
        };
        if spans(round.ended_at) > spans(self.told.at) {
            self.tell(round);
        }
    }

    pub(super) fn close(&mut self, round: &Round, how: How) {
        self.closed = Some(Closed { at: round.ended_at, how, owners: Vec::new() });
        self.tell(round);
    }

    /// What it was about left the configuration, which knows its owners no more.
    pub(super) fn leave(&mut self, round: &Round) {
        let owners = self.group.as_ref().and_then(|group| round.owners_before.get(group));
        let owners = owners.cloned().unwrap_or_default();
        self.closed = Some(Closed { at: round.ended_at, how: How::Removed, owners });
        self.tell(round);
    }
}
