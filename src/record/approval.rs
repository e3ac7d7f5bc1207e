//! Who said yes to an apply, and how that can be shown later. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What approval an apply had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Approval {
    /// The plan's file was signed by the holder of a key that whoever ran the apply trusts.
    Signature {
        /// The public key, as minisign writes it.
        public_key: String,
        /// The comment that the signature covers.
        trusted_comment: String,
    },
    /// Whoever ran it named the effect that was reviewed.
    ExpectedEffect,
    /// Someone at the terminal was shown the plan and said yes.
    Prompt,
    /// Nobody looked: a stored plan, or `--auto-approve`.
    None,
}

impl Approval {
    /// On screen.
    pub fn as_str(&self) -> &'static str {
        match self {
            Approval::Signature { .. } => "signed",
            Approval::ExpectedEffect => "reviewed effect",
            Approval::Prompt => "approved at the terminal",
            Approval::None => "no approval",
        }
    }
}
