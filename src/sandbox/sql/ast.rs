//! What a statement says, once it was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::ArrayRef;

use super::error::Result;
use super::kind::Kind;
use super::members::Members;
use super::spell::wire;
use crate::lakehouse::delta::ColumnPlace;

/// A statement.
#[derive(Debug, Clone)]
pub(super) enum ParsedStatement {
    Query(Query),
    Show(ShowStatement),
    DescribeHistory {
        target: TableTarget,
        limit: Option<usize>,
    },
    DescribeDetail(TableTarget),
    DescribeTable {
        target: TableTarget,
        extended: bool,
    },
    DescribeColumn {
        target: TableTarget,
        column: Vec<String>,
    },
    List {
        url: String,
        limit: Option<usize>,
    },
    Clone(Clone_),
    CreateTable(CreateTable),
    CreateSchema(Vec<String>),
    Drop {
        target: TableTarget,
        if_exists: bool,
    },
    AddColumns {
        target: TableTarget,
        columns: Vec<AddedColumn>,
    },
    RenameColumn {
        target: TableTarget,
        column: Vec<String>,
        to: String,
    },
    DropColumns {
        target: TableTarget,
        columns: Vec<Vec<String>>,
        if_exists: bool,
    },
    SetProperties {
        target: TableTarget,
        properties: BTreeMap<String, String>,
    },
    Insert {
        target: TableTarget,
        columns: Option<Vec<String>>,
        rows: Query,
        overwrite: bool,
    },
    Update {
        target: TableTarget,
        set: Vec<(String, Expr)>,
        filter: Option<Expr>,
    },
    Delete {
        target: TableTarget,
        filter: Option<Expr>,
    },
    Merge(Merge),
    Restore {
        target: TableTarget,
        at: TimeTravel,
    },
    Optimize(TableTarget),
    Vacuum {
        target: TableTarget,
        how: Vacuuming,
    },
    Repair(TableTarget),
    Grant(GrantStatement),
    /// `USE`: holds for its own statement, each being a session.
    Use {
        catalog: Option<String>,
        schema: Option<String>,
    },
}

impl ParsedStatement {
    /// Whether it changes anything.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Query(_)
            | Self::Show(_)
            | Self::DescribeHistory { .. }
            | Self::DescribeDetail(_)
            | Self::DescribeTable { .. }
            | Self::DescribeColumn { .. }
            | Self::List { .. }
            | Self::Use { .. } => false,
            Self::Clone(_)
            | Self::CreateTable(_)
            | Self::CreateSchema(_)
            | Self::Drop { .. }
            | Self::AddColumns { .. }
            | Self::RenameColumn { .. }
            | Self::DropColumns { .. }
            | Self::SetProperties { .. }
            | Self::Insert { .. }
            | Self::Update { .. }
            | Self::Delete { .. }
            | Self::Merge(_)
            | Self::Restore { .. }
            | Self::Optimize(_)
            | Self::Repair(_)
            | Self::Grant(_) => true,
            // A dry run names files alone.
            Self::Vacuum { how, .. } => !how.dry_run,
        }
    }
}

/// A table by name or by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TableTarget {
    /// One to three parts.
    Name(Vec<String>),
    /// ``delta.`path` ``.
    Path(String),
}

/// A point of a table's history.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimeTravel {
    Version(u64),
    Time(Expr),
}

/// The list commands.
#[derive(Debug, Clone)]
pub(super) enum ShowStatement {
    Locations {
        like: Option<String>,
    },
    Catalogs {
        like: Option<String>,
    },
    Schemas {
        catalog: Option<String>,
        like: Option<String>,
    },
    /// Of one schema: its name, or a catalog's and its; the session's where none is said.
    Tables {
        schema: Vec<String>,
        like: Option<String>,
    },
    /// Of every schema of a catalog that fits, or of all catalogs, as drivers ask.
    AllTables {
        catalog: Option<String>,
        schemas_like: Option<String>,
        like: Option<String>,
    },
    Columns(TableTarget),
    /// Of every table of a catalog that fits, in one list.
    AllColumns {
        catalog: String,
        schemas_like: Option<String>,
        tables_like: Option<String>,
        like: Option<String>,
    },
    Properties {
        target: TableTarget,
        key: Option<String>,
    },
    Grants {
        kind: String,
        name: Vec<String>,
    },
}

/// `CREATE [OR REPLACE] TABLE … CLONE …`.
#[derive(Debug, Clone)]
pub(super) struct Clone_ {
    pub(super) target: TableTarget,
    pub(super) replace: bool,
    pub(super) if_not_exists: bool,
    pub(super) shallow: bool,
    pub(super) source: TableTarget,
    pub(super) at: Option<TimeTravel>,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) location: Option<String>,
}

