//! Runs SQL statements on a warehouse: submitted without waiting, polled, read to the last chunk.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{OnceCell, Semaphore};

use super::client::Client;
use super::notice::Notice;
use super::refusal::Refusal;
use super::results::{Finished, of_statement};
use super::wire::{QueryTag, StatementRequest, StatementResponse, StatementState};
use super::{results, running, warehouse};
use crate::pause::{Twice, may_try_again};
use crate::region::{Progress, RegionErrorKind};
use crate::sql::Statement;

/// Looks at once; a warehouse queues what is beyond its size.
const LOOKS: usize = 10;
/// How long a look may run, its wait for a warehouse not counted.
const LOOK_LONGEST: Duration = Duration::from_secs(15 * 60);
/// How long the answer to a look's submission waits for its result.
const LOOK_WAIT: &str = "10s";
/// How long anything may wait for its warehouse to start.
const WAIT_LONGEST: Duration = Duration::from_secs(30 * 60);
/// How long a running write is asked after while the workspace does not answer: statements outlive that by far.
const SILENCE_LONGEST: Duration = Duration::from_secs(10 * 60);
/// A workspace that has been silent for so long while a statement runs is told of, once for all statements.
const SILENCE_TOLD: Duration = Duration::from_secs(15);
const POLL_FIRST: Duration = Duration::from_millis(100);
const POLL_LONGEST: Duration = Duration::from_secs(10);

/// What a statement does, which decides how it is repeated and awaited.
#[derive(Clone, Copy)]
pub(super) enum Intent<'a> {
    /// It reads.
    Look,
    /// It writes; sent again only where it surely had no effect.
    Write,
    /// It writes for as long as it takes, and is left to the warehouse when work is to end.
    Long(&'a Progress),
}

/// A refusal to take a statement, with what it says of the warehouse.
fn of_warehouse(id: &str, refusal: Refusal) -> Refusal {
    match refusal.status {
        Some(403) if !refusal.is_sign_in() => {
            refusal.hint(&format!("the principal needs CAN USE on the SQL warehouse {id}"))
        }
        Some(404) => refusal.hint(&format!("no SQL warehouse of the workspace is {id}")),
        Some(_) if refusal.knows_no_warehouse() => Refusal {
            kind: RegionErrorKind::NotFound,
            ..refusal.hint(&format!("no SQL warehouse of the workspace is {id}"))
        },
        Some(_) | None => refusal,
    }
}

/// The SQL warehouse of a workspace, chosen when it is first needed.
pub(super) struct Sql {
    client: Client,
    configured: Option<String>,
    chosen: OnceCell<String>,
    looks: Semaphore,
    notice: Notice,
    /// Somebody was told that the workspace is silent, and it is.
    silence_told: AtomicBool,
    /// What ran on the service when this process first looked, by text.
    earlier: OnceCell<Mutex<BTreeMap<String, String>>>,
}

const STATEMENTS: [&str; 4] = ["api", "2.0", "sql", "statements"];

impl Sql {
    pub(super) fn new(client: Client, configured: Option<String>, notice: Notice) -> Sql {
        Sql {
            client,
            configured,
            chosen: OnceCell::new(),
            looks: Semaphore::new(LOOKS),
            notice,
            silence_told: AtomicBool::new(false),
            earlier: OnceCell::new(),
        }
    }

    /// Looks whether there is a warehouse that can be used, and starts none.
    pub(super) async fn look_at_warehouse(&self) -> Result<(), Refusal> {
        warehouse::check_warehouse(&self.client, self.configured.as_deref()).await
    }

    /// The warehouse, chosen when it is first needed.
    async fn warehouse(&self) -> Result<&str, Refusal> {
        let choose = || warehouse::choose(&self.client, self.configured.as_deref(), &self.notice);
        let chosen = self.chosen.get_or_try_init(choose).await;
        chosen.map(String::as_str)
    }

    /// A statement of this text that an earlier process left running, to be taken over once.
    pub(super) async fn left_earlier(&self, text: &str) -> Option<String> {
        let look = || async { Mutex::new(running::by_text(&self.client).await) };
        let earlier = self.earlier.get_or_init(look).await;
        let mut earlier = earlier.lock().expect("no panic while an id is taken");
        earlier.remove(text.trim())
    }

    /// A statement of this text that runs now, although the reply to its submission was lost.
    pub(super) async fn runs_now(&self, text: &str) -> Option<String> {
        running::by_text(&self.client).await.remove(text.trim())
    }

