//! How the house is built: which file takes what from which, read from the source itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// The floors of the house, the lowest first: a module takes from those below it, and from none beside or above it.
const FLOORS: [&[&str]; 15] = [
    &[
        "formats",
        "interval",
        "limits",
        "moment",
        "off_thread",
        "pause",
        "proxy",
        "secrets",
        "sentence",
        "text",
        "wire_log",
    ],
    &[
        "canonical",
        "command",
        "failed_request",
        "figures",
        "files",
        "foreign",
        "harmless",
        "schedule",
    ],
    &["layout"],
    &["config"],
    &["ledger"],
    &["region"],
    &["plan", "sql"],
    &["notify"],
    &["record"],
    &["history", "metrics", "observe", "runbook"],
    &["apply"],
    &["render"],
    &["databricks", "lakehouse"],
    &["sandbox"],
    &["cli"],
];

/// What stands behind the port: it is high up, where nobody but the sandbox and the commands takes from it, and takes from nobody who
/// decides.
const BEHIND_THE_PORT: [&str; 3] = ["databricks", "lakehouse", "sandbox"];
/// What it does not take from.
const DECIDES: [&str; 9] =
    ["plan", "notify", "record", "history", "metrics", "observe", "runbook", "apply", "render"];

#[test]
fn no_module_takes_from_one_above_or_beside_it() {
    let house = House::read();
    let floor = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let module = |file: &str| {
        let inside = file.strip_prefix("src/").unwrap();
        inside.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
    };
    let files = house.modules.iter().map(|it| module(&it.file));
    let all: BTreeSet<String> = files.filter(|name| name != "lib").collect();
    let told: BTreeSet<String> = FLOORS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(told, all, "every module has its floor in FLOORS");
    let (mut up, mut seen) = (Vec::new(), 0);
    for (file, taken) in house.arrows() {
        for (other, names) in taken {
            let (from, to) = (module(file), module(other));
            if from == to || from == "lib" {
                continue;
            }
            seen += 1;
            let below = floor(&to) < floor(&from);
            let decides = BEHIND_THE_PORT.contains(&&*from) && DECIDES.contains(&&*to);
            if !below || decides {
                up.push(format!("{file} takes {names:?} of {other}"));
            }
        }
    }
    assert!(seen > 500, "{seen} arrows");
    assert!(up.is_empty(), "what both need goes below them: {up:#?}");
}