/// `CREATE [OR REPLACE] TABLE …`.
#[derive(Debug, Clone)]
pub(super) struct CreateTable {
    pub(super) target: TableTarget,
    pub(super) replace: bool,
    pub(super) if_not_exists: bool,
    pub(super) columns: Vec<(String, Kind)>,
    pub(super) partition_by: Vec<String>,
    pub(super) location: Option<String>,
    pub(super) properties: BTreeMap<String, String>,
    pub(super) query: Option<Query>,
}

/// A column that `ALTER TABLE … ADD COLUMNS` adds.
#[derive(Debug, Clone)]
pub(super) struct AddedColumn {
    /// The names of the structs that it is in, and its own.
    pub(super) path: Vec<String>,
    pub(super) kind: Kind,
    pub(super) comment: Option<String>,
    pub(super) place: ColumnPlace,
}

/// What `VACUUM` says of how.
#[derive(Debug, Clone)]
pub(super) struct Vacuuming {
    /// `RETAIN n HOURS`.
    pub(super) hours: Option<f64>,
    /// `LITE`: only files that the log names.
    pub(super) lite: bool,
    pub(super) dry_run: bool,
}

/// `MERGE INTO …`.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    pub(super) target: TableTarget,
    pub(super) alias: Option<String>,
    pub(super) source: FromItem,
    pub(super) on: Expr,
    pub(super) clauses: Vec<Clause>,
}

/// One `WHEN …` of a merge.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub(super) when: When,
    pub(super) filter: Option<Expr>,
    pub(super) action: MergeAction,
}

/// When a clause of a merge applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Matched,
    NotMatched,
    NotMatchedBySource,
}

/// What a clause of a merge does.
#[derive(Debug, Clone)]
pub(super) enum MergeAction {
    Delete,
    Update(Vec<(String, Expr)>),
    UpdateAll,
    Insert(Vec<String>, Vec<Expr>),
    InsertAll,
}

/// `GRANT` and `REVOKE`.
#[derive(Debug, Clone)]
pub(super) struct GrantStatement {
    pub(super) give: bool,
    pub(super) privileges: Vec<String>,
    /// `TABLE`, `SCHEMA`, `CATALOG`, `EXTERNAL LOCATION`.
    pub(super) kind: String,
    pub(super) name: Vec<String>,
    pub(super) principal: String,
}

/// `name [(column, …)] AS (query)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedQuery {
    pub(super) name: String,
    /// How its columns are called; none: as the query calls them.
    pub(super) columns: Vec<String>,
    pub(super) query: Query,
}

/// `SELECT … UNION SELECT … ORDER BY … LIMIT n`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub(super) with: Vec<NamedQuery>,
    pub(super) parts: Vec<Select>,
    /// Of so many parts together equal rows are one, as UNION without ALL wants it.
    pub(super) distinct_parts: usize,
    pub(super) order: Vec<Order>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

/// One part of `ORDER BY`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub(super) by: Expr,
    pub(super) down: bool,
    pub(super) nulls_first: bool,
}

/// What is selected, and what it is to be called.
pub(super) type SelectItem = (Expr, Option<String>);

/// One `SELECT`, or `VALUES` as one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Select {
    pub(super) distinct: bool,
    pub(super) items: Vec<SelectItem>,
    pub(super) from: Option<FromItem>,
    pub(super) filter: Option<Expr>,
    pub(super) group: GroupBy,
    /// Which groups are wanted.
    pub(super) having: Option<Expr>,
}

/// What rows are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GroupBy {
    /// These; none: the rows are one group where there is an aggregate.
    By(Vec<Expr>),
    /// Whatever is selected and no aggregate.
    All,
}

/// What rows come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FromItem {
    pub(super) of: FromSource,
    pub(super) alias: Option<String>,
    pub(super) columns: Vec<String>,
}

