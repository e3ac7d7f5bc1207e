//! How large and how deep an answer is, counted before anything is made of it: two bytes on the wire may be hundreds in memory.
//! Pure.

use crate::limits::{ANSWER_ELEMENTS, ANSWER_OBJECTS, ANSWER_TEXT, Exceeded};

/// What an answer in JSON consists of.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    elements: u64,
    objects: u64,
    text: u64,
}

/// Refuses JSON that would take too much memory. Whether it is JSON at all is not looked at.
///
/// # Errors
/// The limit that it exceeds.
pub(super) fn check(json: &[u8]) -> Result<(), Exceeded> {
    let Shape { elements, objects, text } = shape(json);
    ANSWER_ELEMENTS.allow(elements)?;
    ANSWER_OBJECTS.allow(objects)?;
    ANSWER_TEXT.allow(text)
}

/// Whether so many elements are better read one answer at a time.
pub(super) fn is_large(json: &[u8]) -> bool {
    shape(json).elements > 50_000
}

fn shape(json: &[u8]) -> Shape {
    let mut shape = Shape::default();
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                let mut length = 0;
                while let Some(inside) = bytes.next() {
                    match inside {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                    length += 1;
                }
                shape.text = shape.text.max(length);
            }
            b'{' => {
                shape.objects += 1;
                shape.elements += 1;
            }
            b'[' | b',' => shape.elements += 1,
            _ => {}
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_texts_is_not_counted() {
        let found = shape(br#"{"a": "[,{\"x\"", "b": [1, {}]}"#);
        assert_eq!(found, Shape { elements: 5, objects: 2, text: 6 });
    }

    #[test]
    fn many_small_elements_are_refused_before_they_are_read() {
        let many = |unit: &str, count: usize| format!("[{}{{}}]", unit.repeat(count));
        assert!(check(many("{},", 299_000).as_bytes()).is_ok());
        let error = check(many("{},", 300_001).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("300 000 objects"), "{error}");
        assert!(check(many("0,", 2_000_000).as_bytes()).is_err());
    }
}