    /// Waits for the end of a statement that was submitted before.
    pub(super) async fn attach(&self, id: &str, intent: Intent<'_>) -> Result<Finished, Refusal> {
        let seen = self.read_state(id).await.map_err(|refusal| of_statement(id, refusal))?;
        let seen = StatementResponse { statement_id: id.to_owned(), ..seen };
        self.follow(seen, intent).await
    }

    /// Runs a statement to its end.
    pub(super) async fn run(
        &self,
        statement: &Statement,
        intent: Intent<'_>,
    ) -> Result<Finished, Refusal> {
        let _turn = match intent {
            Intent::Look => self.looks.acquire().await.ok(),
            Intent::Write | Intent::Long(_) => None,
        };
        match self.run_as(statement, intent, "INLINE").await {
            Err(refusal) if refusal.too_large_inline() && matches!(intent, Intent::Look) => {
                self.run_as(statement, intent, "EXTERNAL_LINKS").await
            }
            other => other,
        }
    }

    /// `POST /api/2.0/sql/statements`, then polls if that does not bring the end already.
    async fn run_as(
        &self,
        statement: &Statement,
        intent: Intent<'_>,
        disposition: &str,
    ) -> Result<Finished, Refusal> {
        let request = StatementRequest {
            statement: statement.text.clone(),
            warehouse_id: self.warehouse().await?.to_owned(),
            parameters: statement.parameters.clone(),
            disposition: Some(disposition.to_owned()),
            format: Some("JSON_ARRAY".to_owned()),
            // A write's id is wanted at once; a look may come with the answer and be asked again if that is lost.
            wait_timeout: Some(match intent {
                Intent::Look => LOOK_WAIT.to_owned(),
                Intent::Write | Intent::Long(_) => "0s".to_owned(),
            }),
            on_wait_timeout: Some("CONTINUE".to_owned()),
            query_tags: vec![QueryTag {
                key: "application".to_owned(),
                value: Some("drsync".to_owned()),
            }],
        };
        let submitted: Result<StatementResponse, Refusal> = match intent {
            Intent::Look => self.client.post_safe(&STATEMENTS, &request).await,
            Intent::Write | Intent::Long(_) => self.client.post_once(&STATEMENTS, &request).await,
        };
        let submitted =
            submitted.map_err(|refusal| of_warehouse(&request.warehouse_id, refusal))?;
        if submitted.statement_id.is_empty() {
            return Err(
                Refusal::new(RegionErrorKind::Other, "the answer names no statement").unknown()
            );
        }
        self.follow(submitted, intent).await
    }

    async fn follow(
        &self,
        submitted: StatementResponse,
        intent: Intent<'_>,
    ) -> Result<Finished, Refusal> {
        let id = submitted.statement_id.clone();
        if let Intent::Long(progress) = intent {
            progress.runs_as(&id);
        }
        let ended = self.await_end(submitted, intent).await?;
        results::read(&self.client, ended).await
    }

    /// `GET /api/2.0/sql/statements/{id}` until it has ended.
    async fn await_end(
        &self,
        mut seen: StatementResponse,
        intent: Intent<'_>,
    ) -> Result<StatementResponse, Refusal> {
        let id = seen.statement_id.clone();
        let timing = self.client.timing();
        let mut attempt = 0;
        let (mut waited, mut ran, mut silent) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        loop {
            if has_succeeded(&seen)? {
                return Ok(seen);
            }
            if let Intent::Long(progress) = intent
                && progress.stopped()
            {
                return Err(left_running(&id));
            }
            let late = matches!(intent, Intent::Look | Intent::Write) && ran > LOOK_LONGEST;
            if late || waited > WAIT_LONGEST {
                return self.cancel(&id, intent).await;
            }
            let pause = timing.backoff(POLL_FIRST, attempt, POLL_LONGEST);
            attempt += 1;
            // Waiting for answers counts as spent time, and so do the pauses between them.
            let step = async {
                self.pause(pause, intent).await;
                self.read_state(&id).await
            };
            let (looked, spent) = timing.measured(pause, step).await;
            match seen.status.state {
                StatementState::Pending => waited += spent,
                _ => ran += spent,
            }
            match looked {
                Ok(now) => {
                    silent = Duration::ZERO;
                    self.silence_told.store(false, Ordering::Relaxed);
                    seen = StatementResponse { statement_id: id.clone(), ..now };
                }
                Err(refusal) if matches!(intent, Intent::Look) => {
                    return Err(of_statement(&id, refusal));
                }
                Err(refusal) => {
                    silent += spent.max(Duration::from_secs(1));
                    if silent >= SILENCE_TOLD {
                        self.tell_silence_once(&refusal);
                    }
                    // Time alone limits how often a running statement is asked after.
                    let again = may_try_again(refusal.failure(), Twice::Harmless, 0, 1);
                    if !again || silent > SILENCE_LONGEST {
                        return Err(of_statement(&id, refusal.transient().unknown()));
                    }
                }
            }
        }
    }

