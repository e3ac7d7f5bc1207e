//! `drsync daemon`: the same plan and the same apply, round after round, and between them an eye on workflows that finish.
//!
//! Nothing is remembered from one round to the next that decides anything: a daemon that was killed goes on where it was.

mod line;
mod memory;
mod poll;
mod served;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

use super::apply::{self, JustPlanned, Ready};
use super::events::Events;
use super::flags::Context;
use super::look::{self, Asking};
use super::sign::RunnersKey;
use super::signals::{self, Stop};
use super::{ExitStatus, Failure, duration, tell};
use crate::apply::{RunRecord, Signer};
use crate::config::Configuration;
use crate::metrics::{Counts, Measured};
use crate::notify::Delivery;
use crate::plan::document::Selection;
use crate::plan::{Observed, status};
use line::DaemonLine;
use poll::{LastRound, Polled};
use served::ServedMetrics;

/// A wait is looked at again so often: a signal and a clock that was set are seen by then.
const TICK: Duration = Duration::from_millis(250);
/// The same where the clock is given.
const TICK_OF_GIVEN: Duration = Duration::from_millis(10);
/// Rounds begin so much later at most than their interval says, each by another share of it: daemons that were started together
/// do not ask together.
const JITTER: Duration = Duration::from_secs(60);

/// Go on by itself: a round every half hour, and as soon as a workflow has finished
///
/// Each round reads the configuration afresh, plans, and applies without asking, as apply --auto-approve does. A broken
/// configuration or a region that does not answer is told and tried again. SIGTERM ends it as it ends an apply.
#[derive(Debug, Args)]
pub(super) struct DaemonArguments {
    /// A round so often, at least half an hour
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration::parse_interval)]
    interval: Duration,
    /// Look for finished workflows so often between rounds, at least a minute
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse_minutes)]
    poll: Duration,
    /// Serve /healthz, /readyz and /metrics here, on this machine's own addresses only
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// --listen may name an address that others reach: whoever asks is answered
    #[arg(long, requires = "listen")]
    listen_to_others: bool,
    /// Sign run records with this secret key of minisign, as apply does
    #[arg(long, value_name = "KEY", env = "DRSYNC_SIGN_RECORD_WITH", hide_env_values = true)]
    sign_record_with: Option<PathBuf>,
}

/// A daemon at work.
struct Work<'a> {
    command: &'a DaemonArguments,
    context: Context,
    signer: Option<Arc<dyn Signer>>,
    stop: Stop,
    served: ServedMetrics,
    measured: Measured,
    counts: Counts,
    /// What was last seen of workflows, and over what they are asked.
    polled: Option<Polled>,
    /// Rounds of the day.
    today: Today,
}

/// What a day of rounds came to.
struct Today {
    began: DateTime<Utc>,
    rounds: usize,
}

/// Why a round is begun.
enum Cause {
    /// It is time.
    Time,
    /// A region answers again.
    Back,
    /// Workflows of these groups finished, or their groups waited for no more than the time between two synchronizations.
    Finished(BTreeSet<String>),
}

impl DaemonArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        if !context.clock.moves() {
            let message = "DRSYNC_NOW stands still, and a daemon waits: name a file that holds the moment, DRSYNC_NOW=@FILE";
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        if let Some(address) = self.listen
            && !address.ip().is_loopback()
            && !self.listen_to_others
        {
            let message = format!(
                "--listen {address}: others than this machine reach that address, and whoever asks is told how every group stands; \
                 --listen-to-others if that is meant"
            );
            return Err(Failure::new(ExitStatus::Usage, message));
        }
        memory::bound_heaps();
        let key = self.sign_record_with.as_deref().map(RunnersKey::open).transpose()?;
        let signer = key.map(|key| Arc::new(key) as Arc<dyn Signer>);
        let context = Context { unattended: true, can_ask: false, ..context.clone() };
        look::block_on(async {
            let stop = signals::watch().context("watch for signals")?;
            let served = ServedMetrics::open(self.listen).await?;
            let now = context.clock.now();
            let mut work = Work {
                command: &self,
                context,
                signer,
                stop,
                served,
                measured: Measured::default(),
                counts: Counts::default(),
                polled: None,
                today: Today { began: now, rounds: 0 },
            };
            work.go_on().await
        })
    }
}

