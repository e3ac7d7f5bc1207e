//! The warehouse: reads a statement and carries it out on the lakehouse.
//!
//! It understands what drsync sends and what a person would try; everything else is refused by its name.

mod aggregates;
mod alter;
mod among;
mod arithmetic;
mod ast;
mod cast;
mod catalog_changes;
mod column_pruning;
mod commit;
mod compare;
mod ddl;
mod describe_history;
mod dml;
mod error;
mod eval;
mod functions;
mod grouping;
mod histories_together;
mod json;
pub(super) mod kind;
mod lexer;
mod literal;
mod meet;
mod members;
mod merge;
mod parser;
mod query;
mod relation;
mod rows;
mod schema;
mod show;
mod spell;
mod tables;
mod times;
mod upkeep;
mod within;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, StringArray};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::served_workspace::ServedWorkspace;
use crate::command::{Command, Verb};
use crate::lakehouse::delta;
use ast::ParsedStatement;
use column_pruning::read_all;
use error::Result;
pub(super) use error::SqlError;
use eval::Scope;
pub(super) use eval::like;
pub(super) use rows::{Column, Rows};
pub(super) use spell::wire;

/// The catalog and the schema of names that say none; not said: the workspace's own.
#[derive(Debug, Clone, Default)]
pub(super) struct DefaultNames {
    pub(super) catalog: Option<String>,
    pub(super) schema: Option<String>,
}

/// Those of a session, which a statement in it may change.
pub(super) type HeldNames = Arc<Mutex<DefaultNames>>;

/// What a statement runs with.
pub(super) struct Session {
    workspace: Arc<ServedWorkspace>,
    catalog: String,
    schema: String,
    /// Names that were asked for, which must be there.
    asked: DefaultNames,
    held: HeldNames,
    scope: Scope,
    /// Stops a clone.
    progress: delta::CopyProgress,
}

impl Session {
    pub(super) fn new(
        workspace: Arc<ServedWorkspace>,
        (names, held): (DefaultNames, HeldNames),
        markers: BTreeMap<String, ArrayRef>,
        progress: delta::CopyProgress,
    ) -> Session {
        let before = held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = DefaultNames {
            schema: match names.catalog {
                Some(_) => names.schema,
                None => names.schema.or(before.schema),
            },
            catalog: names.catalog.or(before.catalog),
        };
        let catalog = asked.catalog.clone().unwrap_or_else(|| workspace.default_catalog());
        let schema = asked.schema.clone().unwrap_or_else(|| "default".to_owned());
        let scope = Scope {
            catalog: catalog.clone(),
            schema: schema.clone(),
            markers,
            now: workspace.now(),
            user: workspace.principal(),
            zone: workspace.quirks.time_zone,
        };
        Session { catalog, schema, asked, held, workspace, scope, progress }
    }

    /// Carries out one statement.
    pub(super) async fn execute(&self, sql: &str) -> Result<Rows> {
        let DefaultNames { catalog, schema } = &self.asked;
        if catalog.is_some() || schema.is_some() {
            self.check_names_are_there(catalog.as_deref(), schema.as_deref())?;
        }
        let statement = parser::parse(sql)?;
        if !self.workspace.guard.writable && statement.writes() {
            return Err(SqlError::denied(format!(
                "PERMISSION_DENIED: this sandbox is read-only; `{}` lets it change its folders.",
                Command::new(Verb::Sandbox).word("--writable")
            )));
        }
        self.carry_out(statement).await
    }

    /// Carries out what may be carried out.
    async fn carry_out(&self, statement: ParsedStatement) -> Result<Rows> {
        match statement {
            ParsedStatement::Query(query) => self.query(&query, &BTreeMap::new()).await,
            ParsedStatement::Show(show) => self.show(&show).await,
            ParsedStatement::DescribeHistory { target, limit } => {
                self.history(&target, limit, &read_all).await
            }
            ParsedStatement::DescribeDetail(target) => self.detail(&target, &read_all).await,
            ParsedStatement::DescribeColumn { target, column } => {
                self.describe_column(&target, &column).await
            }
            ParsedStatement::DescribeTable { target, extended } => {
                self.describe(&target, extended).await
            }
            ParsedStatement::List { url, limit } => self.list(&url, limit).await,
            ParsedStatement::Clone(clone) => self.deep_clone(&clone).await,
            ParsedStatement::CreateTable(table) => self.create_table(&table).await,
            ParsedStatement::CreateSchema(name) => self.create_schema(&name).await,
            ParsedStatement::Drop { target, if_exists } => {
                self.drop_table(&target, if_exists).await
            }
            ParsedStatement::AddColumns { target, columns } => {
                self.add_columns(&target, &columns).await
            }
            ParsedStatement::RenameColumn { target, column, to } => {
                self.rename_column(&target, &column, &to).await
            }
            ParsedStatement::DropColumns { target, columns, if_exists } => {
                self.drop_columns(&target, &columns, if_exists).await
            }
            ParsedStatement::SetProperties { target, properties } => {
                self.set_properties(&target, &properties).await
            }
            ParsedStatement::Insert { target, columns, rows, overwrite } => {
                self.insert(&target, columns, &rows, overwrite).await
            }
            ParsedStatement::Update { target, set, filter } => {
                self.update(&target, &set, filter.as_ref()).await
            }
            ParsedStatement::Delete { target, filter } => {
                self.delete(&target, filter.as_ref()).await
            }
            ParsedStatement::Merge(merge) => self.merge(&merge).await,
            ParsedStatement::Restore { target, at } => self.restore(&target, &at).await,
            ParsedStatement::Optimize(target) => self.optimize(&target).await,
            ParsedStatement::Vacuum { target, how } => self.vacuum(&target, &how).await,
            ParsedStatement::Use { catalog, schema } => {
                self.use_names(DefaultNames { catalog, schema })
            }
            ParsedStatement::Repair(target) => self.repair(&target).await,
            ParsedStatement::Grant(grant) => self.grant(&grant).await,
        }
    }

    fn author(&self) -> delta::Author {
        delta::Author {
            now_ms: self.now().timestamp_millis(),
            engine_info: concat!("Databricks-Runtime/sandbox-", env!("CARGO_PKG_VERSION"))
                .to_owned(),
            user_name: Some(self.scope.user.clone()),
            job: None,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.workspace.now()
    }
}

/// A value of a named marker, by its type's name; without one it is a text.
pub(super) fn marker(value: Option<&str>, kind: Option<&str>, zone: Tz) -> Result<ArrayRef> {
    let kind = kind.map_or(Ok(kind::Kind::Utf8), parser::parse_kind)?;
    let value: ArrayRef = Arc::new(StringArray::from(vec![value]));
    cast::cast(&value, &kind, zone)
}
