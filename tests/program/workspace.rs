//! The program against a workspace: a configuration that lies there, `init`, and what is said when nobody is signed in.

mod configuration;
mod init;
mod refused;
mod rights;
mod secrets;
mod sign_in;
mod site;
