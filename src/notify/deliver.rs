//! Sends messages: every server and every webhook by itself and at once, all within a minute, and says what each answered.
//!
//! Nothing here fails an apply: what cannot be sent is an answer like any other, and is sent again by the next one.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use secrecy::SecretString;

use super::letters::{Letter, LetterItem, Receiver};
use super::told::{Delivery, DeliveryOutcome};
use crate::config::{Smtp, Webhook};
use crate::secrets;
use crate::sentence::Sentence;

mod beat;
mod hook;
mod mail;
mod oauth;
mod protected;

pub use beat::{Beat, beat};

/// All messages of an apply are sent within this time; a server that says nothing holds it up no longer.
pub const SENDING: Duration = Duration::from_secs(60);

/// Where the secrets of servers and webhooks come from.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value of a variable of the environment, or else of a secret of a workspace.
    ///
    /// # Errors
    /// Why there is none, a fragment that names both.
    async fn look_up(
        &self,
        workspace: &str,
        variable: &str,
        secret: Option<&str>,
    ) -> Result<SecretString, Sentence>;
}

/// Messages, each with its place among all.
type Numbered<'a> = Vec<(usize, &'a Letter)>;

/// What a server said to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerReply {
    outcome: DeliveryOutcome,
    said: Sentence,
}

impl ServerReply {
    fn sent(said: impl Into<Sentence>) -> ServerReply {
        ServerReply { outcome: DeliveryOutcome::Sent, said: said.into() }
    }

    fn deferred(said: impl Into<Sentence>) -> ServerReply {
        ServerReply { outcome: DeliveryOutcome::Deferred, said: said.into() }
    }

    fn refused(said: impl Into<Sentence>) -> ServerReply {
        ServerReply { outcome: DeliveryOutcome::Refused, said: said.into() }
    }
}

/// Replies as they come: what was answered before the time is over counts.
pub(super) struct Replies(Vec<Mutex<Option<ServerReply>>>);

impl Replies {
    fn set(&self, at: usize, reply: ServerReply) {
        if let Some(slot) = self.0.get(at) {
            *slot.lock().expect("no panic while a reply is noted") = Some(reply);
        }
    }
}

/// Sends messages and returns what became of each, in their order.
///
/// One that is sent twice has the same id both times. What was not answered when `over` ends is deferred.
pub async fn send(
    letters: &[Letter],
    secrets: &dyn Secrets,
    over: impl Future<Output = ()>,
) -> Vec<Delivery> {
    let replies = Replies(letters.iter().map(|_| Mutex::default()).collect());
    let mut servers: Vec<(&Smtp, Numbered<'_>)> = Vec::new();
    let mut hooks: Vec<(&str, &Webhook, Numbered<'_>)> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        match &letter.to {
            Receiver::Mail { smtp, .. } => {
                match servers.iter_mut().find(|(server, _)| *server == smtp) {
                    Some((_, mails)) => mails.push((at, letter)),
                    None => servers.push((smtp, vec![(at, letter)])),
                }
            }
            Receiver::Webhook { workspace, webhook } => {
                let same = |(of, other, _): &&mut (&str, &Webhook, Numbered<'_>)| {
                    *of == workspace.as_str() && other.label == webhook.label
                };
                match hooks.iter_mut().find(same) {
                    Some((_, _, messages)) => messages.push((at, letter)),
                    None => hooks.push((workspace, webhook, vec![(at, letter)])),
                }
            }
        }
    }
    let mails =
        join_all(servers.iter().map(|(smtp, mails)| mail::send(smtp, mails, secrets, &replies)));
    let posts = join_all(hooks.iter().map(async |(workspace, webhook, messages)| {
        // One after the other: what ends must not come before what began.
        let mut held_up = false;
        for (at, letter) in messages {
            let reply = if held_up {
                ServerReply::deferred("an earlier message has to come before it")
            } else {
                hook::send(letter, workspace, webhook, secrets).await
            };
            held_up |= reply.outcome == DeliveryOutcome::Deferred;
            replies.set(*at, reply);
        }
    }));
    // Whoever has not answered by then is asked again by the next apply.
    tokio::select! {
        _ = futures::future::join(mails, posts) => {}
        () = over => {}
    }
    let Replies(replies) = replies;
    letters
        .iter()
        .zip(replies)
        .map(|(letter, reply)| {
            let reply = reply.into_inner().expect("no panic while a reply is noted");
            let silent = || ServerReply::deferred("there was no answer in time");
            answer(letter, reply.unwrap_or_else(silent))
        })
        .collect()
}

fn answer(letter: &Letter, reply: ServerReply) -> Delivery {
    let ServerReply { outcome, said } = reply;
    let workspace = match &letter.to {
        Receiver::Webhook { workspace, .. } => Some(workspace.clone()),
        Receiver::Mail { .. } => None,
    };
    let incidents: BTreeSet<&str> = letter
        .items
        .iter()
        .filter_map(|item| match item {
            LetterItem::Incident { incident, .. } => Some(incident.id.as_str()),
            LetterItem::Synchronized { .. } | LetterItem::Digest { .. } => None,
        })
        .collect();
    Delivery {
        of: letter.run_id.clone(),
        told_at: letter.at,
        channel: letter.to.channel().to_owned(),
        workspace,
        to: letter.to.hash(),
        incidents: incidents.into_iter().map(str::to_owned).collect(),
        outcome,
        reply: harmless(&said),
    }
}

/// What a server said, on one line, without any secret, and not endless.
fn harmless(said: &Sentence) -> Sentence {
    crate::harmless::clean(&secrets::withheld(&said.to_string())).into()
}