impl Work<'_> {
    async fn go_on(&mut self) -> Result<ExitStatus, Failure> {
        let every = crate::text::span(i64::try_from(self.command.interval.as_secs()).unwrap_or(0));
        let here = super::who::describe_machine();
        let text = format!("drsync {} on {here}, a round every {every}", env!("CARGO_PKG_VERSION"));
        self.say("start", &text);
        if let Some(address) = self.served.address() {
            self.say("listen", &format!("http://{address}/metrics, /healthz, /readyz"));
        }
        let (mut cause, mut next, mut first) = (Cause::Time, self.context.clock.now(), true);
        loop {
            if matches!(cause, Cause::Time) {
                next = self.next_round();
            }
            self.new_day();
            match self.round(cause, next).await {
                Ok(()) => {}
                // A mistake in the command line is one for ever.
                Err(failure) if first && failure.status() == ExitStatus::Usage => {
                    return Err(failure);
                }
                Err(failure) => self.failed(&failure).await,
            }
            first = false;
            cause = loop {
                self.wait(next).await;
                if self.stopped() {
                    return Ok(self.ended());
                }
                let now = self.context.clock.now();
                // One that is further away than rounds are apart was reckoned by a clock that has been put back since.
                let far = next - now > delta(self.command.interval + JITTER);
                if now >= next || far {
                    break Cause::Time;
                }
                if let Some(cause) = self.look_between().await {
                    break cause;
                }
            };
        }
    }

    /// When the next round begins.
    fn next_round(&self) -> DateTime<Utc> {
        let jitter = if self.context.clock.overridden() {
            Duration::ZERO
        } else {
            JITTER.mul_f64(rand::random::<f64>())
        };
        crate::moment::later(self.context.clock.now(), delta(self.command.interval + jitter))
    }

    /// Waits for the next round or the next look between rounds, but not past a signal.
    async fn wait(&self, next: DateTime<Utc>) {
        let clock = self.context.clock;
        let from = clock.now();
        let until = next.min(crate::moment::later(from, delta(self.command.poll)));
        let begun = Instant::now();
        let tick = if clock.overridden() { TICK_OF_GIVEN } else { TICK };
        while !self.stopped() && clock.now() < until {
            // A clock that was set back stops no daemon.
            let waited = !clock.overridden() && begun.elapsed() > self.command.poll;
            if waited || clock.now() < from {
                return;
            }
            tokio::time::sleep(tick).await;
        }
    }

    fn stopped(&self) -> bool {
        self.stop.stop.load(Ordering::Relaxed)
    }

    fn ended(&self) -> ExitStatus {
        self.say(
            "end",
            &format!(
                "after {}",
                crate::text::plural_of(self.counts.rounds.values().sum(), "round")
            ),
        );
        match self.stop.signal.load(Ordering::Relaxed) {
            130 => ExitStatus::Interrupted,
            _ => ExitStatus::Terminated,
        }
    }

    /// One round: of everything, or of the groups whose workflows finished.
    async fn round(&mut self, cause: Cause, next: DateTime<Utc>) -> Result<(), Failure> {
        let mut context = self.context.clone();
        let whole = match &cause {
            Cause::Time | Cause::Back => true,
            Cause::Finished(groups) => {
                let only = groups.iter().cloned().collect();
                context.selection = Selection { only, ..Selection::default() };
                false
            }
        };
        let key = self.command.sign_record_with.as_deref();
        let asking = Asking::default().signed_with(key);
        let planned = apply::plan_now(&context, &asking, self.signer.clone()).await?;
        let JustPlanned { ready, observed, configuration } = planned;
        let plan = &ready.stored.plan;
        self.say_once(&line::warnings(plan));
        let begun = context.clock.now();
        if whole || plan.applyable {
            self.say("round", &line::begins(plan, whole));
            self.say_once(&line::lines_of_blocked(plan));
        }
        // A look between rounds that finds nothing to do leaves no record, so that records stay one a round.
        let mut synchronized = BTreeSet::new();
        if whole || plan.applyable {
            let done =
                apply::carry_out(&context, &Arc::new(Events::none()), &ready, &self.stop).await?;
            synchronized = poll::collect_synchronized(&done.record);
            let exit = ExitStatus::recorded(&done.record.exit);
            let applied = ready.applied(&self.context);
            let told = ready.teller.tell(&applied, &done.record, exit, &self.stop).await;
            self.count(&done.record, exit, &told);
            self.measure(&observed, &ready, &done.record, &configuration, whole);
            self.served.ready(served::standing(exit));
            let took = context.clock.now() - begun;
            self.say("round", &line::ends(&done.record, exit, took, next));
            self.say_told(&told);
        }
        let before = self.polled.take().filter(|_| !whole);
        let Ready { stored, regions, .. } = ready;
        let after = LastRound { plan: &stored.plan, synchronized };
        self.polled = Some(Polled::after(observed, &after, regions, before));
        Ok(())
    }

    /// A round that did not come as far as an apply is told, once, and tried again.
    async fn failed(&mut self, failure: &Failure) {
        let exit = failure.status();
        *self.counts.rounds.entry(exit.name().to_owned()).or_default() += 1;
        self.served.ready(Err(failure.message()));
        if self.context.said.first(&failure.to_text()) {
            self.say("failed", &format!("{} (exit {})", exit.name(), exit.code()));
            super::output::note(&failure.to_text());
        }
        let told = tell::fail(&self.context, failure).await;
        self.count_told(&told);
        self.publish();
        self.say_told(&told);
        // What is looked at between rounds is tried again with the configuration of the next one.
        self.polled = Some(Polled::failed(self.polled.take()));
    }

    /// Looks between rounds whether there is reason for another: workflows that finished, a region that is back.
    async fn look_between(&mut self) -> Option<Cause> {
        let now = self.context.clock.now();
        let polled = self.polled.as_mut()?;
        if polled.failed {
            return Some(Cause::Time);
        }
        if polled.a_region_is_back().await {
            return Some(Cause::Back);
        }
        let selection = self.context.selection.clone();
        let due = polled.due(now, &selection).await;
        (!due.is_empty()).then_some(Cause::Finished(due))
    }

    fn count(&mut self, record: &RunRecord, exit: ExitStatus, told: &[Delivery]) {
        *self.counts.rounds.entry(exit.name().to_owned()).or_default() += 1;
        for group in &record.groups {
            let copied = group.tables.iter().filter_map(|table| table.copied_bytes);
            let copied = copied.fold(0, u64::saturating_add);
            let all = self.counts.copied_bytes.entry(group.workspace.clone()).or_default();
            *all = all.saturating_add(copied);
        }
        self.count_told(told);
        self.today.rounds += 1;
    }

    fn count_told(&mut self, told: &[Delivery]) {
        for answer in told {
            let key = (answer.channel.clone(), answer.outcome.as_str().to_owned());
            *self.counts.notifications.entry(key).or_default() += 1;
        }
    }

    fn say_told(&self, told: &[Delivery]) {
        if !told.is_empty() {
            self.say("told", &line::count_answers(told));
        }
    }

    fn measure(
        &mut self,
        observed: &Observed,
        ready: &Ready,
        record: &RunRecord,
        configuration: &Configuration,
        whole: bool,
    ) {
        let status = status::status(observed, &ready.stored.plan);
        let before = std::mem::take(&mut self.measured);
        self.measured = before.after_round(&status, record, &configuration.workspaces, whole);
        self.publish();
    }

    fn publish(&mut self) {
        self.measured.counts = Some(self.counts.clone());
        self.served.publish(self.measured.clone());
    }

    /// Says at the first round of a day of UTC what the last one came to, and what goes on once more.
    fn new_day(&mut self) {
        let now = self.context.clock.now();
        if now.date_naive() == self.today.began.date_naive() {
            return;
        }
        let text = line::alive(self.today.rounds, &self.measured);
        self.say("alive", &text);
        self.context.said.forget();
        self.today = Today { began: now, rounds: 0 };
    }

    fn say(&self, word: &str, text: &str) {
        if !self.context.quiet {
            DaemonLine { at: self.context.clock.now(), word, text }.write();
        }
    }

    fn say_once(&self, lines: &[(&'static str, String, String)]) {
        for (word, key, text) in lines {
            if self.context.said.first(&format!("{word} {key}")) {
                self.say(word, text);
            }
        }
    }
}

fn delta(length: Duration) -> TimeDelta {
    TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX)
}
