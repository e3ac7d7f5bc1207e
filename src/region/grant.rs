//! Statements that give a right which is missing: made of what was asked about. Of the words of a refusal they have nothing: whoever
//! writes those must not choose what is granted. Pure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::TableName;
use crate::text::{identifier, identifier_short, plain_name};

/// A right that the documentation asks for, on a thing that was asked about; shown as the statement that gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Whoever lacks one of them needs all in the end.
    privileges: Vec<Privilege>,
    /// The thing on which they are given.
    on: Securable,
    /// The principal.
    to: String,
}

/// A privilege that drsync's documentation asks for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Privilege {
    /// To read tables.
    Select,
    /// To write them: nothing that drsync asks for, but what others may have.
    Modify,
    /// To see what is in a catalog.
    UseCatalog,
    /// To see what is in a schema.
    UseSchema,
    /// To make tables in a schema.
    CreateTable,
    /// To read files below an external location.
    ReadFiles,
    /// To write them.
    WriteFiles,
    /// To make tables over them.
    CreateExternalTable,
}

/// A right that a region says is missing, as it said it. What of it drsync would ask for is decided by what was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// The right; `None`: none that drsync asks for.
    pub right: Option<Privilege>,
    /// The kind of thing it would be given on; `None`: another, or it was not said.
    pub on: Option<SecurableKind>,
    /// The name of the thing, its parts joined by points.
    pub name: String,
}

impl Lack {
    /// Whether it is a right on an external location.
    pub fn is_of_location(&self) -> bool {
        self.on == Some(SecurableKind::ExternalLocation)
    }

    /// Of what was needed, what is missing; `None`: none of it.
    pub fn among<'a>(&self, needed: &'a [Grant]) -> Option<&'a Grant> {
        needed.iter().find(|grant| grant.gives(self))
    }

    /// What gives a principal the right to read a table of which it is said that a right is missing: the one that is named if it is
    /// one of those needed, else the one on the table.
    pub fn grant_for_reading(&self, table: &TableName, principal: &str) -> Grant {
        let needed = Grant::to_read(table, principal);
        self.among(&needed).cloned().unwrap_or_else(|| Grant::select(table, principal))
    }
}

impl Privilege {
    /// Reads what SQL has, in any case of letters; `None`: it is none that drsync asks for.
    pub fn parse(text: &str) -> Option<Privilege> {
        let all = [
            Privilege::Select,
            Privilege::UseCatalog,
            Privilege::UseSchema,
            Privilege::CreateTable,
            Privilege::ReadFiles,
            Privilege::WriteFiles,
            Privilege::CreateExternalTable,
        ];
        all.into_iter().find(|privilege| privilege.words().eq_ignore_ascii_case(text))
    }

    /// As SQL has it.
    pub fn words(self) -> &'static str {
        match self {
            Privilege::Select => "SELECT",
            Privilege::Modify => "MODIFY",
            Privilege::UseCatalog => "USE CATALOG",
            Privilege::UseSchema => "USE SCHEMA",
            Privilege::CreateTable => "CREATE TABLE",
            Privilege::ReadFiles => "READ FILES",
            Privilege::WriteFiles => "WRITE FILES",
            Privilege::CreateExternalTable => "CREATE EXTERNAL TABLE",
        }
    }
}

/// A thing on which rights are given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Securable {
    /// A catalog.
    Catalog {
        /// Its name.
        catalog: String,
    },
    /// A schema.
    Schema {
        /// Its catalog.
        catalog: String,
        /// Its name in it.
        schema: String,
    },
    /// A table.
    Table {
        /// Its catalog.
        catalog: String,
        /// Its schema.
        schema: String,
        /// Its name in it.
        table: String,
    },
    /// An external location.
    ExternalLocation {
        /// Its name.
        name: String,
    },
}

/// The kinds of things on which drsync asks for rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurableKind {
    /// A catalog.
    Catalog,
    /// A schema.
    Schema,
    /// A table.
    Table,
    /// An external location.
    ExternalLocation,
}

impl SecurableKind {
    /// Reads what SQL has, in any case of letters.
    pub fn parse(text: &str) -> Option<SecurableKind> {
        let all = [
            SecurableKind::Catalog,
            SecurableKind::Schema,
            SecurableKind::Table,
            SecurableKind::ExternalLocation,
        ];
        all.into_iter().find(|kind| kind.words().eq_ignore_ascii_case(text))
    }

    /// As SQL has it.
    fn words(self) -> &'static str {
        match self {
            SecurableKind::Catalog => "CATALOG",
            SecurableKind::Schema => "SCHEMA",
            SecurableKind::Table => "TABLE",
            SecurableKind::ExternalLocation => "EXTERNAL LOCATION",
        }
    }
}

