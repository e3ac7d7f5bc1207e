//! Which fields hold something that is said to people: by their types, and by their names.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, GenericArgument, PathArguments, ReturnType, Type};

/// What is said is called so, alone or as the last word of a longer name.
const NAMES: [&str; 19] = [
    "message",
    "detail",
    "details",
    "doing",
    "remedy",
    "reason",
    "hint",
    "hints",
    "why",
    "words",
    "note",
    "saying",
    "sentence",
    "problem",
    "problems",
    "warned",
    "unreadable",
    "reply",
    "answer",
];

/// Types that hold another one.
const AROUND: [&str; 9] =
    ["BTreeMap", "Option", "Vec", "Box", "Arc", "Rc", "Cow", "Result", "Mutex"];

/// What a type is, for whoever looks for sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// A sentence, or several.
    Sentence,
    /// A text that anybody may look into.
    Text,
    /// Something else.
    Other,
}

/// A field with a name.
pub(super) struct Field {
    /// The type that it is of, or its variant: `RegionError`, `Ending::Stale`.
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) holds: Holds,
}

impl Field {
    /// Whether it is called what sayings are called.
    pub(super) fn is_named_so(&self) -> bool {
        is_named_so(&self.name)
    }
}

/// Whether something is called what sayings are called.
pub(super) fn is_named_so(name: &str) -> bool {
    NAMES.contains(&name.rsplit('_').next().unwrap_or(name))
}

/// All that is known of the source.
#[derive(Default)]
pub(super) struct Known {
    pub(super) fields: Vec<Field>,
    /// What fields of a name hold.
    of_name: BTreeMap<String, BTreeSet<Holds>>,
    /// Functions that give a sentence.
    giving: BTreeSet<String>,
}

impl Known {
    /// Takes in what a file declares.
    pub(super) fn take_in(&mut self, file: &syn::File) {
        let mut declared = Declared { owner: String::new(), known: self };
        declared.visit_file(file);
    }

    /// Whether a field of that name may hold a sentence.
    pub(super) fn may_say(&self, name: &str) -> bool {
        let held = self.of_name.get(name);
        held.is_some_and(|held| held.contains(&Holds::Sentence))
            || (is_named_so(name) && held.is_none_or(|held| held.contains(&Holds::Text)))
    }

    /// Whether a function of that name gives a sentence.
    pub(super) fn gives(&self, name: &str) -> bool {
        self.giving.contains(name)
    }

    /// Whether something else is called so, too, so that the name alone does not tell.
    pub(super) fn is_doubtful(&self, name: &str) -> bool {
        self.of_name.get(name).is_some_and(|held| held.contains(&Holds::Other))
    }

    /// What the field of a type or of a variant holds, where it is one of the source's own.
    pub(super) fn field(&self, owner: &str, name: &str) -> Option<Holds> {
        let ends = |field: &&Field| field.owner.rsplit("::").next() == Some(owner);
        let mut found = self.fields.iter().filter(ends).filter(|field| field.name == name);
        let first = found.next()?;
        found.all(|other| other.holds == first.holds).then_some(first.holds)
    }

    fn note(&mut self, name: String, holds: Holds) {
        self.of_name.entry(name).or_default().insert(holds);
    }
}

struct Declared<'a> {
    owner: String,
    known: &'a mut Known,
}

impl<'ast> Visit<'ast> for Declared<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(is_of_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.owner = item.ident.to_string();
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        for variant in &item.variants {
            self.owner = format!("{}::{}", item.ident, variant.ident);
            visit::visit_variant(self, variant);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        let Some(name) = &field.ident else { return };
        let (name, holds) = (name.to_string(), holds(&field.ty));
        self.known.note(name.clone(), holds);
        self.known.fields.push(Field { owner: self.owner.clone(), name, holds });
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let ReturnType::Type(_, of) = &signature.output
            && holds(of) == Holds::Sentence
        {
            self.known.giving.insert(signature.ident.to_string());
        }
    }
}

/// Whether an item is there for tests alone.
pub(crate) fn is_of_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("test")
        || attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

/// What a type holds, in whatever it is wrapped.
pub(super) fn holds(of: &Type) -> Holds {
    match of {
        Type::Reference(of) => holds(&of.elem),
        Type::Slice(of) => holds(&of.elem),
        Type::Array(of) => holds(&of.elem),
        Type::Paren(of) => holds(&of.elem),
        Type::Path(of) => {
            let Some(last) = of.path.segments.last() else { return Holds::Other };
            let name = last.ident.to_string();
            match (name.as_str(), &last.arguments) {
                ("Sentence", _) => Holds::Sentence,
                ("String" | "str", _) => Holds::Text,
                (name, PathArguments::AngleBracketed(of)) if AROUND.contains(&name) => {
                    let types = of.args.iter().filter_map(|of| match of {
                        GenericArgument::Type(of) => Some(of),
                        _ => None,
                    });
                    // Of a result its error may be what is said.
                    types.map(holds).min().unwrap_or(Holds::Other)
                }
                (_, _) => Holds::Other,
            }
        }
        _ => Holds::Other,
    }
}