    /// Tells that the warehouse does not answer, unless that was told since it last did.
    fn tell_silence_once(&self, refusal: &Refusal) {
        if !self.silence_told.swap(true, Ordering::Relaxed) {
            let address = self.client.base().as_str().trim_end_matches('/').to_owned();
            self.notice.tell(format!(
                "{address} does not answer ({refusal}); the statements that run there are asked after for some minutes"
            ));
        }
    }

    /// Waits, but not long past the sign to stop.
    fn pause<'a>(&'a self, pause: Duration, intent: Intent<'a>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Intent::Long(progress) = intent else {
                return self.client.timing().sleep(pause).await;
            };
            let step = Duration::from_millis(500);
            let mut left = pause;
            while !left.is_zero() && !progress.stopped() {
                self.client.timing().sleep(left.min(step)).await;
                left = left.saturating_sub(step);
            }
        })
    }

    async fn read_state(&self, id: &str) -> Result<StatementResponse, Refusal> {
        self.client.get(&["api", "2.0", "sql", "statements", id], &[]).await
    }

    /// `POST /api/2.0/sql/statements/{id}/cancel`; a cancel may lose its race, so the end is looked at.
    async fn cancel(&self, id: &str, intent: Intent<'_>) -> Result<StatementResponse, Refusal> {
        let path = ["api", "2.0", "sql", "statements", id, "cancel"];
        let cancelled = self.client.post_for_nothing(&path, &serde_json::json!({})).await;
        for attempt in 0..10 {
            self.client
                .timing()
                .sleep(self.client.timing().backoff(POLL_FIRST, attempt, POLL_LONGEST))
                .await;
            if let Ok(seen) = self.read_state(id).await {
                match seen.status.state {
                    StatementState::Succeeded | StatementState::Closed => {
                        return Ok(StatementResponse { statement_id: id.to_owned(), ..seen });
                    }
                    StatementState::Failed | StatementState::Canceled => {
                        let text = "it took too long and was canceled";
                        return Err(of_statement(
                            id,
                            Refusal::new(RegionErrorKind::Unavailable, text),
                        )
                        .transient());
                    }
                    StatementState::Pending | StatementState::Running | StatementState::Unknown => {
                    }
                }
            }
        }
        let why = cancelled.err().map(|error| format!(": {error}")).unwrap_or_default();
        let refusal = Refusal::new(
            RegionErrorKind::Unavailable,
            format!("it takes too long and cannot be canceled{why}"),
        );
        let refusal = of_statement(id, refusal).transient();
        Err(if matches!(intent, Intent::Look) { refusal } else { refusal.unknown() })
    }
}

/// The code of a statement that was left to its warehouse.
const LEFT: &str = "LEFT_RUNNING";

fn left_running(id: &str) -> Refusal {
    let text = "it is left running on the warehouse; the next apply finds what it did";
    let refusal = of_statement(id, Refusal::new(RegionErrorKind::Other, text));
    Refusal { code: LEFT.to_owned(), ..refusal }
}

/// Whether a statement came to its end; `false`: it is on its way.
///
/// # Errors
/// It failed, or somebody canceled it.
fn has_succeeded(seen: &StatementResponse) -> Result<bool, Refusal> {
    match seen.status.state {
        StatementState::Succeeded | StatementState::Closed => Ok(true),
        StatementState::Failed => Err(failed(seen)),
        StatementState::Canceled => {
            let text = "it was canceled on the warehouse";
            let refusal = Refusal::new(RegionErrorKind::Other, text);
            Err(of_statement(&seen.statement_id, refusal))
        }
        StatementState::Pending | StatementState::Running | StatementState::Unknown => Ok(false),
    }
}

fn failed(seen: &StatementResponse) -> Refusal {
    let error = seen.status.error.clone().unwrap_or_default();
    Refusal::of_statement(
        &seen.statement_id,
        &error.error_code,
        seen.status.sql_state.as_deref(),
        &error.message.to_string(),
    )
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql")
            .field("client", &self.client)
            .field("configured", &self.configured)
            .finish_non_exhaustive()
    }
}
