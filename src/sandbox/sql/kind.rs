//! Types of SQL: their names, Delta's schemas, Arrow's.

use std::ops::RangeInclusive;

use arrow_schema::{DataType, Field, Schema};
use serde_json::{Value, json};

use crate::lakehouse::delta;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Kind {
    Null,
    Boolean,
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
    Decimal(u8, i8),
    Text,
    Binary,
    Date,
    Timestamp,
    /// TIMESTAMP_NTZ: a date and a time of day, in no zone.
    Local,
    List(Box<Kind>),
    Map(Box<Kind>, Box<Kind>),
    Struct(Vec<(String, Kind)>),
}

impl Kind {
    /// A type by its name in SQL, without those made of others.
    pub(super) fn named(name: &str) -> Option<Kind> {
        Some(match name.to_ascii_uppercase().as_str() {
            "BOOLEAN" => Kind::Boolean,
            "TINYINT" | "BYTE" => Kind::Byte,
            "SMALLINT" | "SHORT" => Kind::Short,
            "INT" | "INTEGER" => Kind::Int,
            "BIGINT" | "LONG" => Kind::Long,
            "FLOAT" | "REAL" => Kind::Float,
            "DOUBLE" => Kind::Double,
            "DECIMAL" | "DEC" | "NUMERIC" => Kind::Decimal(10, 0),
            "STRING" | "VARCHAR" | "CHAR" => Kind::Text,
            "BINARY" => Kind::Binary,
            "DATE" => Kind::Date,
            "TIMESTAMP" => Kind::Timestamp,
            "TIMESTAMP_NTZ" => Kind::Local,
            "VOID" => Kind::Null,
            _ => return None,
        })
    }

