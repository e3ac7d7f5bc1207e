//! JSON read as values.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, MapArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use chrono_tz::Tz;
use serde_json::Value;

use super::cast::try_cast;
use super::error::Result;
use super::kind::{Kind, is_number};

/// Reads JSON as a type, as `from_json` does; what does not fit is null.
pub(super) fn read_json(kind: &Kind, values: &[&Value], zone: Tz) -> Result<ArrayRef> {
    let known =
        |is: fn(&Value) -> bool| Some(values.iter().map(|it| is(it)).collect::<NullBuffer>());
    Ok(match kind {
        Kind::List(of) => {
            let lists = || values.iter().map(|it| it.as_array().map_or(&[][..], Vec::as_slice));
            let items: Vec<&Value> = lists().flatten().collect();
            let offsets = OffsetBuffer::from_lengths(lists().map(<[Value]>::len));
            let items = read_json(of.data_type(), &items, zone)?;
            Arc::new(ListArray::try_new(of.clone(), offsets, items, known(Value::is_array))?)
        }
        Kind::Map(entries, sorted) => {
            let maps = || values.iter().filter_map(|it| it.as_object());
            let lengths = values.iter().map(|it| it.as_object().map_or(0, serde_json::Map::len));
            let offsets = OffsetBuffer::from_lengths(lengths);
            let keys: Vec<Value> = maps().flatten().map(|(key, _)| key.as_str().into()).collect();
            let items: Vec<&Value> = maps().flatten().map(|(_, value)| value).collect();
            let Kind::Struct(pair) = entries.data_type() else {
                unreachable!("a map has pairs");
            };
            let keys = read_json(pair[0].data_type(), &keys.iter().collect::<Vec<_>>(), zone)?;
            let items = read_json(pair[1].data_type(), &items, zone)?;
            let pairs = StructArray::try_new(pair.clone(), vec![keys, items], None)?;
            let nulls = known(Value::is_object);
            Arc::new(MapArray::try_new(entries.clone(), offsets, pairs, nulls, *sorted)?)
        }
        Kind::Struct(fields) => {
            let column = |name: &String| -> Vec<&Value> {
                values.iter().map(|it| it.get(name).unwrap_or(&Value::Null)).collect()
            };
            let columns =
                fields.iter().map(|it| read_json(it.data_type(), &column(it.name()), zone));
            let (columns, nulls) = (columns.collect::<Result<_>>()?, known(Value::is_object));
            let length = values.len();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, length)?)
        }
        kind => {
            let text = |value: &&Value| match (value, kind) {
                (Value::Null, _) => None,
                (Value::String(text), _) => Some(text.clone()),
                (Value::Bool(_), Kind::Boolean) | (_, Kind::Utf8) => Some(value.to_string()),
                (Value::Number(number), kind) if is_number(kind) => Some(number.to_string()),
                _ => None,
            };
            let texts: ArrayRef = Arc::new(values.iter().map(text).collect::<StringArray>());
            try_cast(&texts, kind, zone)?
        }
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;

    use super::*;
    use crate::sandbox::sql::kind::{list, map, structure};
    use crate::sandbox::sql::spell::{ValueStyle, written};

    #[test]
    fn what_does_not_fit_a_type_is_null_and_what_is_null_is_left_out_of_json() {
        let kind = structure([
            ("n", Kind::Int8),
            ("t", Kind::Utf8),
            ("l", list(Kind::Boolean)),
            ("m", map(Kind::Utf8, Kind::Decimal128(4, 2))),
        ]);
        let value =
            serde_json::json!({"n": 300, "t": {"a": 1}, "l": [true, 1, "no"], "m": {"k": 1.005}});
        let read = read_json(&kind, &[&value, &Value::from(1)], Tz::UTC).unwrap();
        assert!(read.is_null(1));
        let told = |style| written(&read, 0, style, Tz::UTC);
        assert_eq!(
            told(ValueStyle::Json),
            r#"{"t":"{\"a\":1}","l":[true,null,false],"m":{"k":1.01}}"#
        );
        assert_eq!(
            told(ValueStyle::Spelled),
            r#"{null, {"a":1}, [true, null, false], {k -> 1.01}}"#
        );
        let wire = r#"{"n":null,"t":"{\"a\":1}","l":["true",null,"false"],"m":{"k":"1.01"}}"#;
        assert_eq!(told(ValueStyle::Wire), wire);
    }
}
