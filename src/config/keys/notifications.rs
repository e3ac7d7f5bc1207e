//! The keys of `notifications`, and of what lies in it. Pure.

use super::Level::{Heartbeat, Notifications, OAuth, Smtp, Webhook};
use super::ValueShape::{Choice, Choices, EntriesOrNone, Number, Object, Text};
use super::{Key, optional, required};

pub(super) const KEYS: &[Key] = &[
    optional(
        Notifications,
        "smtp",
        Object(Smtp),
        "no mail is sent",
        r#"{"host": "smtp.example.com"}"#,
        "the mail server",
    )
    .by_its_keys(),
    optional(
        Notifications,
        "webhooks",
        EntriesOrNone(Webhook),
        "none",
        r#"[{"kind": "slack", "url_secret": "slack-dr"}]"#,
        "addresses that are told over HTTPS",
    )
    .by_its_keys(),
    optional(
        Notifications,
        "heartbeat",
        Object(Heartbeat),
        "nobody hears of a dead scheduler",
        r#"{"url_secret": "heartbeat"}"#,
        "a dead man's switch that every apply resets",
    )
    .by_its_keys(),
    optional(
        Notifications,
        "success",
        Choice(&["each", "daily", "off"]),
        "each",
        r#""daily""#,
        "how often synchronized groups are told of",
    ),
    optional(
        Notifications,
        "reminder_hours",
        Number(1, 8760),
        "24",
        "24",
        "how often one is reminded of what goes on, 1 to 8760",
    ),
    required(Smtp, "host", Text, r#""smtp.example.com""#, "name of the mail server"),
    optional(
        Smtp,
        "port",
        Number(1, 65_535),
        "587, with tls 465, with none 25",
        "587",
        "its port, 1 to 65535",
    )
    .as_written(),
    optional(
        Smtp,
        "security",
        Choice(&["starttls", "tls", "none"]),
        "starttls",
        r#""tls""#,
        "how the connection is protected; none is for this machine only",
    )
    .as_written(),
    optional(
        Smtp,
        "from",
        Text,
        "drsync at the domain of sync_failure_notification",
        r#""drsync@example.com""#,
        "address that mails come from",
    )
    .as_written(),
    optional(Smtp, "user", Text, "none", r#""drsync@example.com""#, "who signs in")
    .as_written(),
    optional(
        Smtp,
        "password_secret",
        Text,
        "DRSYNC_SMTP_PASSWORD",
        r#""smtp-password""#,
        "name of the secret that holds the password",
    )
    .as_written(),
    optional(
        Smtp,
        "oauth",
        Object(OAuth),
        "none",
        r#"{"tenant": "11111111-2222-3333-4444-555555555555", "client_id": "66666666-7777-8888-9999-000000000000", "client_secret_key": "smtp-client"}"#,
        "where the tokens of xoauth2 come from",
    )
    .by_its_keys(),
    optional(
        Smtp,
        "auth",
        Choice(&["none", "plain", "login", "xoauth2"]),
        "none",
        r#""plain""#,
        "how one signs in to the mail server",
    )
    .as_written(),
    optional(
        OAuth,
        "tenant",
        Text,
        "token_url",
        r#""11111111-2222-3333-4444-555555555555""#,
        "tenant of Entra ID",
    )
    .not_compared("it stands for an address of tokens, and token_url is compared"),
    optional(
        OAuth,
        "token_url",
        Text,
        "that of the tenant",
        r#""https://login.example.com/oauth2/token""#,
        "address that gives tokens to client credentials",
    )
    .as_written(),
    required(
        OAuth,
        "client_id",
        Text,
        r#""66666666-7777-8888-9999-000000000000""#,
        "id of the application",
    )
    .as_written(),
    optional(
        OAuth,
        "client_secret_key",
        Text,
        "DRSYNC_SMTP_CLIENT_SECRET",
        r#""smtp-client""#,
        "name of the secret that holds the application's",
    )
    .as_written(),
    optional(
        OAuth,
        "scope",
        Text,
        "https://outlook.office365.com/.default",
        r#""https://outlook.office365.com/.default""#,
        "what the token is asked for",
    )
    .as_written(),
    required(
        Webhook,
        "kind",
        Choice(&["standard", "slack", "teams", "pagerduty"]),
        r#""slack""#,
        "who listens there",
    ),
    optional(
        Webhook,
        "url_secret",
        Text,
        "of pagerduty its own address",
        r#""slack-dr""#,
        "name of the secret that holds the address",
    ),
    optional(
        Webhook,
        "secret_key",
        Text,
        "none",
        r#""webhook-signing""#,
        "name of the secret that signs (standard) or routes (pagerduty)",
    ),
    optional(
        Webhook,
        "events",
        Choices(&["failing", "recovered", "synchronized"]),
        "failing and recovered",
        r#"["failing", "recovered"]"#,
        "what it is told of",
    ),
    required(
        Heartbeat,
        "url_secret",
        Text,
        r#""heartbeat""#,
        "name of the secret that holds the address of the check",
    ),
];
