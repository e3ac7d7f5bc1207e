//! `drsync notify test`: a message of every class to everybody who would be told, and what their servers say.

use clap::{Args, Subcommand};

use super::clock::Clock;
use super::flags::Context;
use super::look::{self, Asking};
use super::tell::{Keychain, Teller, over, receiver};
use super::{ExitStatus, Failure, configuration, output, signals};
use crate::config::Workspace;
use crate::notify::{Answer, Letter, Outcome, Policy, deliver, samples};
use crate::render::{clean, plural};

/// Try out who is told
#[derive(Debug, Args)]
pub(super) struct Notify {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Test(Test),
}

/// Send a message of every class, marked TEST, and print what the servers say
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  drsync notify test\n  drsync notify test ops@example.com\n  drsync notify test SLACK_DR"
)]
struct Test {
    /// Only to this address, or to the webhook of this name; without it to all
    #[arg(value_name = "ADDRESS|WEBHOOK")]
    to: Option<String>,
    /// The same as ADDRESS
    #[arg(long = "to", value_name = "ADDRESS", conflicts_with = "to", id = "receiver")]
    receiver: Option<String>,
}

/// What one receiver's server said to all of them.
struct Heard<'a> {
    letter: &'a Letter,
    took: usize,
    of: usize,
    /// The first answer that was none of a message that was taken, else the last.
    said: &'a Answer,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Refused,
    Silent,
    Ask,
    Took,
}

impl Notify {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let What::Test(test) = self.what;
        test.run(context)
    }
}

impl Test {
    fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let to = self.to.or(self.receiver);
        look::block_on(async {
            let found = configuration::own(configuration::usable(context).await?)?;
            let looked = look::look_with(context, &Asking::default(), found).await?;
            let workspaces = &looked.found.configuration.workspaces;
            let policies: Vec<Policy> = workspaces.iter().filter_map(Policy::of).collect();
            let now = context.clock.now();
            let all = samples(&policies, &Clock::id(now), now, to.as_deref());
            if all.is_empty() {
                return Err(nobody(&policies, to.as_deref()));
            }
            let teller = Teller::of(&looked.found.configuration, &looked.found.folder);
            let secrets = Keychain::new(teller.scopes(), &looked.plan, &looked.regions);
            let stop = signals::watch().map_err(anyhow::Error::from)?;
            let letters: Vec<Letter> = all.iter().flatten().cloned().collect();
            let answers = deliver::send(&letters, &secrets, over(&stop)).await;
            let mut heard = heard(&all, &answers);
            heard.sort_by_key(|heard| heard.kind);
            for heard in heard.iter_mut().filter(|heard| heard.kind == Kind::Ask) {
                ask(context, heard)?;
            }
            heard.sort_by_key(|heard| heard.kind);
            output::data(&text(&heard, workspaces))?;
            let took = heard.iter().filter(|heard| heard.kind == Kind::Took).count();
            Ok(match took {
                took if took == heard.len() => ExitStatus::Ok,
                0 if heard.iter().all(|heard| heard.kind != Kind::Ask) => ExitStatus::Failed,
                _ => ExitStatus::Partial,
            })
        })
    }
}

fn nobody(policies: &[Policy], to: Option<&str>) -> Failure {
    match (policies.is_empty(), to) {
        (true, _) => Failure::new(
            ExitStatus::Configuration,
            "nobody is told of anything: notifications has neither smtp nor webhooks",
        ),
        (false, to) => {
            let to = to.unwrap_or_default();
            let message = format!("{to} is nobody who is told: write one of these");
            let named = |policy: &Policy| {
                let addresses = policy.failure.iter().chain(&policy.success_list);
                let owners = policy.owners.values().flatten();
                let mails: Vec<String> = match policy.smtp {
                    Some(_) => addresses.chain(owners).cloned().collect(),
                    None => Vec::new(),
                };
                let hooks = policy.webhooks.iter().map(|webhook| webhook.label.clone());
                mails.into_iter().chain(hooks.collect::<Vec<_>>())
            };
            let mut names: Vec<String> = policies.iter().flat_map(named).collect();
            names.sort_unstable();
            names.dedup();
            Failure::new(ExitStatus::Usage, clean(&message)).with_line(&names.join(", "))
        }
    }
}

fn heard<'a>(all: &'a [Vec<Letter>], answers: &'a [Answer]) -> Vec<Heard<'a>> {
    let mut rest = answers;
    let mut heard = Vec::new();
    for letters in all {
        let (own, others) = rest.split_at(letters.len().min(rest.len()));
        rest = others;
        let worst = own.iter().find(|answer| answer.outcome != Outcome::Sent).or(own.last());
        let (Some(letter), Some(said)) = (letters.first(), worst) else {
            continue;
        };
        let kind = match said.outcome {
            Outcome::Refused | Outcome::Dropped => Kind::Refused,
            Outcome::Deferred => Kind::Silent,
            // A flow of Teams says yes before it has looked at the card.
            Outcome::Sent if said.channel == "teams" => Kind::Ask,
            Outcome::Sent => Kind::Took,
        };
        let took = own.iter().filter(|answer| answer.outcome == Outcome::Sent).count();
        heard.push(Heard { letter, took, of: own.len(), said, kind });
    }
    heard
}

/// Whether messages arrived that their server takes in any case.
fn ask(context: &Context, heard: &mut Heard<'_>) -> Result<(), Failure> {
    if !context.can_ask {
        return Ok(());
    }
    let question = format!(
        "Did {} marked TEST arrive at {}? (yes, no)",
        plural(heard.of, "message"),
        clean(&receiver(heard.letter))
    );
    heard.kind = match output::ask(&question)?.as_str() {
        "yes" | "y" => Kind::Took,
        "no" | "n" => Kind::Refused,
        _ => Kind::Ask,
    };
    Ok(())
}

fn text(heard: &[Heard<'_>], workspaces: &[Workspace]) -> String {
    let of = |kind: Kind| heard.iter().filter(|heard| heard.kind == kind).count();
    let mut verdict =
        format!("{} of {} took every message", of(Kind::Took), plural(heard.len(), "channel"));
    for (kind, word) in
        [(Kind::Refused, "refused"), (Kind::Silent, "not reached"), (Kind::Ask, "cannot know")]
    {
        if of(kind) > 0 {
            verdict.push_str(&format!("; {} {word}", of(kind)));
        }
    }
    let mut lines = vec![verdict, String::new()];
    for Heard { letter, took, of, said, kind } in heard {
        let word = match kind {
            Kind::Refused => "refused",
            Kind::Silent => "failed",
            Kind::Ask => "ask",
            Kind::Took => "took",
        };
        let told = match kind {
            Kind::Ask => format!(
                "{}, which proves nothing: look there for {} marked TEST",
                said.reply,
                plural(*of, "message")
            ),
            Kind::Took | Kind::Refused | Kind::Silent => {
                format!("{took} of {of}, {}", said.reply)
            }
        };
        let channel = match said.channel.as_str() {
            "mail" => format!("mail {}", receiver(letter)),
            _ => receiver(letter),
        };
        let head = format!("{word:<8} {}  ", clean(&channel));
        lines.extend(crate::render::hanging(&head, &told, 80));
    }
    let silent = |workspace: &Workspace| {
        workspace.notifications.as_ref().is_none_or(|it| it.heartbeat.is_none())
    };
    if workspaces.iter().all(silent) {
        lines.push(String::new());
        lines.push(
            "nobody tells if this machine dies: notifications.heartbeat is not set".to_owned(),
        );
    }
    lines.join("\n") + "\n"
}
