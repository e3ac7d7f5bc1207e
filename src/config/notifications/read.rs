//! Reads `notifications` of a file or a workspace, with every mistake in its place. Pure.

use std::collections::BTreeSet;

use chrono::Duration;
use url::{Host, Url};

use super::{
    Heartbeat, Notifications, OAuth, Security, Smtp, SmtpAuth, Success, Topic, Webhook,
    WebhookKind, https_address,
};
use crate::config::address::is_this_machine;
use crate::config::fields::{Field, Fields, WrongValue, no_choice, quote_short};
use crate::config::json::{Json, Member};
use crate::config::keys::{Level, key_in};
use crate::config::values::{emails, optional_label, secret_name, variable_part};

/// Reads `notifications` of a file or a workspace.
pub(in crate::config) fn read(above: &mut Fields<'_>) -> Option<Notifications> {
    let (members, field) = above.object("notifications")?;
    within(above, members, &field, Level::Notifications, |fields| {
        let smtp = object(fields, "smtp", Level::Smtp, smtp);
        let webhooks = webhooks(fields);
        let heartbeat = object(fields, "heartbeat", Level::Heartbeat, |fields| {
            let url_secret = fields.read("url_secret", named_secret);
            url_secret.map(|(url_secret, _)| Heartbeat { url_secret })
        });
        let success = fields.choice("success", |text| match text {
            "each" => Some(Success::Each),
            "daily" => Some(Success::Daily),
            "off" => Some(Success::Off),
            _ => None,
        });
        let hours = fields.number("reminder_hours");
        let otherwise = Notifications::default();
        Some(Notifications {
            smtp,
            webhooks,
            heartbeat,
            success: success.map_or(otherwise.success, |(success, _)| success),
            reminder: hours.map_or(otherwise.reminder, |hours| Duration::hours(hours.into())),
        })
    })
}

/// Reads an object within another, whose mistakes are the outer one's too.
fn within<T>(
    above: &mut Fields<'_>,
    members: &[Member],
    field: &Field<'_>,
    level: Level,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    let mut fields = Fields::open(field.place.clone(), level, members);
    let read = read(&mut fields);
    above.mistakes.append(&mut fields.mistakes);
    read
}

/// Reads the object of a key.
fn object<T>(
    above: &mut Fields<'_>,
    name: &'static str,
    level: Level,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    let (members, field) = above.object(name)?;
    within(above, members, &field, level, read)
}

