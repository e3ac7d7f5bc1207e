//! What was found in a workspace, as it is told: how much of it can be synchronized, and in which groups.

use std::collections::BTreeMap;

use super::groups;
use super::proposal::{self, Proposed};
use super::talk::Talk;
use crate::cli::{ExitStatus, Failure};
use crate::config::TableName;
use crate::databricks::Listed;
use crate::render::clean;
use crate::text::plural_as;

/// The tables that can be synchronized; without one there is nothing to configure.
pub(super) fn open(listed: &[Listed], principal: &str) -> Result<Vec<TableName>, Failure> {
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
    listed: &[Listed],
    groups: &[Proposed],
    sizes: &BTreeMap<TableName, u64>,
) {
    let mut catalogs: Vec<&str> = listed.iter().map(|it| it.name.catalog.as_str()).collect();
    catalogs.dedup();
    let open = listed.iter().filter(|table| table.unsupported.is_none()).count();
    talk.tell(&format!(
        "\n{} in {}: {open} can be synchronized, {} cannot",
        plural_as(listed.len() as u64, "table or view", "tables and views"),
        plural_as(catalogs.len() as u64, "catalog", "catalogs"),
        listed.len() - open
    ));
    for line in proposal::left_out(listed) {
        talk.tell(&line);
    }
    talk.tell("\nGroups, from the jobs that wrote the tables in the last 30 days:");
    for line in groups::lines(groups, sizes) {
        talk.tell(&line);
    }
    talk.tell(
        "Split or join them in the file: tables belong together if they are only true\ntogether.",
    );
}
