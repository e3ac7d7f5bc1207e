//! Takes a runbook's blocks, and runs the program.

use std::path::Path;
use std::process::Output;

use crate::support::runner;
pub(crate) use crate::support::runner::stdout;

/// One step of a runbook: the heading that it stands under, and what is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) heading: String,
    pub(crate) text: String,
}

impl Step {
    pub(crate) fn is(&self, what: &str) -> bool {
        self.heading.contains(what)
    }
}

/// The blocks of a language, in their order.
pub(crate) fn steps(page: &str, language: &str) -> Vec<Step> {
    let (mut steps, mut heading) = (Vec::new(), String::new());
    let mut inside: Option<(bool, String, Vec<&str>)> = None;
    for line in page.lines() {
        match &mut inside {
            Some((wanted, fence, lines)) if line == fence => {
                if *wanted {
                    steps.push(Step { heading: heading.clone(), text: lines.join("\n") });
                }
                inside = None;
            }
            Some((_, _, lines)) => lines.push(line),
            None if line.starts_with("```") => {
                let fence = "`".repeat(line.chars().take_while(|c| *c == '`').count());
                let wanted = line.trim_start_matches('`') == language;
                inside = Some((wanted, fence, Vec::new()));
            }
            None => {
                if let Some(title) = line.strip_prefix('#') {
                    heading = title.trim_start_matches('#').trim().to_owned();
                }
            }
        }
    }
    assert!(inside.is_none(), "a block is not closed");
    steps
}

/// Runs drsync in a folder, with what it is told of services.
pub(crate) fn drsync(folder: &Path, variables: &[(String, String)], arguments: &[&str]) -> Output {
    runner::drsync(folder, arguments).envs(variables.iter().cloned()).output()
}

/// Runs it and takes what it says; it has to end so.
pub(crate) fn ends(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{}\n{said}", stdout(output));
    stdout(output)
}

/// The indented block of the guide that has a text in it, without its indentation.
pub(crate) fn guided(what: &str) -> String {
    let guide = include_str!("../../../docs/bad-day.md");
    let mut blocks: Vec<Vec<&str>> = vec![Vec::new()];
    for line in guide.lines() {
        match line.starts_with("    ") {
            true => blocks.last_mut().unwrap().push(line.trim_start()),
            false if blocks.last().is_some_and(|block| !block.is_empty()) => {
                blocks.push(Vec::new())
            }
            false => {}
        }
    }
    let mut found = blocks.into_iter().map(|block| block.join("\n"));
    found.find(|block| block.contains(what)).unwrap_or_else(|| panic!("the guide has no {what}"))
}
