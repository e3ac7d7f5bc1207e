//! Findings of one cause become one entry with one remedy.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::command::Command;
use crate::config::WorkspaceAddress;
use crate::harmless::{clean, command, name};
use crate::plan::document::WorkspacePlan;
use crate::plan::{Acceptance, Advice, Deed, Finding, FindingCode, Remedy, Severity};
use crate::region::Grant;
use crate::sentence::Sentence;

/// More tables than this in one schema get one grant on the schema instead of one each.
const GRANTS_PER_SCHEMA_MAX: usize = 3;

/// One cause: what was seen, of which tables of which groups, and what repairs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FindingCause {
    pub(super) code: FindingCode,
    /// The tables it is about; none: whole groups.
    pub(super) tables: Vec<String>,
    /// What was seen, each text once.
    pub(super) messages: Vec<String>,
    /// The groups it blocks, as they are labelled on screen.
    pub(super) groups: Vec<String>,
    pub(super) remedy: Option<ShownRemedy>,
    /// It may be let through for a plan.
    pub(super) acceptable: bool,
    /// What is let through, where the remedy is to do so.
    pub(super) acceptance: Option<Acceptance>,
}

/// What repairs a cause, as it is shown. Two are one by what is done, whatever the words in which it is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ShownRemedy {
    /// A statement, and the workspace to run it in.
    Sql(String, Option<RemedyWorkspace>),
    /// A command to run in a shell, and the workspace that it is about.
    Shell(String, Option<RemedyWorkspace>),
    /// A command of drsync.
    Command(Command),
    /// Something for people to do.
    ToDo(ToDo),
    /// The same, and a command of drsync for where it cannot be done.
    ToDoElse(ToDo, Command),
}

/// What is said of a finding that blocks nothing; `None`: it blocks, and each screen says so in its way.
pub(super) fn word_of_harmless(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Block => None,
        Severity::Accepted => Some("accepted"),
        Severity::Repaired => Some("repaired by apply"),
    }
}

/// Something for people to do: what it is makes two of them one, and never the words.
#[derive(Debug, Clone)]
pub(super) struct ToDo {
    what: What,
    /// How it is told.
    pub(super) words: Sentence,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Deed(Deed),
    /// Of a document that does not tell it: its words are all there is.
    Told(String),
}

impl ToDo {
    fn of(deed: Option<&Deed>, words: String) -> ToDo {
        let told = || What::Told(words.clone());
        ToDo { what: deed.cloned().map_or_else(told, What::Deed), words: words.into() }
    }
}

impl PartialEq for ToDo {
    fn eq(&self, other: &ToDo) -> bool {
        self.what == other.what
    }
}

impl Eq for ToDo {}

impl PartialOrd for ToDo {
    fn partial_cmp(&self, other: &ToDo) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ToDo {
    fn cmp(&self, other: &ToDo) -> Ordering {
        self.what.cmp(&other.what)
    }
}

/// The address of the workspace in which remedies are carried out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RemedyWorkspace(pub(super) String);

impl RemedyWorkspace {
    /// The primary's: what is found to be missing is missing there, because all that drsync runs is run there, for both regions.
    /// `None`: a folder, in which nothing is run.
    pub(super) fn of(workspace: &WorkspacePlan) -> Option<RemedyWorkspace> {
        let address = workspace.observed.primary.workspace.as_ref()?;
        match WorkspaceAddress::parse(address, Path::new("/")) {
            Ok(WorkspaceAddress::Databricks(_)) => Some(RemedyWorkspace(address.clone())),
            Ok(WorkspaceAddress::Lakehouse(_)) | Err(_) => None,
        }
    }
}

/// A finding, of which group of which workspace.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocatedFinding<'a> {
    /// The group as it is labelled on screen.
    pub(super) group: &'a str,
    pub(super) place: Option<&'a RemedyWorkspace>,
    pub(super) finding: &'a Finding,
}

