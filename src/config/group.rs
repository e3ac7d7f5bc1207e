//! One sync group of the file: its keys, its tables, its mistakes. Pure.

use std::collections::BTreeMap;

use super::fields::{Field, Fields, KeyPlace, WrongValue, doubles, sort_by_place};
use super::json::{Json, Node, is_comment};
use super::keys::Level;
use super::settings::{LevelSettings, Schedules};
use super::values::{emails, label, optional_label, reason};
use super::{Group, GroupEntry, Mistake, TableRef, WorkflowRef};
use crate::schedule::Schedule;

/// A group that was read, before it is compared with the others.
pub(super) struct GroupDraft {
    pub(super) place: KeyPlace,
    /// Its name, where that can be relied on.
    pub(super) name: Option<(String, KeyPlace)>,
    /// Its tables that could be read, each with its place.
    pub(super) tables: Vec<(TableRef, KeyPlace)>,
    pub(super) mistakes: Vec<Mistake>,
    owner_emails: Vec<String>,
    group: Option<Group>,
}

/// What a group takes from its workspace.
pub(super) struct Inherited<'a> {
    pub(super) settings: &'a LevelSettings,
    pub(super) cron: Option<&'a str>,
    pub(super) schedule: Option<&'a Schedule>,
    pub(super) names: &'a NameDefaults,
}

/// How far short names can be resolved without asking the workspace.
pub(super) struct NameDefaults {
    pub(super) catalog: Option<String>,
    pub(super) schema: String,
}

/// A table's name as far as it is known here: the catalog where it is written or configured, schema and table.
pub(super) type Resolved = (Option<String>, String, String);

impl NameDefaults {
    pub(super) fn resolve(&self, table: &TableRef) -> Resolved {
        let known = table.parts().len() == 3 || self.catalog.is_some();
        let full = table.resolve(self.catalog.as_deref().unwrap_or_default(), &self.schema);
        let catalog = known.then(|| full.catalog.to_lowercase());
        (catalog, full.schema.to_lowercase(), full.table.to_lowercase())
    }
}

impl GroupDraft {
    /// Reads an entry of `sync_groups`.
    pub(super) fn read(
        node: &Node,
        place: KeyPlace,
        inherited: &Inherited<'_>,
        schedules: &mut Schedules,
    ) -> GroupDraft {
        let place = KeyPlace { group: written_name(node), ..place };
        let Json::Object(members) = &node.value else {
            let message = format!("is {}, not an object", node.value.kind());
            let wrong =
                WrongValue::new(message, "write a group: {\"group_name\": …, \"tables\": […]}");
            let mistakes = vec![place.wrong(wrong)];
            return GroupDraft {
                place,
                name: None,
                tables: Vec::new(),
                mistakes,
                owner_emails: Vec::new(),
                group: None,
            };
        };
        let mut fields = Fields::open(place.clone(), Level::Group, members);
        let name = fields.read("group_name", label);
        let owners = fields.read("group_owner_email", emails).map(|(owners, _)| owners);
        let workflows = workflows(&mut fields);
        let tables = tables(&mut fields, inherited.names);
        let own = LevelSettings::read(&mut fields);
        let schedule = group_schedule(&mut fields, &own, inherited, schedules);
        let settings = own.over(inherited.settings);
        let unprotected = unprotected(&mut fields, &tables, inherited.names);

        let group = match (&name, &owners, &schedule) {
            (Some((name, _)), Some(owners), Some(schedule)) => Some(Group {
                name: name.clone(),
                owner_emails: owners.clone(),
                workflows,
                tables: tables.iter().map(|(table, _)| table.clone()).collect(),
                schedule: schedule.clone(),
                max_retries: settings.max_retries(),
                rpo: settings.rpo(schedule),
                max_lag: settings.max_lag(schedule),
                min_interval: settings.min_interval(),
                receipt: settings.receipt(),
                replica_retention_days: settings.replica_retention_days(),
                shrink_percent: settings.shrink_percent(),
                pause: settings.pause.clone(),
                unprotected,
            }),
            _ => None,
        };
        let name = name.filter(|(_, field)| field.sure).map(|(name, field)| (name, field.place));
        let owner_emails = owners.unwrap_or_default();
        GroupDraft { place, name, tables, mistakes: fields.mistakes, owner_emails, group }
    }

