//! Rows and cuts of the metadata tables in words, of a plan and of what an apply did.

use crate::figures::plural;

/// `1 row to add, 2 to change`, and `3 cuts to copy`: each number with what happens to so many; what is zero is left out.
pub(super) fn count_rows_and_cuts(rows: [(usize, &str); 3], cuts: (usize, &str)) -> Vec<String> {
    let mut says: Vec<String> = vec![];
    for (number, what) in rows.into_iter().filter(|(number, _)| *number > 0) {
        says.push(if says.is_empty() {
            format!("{} {what}", plural(number, "row"))
        } else {
            format!("{number} {what}")
        });
    }
    if let (number @ 1.., what) = cuts {
        says.push(format!("{} {what}", plural(number, "cut")));
    }
    says
}
