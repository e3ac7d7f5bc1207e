//! Statements that give a right which is missing: made of what was asked about. Of the words of a refusal they have nothing: whoever
//! writes those must not choose what is granted.

use std::fmt;

use crate::config::{TableName, sql_part};

/// What stands in a refusal before the right that is missing: `… does not have USE SCHEMA on Schema 'main.core'`.
const LACK: &str = " does not have ";

/// A right that the documentation asks for, on a thing that was asked about; shown as the statement that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The privileges; whoever lacks one of them needs all in the end.
    privileges: &'static [&'static str],
    kind: &'static str,
    /// The thing's name as services write it in their texts.
    told_as: String,
    /// The same as SQL has it.
    name: String,
    principal: String,
}

impl Grant {
    /// Everything that a principal may lack to read a table, the right on the table itself last.
    pub fn to_read(table: &TableName, principal: &str) -> Vec<Grant> {
        let of_table = Grant {
            privileges: &["SELECT"],
            kind: "TABLE",
            told_as: format!("{}.{}.{}", table.catalog, table.schema, table.table),
            name: table.sql_short(),
            principal: principal.to_owned(),
        };
        vec![
            Grant::on_catalog(table, principal),
            Grant::on_schema(&["USE SCHEMA"], table, principal),
            Grant::on_schema(&["SELECT"], table, principal),
            of_table,
        ]
    }

    /// Everything that a principal may lack to make a table in its catalog and schema.
    pub fn to_create(table: &TableName, principal: &str) -> Vec<Grant> {
        vec![
            Grant::on_catalog(table, principal),
            Grant::on_schema(&["USE SCHEMA"], table, principal),
            Grant::on_schema(&["CREATE TABLE"], table, principal),
        ]
    }

    /// The rights on an external location that cloning needs.
    pub fn to_write(external_location: &str, principal: &str) -> Grant {
        Grant::on_location(&["READ FILES", "WRITE FILES"], external_location, principal)
    }

    /// The rights on an external location that external tables over its files need.
    pub fn to_register(external_location: &str, principal: &str) -> Grant {
        let privileges = &["READ FILES", "CREATE EXTERNAL TABLE"];
        Grant::on_location(privileges, external_location, principal)
    }

    fn on_catalog(table: &TableName, principal: &str) -> Grant {
        Grant {
            privileges: &["USE CATALOG"],
            kind: "CATALOG",
            told_as: table.catalog.clone(),
            name: sql_part(&table.catalog),
            principal: principal.to_owned(),
        }
    }

    fn on_schema(privileges: &'static [&'static str], table: &TableName, principal: &str) -> Grant {
        Grant {
            privileges,
            kind: "SCHEMA",
            told_as: format!("{}.{}", table.catalog, table.schema),
            name: format!("{}.{}", sql_part(&table.catalog), sql_part(&table.schema)),
            principal: principal.to_owned(),
        }
    }

    fn on_location(privileges: &'static [&'static str], name: &str, principal: &str) -> Grant {
        Grant {
            privileges,
            kind: "EXTERNAL LOCATION",
            told_as: name.to_owned(),
            name: sql_part(name),
            principal: principal.to_owned(),
        }
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
            let wanted = format!("{privilege} on {} '{}'", self.kind, self.told_as);
            lack.starts_with(&plain(&wanted))
        })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Grant { privileges, kind, told_as: _, name, principal } = self;
        let (privileges, principal) = (privileges.join(", "), principal.replace('`', "``"));
        write!(f, "GRANT {privileges} ON {kind} {name} TO `{principal}`")
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
