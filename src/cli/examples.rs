//! What people type most often, command by command, as help and the manual show it.

/// A command line, and what it is for.
pub(super) type Example = (&'static str, &'static str);

/// The examples of a command; a command of a command is named with a blank between both.
pub(super) fn examples_of(command: &str) -> &'static [Example] {
    match command {
        "demo" => {
            &[("drsync demo", "in ./drsync-demo"), ("drsync demo --dir /tmp/world", "elsewhere")]
        }
        "init" => &[
            ("drsync init https://adb-111.azuredatabricks.net", "looks there, and asks"),
            ("drsync init ./east", "from the files of a lakehouse"),
            ("drsync init --stdout", "a configuration to fill in"),
            ("drsync init --make-locations", "makes the folders that it names"),
        ],
        "validate" => &[
            ("drsync validate", "every mistake at once"),
            ("drsync validate --offline", "the configuration alone"),
            ("drsync validate --sql > remedies.sql", "what is to be granted"),
        ],
        "plan" => &[
            ("drsync plan --out plan.json", "to be reviewed, then applied"),
            ("drsync plan --only 'core_*'", "some groups"),
            ("drsync plan --now orders", "as if it were due"),
            ("drsync plan --format markdown", "for a pull request"),
        ],
        "show" => &[
            ("drsync show plan.json", "what an auditor sees"),
            ("drsync show plan.json --table orders", "one table"),
        ],
        "check" => &[("drsync check plan.json", "can it still be applied?")],
        "diff" => &[("drsync diff before.json after.json", "what changed between two plans")],
        "apply" => &[
            ("drsync apply plan.json", "what was reviewed, nothing else"),
            ("drsync apply", "plans, shows, asks"),
            ("drsync apply --auto-approve", "for a schedule"),
            ("drsync apply --auto-approve --deadline 45m", "within a window"),
        ],
        "status" => &[
            ("drsync status", "how far behind each group is"),
            ("drsync status --fail-on breached,unwatched", "for monitoring"),
        ],
        "history" => &[
            ("drsync history orders", "its cuts, newest first"),
            ("drsync history --since 2026-11-01", "the report from then on"),
            ("drsync history --since 2026-11-01 --format html", "the same as a page"),
        ],
        "runbook" => &[
            ("drsync runbook > runbook.md", "every group"),
            ("drsync runbook orders --to-cut orders:41", "one, to an older cut"),
        ],
        "daemon" => &[
            ("drsync daemon", "a round every half hour"),
            ("drsync daemon --listen 127.0.0.1:9469", "with health and metrics"),
        ],
        "notify" | "notify test" => &[
            ("drsync notify test", "everybody who is told"),
            ("drsync notify test ops@example.com", "one address"),
            ("drsync notify test SLACK_DR", "one webhook"),
        ],
        "metrics" => {
            &[("drsync metrics > drsync.new && mv drsync.new drsync.prom", "for the node exporter")]
        }
        "completions" => &[
            ("source <(drsync completions bash)", "in this shell"),
            ("drsync completions fish > drsync.fish", "as a file"),
        ],
        "sandbox" => &[
            ("drsync sandbox", "two workspaces to try it with"),
            ("drsync sandbox --away primary", "the bad day"),
            (
                "drsync sandbox --fault 'primary POST /api/2.0/sql/statements 1 503'",
                "one that stumbles",
            ),
        ],
        "schema" => &[("drsync schema config > drsync.schema.json", "for an editor")],
        "man" => &[
            ("drsync man | man -l -", "of drsync"),
            ("drsync man plan | man -l -", "of a command"),
        ],
        "explain" => &[
            ("drsync explain replica_changed", "a finding"),
            ("drsync explain 4", "an exit status"),
        ],
        "help" => &[
            ("drsync help plan", "of a command"),
            ("drsync help flags", "what every command takes"),
            ("drsync help exit-codes", "how commands end"),
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::described;

    /// The words of a line as a shell takes them, up to a pipe or a file.
    fn words(line: &str) -> Vec<String> {
        let line = line.trim_start_matches("source <(").trim_end_matches(')');
        let quoted = line.split('\'').enumerate();
        let words = quoted.flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.take_while(|word| word != "|" && word != ">").collect()
    }

    #[test]
    fn every_command_has_examples_that_the_command_line_takes() {
        let whole = described();
        let names = whole.get_subcommands().map(|command| command.get_name().to_owned());
        for name in names.chain(["notify test".to_owned()]) {
            assert!(!examples_of(&name).is_empty(), "{name} has no example");
            for (line, meaning) in examples_of(&name) {
                let read = described().try_get_matches_from(words(line));
                assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
                assert!(!meaning.ends_with('.') && meaning.len() <= 34, "{meaning}");
            }
        }
    }
}
