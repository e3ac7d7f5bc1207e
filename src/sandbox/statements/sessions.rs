//! Sessions, as drivers open them: what `USE` says in one holds for its later statements.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::sandbox::http::HttpRefusal;
use crate::sandbox::sql::{DefaultNames, HeldNames};

/// The sessions of a workspace.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Sessions(Mutex<BTreeMap<String, HeldNames>>);

impl Sessions {
    pub(super) fn open(&self, id: String, names: DefaultNames) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(id, Arc::new(Mutex::new(names)));
    }

    pub(super) fn close(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The names by which a session goes.
    pub(super) fn find(&self, id: &str) -> Result<HeldNames, HttpRefusal> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing =
            || HttpRefusal::not_found("NOT_FOUND", format!("The session {id} was not found."));
        all.get(id).cloned().ok_or_else(missing)
    }
}
