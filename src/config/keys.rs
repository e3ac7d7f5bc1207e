//! Every key a configuration knows: its level, whether it is needed, its default and an example. Pure.

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key itself.
    pub name: &'static str,
    /// The object it stands in.
    pub level: Level,
    /// What its value looks like.
    pub shape: Shape,
    /// It must be given. A key of workspace or group must be given in the workspace.
    pub required: bool,
    /// What holds without it; `None` where nothing does.
    pub default: Option<&'static str>,
    /// A value, as JSON.
    pub example: &'static str,
    /// What it is for, in a sentence.
    pub meaning: &'static str,
    /// How another value is told to whoever reviews a change.
    pub compared: Compared,
}

/// How another value of a key is told to whoever reviews a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// By a setting of its own, which says whether less is protected.
    BySetting,
    /// As it is written: no value is the weaker.
    AsWritten,
    /// By each of the keys within it.
    ByItsKeys,
    /// Not at all, for this reason.
    Not(&'static str),
}

/// The object a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The file itself.
    File,
    /// An entry of `workspaces`.
    Workspace,
    /// An entry of `workspaces` or of `sync_groups`, where the group's wins.
    WorkspaceOrGroup,
    /// An entry of `sync_groups`.
    Group,
    /// The file itself or an entry of `workspaces`, where the workspace's wins.
    FileOrWorkspace,
    /// `notifications`: who is told over what.
    Notifications,
    /// `smtp` of `notifications`: the mail server.
    Smtp,
    /// `oauth` of `smtp`: where the mail server's tokens come from.
    OAuth,
    /// An entry of `webhooks`.
    Webhook,
    /// `heartbeat` of `notifications`.
    Heartbeat,
}

/// What a value looks like, before anything is looked at closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text with something in it.
    Text,
    /// Text, also an empty one.
    TextOrEmpty,
    /// A whole number from the first to the second, also written as text.
    Number(u32, u32),
    /// A list of objects of a level, at least one.
    Entries(Level),
    /// A list of texts, at least one.
    Texts,
    /// Text, or a list of at least one.
    TextOrTexts,
    /// An object of texts.
    TextByName,
    /// An object of a level.
    Object(Level),
    /// A list of objects of a level, which may be empty.
    EntriesOrNone(Level),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A list of at least one of these texts.
    Choices(&'static [&'static str]),
}

impl Key {
    /// What it is called among those of all objects: `smtp.port`.
    pub fn called(&self) -> String {
        match self.level.within() {
            None => self.name.to_owned(),
            Some(object) => format!("{object}.{}", self.name),
        }
    }

    /// The same key, told as it is written.
    const fn as_written(self) -> Key {
        Key { compared: Compared::AsWritten, ..self }
    }

    /// The same key, told by those within it.
    const fn by_its_keys(self) -> Key {
        Key { compared: Compared::ByItsKeys, ..self }
    }

    /// The same key, not told for a reason.
    const fn not_compared(self, why: &'static str) -> Key {
        Key { compared: Compared::Not(why), ..self }
    }
}

impl Level {
    /// What an object of this level is called where its keys stand beside those of others; `None`: it needs no name.
    fn within(self) -> Option<&'static str> {
        match self {
            Level::File
            | Level::Workspace
            | Level::WorkspaceOrGroup
            | Level::Group
            | Level::FileOrWorkspace => None,
            Level::Notifications => Some("notifications"),
            Level::Smtp => Some("smtp"),
            Level::OAuth => Some("oauth"),
            Level::Webhook => Some("webhooks"),
            Level::Heartbeat => Some("heartbeat"),
        }
    }

    /// Where its keys belong, as a person says it.
    pub(super) fn describe_level(self) -> &'static str {
        match self {
            Level::File => "the top of the file",
            Level::Workspace => "the workspace",
            Level::WorkspaceOrGroup => "the workspace or a group",
            Level::Group => "a sync group",
            Level::FileOrWorkspace => "the top of the file or a workspace",
            Level::Notifications => "notifications",
            Level::Smtp => "smtp of notifications",
            Level::OAuth => "oauth of smtp",
            Level::Webhook => "an entry of webhooks",
            Level::Heartbeat => "heartbeat of notifications",
        }
    }

    /// Whether an object of this level may hold a key of `key`'s level.
    pub fn holds(self, key: Level) -> bool {
        match key {
            Level::WorkspaceOrGroup => {
                matches!(self, Level::Workspace | Level::Group | Level::WorkspaceOrGroup)
            }
            Level::FileOrWorkspace => {
                matches!(self, Level::File | Level::Workspace | Level::FileOrWorkspace)
            }
            Level::File
            | Level::Workspace
            | Level::Group
            | Level::Notifications
            | Level::Smtp
            | Level::OAuth
            | Level::Webhook
            | Level::Heartbeat => key == self,
        }
    }

    /// Whether an object of this level is one within `notifications`.
    pub fn of_notifications(self) -> bool {
        match self {
            Level::Notifications
            | Level::Smtp
            | Level::OAuth
            | Level::Webhook
            | Level::Heartbeat => true,
            Level::File
            | Level::Workspace
            | Level::WorkspaceOrGroup
            | Level::Group
            | Level::FileOrWorkspace => false,
        }
    }
}

