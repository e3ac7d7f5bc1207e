//! The heartbeat: a dead man's switch by the protocol of healthchecks.io, so that somebody hears of a scheduler that is dead.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::hook;
use crate::config::https_address;
use crate::secrets;
use crate::sentence::Sentence;

/// A check answers within this time, or is left alone.
const ANSWERING: Duration = Duration::from_secs(10);

/// What a check is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// A run began.
    Start,
    /// It ended well.
    Success,
    /// It did not.
    Fail,
}

/// Tells a check of a run; `run_id` is a ULID, which ties its start to its end.
///
/// # Errors
/// Why the check does not know, a fragment.
pub async fn beat(address: &SecretString, beat: Beat, run_id: &str) -> Result<(), Sentence> {
    let address = address.expose_secret();
    secrets::register(address);
    let base = https_address(address).map_err(|why| format!("its address {why}"))?;
    let url = url_of(base, beat, run_id);
    let http = hook::http(&url)?;
    let sent =
        http.get(url).timeout(ANSWERING).send().await.map_err(hook::describe_without_address)?;
    if sent.status().is_success() {
        Ok(())
    } else {
        Err(format!("it answered {}", sent.status()).into())
    }
}

fn url_of(mut url: Url, beat: Beat, run_id: &str) -> Url {
    let end = match beat {
        Beat::Start => Some("start"),
        Beat::Success => None,
        Beat::Fail => Some("fail"),
    };
    if let Some(end) = end
        && let Ok(mut segments) = url.path_segments_mut()
    {
        segments.pop_if_empty().push(end);
    }
    if let Ok(id) = run_id.parse::<ulid::Ulid>() {
        let id = uuid::Uuid::from_u128(id.0).to_string();
        url.query_pairs_mut().append_pair("rid", &id);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_and_the_end_of_a_run_have_one_id() {
        let base =
            || Url::parse("https://hc-ping.test/11111111-2222-3333-4444-555555555555").unwrap();
        let run = "01JDA2C7000000000000000000";
        let start = url_of(base(), Beat::Start, run);
        assert!(start.path().ends_with("555555555555/start"), "{start}");
        let end = url_of(base(), Beat::Success, run);
        assert_eq!(end.path(), base().path());
        assert_eq!(start.query(), end.query());
        assert!(start.query().unwrap().starts_with("rid=0193"), "{start}");
        assert!(url_of(base(), Beat::Fail, run).path().ends_with("/fail"));
    }
}
