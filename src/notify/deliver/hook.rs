//! Webhooks: what each kind is sent and how its answer is read.

use std::error::Error as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use url::Url;

use super::{Letter, Secrets, ServerReply};
use crate::config::{Webhook, WebhookKind, https_address, is_at_this_machine};
use crate::notify::payload::{Call, calls};
use crate::notify::told::DeliveryOutcome;
use crate::sentence::Sentence;
use crate::{proxy, secrets};

/// Where PagerDuty takes events, unless a secret names another of its regions.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// A receiver answers within this time.
const ANSWERING: Duration = Duration::from_secs(30);
/// It takes a connection within this time.
const CONNECTING: Duration = Duration::from_secs(10);
/// Of an answer so many bytes are read.
const ANSWER_MAX: usize = 64 << 10;
/// A part of an address that is shorter than this is no password.
const PART_MIN: usize = 16;
/// Of an answer so many characters are told.
const TOLD_MAX: usize = 200;

/// A client for an address: it follows no redirect, and speaks to this machine without a proxy.
pub(super) fn http(url: &Url) -> Result<reqwest::Client, Sentence> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("drsync/", env!("CARGO_PKG_VERSION")))
        .timeout(ANSWERING)
        .connect_timeout(CONNECTING)
        .redirect(reqwest::redirect::Policy::none());
    let builder = if is_at_this_machine(url) { builder.no_proxy() } else { builder };
    builder.build().map_err(describe_without_address)
}

/// What went wrong, without the address, which may be a secret.
pub(super) fn describe_without_address(error: reqwest::Error) -> Sentence {
    let asked = error.url().filter(|url| !is_at_this_machine(url));
    let proxy = asked.and_then(proxy::proxy_for).filter(|_| error.is_connect());
    let error = error.without_url();
    let mut text = error.to_string();
    if let Some(proxy) = proxy {
        text.push_str(&format!(" by the proxy {proxy}"));
    }
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text.into()
}

/// The beginning of an answer.
pub(super) async fn short_body(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < ANSWER_MAX {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(ANSWER_MAX);
    body
}

/// Sends everything that a webhook is to hear; the worst answer is the answer.
pub(super) async fn send(
    letter: &Letter,
    workspace: &str,
    webhook: &Webhook,
    secrets: &dyn Secrets,
) -> ServerReply {
    let target = match Target::of(workspace, webhook, secrets).await {
        Ok(target) => target,
        Err(why) => return ServerReply::deferred(why),
    };
    let mut worst = ServerReply::sent("nothing to send");
    for call in calls(letter, webhook.kind) {
        let reply = target.post(&call).await;
        let worse =
            reply.outcome != DeliveryOutcome::Sent || worst.outcome == DeliveryOutcome::Sent;
        if worse {
            worst = reply;
        }
        if worst.outcome == DeliveryOutcome::Deferred {
            // The rest is sent with it by the next apply; what was taken is known by its id.
            break;
        }
    }
    worst
}

/// Where a webhook is, with its secrets.
struct Target {
    kind: WebhookKind,
    http: reqwest::Client,
    url: Url,
    key: Option<SecretString>,
}

impl Target {
    async fn of(
        workspace: &str,
        webhook: &Webhook,
        secrets: &dyn Secrets,
    ) -> Result<Target, Sentence> {
        let Webhook { kind, label, url_secret, secret_key, events: _ } = webhook;
        let url = match (kind, url_secret) {
            (WebhookKind::Pagerduty, None) => PAGERDUTY.to_owned(),
            (_, secret) => {
                let variable = format!("DRSYNC_WEBHOOK_{label}_URL");
                let url = secrets.look_up(workspace, &variable, secret.as_deref()).await?;
                register_address(url.expose_secret());
                url.expose_secret().to_owned()
            }
        };
        let url = https_address(&url).map_err(|why| format!("the address of {label} {why}"))?;
        let key = match (kind, secret_key) {
            (WebhookKind::Slack | WebhookKind::Teams, _) => None,
            (WebhookKind::Standard | WebhookKind::Pagerduty, secret) => {
                let variable = format!("DRSYNC_WEBHOOK_{label}_SECRET");
                let key = secrets.look_up(workspace, &variable, secret.as_deref()).await?;
                secrets::register(key.expose_secret());
                Some(key)
            }
        };
        Ok(Target { kind: *kind, http: http(&url)?, url, key })
    }

    async fn post(&self, call: &Call) -> ServerReply {
        let mut body = call.body.clone();
        if let (WebhookKind::Pagerduty, Some(key)) = (self.kind, &self.key) {
            body["routing_key"] = key.expose_secret().trim().into();
        }
        let body = body.to_string();
        let mut request = self
            .http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &call.id);
        if let (WebhookKind::Standard, Some(key)) = (self.kind, &self.key) {
            let now = chrono::Utc::now().timestamp().to_string();
            let Some(signature) = signature(key, &call.id, &now, &body) else {
                return ServerReply::deferred("its signing secret is not whsec_ and base64");
            };
            request =
                request.header("webhook-timestamp", now).header("webhook-signature", signature);
        }
        match request.body(body).send().await {
            Ok(answer) => {
                let status = answer.status();
                let body = short_body(answer).await;
                let said: String =
                    String::from_utf8_lossy(&body).trim().chars().take(TOLD_MAX).collect();
                let text = format!("{} {said}", status.as_u16());
                match status.as_u16() {
                    200..=299 => ServerReply::sent(text),
                    status if is_final(status) => ServerReply::refused(text),
                    _ => ServerReply::deferred(text),
                }
            }
            Err(error) => ServerReply::deferred(describe_without_address(error)),
        }
    }
}

/// Whether a receiver wants no more, or never will take this.
///
/// That is less than a failure that lasts: what is deferred is sent by the next apply, hours later, and until then somebody may have
/// put a secret or a right in order.
fn is_final(status: u16) -> bool {
    matches!(status, 400 | 404 | 405 | 410 | 413 | 415 | 422)
}

/// An address is a secret with its path, and the path alone is one.
fn register_address(address: &str) {
    secrets::register(address);
    if let Ok(url) = Url::parse(address.trim()) {
        let parts = [url.path().trim_matches('/'), url.query().unwrap_or_default()];
        // A path that is a word is no password, and would be withheld wherever the word is written.
        parts.into_iter().filter(|part| part.len() >= PART_MIN).for_each(secrets::register);
    }
}

/// `v1,…` of Standard Webhooks; `None`: the secret is none.
fn signature(secret: &SecretString, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let secret = secret.expose_secret().trim();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok().filter(|_| !key.is_empty())?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failed_request::failure_of_status;
    use crate::pause::TryFailure;

    #[test]
    fn what_may_pass_is_sent_again_by_the_next_apply() {
        let refused: Vec<u16> = (100..600).filter(|status| is_final(*status)).collect();
        assert!(refused.iter().all(|it| failure_of_status(*it) == TryFailure::Lasting));
        assert!(!is_final(401) && !is_final(403), "a secret or a right that is put in order");
    }

    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(signature(&SecretString::from("whsec_no base64"), "i", "0", ""), None);
    }
}
