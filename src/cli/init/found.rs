//! What was found in a workspace, as facts to be told: how much of it can be synchronized, and in which groups.

use std::collections::BTreeMap;

use super::proposal::ProposedEntry;
use super::talk::Talk;
use crate::cli::{ExitStatus, Failure};
use crate::config::TableName;
use crate::databricks::ListedTable;
use crate::region::Unclonable;
use crate::render::sections::init::{self, Held};
use crate::render::writers::{Form, write};
use crate::render::{Style, clean};

/// The tables that can be synchronized; without one there is nothing to configure.
pub(super) fn open(listed: &[ListedTable], principal: &str) -> Result<Vec<TableName>, Failure> {
    let open = listed.iter().filter(|table| table.unsupported.is_none());
    let open: Vec<TableName> = open.map(|table| table.name.clone()).collect();
    if open.is_empty() {
        let message =
            format!("nothing was written: {principal} can read no table that can be synchronized");
        return Err(Failure::new(ExitStatus::Refused, clean(&message)));
    }
    Ok(open)
}

/// Says what there is, what cannot be synchronized, and the proposed groups.
pub(super) fn tell(
    talk: &mut impl Talk,
    listed: &[ListedTable],
    groups: &[ProposedEntry],
    sizes: &BTreeMap<TableName, u64>,
) {
    let page = init::page(&found(listed, groups, sizes));
    let text = write(&page, Form::Text(Style::default()));
    talk.tell(&format!("\n{}", text.trim_end()));
}

fn found(
    listed: &[ListedTable],
    groups: &[ProposedEntry],
    sizes: &BTreeMap<TableName, u64>,
) -> init::SurveySummary {
    let mut catalogs: Vec<&str> = listed.iter().map(|it| it.name.catalog.as_str()).collect();
    catalogs.dedup();
    let groups = groups.iter().map(|group| init::ProposedGroup {
        name: group.name.clone(),
        workflow: group.workflow.as_ref().map(|(_, shown)| shown.clone()),
        held: held(&group.tables, sizes),
    });
    init::SurveySummary {
        listed: listed.len(),
        catalogs: catalogs.len(),
        open: listed.iter().filter(|table| table.unsupported.is_none()).count(),
        left_out: left_out(listed),
        groups: groups.collect(),
    }
}

/// What tables hold, as far as it is known.
fn held(tables: &[TableName], sizes: &BTreeMap<TableName, u64>) -> Held {
    tables.iter().fold(Held::default(), |held, table| {
        let size = sizes.get(table);
        Held {
            tables: held.tables + 1,
            weighed: held.weighed + usize::from(size.is_some()),
            bytes: held.bytes.saturating_add(size.copied().unwrap_or(0)),
        }
    })
}

/// How many of what cannot be cloned, most first: 91 of `views`.
fn left_out(tables: &[ListedTable]) -> Vec<(usize, String)> {
    let mut counts: BTreeMap<&Unclonable, usize> = BTreeMap::new();
    for what in tables.iter().filter_map(|it| it.unsupported.as_ref()) {
        *counts.entry(what).or_default() += 1;
    }
    let mut counts: Vec<(&Unclonable, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(what, count)| (std::cmp::Reverse(*count), what.noun_of(1)));
    counts.into_iter().map(|(what, count)| (count, what.noun_of(count))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName::parse(name).expect("a name")
    }

    #[test]
    fn what_cannot_be_cloned_is_counted_in_words() {
        let listed = |what| ListedTable { name: table("a.b.c"), unsupported: what };
        let view = || Some(Unclonable::View);
        let tables = [view(), None, view(), Some(Unclonable::RowFilter)].map(listed);
        let told = |number, what: &str| (number, what.to_owned());
        assert_eq!(left_out(&tables), [told(2, "views"), told(1, "table with a row filter")]);
        let tables = [Unclonable::RowFilter, Unclonable::RowFilter].map(|what| listed(Some(what)));
        assert_eq!(left_out(&tables), [told(2, "tables with a row filter")]);
    }

    #[test]
    fn what_a_group_holds_is_known_as_far_as_its_tables_are() {
        let tables = ["a.b.c", "a.b.d"].map(table);
        let sizes = BTreeMap::from([(table("a.b.c"), 5)]);
        let Held { tables, weighed, bytes } = held(&tables, &sizes);
        assert_eq!((tables, weighed, bytes), (2, 1, 5));
    }
}