    /// The entry, valid if nothing was found wrong with it.
    pub(super) fn into_entry(self) -> GroupEntry {
        let GroupDraft { place: _, name, tables: _, mut mistakes, owner_emails, group } = self;
        match group {
            Some(group) if mistakes.is_empty() => GroupEntry::Valid(group),
            _ => {
                sort_by_place(&mut mistakes);
                GroupEntry::Invalid { name: name.map(|(name, _)| name), owner_emails, mistakes }
            }
        }
    }
}

/// The name of a group as it is written, be it good or not.
fn written_name(group: &Node) -> Option<String> {
    const LETTERS_MAX: usize = 80;
    let Json::Object(members) = &group.value else { return None };
    let member = members.iter().find(|member| member.key == "group_name")?;
    match &member.value.value {
        Json::Text(name) if !name.is_empty() => Some(name.chars().take(LETTERS_MAX).collect()),
        _ => None,
    }
}

fn group_schedule(
    fields: &mut Fields<'_>,
    own: &LevelSettings,
    inherited: &Inherited<'_>,
    schedules: &mut Schedules,
) -> Option<Schedule> {
    if own.cron.is_none() && own.timezone.is_none() {
        return inherited.schedule.cloned();
    }
    let cron = own.cron.as_deref().or(inherited.cron);
    let zone = own.timezone.as_deref().or(inherited.settings.timezone.as_deref());
    schedules.of_level(fields, own, cron, zone)
}

fn workflows(fields: &mut Fields<'_>) -> Vec<WorkflowRef> {
    let Some(field) = fields.field("workflow") else {
        return Vec::new();
    };
    let remedy =
        "write a job's name, id:<job id>, or a list of them; leave it out for a group by schedule";
    let read = |node: &Node| match &node.value {
        Json::Text(text) => {
            optional_label(text)?;
            WorkflowRef::parse(text).map_err(WrongValue::from)
        }
        other => Err(WrongValue::new(format!("is {}, not text", other.kind()), remedy)),
    };
    let Json::Array(items) = &field.node.value else {
        return match read(field.node) {
            Ok(workflow) => vec![workflow],
            Err(wrong) => {
                fields.wrong(&field, wrong);
                Vec::new()
            }
        };
    };
    if items.is_empty() {
        fields.wrong(&field, WrongValue::new("is empty", remedy));
    }
    let mut workflows = Vec::new();
    for (at, node) in items.iter().enumerate() {
        let place = field.place.item(at, node.line);
        match read(node) {
            Ok(workflow) if workflows.contains(&workflow) => {
                fields
                    .mistakes
                    .push(place.wrong(WrongValue::new("is given twice", "keep one of them")));
            }
            Ok(workflow) => workflows.push(workflow),
            Err(wrong) => fields.mistakes.push(place.wrong(wrong)),
        }
    }
    workflows
}

fn tables(fields: &mut Fields<'_>, names: &NameDefaults) -> Vec<(TableRef, KeyPlace)> {
    let Some((items, field)) = fields.list("tables") else {
        return Vec::new();
    };
    let mut tables: Vec<(TableRef, KeyPlace)> = Vec::new();
    let mut first: BTreeMap<Resolved, usize> = BTreeMap::new();
    for (at, node) in items.iter().enumerate() {
        let place = field.place.item(at, node.line);
        match table(node) {
            Ok(table) => match first.get(&names.resolve(&table)) {
                Some(before) => fields.mistakes.push(place.wrong(WrongValue::new(
                    format!("{table} is the same table as tables[{before}]"),
                    "keep one of them",
                ))),
                None => {
                    first.insert(names.resolve(&table), at);
                    tables.push((table, place));
                }
            },
            Err(wrong) => fields.mistakes.push(place.wrong(wrong)),
        }
    }
    tables
}

fn table(node: &Node) -> Result<TableRef, WrongValue> {
    const FORM: &str = "write table, schema.table or catalog.schema.table";
    match &node.value {
        Json::Text(text) if text.starts_with('<') && text.ends_with('>') => {
            label(text).and(Err(WrongValue::new("is a placeholder", FORM)))
        }
        Json::Text(text) => TableRef::parse(text).map_err(WrongValue::from),
        other => Err(WrongValue::new(format!("is {}, not text", other.kind()), FORM)),
    }
}

