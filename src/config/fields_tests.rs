//! Slips of keys are taken for the key that was meant, and different keys never for each other.

use super::*;

#[test]
fn one_slip_in_any_key_stays_nearest_to_it() {
    for meant in KEYS {
        let name = meant.name;
        let mut slips = vec![
            name.to_uppercase(),
            name.replace('_', "-"),
            name.replace('_', ""),
            format!("{name}s"),
            format!("{name}_"),
        ];
        for at in 0..name.len() {
            slips.push(format!("{}{}", &name[..at], &name[at + 1..]));
            slips.push(format!("{}x{}", &name[..at], &name[at..]));
        }
        for slip in slips.iter().filter(|slip| key_anywhere(slip).is_none()) {
            let same = KEYS.iter().filter(|key| key.level == meant.level);
            let nearest =
                same.max_by(|a, b| nearness(slip, a.name).total_cmp(&nearness(slip, b.name)));
            assert_eq!(nearest.map(|key| key.name), Some(name), "{slip}");
            assert!(nearness(slip, name) >= near_in(meant.level), "{slip}");
        }
    }
}

#[test]
fn a_number_is_whole_and_in_its_range() {
    let read = |text: &str| whole_number(text, 0..=20).map_err(|wrong| wrong.message.to_string());
    assert_eq!(read("0"), Ok(0));
    assert_eq!(read("20"), Ok(20));
    for text in ["21", "-1", "99999999999999999999"] {
        assert_eq!(read(text), Err("is out of range".to_string()));
    }
    for text in ["", "-", "3.0", "1e1", " 3", "+3", "three", "٣"] {
        assert_eq!(read(text), Err("is not a whole number".to_string()));
    }
}

#[test]
fn a_text_of_the_user_is_shown_without_control_characters_and_not_endless() {
    assert_eq!(quote_short("a\u{1b}[31m\"b"), "\"a\\u{1b}[31m\\\"b\"");
    assert!(quote_short(&"a".repeat(1000)).ends_with("a…\""));
}