fn smtp(fields: &mut Fields<'_>) -> Option<Smtp> {
    let host = fields.read("host", host);
    let security = fields.choice("security", |text| match text {
        "starttls" => Some(Security::Starttls),
        "tls" => Some(Security::Tls),
        "none" => Some(Security::None),
        _ => None,
    });
    let unprotected = match (&security, &host) {
        (Some((Security::None, field)), Some((host, _))) => {
            let here = Host::parse(host).is_ok_and(|host| is_this_machine(&host));
            (!here).then_some(field)
        }
        _ => None,
    };
    if let Some(field) = unprotected.cloned() {
        let remedy =
            "write starttls or tls; only a server on this machine is spoken to in the open";
        fields.wrong(&field, WrongValue::new("would send mails in the open", remedy));
    }
    let security = security.map_or(Security::Starttls, |(security, _)| security);
    let otherwise = match security {
        Security::Starttls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    let port = fields.number("port").and_then(|port| port.try_into().ok()).unwrap_or(otherwise);
    let from = fields.read("from", |text| {
        let mut addresses = emails(text)?;
        match (addresses.pop(), addresses.is_empty()) {
            (Some(address), true) => Ok(address),
            _ => Err(WrongValue::new(
                "has more than one address",
                "write the one that mails come from",
            )),
        }
    });
    let auth = auth(fields)?;
    let from = from.map(|(from, _)| from);
    Some(Smtp { host: host?.0, port, security, from, auth })
}

/// A host alone: its port and protection have keys of their own.
fn host(text: &str) -> Result<String, WrongValue> {
    const REMEDY: &str = "write the server's name alone; port and security have keys of their own";
    let text = optional_label(text)?;
    if text.contains("://") || text.contains(['/', '@', '?', '#', ' ']) {
        return Err(WrongValue::new("is not the name of a server", REMEDY));
    }
    if text.starts_with('[') || text.parse::<std::net::Ipv6Addr>().is_ok() {
        let plain = text.trim_matches(['[', ']']);
        let address = plain.parse::<std::net::Ipv6Addr>();
        return match address {
            Ok(address) => Ok(address.to_string()),
            Err(_) => Err(WrongValue::new("is not the name of a server", REMEDY)),
        };
    }
    if text.contains(':') {
        return Err(WrongValue::new("has a port in it", REMEDY));
    }
    match Host::parse(&text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(WrongValue::new(
            format!("{} is not the name of a server", quote_short(&text)),
            REMEDY,
        )),
    }
}

fn auth(fields: &mut Fields<'_>) -> Option<SmtpAuth> {
    const KINDS: [&str; 4] = ["none", "plain", "login", "xoauth2"];
    let unread = fields.has("auth");
    let kind = fields.choice("auth", |text| KINDS.into_iter().find(|kind| *kind == text));
    let user = fields.read("user", optional_label).map(|(user, _)| user);
    let password_secret = fields.read("password_secret", named_secret).map(|(secret, _)| secret);
    let oauth = object(fields, "oauth", Level::OAuth, oauth);
    let kind = match kind {
        Some((kind, _)) => kind,
        None if unread => return None,
        None => "none",
    };
    match kind {
        "plain" | "login" => {
            spare(fields, kind, &["oauth"]);
            needed(fields, kind, "user");
            let user = user?;
            Some(match kind {
                "plain" => SmtpAuth::Plain { user, password_secret },
                _ => SmtpAuth::Login { user, password_secret },
            })
        }
        "xoauth2" => {
            spare(fields, kind, &["password_secret"]);
            needed(fields, kind, "user");
            needed(fields, kind, "oauth");
            Some(SmtpAuth::Xoauth2 { user: user?, oauth: oauth? })
        }
        _ => {
            spare(fields, kind, &["user", "password_secret", "oauth"]);
            Some(SmtpAuth::None)
        }
    }
}

/// Says of keys that a kind of signing in has no use for.
fn spare(fields: &mut Fields<'_>, kind: &str, keys: &[&'static str]) {
    for key in keys.iter().filter(|key| fields.has(key)).copied().collect::<Vec<_>>() {
        let Some(field) = fields.field(key) else {
            continue;
        };
        let of = match key {
            "oauth" => "xoauth2",
            "password_secret" => "plain or login",
            _ => "plain, login or xoauth2",
        };
        let remedy = format!("write {of} in auth, or leave this out");
        fields.wrong(&field, WrongValue::new(format!("is of no use where auth is {kind}"), remedy));
    }
}

/// Says of a key that a kind of signing in needs, where it is not there.
fn needed(fields: &mut Fields<'_>, kind: &str, name: &'static str) {
    if fields.has(name) {
        return;
    }
    let example = key_in(Level::Smtp, name).map_or("…", |key| key.example);
    let remedy = format!("add \"{name}\": {example}");
    let place = fields.place.key(name, fields.place.line);
    let message = format!("is missing, and auth is {kind}");
    fields.mistakes.push(place.wrong(WrongValue::new(message, remedy)));
}

fn oauth(fields: &mut Fields<'_>) -> Option<OAuth> {
    const LOGIN: &str = "https://login.microsoftonline.com";
    const SCOPE: &str = "https://outlook.office365.com/.default";
    let tenant = fields.read("tenant", |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let text = optional_label(text)?;
        let address = Url::parse(&format!("{LOGIN}/{text}/oauth2/v2.0/token"));
        match (text.chars().all(plain), address) {
            (true, Ok(address)) => Ok(address),
            _ => Err(WrongValue::new("is no tenant", "write its id, or its domain")),
        }
    });
    let token_url = fields.read("token_url", |text| {
        https_address(text)
            .map_err(|why| WrongValue::new(why, "write an address that begins https://"))
    });
    let client_id = fields.read("client_id", optional_label);
    let client_secret_key = fields.read("client_secret_key", named_secret);
    let scope = fields.read("scope", optional_label).map(|(scope, _)| scope);
    if !fields.has("tenant") && !fields.has("token_url") {
        let example = key_in(Level::OAuth, "tenant").map_or("…", |key| key.example);
        let place = fields.place.key("tenant", fields.place.line);
        let wrong =
            WrongValue::new("is missing", format!("add \"tenant\": {example}, or token_url"));
        fields.mistakes.push(place.wrong(wrong));
    }
    Some(OAuth {
        token_url: token_url.or(tenant)?.0,
        client_id: client_id?.0,
        client_secret_key: client_secret_key.map(|(secret, _)| secret),
        scope: scope.unwrap_or_else(|| SCOPE.to_owned()),
    })
}

