//! Evaluates expressions over the rows of a relation, column by column.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_arith::boolean::{and_kleene, is_null, not, or_kleene};
use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray, Date32Array, StringArray, new_null_array};
use arrow_select::filter::prep_null_mask_filter;
use arrow_select::take::take;
use chrono::{DateTime, Utc};

use super::aggregates::AGGREGATES;
use super::arithmetic::{self, calculated, negated};
use super::ast::Expr;
use super::cast::{cast, try_cast};
use super::compare::{orders, places};
use super::error::{Result, SqlError};
use super::functions;
use super::kind::{self, Kind, timestamp};
use super::literal;
use super::rows::{Rows, put_together, repeated, which};
use super::spell::spelled;
use super::within::{index_of, member, structure_of};

/// What an expression may speak of besides its row.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Values of the named markers, one each.
    pub(super) markers: BTreeMap<String, ArrayRef>,
    /// `current_timestamp()`.
    pub(super) now: DateTime<Utc>,
    /// `current_user()`.
    pub(super) user: String,
    /// `current_catalog()`.
    pub(super) catalog: String,
    /// `current_schema()`.
    pub(super) schema: String,
    /// The session's time zone.
    pub(super) zone: chrono_tz::Tz,
}

impl Scope {
    /// The values of an expression, one of each row.
    pub(super) fn eval(&self, expr: &Expr, rows: &Rows) -> Result<ArrayRef> {
        match expr {
            Expr::Literal(value) => repeated(value, rows.count),
            Expr::Marker(name) => repeated(self.marker(name)?, rows.count),
            Expr::Column(parts) => {
                let (at, used) = rows.place(parts)?;
                let values = rows.columns[at].values.clone();
                parts[used..].iter().try_fold(values, |values, name| member(&values, name))
            }
            Expr::At(at) => Ok(rows.columns[*at].values.clone()),
            Expr::Star(_) => Err(SqlError::unsupported("* inside an expression")),
            Expr::Call { name, args, .. } => self.call(name, args, rows),
            Expr::Cast { value, to, lenient } => {
                let values = self.eval(value, rows)?;
                let cast = if *lenient { try_cast } else { cast };
                cast(&values, to, self.zone)
            }
            Expr::Binary(_, sign @ ("AND" | "OR"), _) => self.linked(expr, sign, rows),
            Expr::Binary(left, sign, right) => self.binary(left, sign, right, rows),
            Expr::Not(inner) => Ok(Arc::new(not(&self.truth(inner, rows)?)?)),
            Expr::Negative(inner) => negated(&self.eval(inner, rows)?),
            Expr::IsNull(inner) => Ok(Arc::new(is_null(&self.eval(inner, rows)?)?)),
            Expr::In(value, list) => self.listed(value, list, rows),
            Expr::InQuery(..) => Err(SqlError::unsupported("IN (SELECT …) outside of WHERE")),
            Expr::Among(value, members) => members.answer(&self.eval(value, rows)?),
            Expr::Like(value, pattern) => self.alike(value, pattern, rows),
            Expr::Case { of, arms, otherwise } => {
                self.chosen(of.as_deref(), arms, otherwise.as_deref(), rows)
            }
            Expr::Member(value, name) => member(&self.eval(value, rows)?, name),
            Expr::Index(value, index) => {
                index_of(&self.eval(value, rows)?, &self.eval(index, rows)?, 0)
            }
        }
    }

    fn marker(&self, name: &str) -> Result<&ArrayRef> {
        self.markers.get(name).ok_or_else(|| {
            SqlError::new(
                "UNBOUND_SQL_PARAMETER",
                "42P02",
                format!("Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter."),
            )
        })
    }

    /// For which rows a condition holds; null where that is not known.
    pub(super) fn truth(&self, expr: &Expr, rows: &Rows) -> Result<BooleanArray> {
        let values = self.eval(expr, rows)?;
        match values.data_type() {
            Kind::Boolean | Kind::Null | Kind::Utf8 => {
                Ok(cast(&values, &Kind::Boolean, self.zone)?.as_boolean().clone())
            }
            other => Err(SqlError::new(
                "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                "42K09",
                format!(
                    "A condition is of the type \"BOOLEAN\", and \"{}\" was given.",
                    kind::sql(other)
                ),
            )),
        }
    }

    /// Which rows a filter lets through.
    pub(super) fn holds(&self, filter: Option<&Expr>, rows: &Rows) -> Result<BooleanArray> {
        match filter {
            None => Ok(vec![true; rows.count].into()),
            Some(filter) => {
                let truth = self.truth(filter, rows)?;
                // The kernel takes no mask that is without nulls.
                Ok(if truth.null_count() == 0 { truth } else { prep_null_mask_filter(&truth) })
            }
        }
    }

