//! Names survive a search: a type that is seen beyond its file shares its name with none, and a stem of which there were many is
//! that of few files.

use std::collections::BTreeMap;

use syn::{Item, Visibility};

use crate::sayings::source;

/// Names that several modules have, each for its own, and why.
const SHARED: [(&str, &str); 1] = [(
    "Result",
    "what the functions of a module return, with its error as the default, as in `std`",
)];

/// Stems of which there were many, how many files may be called so, and which.
const STEMS: [(&str, usize, &str); 5] = [
    ("catalog", 2, "what each implementation of a region lists"),
    ("exit", 2, "the statuses of the program, and which of them an apply ends with"),
    ("history", 2, "the module, and the command"),
    ("records", 2, "the ledger of each implementation of a region"),
    ("workspace", 3, "the trait, and each of its implementations"),
];

/// Files that define a type others see, by its name.
fn types(source: &BTreeMap<String, syn::File>) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for (file, parsed) in source {
        collect(file, &parsed.items, &mut found);
    }
    found
}

fn collect(file: &str, items: &[Item], found: &mut BTreeMap<String, Vec<String>>) {
    for item in items {
        let (visibility, name) = match item {
            Item::Enum(it) => (&it.vis, &it.ident),
            Item::Struct(it) => (&it.vis, &it.ident),
            Item::Trait(it) => (&it.vis, &it.ident),
            Item::Type(it) => (&it.vis, &it.ident),
            Item::Union(it) => (&it.vis, &it.ident),
            Item::Mod(inner) => {
                if let Some((_, items)) = &inner.content
                    && inner.ident != "tests"
                {
                    collect(file, items, found);
                }
                continue;
            }
            _ => continue,
        };
        if !matches!(visibility, Visibility::Inherited) {
            found.entry(name.to_string()).or_default().push(file.to_owned());
        }
    }
}

#[test]
fn a_type_that_is_seen_beyond_its_file_shares_its_name_with_none() {
    let found = types(&source());
    assert!(found.len() > 500, "{} types", found.len());
    let of_several: BTreeMap<&str, &Vec<String>> = found
        .iter()
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| (&**name, files))
        .collect();
    let shared: Vec<&str> = SHARED.iter().map(|(name, _)| *name).collect();
    let names: Vec<&str> = of_several.keys().copied().collect();
    assert_eq!(names, shared, "the name of a type says its subject: {of_several:#?}");
}

#[test]
fn two_types_of_one_name_are_found() {
    let parse = |text: &str| syn::parse_file(text).unwrap();
    let files = BTreeMap::from([
        ("a.rs".to_owned(), parse("pub struct Place; struct Own; mod tests { pub struct Place; }")),
        (
            "b.rs".to_owned(),
            parse("mod inner { pub(super) enum Place {} } struct Own; pub(crate) type Run = u8;"),
        ),
    ]);
    let found = types(&files);
    assert_eq!(found["Place"], ["a.rs", "b.rs"]);
    assert_eq!(found["Run"], ["b.rs"]);
    assert!(!found.contains_key("Own"));
}

#[test]
fn a_stem_of_which_there_were_many_is_that_of_few_files() {
    let files = source();
    let told: Vec<String> = STEMS
        .iter()
        .filter_map(|(stem, most, which)| {
            let end = format!("/{stem}.rs");
            let so: Vec<&String> = files.keys().filter(|file| file.ends_with(&end)).collect();
            (so.len() > *most).then(|| format!("{stem} is {which}, and not {so:?}"))
        })
        .collect();
    assert!(told.is_empty(), "the stem of a file says its subject: {told:#?}");
}
