//! drsync keeps groups of Delta tables of a Databricks workspace synchronized to a second region.
//!
//! It looks at both regions, decides once, and then does exactly what it decided. A group is treated the way Delta treats
//! a table: data first, then one atomic entry in a log that makes it true.
//!
//! ```text
//!  config ──────────────┐
//!  primary region ──►   │
//!  secondary region ─► observe ──► Observed ──► plan ──► Plan ──┬──► render
//!  both ledgers ────►                                           └──► plan file
//!                                                        │
//!        secondary region ◄── deep clones ── apply ◄─────┘ ──► events ──► progress, log lines
//!        both ledgers     ◄── status, cut ──┘ └──► run record ──► exit status
//! ```
//!
//! In reading order:
//!
//! - [`config`]: desired state, read from JSON and checked as a whole;
//! - [`schedule`]: cron expressions;
//! - [`region`]: the port, what drsync asks of a region and how a region may refuse;
//! - [`ledger`]: the metadata table and the cut log, and how two copies become one;
//! - [`record`]: what one apply did, table by table, and how it ended;
//! - [`sql`]: every statement for Databricks, built from typed parts;
//! - [`observe`]: puts the questions and writes the answers down;
//! - [`plan`]: `Observed` in, `Plan` out, pure; and the stored plan document;
//! - [`apply`]: carries a plan out and commits cuts;
//! - [`notify`]: who is told what of an apply, from run records alone, and the sending of it;
//! - [`history`]: what the cuts and run records of a period prove, pure;
//! - [`metrics`]: how everything stands as Prometheus reads it, pure;
//! - [`runbook`]: what people do by hand who make the other side active, pure;
//! - [`render`]: documents and events for people;
//! - [`lakehouse`]: a region that is a folder of Delta tables, embedded;
//! - [`databricks`]: a region that is a Databricks workspace, over its REST API;
//! - [`sandbox`]: lakehouse folders served as Databricks workspaces on localhost;
//! - [`cli`]: commands and flags; it reads the environment and the clock, and hands both on to what decides;
//! - [`canonical`], [`moment`] and [`interval`]: one text for one document and for one moment, one reading of one interval;
//! - [`files`], [`limits`] and [`foreign`]: how files of others are opened, how much of them is taken, and how it is read;
//! - [`command`]: commands of drsync that are printed to be copied;
//! - [`sentence`]: sentences for people, which nobody looks into;
//! - [`text`]: plurals, spans, quotes, hex; `figures` and `layout`: sizes and moments, columns and wrapping;
//! - [`formats`]: the kinds and versions of documents;
//! - `wire_log`: what is logged of a request;
//! - [`harmless`]: text of others, so that nothing takes it for an order;
//! - [`secrets`]: those in use, which nothing that is written holds.
//!
//! What drsync touches on disk, and whose it is:
//!
//! | where | what | whose |
//! |---|---|---|
//! | `drsync.json` | the configuration | yours; only `init` and `demo` write it |
//! | the file of `plan --out` | a stored plan | yours |
//! | `.drsync/runs/` beside the configuration | run records, of rounds with nothing to do the newest | drsync's; safe to delete |
//! | `.drsync/owed/` beside the configuration | notes of run records that regions have yet to get | drsync's; safe to delete when empty |
//! | `.drsync/config.schema.json` beside the configuration | the schema of it, for editors | `init`'s; safe to delete |
//! | `.drsync/answers.json` beside the configuration to be | what `init` was told until it is written | `init`'s; safe to delete |
//! | `.drsync/runbook-<workspace>.md` beside the configuration | the newest runbook | drsync's; safe to delete |
//! | `.drsync/configurations/` beside the configuration | of each workspace what the last apply used, to know whom to tell once it cannot be read | drsync's; safe to delete |
//! | `<sync location>/_drsync/sync_metadata`, `sync_cuts` | the metadata tables, in both regions | drsync's |
//! | `<secondary location>/_drsync/evidence/` | plans that were started, their run records, configurations and runbooks, and what was answered to whom they told, those of past months in a folder each | drsync's; never deleted by it |
//! | `<secondary location>/<catalog>/<schema>/<table>` | replicas | drsync's; never dropped by it |

pub mod apply;
pub mod canonical;
pub mod cli;
pub mod command;
pub mod config;
pub mod databricks;
mod failed_request;
mod figures;
pub mod files;
pub mod foreign;
pub mod formats;
pub mod harmless;
pub mod history;
pub mod interval;
pub mod lakehouse;
mod layout;
pub mod ledger;
pub mod limits;
pub mod metrics;
pub mod moment;
pub mod notify;
pub mod observe;
mod off_thread;
mod pause;
pub mod plan;
mod proxy;
pub mod record;
pub mod region;
pub mod render;
pub mod runbook;
pub mod sandbox;
pub mod schedule;
pub mod secrets;
pub mod sentence;
pub mod sql;
pub mod text;
mod wire_log;