    /// The values of a type of whole numbers; of any other there are none.
    pub(super) fn whole(&self) -> Option<RangeInclusive<i64>> {
        fn all<T: Into<i64>>(least: T, most: T) -> Option<RangeInclusive<i64>> {
            Some(least.into()..=most.into())
        }
        match self {
            Kind::Byte => all(i8::MIN, i8::MAX),
            Kind::Short => all(i16::MIN, i16::MAX),
            Kind::Int => all(i32::MIN, i32::MAX),
            Kind::Long => all(i64::MIN, i64::MAX),
            Kind::Null
            | Kind::Boolean
            | Kind::Float
            | Kind::Double
            | Kind::Decimal(..)
            | Kind::Text
            | Kind::Binary
            | Kind::Date
            | Kind::Timestamp
            | Kind::Local
            | Kind::List(_)
            | Kind::Map(..)
            | Kind::Struct(_) => None,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        self.whole().is_some() || matches!(self, Kind::Float | Kind::Double | Kind::Decimal(..))
    }

    /// The digits of a decimal that has all values of an exact type, and how many of them come after the point.
    pub(super) fn as_decimal(&self) -> Option<(u8, i8)> {
        match *self {
            Kind::Byte => Some((3, 0)),
            Kind::Short => Some((5, 0)),
            Kind::Int => Some((10, 0)),
            Kind::Long => Some((20, 0)),
            Kind::Decimal(precision, scale) => Some((precision, scale)),
            Kind::Null
            | Kind::Boolean
            | Kind::Float
            | Kind::Double
            | Kind::Text
            | Kind::Binary
            | Kind::Date
            | Kind::Timestamp
            | Kind::Local
            | Kind::List(_)
            | Kind::Map(..)
            | Kind::Struct(_) => None,
        }
    }

    /// The type as SQL writes it.
    pub(in crate::sandbox) fn sql(&self) -> String {
        match self {
            Kind::Null => "VOID".to_owned(),
            Kind::Boolean => "BOOLEAN".to_owned(),
            Kind::Byte => "TINYINT".to_owned(),
            Kind::Short => "SMALLINT".to_owned(),
            Kind::Int => "INT".to_owned(),
            Kind::Long => "BIGINT".to_owned(),
            Kind::Float => "FLOAT".to_owned(),
            Kind::Double => "DOUBLE".to_owned(),
            Kind::Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            Kind::Text => "STRING".to_owned(),
            Kind::Binary => "BINARY".to_owned(),
            Kind::Date => "DATE".to_owned(),
            Kind::Timestamp => "TIMESTAMP".to_owned(),
            Kind::Local => "TIMESTAMP_NTZ".to_owned(),
            Kind::List(of) => format!("ARRAY<{}>", of.sql()),
            Kind::Map(key, value) => format!("MAP<{}, {}>", key.sql(), value.sql()),
            Kind::Struct(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, kind)| format!("{name}: {}", kind.sql())).collect();
                format!("STRUCT<{}>", fields.join(", "))
            }
        }
    }

    /// The name by which results announce it.
    pub(in crate::sandbox) fn type_name(&self) -> &'static str {
        match self {
            Kind::Null => "NULL",
            Kind::Boolean => "BOOLEAN",
            Kind::Byte => "BYTE",
            Kind::Short => "SHORT",
            Kind::Int => "INT",
            Kind::Long => "LONG",
            Kind::Float => "FLOAT",
            Kind::Double => "DOUBLE",
            Kind::Decimal(..) => "DECIMAL",
            Kind::Text => "STRING",
            Kind::Binary => "BINARY",
            Kind::Date => "DATE",
            Kind::Timestamp => "TIMESTAMP",
            Kind::Local => "TIMESTAMP_NTZ",
            Kind::List(_) => "ARRAY",
            Kind::Map(..) => "MAP",
            Kind::Struct(_) => "STRUCT",
        }
    }

    /// A type as Delta's schemas write it; one that is not known reads as text.
    fn of_delta(kind: &Value) -> Kind {
        if let Some(name) = kind.as_str() {
            return match name.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')) {
                Some(numbers) => {
                    let (precision, scale) = numbers.split_once(',').unwrap_or((numbers, "0"));
                    Kind::Decimal(
                        precision.trim().parse().unwrap_or(38),
                        scale.trim().parse().unwrap_or(0),
                    )
                }
                None => Kind::named(name).unwrap_or(Kind::Text),
            };
        }
        let part = |name: &str| Box::new(Kind::of_delta(kind.get(name).unwrap_or(&Value::Null)));
        match kind.get("type").and_then(Value::as_str) {
            Some("array") => Kind::List(part("elementType")),
            Some("map") => Kind::Map(part("keyType"), part("valueType")),
            Some("struct") => Kind::Struct(Kind::fields_of_delta(kind)),
            _ => Kind::Text,
        }
    }

    /// The columns of a `schemaString` that was read.
    pub(in crate::sandbox) fn fields_of_delta(schema: &Value) -> Vec<(String, Kind)> {
        let fields = schema.get("fields").and_then(Value::as_array);
        fields
            .into_iter()
            .flatten()
            .map(|field| {
                let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
                (name.to_owned(), Kind::of_delta(field.get("type").unwrap_or(&Value::Null)))
            })
            .collect()
    }

    /// The type as Delta's schemas write it.
    pub(in crate::sandbox) fn delta(&self) -> Value {
        match self {
            Kind::Null | Kind::Text => "string".into(),
            Kind::Boolean => "boolean".into(),
            Kind::Byte => "byte".into(),
            Kind::Short => "short".into(),
            Kind::Int => "integer".into(),
            Kind::Long => "long".into(),
            Kind::Float => "float".into(),
            Kind::Double => "double".into(),
            Kind::Decimal(precision, scale) => format!("decimal({precision},{scale})").into(),
            Kind::Binary => "binary".into(),
            Kind::Date => "date".into(),
            Kind::Timestamp => "timestamp".into(),
            Kind::Local => "timestamp_ntz".into(),
            Kind::List(of) => {
                json!({"type": "array", "elementType": of.delta(), "containsNull": true})
            }
            Kind::Map(key, value) => json!({
                "type": "map", "keyType": key.delta(), "valueType": value.delta(), "valueContainsNull": true,
            }),
            Kind::Struct(fields) => {
                let fields: Vec<Value> = fields
                    .iter()
                    .map(|(name, kind)| {
                        json!({"name": name, "type": kind.delta(), "nullable": true, "metadata": {}})
                    })
                    .collect();
                json!({"type": "struct", "fields": fields})
            }
        }
    }

    pub(super) fn arrow(&self) -> DataType {
        delta::arrow_type(&self.delta()).expect("what we write as Delta's type is one")
    }
}

/// Columns as Arrow's.
pub(in crate::sandbox) fn arrow_schema(columns: &[(String, Kind)]) -> Schema {
    let field = |(name, kind): &(String, Kind)| Field::new(name, kind.arrow(), true);
    Schema::new(columns.iter().map(field).collect::<Vec<_>>())
}
