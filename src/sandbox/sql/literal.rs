//! Values as a statement writes them: arrays of one.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, NullArray, StringArray,
};

use super::arithmetic;
use super::ast::Expr;
use super::kind::Kind;

pub(super) fn null() -> ArrayRef {
    Arc::new(NullArray::new(1))
}

pub(super) fn boolean(yes: bool) -> ArrayRef {
    Arc::new(BooleanArray::from(vec![yes]))
}

pub(super) fn text(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

/// A number of the least type that has it; nothing where none has.
pub(super) fn number(digits: &str) -> Option<ArrayRef> {
    if digits.contains(['e', 'E']) {
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite())?;
        return Some(Arc::new(Float64Array::from(vec![number])));
    }
    if let Ok(number) = digits.parse::<i32>() {
        return Some(Arc::new(Int32Array::from(vec![number])));
    }
    match digits.parse::<i64>() {
        Ok(number) => Some(Arc::new(Int64Array::from(vec![number]))),
        Err(_) => arithmetic::read(digits),
    }
}

/// The whole number that an expression is.
pub(super) fn int(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value) = expr else {
        return None;
    };
    match value.data_type() {
        Kind::Int32 => Some(value.as_primitive::<Int32Type>().value(0).into()),
        Kind::Int64 => Some(value.as_primitive::<Int64Type>().value(0)),
        _ => None,
    }
}
