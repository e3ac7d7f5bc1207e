//! Changes bytes as damage and malice do, always the same from the same seed.

use serde_json::Value;

/// Bytes that a trial has at most: what is beyond limits by its length alone has tests of its own.
const LONGEST: usize = 8 << 20;

/// Numbers that end ranges, in texts.
const NUMBERS: [&str; 12] = [
    "-1",
    "0",
    "255",
    "65536",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1e308",
    "123456789012345678901234567890",
];

/// Texts that something might obey, follow or choke on.
pub(crate) const TEXTS: [&str; 14] = [
    "",
    "/etc/passwd",
    "file:///etc/passwd",
    "../../../../etc/passwd",
    "a/../../b",
    "%2e%2e%2f%00",
    "##vso[task.complete result=Succeeded;]",
    "\n::error::x\u{1b}[2J\u{202e}",
    "'; DROP TABLE x; --",
    "interval 9999999999 weeks",
    "9999-12-31T23:59:60.999999999999Z",
    "\u{0}",
    // The first and the last moment that can be held: whatever is added to it is beyond.
    "-262143-01-01T00:00:00Z",
    "+262142-12-31T23:59:59.999999999Z",
];

/// Small numbers that look random, from a seed: SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another; 0 below 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => (self.roll() % end as u64) as usize,
        }
    }

    /// A number of up to so many bits, as often small as large.
    fn length(&mut self, bits: usize) -> usize {
        let bits = self.below(bits);
        self.below(1 << bits)
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// What becomes of `bytes`; `other` gives parts of itself.
pub(crate) fn mutated(dice: &mut Dice, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if dice.below(2) == 0 && changed_as_json(dice, &mut bytes) {
        bytes.truncate(LONGEST);
        return bytes;
    }
    for _ in 0..=dice.below(4) {
        change(dice, &mut bytes, other);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(dice: &mut Dice, bytes: &mut Vec<u8>, other: &[u8]) {
    // What says how long everything else is stands at the end of Parquet files.
    let tail = bytes.len() - bytes.len().min(2000);
    let at = match dice.below(2) {
        0 => tail + dice.below(bytes.len() - tail),
        _ => dice.below(bytes.len()),
    };
    let part = at..(at + 1 + dice.below(64)).min(bytes.len());
    match dice.below(12) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *dice.one(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'\n']);
            }
        }
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(part)),
        5 => {
            let repeated = bytes[part.clone()].repeat(1 + dice.length(16));
            bytes.splice(part, repeated);
        }
        6 => {
            let long = *dice.one::<&[u8]>(&[
                b"\xff\xff\xff\xff",
                b"\xff\xff\xff\x7f",
                b"\x00\x00\x00\x80",
                b"\xff\xff\xff\xff\xff\xff\xff\x7f",
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                b"\xfe\xff\xff\xff\x0f",
                b"\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            ]);
            let end = (at + long.len()).min(bytes.len());
            bytes.splice(at..end, long.iter().copied());
        }
        7 => {
            let digits = bytes[at..].iter().position(u8::is_ascii_digit);
            let begin = digits.map_or(at, |digit| at + digit);
            let rest = bytes[begin..].iter();
            let count = rest.take_while(|byte| byte.is_ascii_digit()).count();
            bytes.splice(begin..begin + count, dice.one(&NUMBERS).bytes());
        }
        8 => {
            let open = *dice.one(&["[", "{\"a\":", "\x1c", "\x19", "(", "a/"]);
            let deep = open.repeat(1 << dice.below(18));
            bytes.splice(at..at, deep.bytes());
        }
        9 | 10 => {
            let from = dice.below(other.len());
            let to = (from + 1 + dice.length(14)).min(other.len());
            bytes.splice(part, other.get(from..to).unwrap_or_default().iter().copied());
        }
        _ => drop(bytes.splice(at..at, dice.one(&TEXTS).bytes())),
    }
}

/// Changes one value of a JSON document, or of one line of JSON; false if there is none.
fn changed_as_json(dice: &mut Dice, bytes: &mut Vec<u8>) -> bool {
    if let Ok(mut document) = serde_json::from_slice::<Value>(bytes) {
        change_value(dice, &mut document);
        *bytes = document.to_string().into_bytes();
        return true;
    }
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let number = dice.below(lines.len());
    let Ok(mut line) = serde_json::from_slice::<Value>(&lines[number]) else {
        return false;
    };
    change_value(dice, &mut line);
    lines[number] = line.to_string().into_bytes();
    match dice.below(8) {
        0 => lines.push(lines[number].clone()),
        1 => drop(lines.remove(number)),
        _ => {}
    }
    *bytes = lines.join(&b'\n');
    true
}

fn change_value(dice: &mut Dice, value: &mut Value) {
    let inner = match value {
        Value::Array(items) => items.len(),
        Value::Object(items) => items.len(),
        _ => 0,
    };
    if inner > 0 && dice.below(6) > 0 {
        let at = dice.below(inner);
        match value {
            Value::Array(items) => change_value(dice, &mut items[at]),
            Value::Object(items) => {
                let key = items.keys().nth(at).cloned().unwrap_or_default();
                if dice.below(12) == 0 {
                    items.remove(&key);
                } else if let Some(item) = items.get_mut(&key) {
                    change_value(dice, item);
                }
            }
            _ => {}
        }
        return;
    }
    // A text that is JSON itself, as statistics and schemas are.
    if let Value::String(text) = value
        && dice.below(2) == 0
        && let Ok(mut within) = serde_json::from_str::<Value>(text)
    {
        change_value(dice, &mut within);
        *text = within.to_string();
        return;
    }
    *value = match dice.below(9) {
        0 => Value::Null,
        1 => serde_json::from_str(dice.one::<&str>(&NUMBERS)).unwrap_or_default(),
        2 => Value::String((*dice.one(&NUMBERS)).to_owned()),
        3 => Value::String("x".repeat(1 << dice.below(21))),
        4 => Value::Array(vec![std::mem::take(value); 1 << dice.below(12)]),
        5 => (0..1 << dice.below(7)).fold(
            std::mem::take(value),
            |inner, _| serde_json::json!({"type": "struct", "fields": [inner]}),
        ),
        6 => Value::Bool(dice.below(2) == 0),
        7 => serde_json::json!({}),
        _ => Value::String((*dice.one(&TEXTS)).to_owned()),
    };
}
