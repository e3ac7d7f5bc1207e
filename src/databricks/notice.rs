//! Words for whoever runs drsync, about what is no failure.

use std::fmt;
use std::sync::Arc;

/// Told what deserves a word and is no failure: a warehouse that has to be started, a replica that is not registered.
#[derive(Clone)]
pub struct Notice(Arc<dyn Fn(String) + Send + Sync>);

impl Notice {
    /// Tells somebody.
    pub fn new(tell: impl Fn(String) + Send + Sync + 'static) -> Notice {
        Notice(Arc::new(tell))
    }

    /// Tells nobody.
    pub fn nobody() -> Notice {
        Notice::new(drop)
    }

    pub(super) fn tell(&self, text: String) {
        (self.0)(text);
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}
