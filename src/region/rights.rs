//! Who may read and write the tables of a region's own catalog. Pure.

use std::collections::BTreeSet;

/// Who may use a table, by whatever gives it to them; owners are no such principals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableRights {
    /// Who has SELECT.
    pub select: BTreeSet<String>,
    /// Who has MODIFY.
    pub modify: BTreeSet<String>,
}

impl TableRights {
    /// Takes in a privilege of a principal, as REST or SQL spells it; what neither reads nor writes is left out.
    pub fn take_in(&mut self, principal: &str, privilege: &str) {
        let held = privilege.trim().to_uppercase().replace(' ', "_");
        if matches!(held.as_str(), "SELECT" | "ALL_PRIVILEGES") {
            self.select.insert(principal.to_owned());
        }
        if matches!(held.as_str(), "MODIFY" | "ALL_PRIVILEGES") {
            self.modify.insert(principal.to_owned());
        }
    }
}