/// A field that was wrong in a type of both would be wrong in every test, too.
#[test]
fn the_sandbox_shares_no_types_with_the_client_of_databricks() {
    let house = House::read();
    let shared: Vec<String> = house
        .arrows()
        .iter()
        .filter(|(file, _)| file.starts_with("src/sandbox"))
        .flat_map(|(file, taken)| taken.keys().map(move |other| format!("{file} takes of {other}")))
        .filter(|arrow| arrow.contains(" takes of src/databricks"))
        .collect();
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn files_take_nothing_from_each_other_in_circles() {
    let house = House::read();
    let told: Vec<String> = house.circles().iter().map(|circle| house.tell(circle)).collect();
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

#[test]
fn what_the_architecture_page_calls_decided_somewhere_is_decided_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let (_, table) = page.split_once("## Where it is decided").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut told = 0;
    for row in rows {
        let mut quoted = row.split('`').skip(1).step_by(2);
        let (file, function) = (quoted.next().unwrap(), quoted.next().unwrap());
        let source = fs::read_to_string(root.join("src").join(file)).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let definitions = [format!("fn {function}("), format!("fn {function}<")];
        let found: usize = definitions.iter().map(|it| source.matches(it.as_str()).count()).sum();
        assert_eq!(found, 1, "which {function} of {file} is it? {row}");
        told += 1;
    }
    assert!(told > 20, "{told} rows");
}

#[test]
fn every_module_has_one_row_in_the_code_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let (_, map) = page.split_once("## Code map").unwrap();
    let (map, _) = map.split_once("\n## ").unwrap();
    let rows = map.lines().filter(|line| line.starts_with("| `"));
    let names = rows.filter_map(|row| row.split('|').nth(1));
    let mut told: Vec<&str> = names.flat_map(|names| names.split('`').skip(1).step_by(2)).collect();
    told.sort_unstable();
    let source = root.join("src");
    let (mut modules, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for path in entries(&source) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let below = entries(&path).into_iter().filter(|it| it.is_dir());
            folders.extend(below.map(|it| format!("{name}/{}", it.file_name().unwrap().display())));
        }
        if !["lib", "main"].contains(&name.as_str()) {
            modules.insert(name);
        }
    }
    let lacking: Vec<&String> =
        modules.iter().chain(&folders).filter(|it| !told.contains(&it.as_str())).collect();
    assert!(lacking.is_empty(), "no row in the code map: {lacking:?}");
    let gone = |it: &&&str| !source.join(format!("{it}.rs")).is_file() && !source.join(it).is_dir();
    let gone: Vec<&&str> = told.iter().filter(gone).collect();
    assert!(gone.is_empty(), "a row of nothing in the code map: {gone:?}");
    let twice: Vec<&[&str]> = told.windows(2).filter(|two| two[0] == two[1]).collect();
    assert!(twice.is_empty(), "two rows in the code map: {twice:?}");
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn writers_alone_escape_and_draw() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render");
    let mut found = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let place = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if place.ends_with(".rs") && !place.starts_with("writers/") {
                let text = fs::read_to_string(&path).unwrap();
                let draws = ["maud::", "html! {", "comfy_table::", "escape::", "|---|", "<details"];
                found.extend(
                    draws.iter().filter(|it| text.contains(**it)).map(|it| (place.clone(), *it)),
                );
            }
        }
    }
    found.sort();
    assert_eq!(found, [], "what is escaped and drawn is in src/render/writers");
}

#[test]
fn tests_start_drsync_in_one_place() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (mut found, mut folders) = (Vec::new(), vec![tests]);
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let starts = [concat!("Command::new(", "PROGRAM)"), concat!("CARGO_BIN_", "EXE")];
                let starts = starts.iter().any(|it| text.contains(it));
                found.extend(Some(path).filter(|it| starts && !it.ends_with("support/runner.rs")));
            }
        }
    }
    assert!(found.is_empty(), "support::runner starts it: {found:?}");
}

#[test]
fn one_file_escapes_what_is_sent() {
    let escapes = ["maud::", "html!", "&amp;", "&lt;", "replace('<'", "replace('['", "\\\\["];
    for (file, text) in texts_of("src/notify") {
        for it in escapes.iter().filter(|_| file != "src/notify/escape.rs") {
            assert!(
                !text.contains(it),
                "{file} has {it}: each form is escaped in src/notify/escape.rs"
            );
        }
    }
}

