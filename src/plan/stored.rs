//! A plan as bytes: sealed with digests when written, checked when read. Pure.

use chrono::{DateTime, Duration};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use ulid::Ulid;

use super::derived;
use super::document::{Certificate, Decision, Plan};
use super::finding::Finding;
use crate::formats::PLAN;
use crate::sentence::Sentence;
use crate::{canonical, harmless, moment};

/// A plan that was read back, with the digest of the very bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of the bytes: the file's identity.
    pub sha256: String,
    /// The bytes themselves, kept as evidence.
    pub bytes: Vec<u8>,
}

/// Why a stored plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoredPlanError {
    /// It is no plan, or one of a later drsync.
    #[error("read it as a plan: {0}")]
    Unreadable(String),
    /// It is not what drsync wrote.
    #[error("it was altered after it was made: {}", .0.why)]
    Altered(Box<Alteration>),
}

/// How a stored plan shows that it is not what drsync wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    /// Where it shows, a fragment.
    pub why: Sentence,
    /// What it says of itself beside what was computed.
    pub digests: Digests,
}

/// The digests of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Digests {
    /// Of what it does.
    pub effect_sha256: StatedDigest,
    /// Of the whole document.
    pub document_sha256: StatedDigest,
}

/// One digest of a plan: as the document states it, and as it was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Digest")]
pub struct StatedDigest {
    /// As the document states it; `None`: it does not.
    pub stated: Option<String>,
    /// As it was computed; `None`: the document cannot be read so far.
    pub computed: Option<String>,
}

impl StatedDigest {
    /// Whether the document states what was computed.
    pub fn agrees(&self) -> bool {
        self.stated.is_some() && self.stated == self.computed
    }
}

const DOCUMENT_DIFFERS: &str = "document_sha256 is not that of the document";

fn altered(digests: Digests, why: impl Into<Sentence>) -> StoredPlanError {
    StoredPlanError::Altered(Box::new(Alteration { why: why.into(), digests }))
}

/// The keys that hold digests.
const DIGESTS: [&str; 2] = ["effect_sha256", "document_sha256"];

impl Plan {
    /// Puts what is computed from all the rest into a finished plan: its counts and both digests.
    #[must_use]
    pub fn sealed(mut self) -> Plan {
        self.summary = super::summary(&self.workspaces);
        self.effect_sha256 = super::effect::sha256(&self);
        self.document_sha256 = document_sha256(&serde_json::to_value(&self).unwrap_or_default());
        self
    }

    /// The plan as it is stored: JSON with a line a field, and a newline at the end.
    ///
    /// # Panics
    /// If the plan cannot be written as JSON: it always can.
    pub fn stored(&self) -> StoredPlan {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a plan is JSON");
        bytes.push(b'\n');
        let bytes = harmless::json_bytes(bytes);
        StoredPlan { plan: self.clone(), sha256: canonical::sha256_of_bytes(&bytes), bytes }
    }
}

impl StoredPlan {
    /// Reads a stored plan, recomputes its digests, and derives again what follows from the rest of it.
    ///
    /// Unknown fields of a known major version are kept out of the plan but count in the document's digest.
    ///
    /// # Errors
    /// [`StoredPlanError`].
    pub fn read(bytes: &[u8]) -> Result<StoredPlan, StoredPlanError> {
        let unreadable = |why: &dyn std::fmt::Display| StoredPlanError::Unreadable(why.to_string());
        let text = canonical::without_mark(bytes);
        if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") {
            return Err(unreadable(
                &"it is UTF-16, as a shell on Windows redirects it: store it with plan --out",
            ));
        }
        let value: Value = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
        let kind = value.get("kind").and_then(Value::as_str);
        PLAN.check_kind(kind).map_err(|why| unreadable(&why))?;
        let version = value.get("format_version").and_then(Value::as_str).unwrap_or_default();
        PLAN.check_version(version).map_err(|why| unreadable(&why))?;
        let stated = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut digests = Digests {
            effect_sha256: StatedDigest { stated: stated("effect_sha256"), computed: None },
            document_sha256: StatedDigest {
                stated: stated("document_sha256"),
                computed: Some(document_sha256(&value)),
            },
        };
        let whole = digests.document_sha256.agrees();
        // A plan of thousands of tables is large: it is not held twice.
        drop(value);
        let plan: Plan = match serde_json::from_slice(text) {
            Ok(plan) => plan,
            Err(error) if whole && digests.effect_sha256.stated.is_some() => {
                return Err(unreadable(&error));
            }
            Err(_) => return Err(altered(digests, DOCUMENT_DIFFERS)),
        };
        digests.effect_sha256.computed = Some(super::effect::sha256(&plan));
        let follows = match (whole, digests.effect_sha256.agrees()) {
            (false, _) => Err(DOCUMENT_DIFFERS.to_owned()),
            (true, false) => Err("effect_sha256 is not that of what it does".to_owned()),
            (true, true) => agrees(&plan).and_then(|()| derived::check(&plan)),
        };
        follows.map_err(|why| altered(digests, why))?;
        Ok(StoredPlan { plan, sha256: canonical::sha256_of_bytes(bytes), bytes: bytes.to_vec() })
    }
}

