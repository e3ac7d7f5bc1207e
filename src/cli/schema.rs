//! `drsync schema`: JSON Schemas, for editors and for whoever reads drsync's documents by program.

use clap::{Args, ValueEnum};

use super::{ExitStatus, Failure, output};
use crate::render::schema;

/// Print the JSON Schema of a document or of the configuration
#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Of what
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// A stored plan: plan --out, plan --json
    Plan,
    /// A run record: apply --json
    Run,
    /// An event: a line of apply --events
    Event,
    /// The configuration
    Config,
    /// The status: status --json
    Status,
    /// A check of a stored plan: check --json
    Check,
    /// What changed between two plans: diff --json
    Diff,
    /// The cut log, with the report of a period: history --json
    History,
    /// What is wrong with a configuration, and which groups are ready: validate --json
    Validation,
    /// What servers answered to messages, kept beside a run record
    Told,
    /// A failure of any command: --json
    Error,
}

impl SchemaArguments {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        output::json(&match self.of {
            Of::Plan => schema::plan(),
            Of::Run => schema::run(),
            Of::Event => schema::event(),
            Of::Config => schema::configuration(),
            Of::Status => schema::status(),
            Of::Check => schema::check(),
            Of::Diff => schema::diff(),
            Of::History => schema::history(),
            Of::Validation => schema::validation(),
            Of::Told => schema::told_document(),
            Of::Error => schema::error(),
        })?;
        Ok(ExitStatus::Ok)
    }
}
