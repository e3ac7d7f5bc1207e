//! Carries out MERGE.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{ArrayRef, UInt32Array};
use serde_json::json;

use super::Session;
use super::ast::{Clause, Expr, Merge, MergeAction, TableTarget, When};
use super::cast::cast;
use super::column_pruning::Reader;
use super::commit::StatementChange;
use super::compare::places;
use super::error::{Result, SqlError};
use super::rows::{Rows, put_together, which};

/// The two sides of a merge.
struct Sides {
    target: Rows,
    source: Rows,
}

impl Sides {
    /// Rows of the target beside rows of the source; without a place all are null.
    fn beside(&self, target: UInt32Array, source: UInt32Array) -> Result<Rows> {
        Ok(self.target.take(&target)?.beside(self.source.take(&source)?))
    }

    /// For each column of the target the one of that name in the source, by its place in both beside each other.
    fn same_names(&self) -> Result<Vec<usize>> {
        let columns = &self.target.columns;
        let place = |name| Ok(columns.len() + self.source.place(std::slice::from_ref(name))?.0);
        columns.iter().map(|column| place(&column.name)).collect()
    }
}

impl Session {
    pub(super) async fn merge(&self, merge: &Merge) -> Result<Rows> {
        let Merge { target, alias, source, on, clauses } = merge;
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let own_name = match target {
            TableTarget::Name(parts) => parts.last().cloned(),
            TableTarget::Path(_) => None,
        };
        let alias = alias.clone().or(own_name);
        let target = self.read(&place, Some(base.version)).await?.under(alias.as_deref(), &[])?;
        let source = self.relation(source, &BTreeMap::new(), Reader::Whole).await?;
        let sides = Sides { target, source };
        let (count, sources) = (sides.target.count, sides.source.count);
        let (to, from): (Vec<u32>, Vec<u32>) = self.pairs(&sides, on)?.into_iter().unzip();
        let met = sides.beside(to.clone().into(), from.clone().into())?;
        let met = self.claimed(clauses, When::Matched, &to, met)?;
        let mut hit = BTreeSet::new();
        if !met.iter().flat_map(|(_, to, _)| to).all(|to| hit.insert(*to)) {
            return Err(several_sources_of_one_row());
        }
        let none = |count: usize| UInt32Array::new_null(count);
        let alone: Vec<u32> = unmet(count, &to);
        let beside = sides.beside(alone.clone().into(), none(alone.len()))?;
        let alone = self.claimed(clauses, When::NotMatchedBySource, &alone, beside)?;
        let new: Vec<u32> = unmet(sources, &from);
        let beside = sides.beside(none(new.len()), new.clone().into())?;
        let new = self.claimed(clauses, When::NotMatched, &new, beside)?;
        let (kept, updated, deleted) = self.changed(&sides, met.into_iter().chain(alone))?;
        let replace = updated + deleted > 0;
        let mut add = vec![if replace { kept } else { sides.target.take(&none(0))? }];
        for (clause, _, both) in new {
            add.push(self.inserted(clause, &both, &sides)?);
        }
        let inserted = add[1..].iter().map(|rows| rows.count as u64).sum::<u64>();
        if replace || inserted > 0 {
            let change = StatementChange {
                operation: "MERGE",
                parameters: json!({"predicate": "[]", "matchedPredicates": "[]", "notMatchedPredicates": "[]"}),
                metrics: vec![
                    ("numTargetRowsInserted", inserted),
                    ("numTargetRowsUpdated", updated),
                    ("numTargetRowsDeleted", deleted),
                ],
                add: Rows::concat(&add)?,
                replace,
                actions: Vec::new(),
            };
            self.commit(&place, &base, change).await?;
        }
        Rows::counts(&[
            ("num_affected_rows", updated + deleted + inserted),
            ("num_updated_rows", updated),
            ("num_deleted_rows", deleted),
            ("num_inserted_rows", inserted),
        ])
    }

    /// The rows that meet, the target's first: each row of the source is held against all of the target's.
    fn pairs(&self, sides: &Sides, on: &Expr) -> Result<BTreeSet<(u32, u32)>> {
        let (count, sources) = (sides.target.count, sides.source.count);
        let mut pairs = BTreeSet::new();
        for from in 0..u32::try_from(sources).unwrap_or(u32::MAX) {
            let both = sides.beside(places(count), vec![from; count].into())?;
            let hits = which(self.scope.truth(on, &both)?.iter().map(|hit| hit == Some(true)));
            pairs.extend(hits.into_iter().map(|to| (to, from)));
        }
        Ok(pairs)
    }

