//! Who may use the tables of a group at both sides, and what differs. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::config::TableName;
use crate::moment;
use crate::region::{Grant, Privilege};

/// The rights on the tables of a group at both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantsSeen {
    /// When they were looked at.
    #[serde(with = "moment::Moment")]
    pub at: DateTime<Utc>,
    /// Tables of one side on which the same principals have the same rights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<RightsSeen>,
    /// Tables whose rights could not be seen at both sides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<TableName>,
}

/// Who may use tables; drsync itself and owners are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RightsSeen {
    /// The side.
    pub side: Role,
    /// The tables.
    pub tables: Vec<TableName>,
    /// Who has SELECT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// Who has MODIFY.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modify: Vec<String>,
}

/// A right that somebody has at one side only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RightDiffers {
    /// The side at which they have it.
    pub at: Role,
    /// The table.
    pub table: TableName,
    /// To read it, or to write it.
    pub right: Privilege,
    /// Who.
    pub principal: String,
}

impl GrantsSeen {
    /// Rights that somebody has at one side only, those of the primary first.
    pub fn differing(&self) -> Vec<RightDiffers> {
        let of = |side: Role| {
            let rights = self.tables.iter().filter(move |rights| rights.side == side);
            rights.flat_map(|rights| {
                let both =
                    [(Privilege::Select, &rights.select), (Privilege::Modify, &rights.modify)];
                rights.tables.iter().flat_map(move |table| {
                    both.into_iter().flat_map(move |(right, who)| {
                        who.iter().map(move |principal| (table, right, principal))
                    })
                })
            })
        };
        let mut all = Vec::new();
        for (side, other) in [(Role::Primary, Role::Secondary), (Role::Secondary, Role::Primary)] {
            let there: std::collections::BTreeSet<_> = of(other).collect();
            let alone = of(side).filter(|right| !there.contains(right));
            all.extend(alone.map(|(table, right, principal)| RightDiffers {
                at: side,
                table: table.clone(),
                right,
                principal: principal.clone(),
            }));
        }
        all.sort();
        all
    }
}

impl RightDiffers {
    /// What gives it at the side that lacks it.
    pub fn grant(&self) -> Grant {
        Grant::on_table(self.right, &self.table, &self.principal)
    }
}
