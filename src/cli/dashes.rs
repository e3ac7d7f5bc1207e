//! Long names behind one dash, or behind a dash of a word processor: whoever wrote `-out=FILE` meant `--out=FILE`. Pure.

use std::ffi::OsString;

use clap::Command;

use super::{ExitStatus, Failure};
use crate::render::clean;

/// Dashes that a keyboard does not have, and editors put in place of one or two.
const TYPESET: [char; 4] = ['\u{2010}', '\u{2013}', '\u{2014}', '\u{2212}'];

/// Refuses an argument that is a long name behind anything but two dashes.
///
/// Taken at its word, `-out=FILE` is `-o ut=FILE`, and a plan would be stored under that name.
pub(super) fn check(whole: &Command, arguments: &[OsString]) -> Result<(), Failure> {
    let mut commands = vec![whole];
    for argument in arguments.iter().skip(1).map_while(|it| {
        // What follows this is no flag, whatever it begins with.
        (it != "--").then(|| it.to_string_lossy())
    }) {
        if let Some(command) = whole.find_subcommand(argument.as_ref()) {
            commands.push(command);
        }
        let Some(rest) = behind_wrong_dash(&argument) else { continue };
        let name = rest.split('=').next().unwrap_or_default();
        if commands.iter().any(|command| has_long(command, name)) {
            let message = format!("{argument}: a long name has two dashes: --{rest}");
            return Err(Failure::new(ExitStatus::Usage, clean(&message)));
        }
    }
    Ok(())
}

/// What follows one dash, or dashes that are typeset; `None`: two dashes, none, or a single letter.
fn behind_wrong_dash(argument: &str) -> Option<&str> {
    let typeset = argument.trim_start_matches(TYPESET);
    let rest = match argument.strip_prefix('-') {
        Some(rest) => rest.trim_start_matches(TYPESET),
        None if typeset.len() < argument.len() => typeset.trim_start_matches('-'),
        None => return None,
    };
    (!rest.starts_with('-') && rest.chars().nth(1).is_some()).then_some(rest)
}

fn has_long(command: &Command, name: &str) -> bool {
    let also = ["help", "version"];
    also.contains(&name)
        || command.get_arguments().any(|argument| argument.get_long() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::described;

    fn refused(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        check(&described(), &arguments).err().map(|failure| failure.message().to_string())
    }

    #[test]
    fn every_long_name_of_every_command_is_refused_behind_one_dash() {
        let whole = described();
        let mut seen = 0;
        for command in whole.get_subcommands() {
            let own = command.get_arguments().chain(whole.get_arguments());
            for long in own.filter_map(|argument| argument.get_long()) {
                let (name, right) = (command.get_name(), format!("two dashes: --{long}"));
                for wrong in [format!("-{long}"), format!("\u{2013}{long}")] {
                    let said = refused(&format!("drsync {name} {wrong}"));
                    assert!(said.is_some_and(|said| said.ends_with(&right)), "{name} {wrong}");
                    assert_eq!(refused(&format!("drsync {name} --{long}")), None);
                }
                seen += 1;
            }
        }
        assert!(seen > 100);
    }

    #[test]
    fn the_right_spelling_is_named_with_its_value() {
        let said = refused("drsync plan -out=plan.json");
        let expected = "-out=plan.json: a long name has two dashes: --out=plan.json";
        assert_eq!(said.as_deref(), Some(expected));
        for right in [
            "drsync plan -oplan.json",
            "drsync plan -o plan.json",
            "drsync plan -qc drsync.json",
            "drsync apply -",
            "drsync apply -- -out",
            "drsync plan --out=-out",
        ] {
            assert_eq!(refused(right), None, "{right}");
        }
    }
}
