//! Where code looks into something that is said to people: asks what is in it, takes it apart, compares it, decides by it.

use std::collections::BTreeSet;

use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprLit, Lit, Member, Pat, Token};

use super::fields::{Holds, Known, holds, is_named_so, is_of_tests};

/// What looks into a text.
const READS: [&str; 39] = [
    "contains",
    "starts_with",
    "ends_with",
    "strip_prefix",
    "strip_suffix",
    "split",
    "split_at",
    "split_once",
    "rsplit",
    "rsplit_once",
    "splitn",
    "rsplitn",
    "split_terminator",
    "split_inclusive",
    "split_whitespace",
    "split_ascii_whitespace",
    "trim_start_matches",
    "trim_end_matches",
    "trim_matches",
    "find",
    "rfind",
    "matches",
    "match_indices",
    "rmatch_indices",
    "replace",
    "replacen",
    "to_lowercase",
    "to_uppercase",
    "to_ascii_lowercase",
    "to_ascii_uppercase",
    "eq_ignore_ascii_case",
    "chars",
    "char_indices",
    "bytes",
    "as_bytes",
    "lines",
    "parse",
    "cmp",
    "partial_cmp",
];

/// What a variable is called that holds what is said, where nothing but its name tells.
const CALLED: [&str; 8] =
    ["message", "detail", "doing", "remedy", "reason", "hint", "why", "saying"];

/// What compares its argument with something.
const COMPARES: [&str; 5] = ["contains", "eq", "eq_ignore_ascii_case", "cmp", "partial_cmp"];

/// What gives the same text, or what holds it, again.
const PASSES: [&str; 27] = [
    "to_string",
    "clone",
    "cloned",
    "copied",
    "as_ref",
    "as_deref",
    "as_mut",
    "as_str",
    "to_owned",
    "into",
    "into_owned",
    "into_string",
    "borrow",
    "iter",
    "into_iter",
    "unwrap",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
    "expect",
    "ok",
    "err",
    "take",
    "filter",
    "or",
    "or_else",
    "by_ref",
];

/// Every reading of a file: `contains of message in judge`, with the names that are in the way of it.
pub(super) fn readings(known: &Known, file: &syn::File) -> Vec<String> {
    let mut reader = Reader {
        known,
        function: String::new(),
        held: BTreeSet::new(),
        called: BTreeSet::new(),
        found: vec![],
    };
    reader.visit_file(file);
    reader.found
}

struct Reader<'a> {
    known: &'a Known,
    /// The function that is read.
    function: String,
    /// Variables that hold what is said.
    held: BTreeSet<String>,
    /// Variables that are called as what is said, and nothing tells that they are something else.
    called: BTreeSet<String>,
    found: Vec<String>,
}

/// What an expression says, as far as names tell.
struct Said {
    name: String,
    /// Other things are called so, too.
    doubtful: bool,
    /// It is called so, and nothing else tells what it is.
    called: bool,
}