    /// The rows to which each clause is the first to apply, under the numbers that they are given with.
    fn claimed<'a>(
        &self,
        clauses: &'a [Clause],
        when: When,
        numbers: &[u32],
        mut rows: Rows,
    ) -> Result<Vec<(&'a Clause, Vec<u32>, Rows)>> {
        let (mut claimed, mut numbers) = (Vec::new(), numbers.to_vec());
        for clause in clauses.iter().filter(|clause| clause.when == when) {
            let holds = self.scope.holds(clause.filter.as_ref(), &rows)?;
            let of = |is: bool| which(holds.iter().map(|holds| holds == Some(is)));
            let (own, rest) = (of(true), of(false));
            let numbered = |at: &[u32]| at.iter().map(|at| numbers[*at as usize]).collect();
            let (own_numbers, rest_numbers) = (numbered(&own), numbered(&rest));
            if !own.is_empty() {
                claimed.push((clause, own_numbers, rows.take(&own.into())?));
            }
            (rows, numbers) = (rows.take(&rest.into())?, rest_numbers);
        }
        Ok(claimed)
    }

    /// The target's rows as they are afterwards, how many were updated, and how many deleted.
    fn changed<'a>(
        &self,
        sides: &Sides,
        claimed: impl Iterator<Item = (&'a Clause, Vec<u32>, Rows)>,
    ) -> Result<(Rows, u64, u64)> {
        let before = &sides.target;
        let mut kept = vec![true; before.count];
        let mut parts: Vec<Vec<(ArrayRef, Vec<u32>)>> = Vec::new();
        for column in &before.columns {
            parts.push(vec![(column.values.clone(), places(before.count).values().to_vec())]);
        }
        let (mut updated, mut deleted) = (0, 0);
        for (clause, to, both) in claimed {
            let mut set = |at: usize, values: &ArrayRef| -> Result<()> {
                let values = cast(values, before.columns[at].kind(), self.scope.zone)?;
                parts[at].push((values, to.clone()));
                Ok(())
            };
            match &clause.action {
                MergeAction::Delete => {
                    to.iter().for_each(|to| kept[*to as usize] = false);
                    deleted += to.len() as u64;
                    continue;
                }
                MergeAction::Update(columns) => {
                    for (name, value) in columns {
                        let (at, _) = before.place(std::slice::from_ref(name))?;
                        set(at, &self.scope.eval(value, &both)?)?;
                    }
                }
                MergeAction::UpdateAll => {
                    for (at, from) in sides.same_names()?.into_iter().enumerate() {
                        set(at, &both.columns[from].values)?;
                    }
                }
                MergeAction::Insert(..) | MergeAction::InsertAll => {
                    return Err(SqlError::unsupported("INSERT for rows that match"));
                }
            }
            updated += to.len() as u64;
        }
        let mut after = before.clone();
        for (column, parts) in after.columns.iter_mut().zip(parts) {
            column.values = put_together(before.count, &parts, self.scope.zone)?;
        }
        Ok((after.filter(&kept.into())?, updated, deleted))
    }

    /// The rows that a clause makes of rows of the source.
    fn inserted(&self, clause: &Clause, both: &Rows, sides: &Sides) -> Result<Rows> {
        let mut rows = sides.target.take(&UInt32Array::new_null(both.count))?;
        let mut set = |at: usize, values: &ArrayRef| -> Result<()> {
            rows.columns[at].values =
                cast(values, sides.target.columns[at].kind(), self.scope.zone)?;
            Ok(())
        };
        match &clause.action {
            MergeAction::Insert(names, values) => {
                for (name, value) in names.iter().zip(values) {
                    let (at, _) = sides.target.place(std::slice::from_ref(name))?;
                    set(at, &self.scope.eval(value, both)?)?;
                }
            }
            MergeAction::InsertAll => {
                for (at, from) in sides.same_names()?.into_iter().enumerate() {
                    set(at, &both.columns[from].values)?;
                }
            }
            MergeAction::Delete | MergeAction::Update(_) | MergeAction::UpdateAll => {
                return Err(SqlError::unsupported("UPDATE or DELETE for rows that do not match"));
            }
        }
        Ok(rows)
    }
}

/// The rows, of so many, that met none.
fn unmet(all: usize, met: &[u32]) -> Vec<u32> {
    let met: BTreeSet<u32> = met.iter().copied().collect();
    (0..u32::try_from(all).unwrap_or(u32::MAX)).filter(|it| !met.contains(it)).collect()
}

fn several_sources_of_one_row() -> SqlError {
    SqlError::new(
        "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
        "21506",
        "Cannot perform Merge as multiple source rows matched and attempted to modify the same target row in the Delta table in possibly conflicting ways.",
    )
}
