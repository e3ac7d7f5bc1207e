//! Evaluates expressions on a row.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::ast::Expr;
use super::datum::Datum;
use super::error::{Result, SqlError};
use super::functions;
use super::kind::Kind;
use super::rows::{Column, place};

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
    pub(super) const NONE: Row<'static> = Row {
        columns: &[],
        values: &[],
    };
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
                parts[used..].iter().fold(value, |value, name| member(&value, name))
            }
            Expr::Star(_) => return Err(SqlError::unsupported("* inside an expression")),
            Expr::Call { name, args, .. } => self.call(name, args, row)?,
            Expr::Cast { value, to, lenient } => {
                let value = self.eval(value, row)?;
                match value.cast(to) {
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
            Expr::Binary(left, sign, right) => {
                binary(&self.eval(left, row)?, sign, &self.eval(right, row)?)?
            }
            Expr::Not(inner) => self.truth(inner, row)?.map_or(Datum::Null, |yes| Datum::Boolean(!yes)),
            Expr::Negative(inner) => match self.eval(inner, row)? {
                Datum::Int(number) => Datum::Int(-number),
                Datum::Double(number) => Datum::Double(-number),
                other => binary(&Datum::Int(0), "-", &other)?,
            },
            Expr::IsNull(inner) => Datum::Boolean(self.eval(inner, row)?.is_null()),
            Expr::In(value, list) => {
                let value = self.eval(value, row)?;
                let mut answer = Datum::Boolean(false);
                for item in list {
                    match equal(&value, &self.eval(item, row)?) {
                        Some(true) => return Ok(Datum::Boolean(true)),
                        Some(false) => {}
                        None => answer = Datum::Null,
                    }
                }
                answer
            }
            Expr::Like(value, pattern) => match (self.eval(value, row)?, self.eval(pattern, row)?) {
                (Datum::Text(text), Datum::Text(pattern)) => Datum::Boolean(like(&text, &pattern)),
                _ => Datum::Null,
            },
            Expr::Case { of, arms, otherwise } => {
                let of = of.as_ref().map(|of| self.eval(of, row)).transpose()?;
                for (when, then) in arms {
                    let hit = match &of {
                        Some(of) => equal(of, &self.eval(when, row)?),
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
            Expr::Member(value, name) => member(&self.eval(value, row)?, name),
            Expr::Index(value, index) => index_of(&self.eval(value, row)?, &self.eval(index, row)?),
        })
    }

    /// Whether a condition holds; `None` where that is not known.
    pub(super) fn truth(&self, expr: &Expr, row: Row<'_>) -> Result<Option<bool>> {
        match self.eval(expr, row)?.cast(&Kind::Boolean)? {
            Datum::Boolean(yes) => Ok(Some(yes)),
            _ => Ok(None),
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
        match name {
            "CURRENT_TIMESTAMP" | "NOW" => return Ok(Datum::Time(self.now)),
            "CURRENT_DATE" => return Ok(Datum::Date(self.now.date_naive())),
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
                let field = |(at, arg): (usize, &Expr)| {
                    let name = match arg {
                        Expr::Column(parts) => parts.last().cloned().unwrap_or_default(),
                        Expr::Call { name, args, .. } if name == "AS" => match args.get(1) {
                            Some(Expr::Literal(Datum::Text(name))) => name.clone(),
                            _ => format!("col{}", at + 1),
                        },
                        _ => format!("col{}", at + 1),
                    };
                    Ok((name, self.eval(arg, row)?))
                };
                return Ok(Datum::Struct(
                    args.iter().enumerate().map(field).collect::<Result<_>>()?,
                ));
            }
            _ => {}
        }
        let values: Vec<Datum> = args
            .iter()
            .map(|arg| self.eval(arg, row))
            .collect::<Result<_>>()?;
        functions::call(name, values, self.zone)
    }
}

/// Whether two values are equal; `None` where either is null.
pub(super) fn equal(one: &Datum, two: &Datum) -> Option<bool> {
    match (one, two) {
        (Datum::Null, _) | (_, Datum::Null) => None,
        (one, two) => Some(one.compare(two).is_some_and(std::cmp::Ordering::is_eq)),
    }
}

fn binary(left: &Datum, sign: &str, right: &Datum) -> Result<Datum> {
    use std::cmp::Ordering::{Greater, Less};
    if sign == "<=>" {
        return Ok(Datum::Boolean(
            equal(left, right).unwrap_or(left.is_null() && right.is_null()),
        ));
    }
    if left.is_null() || right.is_null() {
        return Ok(Datum::Null);
    }
    let order = left.compare(right);
    let told = |yes: bool| Ok(Datum::Boolean(yes));
    match sign {
        "=" => told(order.is_some_and(std::cmp::Ordering::is_eq)),
        "<>" => told(!order.is_some_and(std::cmp::Ordering::is_eq)),
        "<" => told(order == Some(Less)),
        "<=" => told(order.is_some_and(|order| order != Greater)),
        ">" => told(order == Some(Greater)),
        ">=" => told(order.is_some_and(|order| order != Less)),
        "||" => functions::call(
            "CONCAT",
            vec![left.clone(), right.clone()],
            chrono_tz::Tz::UTC,
        ),
        sign => arithmetic(left, sign, right),
    }
}

fn arithmetic(left: &Datum, sign: &str, right: &Datum) -> Result<Datum> {
    let refused = || {
        SqlError::new(
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
            "42K09",
            format!(
                "Cannot resolve {} {sign} {}.",
                left.kind().sql(),
                right.kind().sql()
            ),
        )
    };
    if let (Datum::Int(one), Datum::Int(two)) = (left, right) {
        let overflow = || SqlError::new("ARITHMETIC_OVERFLOW", "22003", "long overflow.");
        let exact = match sign {
            "+" => one.checked_add(*two),
            "-" => one.checked_sub(*two),
            "*" => one.checked_mul(*two),
            "%" if *two != 0 => one.checked_rem(*two),
            _ if *two == 0 => {
                return Err(SqlError::new(
                    "DIVIDE_BY_ZERO",
                    "22012",
                    "Division by zero.",
                ));
            }
            _ => return Ok(Datum::Double(*one as f64 / *two as f64)),
        };
        return exact.map(Datum::Int).ok_or_else(overflow);
    }
    let number = |datum: &Datum| match datum.clone().cast(&Kind::Double) {
        Ok(Datum::Double(number)) => Ok(number),
        _ => Err(refused()),
    };
    let (one, two) = (number(left)?, number(right)?);
    Ok(Datum::Double(match sign {
        "+" => one + two,
        "-" => one - two,
        "*" => one * two,
        "%" => one % two,
        _ => one / two,
    }))
}

fn member(value: &Datum, name: &str) -> Datum {
    match value {
        Datum::Struct(fields) => fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map_or(Datum::Null, |(_, value)| value.clone()),
        Datum::Map(_) => index_of(value, &Datum::text(name)),
        Datum::List(items) => Datum::List(items.iter().map(|item| member(item, name)).collect()),
        _ => Datum::Null,
    }
}

pub(super) fn index_of(value: &Datum, index: &Datum) -> Datum {
    match (value, index) {
        (Datum::Map(pairs), key) => pairs
            .iter()
            .find(|(found, _)| equal(found, key) == Some(true))
            .map_or(Datum::Null, |(_, value)| value.clone()),
        (Datum::List(items), Datum::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at))
            .cloned()
            .unwrap_or(Datum::Null),
        (Datum::Struct(_), Datum::Text(name)) => member(value, name),
        _ => Datum::Null,
    }
}

/// SQL's LIKE, without case where the pattern says nothing else is meant to be.
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
