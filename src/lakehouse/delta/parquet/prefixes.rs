//! How long texts become that a page has as what each adds to the one before it (`DELTA_BYTE_ARRAY`), before they are put together.
//!
//! A page of a few KiB may say that each of a million values begins with all of the one before.

use parquet::column::page::Page;

/// Values of a block, at most: every writer has 128.
const BLOCK_MOST: u64 = 1 << 20;

/// Bytes of all values of such a page, counted until there are more than `most`; `None`: it ends too early, or says what no
/// writer says.
///
/// `levels`: whether it has repetition and definition levels.
pub(super) fn put_together(page: &Page, levels: [bool; 2], most: u64) -> Option<u64> {
    let values = match page {
        Page::DataPage { buf, .. } => {
            let mut rest = &buf[..];
            for _ in levels.into_iter().filter(|has| *has) {
                let (length, more) = rest.split_first_chunk::<4>()?;
                rest = more.get(u32::from_le_bytes(*length) as usize..)?;
            }
            rest
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            buf.get(usize::try_from(levels).ok()?..)?
        }
        Page::DictionaryPage { .. } => return Some(0),
    };
    // What is added to them is in the page as it is.
    sum(values, most)?.checked_add(values.len() as u64)
}

/// The sum of the numbers with which some bytes begin, each written as its difference to the one before
/// (`DELTA_BINARY_PACKED`), as far as it is not more than `most`; none may be below zero.
fn sum(bytes: &[u8], most: u64) -> Option<u64> {
    let mut rest = bytes;
    let block = unsigned(&mut rest)?;
    let parts = unsigned(&mut rest)?;
    let mut left = unsigned(&mut rest)?;
    let mut value = signed(&mut rest)?;
    let of_part = usize::try_from(block.checked_div(parts)?).ok()?;
    if block > BLOCK_MOST || of_part == 0 || of_part % 8 != 0 {
        return None;
    }
    let mut sum = 0_u64;
    if left == 0 {
        return Some(0);
    }
    let with = |sum: u64, value: i64, times: u64| -> Option<u64> {
        Some(sum.saturating_add(u64::try_from(value).ok()?.saturating_mul(times)))
    };
    sum = with(sum, value, 1)?;
    left -= 1;
    while left > 0 && sum <= most {
        let least = signed(&mut rest)?;
        let (widths, more) = rest.split_at_checked(usize::try_from(parts).ok()?)?;
        rest = more;
        for width in widths {
            if left == 0 {
                break;
            }
            let width = usize::from(*width);
            let (packed, more) = rest.split_at_checked(width.checked_mul(of_part / 8)?)?;
            rest = more;
            let count = of_part.min(usize::try_from(left).unwrap_or(of_part));
            // Blocks without a difference take no room: there may be any number of them.
            if width == 0 && least == 0 {
                sum = with(sum, value, count as u64)?;
                left -= count as u64;
                continue;
            }
            for place in 0..count {
                let delta = least.wrapping_add(bits(packed, place * width, width)?);
                value = value.wrapping_add(delta);
                sum = with(sum, value, 1)?;
                left -= 1;
                if sum > most {
                    break;
                }
            }
        }
    }
    Some(sum)
}

/// So many bits from a place on, the lowest first.
fn bits(packed: &[u8], from: usize, width: usize) -> Option<i64> {
    if width > 64 {
        return None;
    }
    let mut value = 0_u64;
    for bit in 0..width {
        let at = from + bit;
        let set = packed.get(at / 8)? >> (at % 8) & 1;
        value |= u64::from(set) << bit;
    }
    Some(value.cast_signed())
}

/// A number of seven bits a byte.
fn unsigned(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The same with its sign in the lowest bit.
fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let value = unsigned(bytes)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    fn sum(bytes: &[u8]) -> Option<u64> {
        super::sum(bytes, u64::MAX)
    }

    #[test]
    fn numbers_are_summed_as_the_format_has_them() {
        // 128 a block, four parts, 5 values: 7, 5, 3, 1, 2, as the format's own page has it: least -2, the differences 0, 0, 0, 3.
        let bytes = [128, 1, 4, 5, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(sum(&bytes), Some(18));
        for end in 0..bytes.len() - 1 {
            let cut = sum(&bytes[..end]);
            assert!(cut.is_none(), "{end}: {cut:?}");
        }
        // None, one, and one that is less than nothing.
        assert_eq!(sum(&[128, 1, 4, 0, 0]), Some(0));
        assert_eq!(sum(&[128, 1, 4, 1, 14]), Some(7));
        assert_eq!(sum(&[128, 1, 4, 1, 1]), None);
        // Enough is enough: a billion values of which each is one more than the one before.
        let many =
            [&[128, 1, 4, 128, 148, 235, 220, 3, 14][..], &[2, 0, 0, 0, 0].repeat(1000)].concat();
        assert!(super::sum(&many, 1 << 16).is_some_and(|sum| sum > 1 << 16));
        // A block of nothing, and more bits than a number has.
        assert_eq!(sum(&[0, 1, 2, 14]), None);
        assert_eq!(sum(&[128, 1, 4, 2, 14, 0, 65, 0, 0, 0]), None);
    }
}
