//! The Databricks region against a small workspace in this process: it keeps state and refuses what the real thing refuses.

mod acting;
mod fake;
mod flow;
mod grants;
mod hosts;
mod http;
mod looking;
mod recording;
mod registering;
mod sign_in;
