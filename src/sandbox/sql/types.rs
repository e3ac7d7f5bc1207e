//! The types that expressions have, before there is a value.

use super::arithmetic;
use super::ast::Expr;
use super::datum::Datum;
use super::decimal::Decimal;
use super::error::Result;
use super::eval::{Scope, field_name};
use super::functions;
use super::kind::Kind;
use super::meet::common_of;
use super::rows::{Column, place};

impl Scope {
    /// The type of an expression over these columns; nothing where only its value tells.
    pub(super) fn kind_of(&self, expr: &Expr, columns: &[Column]) -> Result<Option<Kind>> {
        let kind = |expr: &Expr| self.kind_of(expr, columns);
        Ok(match expr {
            Expr::Literal(Datum::Int(number)) if i32::try_from(*number).is_ok() => Some(Kind::Int),
            Expr::Literal(Datum::List(_) | Datum::Map(_) | Datum::Struct(_)) | Expr::Star(_) => {
                None
            }
            Expr::Literal(value) => Some(value.kind()),
            Expr::Marker(name) => self.markers.get(name).map(|it| it.kind.clone()),
            Expr::Column(parts) => {
                let (at, used) = place(columns, parts)?;
                let column = Some(columns[at].kind.clone());
                parts[used..].iter().fold(column, |of, name| member(&of?, name))
            }
            Expr::Cast { to, .. } => Some(to.clone()),
            Expr::Binary(left, sign @ ("+" | "-" | "*" | "/" | "%"), right) => {
                self.calculated((left, sign, right), columns)?
            }
            Expr::Binary(_, "||", _) => Some(Kind::Text),
            Expr::Binary(..)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::In(..)
            | Expr::InQuery(..)
            | Expr::Among(..)
            | Expr::Like(..) => Some(Kind::Boolean),
            Expr::Negative(inner) => kind(inner)?,
            Expr::Case { arms, otherwise, .. } => {
                let all = arms.iter().map(|(_, then)| then);
                let all = all.chain(otherwise.as_deref());
                common_of(all.map(kind).collect::<Result<Vec<_>>>()?)
            }
            Expr::Member(value, name) => kind(value)?.and_then(|of| member(&of, name)),
            Expr::Index(value, _) => match kind(value)? {
                Some(Kind::List(of) | Kind::Map(_, of)) => Some(*of),
                _ => None,
            },
            Expr::Call { name, args, .. } => self.kind_of_call(name, args, columns)?,
        })
    }

    /// The type of a calculation; a whole number among decimals has the digits that it is written with.
    fn calculated(
        &self,
        (left, sign, right): (&Expr, &str, &Expr),
        columns: &[Column],
    ) -> Result<Option<Kind>> {
        let (one, two) = (self.kind_of(left, columns)?, self.kind_of(right, columns)?);
        let (Some(one), Some(two)) = (one, two) else {
            return Ok(None);
        };
        let beside = |expr: &Expr, kind: &Kind, other: &Kind| match (expr, other) {
            (Expr::Literal(Datum::Int(number)), Kind::Decimal(..)) => {
                Decimal::whole(*number).kind()
            }
            _ => kind.clone(),
        };
        let both = (beside(left, &one, &two), beside(right, &two, &one));
        Ok(arithmetic::kind(&both.0, sign, &both.1))
    }

    fn kind_of_call(&self, name: &str, args: &[Expr], columns: &[Column]) -> Result<Option<Kind>> {
        let kind = |expr: &Expr| self.kind_of(expr, columns);
        let first = || args.first().map_or(Ok(None), kind);
        let common =
            |args: &[Expr]| Ok(common_of(args.iter().map(kind).collect::<Result<Vec<_>>>()?));
        Ok(match name {
            "COUNT" | "UNIX_MILLIS" | "UNIX_MICROS" | "UNIX_TIMESTAMP" | "UNIX_SECONDS"
            | "BIGINT" => Some(Kind::Long),
            "INT" | "LENGTH" | "LEN" | "CHAR_LENGTH" | "OCTET_LENGTH" | "SIZE" | "CARDINALITY"
            | "ARRAY_SIZE" => Some(Kind::Int),
            "SUM" => first()?.map(|of| functions::sum_kind(&of)),
            "AVG" => first()?.map(|of| functions::average_kind(&of)),
            "MIN" | "MAX" | "ANY_VALUE" | "ABS" | "AS" => first()?,
            "COLLECT_LIST" => first()?.map(|of| Kind::List(Box::new(of))),
            "COALESCE" | "NVL" | "IFNULL" | "GREATEST" | "LEAST" => common(args)?,
            "IF" | "IFF" => common(args.get(1..).unwrap_or_default())?,
            "ARRAY" => common(args)?.map(|of| Kind::List(Box::new(of))),
            "STRUCT" => {
                let mut fields = Vec::new();
                for (at, arg) in args.iter().enumerate() {
                    match arg {
                        Expr::Star(None) => fields.extend(
                            columns
                                .iter()
                                .map(|column| Some((column.name.clone(), column.kind.clone()))),
                        ),
                        arg => fields.push(kind(arg)?.map(|of| (field_name(at, arg), of))),
                    }
                }
                fields.into_iter().collect::<Option<_>>().map(Kind::Struct)
            }
            "NAMED_STRUCT" => {
                let mut fields = Vec::new();
                for pair in args.chunks(2) {
                    fields.push(match pair {
                        [Expr::Literal(Datum::Text(name)), arg] => {
                            kind(arg)?.map(|of| (name.clone(), of))
                        }
                        _ => None,
                    });
                }
                fields.into_iter().collect::<Option<_>>().map(Kind::Struct)
            }
            "MAP" => {
                let kinds = args.iter().map(kind).collect::<Result<Vec<_>>>()?;
                let keys = common_of(kinds.iter().step_by(2).cloned());
                let values = common_of(kinds.iter().skip(1).step_by(2).cloned());
                keys.zip(values).map(|(key, value)| Kind::Map(Box::new(key), Box::new(value)))
            }
            "LOWER" | "LCASE" | "UPPER" | "UCASE" | "TRIM" | "CONCAT" | "STRING" | "TO_JSON"
            | "BASE64" | "CURRENT_USER" | "SESSION_USER" | "USER" | "CURRENT_CATALOG"
            | "CURRENT_DATABASE" | "CURRENT_SCHEMA" => Some(Kind::Text),
            "ELEMENT_AT" | "TRY_ELEMENT_AT" | "GET" => match first()? {
                Some(Kind::List(of) | Kind::Map(_, of)) => Some(*of),
                _ => None,
            },
            "UNBASE64" => Some(Kind::Binary),
            "SPLIT" => Some(Kind::List(Box::new(Kind::Text))),
            "TO_TIMESTAMP" | "TIMESTAMP" | "TIMESTAMP_MILLIS" | "TIMESTAMP_MICROS"
            | "CURRENT_TIMESTAMP" | "NOW" => Some(Kind::Timestamp),
            "TO_DATE" | "DATE" | "CURRENT_DATE" => Some(Kind::Date),
            "FROM_JSON" => match args.get(1) {
                Some(Expr::Literal(Datum::Text(schema))) => Some(functions::kind_of(schema)?),
                _ => None,
            },
            _ => None,
        })
    }
}

/// The type of a member of a struct, or of a struct in a list.
fn member(of: &Kind, name: &str) -> Option<Kind> {
    match of {
        Kind::Struct(fields) => fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, kind)| kind.clone()),
        Kind::Map(_, of) => Some((**of).clone()),
        Kind::List(of) => Some(Kind::List(Box::new(member(of, name)?))),
        _ => None,
    }
}
