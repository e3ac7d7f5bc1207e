//! Whatever happens to requests of a round, between drsync and the service, the round ends as without it or says why not.

mod between;
mod round;

use futures::StreamExt as _;

use between::{Fault, Meeting};
use round::{Start, Trial};

/// Rounds at once: each waits for its own sandbox most of the time.
const AT_ONCE: usize = 4;

/// Each fault at each place of a round, where `taken` says so; every complaint at once.
async fn assert_harmless(start: Start, lasting: bool, taken: impl Fn(usize, usize, usize) -> bool) {
    let calm = Trial::new(start, None).await.go().await;
    let calm = calm.expect("nothing happens to a calm round");
    let places = calm.requests;
    assert!(places > 100, "{places} requests are no whole round");
    assert!(calm.registers_all(), "{calm:#?}");
    eprintln!("a calm round has {places} requests");
    let mut meetings = Vec::new();
    for (kind, fault) in Fault::ALL.into_iter().enumerate() {
        let chosen = (1..=places).filter(|place| taken(kind, *place, places));
        meetings.extend(chosen.map(|place| Meeting { place, fault, lasting }));
    }
    let calm = &calm;
    let complaints = futures::stream::iter(meetings)
        .map(async |meeting| {
            let complaint = match Trial::new(start, Some(meeting)).await.go().await {
                Ok(end) => end.differs_from(calm).err()?,
                Err(complaint) => complaint,
            };
            Some(format!("{meeting:?}: {complaint}"))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready);
    let complaints: Vec<String> = complaints.collect().await;
    assert!(
        complaints.is_empty(),
        "{} complaints\n\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
}

/// Every fourth kind of fault, at places all over the round; the four samples have every kind.
fn some(sample: usize) -> impl Fn(usize, usize, usize) -> bool {
    move |kind, place, places| {
        kind % 4 == sample && place == 1 + (sample * 23 + kind * 113) % places
    }
}

/// All of them, or the faults that `DRSYNC_TEST_FAULTS` names, `DropAfter,Half`, at the places of `DRSYNC_TEST_PLACES`, `1-40`.
fn all(kind: usize, place: usize, _places: usize) -> bool {
    let named = std::env::var("DRSYNC_TEST_FAULTS").unwrap_or_default();
    let fault = format!("{:?}", Fault::ALL[kind]);
    let places = std::env::var("DRSYNC_TEST_PLACES").unwrap_or_default();
    let inside = places.split_once('-').is_none_or(|(first, last)| {
        let [first, last] = [first, last].map(|text| text.parse::<usize>().unwrap());
        (first..=last).contains(&place)
    });
    inside && (named.is_empty() || named.split(',').any(|name| fault.starts_with(name)))
}

/// Makes a test of a sample of places, and one of all places that is asked for by name.
macro_rules! harmless {
    ($($some:ident, $any:ident: $start:ident, $lasting:literal, $sample:literal;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $some() {
            assert_harmless(Start::$start, $lasting, some($sample)).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "takes an hour"]
        async fn $any() {
            assert_harmless(Start::$start, $lasting, all).await;
        })*
    };
}

harmless! {
    a_fault_in_one_of_some_requests_of_a_first_round_does_no_harm,
        a_fault_in_any_request_of_a_first_round_does_no_harm: First, false, 0;
    a_fault_in_one_of_some_requests_of_a_later_round_does_no_harm,
        a_fault_in_any_request_of_a_later_round_does_no_harm: Later, false, 1;
    a_service_that_goes_wrong_in_the_middle_of_a_first_round_does_no_harm,
        a_service_that_goes_wrong_anywhere_in_a_first_round_does_no_harm: First, true, 2;
    a_service_that_goes_wrong_in_the_middle_of_a_later_round_does_no_harm,
        a_service_that_goes_wrong_anywhere_in_a_later_round_does_no_harm: Later, true, 3;
}
