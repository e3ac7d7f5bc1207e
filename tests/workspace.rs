//! The program against a workspace: a configuration that lies there, `init`, and what is said when nobody is signed in.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test's name is its sentence, and a panic its verdict"
)]

#[path = "workspace/configuration.rs"]
mod configuration;
#[path = "workspace/init.rs"]
mod init;
#[path = "workspace/refused.rs"]
mod refused;
#[path = "workspace/rights.rs"]
mod rights;
#[path = "workspace/secrets.rs"]
mod secrets;
#[path = "workspace/sign_in.rs"]
mod sign_in;
#[path = "workspace/site.rs"]
mod site;
