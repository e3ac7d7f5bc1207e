//! `drsync notify test`: a message of every class to everybody who would be told, and what their servers say.

use clap::{Args, Subcommand};

use super::clock::Clock;
use super::flags::Context;
use super::look::{self, Asking};
use super::tell::{Keychain, Teller, receiver, wait_until_stopped};
use super::{ExitStatus, Failure, configuration, output, signals};
use crate::notify::{Delivery, DeliveryOutcome, Letter, Policy, deliver, samples};
use crate::render::sections::notify::{Channel, ReceiverStanding, page};
use crate::render::writers::{Form, write};
use crate::render::{clean, plural};

/// Try out who is told
#[derive(Debug, Args)]
pub(super) struct NotifyArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Test(Test),
}

/// Send a message of every class, marked TEST, and print what the servers say
#[derive(Debug, Args)]
struct Test {
    /// Only to this address, or to the webhook of this name; without it to all
    #[arg(value_name = "ADDRESS|WEBHOOK")]
    to: Option<String>,
    /// The same as ADDRESS
    #[arg(long = "to", value_name = "ADDRESS", conflicts_with = "to", id = "receiver")]
    receiver: Option<String>,
}

impl NotifyArguments {
    pub(super) fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let What::Test(test) = self.what;
        test.run(context)
    }
}

impl Test {
    fn run(self, context: &Context) -> Result<ExitStatus, Failure> {
        let to = self.to.or(self.receiver);
        look::block_on(async {
            let found = configuration::require_own(configuration::usable(context).await?)?;
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
            let answers = deliver::send(&letters, &secrets, wait_until_stopped(&stop)).await;
            let mut heard = heard(&all, &answers);
            heard.sort_by_key(|channel| channel.standing);
            for channel in heard.iter_mut().filter(|it| it.standing == ReceiverStanding::Ask) {
                ask(context, channel)?;
            }
            heard.sort_by_key(|channel| channel.standing);
            let heartbeat = workspaces.iter().any(|workspace| {
                workspace.notifications.as_ref().is_some_and(|it| it.heartbeat.is_some())
            });
            output::data(&write(&page(&heard, heartbeat), Form::Text(context.style)))?;
            let took = heard.iter().filter(|it| it.standing == ReceiverStanding::Took).count();
            Ok(match took {
                took if took == heard.len() => ExitStatus::Ok,
                0 if heard.iter().all(|it| it.standing != ReceiverStanding::Ask) => {
                    ExitStatus::Failed
                }
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

/// What each receiver's server said, receiver by receiver.
fn heard(all: &[Vec<Letter>], answers: &[Delivery]) -> Vec<Channel> {
    let mut rest = answers;
    let mut heard = Vec::new();
    for letters in all {
        let (own, others) = rest.split_at(letters.len().min(rest.len()));
        rest = others;
        let worst =
            own.iter().find(|answer| answer.outcome != DeliveryOutcome::Sent).or(own.last());
        let (Some(letter), Some(said)) = (letters.first(), worst) else {
            continue;
        };
        let standing = match said.outcome {
            DeliveryOutcome::Refused | DeliveryOutcome::Dropped => ReceiverStanding::Refused,
            DeliveryOutcome::Deferred => ReceiverStanding::Silent,
            // A flow of Teams says yes before it has looked at the card.
            DeliveryOutcome::Sent if said.channel == "teams" => ReceiverStanding::Ask,
            DeliveryOutcome::Sent => ReceiverStanding::Took,
        };
        let name = match said.channel.as_str() {
            "mail" => format!("mail {}", receiver(letter)),
            _ => receiver(letter),
        };
        let took = own.iter().filter(|answer| answer.outcome == DeliveryOutcome::Sent).count();
        let reply = said.reply.clone();
        heard.push(Channel { name, standing, took, of: own.len(), reply });
    }
    heard
}

/// Whether messages arrived that their server takes in any case.
fn ask(context: &Context, channel: &mut Channel) -> Result<(), Failure> {
    if !context.can_ask {
        return Ok(());
    }
    let question = format!(
        "Did {} marked TEST arrive at {}? (yes, no)",
        plural(channel.of, "message"),
        clean(&channel.name)
    );
    channel.standing = match output::ask(&question)?.as_str() {
        "yes" | "y" => ReceiverStanding::Took,
        "no" | "n" => ReceiverStanding::Refused,
        _ => ReceiverStanding::Ask,
    };
    Ok(())
}
