//! What is logged on stderr: lines for people, or with `--log-format json` an object a line.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context as Inside, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::clock::Clock;
use super::{ExitStatus, Failure, log_line, output};
use crate::wire_log;

/// The variable that asks for more.
const VARIABLE: &str = "DRSYNC_LOG";

/// How a line of a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

/// Begins to log as flag and environment ask.
///
/// # Errors
/// The environment asks for what there is not.
pub(super) fn begin(format: LogFormat, clock: Clock) -> Result<(), Failure> {
    let asked = std::env::var(VARIABLE).unwrap_or_default();
    let http = match asked.as_str() {
        "" => false,
        "http" => true,
        other => {
            let message = format!("{VARIABLE} is {other}; it may be http, for a line a request");
            return Err(Failure::new(ExitStatus::Usage, crate::render::clean(&message)));
        }
    };
    if format == LogFormat::Json {
        log_line::write_objects(clock.function());
    }
    if http {
        let subscriber = Registry::default().with(Requests { clock });
        // Whoever logs already logs.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
    Ok(())
}

/// Writes a line a request.
struct Requests {
    clock: Clock,
}

impl<S: Subscriber> Layer<S> for Requests {
    fn enabled(&self, metadata: &Metadata<'_>, _: Inside<'_, S>) -> bool {
        metadata.target() == wire_log::TARGET
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn on_event(&self, event: &Event<'_>, _: Inside<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields(fields) = fields;
        let at = self.clock.now();
        if log_line::are_objects() {
            output::line(&log_line::object(at, "debug", fields));
            return;
        }
        let mut line = format!("{} {:<8}", at.format("%Y-%m-%d %H:%M:%SZ"), "http");
        for (name, value) in &fields {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = match name.as_str() {
                "milliseconds" => write!(line, " {value} ms"),
                _ => write!(line, " {value}"),
            };
        }
        output::line(&crate::render::clean(&line));
    }
}

/// What an event says, in its order.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
