//! Figures in rows under their heads, fitted to the screen.

use super::phrase;
use crate::figures::plural;
use crate::layout::{UNBROKEN, hanging, width, words};
use crate::render::Style;
use crate::render::page::{PageRow, PageTable};

pub(super) fn lines(table: &PageTable, style: &Style) -> Vec<String> {
    let heads: Vec<&str> = table.heads.iter().map(|head| head.name.as_str()).collect();
    let counts = match table.quiet {
        Some((most, _)) => !style.verbose && table.rows.len() > most,
        None => false,
    };
    let told: Vec<&PageRow> = table.rows.iter().filter(|row| !(counts && row.quiet)).collect();
    let most = if style.verbose || told.len() <= table.most.saturating_add(1) {
        told.len()
    } else {
        table.most
    };
    let shown = &told[..most];
    let rows = shown.iter().map(|row| {
        let cells = row.cells.iter().map(|cell| phrase(cell, style));
        let further = row.further.iter().filter(|_| style.verbose);
        let below = row.below.iter().chain(further);
        let below = below.flat_map(|says| hanging("       ", &phrase(says, style), style.width));
        (cells.collect::<Vec<_>>(), below.collect())
    });
    let label = table.label.as_ref().map(|label| format!("{}:", phrase(label, style)));
    let mut all: Vec<String> = label.into_iter().collect();
    if !shown.is_empty() {
        all.extend(drawn(&heads, rows.collect(), style.width));
    }
    if let more @ 1.. = told.len() - most {
        let shows = table.all.as_ref().map(|command| format!(": {}", style.command(command)));
        let more = plural(more, &format!("more {}", table.noun));
        all.push(format!("  {more}{}", shows.unwrap_or_default()));
    }
    if let (more @ 1.., Some((_, says))) = (table.rows.len() - told.len(), table.quiet) {
        all.push(format!("  {}: {says}", plural(more, &format!("more {}", table.noun))));
    }
    all.extend(
        table.after.iter().flat_map(|after| hanging("  ", &phrase(after, style), style.width)),
    );
    all
}

/// Stands for the lines that belong to a row while its table is drawn; no text that is shown holds it.
const BELOW: &str = "\u{1}";

/// Rows without borders, under a heading, each with the lines that belong to it.
///
/// What is wider than the screen is wrapped within its cells; words are never broken, so that names can be copied.
fn drawn(heading: &[&str], rows: Vec<(Vec<String>, Vec<String>)>, columns: usize) -> Vec<String> {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(heading.to_vec());
    let mut longest: Vec<usize> = heading.iter().map(|head| width(head)).collect();
    let mut below = vec![];
    for (cells, lines) in rows {
        // A date and its time stay together, too.
        let whole = |cell: &String| {
            let words = words(cell).into_iter().map(|word| word.replace(' ', UNBROKEN));
            words.collect::<Vec<_>>().join(" ")
        };
        let cells: Vec<String> = cells.iter().map(whole).collect();
        for (cell, longest) in cells.iter().zip(&mut longest) {
            let words = cell.split(' ').map(width);
            *longest = words.chain([*longest]).max().unwrap_or(0);
        }
        table.add_row(cells);
        if !lines.is_empty() {
            table.add_row([BELOW]);
            below.push(lines);
        }
    }
    let lines_of = |table: &comfy_table::Table| -> Vec<String> {
        let drawn = table.to_string().replace(UNBROKEN, " ");
        drawn.lines().map(|line| format!(" {}", line.trim_end())).collect()
    };
    let mut lines = lines_of(&table);
    if lines.iter().any(|line| width(line) > columns) {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        table.set_width(u16::try_from(columns - 1).unwrap_or(u16::MAX));
        for (at, longest) in longest.into_iter().enumerate() {
            // A cell has a blank at either side.
            let least = u16::try_from(longest + 2).unwrap_or(u16::MAX);
            if let Some(column) = table.column_mut(at) {
                let least = comfy_table::Width::Fixed(least);
                column.set_constraint(comfy_table::ColumnConstraint::LowerBoundary(least));
            }
        }
        lines = lines_of(&table);
    }
    let mut below = below.into_iter();
    let lines = lines.into_iter();
    lines
        .flat_map(|line| {
            let told = if line.contains(BELOW) { below.next() } else { None };
            told.unwrap_or_else(|| vec![line])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_fitted_to_the_screen_and_no_word_of_it_is_broken() {
        let row = |group: &str, why: &str| (vec![group.to_owned(), why.to_owned()], vec![]);
        let rows = || vec![row("main.core.a_long_name", "a reason that is not short at all")];
        let whole = drawn(&["group", "why"], rows(), 80);
        assert_eq!(whole[1], "  main.core.a_long_name  a reason that is not short at all");
        let fitted = drawn(&["group", "why"], rows(), 48);
        assert!(fitted.len() > 2 && fitted.iter().all(|line| width(line) <= 48), "{fitted:#?}");
        assert!(fitted[1].starts_with("  main.core.a_long_name  a reason"), "{fitted:#?}");
        // Where even that is too narrow the name stays whole.
        let narrow = drawn(&["group", "why"], rows(), 20);
        assert!(narrow[1].contains("main.core.a_long_name"), "{narrow:#?}");
        let mut noted = rows();
        noted[0].1 = vec!["       by somebody".to_owned()];
        let noted = drawn(&["group", "why"], noted, 48);
        assert_eq!(noted.last().map(String::as_str), Some("       by somebody"), "{noted:#?}");
    }
}
