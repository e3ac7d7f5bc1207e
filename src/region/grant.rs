//! Statements that give a right which is missing: made of what was asked about. Of the words of a refusal they have nothing: whoever
//! writes those must not choose what is granted.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{TableName, sql_part};

/// What stands in a refusal before the right that is missing: `… does not have USE SCHEMA on Schema 'main.core'`.
const LACK: &str = " does not have ";

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

impl Privilege {
    /// As SQL has it.
    fn words(self) -> &'static str {
        match self {
            Privilege::Select => "SELECT",
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

impl Securable {
    fn kind(&self) -> &'static str {
        match self {
            Securable::Catalog { .. } => "CATALOG",
            Securable::Schema { .. } => "SCHEMA",
            Securable::Table { .. } => "TABLE",
            Securable::ExternalLocation { .. } => "EXTERNAL LOCATION",
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
        let parts: Vec<String> = self.parts().into_iter().map(sql_part).collect();
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
        let TableName { catalog, schema, table } = table.clone();
        let on = Securable::Table { catalog, schema, table };
        Grant { privileges: vec![Privilege::Select], on, to: principal.to_owned() }
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

    /// Of what was needed, what a refusal says is missing; `None`: it says so of none of it.
    pub fn named<'a>(told: &str, needed: &'a [Grant]) -> Option<&'a Grant> {
        let (_, lack) = told.split_once(LACK)?;
        needed.iter().find(|grant| grant.is_in(lack))
    }

    /// What gives a principal the right to read a table where a refusal tells of a right that is missing: the one that is named if it
    /// is one of those needed, else the one on the table; `None`: the refusal tells of no right.
    pub fn to_read_where_lacking(told: &str, table: &TableName, principal: &str) -> Option<Grant> {
        if !told.contains(LACK) {
            return None;
        }
        let mut needed = Grant::to_read(table, principal);
        let named = Grant::named(told, &needed).cloned();
        named.or_else(|| needed.pop())
    }

    /// Whether a refusal tells of a right on an external location.
    pub fn is_of_location(told: &str) -> bool {
        let lack = told.split_once(LACK).map(|(_, lack)| lack.to_uppercase());
        lack.is_some_and(|lack| lack.contains(" ON EXTERNAL LOCATION '"))
    }

    /// Whether `USE SCHEMA on Schema 'main.core' …` is about it.
    fn is_in(&self, lack: &str) -> bool {
        let plain = |text: &str| text.replace('`', "").to_lowercase();
        let lack = plain(lack);
        self.privileges.iter().any(|privilege| {
            let wanted =
                format!("{} on {} '{}'", privilege.words(), self.on.kind(), self.on.told_as());
            lack.starts_with(&plain(&wanted))
        })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grant { privileges, on, to } = self;
        let privileges: Vec<&str> = privileges.iter().map(|privilege| privilege.words()).collect();
        let (privileges, to) = (privileges.join(", "), to.replace('`', "``"));
        write!(f, "GRANT {privileges} ON {} {} TO `{to}`", on.kind(), on.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableName {
        TableName::new("main", "odd name", "gold")
    }

    fn to_read(told: &str) -> Option<String> {
        let grant = Grant::to_read_where_lacking(told, &table(), "dr`sync");
        grant.map(|grant| grant.to_string())
    }

    #[test]
    fn a_right_that_a_refusal_names_has_its_grant() {
        for (told, expected) in [
            (
                "read the history of main.core.gold: [INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have USE SCHEMA on Schema 'main.odd name'. SQLSTATE: 42501",
                "GRANT USE SCHEMA ON SCHEMA main.`odd name` TO `dr``sync`",
            ),
            (
                "User does not have USE CATALOG on Catalog 'MAIN'",
                "GRANT USE CATALOG ON CATALOG main TO `dr``sync`",
            ),
            (
                "User does not have SELECT on Table 'main.`odd name`.gold'",
                "GRANT SELECT ON TABLE main.`odd name`.gold TO `dr``sync`",
            ),
        ] {
            assert_eq!(to_read(told).as_deref(), Some(expected));
        }
        let needed = [Grant::to_write("dr-west", "x"), Grant::to_register("dr-west", "x")];
        let told = "User does not have WRITE FILES on External Location 'dr-west'.";
        let expected = "GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION `dr-west` TO `x`";
        assert_eq!(Grant::named(told, &needed).unwrap().to_string(), expected);
        let told = "User does not have CREATE EXTERNAL TABLE on External Location 'dr-west'.";
        let expected =
            "GRANT READ FILES, CREATE EXTERNAL TABLE ON EXTERNAL LOCATION `dr-west` TO `x`";
        assert_eq!(Grant::named(told, &needed).unwrap().to_string(), expected);
    }

    #[test]
    fn a_refusal_chooses_neither_the_thing_nor_the_right() {
        let own = "GRANT SELECT ON TABLE main.`odd name`.gold TO `dr``sync`";
        for told in [
            "User does not have ALL PRIVILEGES on Catalog 'main'",
            "User does not have MANAGE on Table 'main.odd name.gold'",
            "User does not have MODIFY on Table 'main.odd name.gold'",
            "User does not have SELECT, MODIFY on Table 'main.odd name.gold'",
            "User does not have USE CATALOG on Catalog 'main2'",
            "User does not have USE CATALOG on Catalog 'other'",
            "User does not have SELECT on Schema 'hr.salaries'",
            "User does not have SELECT on Table 'hr.pay.salaries'",
            "User does not have SELECT on Catalog 'main'",
            "User does not have USE CATALOG on Metastore 'main'",
            "User does not have USE SCHEMA on Schema 'main.odd name` TO `evil'",
            "User does not have permission on Table 'a.b.c'",
        ] {
            assert_eq!(to_read(told).as_deref(), Some(own), "{told}");
            assert_eq!(Grant::named(told, &Grant::to_read(&table(), "x")), None);
            let needed = [Grant::to_write("dr-west", "x")];
            assert_eq!(Grant::named(told, &needed), None);
        }
        let needed = [Grant::to_write("dr-west", "x")];
        for told in [
            "User does not have WRITE FILES on External Location 'theirs'",
            "User does not have CREATE MANAGED STORAGE on External Location 'dr-west'",
        ] {
            assert_eq!(Grant::named(told, &needed), None, "{told}");
            assert!(Grant::is_of_location(told));
        }
        for told in ["Permission denied", "it has no mark"] {
            assert_eq!(to_read(told), None);
        }
    }
}
