//! Sizes, counts, durations and moments as they are written on screen. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use ulid::Ulid;

pub(crate) use crate::text::{count, plural, plural_of, span};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const TIB: u64 = 1024 * GIB;

/// A size in KiB, MiB or GiB with one decimal: `1,402.0 GiB`, `0.5 KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let (number, unit) = in_unit(bytes);
    format!("{number} {unit}")
}

/// A size for a sentence: as [`bytes`], and in TiB where that is shorter.
pub(crate) fn bytes_short(size: u64) -> String {
    if size >= TIB { format!("{} TiB", in_units(size, TIB)) } else { bytes(size) }
}

/// `62.7 of 913.7 GiB`; the unit of the part only where it is another.
pub(crate) fn share(part: u64, whole: u64) -> String {
    let ((number, unit), (_, same)) = (in_unit(part), in_unit(whole));
    if unit == same {
        format!("{number} of {}", bytes(whole))
    } else {
        format!("{} of {}", bytes(part), bytes(whole))
    }
}

fn in_unit(bytes: u64) -> (String, &'static str) {
    match bytes {
        ..KIB => (bytes.to_string(), "B"),
        KIB..MIB => (in_units(bytes, KIB), "KiB"),
        MIB..GIB => (in_units(bytes, MIB), "MiB"),
        _ => (in_units(bytes, GIB), "GiB"),
    }
}

fn in_units(bytes: u64, unit: u64) -> String {
    let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    let whole = u64::try_from(tenths / 10).unwrap_or(u64::MAX);
    format!("{}.{}", count(whole), tenths % 10)
}

/// `1 group to sync, 1 blocked, 10 up to date`: what is zero is left out.
pub(crate) fn tally(parts: &[(usize, &str)]) -> String {
    tally_parts(parts).join(", ")
}

/// The parts of a tally; one of them at least.
pub(crate) fn tally_parts(parts: &[(usize, &str)]) -> Vec<String> {
    let mut said: Vec<String> = vec![];
    for (number, what) in parts.iter().filter(|(number, _)| *number > 0) {
        said.push(if said.is_empty() {
            format!("{}{what}", plural(*number, "group"))
        } else {
            format!("{}{what}", count(*number as u64))
        });
    }
    if said.is_empty() {
        said.push("no groups".to_owned());
    }
    said
}

/// How long something took: `9m12s`, `1h02m`, `0.8s`.
pub(crate) fn elapsed(took: Duration) -> String {
    let millis = took.num_milliseconds().max(0);
    match millis / 1000 {
        0..10 => format!("{}.{}s", millis / 1000, millis / 100 % 10),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => span(seconds),
    }
}

/// `2026-11-22 09:41:07Z`.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `2026-11-22 09:41Z`.
pub(crate) fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%MZ").to_string()
}

/// `09:41Z` on the day of `now`, else with its date.
pub(crate) fn minute_near(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at.date_naive() == now.date_naive() { at.format("%H:%MZ").to_string() } else { minute(at) }
}

/// The first eight characters of a digest.
pub(crate) fn short(digest: &str) -> &str {
    digest.char_indices().nth(8).map_or(digest, |(at, _)| &digest[..at])
}

/// How many characters at the end of an id tell it from all others of one screen.
///
/// The id of a plan or an apply begins with its time, so that what was made together looks alike there, and ends with what is its
/// alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ends(usize);

impl Ends {
    /// Characters that are shown in any case: fewer look like nothing, and are soon those of a second apply.
    const MIN: usize = 6;

    /// Of ids that stand on one screen; one that stands there twice is one.
    pub(crate) fn of<'a>(ids: impl IntoIterator<Item = &'a str>) -> Ends {
        let ids: BTreeSet<&str> = ids.into_iter().collect();
        let longest = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0);
        let differ = |length: &usize| {
            let ends: BTreeSet<&str> = ids.iter().map(|id| Ends(*length).end(id)).collect();
            ends.len() == ids.len()
        };
        Ends((Ends::MIN..longest).find(differ).unwrap_or(longest.max(Ends::MIN)))
    }

    /// The end of one of them. What is no id of drsync's own has no time at its beginning, and is shown whole: whoever does by hand
    /// what an apply would writes so.
    pub(crate) fn end(self, id: &str) -> &str {
        let Ends(length) = self;
        if Ulid::from_string(id).is_err() {
            return id;
        }
        id.char_indices().nth_back(length.saturating_sub(1)).map_or(id, |(at, _)| &id[at..])
    }
}

/// The end of an id that stands alone on its screen.
pub(crate) fn id_end(id: &str) -> &str {
    Ends::of([id]).end(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_and_stop_at_gib() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(1_402 * GIB), "1,402.0 GiB");
        assert_eq!(bytes_short(3_162 * GIB), "3.1 TiB");
        assert_eq!(bytes(u64::MAX), "17,179,869,184.0 GiB");
        assert_eq!(share(64 * MIB, 2 * GIB), "64.0 MiB of 2.0 GiB");
        assert_eq!(share(GIB, 2 * GIB), "1.0 of 2.0 GiB");
    }

    #[test]
    fn a_plan_and_its_apply_do_not_look_alike() {
        let (plan, run) = ("01KAN3M7Q1V5W8XT2Z4B6C8D0E", "01KAN3M7Q9R2TMH3K5N7Q9R2TM");
        assert_eq!((id_end(plan), id_end(run)), ("6C8D0E", "Q9R2TM"));
        assert_eq!(id_end("R"), "R");
        assert_eq!(id_end("by hand"), "by hand");
    }

    #[test]
    fn ends_are_as_long_as_tells_them_apart() {
        let ids = ["01KAN3M7Q1V5W8XT2Z4B6C8D0E", "01KAN3M7Q1V5W8XT2Z4A6C8D0E"];
        let ends = Ends::of(ids);
        assert_eq!(ids.map(|id| ends.end(id)), ["B6C8D0E", "A6C8D0E"]);
        assert_eq!(Ends::of([ids[0], ids[0]]).end(ids[0]), "6C8D0E");
        let one_in_the_other = ["C8D0E", "6C8D0E", "x6C8D0E"];
        let ends = Ends::of(one_in_the_other);
        assert_eq!(one_in_the_other.map(|id| ends.end(id)), one_in_the_other);
    }

    #[test]
    fn what_took_long_is_told_in_less_detail() {
        assert_eq!(elapsed(Duration::milliseconds(812)), "0.8s");
        assert_eq!(elapsed(Duration::seconds(59)), "59s");
        assert_eq!(elapsed(Duration::seconds(401)), "6m41s");
        assert_eq!(elapsed(Duration::seconds(3_720)), "1h02m");
    }
}
