//! Maintenance: commits that leave every row of a table as it is. Pure.

/// Whether a commit is maintenance: it rewrites files or statistics and leaves every row as it is.
///
/// The name of its operation is no proof. Where a log tells, all its actions say `dataChange = false`, its files come with
/// those that they rewrite, and as many rows are live after it as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// It changes rows, columns or the protocol, or may.
    Changes,
    /// As many rows are live after it as before.
    Compared,
    /// It is one by its operation and by what is told of its files, and nothing tells of rows.
    NotCompared,
}

impl Upkeep {
    /// Whether it changes what a reader sees.
    pub fn changes(self) -> bool {
        match self {
            Upkeep::Changes => true,
            Upkeep::Compared | Upkeep::NotCompared => false,
        }
    }
}

/// Operations that are to rewrite files or statistics and leave every row as it is.
const MAINTENANCE: [&str; 6] =
    ["OPTIMIZE", "VACUUM START", "VACUUM END", "REORG", "ANALYZE", "COMPUTE STATS"];

/// Whether an operation is called like one that leaves every row of a table as it is, which is to be proved.
pub fn is_maintenance(operation: &str) -> bool {
    let operation = operation.to_uppercase();
    MAINTENANCE.iter().any(|name| operation.starts_with(name))
}