impl Securable {
    fn kind(&self) -> SecurableKind {
        match self {
            Securable::Catalog { .. } => SecurableKind::Catalog,
            Securable::Schema { .. } => SecurableKind::Schema,
            Securable::Table { .. } => SecurableKind::Table,
            Securable::ExternalLocation { .. } => SecurableKind::ExternalLocation,
        }
    }

    fn parts(&self) -> Vec<&str> {
        match self {
            Securable::Catalog { catalog } => vec![catalog],
            Securable::Schema { catalog, schema } => vec![catalog, schema],
            Securable::Table { catalog, schema, table } => vec![catalog, schema, table],
            Securable::ExternalLocation { name } => vec![name],
        }
    }

    /// The name as services write it in their texts.
    fn told_as(&self) -> String {
        self.parts().join(".")
    }

    /// The name as SQL has it.
    fn name(&self) -> String {
        let parts: Vec<String> = self.parts().into_iter().map(identifier_short).collect();
        parts.join(".")
    }
}

impl Grant {
    /// Everything that a principal may lack to read a table, the right on the table itself last.
    pub fn to_read(table: &TableName, principal: &str) -> Vec<Grant> {
        vec![
            Grant::on_catalog(table, principal),
            Grant::on_schema(&[Privilege::UseSchema], table, principal),
            Grant::on_schema(&[Privilege::Select], table, principal),
            Grant::select(table, principal),
        ]
    }

    /// Everything that a principal may lack to make a table in its catalog and schema.
    pub fn to_create(table: &TableName, principal: &str) -> Vec<Grant> {
        vec![
            Grant::on_catalog(table, principal),
            Grant::on_schema(&[Privilege::UseSchema], table, principal),
            Grant::on_schema(&[Privilege::CreateTable], table, principal),
        ]
    }

    /// The rights on an external location that cloning needs.
    pub fn to_write(external_location: &str, principal: &str) -> Grant {
        let privileges = &[Privilege::ReadFiles, Privilege::WriteFiles];
        Grant::on_location(privileges, external_location, principal)
    }

    /// The rights on an external location that external tables over its files need.
    pub fn to_register(external_location: &str, principal: &str) -> Grant {
        let privileges = &[Privilege::ReadFiles, Privilege::CreateExternalTable];
        Grant::on_location(privileges, external_location, principal)
    }

    /// The right on a table itself that reading it needs.
    pub fn select(table: &TableName, principal: &str) -> Grant {
        Grant::on_table(Privilege::Select, table, principal)
    }

    /// A right on a table itself.
    pub fn on_table(privilege: Privilege, table: &TableName, principal: &str) -> Grant {
        let TableName { catalog, schema, table } = table.clone();
        let on = Securable::Table { catalog, schema, table };
        Grant { privileges: vec![privilege], on, to: principal.to_owned() }
    }

    /// The same for all tables of the schema, with the right to see what is in it; `None`: it is no right to read a table.
    pub fn for_schema(&self) -> Option<Grant> {
        let (Securable::Table { catalog, schema, table: _ }, [Privilege::Select]) =
            (&self.on, self.privileges.as_slice())
        else {
            return None;
        };
        let on = Securable::Schema { catalog: catalog.clone(), schema: schema.clone() };
        let privileges = vec![Privilege::UseSchema, Privilege::Select];
        Some(Grant { privileges, on, to: self.to.clone() })
    }

    fn on_catalog(table: &TableName, principal: &str) -> Grant {
        let on = Securable::Catalog { catalog: table.catalog.clone() };
        Grant { privileges: vec![Privilege::UseCatalog], on, to: principal.to_owned() }
    }

    fn on_schema(privileges: &[Privilege], table: &TableName, principal: &str) -> Grant {
        let TableName { catalog, schema, table: _ } = table.clone();
        let on = Securable::Schema { catalog, schema };
        Grant { privileges: privileges.to_vec(), on, to: principal.to_owned() }
    }

    fn on_location(privileges: &[Privilege], name: &str, principal: &str) -> Grant {
        let on = Securable::ExternalLocation { name: name.to_owned() };
        Grant { privileges: privileges.to_vec(), on, to: principal.to_owned() }
    }

    /// Whether it gives the right that is missing, on the thing on which it is.
    fn gives(&self, lack: &Lack) -> bool {
        lack.right.is_some_and(|right| self.privileges.contains(&right))
            && lack.on == Some(self.on.kind())
            && plain_name(&lack.name) == plain_name(&self.on.told_as())
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grant { privileges, on, to } = self;
        let privileges: Vec<&str> = privileges.iter().map(|privilege| privilege.words()).collect();
        let (privileges, to) = (privileges.join(", "), identifier(to));
        write!(f, "GRANT {privileges} ON {} {} TO {to}", on.kind().words(), on.name())
    }
}
