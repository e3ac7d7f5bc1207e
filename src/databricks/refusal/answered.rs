//! What an answer of REST that refuses means: by its status and code and, where these do not tell, by what it says.

use reqwest::StatusCode;

use crate::region::RegionErrorKind;

/// Texts of refusals that pass although their status does not say so.
const PASSING: [&str; 9] = [
    "com.databricks.backend.manager.util.UnknownWorkerEnvironmentException",
    "does not have any associated worker environments",
    "There is no worker environment with id",
    "Unknown worker environment",
    "ClusterNotReadyException",
    "Unexpected error",
    "Please try again later or try a faster operation.",
    "RPC token bucket limit has been exceeded",
    "REQUEST_LIMIT_EXCEEDED",
];

/// Which kind of refusal it is.
pub(in crate::databricks) fn kind_of(
    status: StatusCode,
    code: &str,
    said: &str,
) -> RegionErrorKind {
    if code.ends_with("_DOES_NOT_EXIST")
        || matches!(code, "NOT_FOUND" | "FILES_API_RESOURCE_NOT_FOUND")
    {
        return RegionErrorKind::NotFound;
    }
    // Jobs answer an unknown id as a bad parameter.
    let unknown_id = code == "INVALID_PARAMETER_VALUE"
        && (said.starts_with("Job ") || said.starts_with("Run"))
        && (said.contains("does not exist") || said.contains("doesn't exist"));
    if unknown_id {
        return RegionErrorKind::NotFound;
    }
    match code {
        "PERMISSION_DENIED" | "CUSTOMER_UNAUTHORIZED" | "UNAUTHENTICATED" => {
            return RegionErrorKind::Denied;
        }
        "ABORTED" | "ALREADY_EXISTS" | "RESOURCE_ALREADY_EXISTS" | "RESOURCE_CONFLICT" => {
            return RegionErrorKind::Conflict;
        }
        "NOT_IMPLEMENTED" | "FEATURE_DISABLED" | "ENDPOINT_NOT_FOUND" => {
            return RegionErrorKind::Unsupported;
        }
        _ => {}
    }
    match status.as_u16() {
        401 | 403 => RegionErrorKind::Denied,
        404 => RegionErrorKind::NotFound,
        409 => RegionErrorKind::Conflict,
        501 => RegionErrorKind::Unsupported,
        408 | 429 | 500 | 502 | 503 | 504 => RegionErrorKind::Unavailable,
        _ => RegionErrorKind::Other,
    }
}

/// Whether it says that it will pass.
pub(in crate::databricks) fn passes(said: &str) -> bool {
    PASSING.iter().any(|text| said.contains(text))
}
