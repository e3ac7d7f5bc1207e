//! `drsync explain`: what a code means, in the words of the documentation, which describes every code once.
//! It reads no file: the documentation is in the program.

use std::collections::BTreeSet;

use clap::Args;

use super::{ExitStatus, Failure, output, selection};
use crate::command::{Command, Verb};
use crate::render::{clean, hanging};

/// A page of the documentation, and the tables of it that describe codes: how the first column is headed, and what its codes are.
struct Page {
    name: &'static str,
    text: &'static str,
    tables: &'static [(&'static str, &'static str)],
}

const PAGES: [Page; 2] = [
    Page {
        name: "docs/planning.md",
        text: include_str!("../../docs/planning.md"),
        tables: &[
            ("finding", "finding"),
            ("warning", "warning"),
            ("reason", "reason of a decision"),
            ("setting", "setting that protects"),
        ],
    },
    Page {
        name: "docs/operating.md",
        text: include_str!("../../docs/operating.md"),
        tables: &[("code", "warning of an apply"), ("`ending.kind`", "ending of a group")],
    },
];

/// Columns of the text.
const WIDTH: usize = 80;

/// Explain a finding, a warning, a reason, an ending, or an exit status
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// A code as drsync shows it, or the number or name of an exit status; without one all codes are listed
    #[arg(value_name = "CODE")]
    code: Vec<String>,
}

impl ExplainArguments {
    pub(super) fn run(self) -> Result<ExitStatus, Failure> {
        if self.code.is_empty() {
            output::data(&listed())?;
            return Ok(ExitStatus::Ok);
        }
        let asked = self.code.join(" ");
        let mut told: Vec<String> = entries(&asked).iter().map(Entry::to_text).collect();
        told.extend(statuses(&asked));
        if told.is_empty() {
            return Err(unknown(&asked));
        }
        output::data(&told.join("\n"))?;
        Ok(ExitStatus::Ok)
    }
}

/// One code as a table describes it.
struct Entry {
    kind: &'static str,
    code: String,
    /// What the other columns say, each with its head.
    cells: Vec<(String, String)>,
    /// The paragraphs of the section that is headed by the code.
    section: Vec<String>,
    page: &'static str,
}

impl Entry {
    fn to_text(&self) -> String {
        let Entry { kind, code, cells, section, page } = self;
        let mut lines = vec![format!("{kind}  {code}")];
        let widest = cells.iter().map(|(head, _)| head.len()).max().unwrap_or_default();
        for (head, text) in cells.iter().filter(|(_, text)| !text.is_empty()) {
            lines.extend(hanging(&format!("  {head:<widest$}  "), text, WIDTH));
        }
        for paragraph in section {
            lines.push(String::new());
            lines.extend(hanging("  ", paragraph, WIDTH));
        }
        lines.push(String::new());
        lines.push(format!("  {page}"));
        lines.into_iter().map(|line| format!("{line}\n")).collect()
    }
}

/// Everything that describes a code.
fn entries(asked: &str) -> Vec<Entry> {
    let asked = asked.trim().to_lowercase().replace('-', "_");
    let mut found = all();
    found.retain(|entry| entry.code == asked);
    found
}

/// Every code of every table.
fn all() -> Vec<Entry> {
    PAGES.iter().flat_map(of_page).collect()
}

