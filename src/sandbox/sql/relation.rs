//! What rows come from: tables, histories, values, queries.

use super::Session;
use super::ast::{Expr, Group, Relation, Select, Source, Target};
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::eval::Row;
use super::functions::{self, GENERATORS};
use super::kind::Kind;
use super::meet::common_of;
use super::rows::{Column, Named, Rows, cast_column, kind_at};
use crate::lakehouse::delta::Detail;

impl Session {
    /// `SELECT count(*) FROM a table` is answered from its log, as Delta does.
    pub(super) async fn counted(&self, select: &Select, named: &Named) -> Result<Option<Rows>> {
        let [(Expr::Call { name, args, distinct: false }, alias)] = select.items.as_slice() else {
            return Ok(None);
        };
        let all = matches!(args.as_slice(), [Expr::Star(None)] | [Expr::Literal(Datum::Int(_))]);
        let Some(Relation { of: Source::Table(target, at), .. }) = &select.from else {
            return Ok(None);
        };
        let grouped = select.group != Group::By(Vec::new());
        if name != "COUNT" || !all || select.filter.is_some() || grouped {
            return Ok(None);
        }
        if let Target::Name(parts) = target
            && (named.contains_key(&parts.join(".").to_lowercase())
                || super::schema::is_schema_view(parts))
        {
            return Ok(None);
        }
        let place = self.find(target).await?;
        let version = self.version(&place, at.as_ref()).await?;
        let table = self.snapshot(&place, version, Detail::Summary).await?;
        let Some(count) = table.totals().rows else {
            return Ok(None);
        };
        let name = alias.clone().unwrap_or_else(|| "count(1)".to_owned());
        Ok(Some(Rows::new(&[(&name, Kind::Long)], vec![vec![Datum::count(count)]])))
    }

    pub(super) async fn relation(&self, relation: &Relation, named: &Named) -> Result<Rows> {
        let Relation { of, alias, columns } = relation;
        let rows = match of {
            Source::Table(Target::Name(parts), None)
                if named.contains_key(&parts.join(".").to_lowercase()) =>
            {
                let name = parts.join(".").to_lowercase();
                let rows = named.get(&name).cloned().unwrap_or_default();
                rows.under(Some(&name), &[])
            }
            Source::Table(Target::Name(parts), None) if super::schema::is_schema_view(parts) => {
                self.schema_view(parts).await?
            }
            Source::Table(target, at) => {
                let place = self.find(target).await?;
                let version = self.version(&place, at.as_ref()).await?;
                self.read(&place, version).await?
            }
            Source::Query(query) => {
                let mut rows = self.query(query, named).await?;
                rows.columns.iter_mut().for_each(|column| column.of = None);
                rows
            }
            Source::Values(lists) => {
                let mut rows = Vec::new();
                for list in lists {
                    let values = list.iter().map(|item| self.scope.eval(item, Row::NONE));
                    rows.push(values.collect::<Result<Vec<_>>>()?);
                }
                let width = rows.first().map_or(0, Vec::len);
                if rows.iter().any(|row| row.len() != width) {
                    return Err(SqlError::new(
                        "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
                        "42000",
                        "Inline table rows have different numbers of columns.",
                    ));
                }
                let mut columns = Vec::new();
                for at in 0..width {
                    let kinds = lists.iter().map(|list| self.scope.kind_of(&list[at], &[]));
                    let kind = common_of(kinds.collect::<Result<Vec<_>>>()?);
                    if let Some(kind) = &kind {
                        cast_column(&mut rows, at, kind, self.scope.zone)?;
                    }
                    columns.push(Column {
                        of: None,
                        name: format!("col{}", at + 1),
                        kind: kind.unwrap_or_else(|| kind_at(&rows, at)),
                    });
                }
                Rows { columns, rows }
            }
            Source::History { target, limit } => self.history(target, *limit).await?,
            Source::Detail(target) => self.detail(target).await?,
            Source::Function(name, args) => {
                if !GENERATORS.contains(&name.as_str()) {
                    return Err(SqlError::unsupported(format!(
                        "the table function {}",
                        name.to_lowercase()
                    )));
                }
                let value = match args.as_slice() {
                    [arg] => self.scope.eval(arg, Row::NONE)?,
                    _ => return Err(SqlError::unsupported("a table function of several values")),
                };
                let kind = self.scope.kind_of(&args[0], &[])?.unwrap_or_else(|| value.kind());
                let columns = functions::generated(name, &kind);
                let columns: Vec<(&str, Kind)> =
                    columns.iter().map(|(name, kind)| (name.as_str(), kind.clone())).collect();
                Rows::new(&columns, functions::generate(name, value))
            }
        };
        Ok(rows.under(alias.as_deref(), columns))
    }
}
