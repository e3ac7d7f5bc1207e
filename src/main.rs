//! The drsync command.

use std::process::ExitCode;

fn main() -> ExitCode {
    drsync::cli::main()
}
