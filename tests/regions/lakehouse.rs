//! What the embedded lakehouse promises beside the contract.

mod embedded;
mod months;
mod small;
mod strangers;
