//! What a daemon serves on a port of this machine: whether it lives, whether it does its work, and metrics.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::cli::{ExitStatus, Failure};
use crate::metrics::{self, Measured};
use crate::sentence::Sentence;

/// What is served; with nothing to listen on it is kept for nobody.
pub(super) struct ServedMetrics {
    address: Option<SocketAddr>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    /// Why no work is done; `Ok`: it is.
    ready: Result<(), Sentence>,
    measured: Measured,
}

type Kept = State<Arc<Mutex<Shared>>>;

/// Whether a round that ended so did its work.
pub(super) fn standing(exit: ExitStatus) -> Result<(), Sentence> {
    match exit {
        ExitStatus::PrimaryAway | ExitStatus::SecondaryAway => Err(exit.name().into()),
        _ => Ok(()),
    }
}

impl ServedMetrics {
    /// Listens, where there is an address for it.
    pub(super) async fn open(listen: Option<SocketAddr>) -> Result<ServedMetrics, Failure> {
        let ready = Err("no round has ended yet".into());
        let shared = Arc::new(Mutex::new(Shared { ready, measured: Measured::default() }));
        let Some(address) = listen else {
            return Ok(ServedMetrics { address: None, shared });
        };
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listen on {address}"))
            .map_err(|error| Failure::of(ExitStatus::Failed, error))?;
        let address = listener.local_addr().context("find the address that is listened on")?;
        let routes = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics_of))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move {
            // It serves as long as the process lives.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(ServedMetrics { address: Some(address), shared })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Says whether the last round did its work, and why not.
    pub(super) fn ready(&self, ready: Result<(), Sentence>) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).ready = ready;
    }

    /// Replaces what is measured.
    pub(super) fn publish(&self, measured: Measured) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).measured = measured;
    }
}

async fn readyz(State(shared): Kept) -> (StatusCode, String) {
    let ready = shared.lock().unwrap_or_else(PoisonError::into_inner).ready.clone();
    match ready {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => {
            let why = why.to_string();
            let why = crate::secrets::withheld(&why).into_owned();
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", crate::render::clean(&why)))
        }
    }
}

async fn metrics_of(State(shared): Kept) -> impl IntoResponse {
    let measured = shared.lock().unwrap_or_else(PoisonError::into_inner).measured.clone();
    let text = metrics::text(measured);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], crate::secrets::withheld(&text).into_owned())
}
