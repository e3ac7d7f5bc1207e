//! A command of drsync that is printed is a value: one place makes it a line, in quotes where a shell needs them, and with the
//! configuration that the caller named.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::sayings::source;

/// What comes after the program's name where a command is meant.
const VERBS: [&str; 19] = [
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
];

/// Texts that name a command and are none to be copied, and why.
const NAMED: &[(&str, &str)] = &[
    ("src/lakehouse/demo.rs", "who made a world"),
    ("src/notify/letter.rs", "what keeps something, in a sentence"),
    ("src/cli/configuration.rs", "what finds a copy, in a sentence"),
    ("src/config/json.rs", "what shows how, in a sentence"),
    ("src/render/config.rs", "the title of a page"),
    ("src/cli/examples.rs", "examples of help, which a test parses"),
    ("src/cli/explain.rs", "what lists something, in a sentence"),
    ("src/cli/help.rs", "where help has more"),
    ("src/config/not_json.rs", "what shows how, in a sentence"),
    ("src/plan/needed.rs", "what finds a copy, in a sentence"),
    ("src/render/sections/card.rs", "the title of a page"),
    ("src/render/sections/plan.rs", "the title of a page"),
    ("src/render/sections/plan/comment.rs", "the title of a page"),
    ("src/render/sections/plan/report.rs", "the title of a page"),
    ("src/render/sections/show.rs", "the title of a page"),
    ("src/render/writers/markdown/runbook.rs", "what prints something, in a sentence"),
    ("src/render/schema.rs", "the title of a schema"),
    ("src/render/sections/check.rs", "the title of a page"),
    ("src/render/sections/diff.rs", "the title of a page"),
    ("src/render/sections/history.rs", "the title of a page"),
    ("src/render/sections/run.rs", "the title of a page"),
    ("src/render/sections/status.rs", "the title of a page"),
    ("src/render/sections/validate.rs", "the title of a page"),
];

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
        self.note(&of.tokens.to_string());
    }
}

impl Texts {
    fn note(&mut self, text: &str) {
        let after = text.split("drsync ").skip(1);
        let words = after.map(|after| after.split(|c: char| !c.is_ascii_lowercase()).next());
        for verb in words.flatten().filter(|word| VERBS.contains(word)) {
            self.0.push(format!("drsync {verb}"));
        }
        // The name of the program, with a command to come.
        if text.contains("drsync {}")
            || text.contains("drsync {verb")
            || text.contains("drsync {command")
        {
            self.0.push("drsync {}".to_owned());
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
    let mut allowed: BTreeSet<&str> = NAMED.iter().map(|(file, _)| *file).collect();
    // The version, and where a value becomes a line.
    allowed.extend([
        "src/cli/man.rs",
        "src/cli/daemon.rs",
        "src/command.rs",
        "src/plan/checks/roles.rs",
    ]);
    let found = source().into_iter().map(|(file, parsed)| (file, texts(&parsed)));
    let found: Vec<(String, Vec<String>)> = found.filter(|(_, texts)| !texts.is_empty()).collect();
    let wrong: Vec<_> = found.iter().filter(|(file, _)| !allowed.contains(file.as_str())).collect();
    assert!(wrong.is_empty(), "a Command, which its writer makes a line: {wrong:#?}");
    let unused: Vec<_> =
        allowed.iter().filter(|file| !found.iter().any(|(it, _)| it == *file)).collect();
    assert!(unused.is_empty(), "allowed for nothing: {unused:#?}");
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
        (r#"#[command(after_help = "drsync plan")] struct Help;"#, 0),
    ] {
        assert_eq!(texts(&syn::parse_file(code).unwrap()).len(), count, "{code}");
    }
}
