//! A command of drsync that is printed to be copied: data, until a writer makes it a line. Pure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::shell_word;

/// A command of drsync: what is to be done, and with what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// What is to be done.
    pub verb: Verb,
    /// With what, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<Arg>,
}

/// The commands that are printed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// `drsync plan`.
    Plan,
    /// `drsync apply`.
    Apply,
    /// `drsync validate`.
    Validate,
    /// `drsync status`.
    Status,
    /// `drsync init`.
    Init,
    /// `drsync demo`.
    Demo,
    /// `drsync runbook`.
    Runbook,
    /// `drsync show`.
    Show,
    /// `drsync history`.
    History,
    /// `drsync notify`.
    Notify,
    /// `drsync sandbox`.
    Sandbox,
    /// `drsync help`.
    Help,
    /// `drsync explain`.
    Explain,
}

/// An argument of a command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Arg {
    /// A flag, a file, a name: one word, in quotes where a shell would take it apart.
    Word {
        /// The word.
        word: String,
    },
    /// `CODE:SCOPE`, what is accepted.
    Risk {
        /// Which finding.
        code: String,
        /// Of which table or group.
        scope: String,
    },
    /// What whoever copies the command has to write.
    Blank,
}

impl Command {
    /// A command without arguments.
    pub fn new(verb: Verb) -> Command {
        Command { verb, args: Vec::new() }
    }

    /// The same with one word more.
    #[must_use]
    pub fn word(self, word: impl Into<String>) -> Command {
        self.arg(Arg::Word { word: word.into() })
    }

    /// The same with one argument more.
    #[must_use]
    pub fn arg(mut self, arg: Arg) -> Command {
        self.args.push(arg);
        self
    }

    /// `drsync plan --accept CODE:SCOPE --reason "…" --out plan.json`: one plan for all of them. It is stored, because only a
    /// stored plan can be applied with it.
    pub fn accept(risks: impl IntoIterator<Item = Arg>) -> Command {
        let mut command = Command::new(Verb::Plan);
        for risk in risks {
            command = command.word("--accept").arg(risk);
        }
        command.word("--reason").arg(Arg::Blank).word("--out").word("plan.json")
    }

    /// `drsync runbook GROUP --to-cut GROUP:CUT`: the steps that bring a group to a cut that is not its newest.
    pub fn to_cut(group: &str, cut: impl fmt::Display) -> Command {
        Command::new(Verb::Runbook).word(group).word("--to-cut").word(format!("{group}:{cut}"))
    }

    /// The line, for whoever named a configuration with that configuration, where the command reads one.
    pub fn line(&self, config: Option<&str>) -> String {
        let Command { verb, args } = self;
        let named = config.filter(|_| verb.reads_configuration());
        let named = named.map(|path| format!(" --config {}", shell_word(path)));
        let args = args.iter().map(|arg| format!(" {arg}"));
        let words = [format!("drsync {}", verb.name())].into_iter().chain(named).chain(args);
        words.collect()
    }
}

/// As it is where no configuration was named.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line(None))
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arg::Word { word } => f.write_str(&shell_word(word)),
            Arg::Risk { code, scope } => write!(f, "{}:{}", shell_word(code), shell_word(scope)),
            Arg::Blank => f.write_str("\"…\""),
        }
    }
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Verb::Plan => "plan",
            Verb::Apply => "apply",
            Verb::Validate => "validate",
            Verb::Status => "status",
            Verb::Init => "init",
            Verb::Demo => "demo",
            Verb::Runbook => "runbook",
            Verb::Show => "show",
            Verb::History => "history",
            Verb::Notify => "notify",
            Verb::Sandbox => "sandbox",
            Verb::Help => "help",
            Verb::Explain => "explain",
        }
    }

    fn reads_configuration(self) -> bool {
        match self {
            Verb::Plan
            | Verb::Apply
            | Verb::Validate
            | Verb::Status
            | Verb::Runbook
            | Verb::History
            | Verb::Notify => true,
            Verb::Init | Verb::Demo | Verb::Show | Verb::Sandbox | Verb::Help | Verb::Explain => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_whatever_its_arguments_hold() {
        let risk = Arg::Risk { code: "source_shrank".to_owned(), scope: "a; rm -r /".to_owned() };
        let accept = Command::accept([risk]);
        assert_eq!(
            accept.to_string(),
            "drsync plan --accept source_shrank:'a; rm -r /' --reason \"…\" --out plan.json"
        );
        let apply = Command::new(Verb::Apply).word("it's.json");
        assert_eq!(apply.line(None), "drsync apply 'it'\\''s.json'");
    }

    #[test]
    fn a_command_that_reads_a_configuration_names_the_one_that_was_named() {
        let plan = Command::new(Verb::Plan).word("--out").word("p.json");
        assert_eq!(plan.line(Some("a b.json")), "drsync plan --config 'a b.json' --out p.json");
        assert_eq!(Command::new(Verb::Init).line(Some("a.json")), "drsync init");
    }
}
