//! What `init` proposes: groups from the jobs that wrote the tables, and the configuration that says so.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::config::TableName;
use crate::databricks::SurveyedJob;

/// Where an editor finds the schema of a configuration, from the folder of it.
pub(super) const SCHEMA: &str = "./.drsync/config.schema.json";
/// The group of tables that no job wrote.
const WITHOUT: &str = "no_workflow";

/// A group to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProposedEntry {
    pub(super) name: String,
    /// As the configuration names it, and for people.
    pub(super) workflow: Option<(String, String)>,
    pub(super) tables: Vec<TableName>,
}

/// Everything that was found, asked and answered; what was not answered is to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InitAnswers {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) said: PersonAnswers,
    pub(super) groups: Vec<ProposedEntry>,
}

/// What a person said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PersonAnswers {
    pub(super) location_primary: Option<String>,
    pub(super) location_secondary: Option<String>,
    /// Label and address.
    pub(super) secondary: Option<(String, String)>,
    pub(super) email: Option<String>,
}

impl PersonAnswers {
    /// Whether nothing is left to be filled in.
    pub(super) fn is_whole(&self) -> bool {
        let PersonAnswers { location_primary, location_secondary, secondary: _, email } = self;
        location_primary.is_some() && location_secondary.is_some() && email.is_some()
    }
}

/// What stands for a location, and for an address, that nobody named.
const LOCATION: &str = "<folder>";
const EMAIL: &str = "<address>";

/// A group for every job that wrote tables, largest first, and one for the rest.
pub(super) fn groups(
    tables: &[TableName],
    writers: &BTreeMap<TableName, SurveyedJob>,
) -> Vec<ProposedEntry> {
    let mut by_job: BTreeMap<Option<&SurveyedJob>, Vec<TableName>> = BTreeMap::new();
    for table in tables {
        let job = writers.get(table);
        by_job.entry(job).or_default().push(table.clone());
    }
    let named = |name: &str| {
        let jobs = by_job.keys().flatten();
        jobs.filter(|job| job.name == name).count()
    };
    let mut taken: Vec<String> = Vec::new();
    let mut proposed: Vec<ProposedEntry> = Vec::new();
    for (job, tables) in &by_job {
        let wanted = match job {
            Some(job) => match job.name.strip_suffix("_job").unwrap_or(&job.name).trim() {
                "" => format!("job_{}", job.id),
                name => name.to_owned(),
            },
            None => WITHOUT.to_owned(),
        };
        let mut names =
            std::iter::once(wanted.clone()).chain((2..).map(|number| format!("{wanted}_{number}")));
        let free = |name: &String| !taken.iter().any(|it| it.eq_ignore_ascii_case(name));
        let name = names.find(free).unwrap_or(wanted);
        taken.push(name.clone());
        let workflow = job.map(|job| {
            if named(&job.name) == 1 && !job.name.is_empty() {
                (job.name.clone(), job.name.clone())
            } else {
                // A name that several jobs have names none of them.
                (format!("id:{}", job.id), format!("job {}", job.id))
            }
        });
        proposed.push(ProposedEntry { name, workflow, tables: tables.clone() });
    }
    proposed.sort_by_key(|group| {
        let last = group.workflow.is_none();
        (last, std::cmp::Reverse(group.tables.len()), group.name.clone())
    });
    proposed
}

/// The configuration, as it is written.
pub(super) fn configuration(answers: &InitAnswers) -> String {
    let InitAnswers { name, address, said, groups } = answers;
    let PersonAnswers { location_primary, location_secondary, secondary, email } = said;
    let email = email.as_deref().unwrap_or(EMAIL);
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            let tables: Vec<String> = group.tables.iter().map(ToString::to_string).collect();
            let mut value = json!({"group_name": group.name, "group_owner_email": email});
            if let Some((workflow, _)) = &group.workflow {
                value["workflow"] = workflow.as_str().into();
            }
            value["tables"] = tables.into();
            value
        })
        .collect();
    let mut workspace = json!({
        "workspace_name": name,
        "workspace_instance_url": address,
        "workspace_pat_key": "",
        "sync_location_primary": location_primary.as_deref().unwrap_or(LOCATION),
        "sync_location_secondary": location_secondary.as_deref().unwrap_or(LOCATION),
    });
    if let Some((label, address)) = secondary {
        workspace["secondary_workspace_name"] = label.as_str().into();
        workspace["secondary_workspace_instance_url"] = address.as_str().into();
    }
    for (key, value) in [
        ("sync_failure_notification", json!(email)),
        ("sync_success_notification", json!(email)),
        ("sync_default_schedule", json!("0 */12 * * *")),
        ("sync_max_retries", json!(3)),
        ("// sync_groups", json!("Tables belong together if they are only true together.")),
        ("sync_groups", json!(groups)),
    ] {
        workspace[key] = value;
    }
    let file = json!({"$schema": SCHEMA, "secret_scope": "", "workspaces": [workspace]});
    format!("{file:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName::parse(name).expect("a name")
    }

    #[test]
    fn every_job_gets_a_group_and_the_rest_one_without_a_workflow() {
        let job = |id, name: &str| SurveyedJob { id, name: name.to_owned() };
        let tables = ["a.b.c1", "a.b.c2", "a.b.d", "a.b.e", "a.b.f"].map(table);
        let writers = BTreeMap::from([
            (table("a.b.c1"), job(1, "core_job")),
            (table("a.b.c2"), job(1, "core_job")),
            (table("a.b.d"), job(2, "twice")),
            (table("a.b.e"), job(3, "twice")),
        ]);
        let found = groups(&tables, &writers);
        let shown: Vec<_> = found
            .iter()
            .map(|group| {
                let workflow = group.workflow.as_ref().map(|(it, _)| it.as_str());
                (group.name.as_str(), workflow, group.tables.len())
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("core", Some("core_job"), 2),
                ("twice", Some("id:2"), 1),
                ("twice_2", Some("id:3"), 1),
                ("no_workflow", None, 1),
            ]
        );
    }
}