/// The texts of the files below a folder, by their names.
fn texts_of(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut texts, mut folders) = (BTreeMap::new(), vec![root.join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                texts.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    texts
}

/// A module: a file, or a part of one.
struct Module {
    file: String,
    /// Modules in it, by their names.
    children: BTreeMap<String, usize>,
    parent: Option<usize>,
    /// What is defined in it.
    items: BTreeSet<String>,
    /// What it names by `use`, and where that is.
    names: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names it takes.
    globs: Vec<Vec<String>>,
    /// Every path that is written in it.
    paths: Vec<Vec<String>>,
}

/// All modules of the library; the first is its root.
struct House {
    modules: Vec<Module>,
}

/// Where a path leads.
enum Found {
    Item(usize, String),
    Module(usize),
}

impl House {
    fn read() -> House {
        let mut house = House { modules: Vec::new() };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        house.read_file(&root.join("lib.rs"), &root, None);
        house
    }

    fn read_file(&mut self, file: &Path, folder: &Path, parent: Option<usize>) -> usize {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap();
        self.read_module(file, folder, parent, &parsed.items)
    }

    /// `folder` is where the files of its modules are.
    fn read_module(
        &mut self,
        file: &Path,
        folder: &Path,
        parent: Option<usize>,
        items: &[Item],
    ) -> usize {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let number = self.modules.len();
        self.modules.push(Module {
            file: file.strip_prefix(manifest).unwrap().to_str().unwrap().to_owned(),
            children: BTreeMap::new(),
            parent,
            items: BTreeSet::new(),
            names: BTreeMap::new(),
            globs: Vec::new(),
            paths: Vec::new(),
        });
        let mut written = Written::default();
        for item in items.iter().filter(|item| !attributes(item).iter().any(is_of_tests)) {
            if let Some(name) = defined(item) {
                self.modules[number].items.insert(name);
            }
            match item {
                Item::Mod(module) => {
                    let name = plain(&module.ident);
                    let below = folder.join(&name);
                    let child = match &module.content {
                        Some((_, items)) => self.read_module(file, &below, Some(number), items),
                        None => {
                            let file = place(&module.attrs, file, folder, &name);
                            self.read_file(&file, &below, Some(number))
                        }
                    };
                    self.modules[number].children.insert(name, child);
                }
                Item::Use(taken) => {
                    let module = &mut self.modules[number];
                    take(&taken.tree, &mut Vec::new(), &mut |name, path| match name {
                        Some(name) => drop(module.names.insert(name, path)),
                        None => module.globs.push(path),
                    });
                }
                other => written.visit_item(other),
            }
        }
        self.modules[number].paths = written.0;
        number
    }

    /// Follows a path from a module on; `None`: it leads out of the library, or to something local.
    fn find(&self, from: usize, path: &[String], depth: usize) -> Option<Found> {
        if depth > 12 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.modules[from].parent?,
            _ => return self.find_in(from, path, depth),
        };
        match rest {
            [] => Some(Found::Module(start)),
            [next, ..] if next == "super" => self.find(start, rest, depth),
            _ => self.find_in(start, rest, depth),
        }
    }

    fn find_in(&self, module: usize, path: &[String], depth: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let here = &self.modules[module];
        if let Some(child) = here.children.get(first) {
            return match rest {
                [] => Some(Found::Module(*child)),
                _ => self.find_in(*child, rest, depth),
            };
        }
        if here.items.contains(first) {
            return Some(Found::Item(module, first.clone()));
        }
        if let Some(taken) = here.names.get(first) {
            let whole = [taken, rest].concat();
            return if taken.first() == Some(first) {
                None
            } else {
                self.find(module, &whole, depth + 1)
            };
        }
        let mut globs = here.globs.iter();
        globs.find_map(|glob| match self.find(module, glob, depth + 1)? {
            Found::Module(all) if all != module => self.find_in(all, path, depth + 1),
            Found::Module(_) | Found::Item(..) => None,
        })
    }

    /// What each file takes from each other; what a part takes from the file that it is a part of is left out.
    fn arrows(&self) -> BTreeMap<&str, BTreeMap<&str, BTreeSet<String>>> {
        let mut all: BTreeMap<&str, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
        for (number, module) in self.modules.iter().enumerate() {
            let written = module.paths.iter().chain(module.names.values());
            for path in written {
                if let Some(Found::Item(owner, name)) = self.find(number, path, 0) {
                    let owner = self.modules[owner].file.as_str();
                    let whole = owner.strip_suffix(".rs").unwrap();
                    let is_part =
                        module.file.strip_prefix(whole).is_some_and(|it| it.starts_with('/'));
                    if owner != module.file && !is_part {
                        let taken = all.entry(&module.file).or_default();
                        taken.entry(owner).or_default().insert(name);
                    }
                }
            }
        }
        all
    }

    /// Files that reach each other, each circle in the order of their names.
    fn circles(&self) -> Vec<Vec<String>> {
        let arrows = self.arrows();
        let files: BTreeSet<&str> = self.modules.iter().map(|it| it.file.as_str()).collect();
        let reached = |from: &str| {
            let mut seen = BTreeSet::new();
            let mut open = vec![from.to_owned()];
            while let Some(file) = open.pop() {
                for next in arrows.get(file.as_str()).into_iter().flat_map(BTreeMap::keys) {
                    if seen.insert((*next).to_owned()) {
                        open.push((*next).to_owned());
                    }
                }
            }
            seen
        };
        let reach: BTreeMap<&str, BTreeSet<String>> =
            files.iter().map(|file| (*file, reached(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, others) in &reach {
            if others.contains(*file) {
                let back = |other: &&String| reach[other.as_str()].contains(*file);
                circles.insert(others.iter().filter(back).cloned().collect::<Vec<_>>());
            }
        }
        circles.into_iter().collect()
    }

    /// A circle, and what ties it.
    fn tell(&self, circle: &[String]) -> String {
        let arrows = self.arrows();
        let mut lines = vec![format!("circle of {}", circle.join(", "))];
        for file in circle {
            for (other, names) in arrows.get(file.as_str()).into_iter().flatten() {
                if circle.iter().any(|it| it == other) {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    lines.push(format!("  {file} -> {other}: {}", names.join(", ")));
                }
            }
        }
        lines.join("\n")
    }
}

/// Paths as they are written in types and expressions.
#[derive(Default)]
struct Written(Vec<Vec<String>>);

impl<'a> Visit<'a> for Written {
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.0.push(path.segments.iter().map(|segment| plain(&segment.ident)).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.visit_path(&called.path);
        // What is between the parentheses of a macro is mostly expressions.
        let arguments = called.parse_body_with(
            syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
        );
        for argument in arguments.iter().flatten() {
            self.visit_expr(argument);
        }
    }
}

fn plain(name: &syn::Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Whether something is there for tests alone.
fn is_of_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

/// The name that an item gives to others.
fn defined(item: &Item) -> Option<String> {
    match item {
        Item::Const(it) => Some(plain(&it.ident)),
        Item::Enum(it) => Some(plain(&it.ident)),
        Item::Fn(it) => Some(plain(&it.sig.ident)),
        Item::Macro(it) => it.ident.as_ref().map(plain).or_else(|| declared_by(it)),
        Item::Static(it) => Some(plain(&it.ident)),
        Item::Struct(it) => Some(plain(&it.ident)),
        Item::Trait(it) => Some(plain(&it.ident)),
        Item::Type(it) => Some(plain(&it.ident)),
        _ => None,
    }
}

/// What a macro that is called declares, where that is written in it as everywhere.
fn declared_by(called: &syn::ItemMacro) -> Option<String> {
    let tokens = called.mac.tokens.clone().into_iter().map(|token| token.to_string());
    let tokens: Vec<String> = tokens.collect();
    let at = tokens.iter().position(|token| ["enum", "struct"].contains(&token.as_str()))?;
    tokens.get(at + 1).cloned()
}

/// Where the file of a module lies.
fn place(attributes: &[Attribute], file: &Path, folder: &Path, name: &str) -> PathBuf {
    let said = attributes.iter().find(|attribute| attribute.path().is_ident("path"));
    match said.map(|attribute| attribute.meta.require_name_value().unwrap()) {
        Some(value) => {
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &value.value else {
                panic!("a path that is no text in {}", file.display());
            };
            file.parent().unwrap().join(text.value())
        }
        None => folder.join(format!("{name}.rs")),
    }
}

/// Tells each name that a `use` brings, with its path; without a name all of a module's.
fn take(
    tree: &UseTree,
    before: &mut Vec<String>,
    tell: &mut impl FnMut(Option<String>, Vec<String>),
) {
    let with = |before: &[String], name: &str| {
        let mut path = before.to_vec();
        if name != "self" || path.is_empty() {
            path.push(name.to_owned());
        }
        path
    };
    match tree {
        UseTree::Path(part) => {
            before.push(plain(&part.ident));
            take(&part.tree, before, tell);
            before.pop();
        }
        UseTree::Name(name) => {
            let path = with(before, &plain(&name.ident));
            tell(path.last().cloned(), path.clone());
        }
        UseTree::Rename(name) => {
            tell(Some(plain(&name.rename)), with(before, &plain(&name.ident)));
        }
        UseTree::Glob(_) => tell(None, before.clone()),
        UseTree::Group(group) => {
            for tree in &group.items {
                take(tree, before, tell);
            }
        }
    }
}