/// The entry of a key in an object of a level; objects of different levels may have keys of one name.
pub(super) fn key_in(level: Level, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name && level.holds(key.level))
}

/// The entry of a key, whatever object it belongs in.
pub(super) fn key_anywhere(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

const fn required(
    level: Level,
    name: &'static str,
    shape: Shape,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    let compared = Compared::BySetting;
    Key { name, level, shape, required: true, default: None, example, meaning, compared }
}

const fn optional(
    level: Level,
    name: &'static str,
    shape: Shape,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    let compared = Compared::BySetting;
    Key { name, level, shape, required: false, default: Some(default), example, meaning, compared }
}

use Level::{
    File, FileOrWorkspace, Group, Heartbeat, Notifications, OAuth, Smtp, Webhook, Workspace,
    WorkspaceOrGroup as Either,
};
use Shape::{
    Choice, Choices, Entries, EntriesOrNone, Number, Object, Text, TextByName, TextOrEmpty,
    TextOrTexts, Texts,
};

/// Ten years: longer is a slip.
pub(super) const MINUTES_MAX: u32 = 5_256_000;

/// Attempts beyond the first; with backoff, twenty already take hours.
const RETRIES_MAX: u32 = 20;

/// Every key, in the order of docs/configuration.md.
pub const KEYS: &[Key] = &[
    required(
        File,
        "secret_scope",
        TextOrEmpty,
        r#""dr-scope""#,
        "secret scope that holds the tokens; may be empty",
    )
    .as_written(),
    required(
        File,
        "workspaces",
        Entries(Workspace),
        "[…]",
        "the workspaces whose tables are synchronized",
    ),
    optional(
        File,
        "require_signature",
        Text,
        "no signature is asked for",
        r#""reviewer.pub""#,
        "minisign public key of which a stored plan has to have a signature, or a file of such keys",
    ),
    optional(
        File,
        "require_signed_records",
        Text,
        "no signature is asked for",
        r#""runner.pub""#,
        "minisign public key of which every run record has to have a signature, or a file of such keys",
    ),
    required(Workspace, "workspace_name", Text, r#""east""#, "unique label of the workspace")
    .as_written(),
    required(
        Workspace,
        "workspace_instance_url",
        Text,
        r#""https://adb-111.azuredatabricks.net""#,
        "address of the workspace, or folder of an embedded lakehouse",
    )
    .as_written(),
    required(
        Workspace,
        "workspace_pat_key",
        TextOrEmpty,
        r#""east-pat""#,
        "name of the secret that holds the workspace's token; may be empty",
    )
    .as_written(),
    required(
        Workspace,
        "sync_location_primary",
        Text,
        r#""abfss://dr@eastacct.dfs.core.windows.net/""#,
        "where the primary's metadata tables lie",
    )
    .as_written(),
    required(
        Workspace,
        "sync_location_secondary",
        Text,
        r#""abfss://dr@westacct.dfs.core.windows.net/""#,
        "where the secondary's metadata tables and the replicas lie",
    ),
    required(
        Workspace,
        "sync_failure_notification",
        Text,
        r#""ops@example.com""#,
        "who is told of failures",
    ),
    required(
        Workspace,
        "sync_success_notification",
        Text,
        r#""ops@example.com""#,
        "who is told of successes",
    ),
    required(
        Workspace,
        "sync_default_schedule",
        Text,
        r#""0 */12 * * *""#,
        "when a group without its own schedule is due",
    ),
    required(
        Either,
        "sync_max_retries",
        Number(0, RETRIES_MAX),
        "3",
        "attempts per table beyond the first, 0 to 20",
    ),
    required(
        Workspace,
        "sync_groups",
        Entries(Group),
        "[…]",
        "the groups of tables that are only true together",
    )
    .by_its_keys(),
    optional(
        Workspace,
        "default_catalog",
        Text,
        "the workspace's default catalog",
        r#""main""#,
        "catalog of table names without one",
    )
    .as_written(),
    optional(
        Workspace,
        "default_schema",
        Text,
        "default",
        r#""default""#,
        "schema of table names without one",
    )
    .as_written(),
    optional(
        Workspace,
        "warehouse_id",
        Text,
        "one that the workspace offers",
        r#""1234567890abcdef""#,
        "SQL warehouse that runs the statements",
    )
    .as_written(),
    optional(
        Workspace,
        "workspace_profile",
        Text,
        "none",
        r#""EAST""#,
        "profile of ~/.databrickscfg for the workspace",
    )
    .as_written(),
    optional(
        Workspace,
        "secondary_workspace_name",
        Text,
        "none",
        r#""west""#,
        "label of the secondary's workspace",
    )
    .as_written(),
    optional(
        Workspace,
        "secondary_workspace_instance_url",
        Text,
        "none",
        r#""https://adb-222.azuredatabricks.net""#,
        "address of the secondary's workspace",
    ),
    optional(
        Workspace,
        "secondary_workspace_pat_key",
        TextOrEmpty,
        "none",
        r#""west-pat""#,
        "name of the secret that holds its token; may be empty",
    )
    .as_written(),
    optional(
        Workspace,
        "secondary_workspace_profile",
        Text,
        "none",
        r#""WEST""#,
        "profile of ~/.databrickscfg for it",
    )
    .as_written(),
    optional(
        Workspace,
        "secondary_warehouse_id",
        Text,
        "one that it offers",
        r#""fedcba0987654321""#,
        "SQL warehouse there",
    )
    .as_written(),
    optional(
        Workspace,
        "no_secondary_workspace",
        Text,
        "none",
        r#""replicas are read by path""#,
        "why there is no secondary workspace, on purpose",
    )
    .as_written(),
    optional(
        Workspace,
        "plan_max_age_hours",
        Number(1, 8760),
        "72",
        "72",
        "how long a stored plan may wait to be applied, 1 to 8760",
    ),
    optional(
        Workspace,
        "failover_when",
        Text,
        "none",
        r#""east away for 30 minutes and no date from the provider""#,
        "when its groups are to be failed over, as the runbook says it first",
    ),
    optional(
        Workspace,
        "failover_approvers",
        Text,
        "none",
        r#""cto@example.com, head-data@example.com""#,
        "who decides that they are",
    ),
    optional(
        Either,
        "sync_schedule",
        Text,
        "sync_default_schedule",
        r#""0 2 * * *""#,
        "when the group is due",
    ),
    optional(
        Either,
        "sync_timezone",
        Text,
        "UTC",
        r#""America/New_York""#,
        "time zone of the schedule",
    ),
    optional(
        Either,
        "sync_rpo_minutes",
        Number(1, MINUTES_MAX),
        "the schedule's longest gap",
        "720",
        "recovery point objective, 1 to 5256000",
    ),
    optional(
        Either,
        "sync_max_lag_minutes",
        Number(0, MINUTES_MAX),
        "twice the schedule's longest gap",
        "1440",
        "lag beyond which a group is brought to now, 0 to 5256000; 0 is never",
    ),
    optional(
        Either,
        "sync_min_interval_minutes",
        Number(0, 525_600),
        "30",
        "30",
        "least time between two synchronizations, 0 to 525600",
    ),
    optional(
        Either,
        "sync_receipt_minutes",
        Number(1, MINUTES_MAX),
        "60",
        "60",
        "how long nobody may have looked at the newest versions of sources, 1 to 5256000",
    ),
    optional(
        Either,
        "sync_replica_retention_days",
        Number(1, 3650),
        "30",
        "30",
        "how long replaced versions of replicas stay readable, 1 to 3650",
    ),
    optional(
        Either,
        "sync_shrink_percent",
        Number(0, 100),
        "50",
        "50",
        "share of the last cut's rows below which a source is not copied, 0 to 100; 0 is off",
    ),
    optional(
        Either,
        "paused",
        Text,
        "not paused",
        r#""until the migration is done""#,
        "why groups are not synchronized now",
    ),
    optional(
        Either,
        "paused_until",
        Text,
        "until paused is taken out",
        r#""2026-12-15""#,
        "day or moment from which on they are again",
    ),
    required(
        Group,
        "group_name",
        Text,
        r#""core_product""#,
        "name of the group, unique in the workspace",
    ),
    required(
        Group,
        "group_owner_email",
        Text,
        r#""owner@example.com""#,
        "who is told of everything",
    ),
    optional(
        Group,
        "workflow",
        TextOrTexts,
        "none: by schedule only",
        r#""core_product_job""#,
        "job, or list of jobs, that writes the tables",
    ),
    required(Group, "tables", Texts, r#"["main.core.core_gold"]"#, "tables of the group"),
    optional(
        Group,
        "unprotected_tables",
        TextByName,
        "none",
        r#"{"main.core.a_view": "views are not copied"}"#,
        "tables of the group that are not copied, each with the reason",
    ),
    optional(
        FileOrWorkspace,
        "notifications",
        Object(Notifications),
        "nobody is told",
        r#"{"smtp": {…}, "webhooks": […], "heartbeat": {…}}"#,
        "over what people are told, and how often",
    )
    .by_its_keys(),
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