impl ShownRemedy {
    /// A remedy in the form in which it is shown.
    pub(super) fn of_remedy(remedy: &Remedy, place: Option<&RemedyWorkspace>) -> ShownRemedy {
        let place = || place.cloned();
        let to_do = |Advice { deed, words }: &Advice| ToDo::of(deed.as_ref(), clean(words));
        match remedy {
            Remedy::Sql(_) | Remedy::Grant(_) => {
                ShownRemedy::Sql(command(&remedy.to_string()), place())
            }
            Remedy::Shell(text) => ShownRemedy::Shell(command(text), place()),
            Remedy::Command(command) => ShownRemedy::Command(command.clone()),
            Remedy::Acceptance(acceptance) => ShownRemedy::Command(acceptance.command()),
            Remedy::AdviceElse(advice, acceptance) => {
                ShownRemedy::ToDoElse(to_do(advice), acceptance.command())
            }
            Remedy::Advice(advice) => ShownRemedy::ToDo(to_do(advice)),
            Remedy::Untold(words) => ShownRemedy::ToDo(ToDo::of(None, clean(words))),
        }
    }
}

/// The same right on the whole schema, of a remedy that gives one on a table.
fn grant_for_schema(finding: &Finding) -> Option<Grant> {
    match finding.remedy.as_ref()? {
        Remedy::Grant(grant) => grant.for_schema(),
        Remedy::Sql(_)
        | Remedy::Shell(_)
        | Remedy::Command(_)
        | Remedy::Acceptance(_)
        | Remedy::AdviceElse(..)
        | Remedy::Advice(_)
        | Remedy::Untold(_) => None,
    }
}

