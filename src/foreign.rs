//! Runs what reads strangers' bytes, so that neither a panic nor a deep structure takes the run along.
//!
//! A stack that overflows cannot be caught, so what recurses is bounded before: depth is counted without recursion
//! ([`crate::limits`]). The larger stack of the threads that read is the second line.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

/// Bytes of stack for threads that read what strangers wrote. Only what is used of it takes memory.
pub const STACK: usize = 16 << 20;

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a parser of somebody else's; what it panics with is the error.
pub fn contained<T>(parse: impl FnOnce() -> T) -> Result<T, String> {
    let before = READING.replace(true);
    // What the parser leaves half done is dropped with it.
    let parsed = catch_unwind(AssertUnwindSafe(parse));
    READING.set(before);
    parsed.map_err(|panic| format!("it cannot be read: {}", words(panic.as_ref())))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<String>() {
        return text;
    }
    panic.downcast_ref::<&str>().copied().unwrap_or("panicked")
}

/// Keeps contained panics off the screen: they are told as errors of their files.
pub fn silence_contained_panics() {
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        if !READING.get() {
            usual(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_parser_is_an_error() {
        let parsed = contained(|| -> u8 { panic!("index {} is out of bounds", 7) });
        assert_eq!(parsed, Err("it cannot be read: index 7 is out of bounds".to_owned()));
        assert_eq!(contained(|| 7), Ok(7));
    }
}
