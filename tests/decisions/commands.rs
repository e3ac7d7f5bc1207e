//! A command of drsync that is printed is a value: one place makes it a line, in quotes where a shell needs them, and with the
//! configuration that the caller named.

use std::collections::BTreeMap;

use syn::buffer::Cursor;
use syn::parse::{ParseStream, Parser as _};
use syn::visit::{self, Visit};

use crate::sayings::source;

/// The program's name.
const PROGRAM: &str = "drsync";

/// What comes after it where a command is meant.
const VERBS: [&str; 20] = [
    "plan",
    "apply",
    "validate",
    "status",
    "init",
    "demo",
    "runbook",
    "show",
    "check",
    "diff",
    "history",
    "daemon",
    "notify",
    "metrics",
    "completions",
    "sandbox",
    "schema",
    "man",
    "help",
    "explain",
];

/// Texts that name a command and are none to be copied: the file, each text that is found in it, and why.
const NAMED: &[(&str, &[&str], &str)] = &[
    ("src/render/sections/config.rs", &["drsync validate"], TITLE),
    ("src/render/sections/init.rs", &["drsync init"], TITLE),
    ("src/render/sections/notify.rs", &["drsync notify"], TITLE),
    ("src/render/sections/plan/saved.rs", &["drsync plan"], TITLE),
    ("src/render/sections/card.rs", &["drsync plan"], TITLE),
    ("src/render/sections/check.rs", &["drsync check"], TITLE),
    ("src/render/sections/diff.rs", &["drsync diff"], TITLE),
    ("src/render/sections/cut_history.rs", &["drsync history"], TITLE),
    ("src/render/sections/plan.rs", &["drsync plan"], TITLE),
    ("src/render/sections/plan/comment.rs", &["drsync plan"], TITLE),
    ("src/render/sections/plan/report.rs", &["drsync plan"], TITLE),
    ("src/render/sections/show.rs", &["drsync plan"], TITLE),
    ("src/render/sections/status.rs", &["drsync status"], TITLE),
    ("src/render/sections/validate.rs", &["drsync validate", "drsync validate"], TITLE),
    (
        "src/render/schema.rs",
        &[
            "drsync plan",
            "drsync apply",
            "drsync status",
            "drsync plan",
            "drsync history",
            "drsync validate",
        ],
        "the title of a schema",
    ),
    ("src/cli/daemon.rs", &["drsync {}"], "the version"),
    (
        "src/cli/man.rs",
        &["drsync completions", "drsync {}"],
        "a variable of the environment; the version",
    ),
    ("src/ledger/role.rs", &["drsync {}"], "a version"),
    ("src/plan/checks/roles.rs", &["drsync {}"], "the version"),
    ("src/command.rs", &["drsync {}"], "where a value becomes a line"),
];

/// A screen is called by the command that shows it.
const TITLE: &str = "the title of a page";

/// Files of examples, which a test parses as whoever types them would have them parsed.
const EXAMPLES: [&str; 1] = ["src/cli/examples.rs"];

/// Texts of code that name a command; those of attributes, as of help, are no code.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(crate::sayings::is_of_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.note(&text.value());
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let texts = |input: ParseStream| {
            let mut texts = Vec::new();
            literals(input.cursor(), &mut texts);
            input.step(|cursor| {
                let mut rest = *cursor;
                while let Some((_, next)) = rest.token_tree() {
                    rest = next;
                }
                Ok(((), rest))
            })?;
            Ok(texts)
        };
        for text in texts.parse2(of.tokens.clone()).unwrap() {
            self.note(&text);
        }
    }
}

impl Texts {
    fn note(&mut self, text: &str) {
        for (at, _) in text.match_indices(PROGRAM) {
            // `sandbox.drsync` and `drsync-demo` are other names.
            let before = text[..at].chars().next_back();
            let after = &text[at + PROGRAM.len()..];
            let begins =
                !before.is_some_and(|before| before.is_alphanumeric() || "-_./".contains(before));
            let Some(rest) =
                after.strip_prefix([' ', '\t', '\n', '`', '\'', '\\']).filter(|_| begins)
            else {
                continue;
            };
            let rest = rest.trim_start_matches([' ', '\t', '\n', '`', '\'', '\\']);
            let word = rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
            if VERBS.contains(&word) {
                self.0.push(format!("drsync {word}"));
            } else if rest.starts_with('{') || rest.is_empty() {
                // A command to come: within the text, or in a piece after it.
                self.0.push("drsync {}".to_owned());
            }
        }
    }
}

/// The texts among the tokens of a macro, each as it is meant.
fn literals(mut at: Cursor<'_>, texts: &mut Vec<String>) {
    while !at.eof() {
        if let Some((literal, next)) = at.literal() {
            let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
            texts.extend(text.map(|text| text.value()));
            at = next;
        } else if let Some((inside, _, _, next)) = at.any_group() {
            literals(inside, texts);
            at = next;
        } else if let Some((_, next)) = at.token_tree() {
            at = next;
        }
    }
}

fn texts(file: &syn::File) -> Vec<String> {
    let mut texts = Texts::default();
    texts.visit_file(file);
    texts.0
}

#[test]
fn a_command_that_is_printed_is_a_value() {
    let found = source().into_iter().map(|(file, parsed)| (file, texts(&parsed)));
    let found = found.filter(|(file, texts)| !texts.is_empty() && !EXAMPLES.contains(&&**file));
    let found: BTreeMap<String, Vec<String>> = found.collect();
    let allowed = NAMED.iter().map(|(file, texts, _)| {
        ((*file).to_owned(), texts.iter().map(|text| (*text).to_owned()).collect())
    });
    let allowed: BTreeMap<String, Vec<String>> = allowed.collect();
    assert_eq!(found, allowed, "a Command, which its writer makes a line");
}

#[test]
fn a_command_in_a_text_is_seen_wherever_it_stands() {
    for (code, count) in [
        (r#"fn a() { say("run drsync plan --out p.json") }"#, 1),
        (r#"fn a() { let it = format!("Next: drsync apply {}", file); }"#, 1),
        (r#"const AGAIN: &str = "drsync status";"#, 1),
        (r#"fn a() { format!("drsync {}", verb.name()); }"#, 1),
        (
            r#"/// `drsync plan`
            fn a() { say("the drsync that made it"); }"#,
            0,
        ),
        (r#"fn a() { say("run `drsync plan`, then\ndrsync\n  apply") }"#, 2),
        (r#"fn a() { let it = "Next: drsync ".to_owned() + verb; }"#, 1),
        (r#"fn a() { concat!("drsync ", "plan") }"#, 1),
        (r#"fn a() { vec![format!("  drsync {verb}"), "drsync-demo plan".to_owned()] }"#, 1),
        (r#"#[command(after_help = "drsync plan")] struct Help;"#, 0),
    ] {
        assert_eq!(texts(&syn::parse_file(code).unwrap()).len(), count, "{code}");
    }
}
