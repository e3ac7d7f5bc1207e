//! Findings of one cause become one entry with one remedy.

use std::collections::{BTreeMap, BTreeSet};

use super::clean::{clean, command, name};
use crate::plan::{Finding, FindingCode};

/// More tables than this in one schema get one grant on the schema instead of one each.
const GRANTS_PER_SCHEMA_MAX: usize = 3;

/// One cause: what was seen, of which tables of which groups, and what repairs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) code: FindingCode,
    /// The tables it is about; none: whole groups.
    pub(super) tables: Vec<String>,
    /// What was seen, each text once.
    pub(super) messages: Vec<String>,
    /// The groups it blocks, as they are labelled on screen.
    pub(super) groups: Vec<String>,
    pub(super) remedy: Option<Remedy>,
    /// It may be let through for a plan.
    pub(super) acceptable: bool,
}

/// What repairs a cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Remedy {
    /// A statement to run in the workspace.
    Sql(String),
    /// A command to run in a shell.
    Shell(String),
    /// Something to do, in words.
    Words(String),
}

impl Remedy {
    /// Tells a command from words by how it begins.
    pub(super) fn read(text: &str) -> Remedy {
        const STATEMENTS: [&str; 13] = [
            "ALTER", "CREATE", "DELETE", "DESCRIBE", "DROP", "GRANT", "INSERT", "MERGE",
            "OPTIMIZE", "REPAIR", "RESTORE", "REVOKE", "UPDATE",
        ];
        const PROGRAMS: [&str; 8] =
            ["drsync", "az", "aws", "gcloud", "databricks", "mkdir", "mv", "chmod"];
        let first = text.split_whitespace().next().unwrap_or_default();
        if STATEMENTS.contains(&first) {
            Remedy::Sql(command(text))
        } else if PROGRAMS.contains(&first) {
            Remedy::Shell(command(text))
        } else {
            Remedy::Words(clean(text))
        }
    }

    /// The text to copy, where there is one.
    pub(super) fn copied(&self) -> Option<&str> {
        match self {
            Remedy::Sql(text) | Remedy::Shell(text) => Some(text),
            Remedy::Words(_) => None,
        }
    }
}

/// `GRANT SELECT ON TABLE <schema>.<table> TO <principal>`, taken apart.
fn table_grant(remedy: &str) -> Option<(&str, &str)> {
    let rest = remedy.strip_prefix("GRANT SELECT ON TABLE ")?;
    let (table, principal) = rest.split_once(" TO ")?;
    let mut quoted = false;
    let mut dot = None;
    for (at, c) in table.char_indices() {
        match c {
            '`' => quoted = !quoted,
            '.' if !quoted => dot = Some(at),
            _ => {}
        }
    }
    Some((&table[..dot?], principal))
}