/// Longer than any configuration lets a plan wait.
const MAX_AGE_HOURS: u32 = 8_760;
/// Plans of earlier versions took their id and their time from the clock one after the other.
const ID_APART: Duration = Duration::minutes(5);

/// Whether the times of a plan agree: nobody moved its end alone, or the moment at which it was made.
fn dated(plan: &Plan) -> Result<(), String> {
    let max_age = plan.max_age_hours.unwrap_or(MAX_AGE_HOURS);
    if max_age > MAX_AGE_HOURS
        || plan.expires_at > moment::later(plan.created_at, Duration::hours(i64::from(max_age)))
    {
        return Err("it expires later than a plan of its age may".to_owned());
    }
    let made = Ulid::from_string(&plan.plan_id).ok();
    let made = made.and_then(|id| {
        DateTime::from_timestamp_millis(i64::try_from(id.timestamp_ms()).unwrap_or_default())
    });
    let apart = if plan.is_of_first_version() { ID_APART } else { Duration::zero() };
    match made {
        Some(made) if (plan.created_at - made).abs() <= apart => Ok(()),
        Some(_) | None => Err("plan_id is not one of the moment at which it was made".to_owned()),
    }
}

/// Whether a plan agrees with itself as every plan does that was computed, whoever computed its digests.
fn agrees(plan: &Plan) -> Result<(), String> {
    dated(plan)?;
    if plan.applyable != super::applyable(&plan.workspaces) {
        return Err("applyable is not what its groups and metadata tables say".to_owned());
    }
    if plan.summary != super::summary(&plan.workspaces) {
        return Err("its summary does not count what its groups say".to_owned());
    }
    for (workspace, group) in plan.groups() {
        if group.decision != Decision::Sync {
            continue;
        }
        let wrong = |what: &str| Err(format!("{}: {what}", group.name));
        if group.findings.iter().any(Finding::blocks) {
            return wrong("it is to be synchronized although something blocks it");
        }
        if !workspace.observed.primary.reachable || !workspace.observed.secondary.reachable {
            return wrong("it is to be synchronized with a region that was away");
        }
        let (Some(point), Some(_)) = (group.recovery_point, group.consistency) else {
            return wrong("it is to be synchronized to no recovery point");
        };
        let certificate = super::group::certificate(&group.steps);
        if certificate != group.certificate {
            return wrong("its certificate is not that of its steps");
        }
        // A cut by a clock that was a little ahead is repaired at its own recovery point.
        let held = group.last_cut.as_ref().map(|cut| cut.recovery_point);
        let latest = held.map_or(plan.created_at, |held| plan.created_at.max(held));
        let holds = |certificate: &Certificate| {
            certificate.newest_in <= point
                && certificate.oldest_out.is_none_or(|out| point < out)
                && point <= latest
        };
        if !certificate.as_ref().is_none_or(holds) {
            return wrong("its recovery point is not one that its certificate allows");
        }
    }
    Ok(())
}

/// SHA-256 of the canonical JSON of a document without its digests.
fn document_sha256(document: &Value) -> String {
    match document.as_object() {
        Some(members) => canonical::sha256_without(members, &DIGESTS),
        None => canonical::sha256_of_value(document),
    }
}
