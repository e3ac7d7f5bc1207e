//! Evaluates expressions on a row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::arithmetic;
use super::ast::Expr;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::functions;
use super::kind::Kind;
use super::meet::{compare, equal};
use super::rows::{Column, place};
use super::within::{index_of, member};

/// The value of a named marker, and the type that it was given with.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Marker {
    pub(super) value: Datum,
    pub(super) kind: Kind,
}

/// What an expression may speak of besides its row.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// Values of the named markers.
    pub(super) markers: BTreeMap<String, Marker>,
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

/// A row and its columns.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) columns: &'a [Column],
    pub(super) values: &'a [Datum],
}

impl Row<'_> {
    pub(super) const NONE: Row<'static> = Row { columns: &[], values: &[] };
}

impl Scope {
    /// The value of an expression on a row.
    pub(super) fn eval(&self, expr: &Expr, row: Row<'_>) -> Result<Datum> {
        Ok(match expr {
            Expr::Literal(value) => value.clone(),
            Expr::Marker(name) => self.markers.get(name).map(|marker| marker.value.clone()).ok_or_else(|| {
                SqlError::new(
                    "UNBOUND_SQL_PARAMETER",
                    "42P02",
                    format!("Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter."),
                )
            })?,
            Expr::Column(parts) => {
                let (at, used) = place(row.columns, parts)?;
                let value = row.values.get(at).cloned().unwrap_or(Datum::Null);
                parts[used..].iter().try_fold(value, |value, name| member(&value, name))?
            }
            Expr::Star(_) => return Err(SqlError::unsupported("* inside an expression")),
            Expr::Call { name, args, .. } => self.call(name, args, row)?,
            Expr::Cast { value, to, lenient } => {
                let value = self.eval(value, row)?;
                match value.cast(to, self.zone) {
                    Err(_) if *lenient => Datum::Null,
                    cast => cast?,
                }
            }
            Expr::Binary(left, "AND", right) => match (self.truth(left, row)?, || self.truth(right, row)) {
                (Some(false), _) => Datum::Boolean(false),
                (left, right) => match (left, right()?) {
                    (_, Some(false)) => Datum::Boolean(false),
                    (Some(true), Some(true)) => Datum::Boolean(true),
                    _ => Datum::Null,
                },
            },
            Expr::Binary(left, "OR", right) => match (self.truth(left, row)?, || self.truth(right, row)) {
                (Some(true), _) => Datum::Boolean(true),
                (left, right) => match (left, right()?) {
                    (_, Some(true)) => Datum::Boolean(true),
                    (Some(false), Some(false)) => Datum::Boolean(false),
                    _ => Datum::Null,
                },
            },
            Expr::Binary(left, sign @ ("+" | "-" | "*" | "/" | "%"), right) => {
                let (left, right) = (self.eval(left, row)?, self.eval(right, row)?);
                if left.is_null() || right.is_null() { Datum::Null } else { arithmetic::value(&left, sign, &right, self.kind_of(expr, row.columns)?)? }
            }
            Expr::Binary(left, sign, right) => {
                self.compared(&self.eval(left, row)?, sign, &self.eval(right, row)?)?
            }
            Expr::Not(inner) => self.truth(inner, row)?.map_or(Datum::Null, |yes| Datum::Boolean(!yes)),
            Expr::Negative(inner) => match self.eval(inner, row)? {
                Datum::Null => Datum::Null,
                Datum::Float(number) => Datum::Float(-number),
                Datum::Double(number) => Datum::Double(-number),
                Datum::Decimal(number) => Datum::Decimal(number.negated()),
                other => arithmetic::value(&Datum::Int(0), "-", &other, None)?,
            },
            Expr::IsNull(inner) => Datum::Boolean(self.eval(inner, row)?.is_null()),
            Expr::In(value, list) => {
                let value = self.eval(value, row)?;
                let mut answer = Datum::Boolean(false);
                for item in list {
                    match equal(&value, &self.eval(item, row)?, self.zone)? {
                        Some(true) => return Ok(Datum::Boolean(true)),
                        Some(false) => {}
                        None => answer = Datum::Null,
                    }
                }
                answer
            }
            Expr::InQuery(..) => {
                return Err(SqlError::unsupported("IN (SELECT …) outside of WHERE"));
            }
            Expr::Among(value, members) => members.answer(&self.eval(value, row)?)?,
            Expr::Like(value, pattern) => match (self.eval(value, row)?, self.eval(pattern, row)?) {
                (Datum::Null, _) | (_, Datum::Null) => Datum::Null,
                (value, pattern) => {
                    Datum::Boolean(like(&value.spelled(self.zone), &pattern.spelled(self.zone)))
                }
            },
            Expr::Case { of, arms, otherwise } => {
                let of = of.as_ref().map(|of| self.eval(of, row)).transpose()?;
                for (when, then) in arms {
                    let hit = match &of {
                        Some(of) => equal(of, &self.eval(when, row)?, self.zone)?,
                        None => self.truth(when, row)?,
                    };
                    if hit == Some(true) {
                        return self.eval(then, row);
                    }
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise, row)?,
                    None => Datum::Null,
                }
            }
            Expr::Member(value, name) => member(&self.eval(value, row)?, name)?,
            Expr::Index(value, index) => {
                index_of(&self.eval(value, row)?, &self.eval(index, row)?, 0)?
            }
        })
    }

    /// The value of an expression as a type, where that is known.
    pub(super) fn eval_as(&self, expr: &Expr, row: Row<'_>, kind: Option<&Kind>) -> Result<Datum> {
        let value = self.eval(expr, row)?;
        match kind {
            Some(kind) => value.cast(kind, self.zone),
            None => Ok(value),
        }
    }

    /// Whether a condition holds; `None` where that is not known.
    pub(super) fn truth(&self, expr: &Expr, row: Row<'_>) -> Result<Option<bool>> {
        match self.eval(expr, row)? {
            Datum::Boolean(yes) => Ok(Some(yes)),
            Datum::Null => Ok(None),
            other => Err(SqlError::new(
                "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN",
                "42K09",
                format!(
                    "A condition is of the type \"BOOLEAN\", and \"{}\" was given.",
                    other.kind().sql()
                ),
            )),
        }
    }

    /// Whether a filter lets a row through.
    pub(super) fn holds(&self, filter: Option<&Expr>, row: Row<'_>) -> Result<bool> {
        match filter {
            None => Ok(true),
            Some(filter) => Ok(self.truth(filter, row)? == Some(true)),
        }
    }

    fn call(&self, name: &str, args: &[Expr], row: Row<'_>) -> Result<Datum> {
        if functions::AGGREGATES.contains(&name) {
            return Err(SqlError::unsupported(format!(
                "the aggregate {} anywhere but in what is selected, and not inside another,",
                name.to_lowercase()
            )));
        }
        match name {
            "CURRENT_TIMESTAMP" | "NOW" => return Ok(Datum::Time(self.now)),
            "CURRENT_DATE" => {
                return Ok(Datum::Date(self.now.with_timezone(&self.zone).date_naive()));
            }
            "CURRENT_CATALOG" => return Ok(Datum::text(&self.catalog)),
            "CURRENT_SCHEMA" | "CURRENT_DATABASE" => return Ok(Datum::text(&self.schema)),
            "CURRENT_USER" | "SESSION_USER" | "USER" => return Ok(Datum::text(&self.user)),
            "COALESCE" | "NVL" | "IFNULL" => {
                for arg in args {
                    let value = self.eval(arg, row)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                return Ok(Datum::Null);
            }
            "IF" | "IFF" if args.len() == 3 => {
                let yes = self.truth(&args[0], row)? == Some(true);
                return self.eval(&args[if yes { 1 } else { 2 }], row);
            }
            "AS" if args.len() == 2 => return self.eval(&args[0], row),
            "STRUCT" => {
                let mut fields = Vec::new();
                for (at, arg) in args.iter().enumerate() {
                    match arg {
                        Expr::Star(None) => {
                            let names = row.columns.iter().map(|column| column.name.clone());
                            fields.extend(names.zip(row.values.iter().cloned()));
                        }
                        arg => fields.push((field_name(at, arg), self.eval(arg, row)?)),
                    }
                }
                return Ok(Datum::Struct(fields));
            }
            _ => {}
        }
        let values: Vec<Datum> =
            args.iter().map(|arg| self.eval(arg, row)).collect::<Result<_>>()?;
        functions::call(name, values, self.zone)
    }

    /// What a sign that compares two values, or puts them together, comes to.
    fn compared(&self, left: &Datum, sign: &str, right: &Datum) -> Result<Datum> {
        if sign == "||" {
            return functions::call("CONCAT", vec![left.clone(), right.clone()], self.zone);
        }
        let order = compare(left, right, self.zone)?;
        if sign == "<=>" {
            let same = order.map_or(left.is_null() && right.is_null(), Ordering::is_eq);
            return Ok(Datum::Boolean(same));
        }
        Ok(order.map_or(Datum::Null, |order| {
            Datum::Boolean(match sign {
                "=" => order.is_eq(),
                "<>" => order.is_ne(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            })
        }))
    }
}

/// What a field of `struct(…)` is called.
pub(super) fn field_name(at: usize, arg: &Expr) -> String {
    match arg {
        Expr::Column(parts) => parts.last().cloned().unwrap_or_default(),
        Expr::Call { name, args, .. } if name == "AS" => match args.get(1) {
            Some(Expr::Literal(Datum::Text(name))) => name.clone(),
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
