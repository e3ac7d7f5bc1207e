//! The statements of a workspace, as they are kept for whoever asks about them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::result::{ResultShape, StatementOutcome};
use crate::lakehouse::delta;
use crate::sandbox::http::HttpRefusal;
use crate::sandbox::sql::SqlError;

/// Statements whose results are kept.
const KEPT: usize = 4000;

/// The statements of a workspace, newest last.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Statements(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_id: BTreeMap<String, Arc<SubmittedStatement>>,
    order: VecDeque<String>,
}

/// One statement.
#[derive(Debug)]
pub(super) struct SubmittedStatement {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) state: watch::Sender<Life>,
    /// Somebody asked to cancel it.
    pub(super) cancel: watch::Sender<bool>,
    pub(super) progress: delta::CopyProgress,
    pub(super) shape: ResultShape,
}

/// How a statement stands.
#[derive(Debug, Clone)]
pub(super) enum Life {
    Pending,
    Running,
    Succeeded(Arc<StatementOutcome>),
    Failed(SqlError),
    Canceled,
    Closed,
}

impl Life {
    pub(super) fn is_over(&self) -> bool {
        match self {
            Life::Pending | Life::Running => false,
            Life::Succeeded(_) | Life::Failed(_) | Life::Canceled | Life::Closed => true,
        }
    }
}

impl Statements {
    pub(super) fn keep(&self, statement: Arc<SubmittedStatement>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { by_id, order } = &mut *all;
        order.push_back(statement.id.clone());
        by_id.insert(statement.id.clone(), statement);
        while order.len() > KEPT {
            if let Some(oldest) = order.pop_front() {
                by_id.remove(&oldest);
            }
        }
    }

    /// All of them, newest first.
    pub(super) fn newest(&self) -> Vec<Arc<SubmittedStatement>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = all.order.iter().rev();
        ids.filter_map(|id| all.by_id.get(id).cloned()).collect()
    }

    pub(super) fn find(&self, id: &str) -> Result<Arc<SubmittedStatement>, HttpRefusal> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.by_id.get(id).cloned().ok_or_else(|| {
            HttpRefusal::not_found("NOT_FOUND", format!("The statement {id} was not found."))
        })
    }
}
