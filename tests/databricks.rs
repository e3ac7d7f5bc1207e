//! The Databricks region against a small workspace in this process: it keeps state and refuses what the real thing refuses.

#![allow(clippy::unwrap_used, reason = "a panic is a test's verdict")]

#[path = "databricks/acting.rs"]
mod acting;
#[path = "sql/built.rs"]
mod built;
#[path = "databricks/fake.rs"]
mod fake;
#[path = "databricks/flow.rs"]
mod flow;
#[path = "databricks/grants.rs"]
mod grants;
#[path = "databricks/hosts.rs"]
mod hosts;
#[path = "databricks/http.rs"]
mod http;
#[path = "sql/kind.rs"]
mod kind;
#[path = "databricks/looking.rs"]
mod looking;
#[path = "databricks/recording.rs"]
mod recording;
#[path = "databricks/registering.rs"]
mod registering;
#[path = "databricks/sign_in.rs"]
mod sign_in;
