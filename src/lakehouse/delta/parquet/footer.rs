//! Looks at the schema in a Parquet footer without recursion: how many elements, how deep, and nothing a reader could take otherwise.
//!
//! Thrift's compact protocol says each field's type. Readers take some types for granted, so a field with another one would
//! let them see another schema than the one that was checked; it is refused.

use super::super::error::{DeltaError, Result};
use crate::limits::{Exceeded, PARQUET_DEPTH, PARQUET_ELEMENTS};

/// Types on the wire.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
pub(super) const I32: u8 = 5;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

/// How deep a field that is skipped may be nested; readers stop at 64.
const SKIPPED_DEPTH: usize = 32;

/// The field of a footer that holds the schema.
const SCHEMA: i64 = 2;

/// What is wrong with a footer.
pub(super) enum WrongFooter {
    Malformed(&'static str),
    Exceeded(Exceeded),
}

impl From<Exceeded> for WrongFooter {
    fn from(over: Exceeded) -> Self {
        Self::Exceeded(over)
    }
}

const SHORT: WrongFooter = WrongFooter::Malformed("its footer ends within a field");
const STRANGE: WrongFooter =
    WrongFooter::Malformed("its footer has a field of another type than it should");

/// Refuses a footer whose schema has too many elements or levels.
pub(super) fn check(footer: &[u8], file: &str) -> Result<()> {
    schema(&mut Wire(footer)).map_err(|wrong| match wrong {
        WrongFooter::Malformed(why) => DeltaError::corrupt(file, why),
        WrongFooter::Exceeded(over) => DeltaError::too_much(file, over),
    })
}

fn schema(wire: &mut Wire<'_>) -> Result<(), WrongFooter> {
    let mut last = 0;
    loop {
        match wire.field(&mut last)? {
            None => return Err(WrongFooter::Malformed("its footer has no schema")),
            Some((SCHEMA, LIST)) => return elements(wire),
            Some((SCHEMA, _)) => return Err(STRANGE),
            Some((_, kind)) => wire.skip(kind)?,
        }
    }
}

/// The tree is written down depth first; each element says how many of the following are its children.
fn elements(wire: &mut Wire<'_>) -> Result<(), WrongFooter> {
    let (kind, count) = wire.list()?;
    if kind != STRUCT {
        return Err(STRANGE);
    }
    PARQUET_ELEMENTS.allow(count)?;
    let mut open: Vec<u64> = Vec::new();
    for left in (0..count).rev() {
        let children = element(wire)?;
        if children > left {
            return Err(WrongFooter::Malformed("its schema promises more elements than it has"));
        }
        if let Some(siblings) = open.last_mut() {
            *siblings -= 1;
        }
        if children > 0 {
            open.push(children);
            PARQUET_DEPTH.allow(open.len() as u64)?;
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

/// Reads one element; returns how many children it has.
fn element(wire: &mut Wire<'_>) -> Result<u64, WrongFooter> {
    let mut children = 0;
    let mut last = 0;
    while let Some((id, kind)) = wire.field(&mut last)? {
        match (id, kind) {
            (5, I32) => {
                let number = wire.number()?;
                children = u64::try_from(number)
                    .map_err(|_| WrongFooter::Malformed("its schema has less than no elements"))?;
            }
            (1 | 2 | 3 | 6..=9, I32) => drop(wire.number()?),
            (4, BINARY) => wire.skip(BINARY)?,
            (10, STRUCT) => annotation(wire)?,
            (1..=10, _) => return Err(STRANGE),
            (_, kind) => wire.skip(kind)?,
        }
    }
    Ok(children)
}

/// Reads the annotation of a column's type: a union of small structs.
fn annotation(wire: &mut Wire<'_>) -> Result<(), WrongFooter> {
    let mut last = 0;
    while let Some((member, kind)) = wire.field(&mut last)? {
        if kind != STRUCT {
            return Err(STRANGE);
        }
        let mut last = 0;
        while let Some((id, kind)) = wire.field(&mut last)? {
            match (member, id, kind) {
                // Decimals, times, integers, variants, geometries; what is not known is skipped by its type, by readers too.
                (5, 1 | 2, I32)
                | (7 | 8 | 10, 1 | 2, TRUE | FALSE | BYTE | STRUCT)
                | (16, 1, BYTE)
                | (17 | 18, 1, BINARY)
                | (18, 2, I32) => {
                    let right = match (member, id) {
                        (7 | 8, 1) | (10, 2) => matches!(kind, TRUE | FALSE),
                        (7 | 8, _) => kind == STRUCT,
                        (10, _) => kind == BYTE,
                        _ => true,
                    };
                    if !right {
                        return Err(STRANGE);
                    }
                    match kind {
                        STRUCT => unit(wire)?,
                        kind => wire.skip(kind)?,
                    }
                }
                (5 | 7 | 8 | 10 | 18, 1 | 2, _) | (16 | 17, 1, _) => return Err(STRANGE),
                (_, _, kind) => wire.skip(kind)?,
            }
        }
    }
    Ok(())
}

/// Reads a unit of time: a union of empty structs.
fn unit(wire: &mut Wire<'_>) -> Result<(), WrongFooter> {
    let mut last = 0;
    while let Some((_, kind)) = wire.field(&mut last)? {
        if kind != STRUCT {
            return Err(STRANGE);
        }
        wire.skip(STRUCT)?;
    }
    Ok(())
}

/// Thrift's compact protocol, from its bytes.
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

/// What is being skipped: a struct, or a number of values of these types in turn.
enum Open {
    Struct,
    Values(u64, [u8; 2]),
}

impl Wire<'_> {
    fn byte(&mut self) -> Result<u8, WrongFooter> {
        let (first, rest) = self.0.split_first().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*first)
    }

    fn bytes(&mut self, count: u64) -> Result<(), WrongFooter> {
        let count = usize::try_from(count).map_err(|_| SHORT)?;
        self.0 = self.0.get(count..).ok_or(SHORT)?;
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64, WrongFooter> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WrongFooter::Malformed("its footer has a number without an end"))
    }

    pub(super) fn number(&mut self) -> Result<i64, WrongFooter> {
        let value = self.unsigned()?;
        // Numbers of 32 bits are cut to them by readers.
        let value = (value >> 1) as i64 ^ -((value & 1) as i64);
        match i32::try_from(value) {
            Ok(value) => Ok(i64::from(value)),
            Err(_) => Err(WrongFooter::Malformed("its footer has a number out of range")),
        }
    }

    /// The next field of a struct and its type; `None` at the struct's end.
    pub(super) fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>, WrongFooter> {
        let head = self.byte()?;
        let kind = head & 0x0f;
        if kind == 0 {
            return Ok(None);
        }
        *last = match head >> 4 {
            0 => self.number()?,
            step => *last + i64::from(step),
        };
        if i16::try_from(*last).is_err() {
            return Err(WrongFooter::Malformed("its footer has a field out of range"));
        }
        Ok(Some((*last, kind)))
    }

    fn list(&mut self) -> Result<(u8, u64), WrongFooter> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        Ok((head & 0x0f, count))
    }