impl Reader<'_> {
    fn note(&mut self, how: &str, said: &Said) {
        self.found.push(format!("{how} of {} in {}", said.name, self.function));
    }

    /// What is said by an expression; `None`: nothing, as far as names tell.
    fn said(&self, of: &Expr) -> Option<Said> {
        match of {
            Expr::Field(of) => {
                let Member::Named(name) = &of.member else { return None };
                let name = name.to_string();
                let doubtful = self.known.is_doubtful(&name);
                self.known.may_say(&name).then_some(Said { name, doubtful, called: false })
            }
            Expr::Path(of) => {
                let name = of.path.get_ident()?.to_string();
                if self.held.contains(&name) {
                    return Some(Said { name, doubtful: false, called: false });
                }
                // By its name alone, whatever gave it.
                self.called.contains(&name).then_some(Said { name, doubtful: false, called: true })
            }
            Expr::MethodCall(of) => {
                let name = of.method.to_string();
                if PASSES.contains(&name.as_str()) {
                    return self.said(&of.receiver);
                }
                // A function of the source that gives a sentence.
                let gives = of.args.is_empty() && self.known.gives(&name);
                let doubtful = self.known.is_doubtful(&name);
                gives.then_some(Said { name, doubtful, called: false }).or_else(|| {
                    let maps =
                        of.method == "map" || of.method == "and_then" || of.method == "map_or";
                    self.said(&of.receiver).filter(|_| maps)
                })
            }
            Expr::Reference(of) => self.said(&of.expr),
            Expr::Paren(of) => self.said(&of.expr),
            Expr::Group(of) => self.said(&of.expr),
            Expr::Try(of) => self.said(&of.expr),
            Expr::Await(of) => self.said(&of.base),
            Expr::Unary(of) => self.said(&of.expr),
            Expr::Index(of) => self.said(&of.expr),
            Expr::Tuple(of) => of.elems.iter().find_map(|of| self.said(of)),
            _ => None,
        }
    }

    /// The variables of a pattern hold what is said.
    fn hold(&mut self, pattern: &Pat) {
        let mut names = Names::default();
        names.visit_pat(pattern);
        self.held.extend(names.0);
    }

    /// The variables of a pattern that takes apart what holds something that is said.
    fn hold_fields(&mut self, pattern: &Pat) {
        let mut taken = Taken { known: self.known, held: vec![] };
        taken.visit_pat(pattern);
        for (name, said) in taken.held {
            self.held.remove(&name);
            self.called.remove(&name);
            match said {
                Some(true) => drop(self.held.insert(name)),
                Some(false) => {}
                None if CALLED.contains(&name.as_str()) => drop(self.called.insert(name)),
                None => {}
            }
        }
    }

    /// Reads something whose variables are its own.
    fn within(&mut self, read: impl FnOnce(&mut Self)) {
        let before = (self.held.clone(), self.called.clone());
        read(self);
        (self.held, self.called) = before;
    }

    fn judge_patterns<'p>(
        &mut self,
        said: Option<Said>,
        patterns: impl IntoIterator<Item = &'p Pat>,
    ) {
        let Some(said) = said else { return };
        let literal = |pattern: &Pat| {
            let mut texts = Texts(false);
            texts.visit_pat(pattern);
            texts.0
        };
        if patterns.into_iter().any(literal) {
            self.note("match", &said);
        }
    }

    fn enter(&mut self, function: &syn::Signature, block: &syn::Block) {
        let before = std::mem::replace(&mut self.function, function.ident.to_string());
        self.within(|reader| {
            reader.held.clear();
            reader.called.clear();
            for input in &function.inputs {
                let syn::FnArg::Typed(input) = input else { continue };
                let held = holds(&input.ty);
                let Pat::Ident(name) = &*input.pat else { continue };
                let name = name.ident.to_string();
                if held == Holds::Sentence || (held == Holds::Text && is_named_so(&name)) {
                    reader.held.insert(name);
                }
            }
            reader.visit_block(block);
        });
        self.function = before;
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(is_of_tests) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !function.attrs.iter().any(is_of_tests) {
            self.enter(&function.sig, &function.block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.enter(&function.sig, &function.block);
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.within(|reader| visit::visit_block(reader, block));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        visit::visit_local(self, local);
        let said = local.init.as_ref().and_then(|init| self.said(&init.expr));
        match &said {
            Some(said) if !said.doubtful => self.hold(&local.pat),
            Some(_) | None => self.hold_fields(&local.pat),
        }
        self.judge_patterns(said, [&local.pat]);
    }

    fn visit_expr_let(&mut self, of: &'ast syn::ExprLet) {
        visit::visit_expr_let(self, of);
        let said = self.said(&of.expr);
        match &said {
            Some(said) if !said.doubtful => self.hold(&of.pat),
            Some(_) | None => self.hold_fields(&of.pat),
        }
        self.judge_patterns(said, [&*of.pat]);
    }

    fn visit_expr_if(&mut self, of: &'ast syn::ExprIf) {
        self.within(|reader| visit::visit_expr_if(reader, of));
    }

    fn visit_expr_match(&mut self, of: &'ast syn::ExprMatch) {
        self.visit_expr(&of.expr);
        let patterns = of.arms.iter().map(|arm| &arm.pat);
        self.judge_patterns(self.said(&of.expr), patterns);
        for arm in &of.arms {
            self.within(|reader| {
                match reader.said(&of.expr) {
                    Some(said) if !said.doubtful => reader.hold(&arm.pat),
                    Some(_) | None => reader.hold_fields(&arm.pat),
                }
                if let Some((_, guard)) = &arm.guard {
                    reader.visit_expr(guard);
                }
                reader.visit_expr(&arm.body);
            });
        }
    }

    fn visit_expr_closure(&mut self, of: &'ast syn::ExprClosure) {
        self.within(|reader| {
            for input in &of.inputs {
                reader.hold_fields(input);
            }
            reader.visit_expr(&of.body);
        });
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.visit_expr(&call.receiver);
        let method = call.method.to_string();
        let said = self.said(&call.receiver);
        let reads = READS.contains(&method.as_str());
        let by_text = call.args.iter().any(is_text);
        if let Some(said) = said.as_ref().filter(|said| reads && (!said.doubtful || by_text)) {
            self.note(&method, said);
        }
        if COMPARES.contains(&method.as_str()) {
            let compared = call.args.iter().find_map(|of| self.said(of));
            if let Some(said) = compared.filter(|said| !said.doubtful && !said.called) {
                self.note(&method, &said);
            }
        }
        for argument in &call.args {
            match (argument, &said) {
                // What is done with the text inside of what may hold one.
                (Expr::Closure(closure), Some(said)) if !said.doubtful => self.within(|reader| {
                    for input in &closure.inputs {
                        reader.hold(input);
                    }
                    reader.visit_expr(&closure.body);
                }),
                (argument, _) => self.visit_expr(argument),
            }
        }
    }

    fn visit_expr_binary(&mut self, of: &'ast syn::ExprBinary) {
        visit::visit_expr_binary(self, of);
        let compares = matches!(
            of.op,
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
        );
        for (side, other) in [(&of.left, &of.right), (&of.right, &of.left)] {
            let Some(said) = self.said(side).filter(|_| compares && !is_nothing(other)) else {
                continue;
            };
            if !(said.doubtful || said.called) || is_text(other) {
                self.note("comparison", &said);
                return;
            }
        }
    }

    fn visit_expr_index(&mut self, of: &'ast syn::ExprIndex) {
        visit::visit_expr_index(self, of);
        if let (Some(said), Expr::Range(_)) = (self.said(&of.expr), &*of.index) {
            self.note("a part", &said);
        }
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        if of.path.is_ident("matches") {
            let parts = |input: ParseStream| {
                let looked: Expr = input.parse()?;
                input.parse::<Token![,]>()?;
                let pattern = Pat::parse_multi_with_leading_vert(input)?;
                let guard: Option<Expr> = match input.parse::<Option<Token![if]>>()? {
                    Some(_) => Some(input.parse()?),
                    None => None,
                };
                input.parse::<Option<Token![,]>>()?;
                Ok((looked, pattern, guard))
            };
            let Ok((looked, pattern, guard)) = parts.parse2(of.tokens.clone()) else { return };
            let said = self.said(&looked);
            self.judge_patterns(said, [&pattern]);
            let mut inner = self.inner();
            inner.visit_expr(&looked);
            inner.hold_fields(&pattern);
            if let Some(guard) = &guard {
                inner.visit_expr(guard);
            }
            let found = inner.found;
            self.found.extend(found);
            return;
        }
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated;
        let Ok(arguments) = arguments.parse2(of.tokens.clone()) else { return };
        let mut inner = self.inner();
        for argument in &arguments {
            inner.visit_expr(argument);
        }
        let found = inner.found;
        self.found.extend(found);
    }
}

impl<'a> Reader<'a> {
    /// One for what is written within a macro.
    fn inner(&self) -> Reader<'a> {
        Reader {
            known: self.known,
            function: self.function.clone(),
            held: self.held.clone(),
            called: self.called.clone(),
            found: vec![],
        }
    }
}

