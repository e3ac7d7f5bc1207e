//! What a screen says is right where it is made: nobody looks into a line that is finished, or alters it.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};

use crate::sayings::{is_of_tests, source};

/// What looks into a text or makes another one of it.
const ALTERS: [&str; 13] = [
    "replace",
    "replacen",
    "strip_prefix",
    "strip_suffix",
    "trim_matches",
    "trim_start_matches",
    "trim_end_matches",
    "split_once",
    "rsplit_once",
    "to_lowercase",
    "to_uppercase",
    "starts_with",
    "ends_with",
];

/// Where screens and messages are made.
const MADE: [&str; 6] = [
    "src/render/",
    "src/render.rs",
    "src/layout.rs",
    "src/figures.rs",
    "src/notify/letter.rs",
    "src/notify/letter/",
];

/// Where each form is escaped.
const ESCAPES: [&str; 1] = ["src/render/writers/markdown/escape.rs"];

/// Where it is done all the same: what, how often, and why that alters nothing that is finished.
const ALLOWED: [(&str, &str, usize, &str); 13] = [
    ("src/layout.rs", "replace", 1, UNBROKEN),
    ("src/render.rs", "replace", 1, UNBROKEN),
    ("src/render/writers/text/table.rs", "replace", 2, UNBROKEN),
    ("src/notify/letter.rs", "to_lowercase", 1, "the id of a run, for the id of a mail"),
    ("src/render/away.rs", "starts_with", 1, "an address, before it is shown"),
    ("src/render/causes.rs", "rsplit_once", 1, "the name of a table, before it is shown"),
    ("src/render/page/block.rs", "strip_prefix", 1, "how a head of numbers is asked for"),
    ("src/render/sections/plan/drift.rs", "trim_end_matches", 1, "a path, before it is shown"),
    ("src/render/sections/validate.rs", "replace", 1, "what is in an option, and no text"),
    ("src/render/writers/html/sheet.rs", "rsplit_once", 1, SHORTER),
    ("src/render/writers/html/sheet.rs", "trim_end_matches", 1, SHORTER),
    (
        "src/render/writers/markdown.rs",
        "starts_with",
        2,
        "whether a block is a list, or a title says what each of its notes is",
    ),
    (
        "src/render/writers/markdown.rs",
        "to_lowercase",
        1,
        "whether a title says what each of its notes is",
    ),
];

/// A blank at which no line is broken is another character until the lines are there.
const UNBROKEN: &str = "a blank at which no line is broken, until the lines are there";
/// The tab of a browser has little room.
const SHORTER: &str = "the title of a window, which has room for a few words";

#[derive(Default)]
struct Calls(BTreeMap<String, usize>);

impl<'ast> Visit<'ast> for Calls {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(is_of_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let method = call.method.to_string();
        if ALTERS.contains(&method.as_str()) {
            *self.0.entry(method).or_default() += 1;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let arguments = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        for argument in of.parse_body_with(arguments).iter().flatten() {
            self.visit_expr(argument);
        }
    }
}

fn calls(file: &syn::File) -> BTreeMap<String, usize> {
    let mut calls = Calls::default();
    calls.visit_file(file);
    calls.0
}

#[test]
fn nobody_looks_into_a_finished_line_or_alters_it() {
    let made = |file: &str| MADE.iter().any(|of| file.starts_with(of)) && !ESCAPES.contains(&file);
    let source = source();
    let files = source.iter().filter(|(file, _)| made(file));
    let found = files.flat_map(|(file, parsed)| {
        calls(parsed).into_iter().map(move |(method, times)| ((file.as_str(), method), times))
    });
    let found: BTreeMap<(&str, String), usize> = found.collect();
    let allowed =
        ALLOWED.iter().map(|(file, method, times, _)| ((*file, (*method).to_owned()), *times));
    let allowed: BTreeMap<(&str, String), usize> = allowed.collect();
    assert_eq!(
        found, allowed,
        "words are made right where they are made, and what is asked is asked of facts"
    );
}

#[test]
fn an_alteration_is_seen_wherever_it_stands() {
    for code in [
        r#"fn a(line: String) { line.replace("a", "b"); }"#,
        r#"fn a(line: String) { println!("{}", line.trim_end_matches('.')); }"#,
        r#"fn a() { let b = |line: &str| line.strip_prefix("- ").map(str::to_owned); }"#,
        r#"fn a() { if verdict(plan).starts_with("Nothing") {} }"#,
    ] {
        assert_eq!(calls(&syn::parse_file(code).unwrap()).values().sum::<usize>(), 1, "{code}");
    }
    let tested = r#"#[cfg(test)] mod tests { fn a(line: String) { line.replace("a", "b"); } }"#;
    assert!(calls(&syn::parse_file(tested).unwrap()).is_empty());
}