/// The name of a secret, which is not left empty: what names none says nothing.
fn named_secret(text: &str) -> Result<String, WrongValue> {
    const REMEDY: &str = "write the secret's name: the address itself belongs in the secret";
    if text.contains("://") {
        return Err(WrongValue::new("is an address, not the name of a secret", REMEDY));
    }
    match secret_name(text)? {
        Some(name) => Ok(name),
        None => Err(WrongValue::new("is empty", "write the secret's name")),
    }
}

fn webhooks(fields: &mut Fields<'_>) -> Vec<Webhook> {
    let Some(field) = fields.field("webhooks") else {
        return Vec::new();
    };
    let Json::Array(items) = &field.node.value else {
        let message = format!("is {}, not a list", field.node.value.kind());
        fields.wrong(&field, WrongValue::new(message, "write \"webhooks\": […]"));
        return Vec::new();
    };
    let mut webhooks: Vec<Webhook> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let place = field.place.item(at, item.line);
        let Json::Object(members) = &item.value else {
            let message = format!("is {}, not an object", item.value.kind());
            let wrong =
                WrongValue::new(message, "write a webhook: {\"kind\": …, \"url_secret\": …}");
            fields.mistakes.push(place.wrong(wrong));
            continue;
        };
        let entry = Field { place: place.clone(), node: item, sure: true };
        let read = within(fields, members, &entry, Level::Webhook, webhook);
        let same = read
            .as_ref()
            .and_then(|read| webhooks.iter().position(|other| other.label == read.label));
        match (read, same) {
            (Some(_), Some(other)) => {
                let message = format!("has the variables of webhooks[{other}]");
                let wrong = WrongValue::new(message, "give its secret a name of its own");
                fields.mistakes.push(place.wrong(wrong));
            }
            (Some(read), None) => webhooks.push(read),
            (None, _) => {}
        }
    }
    webhooks
}

fn webhook(fields: &mut Fields<'_>) -> Option<Webhook> {
    let kind = fields.choice("kind", WebhookKind::read).map(|(kind, _)| kind);
    let url_secret = fields.read("url_secret", named_secret).map(|(secret, _)| secret);
    let secret_key = fields.read("secret_key", named_secret).map(|(secret, _)| secret);
    let events = events(fields);
    let kind = kind?;
    let (url_needed, key_needed) = match kind {
        WebhookKind::Standard => (true, true),
        WebhookKind::Slack | WebhookKind::Teams => (true, false),
        WebhookKind::Pagerduty => (false, true),
    };
    let lacking = [("url_secret", url_needed), ("secret_key", key_needed)];
    for (name, needed) in lacking {
        if !needed || fields.has(name) {
            continue;
        }
        let place = fields.place.key(name, fields.place.line);
        let message = format!("is missing, and kind is {}", kind.as_str());
        let wrong = WrongValue::new(message, format!("add \"{name}\": with the name of a secret"));
        fields.mistakes.push(place.wrong(wrong));
    }
    if let (Some(field), WebhookKind::Slack | WebhookKind::Teams) =
        (fields.has("secret_key").then(|| fields.field("secret_key")).flatten(), kind)
    {
        let message = format!("is of no use where kind is {}", kind.as_str());
        fields.wrong(&field, WrongValue::new(message, "leave it out: its address is its secret"));
    }
    let named = url_secret.as_ref().or(secret_key.as_ref())?;
    Some(Webhook { kind, label: variable_part(named), url_secret, secret_key, events })
}

fn events(fields: &mut Fields<'_>) -> BTreeSet<Topic> {
    const TOPICS: [&str; 3] = ["failing", "recovered", "synchronized"];
    if !fields.has("events") {
        return BTreeSet::from([Topic::Failing, Topic::Recovered]);
    }
    let Some((items, field)) = fields.list("events") else {
        return BTreeSet::new();
    };
    let mut events = BTreeSet::new();
    for (at, item) in items.iter().enumerate() {
        let place = field.place.item(at, item.line);
        let wrong = match &item.value {
            Json::Text(text) => match Topic::read(text) {
                Some(topic) => {
                    events.insert(topic);
                    continue;
                }
                None => no_choice(text, &TOPICS),
            },
            other => {
                let remedy = format!("write one of {}", TOPICS.join(", "));
                WrongValue::new(format!("is {}, not text", other.kind()), remedy)
            }
        };
        fields.mistakes.push(place.wrong(wrong));
    }
    events
}
