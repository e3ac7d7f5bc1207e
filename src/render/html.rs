//! Reports of documents as HTML.

mod group;
mod plan;

pub use plan::plan;

use super::writers::html::sheet::{
    Sheet, address, code, copied, document, facts, provenance, said, table, time,
};
