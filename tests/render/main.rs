//! Documents as people see them: whole texts, each a world in which everything agrees with one thing changed.

mod big;
mod builders;
mod cards;
mod diffs;
mod hostile;
mod html;
mod leaving;
mod markdowns;
mod nothing_to_do;
mod pages;
mod plans;
mod progress;
mod promises;
mod reworded;
mod runs;
mod shows;
mod statuses;
