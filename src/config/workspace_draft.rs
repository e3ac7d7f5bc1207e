//! One workspace of the file: its own keys, and its groups compared with each other. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Duration;

use super::fields::{Field, Fields, KeyPlace, WrongValue, sort_by_place};
use super::group::{GroupDraft, Inherited, NameDefaults, same_names, same_tables};
use super::json::{Json, Node};
use super::keys::Level;
use super::notifications;
use super::settings::{LevelSettings, Schedules};
use super::values::{
    cron_text, emails, good_emails, label, location_placeholder, optional_label, placeholder,
    reason, secret_name,
};
use super::{
    Connection, GroupEntry, Hearers, LocationAddress, Mistake, Notifications, Unusable,
    WorkspaceAddress, WorkspaceConfig, owner_emails,
};
use crate::schedule::Schedule;
use crate::sentence::Sentence;
use crate::text::plural;

/// A workspace that was read, before it is compared with the others.
pub(super) struct WorkspaceDraft {
    pub(super) name: Option<(String, KeyPlace)>,
    pub(super) address: Option<WorkspaceAddress>,
    pub(super) secondary_name: Option<(String, KeyPlace)>,
    pub(super) secondary_address: Option<WorkspaceAddress>,
    pub(super) locations: Vec<(LocationAddress, KeyPlace)>,
    /// Mistakes of its own keys; with any, it cannot be used.
    pub(super) mistakes: Vec<Mistake>,
    pub(super) groups: Vec<GroupDraft>,
    /// Whom it names, where that could be read.
    hearers: Option<Hearers>,
    workspace: Option<WorkspaceConfig>,
}

/// What a workspace takes from its file and surroundings.
pub(super) struct Surroundings<'a> {
    pub(super) base: &'a Path,
    /// The file's `secret_scope`; the outer `None` where it could not be read.
    pub(super) secret_scope: Option<Option<String>>,
    /// The file's `notifications`, of workspaces that have none of their own.
    pub(super) notifications: Option<Notifications>,
}

const ADDRESS_REMEDY: &str = "write the address of the workspace";

impl WorkspaceDraft {
    /// Reads an entry of `workspaces`.
    pub(super) fn read(
        node: &Node,
        place: KeyPlace,
        around: &Surroundings<'_>,
        schedules: &mut Schedules,
    ) -> WorkspaceDraft {
        let Json::Object(members) = &node.value else {
            let message = format!("is {}, not an object", node.value.kind());
            let wrong = WrongValue::new(message, "write a workspace: {\"workspace_name\": …}");
            return WorkspaceDraft::unread(place.wrong(wrong));
        };
        let mut fields = Fields::open(place, Level::Workspace, members);
        let fields = &mut fields;
        let needed = Needed::read(fields, around);
        let default_cron = fields.read("sync_default_schedule", cron_text);
        let settings = LevelSettings::read(fields);
        let schedule = schedule_of(fields, &settings, default_cron.as_ref(), schedules);
        let default_cron = default_cron.map(|(cron, _)| cron);
        let cron = settings.cron.as_deref().or(default_cron.as_deref());
        let optional = Optional::read(fields, around);
        let (settings, schedule, names) = (&settings, schedule.as_ref(), &optional.names);
        let inherited = Inherited { settings, cron, schedule, names };
        let groups = groups(fields, &inherited, schedules);
        let mut locations = Vec::new();
        for (location, field) in [&needed.primary, &needed.secondary].into_iter().flatten() {
            locations.push((location.clone(), field.place.clone()));
        }
        let hearers = hearers(fields, &needed, &optional, around);
        let workspace = workspace(&needed, &optional, around);
        WorkspaceDraft {
            name: needed.name.map(|(name, field)| (name, field.place)),
            address: needed.address.map(|(address, _)| address),
            secondary_name: optional.secondary.name,
            secondary_address: optional.secondary.address,
            locations,
            mistakes: std::mem::take(&mut fields.mistakes),
            groups,
            hearers,
            workspace,
        }
    }

    /// Takes it out of use for a mistake that is said elsewhere.
    pub(super) fn stop(&mut self) {
        self.workspace = None;
    }

    fn unread(mistake: Mistake) -> WorkspaceDraft {
        WorkspaceDraft {
            name: None,
            address: None,
            secondary_name: None,
            secondary_address: None,
            locations: Vec::new(),
            mistakes: vec![mistake],
            groups: Vec::new(),
            hearers: None,
            workspace: None,
        }
    }