/// The kinds of relations.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FromSource {
    Table(TableTarget, Option<TimeTravel>),
    Query(Box<Query>),
    Values(Vec<Vec<Expr>>),
    History { target: TableTarget, limit: Option<usize> },
    Detail(TableTarget),
    Function(String, Vec<Expr>),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// A value: an array of one.
    Literal(ArrayRef),
    Marker(String),
    Column(Vec<String>),
    Star(Option<String>),
    /// The column at a place.
    At(usize),
    Call {
        name: String,
        args: Vec<Expr>,
        distinct: bool,
    },
    Cast {
        value: Box<Expr>,
        to: Kind,
        lenient: bool,
    },
    Binary(Box<Expr>, &'static str, Box<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    IsNull(Box<Expr>),
    In(Box<Expr>, Vec<Expr>),
    /// `value IN (SELECT …)`, as it is read.
    InQuery(Box<Expr>, Box<Query>),
    /// The same once the query was carried out.
    Among(Box<Expr>, Arc<Members>),
    Like(Box<Expr>, Box<Expr>),
    Case {
        of: Option<Box<Expr>>,
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
}

impl Expr {
    /// The expressions that it is made of.
    pub(super) fn parts(&self) -> Vec<&Expr> {
        match self {
            Expr::Literal(_) | Expr::Marker(_) | Expr::Column(_) | Expr::Star(_) | Expr::At(_) => {
                Vec::new()
            }
            Expr::Call { args, .. } => args.iter().collect(),
            Expr::Cast { value, .. } => vec![value],
            Expr::Not(inner) | Expr::Negative(inner) | Expr::IsNull(inner) => vec![inner],
            Expr::Member(value, _) | Expr::InQuery(value, _) | Expr::Among(value, _) => vec![value],
            Expr::Binary(one, _, two) | Expr::Like(one, two) | Expr::Index(one, two) => {
                vec![one, two]
            }
            Expr::In(value, list) => std::iter::once(&**value).chain(list).collect(),
            Expr::Case { of, arms, otherwise } => {
                let arms = arms.iter().flat_map(|(when, then)| [when, then]);
                let ends = [of, otherwise].into_iter().flatten().map(|it| &**it);
                ends.chain(arms).collect()
            }
        }
    }

    /// The same expression made of other parts.
    pub(super) fn with_parts(&self, part: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Expr> {
        let mut boxed = |expr: &Expr| part(expr).map(Box::new);
        Ok(match self {
            Expr::Literal(_) | Expr::Marker(_) | Expr::Column(_) | Expr::Star(_) | Expr::At(_) => {
                self.clone()
            }
            Expr::Call { name, args, distinct } => Expr::Call {
                name: name.clone(),
                args: args.iter().map(part).collect::<Result<_>>()?,
                distinct: *distinct,
            },
            Expr::Cast { value, to, lenient } => {
                Expr::Cast { value: boxed(value)?, to: to.clone(), lenient: *lenient }
            }
            Expr::Not(inner) => Expr::Not(boxed(inner)?),
            Expr::Negative(inner) => Expr::Negative(boxed(inner)?),
            Expr::IsNull(inner) => Expr::IsNull(boxed(inner)?),
            Expr::Member(value, name) => Expr::Member(boxed(value)?, name.clone()),
            Expr::InQuery(value, query) => Expr::InQuery(boxed(value)?, query.clone()),
            Expr::Among(value, members) => Expr::Among(boxed(value)?, members.clone()),
            Expr::Binary(one, sign, two) => Expr::Binary(boxed(one)?, sign, boxed(two)?),
            Expr::Like(one, two) => Expr::Like(boxed(one)?, boxed(two)?),
            Expr::Index(one, two) => Expr::Index(boxed(one)?, boxed(two)?),
            Expr::In(value, list) => {
                Expr::In(boxed(value)?, list.iter().map(part).collect::<Result<_>>()?)
            }
            Expr::Case { of, arms, otherwise } => Expr::Case {
                of: of.as_deref().map(&mut boxed).transpose()?,
                otherwise: otherwise.as_deref().map(&mut boxed).transpose()?,
                arms: arms
                    .iter()
                    .map(|(when, then)| Ok((part(when)?, part(then)?)))
                    .collect::<Result<_>>()?,
            },
        })
    }

    /// What a column of it is called where nobody gave it another name.
    pub(super) fn name(&self) -> String {
        match self {
            Expr::Column(parts) => parts.last().cloned().unwrap_or_default(),
            Expr::Member(_, name) => name.clone(),
            Expr::Literal(value) => {
                let text = wire(value, chrono_tz::Tz::UTC).pop().flatten();
                text.unwrap_or_else(|| "NULL".to_owned())
            }
            Expr::Marker(name) => name.clone(),
            Expr::Binary(left, sign, right) => {
                format!("({} {sign} {})", left.name(), right.name())
            }
            Expr::Call { name, args, distinct } => {
                let args: Vec<String> = args
                    .iter()
                    .map(|arg| match arg {
                        Expr::Star(_) => "1".to_owned(),
                        other => other.name(),
                    })
                    .collect();
                let distinct = if *distinct { "DISTINCT " } else { "" };
                format!("{}({distinct}{})", name.to_lowercase(), args.join(", "))
            }
            Expr::Cast { value, .. } => value.name(),
            _ => "expression".to_owned(),
        }
    }
}