/// Sorts findings into causes, in the order of their codes and then of their first appearance.
pub(super) fn causes<'a>(findings: impl Iterator<Item = LocatedFinding<'a>>) -> Vec<FindingCause> {
    let findings: Vec<LocatedFinding<'_>> = findings.collect();
    let mut grants: BTreeMap<Grant, usize> = BTreeMap::new();
    for grant in findings.iter().filter_map(|found| grant_for_schema(found.finding)) {
        *grants.entry(grant).or_default() += 1;
    }
    let remedy_of = |finding: &Finding| {
        let many = |grant: &Grant| grants.get(grant).is_some_and(|n| *n > GRANTS_PER_SCHEMA_MAX);
        match grant_for_schema(finding).filter(many) {
            Some(grant) => Some(Remedy::Grant(grant)),
            None => finding.remedy.clone(),
        }
    };
    let mut all: Vec<FindingCause> = Vec::new();
    // Many findings of many causes: nothing here may look through all of them for each.
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut known: BTreeSet<(usize, Said, String)> = BTreeSet::new();
    for LocatedFinding { group, place, finding } in findings {
        let Finding { code, severity: _, table, message, remedy: _ } = finding;
        let remedy = remedy_of(finding);
        let acceptance = match &remedy {
            Some(Remedy::Acceptance(acceptance) | Remedy::AdviceElse(_, acceptance)) => {
                Some(acceptance.clone())
            }
            Some(_) | None => None,
        };
        let remedy = remedy.as_ref().map(|remedy| ShownRemedy::of_remedy(remedy, place));
        let key = key_of(finding, group, &remedy);
        let at = *places.entry(key).or_insert_with(|| {
            all.push(FindingCause {
                code: *code,
                tables: vec![],
                messages: vec![],
                groups: vec![],
                remedy,
                acceptable: finding.acceptable(),
                acceptance,
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

/// What findings of one cause have in common.
fn key_of(finding: &Finding, group: &str, remedy: &Option<ShownRemedy>) -> Key {
    let code = finding.code;
    match (&finding.table, remedy) {
        // What is left out is listed in its own group.
        (Some(_), Some(_)) if code == FindingCode::UnsupportedTable => {
            (code, Some(group.to_owned()), remedy.clone())
        }
        (_, Some(_)) => (code, None, remedy.clone()),
        // Of a region as a whole the same is so for every group.
        (None, None) if code.is_of_region() => (code, None, None),
        (_, None) => (code, Some(group.to_owned()), None),
    }
}

/// What is said of a cause, each text once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Table,
    Message,
    Group,
}

/// What makes two findings one cause: they are of one kind, and one thing repairs both, in whatever words each tells what was seen.
type Key = (FindingCode, Option<String>, Option<ShownRemedy>);

impl FindingCause {
    /// The entry of the configuration that leaves its tables out, where that is a remedy.
    pub(super) fn unprotected(&self) -> Option<String> {
        if self.code != FindingCode::UnsupportedTable || self.tables.is_empty() {
            return None;
        }
        let reason = match self.messages.as_slice() {
            [one] => one.as_str(),
            _ => "cannot be cloned",
        };
        let tables = self.tables.iter().map(|table| (table.clone(), reason.into()));
        let tables: serde_json::Map<String, serde_json::Value> = tables.collect();
        let tables = serde_json::Value::Object(tables);
        Some(format!("\"unprotected_tables\": {tables}"))
    }

    /// The schema that all its tables are in, where that is one.
    pub(super) fn schema(&self) -> Option<&str> {
        let mut schemas =
            self.tables.iter().map(|table| table.rsplit_once('.').map(|(schema, _)| schema));
        let first = schemas.next()??;
        schemas.all(|schema| schema == Some(first)).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TableName;
    use crate::plan::Severity;

    fn finding(code: FindingCode, table: Option<&str>, remedy: Option<Remedy>) -> Finding {
        Finding {
            code,
            severity: Severity::Block,
            table: table.map(str::to_owned),
            message: "seen".into(),
            remedy,
        }
    }

    fn found<'a>(group: &'a str, finding: &'a Finding) -> LocatedFinding<'a> {
        LocatedFinding { group, place: None, finding }
    }

    #[test]
    fn many_grants_of_one_schema_become_one_on_the_schema() {
        let findings: Vec<Finding> = (0..4)
            .map(|n| {
                let table = TableName::new("main", "crm", format!("t{n}"));
                let remedy = Remedy::Grant(Grant::select(&table, "dr-sync"));
                let table = table.to_string();
                finding(FindingCode::TableNotReadable, Some(&table), Some(remedy))
            })
            .collect();
        let all = causes(findings.iter().map(|finding| found("crm", finding)));
        let [cause] = all.as_slice() else { panic!("one cause: {all:?}") };
        assert_eq!((cause.tables.len(), cause.schema()), (4, Some("main.crm")));
        assert_eq!(
            cause.remedy,
            Some(ShownRemedy::Sql(
                "GRANT USE SCHEMA, SELECT ON SCHEMA main.crm TO `dr-sync`".to_owned(),
                None
            ))
        );
        assert_eq!(causes(findings[..3].iter().map(|finding| found("crm", finding))).len(), 3);
    }

    #[test]
    fn findings_are_one_cause_by_what_they_are_and_not_by_their_words() {
        let told = |message: &str, remedy: Option<Remedy>| Finding {
            message: message.into(),
            ..finding(FindingCode::WorkflowNotFound, None, remedy)
        };
        let make = |deed: Option<Deed>, words: &str| {
            Some(Remedy::Advice(Advice { deed, words: words.into() }))
        };
        let all_of = |one: Finding, other: Finding| {
            causes([found("a", &one), found("b", &other)].into_iter())
        };
        let correct = || Some(Deed::CorrectWorkflow);
        let all = all_of(
            told("no job", make(correct(), "make it")),
            told("no such job", make(correct(), "create it")),
        );
        let [cause] = all.as_slice() else { panic!("one cause: {all:?}") };
        assert_eq!(cause.messages, ["no job", "no such job"]);
        // The same words of other deeds are other causes.
        let upgrade = told("no job", make(Some(Deed::Upgrade), "make it"));
        assert_eq!(all_of(told("no job", make(correct(), "make it")), upgrade).len(), 2);
        let without = |words: &str| told("no job", make(None, words));
        assert_eq!(all_of(without("make it"), without("make it")).len(), 1);
        assert_eq!(all_of(without("make it"), without("create it")).len(), 2);
        assert_eq!(all_of(told("no job", None), told("no job", None)).len(), 2);
    }

    #[test]
    fn one_trouble_of_many_groups_is_one_cause() {
        let finding = finding(FindingCode::LocationNotWritable, None, None);
        let all = causes([found("a", &finding), found("b", &finding)].into_iter());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].groups, ["a", "b"]);
    }

    #[test]
    fn one_grant_to_give_in_two_workspaces_is_two_causes() {
        let name = TableName::new("main", "crm", "t");
        let remedy = Remedy::Grant(Grant::select(&name, "dr-sync"));
        let finding = finding(FindingCode::TableNotReadable, Some("main.crm.t"), Some(remedy));
        let places =
            ["https://one.test", "https://two.test"].map(|it| RemedyWorkspace(it.to_owned()));
        let all = causes(places.iter().map(|place| LocatedFinding {
            group: "crm",
            place: Some(place),
            finding: &finding,
        }));
        assert_eq!(all.len(), 2);
    }
}
