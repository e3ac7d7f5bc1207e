//! Which of several tables a refusal names, in the service's own words.

use super::Refusal;
use crate::sql::Relation;
use crate::text::plain_name;

impl Refusal {
    /// The place of the one table that it names, however it spells it; `None`: none or several.
    pub(in crate::databricks) fn names_one_of(&self, tables: &[Relation]) -> Option<usize> {
        named(&self.message, tables)
    }
}

fn named(message: &str, tables: &[Relation]) -> Option<usize> {
    let message = plain_name(message);
    let found: Vec<usize> = tables
        .iter()
        .enumerate()
        .filter(|(_, table)| {
            let name = match table {
                Relation::Named(name) => {
                    plain_name(&format!("{}.{}.{}", name.catalog, name.schema, name.table))
                }
                Relation::Path(path) => plain_name(path),
            };
            contains_whole(&message, &name)
        })
        .map(|(at, _)| at)
        .collect();
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Whether a text names something, and not something longer that begins or ends with it.
fn contains_whole(text: &str, name: &str) -> bool {
    let goes_on =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '/' | '%');
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + name.len()..].chars();
        let next = match after.next() {
            // The log inside a table's folder is the table; a full stop ends a sentence or begins another part.
            Some('/') if after.as_str().starts_with("_delta_log") => None,
            Some('.') => after.next(),
            other => other,
        };
        !before.is_some_and(goes_on) && !next.is_some_and(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TableName;

    #[test]
    fn a_refusal_names_its_table_and_not_its_neighbour() {
        let tables = ["gold", "gold_2", "g"]
            .map(|table| Relation::Named(TableName::new("main", "core", table)));
        let named = |text: &str| named(text, &tables);
        assert_eq!(named("The table or view `main`.`core`.`gold` cannot be found."), Some(0));
        assert_eq!(named("no access to main.core.gold_2."), Some(1));
        assert_eq!(named("main.core.gold and main.core.g"), None);
        assert_eq!(named("main.core.gold.column"), None);
        assert_eq!(named("out of memory"), None);
        let paths = ["s3://b/x/a", "s3://b/x/ab"].map(|path| Relation::Path(path.to_owned()));
        let at = super::named("s3://b/x/a/_delta_log is not there", &paths);
        assert_eq!(at, Some(0));
    }
}