/// Every code, after what it is a code of.
fn listed() -> String {
    let all = all();
    let kinds = PAGES.iter().flat_map(|page| page.tables).map(|(_, kind)| *kind);
    let told = kinds.map(|kind| {
        let codes = all.iter().filter(|entry| entry.kind == kind).map(|entry| entry.code.as_str());
        (kind, codes.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect::<Vec<_>>())
    });
    let statuses = ExitStatus::ALL.map(|status| status.code()).into_iter();
    let statuses: BTreeSet<u8> = statuses.collect();
    let statuses = statuses.into_iter().map(|code| code.to_string()).collect();
    let blocks = told.chain([("exit status", statuses)]).map(|(kind, codes)| {
        let lines = hanging("  ", &codes.join(", "), WIDTH);
        let lines = lines.into_iter().map(|line| format!("{line}\n"));
        format!("{kind}\n{}", lines.collect::<String>())
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// The codes that can be asked for.
pub(super) fn codes() -> Vec<String> {
    let mut codes: Vec<String> = all().into_iter().map(|entry| entry.code).collect();
    codes.extend(ExitStatus::ALL.map(|status| status.code().to_string()));
    codes.sort();
    codes.dedup();
    codes
}

fn of_page(page: &Page) -> Vec<Entry> {
    let mut found = Vec::new();
    // The heads of the table that the line stands in, and what its codes are.
    let mut table: Option<(Vec<String>, Option<&'static str>)> = None;
    for line in page.text.lines() {
        let Some(row) = cells(line) else {
            table = None;
            continue;
        };
        let Some((heads, kind)) = &table else {
            let tables = page.tables.iter();
            let kind = tables.clone().find(|(head, _)| row[0] == *head).map(|(_, kind)| *kind);
            table = Some((row, kind));
            continue;
        };
        let Some(kind) = kind else { continue };
        for code in row[0].split(", ").filter_map(|it| it.strip_prefix('`')?.strip_suffix('`')) {
            let others = heads.iter().cloned().zip(row.iter().map(|cell| plain(cell))).skip(1);
            found.push(Entry {
                kind,
                code: code.to_owned(),
                cells: others.collect(),
                section: section(page.text, code),
                page: page.name,
            });
        }
    }
    found
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let row = row.replace("\\|", "\u{1}");
    Some(row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect())
}

/// The paragraphs of the section that a code heads.
fn section(page: &str, code: &str) -> Vec<String> {
    let head = format!("### {code}");
    let lines = page.lines().skip_while(|line| *line != head).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('#')).collect();
    let paragraphs = lines.split(|line| line.trim().is_empty());
    let paragraphs = paragraphs.filter(|lines| !lines.is_empty());
    paragraphs.map(|lines| plain(&lines.join(" "))).collect()
}

/// Markdown without its links.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let (name, after) = match link.split_once("](") {
            Some((name, after)) => (name, after.split_once(')').map_or("", |(_, after)| after)),
            None => ("[", link),
        };
        out.push_str(before);
        out.push_str(name);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The exit statuses of a number or a name.
fn statuses(asked: &str) -> Vec<String> {
    let word = asked.trim().to_lowercase();
    let number = word.strip_prefix("exit ").unwrap_or(&word).parse::<u8>().ok();
    let meant = |status: &ExitStatus| match number {
        Some(number) => status.code() == number,
        None => status.name() == word.replace(['_', '-'], " "),
    };
    let told = ExitStatus::ALL.into_iter().filter(meant).map(|status| {
        let head = format!("exit {}  {}  ", status.code(), status.name());
        hanging(&head, status.meaning(), WIDTH).into_iter().map(|line| line + "\n").collect()
    });
    told.collect()
}

fn unknown(asked: &str) -> Failure {
    let mut known: Vec<String> = all().into_iter().map(|entry| entry.code).collect();
    known.extend(ExitStatus::ALL.map(|status| status.name().to_owned()));
    let near = selection::nearest(&asked.replace('-', "_"), known.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("; nearest: {near}"),
        None => format!("; {} lists all", Command::new(Verb::Explain)),
    };
    Failure::new(ExitStatus::Usage, clean(&format!("no code is called {asked}{hint}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::RunWarningCode;
    use crate::plan::{FindingCode, WarningCode};

    fn kinds(code: &str) -> Vec<&'static str> {
        entries(code).iter().map(|entry| entry.kind).collect()
    }

    #[test]
    fn everything_that_has_a_code_is_explained() {
        for code in FindingCode::ALL {
            assert!(kinds(code.as_str()).contains(&"finding"), "{}", code.as_str());
        }
        for code in WarningCode::ALL {
            assert!(kinds(code.as_str()).contains(&"warning"), "{}", code.as_str());
        }
        for code in RunWarningCode::ALL {
            let name = serde_json::to_value(code).expect("a name");
            let name = name.as_str().expect("a text");
            assert!(kinds(name).contains(&"warning of an apply"), "{name}");
        }
        for status in ExitStatus::ALL {
            let number = status.code().to_string();
            for asked in [number.as_str(), &format!("exit {number}"), status.name()] {
                let told = statuses(asked).concat();
                assert!(told.contains(status.name()), "{asked}: {told}");
            }
        }
        assert_eq!(kinds("workflow_active"), ["reason of a decision"]);
        assert_eq!(kinds("up_to_date"), ["ending of a group"]);
    }

    #[test]
    fn an_explanation_fits_the_screen_and_has_no_markup_of_links() {
        for entry in all() {
            let told = entry.to_text();
            assert!(!told.contains("]("), "{told}");
            let long = told.lines().find(|line| line.chars().count() > WIDTH);
            assert!(long.is_none_or(|line| line.trim().chars().count() > 70), "{long:?}");
        }
        let diverged = entries("Ledger-Diverged");
        assert!(diverged[0].section.len() > 1, "its section is told too");
    }

    #[test]
    fn a_code_that_is_not_known_is_a_mistake_that_names_the_nearest() {
        for (asked, near) in [
            ("replica_change", "replica_changed"),
            ("tabel-not-found", "table_not_found"),
            ("deadline reach", "deadline reached"),
        ] {
            let failure = unknown(asked);
            assert_eq!(failure.status().code(), 64);
            assert!(
                failure.message().to_string().ends_with(&format!("nearest: {near}")),
                "{asked}"
            );
        }
        assert!(statuses("99").is_empty() && entries("99").is_empty());
    }
}