/// The reasons by table; where a table is also in `tables`, under the name written there.
fn unprotected(
    fields: &mut Fields<'_>,
    tables: &[(TableRef, KeyPlace)],
    names: &NameDefaults,
) -> BTreeMap<TableRef, String> {
    let mut reasons = BTreeMap::new();
    if !fields.has("unprotected_tables") {
        return reasons;
    }
    let Some((members, field)) = fields.object("unprotected_tables") else {
        return reasons;
    };
    let Field { place, .. } = &field;
    fields.mistakes.extend(doubles(place, members));
    let listed: BTreeMap<Resolved, &TableRef> =
        tables.iter().map(|(table, _)| (names.resolve(table), table)).collect();
    let mut first: BTreeMap<Resolved, &str> = BTreeMap::new();
    for member in members.iter().filter(|member| !is_comment(&member.key)) {
        let here = place.key(&member.key, member.line);
        let name = match TableRef::parse(&member.key) {
            Ok(name) => name,
            Err(error) => {
                fields.mistakes.push(here.wrong(error.into()));
                continue;
            }
        };
        let resolved = names.resolve(&name);
        match first.get(&resolved) {
            Some(before) if *before != member.key => fields.mistakes.push(here.wrong(
                WrongValue::new(format!("is the same table as {before}"), "keep one of them"),
            )),
            _ => drop(first.insert(resolved.clone(), &member.key)),
        }
        let why = match &member.value.value {
            Json::Text(text) => reason(text),
            other => Err(WrongValue::new(
                format!("is {}, not text", other.kind()),
                "write in a few words why it is not copied",
            )),
        };
        match why {
            Ok(why) => {
                let name = listed.get(&resolved).map_or(name, |listed| (*listed).clone());
                reasons.entry(name).or_insert(why);
            }
            Err(wrong) => fields.mistakes.push(here.wrong(wrong)),
        }
    }
    if !tables.is_empty() && tables.iter().all(|(table, _)| reasons.contains_key(table)) {
        fields.mistakes.push(place.wrong(WrongValue::new(
            "names every table of the group, so that nothing is left to synchronize",
            "keep at least one, or pause the group",
        )));
    }
    reasons
}

/// Two groups of one name: nobody can tell which is meant, so neither is used.
pub(super) fn same_names(groups: &mut [GroupDraft]) {
    let mut lines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (name, place) in groups.iter().filter_map(|group| group.name.as_ref()) {
        lines.entry(name.clone()).or_default().push(place.line);
    }
    for group in groups {
        let Some((name, place)) = &group.name else {
            continue;
        };
        let lines = lines.get(name).map(Vec::as_slice).unwrap_or_default();
        if lines.len() > 1 {
            let others: Vec<String> =
                lines.iter().filter(|line| **line != place.line).map(usize::to_string).collect();
            let message = match others.as_slice() {
                [] => "is the name of another group too".to_string(),
                others => {
                    format!("is the name of another group too, in line {}", others.join(", "))
                }
            };
            let wrong = WrongValue::new(message, "give every group its own name");
            group.mistakes.push(place.wrong(wrong));
        }
    }
}

/// A table in two groups would be brought to two recovery points.
pub(super) fn same_tables(groups: &mut [GroupDraft], names: &NameDefaults) {
    let mut places: BTreeMap<Resolved, Vec<(usize, String)>> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        let called = match &group.name {
            Some((name, _)) => format!("{name} (line {})", group.place.line),
            None => format!("the group of line {}", group.place.line),
        };
        for (table, _) in &group.tables {
            places.entry(names.resolve(table)).or_default().push((at, called.clone()));
        }
    }
    for (at, group) in groups.iter_mut().enumerate() {
        for (table, place) in &group.tables {
            let here = places.get(&names.resolve(table)).map(Vec::as_slice).unwrap_or_default();
            let others: Vec<&str> = here
                .iter()
                .filter(|(other, _)| *other != at)
                .map(|(_, called)| called.as_str())
                .collect();
            if !others.is_empty() {
                let message = format!("{table} is also in {}", others.join(" and "));
                let wrong = WrongValue::new(
                    message,
                    "keep it in one group; a table has one recovery point",
                );
                group.mistakes.push(place.wrong(wrong));
            }
        }
    }
}
