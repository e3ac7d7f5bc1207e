//! Carries out MERGE.

use std::collections::BTreeMap;

use serde_json::json;

use super::Session;
use super::ast::{Action, Clause, Merge, Target, When};
use super::commit::RowChange;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::eval::Row;
use super::rows::{Column, Rows};
use super::tables::columns_of;

#[derive(Default)]
struct Counts {
    updated: u64,
    deleted: u64,
    inserted: u64,
}

impl Session {
    pub(super) async fn merge(&self, merge: &Merge) -> Result<Rows> {
        let Merge { target, alias, source, on, clauses } = merge;
        let place = self.find_to_write(target).await?;
        let base = self.base(&place).await?;
        let own_name = match target {
            Target::Name(parts) => parts.last().cloned(),
            Target::Path(_) => None,
        };
        let alias = alias.clone().or(own_name);
        let before = self.read(&place, Some(base.version)).await?.under(alias.as_deref(), &[]);
        let source = self.relation(source, &BTreeMap::new()).await?;
        let columns: Vec<Column> = before.columns.iter().chain(&source.columns).cloned().collect();
        let nothing = |rows: &Rows| vec![Datum::Null; rows.columns.len()];
        let mut counts = Counts::default();
        let mut matched_sources = vec![false; source.rows.len()];
        let (mut kept, mut added) = (Vec::new(), Vec::new());
        for row in &before.rows {
            let mut after = Some(row.clone());
            let mut hits = 0;
            for (at, from) in source.rows.iter().enumerate() {
                let values: Vec<Datum> = row.iter().chain(from).cloned().collect();
                let both = Row { columns: &columns, values: &values };
                if self.scope.truth(on, both)? != Some(true) {
                    continue;
                }
                matched_sources[at] = true;
                let Some(clause) = self.clause(clauses, When::Matched, both)? else {
                    continue;
                };
                hits += 1;
                if hits > 1 {
                    return Err(SqlError::new(
                        "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
                        "21506",
                        "Cannot perform Merge as multiple source rows matched and attempted to modify the same target row in the Delta table in possibly conflicting ways.",
                    ));
                }
                after = self.changed(clause, row, both, &before, &source, &mut counts)?;
            }
            if hits == 0 && !self.any_match(&matched_row(row, &source, &columns), on)? {
                let values: Vec<Datum> = row.iter().cloned().chain(nothing(&source)).collect();
                let both = Row { columns: &columns, values: &values };
                if let Some(clause) = self.clause(clauses, When::NotMatchedBySource, both)? {
                    after = self.changed(clause, row, both, &before, &source, &mut counts)?;
                }
            }
            kept.extend(after);
        }
        for (from, _) in source.rows.iter().zip(&matched_sources).filter(|(_, matched)| !**matched)
        {
            let values: Vec<Datum> =
                nothing(&before).into_iter().chain(from.iter().cloned()).collect();
            let both = Row { columns: &columns, values: &values };
            let Some(clause) = self.clause(clauses, When::NotMatched, both)? else {
                continue;
            };
            added.push(self.inserted(clause, both, &before, &source)?);
            counts.inserted += 1;
        }
        let Counts { updated, deleted, inserted } = counts;
        let replace = updated + deleted > 0;
        if replace || inserted > 0 {
            let mut add = if replace { kept } else { Vec::new() };
            add.extend(added);
            let kinds = columns_of(&base);
            let typed = |row: Vec<Datum>| -> Result<Vec<Datum>> {
                row.into_iter()
                    .zip(&kinds)
                    .map(|(value, (_, kind))| value.cast(kind, self.scope.zone))
                    .collect()
            };
            let change = RowChange {
                operation: "MERGE",
                parameters: json!({"predicate": "[]", "matchedPredicates": "[]", "notMatchedPredicates": "[]"}),
                metrics: vec![
                    ("numTargetRowsInserted", inserted),
                    ("numTargetRowsUpdated", updated),
                    ("numTargetRowsDeleted", deleted),
                ],
                add: add.into_iter().map(typed).collect::<Result<_>>()?,
                replace,
                actions: Vec::new(),
            };
            self.commit(&place, &base, change).await?;
        }
        Ok(Rows::counts(&[
            ("num_affected_rows", updated + deleted + inserted),
            ("num_updated_rows", updated),
            ("num_deleted_rows", deleted),
            ("num_inserted_rows", inserted),
        ]))
    }

    fn any_match(
        &self,
        pairs: &(Vec<Vec<Datum>>, &[Column]),
        on: &super::ast::Expr,
    ) -> Result<bool> {
        let (pairs, columns) = pairs;
        for values in pairs {
            if self.scope.truth(on, Row { columns, values })? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first clause that applies to a pair of rows.
    fn clause<'a>(
        &self,
        clauses: &'a [Clause],
        when: When,
        both: Row<'_>,
    ) -> Result<Option<&'a Clause>> {
        for clause in clauses.iter().filter(|clause| clause.when == when) {
            if self.scope.holds(clause.filter.as_ref(), both)? {
                return Ok(Some(clause));
            }
        }
        Ok(None)
    }

    fn changed(
        &self,
        clause: &Clause,
        row: &[Datum],
        both: Row<'_>,
        before: &Rows,
        source: &Rows,
        counts: &mut Counts,
    ) -> Result<Option<Vec<Datum>>> {
        let mut after = row.to_vec();
        match &clause.action {
            Action::Delete => {
                counts.deleted += 1;
                return Ok(None);
            }
            Action::Update(set) => {
                for (name, value) in set {
                    let (at, _) = before.place(std::slice::from_ref(name))?;
                    after[at] = self.scope.eval(value, both)?;
                }
            }
            Action::UpdateAll => {
                for (at, column) in before.columns.iter().enumerate() {
                    let (from, _) = source.place(std::slice::from_ref(&column.name))?;
                    after[at] = both.values[before.columns.len() + from].clone();
                }
            }
            Action::Insert(..) | Action::InsertAll => {
                return Err(SqlError::unsupported("INSERT for rows that match"));
            }
        }
        counts.updated += 1;
        Ok(Some(after))
    }

    fn inserted(
        &self,
        clause: &Clause,
        both: Row<'_>,
        before: &Rows,
        source: &Rows,
    ) -> Result<Vec<Datum>> {
        let mut row = vec![Datum::Null; before.columns.len()];
        match &clause.action {
            Action::Insert(names, values) => {
                for (name, value) in names.iter().zip(values) {
                    let (at, _) = before.place(std::slice::from_ref(name))?;
                    row[at] = self.scope.eval(value, both)?;
                }
            }
            Action::InsertAll => {
                for (at, column) in before.columns.iter().enumerate() {
                    let (from, _) = source.place(std::slice::from_ref(&column.name))?;
                    row[at] = both.values[before.columns.len() + from].clone();
                }
            }
            Action::Delete | Action::Update(_) | Action::UpdateAll => {
                return Err(SqlError::unsupported("UPDATE or DELETE for rows that do not match"));
            }
        }
        Ok(row)
    }
}

/// A target's row beside every row of the source.
fn matched_row<'a>(
    row: &[Datum],
    source: &Rows,
    columns: &'a [Column],
) -> (Vec<Vec<Datum>>, &'a [Column]) {
    let pairs = source.rows.iter().map(|from| row.iter().chain(from).cloned().collect());
    (pairs.collect(), columns)
}