    /// What is linked by AND or OR: each part is evaluated only for the rows that those before it leave open.
    fn linked(&self, expr: &Expr, sign: &str, rows: &Rows) -> Result<ArrayRef> {
        let mut parts = Vec::new();
        let mut first = expr;
        while let Expr::Binary(left, of, right) = first
            && *of == sign
        {
            parts.push(&**right);
            first = left;
        }
        let (kernel, over): (fn(&_, &_) -> _, bool) =
            if sign == "AND" { (and_kleene, false) } else { (or_kleene, true) };
        let mut all = self.truth(first, rows)?;
        for part in parts.into_iter().rev() {
            let open = which(all.iter().map(|it| it != Some(over)));
            let truth: ArrayRef = Arc::new(self.truth(part, &rows.take(&open.clone().into())?)?);
            let truth = put_together(rows.count, &[(truth, open)], self.zone)?;
            let truth = cast(&truth, &Kind::Boolean, self.zone)?;
            all = kernel(&all, truth.as_boolean())?;
        }
        Ok(Arc::new(all))
    }

    fn binary(&self, left: &Expr, sign: &str, right: &Expr, rows: &Rows) -> Result<ArrayRef> {
        let (one, two) = (self.eval(left, rows)?, self.eval(right, rows)?);
        match sign {
            "+" | "-" | "*" | "/" | "%" => {
                // A whole number among decimals has the digits that it is written with.
                let beside = |expr: &Expr, values: ArrayRef, other: &Kind| match literal::int(expr)
                {
                    Some(number) if matches!(other, Kind::Decimal128(..)) => {
                        repeated(&arithmetic::whole(number), rows.count)
                    }
                    _ => Ok(values),
                };
                let (of_one, of_two) = (one.data_type().clone(), two.data_type().clone());
                let (one, two) = (beside(left, one, &of_two)?, beside(right, two, &of_one)?);
                calculated(&one, sign, &two, None)
            }
            "||" => functions::call("CONCAT", &[one, two], rows.count, self.zone),
            sign => self.compared(&one, sign, &two),
        }
    }

    fn compared(&self, one: &ArrayRef, sign: &str, two: &ArrayRef) -> Result<ArrayRef> {
        let orders = orders(one, two, self.zone)?;
        let (none, no) = (is_null(one)?, is_null(two)?);
        let truths = orders.into_iter().enumerate().map(|(at, order)| match (order, sign) {
            (Some(order), "=" | "<=>") => Some(order.is_eq()),
            (Some(order), "<>") => Some(order.is_ne()),
            (Some(order), "<") => Some(order.is_lt()),
            (Some(order), "<=") => Some(order.is_le()),
            (Some(order), ">") => Some(order.is_gt()),
            (Some(order), _) => Some(order.is_ge()),
            (None, "<=>") => Some(none.value(at) && no.value(at)),
            (None, _) => None,
        });
        Ok(Arc::new(truths.collect::<BooleanArray>()))
    }

    fn listed(&self, value: &Expr, list: &[Expr], rows: &Rows) -> Result<ArrayRef> {
        let values = self.eval(value, rows)?;
        let mut found = BooleanArray::from(vec![false; rows.count]);
        for item in list {
            let same = self.compared(&values, "=", &self.eval(item, rows)?)?;
            found = or_kleene(&found, same.as_boolean())?;
        }
        Ok(Arc::new(found))
    }

    fn alike(&self, value: &Expr, pattern: &Expr, rows: &Rows) -> Result<ArrayRef> {
        let texts = spelled(&self.eval(value, rows)?, self.zone);
        let patterns = spelled(&self.eval(pattern, rows)?, self.zone);
        let pairs = texts.as_string::<i32>().iter().zip(patterns.as_string::<i32>());
        let truths = pairs.map(|(text, pattern)| Some(like(text?, pattern?)));
        Ok(Arc::new(truths.collect::<BooleanArray>()))
    }

    /// The first value whose condition holds, each evaluated only for the rows that have no value yet.
    fn chosen(
        &self,
        of: Option<&Expr>,
        arms: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        rows: &Rows,
    ) -> Result<ArrayRef> {
        let of = of.map(|of| self.eval(of, rows)).transpose()?;
        let mut open: Vec<u32> = places(rows.count).values().to_vec();
        let mut parts = Vec::new();
        for (when, then) in arms {
            let at = open.clone().into();
            let left = rows.take(&at)?;
            let hit = match &of {
                Some(of) => {
                    let same =
                        self.compared(&take(of, &at, None)?, "=", &self.eval(when, &left)?)?;
                    same.as_boolean().clone()
                }
                None => self.truth(when, &left)?,
            };
            let hits: Vec<u32> = which(hit.iter().map(|hit| hit == Some(true)));
            let hits: Vec<u32> = hits.into_iter().map(|at| open[at as usize]).collect();
            parts.push((self.eval(then, &rows.take(&hits.clone().into())?)?, hits.clone()));
            open.retain(|at| hits.binary_search(at).is_err());
        }
        let rest = rows.take(&open.clone().into())?;
        let otherwise = match otherwise {
            Some(otherwise) => self.eval(otherwise, &rest)?,
            None => new_null_array(&Kind::Null, rest.count),
        };
        parts.push((otherwise, open));
        put_together(rows.count, &parts, self.zone)
    }