fn is_text(of: &Expr) -> bool {
    match of {
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => true,
        Expr::Reference(of) => is_text(&of.expr),
        Expr::Call(of) => of.args.iter().any(is_text),
        _ => false,
    }
}

/// `None`: whether anything is said at all may be asked.
fn is_nothing(of: &Expr) -> bool {
    matches!(of, Expr::Path(of) if of.path.is_ident("None"))
}

/// The variables of a pattern.
#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, of: &'ast syn::PatIdent) {
        let name = of.ident.to_string();
        if name.starts_with(|first: char| first.is_lowercase()) {
            self.0.push(name);
        }
        visit::visit_pat_ident(self, of);
    }
}

/// The variables that a pattern takes out of fields, and whether what they hold is said, where that is known.
struct Taken<'a> {
    known: &'a Known,
    held: Vec<(String, Option<bool>)>,
}

impl<'ast> Visit<'ast> for Taken<'_> {
    fn visit_pat_struct(&mut self, of: &'ast syn::PatStruct) {
        let owner = of.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        for field in &of.fields {
            let Member::Named(name) = &field.member else { continue };
            let name = name.to_string();
            let said = match self.known.field(&owner, &name) {
                Some(holds) => {
                    holds == Holds::Sentence || (holds == Holds::Text && is_named_so(&name))
                }
                None => self.known.may_say(&name) && !self.known.is_doubtful(&name),
            };
            let said = Some(said);
            let mut names = Names::default();
            names.visit_pat(&field.pat);
            self.held.extend(names.0.into_iter().map(|name| (name, said)));
        }
        visit::visit_pat_struct(self, of);
    }

    fn visit_pat_ident(&mut self, of: &'ast syn::PatIdent) {
        if !self.held.iter().any(|(name, _)| of.ident == name) {
            self.held.push((of.ident.to_string(), None));
        }
        visit::visit_pat_ident(self, of);
    }
}

/// Whether a text stands in a pattern.
struct Texts(bool);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, _: &'ast syn::LitStr) {
        self.0 = true;
    }
}