/// Sorts findings into causes, in the order of their codes and then of their first appearance.
pub(super) fn causes<'a>(findings: impl Iterator<Item = (&'a str, &'a Finding)>) -> Vec<Cause> {
    let findings: Vec<(&str, &Finding)> = findings.collect();
    let mut grants: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, finding) in &findings {
        if let Some(grant) = finding.remedy.as_deref().and_then(table_grant) {
            *grants.entry(grant).or_default() += 1;
        }
    }
    let remedy_of = |finding: &Finding| {
        let text = finding.remedy.as_deref()?;
        match table_grant(text) {
            Some(grant) if grants.get(&grant).is_some_and(|n| *n > GRANTS_PER_SCHEMA_MAX) => {
                let (schema, principal) = grant;
                let text = format!("GRANT USE SCHEMA, SELECT ON SCHEMA {schema} TO {principal}");
                Some(Remedy::read(&text))
            }
            Some(_) | None => Some(Remedy::read(text)),
        }
    };
    let mut all: Vec<Cause> = Vec::new();
    // Many findings of many causes: nothing here may look through all of them for each.
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut known: BTreeSet<(usize, Said, String)> = BTreeSet::new();
    for (group, finding) in findings {
        let Finding { code, severity: _, table, message, remedy: _ } = finding;
        let remedy = remedy_of(finding);
        let key = match (table, &remedy) {
            (Some(_), Some(_)) => (*code, None, remedy.clone()),
            (Some(_), None) => (*code, Some(group.to_owned()), None),
            (None, _) => (*code, Some(clean(message)), remedy.clone()),
        };
        let at = *places.entry(key).or_insert_with(|| {
            all.push(Cause {
                code: *code,
                tables: vec![],
                messages: vec![],
                groups: vec![],
                remedy,
                acceptable: finding.acceptable(),
            });
            all.len() - 1
        });
        let said = [
            (Said::Table, table.as_ref().map(name)),
            (Said::Message, Some(clean(message))),
            (Said::Group, Some(group.to_owned())),
        ];
        for (what, text) in said {
            let Some(text) = text else { continue };
            if known.insert((at, what, text.clone())) {
                let cause = &mut all[at];
                match what {
                    Said::Table => cause.tables.push(text),
                    Said::Message => cause.messages.push(text),
                    Said::Group => cause.groups.push(text),
                }
            }
        }
    }
    all.sort_by_key(|cause| cause.code);
    all
}

/// What is said of a cause, each text once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Table,
    Message,
    Group,
}

/// What makes two findings one cause.
type Key = (FindingCode, Option<String>, Option<Remedy>);

impl Cause {
    /// The schema that all its tables are in, where that is one.
    pub(super) fn schema(&self) -> Option<&str> {
        let mut schemas =
            self.tables.iter().map(|table| table.rsplit_once('.').map(|(schema, _)| schema));
        let first = schemas.next()??;
        schemas.all(|schema| schema == Some(first)).then_some(first)
    }

    /// What it is about: a table's name, `31 tables of main.crm`; empty for whole groups.
    pub(super) fn subject(&self) -> String {
        match (self.tables.as_slice(), self.schema()) {
            ([], _) => String::new(),
            ([table], _) => table.clone(),
            (tables, Some(schema)) => format!("{} tables of {schema}", tables.len()),
            (tables, None) => format!("{} tables", tables.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Severity;

    fn finding(code: FindingCode, table: Option<&str>, remedy: Option<&str>) -> Finding {
        Finding {
            code,
            severity: Severity::Block,
            table: table.map(str::to_owned),
            message: "seen".to_owned(),
            remedy: remedy.map(str::to_owned),
        }
    }

    #[test]
    fn many_grants_of_one_schema_become_one_on_the_schema() {
        let findings: Vec<Finding> = (0..4)
            .map(|n| {
                let table = format!("main.crm.t{n}");
                let remedy = format!("GRANT SELECT ON TABLE {table} TO `dr-sync`");
                finding(FindingCode::TableNotReadable, Some(&table), Some(&remedy))
            })
            .collect();
        let all = causes(findings.iter().map(|finding| ("crm", finding)));
        let [cause] = all.as_slice() else { panic!("one cause: {all:?}") };
        assert_eq!(cause.subject(), "4 tables of main.crm");
        assert_eq!(
            cause.remedy.as_ref().and_then(Remedy::copied),
            Some("GRANT USE SCHEMA, SELECT ON SCHEMA main.crm TO `dr-sync`")
        );
        assert_eq!(causes(findings[..3].iter().map(|finding| ("crm", finding))).len(), 3);
    }

    #[test]
    fn one_trouble_of_many_groups_is_one_cause() {
        let finding = finding(FindingCode::LocationNotWritable, None, None);
        let all = causes([("a", &finding), ("b", &finding)].into_iter());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].groups, ["a", "b"]);
    }

    #[test]
    fn a_dot_in_backticks_parts_nothing() {
        assert_eq!(
            table_grant("GRANT SELECT ON TABLE main.`a.b`.`c.d` TO `p`"),
            Some(("main.`a.b`", "`p`"))
        );
    }
}
