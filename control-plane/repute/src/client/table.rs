//! Aligned columns without rules: readable at 80 columns, by people and by `awk`.

use repute_proto::v1::Band;

use super::output::{colour, has_colour};

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    Left,
    Right,
}

/// One cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    text: String,
    colour: &'static str,
}

impl<T: ToString> From<T> for Cell {
    fn from(value: T) -> Self {
        Self { text: value.to_string(), colour: "" }
    }
}

impl Cell {
    /// A band in its colour.
    pub fn band(band: Band) -> Self {
        Self { text: band.name().to_owned(), colour: colour(band) }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// Rows under a header. Numbers to the right, words to the left.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Align>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with this header; `<` before a title aligns its column to the left, `>` to the right.
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        let align = |title: &&str| if title.starts_with('>') { Align::Right } else { Align::Left };
        let titles = header.iter().map(|title| Cell::from(title.trim_start_matches(['<', '>'])));
        Self { columns: header.iter().map(align).collect(), rows: vec![titles.collect()] }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// The table as lines; in colour on a terminal.
    pub fn render(&self) -> String {
        self.lines(has_colour())
    }

    fn lines(&self, coloured: bool) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), align) in row.iter().zip(&widths).zip(&self.columns) {
                let space = " ".repeat(width - cell.width());
                let (before, after) =
                    if *align == Align::Right { (space, String::new()) } else { (String::new(), space) };
                let (on, off) =
                    if coloured && !cell.colour.is_empty() { (cell.colour, "\x1b[0m") } else { ("", "") };
                line.push_str(&format!("{before}{on}{}{off}{after}  ", cell.text));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_colours_take_no_room() {
        let mut table = Table::new(["<BAND", ">SCORE", "<WHAT"]);
        table.row([Cell::band(Band::Malicious), 7.into(), "x".into()]);
        table.row([Cell::band(Band::Good), 7500.into(), "yy".into()]);
        assert_eq!(table.lines(false), "BAND       SCORE  WHAT\nmalicious      7  x\ngood        7500  yy\n");
        assert_eq!(table.lines(true).lines().nth(1), Some("\x1b[31mmalicious\x1b[0m      7  x"));
    }
}
