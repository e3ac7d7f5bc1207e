//! Over what people are told: what is read, what holds without it, and every mistake with its line.

use drsync::config::{Security, SmtpAuth, Success};
use drsync::notify::Policy;

use super::{edited, read, said_of};

fn with(notifications: &str) -> String {
    edited(&[(
        "\"sync_groups\"",
        &format!("\"notifications\": {notifications},\n      \"sync_groups\""),
    )])
}

#[test]
fn a_mail_server_needs_no_more_than_its_name() {
    let text = with(r#"{"smtp": {"host": "smtp.example.com"}}"#);
    let configuration = read(&text);
    assert_eq!(configuration.mistakes, []);
    let policy = Policy::of(&configuration.workspaces[0]).expect("somebody is told");
    let smtp = policy.smtp.expect("a mail server");
    assert_eq!((smtp.port, smtp.security), (587, Security::Starttls));
    assert_eq!(smtp.from.as_deref(), Some("drsync@example.com"));
    assert_eq!(smtp.auth, SmtpAuth::None);
    assert_eq!((policy.success, policy.reminder.num_hours()), (Success::Each, 24));
}

#[test]
fn a_workspaces_own_wins_over_the_files() {
    let file = "\"notifications\": {\"success\": \"daily\", \"smtp\": {\"host\": \"a.test\"}},\n  \"workspaces\"";
    let text = edited(&[("\"workspaces\"", file)]);
    let of_file = read(&text).workspaces[0].notifications.clone().expect("the file's");
    assert_eq!(of_file.success, Success::Daily);
    let own = "\"notifications\": {\"success\": \"off\"}, \"sync_groups\"";
    let both = edited(&[("\"workspaces\"", file), ("\"sync_groups\"", own)]);
    let of_workspace = read(&both).workspaces[0].notifications.clone().expect("its own");
    assert_eq!((of_workspace.success, of_workspace.smtp), (Success::Off, None));
}

#[test]
fn a_workspaces_token_is_sent_to_no_mail_server() {
    let text = with(
        r#"{"smtp": {"host": "a.test", "auth": "plain", "user": "u", "password_secret": "East-PAT"}}"#,
    );
    assert_eq!(
        said_of(&text),
        "drsync.json line 7: workspaces[0].workspace_pat_key: names a secret that notifications sends to another server: give the token a secret of its own, and name another in notifications\n= incomplete\n"
    );
}

#[test]
fn every_mistake_has_its_line() {
    let text = with(
        r#"{
        "smtp": {
          "host": "smtps://smtp.example.com",
          "port": 70000,
          "security": "ssl",
          "from": "drsync",
          "auth": "oauth",
          "userr": "x"
        },
        "webhooks": [
          {"kind": "slak", "url_secret": "chat"},
          {"kind": "slack", "url_secret": "chat", "secret_key": "k"},
          {"kind": "standard"},
          {"kind": "teams", "url_secret": "https://example.com/x"},
          {"kind": "slack", "url_secret": "chat", "events": ["failed"]},
          7
        ],
        "heartbeat": {},
        "success": "weekly",
        "reminder_hours": 0
      }"#,
    );
    assert_eq!(
        said_of(&text),
        r#"drsync.json line 16: workspaces[0].notifications.smtp.host: is not the name of a server: write the server's name alone; port and security have keys of their own
drsync.json line 17: workspaces[0].notifications.smtp.port: is out of range: write a whole number from 1 to 65535
drsync.json line 18: workspaces[0].notifications.smtp.security: is "ssl", which is none of those there are: write one of starttls, tls, none
drsync.json line 19: workspaces[0].notifications.smtp.from: "drsync" is not an address: write one address, or several parted by commas
drsync.json line 20: workspaces[0].notifications.smtp.auth: is "oauth", which is none of those there are: did you mean xoauth2?
drsync.json line 21: workspaces[0].notifications.smtp.userr: unknown key: did you mean user?
drsync.json line 24: workspaces[0].notifications.webhooks[0].kind: is "slak", which is none of those there are: did you mean slack?
drsync.json line 25: workspaces[0].notifications.webhooks[1].secret_key: is of no use where kind is slack: leave it out: its address is its secret
drsync.json line 26: workspaces[0].notifications.webhooks[2].url_secret: is missing, and kind is standard: add "url_secret": with the name of a secret
drsync.json line 26: workspaces[0].notifications.webhooks[2].secret_key: is missing, and kind is standard: add "secret_key": with the name of a secret
drsync.json line 27: workspaces[0].notifications.webhooks[3].url_secret: is an address, not the name of a secret: write the secret's name: the address itself belongs in the secret
drsync.json line 28: workspaces[0].notifications.webhooks[4].events[0]: is "failed", which is none of those there are: write one of failing, recovered, synchronized
drsync.json line 28: workspaces[0].notifications.webhooks[4]: has the variables of webhooks[0]: give its secret a name of its own
drsync.json line 29: workspaces[0].notifications.webhooks[5]: is a number, not an object: write a webhook: {"kind": …, "url_secret": …}
drsync.json line 31: workspaces[0].notifications.heartbeat.url_secret: is missing: add "url_secret": "heartbeat"
drsync.json line 32: workspaces[0].notifications.success: is "weekly", which is none of those there are: write one of each, daily, off
drsync.json line 33: workspaces[0].notifications.reminder_hours: is out of range: write a whole number from 1 to 8760
= incomplete
"#
    );
    let of_auth = |smtp: &str| said_of(&with(&format!("{{\"smtp\": {smtp}}}")));
    assert_eq!(
        of_auth(r#"{"host": "a.test", "auth": "xoauth2", "password_secret": "p"}"#),
        r#"drsync.json line 14: workspaces[0].notifications.smtp.password_secret: is of no use where auth is xoauth2: write plain or login in auth, or leave this out
drsync.json line 14: workspaces[0].notifications.smtp.user: is missing, and auth is xoauth2: add "user": "drsync@example.com"
drsync.json line 14: workspaces[0].notifications.smtp.oauth: is missing, and auth is xoauth2: add "oauth": {"tenant": "11111111-2222-3333-4444-555555555555", "client_id": "66666666-7777-8888-9999-000000000000", "client_secret_key": "smtp-client"}
= incomplete
"#
    );
    assert_eq!(
        of_auth(r#"{"host": "a.test", "user": "u", "security": "none"}"#),
        r#"drsync.json line 14: workspaces[0].notifications.smtp.security: would send mails in the open: write starttls or tls; only a server on this machine is spoken to in the open
drsync.json line 14: workspaces[0].notifications.smtp.user: is of no use where auth is none: write plain, login or xoauth2 in auth, or leave this out
= incomplete
"#
    );
}