    /// The first value that is not null, each evaluated only for the rows that have none yet.
    fn coalesced(&self, args: &[Expr], rows: &Rows) -> Result<ArrayRef> {
        let mut open: Vec<u32> = places(rows.count).values().to_vec();
        let mut parts = Vec::new();
        for arg in args {
            let values = self.eval(arg, &rows.take(&open.clone().into())?)?;
            let none = is_null(&values)?;
            parts.push((values, open.clone()));
            open = which(none.iter().map(|none| none == Some(true)))
                .into_iter()
                .map(|at| open[at as usize])
                .collect();
        }
        put_together(rows.count, &parts, self.zone)
    }

    fn call(&self, name: &str, args: &[Expr], rows: &Rows) -> Result<ArrayRef> {
        if AGGREGATES.contains(&name) {
            return Err(SqlError::unsupported(format!(
                "the aggregate {} anywhere but in what is selected, and not inside another,",
                name.to_lowercase()
            )));
        }
        let text = |text: &str| repeated(&literal::text(text), rows.count);
        match (name, args) {
            ("CURRENT_TIMESTAMP" | "NOW", _) => {
                let now: ArrayRef = Arc::new(StringArray::from(vec![self.now.to_rfc3339()]));
                repeated(&cast(&now, &timestamp(), self.zone)?, rows.count)
            }
            ("CURRENT_DATE", _) => {
                let today = self.now.with_timezone(&self.zone).date_naive().to_epoch_days();
                Ok(Arc::new(Date32Array::from(vec![today; rows.count])))
            }
            ("CURRENT_CATALOG", _) => text(&self.catalog),
            ("CURRENT_SCHEMA" | "CURRENT_DATABASE", _) => text(&self.schema),
            ("CURRENT_USER" | "SESSION_USER" | "USER", _) => text(&self.user),
            ("COALESCE" | "NVL" | "IFNULL", args) => self.coalesced(args, rows),
            ("IF" | "IFF", [when, then, otherwise]) => {
                self.chosen(None, &[(when.clone(), then.clone())], Some(otherwise), rows)
            }
            ("AS", [value, _]) => self.eval(value, rows),
            ("STRUCT", args) => {
                let mut fields = Vec::new();
                for (at, arg) in args.iter().enumerate() {
                    match arg {
                        Expr::Star(None) => {
                            let all = rows.columns.iter();
                            fields.extend(all.map(|it| (it.name.clone(), it.values.clone())));
                        }
                        arg => fields.push((field_name(at, arg), self.eval(arg, rows)?)),
                    }
                }
                Ok(structure_of(fields, rows.count)?)
            }
            ("NAMED_STRUCT", args) => {
                let field = |pair: &[Expr]| match pair {
                    [name, value] => Ok((self.constant(name)?, self.eval(value, rows)?)),
                    _ => Err(functions::miscounted(name, args.len())),
                };
                Ok(structure_of(args.chunks(2).map(field).collect::<Result<_>>()?, rows.count)?)
            }
            ("FROM_JSON", [text, schema, ..]) => {
                let kind = functions::kind_of(&self.constant(schema)?)?;
                functions::from_json(&self.eval(text, rows)?, &kind, self.zone)
            }
            (name, args) => {
                let args = args.iter().map(|arg| self.eval(arg, rows));
                functions::call(name, &args.collect::<Result<Vec<_>>>()?, rows.count, self.zone)
            }
        }
    }

    /// A text that is the same in every row.
    fn constant(&self, expr: &Expr) -> Result<String> {
        let value = spelled(&self.eval(expr, &Rows::ONE)?, self.zone);
        Ok(value.as_string::<i32>().value(0).to_owned())
    }
}

/// What a field of `struct(…)` is called.
fn field_name(at: usize, arg: &Expr) -> String {
    match arg {
        Expr::Column(parts) => parts.last().cloned().unwrap_or_default(),
        Expr::Call { name, args, .. } if name == "AS" => match args.get(1) {
            Some(Expr::Literal(name)) => name.as_string::<i32>().value(0).to_owned(),
            _ => format!("col{}", at + 1),
        },
        _ => format!("col{}", at + 1),
    }
}

/// SQL's LIKE: `%` for anything, `_` for one letter, a backslash before either for itself.
pub(in crate::sandbox) fn like(text: &str, pattern: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = pattern.as_str();
            text.char_indices().any(|(at, _)| like(&text[at..], rest)) || like("", rest)
        }
        Some('_') => {
            let mut letters = text.chars();
            letters.next().is_some() && like(letters.as_str(), pattern.as_str())
        }
        Some('\\') => {
            let wanted = pattern.next();
            let mut letters = text.chars();
            letters.next() == wanted && like(letters.as_str(), pattern.as_str())
        }
        Some(wanted) => {
            let mut letters = text.chars();
            letters.next() == Some(wanted) && like(letters.as_str(), pattern.as_str())
        }
    }
}