    /// Skips a value of a type, of a field.
    pub(super) fn skip(&mut self, kind: u8) -> Result<(), WrongFooter> {
        let mut open: Vec<(Open, i64)> = Vec::new();
        self.enter(kind, false, &mut open)?;
        while let Some((top, last)) = open.last_mut() {
            let (kind, within) = match top {
                Open::Struct => match self.field(last)? {
                    Some((_, kind)) => (kind, false),
                    None => {
                        open.pop();
                        continue;
                    }
                },
                Open::Values(0, _) => {
                    open.pop();
                    continue;
                }
                Open::Values(left, kinds) => {
                    *left -= 1;
                    kinds.swap(0, 1);
                    (kinds[1], true)
                }
            };
            self.enter(kind, within, &mut open)?;
        }
        Ok(())
    }

    /// Skips a plain value, or begins with one that holds others. Within a list a truth is a byte; in a field it is its type.
    fn enter(
        &mut self,
        kind: u8,
        within: bool,
        open: &mut Vec<(Open, i64)>,
    ) -> Result<(), WrongFooter> {
        match kind {
            TRUE | FALSE if within => drop(self.byte()?),
            TRUE | FALSE => {}
            BYTE => drop(self.byte()?),
            4..=6 => drop(self.unsigned()?),
            DOUBLE => self.bytes(8)?,
            BINARY => {
                let count = self.unsigned()?;
                self.bytes(count)?;
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                open.push((Open::Values(count, [kind; 2]), 0));
            }
            MAP => {
                let count = self.unsigned()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    let each = [kinds >> 4, kinds & 0x0f];
                    open.push((Open::Values(count.saturating_mul(2), each), 0));
                }
            }
            STRUCT => open.push((Open::Struct, 0)),
            _ => return Err(WrongFooter::Malformed("its footer has a field of no known type")),
        }
        if open.len() <= SKIPPED_DEPTH {
            Ok(())
        } else {
            Err(WrongFooter::Malformed("its footer is nested too deep"))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn unsigned(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push((value as u8 & 0x7f) | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    fn group(name: &[u8], children: u64) -> Vec<u8> {
        let length = unsigned(name.len() as u64);
        let children = unsigned(children << 1);
        [&[0x35, 0x02, 0x18], &length[..], name, &[0x15], &children, &[0]].concat()
    }

    /// A Parquet file without rows whose schema has so many groups inside of each other.
    pub(in super::super) fn nested(depth: u64) -> Vec<u8> {
        let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
        footer.extend(unsigned(depth + 2));
        footer.extend(group(b"schema", 1));
        (0..depth).for_each(|_| footer.extend(group(b"a", 1)));
        footer.extend([0x15, 0x02, 0x25, 0x02, 0x18, 0x01, b'x', 0]);
        footer.extend([0x16, 0x00, 0x19, 0x0c, 0x00]);
        let length = (footer.len() as u32).to_le_bytes();
        [&b"PAR1"[..], &footer, &length, b"PAR1"].concat()
    }

    fn footer(elements: &[Vec<u8>]) -> Vec<u8> {
        let head = [0x15, 0x02, 0x19, ((elements.len() as u8) << 4) | STRUCT];
        [&head[..], &elements.concat(), &[0]].concat()
    }

    fn refused(footer: &[u8]) -> Option<String> {
        check(footer, "x").err().map(|error| error.to_string())
    }

    #[test]
    fn a_type_that_readers_would_not_look_at_is_refused() {
        let strange = "x is corrupt: its footer has a field of another type than it should";
        // The count of children as a byte, which readers would take for a number of several.
        let children = [&[0x35, 0x02, 0x18, 0x01, b'a', 0x13], &[0x81][..], &[0]].concat();
        assert_eq!(refused(&footer(&[children])).unwrap(), strange);
        // A decimal whose scale is a byte.
        let scale = [&[0x48, 0x01, b'a', 0x6c, 0x5c, 0x13, 0x81][..], &[0, 0, 0]].concat();
        assert_eq!(refused(&footer(&[scale])).unwrap(), strange);
    }

    #[test]
    fn children_that_are_not_there_are_not_waited_for() {
        let promised = footer(&[group(b"a", 1 << 30)]);
        let said = refused(&promised).unwrap();
        assert!(said.contains("promises more elements than it has"), "{said}");
        assert_eq!(refused(&[]).unwrap(), "x is corrupt: its footer ends within a field");
        assert_eq!(refused(&[0]).unwrap(), "x is corrupt: its footer has no schema");
    }

    #[test]
    fn a_field_that_is_skipped_may_not_be_deep_either() {
        let deep = [&[0x3c][..], &[0x1c; 100]].concat();
        assert!(refused(&deep).unwrap().contains("nested too deep"));
        let lists = [&[0x39][..], &[0x19; 100]].concat();
        assert!(refused(&lists).unwrap().contains("nested too deep"));
    }
}
