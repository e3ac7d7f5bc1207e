//! Tables as a catalog lists them.

use crate::config::{TableName, sql_part};
use crate::harmless::shell_word;

/// A table as the catalog lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name as the catalog spells it.
    pub name: TableName,
    /// The catalog's own id, where it has one.
    pub table_id: Option<String>,
    /// Where its files are; `None`: the service does not tell.
    pub location: Option<String>,
    /// Why it cannot be cloned, if so: a view, a row filter …, a fragment that follows its name.
    pub unsupported: Option<String>,
    /// The principal lacks the right to read it.
    pub denied: Option<Denied>,
}

/// A right that is missing, and the statement that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What is missing, a sentence without a full stop.
    pub message: String,
    /// The statement that repairs it.
    pub remedy: Option<String>,
}

impl Denied {
    /// An external location may only be read. There is no SQL for it.
    pub fn read_only(name: &str) -> Denied {
        Denied {
            message: format!("the external location {name} is read-only"),
            // The name comes last, after what ends the flags: it may begin with a dash.
            remedy: Some(match name.starts_with('-') {
                true => format!(
                    "databricks external-locations update --json '{{\"read_only\": false}}' -- {}",
                    shell_word(name)
                ),
                false => format!(
                    "databricks external-locations update {} --json '{{\"read_only\": false}}'",
                    shell_word(name)
                ),
            }),
        }
    }

    /// A principal may not read a table.
    pub fn select(table: &TableName, principal: &str) -> Denied {
        Denied {
            message: format!("{principal} has no SELECT on it"),
            remedy: Some(Denied::grant_select(table, principal)),
        }
    }

    /// Every statement that a principal may lack to read a table: of its catalog, its schema and itself.
    pub fn grants_to_read(table: &TableName, principal: &str) -> [String; 4] {
        let [catalog, schema] = [sql_part(&table.catalog), sql_part(&table.schema)];
        let to = format!("TO `{}`", principal.replace('`', "``"));
        [
            format!("GRANT USE CATALOG ON CATALOG {catalog} {to}"),
            format!("GRANT USE SCHEMA ON SCHEMA {catalog}.{schema} {to}"),
            format!("GRANT SELECT ON SCHEMA {catalog}.{schema} {to}"),
            Denied::grant_select(table, principal),
        ]
    }

    /// The statement that lets a principal read a table.
    pub fn grant_select(table: &TableName, principal: &str) -> String {
        format!(
            "GRANT SELECT ON TABLE {} TO `{}`",
            table.sql_short(),
            principal.replace('`', "``")
        )
    }
}

/// Rights that the documentation asks for, by what they are rights on. Nothing else is ever offered as a grant: the words in which a
/// region refuses are not drsync's, and whoever writes them must not choose what is granted.
const GRANTED: [(&str, &[&str]); 4] = [
    ("CATALOG", &["USE CATALOG"]),
    ("SCHEMA", &["USE SCHEMA", "SELECT", "CREATE TABLE"]),
    ("TABLE", &["SELECT"]),
    (
        "EXTERNAL LOCATION",
        &["READ FILES", "WRITE FILES", "CREATE EXTERNAL TABLE"],
    ),
];

/// The statement that gives a principal the right whose lack a region tells of in its own words: `… does not have USE SCHEMA on
/// Schema 'main.core'`; `None`: it names none.
/// The lack of READ FILES or WRITE FILES is met with both. A right that drsync does not need is none that it offers.
pub fn grant_named(told: &str, principal: &str) -> Option<String> {
    let (_, after) = told.split_once(" does not have ")?;
    let (privilege, after) = after.split_once(" on ")?;
    let (kind, after) = after.split_once(" '")?;
    let (name, _) = after.split_once('\'')?;
    let kind = kind.to_uppercase();
    let (kind, rights) = GRANTED.into_iter().find(|(known, _)| *known == kind)?;
    let right = rights.iter().find(|known| **known == privilege)?;
    let parts: Vec<&str> = match kind {
        "CATALOG" | "EXTERNAL LOCATION" => vec![name],
        _ => name.split('.').collect(),
    };
    // A point in a part of the name cannot be told from one between two.
    if parts.len() > 3 || (kind == "SCHEMA" && parts.len() != 2) {
        return None;
    }
    let name = parts
        .into_iter()
        .map(sql_part)
        .collect::<Vec<_>>()
        .join(".");
    let principal = principal.replace('`', "``");
    // Whoever lacks one of them needs both in the end.
    let rights = match *right {
        "READ FILES" | "WRITE FILES" => "READ FILES, WRITE FILES",
        right => right,
    };
    Some(format!("GRANT {rights} ON {kind} {name} TO `{principal}`"))
}

/// Letters that are compared for all names together: about a second's worth, for strangers decide how many and how long they are.
const COMPARED_MOST: usize = 200_000_000;

/// The names that come nearest to one that is not there, best first.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut compared = 0_usize;
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter(|name| {
            // Each letter of one with each of the other.
            let more = wanted.len().saturating_mul(name.len());
            let worth = more <= COMPARED_MOST - compared;
            compared += more * usize::from(worth);
            worth
        })
        .map(|name| {
            (
                strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .collect();
    near.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_compared_in_a_moment() {
        let long = "x".repeat(1 << 19);
        let all = [long.as_str(), "main.shop.order", &long[1..]];
        assert_eq!(nearest("main.shop.orders", all), ["main.shop.order"]);
        assert_eq!(nearest(&long, all), Vec::<&str>::new());
    }

    #[test]
    fn a_right_that_a_refusal_names_has_its_grant() {
        let grant = |told: &str| grant_named(told, "dr`sync");
        let told = "read the history of main.core.gold: [INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have USE SCHEMA on Schema 'main.odd name'. SQLSTATE: 42501";
        let expected = "GRANT USE SCHEMA ON SCHEMA main.`odd name` TO `dr``sync`";
        assert_eq!(grant(told).as_deref(), Some(expected));
        let told =
            "PERMISSION_DENIED: User does not have WRITE FILES on External Location 'dr-west'.";
        let expected = "GRANT READ FILES, WRITE FILES ON EXTERNAL LOCATION `dr-west` TO `dr``sync`";
        assert_eq!(grant(told).as_deref(), Some(expected));
        for other in [
            "User does not have View or Admin or Manage Run or Owner permissions on job 7",
            "User does not have permission on Table 'a.b.c'",
            "it does not have a mark",
            "Permission denied",
            "User does not have ALL PRIVILEGES on Catalog 'main'",
            "User does not have MANAGE on Table 'main.a.b'",
            "User does not have MODIFY on Table 'main.a.b'",
            "User does not have SELECT, MODIFY on Table 'main.a.b'",
            "User does not have SELECT on Catalog 'main'",
            "User does not have USE CATALOG on Metastore 'main'",
        ] {
            assert_eq!(grant(other), None);
        }
    }
}
