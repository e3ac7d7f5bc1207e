//! What rows come from: tables, histories, values, queries.

use super::Session;
use super::ast::{Expr, FromItem, FromSource, GroupBy, Select, TableTarget};
use super::column_pruning::Reader;
use super::error::{Result, SqlError};
use super::functions::{self, GENERATORS};
use super::literal;
use super::rows::{Column, NamedQueries, Rows, put_together};
use crate::lakehouse::delta::SnapshotDetail;

impl Session {
    /// `SELECT count(*) FROM a table` is answered from its log, as Delta does.
    pub(super) async fn counted(
        &self,
        select: &Select,
        named: &NamedQueries,
    ) -> Result<Option<Rows>> {
        let [(Expr::Call { name, args, distinct: false }, alias)] = select.items.as_slice() else {
            return Ok(None);
        };
        let all = match args.as_slice() {
            [Expr::Star(None)] => true,
            [arg] => literal::int(arg).is_some(),
            _ => false,
        };
        let Some(FromItem { of: FromSource::Table(target, at), columns, .. }) = &select.from else {
            return Ok(None);
        };
        let grouped = select.group != GroupBy::By(Vec::new());
        let picked = select.filter.is_some() || select.having.is_some();
        if name != "COUNT" || !all || picked || grouped || !columns.is_empty() {
            return Ok(None);
        }
        if let TableTarget::Name(parts) = target
            && (named.contains_key(&parts.join(".").to_lowercase())
                || super::schema::is_schema_view(parts))
        {
            return Ok(None);
        }
        let place = self.find(target).await?;
        let version = self.version(&place, at.as_ref()).await?;
        let table = self.snapshot(&place, version, SnapshotDetail::Summary).await?;
        let Some(count) = table.totals().rows else {
            return Ok(None);
        };
        let name = alias.clone().unwrap_or_else(|| "count(1)".to_owned());
        Ok(Some(Rows::counts(&[(&name, count)])?))
    }

    /// The rows of a relation, of whose columns those that are not read may be left out.
    pub(super) async fn relation(
        &self,
        relation: &FromItem,
        named: &NamedQueries,
        reader: Reader<'_>,
    ) -> Result<Rows> {
        let FromItem { of, alias, columns } = relation;
        let rows = match of {
            FromSource::Table(TableTarget::Name(parts), None)
                if named.contains_key(&parts.join(".").to_lowercase()) =>
            {
                let name = parts.join(".").to_lowercase();
                let rows = named.get(&name).cloned().unwrap_or_default();
                rows.under(Some(&name), &[])?
            }
            FromSource::Table(TableTarget::Name(parts), None)
                if super::schema::is_schema_view(parts) =>
            {
                self.schema_view(parts).await?
            }
            FromSource::Table(target, at) => {
                let place = self.find(target).await?;
                let version = self.version(&place, at.as_ref()).await?;
                self.read(&place, version).await?
            }
            FromSource::Query(query) => {
                let mut rows = self.query(query, named).await?;
                rows.columns.iter_mut().for_each(|column| column.of = None);
                rows
            }
            FromSource::Values(lists) => self.listed(lists, columns)?,
            FromSource::History { target, limit } => {
                let read = |columns: &[&str]| reader.columns_read(relation, columns);
                self.history(target, *limit, &read).await?
            }
            FromSource::Detail(target) => {
                let read = |columns: &[&str]| reader.columns_read(relation, columns);
                self.detail(target, &read).await?
            }
            FromSource::Function(name, args) => {
                if !GENERATORS.contains(&name.as_str()) {
                    return Err(SqlError::unsupported(format!(
                        "the table function {}",
                        name.to_lowercase()
                    )));
                }
                let [arg] = args.as_slice() else {
                    return Err(SqlError::unsupported("a table function of several values"));
                };
                let (made, _) = functions::generate(name, &self.scope.eval(arg, &Rows::ONE)?)?;
                Rows::of(made.into_iter().map(|(name, it)| Column::new(name, it)).collect())
            }
        };
        rows.under(alias.as_deref(), columns)
    }

    /// The rows of `VALUES`, whose columns may have been given names.
    fn listed(&self, lists: &[Vec<Expr>], names: &[String]) -> Result<Rows> {
        let width = lists.first().map_or(0, Vec::len);
        if !names.is_empty() && names.len() != width {
            return Err(SqlError::new(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                "42000",
                format!(
                    "Inline table expected {} columns but found {width} columns in row 0.",
                    names.len()
                ),
            ));
        }
        if lists.iter().any(|list| list.len() != width) {
            return Err(SqlError::new(
                "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                "42000",
                "Inline table rows have different numbers of columns.",
            ));
        }
        let column = |at: usize| {
            let value = |(row, list): (u32, &Vec<Expr>)| {
                Ok((self.scope.eval(&list[at], &Rows::ONE)?, vec![row]))
            };
            let parts = (0..).zip(lists).map(value).collect::<Result<Vec<_>>>()?;
            let values = put_together(lists.len(), &parts, self.scope.zone)?;
            Ok(Column::new(format!("col{}", at + 1), values))
        };
        Ok(Rows::of((0..width).map(column).collect::<Result<_>>()?))
    }
}
