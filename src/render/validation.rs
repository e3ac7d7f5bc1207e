//! What `validate` found, as a document.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Mistake;
use crate::formats::VALIDATION;
use crate::notify::Doubt;
use crate::plan::document::Unprotected;
use crate::plan::{Finding, Plan, Warning};

/// Mistakes of a configuration, and of each group whether it is ready and what is in its way.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Validation {
    /// `drsync.validation`.
    pub kind: String,
    /// Major and minor version of this document's shape.
    pub format_version: String,
    /// The configuration, as the user named it.
    pub source: String,
    /// What is wrong with it.
    pub mistakes: Vec<Mistake>,
    /// Every group; `null`: no region was asked.
    pub groups: Option<Vec<GroupValidation>>,
    /// What is not wrong yet; `null`: no region was asked.
    pub warnings: Option<Vec<Warning>>,
    /// Tables of groups that are not synchronized, with the reason; `null`: no region was asked.
    pub unprotected: Option<Vec<Unprotected>>,
    /// What will surprise somebody of who is told.
    pub notifications: Vec<Doubt>,
}

/// Whether a group is ready.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GroupValidation {
    /// Its workspace.
    pub workspace: String,
    /// Its name.
    pub name: String,
    /// Nothing blocks it.
    pub ready: bool,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Validation {
    /// Of a configuration with these mistakes; `plan` is what a look at the regions gave, where there was one.
    pub fn new(
        source: &str,
        mistakes: &[Mistake],
        plan: Option<&Plan>,
        doubts: &[Doubt],
    ) -> Validation {
        let groups = |plan: &Plan| {
            let groups = plan.groups().map(|(workspace, group)| GroupValidation {
                workspace: workspace.name.clone(),
                name: group.name.clone(),
                ready: !group.findings.iter().any(Finding::blocks),
                findings: group.findings.clone(),
            });
            groups.collect()
        };
        Validation {
            kind: VALIDATION.kind.to_owned(),
            format_version: VALIDATION.version.to_owned(),
            source: source.to_owned(),
            mistakes: mistakes.to_vec(),
            groups: plan.map(groups),
            warnings: plan.map(|plan| plan.warnings.clone()),
            unprotected: plan.map(|plan| plan.unprotected.clone()),
            notifications: doubts.to_vec(),
        }
    }
}
