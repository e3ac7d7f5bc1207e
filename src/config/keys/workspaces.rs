//! The keys of the file, of workspaces and of groups. Pure.

use super::Level::{
    File, FileOrWorkspace, Group, Notifications, Workspace, WorkspaceOrGroup as Either,
};
use super::ValueShape::{
    Entries, Number, Object, Text, TextByName, TextOrEmpty, TextOrTexts, Texts,
};
use super::{Key, MINUTES_MAX, optional, required};

/// Attempts beyond the first; with backoff, twenty already take hours.
const RETRIES_MAX: u32 = 20;

pub(super) const KEYS: &[Key] = &[
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
];