    /// The workspace, if nothing was found wrong with its own keys; otherwise whom to tell of that, where it says so.
    pub(super) fn into_workspace(self) -> Result<WorkspaceConfig, Option<Box<Unusable>>> {
        let WorkspaceDraft { mut mistakes, groups, hearers, workspace, .. } = self;
        let incomplete = groups.iter().any(|group| group.name.is_none());
        let groups: Vec<GroupEntry> = groups.into_iter().map(GroupDraft::into_entry).collect();
        match workspace {
            Some(workspace) if mistakes.is_empty() => {
                Ok(WorkspaceConfig { incomplete, groups, ..workspace })
            }
            _ => {
                sort_by_place(&mut mistakes);
                Err(hearers.map(|hearers| {
                    let hearers = Hearers { owner_emails: owner_emails(&groups), ..hearers };
                    Box::new(Unusable { why: why(&mistakes), hearers })
                }))
            }
        }
    }
}

/// The keys that every workspace has; `None`: what is written there could not be read.
struct Needed<'a> {
    name: Option<(String, Field<'a>)>,
    address: Option<(WorkspaceAddress, Field<'a>)>,
    pat_key: Option<(Option<String>, Field<'a>)>,
    primary: Option<(LocationAddress, Field<'a>)>,
    secondary: Option<(LocationAddress, Field<'a>)>,
    failure: Option<(Vec<String>, Field<'a>)>,
    success: Option<(Vec<String>, Field<'a>)>,
}

impl<'a> Needed<'a> {
    fn read(fields: &mut Fields<'a>, around: &Surroundings<'_>) -> Needed<'a> {
        let location = |text: &str| {
            location_placeholder(text)?;
            LocationAddress::parse(text, around.base).map_err(WrongValue::from)
        };
        let name = fields.read("workspace_name", label);
        let address =
            fields.read("workspace_instance_url", |text| parse_address(text, around.base));
        let pat_key = fields.read("workspace_pat_key", secret_name);
        scope_needed(fields, &pat_key, around);
        let primary = fields.read("sync_location_primary", location);
        let secondary = fields.read("sync_location_secondary", location);
        nested(fields, &primary, &secondary);
        let failure = fields.read("sync_failure_notification", emails);
        let success = fields.read("sync_success_notification", emails);
        Needed { name, address, pat_key, primary, secondary, failure, success }
    }
}

fn parse_address(text: &str, base: &Path) -> Result<WorkspaceAddress, WrongValue> {
    placeholder(text, ADDRESS_REMEDY)?;
    WorkspaceAddress::parse(text, base).map_err(WrongValue::from)
}

/// The schedule of groups that have none of their own.
fn schedule_of(
    fields: &mut Fields<'_>,
    settings: &LevelSettings,
    default_cron: Option<&(String, Field<'_>)>,
    schedules: &mut Schedules,
) -> Option<Schedule> {
    let zone = settings.timezone.as_deref();
    let schedule = default_cron.and_then(|(cron, field)| {
        let read = schedules.get(cron, zone);
        read.map_err(|error| fields.wrong(field, error.into())).ok()
    });
    if settings.cron.is_some() {
        return schedules.of_level(fields, settings, settings.cron.as_deref(), zone);
    }
    schedule
}

/// The keys that a workspace may leave out.
struct Optional {
    names: NameDefaults,
    /// `default_schema` is written.
    names_schema: bool,
    warehouse_id: Option<String>,
    profile: Option<String>,
    secondary: SecondaryDraft,
    no_secondary: Option<String>,
    /// Its own, or those of the file.
    notifications: Option<Notifications>,
    failover_when: Option<String>,
    approvers: Vec<String>,
    plan_max_age: Duration,
}

impl Optional {
    fn read(fields: &mut Fields<'_>, around: &Surroundings<'_>) -> Optional {
        let names = NameDefaults {
            catalog: text(fields, "default_catalog"),
            schema: text(fields, "default_schema").unwrap_or_else(|| "default".to_string()),
        };
        let warehouse_id = text(fields, "warehouse_id");
        let profile = text(fields, "workspace_profile");
        let address = |text: &str| parse_address(text, around.base);
        let secondary = SecondaryDraft::read(fields, address, around);
        let no_secondary = without_secondary(fields);
        let notifications = notifications::read(fields).or_else(|| around.notifications.clone());
        for key in ["workspace_pat_key", "secondary_workspace_pat_key"] {
            sent_elsewhere(fields, key, notifications.as_ref());
        }
        let failover_when = text(fields, "failover_when");
        let approvers = fields.read("failover_approvers", emails).map(|(list, _)| list);
        let plan_max_age_hours = fields.number("plan_max_age_hours").unwrap_or(72);
        Optional {
            names,
            names_schema: fields.has("default_schema"),
            warehouse_id,
            profile,
            secondary,
            no_secondary,
            notifications,
            failover_when,
            approvers: approvers.unwrap_or_default(),
            plan_max_age: Duration::hours(i64::from(plan_max_age_hours)),
        }
    }
}

/// Whom a workspace names, whether it can be used or not. One address that is none silences no other.
fn hearers(
    fields: &Fields<'_>,
    needed: &Needed<'_>,
    optional: &Optional,
    around: &Surroundings<'_>,
) -> Option<Hearers> {
    let listed =
        |key: &str| fields.given_text(key).map(|(text, _)| good_emails(text)).unwrap_or_default();
    let (name, _) = needed.name.as_ref()?;
    Some(Hearers {
        workspace: name.clone(),
        secondary: optional.secondary.name.as_ref().map(|(name, _)| name.clone()),
        failure_notification: listed("sync_failure_notification"),
        success_notification: listed("sync_success_notification"),
        owner_emails: BTreeMap::new(),
        notifications: optional.notifications.clone(),
        secret_scope: around.secret_scope.clone().flatten(),
    })
}

/// The workspace without its groups; `None`: a key that it needs could not be read.
fn workspace(
    needed: &Needed<'_>,
    optional: &Optional,
    around: &Surroundings<'_>,
) -> Option<WorkspaceConfig> {
    let Needed { name, address, pat_key, primary, secondary, failure, success } = needed;
    let other = &optional.secondary;
    let address = &address.as_ref()?.0;
    Some(WorkspaceConfig {
        name: name.as_ref()?.0.clone(),
        address: address.clone(),
        secondary: other.address.clone(),
        connection: Connection {
            secret_scope: around.secret_scope.clone().flatten(),
            pat_key: pat_key.as_ref().and_then(|(key, _)| key.clone()),
            profile: optional.profile.clone(),
            warehouse_id: optional.warehouse_id.clone(),
            secondary_name: other.name.as_ref().map(|(name, _)| name.clone()),
            secondary_workspace: other.address.as_ref().map(ToString::to_string),
            secondary_pat_key: other.pat_key.clone(),
            secondary_profile: other.profile.clone(),
            secondary_warehouse_id: other.warehouse_id.clone(),
        },
        no_secondary: optional.no_secondary.clone(),
        location_primary: primary.as_ref()?.0.clone(),
        location_secondary: secondary.as_ref()?.0.clone(),
        failure_notification: failure.as_ref()?.0.clone(),
        success_notification: success.as_ref()?.0.clone(),
        notifications: optional.notifications.clone(),
        default_catalog: optional.names.catalog.clone(),
        default_schema: optional.names_schema.then(|| optional.names.schema.clone()),
        plan_max_age: optional.plan_max_age,
        failover_when: optional.failover_when.clone(),
        failover_approvers: optional.approvers.clone(),
        groups: Vec::new(),
        incomplete: false,
    })
}

/// The first mistake for which a workspace cannot be used, and how many more there are.
fn why(mistakes: &[Mistake]) -> Sentence {
    let Some(Mistake { file, line, path, group: _, message, remedy: _ }) = mistakes.first() else {
        return "its file has mistakes outside of it".into();
    };
    let more = match mistakes.len() - 1 {
        0 => String::new(),
        more => format!("; {}", plural(more, "other mistake")),
    };
    format!("{file} line {line}: {path} {message}{more}").into()
}

fn text(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    fields.read(name, optional_label).map(|(text, _)| text)
}

/// A secret is looked up in the file's scope; without one its name means nothing.
fn scope_needed(
    fields: &mut Fields<'_>,
    key: &Option<(Option<String>, Field<'_>)>,
    around: &Surroundings<'_>,
) {
    if let (Some((Some(_), field)), Some(None)) = (key, &around.secret_scope) {
        let wrong = WrongValue::new(
            "names a secret, but secret_scope is empty",
            "write the scope in secret_scope, or \"\" here",
        );
        fields.wrong(field, wrong);
    }
}

/// A token goes to its workspace and nowhere else: what is sent to a mail server is another secret.
fn sent_elsewhere(
    fields: &mut Fields<'_>,
    key: &'static str,
    notifications: Option<&Notifications>,
) {
    let Some((token, field)) = fields.given_text(key) else {
        return;
    };
    let sent = notifications.map(Notifications::sent).unwrap_or_default();
    if !token.is_empty() && sent.iter().any(|name| name.eq_ignore_ascii_case(token)) {
        let wrong = WrongValue::new(
            "names a secret that notifications sends to another server",
            "give the token a secret of its own, and name another in notifications",
        );
        fields.wrong(&field, wrong);
    }
}

fn nested(
    fields: &mut Fields<'_>,
    primary: &Option<(LocationAddress, Field<'_>)>,
    secondary: &Option<(LocationAddress, Field<'_>)>,
) {
    let (Some((primary, _)), Some((secondary, field))) = (primary, secondary) else {
        return;
    };
    let message = if primary == secondary {
        "is the same folder as sync_location_primary"
    } else if primary.nests(secondary) {
        "lies in sync_location_primary, or holds it"
    } else {
        return;
    };
    fields.wrong(field, WrongValue::new(message, "write a folder of its own, in the other region"));
}

/// Why there is no secondary workspace; whoever says so has none.
fn without_secondary(fields: &mut Fields<'_>) -> Option<String> {
    const KEY: &str = "no_secondary_workspace";
    let why = fields.read(KEY, reason)?;
    if fields.has("secondary_workspace_instance_url") {
        let wrong =
            WrongValue::new("is given beside secondary_workspace_instance_url", "keep one of them");
        fields.wrong(&why.1, wrong);
    }
    Some(why.0)
}

struct SecondaryDraft {
    name: Option<(String, KeyPlace)>,
    address: Option<WorkspaceAddress>,
    pat_key: Option<String>,
    profile: Option<String>,
    warehouse_id: Option<String>,
}

impl SecondaryDraft {
    fn read(
        fields: &mut Fields<'_>,
        address: impl Fn(&str) -> Result<WorkspaceAddress, WrongValue>,
        around: &Surroundings<'_>,
    ) -> SecondaryDraft {
        let name = fields.read("secondary_workspace_name", optional_label);
        let read = fields.read("secondary_workspace_instance_url", address);
        let pat_key = fields.read("secondary_workspace_pat_key", secret_name);
        scope_needed(fields, &pat_key, around);
        let draft = SecondaryDraft {
            name: name.map(|(name, field)| (name, field.place)),
            address: read.map(|(address, _)| address),
            pat_key: pat_key.and_then(|(key, _)| key),
            profile: text(fields, "secondary_workspace_profile"),
            warehouse_id: text(fields, "secondary_warehouse_id"),
        };
        const URL: &str = "secondary_workspace_instance_url";
        let SecondaryDraft { name, address: _, pat_key, profile, warehouse_id } = &draft;
        let given = [
            ("secondary_workspace_name", name.is_some()),
            ("secondary_workspace_pat_key", pat_key.is_some()),
            ("secondary_workspace_profile", profile.is_some()),
            ("secondary_warehouse_id", warehouse_id.is_some()),
        ];
        let first = given.iter().find(|(_, given)| *given && !fields.has(URL));
        if let Some(field) = first.and_then(|(key, _)| fields.field(key)) {
            let wrong = WrongValue::new(
                format!("is given without {URL}"),
                format!("add {URL}, or leave this out"),
            );
            fields.wrong(&field, wrong);
        }
        draft
    }
}

fn groups(
    fields: &mut Fields<'_>,
    inherited: &Inherited<'_>,
    schedules: &mut Schedules,
) -> Vec<GroupDraft> {
    let Some((items, field)) = fields.list("sync_groups") else {
        return Vec::new();
    };
    let mut groups: Vec<GroupDraft> = Vec::new();
    for (at, node) in items.iter().enumerate() {
        let place = field.place.item(at, node.line);
        groups.push(GroupDraft::read(node, place, inherited, schedules));
    }
    same_names(&mut groups);
    same_tables(&mut groups, inherited.names);
    groups
}
