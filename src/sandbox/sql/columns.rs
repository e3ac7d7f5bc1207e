//! Values out of Arrow's columns, exactly as tables hold them.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use chrono::DateTime;

use super::datum::Datum;
use super::kind::Kind;

/// The rows of a batch in the order of these columns; a column that it lacks is null.
pub(super) fn rows_of(
    batch: &RecordBatch,
    columns: &[(String, Kind)],
) -> Result<Vec<Vec<Datum>>, String> {
    let arrays: Vec<_> = columns.iter().map(|(name, _)| batch.column_by_name(name)).collect();
    let value = |at: usize| {
        let values = arrays.iter().zip(columns).map(|(array, (name, kind))| {
            let value = array.map_or(Some(Datum::Null), |array| datum(array, at, kind));
            value.ok_or_else(|| format!("the column {name} is not of the type {}", kind.sql()))
        });
        values.collect()
    };
    (0..batch.num_rows()).map(value).collect()
}

/// The value at a place; nothing where the column is of another type.
fn datum(array: &dyn Array, at: usize, kind: &Kind) -> Option<Datum> {
    if array.is_null(at) {
        return Some(Datum::Null);
    }
    Some(match kind {
        Kind::Null => Datum::Null,
        Kind::Boolean => Datum::Boolean(array.as_boolean_opt()?.value(at)),
        Kind::Byte => Datum::Int(primitive::<Int8Type>(array, at)?.into()),
        Kind::Short => Datum::Int(primitive::<Int16Type>(array, at)?.into()),
        Kind::Int => Datum::Int(primitive::<Int32Type>(array, at)?.into()),
        Kind::Long => Datum::Int(primitive::<Int64Type>(array, at)?),
        Kind::Float => Datum::Float(primitive::<Float32Type>(array, at)?),
        Kind::Double => Datum::Double(primitive::<Float64Type>(array, at)?),
        Kind::Decimal(precision, scale) => {
            let unscaled = primitive::<Decimal128Type>(array, at)?;
            Datum::Decimal(super::decimal::Decimal::from_unscaled(unscaled, *precision, *scale))
        }
        Kind::Text => Datum::text(array.as_string_opt::<i32>()?.value(at)),
        Kind::Binary => Datum::Binary(array.as_binary_opt::<i32>()?.value(at).to_vec()),
        Kind::Date => {
            Datum::Date(Date32Type::to_naive_date_opt(primitive::<Date32Type>(array, at)?)?)
        }
        Kind::Timestamp => {
            let micros = primitive::<TimestampMicrosecondType>(array, at)?;
            Datum::Time(DateTime::from_timestamp_micros(micros)?)
        }
        Kind::Local => {
            let micros = primitive::<TimestampMicrosecondType>(array, at)?;
            Datum::Local(DateTime::from_timestamp_micros(micros)?.naive_utc())
        }
        Kind::List(of) => {
            let items = array.as_list_opt::<i32>()?.value(at);
            let items = (0..items.len()).map(|at| datum(&items, at, of));
            Datum::List(items.collect::<Option<_>>()?)
        }
        Kind::Map(key, value) => {
            let pairs = array.as_map_opt()?.value(at);
            let (keys, values) = (pairs.column(0), pairs.column(1));
            let pairs =
                (0..pairs.len()).map(|at| datum(keys, at, key).zip(datum(values, at, value)));
            Datum::Map(pairs.collect::<Option<_>>()?)
        }
        Kind::Struct(fields) => {
            let array = array.as_struct_opt()?;
            let fields = fields.iter().map(|(name, kind)| {
                let value = match array.column_by_name(name) {
                    Some(array) => datum(array, at, kind)?,
                    None => Datum::Null,
                };
                Some((name.clone(), value))
            });
            Datum::Struct(fields.collect::<Option<_>>()?)
        }
    })
}

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, at: usize) -> Option<T::Native> {
    Some(array.as_primitive_opt::<T>()?.value(at))
}
