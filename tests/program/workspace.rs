//! The program against a workspace: a configuration that lies there, `init`, a job's task, and what is said when nobody is signed in.

mod board;
mod configuration;
mod daemon;
mod deadline;
mod init;
mod job;
mod logs;
mod passive;
mod refused;
mod rights;
mod secrets;
mod sign_in;
mod site;
mod terminal;
