//! The screen of `repute top`.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Table, Wrap};
use repute_proto::v1;

use super::state::{Over, State};
use super::summary;
use crate::client::score::Sort;
use crate::client::treatment::fitted;
use crate::client::units::{brief, short};

/// Characters that a treatment may take.
const TREATMENT: usize = 19;

const HELP: &str = "\
s  sort by score, the lowest first
r  sort by packets per second
t  sort by treatment, the hardest first
↑ ↓ PageUp PageDown Home End  select
Enter  explain the selected source
?  this help
q  quit

Any key goes back.";

/// Draws everything.
pub fn draw(frame: &mut Frame, state: &mut State) {
    let rows = [Constraint::Length(1), Constraint::Min(3), Constraint::Length(1)];
    let [head, body, foot] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Line::from(summary(&state.look)), head);
    let table = table(&state.look.rows, state.sort());
    frame.render_stateful_widget(table, body, &mut state.table);
    frame.render_widget(footer(state), foot);
    match &state.over {
        Over::Nothing => {}
        Over::Help => over(frame, body, "Keys", HELP, 0),
        Over::Explanation(text, from) => over(frame, body, "Why (↑ ↓ scroll)", text, *from),
    }
}

fn footer(state: &State) -> Line<'static> {
    match &state.trouble {
        Some(trouble) => Line::styled(trouble.clone(), Color::Red),
        None => Line::styled("s score  r rate  t treatment  Enter explain  ? help  q quit", Modifier::DIM),
    }
}

fn over(frame: &mut Frame, area: Rect, title: &'static str, text: &str, from: u16) {
    let block = Block::bordered().title(title);
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }).scroll((from, 0)).block(block), area);
}

fn table(rows: &[v1::SourceRow], sort: Sort) -> Table<'static> {
    let mark = |title: &str, by: Sort| {
        let style = if sort == by { Modifier::BOLD | Modifier::UNDERLINED } else { Modifier::BOLD };
        Cell::from(title.to_owned()).style(Style::from(style))
    };
    let plain = |title: &str| Cell::from(title.to_owned()).style(Style::from(Modifier::BOLD));
    let header = Row::new([
        plain("SOURCE"),
        mark("SCORE", Sort::Score),
        plain("BAND"),
        mark("TREATMENT", Sort::Treatment),
        mark("PKT/S", Sort::Rate),
        plain("BIT/S"),
        plain("   IDLE"),
    ]);
    let widths = [
        Constraint::Min(15),
        Constraint::Length(5),
        Constraint::Length(9),
        Constraint::Length(TREATMENT as u16),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(7),
    ];
    let highlight = Style::from(Modifier::REVERSED);
    Table::new(rows.iter().map(row), widths).header(header).row_highlight_style(highlight)
}

fn row(row: &v1::SourceRow) -> Row<'static> {
    Row::new([
        row.source.clone(),
        format!("{:>5}", row.score),
        row.band().name().to_owned(),
        fitted(row.treatment.as_ref(), TREATMENT),
        format!("{:>6}", short(row.packets_per_s.into())),
        format!("{:>6}", short(f64::from(row.bytes_per_s) * 8.0)),
        format!("{:>7}", brief(row.idle_ms.into())),
    ])
    .style(colour(row.band()))
}

fn colour(band: v1::Band) -> Style {
    match band {
        v1::Band::Malicious => Style::from(Color::Red),
        v1::Band::Poor => Style::from(Color::Yellow),
        v1::Band::Neutral => Style::from(Color::Cyan),
        v1::Band::Unspecified | v1::Band::Excellent | v1::Band::Good => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::Look;
    use super::*;

    fn screen(state: &mut State) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 14)).unwrap();
        terminal.draw(|frame| draw(frame, state)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn eighty_columns_hold_everything() {
        let treatment = v1::Treatment { text: "log+meter+block-new".into(), ..Default::default() };
        let row = v1::SourceRow {
            source: "2001:db8:7a01::/64".into(),
            score: 812,
            band: v1::Band::Poor.into(),
            treatment: Some(treatment),
            packets_per_s: 1234.0,
            ..Default::default()
        };
        let mut state = State::new(Sort::Rate);
        state.take(Ok(Look { rows: vec![row], sources: 1, ..Look::default() }));
        let text = screen(&mut state);
        for part in ["1 sources", "2001:db8:7a01::/64 ", "812", "poor", "log+meter+block-new", "1.2k", "0 ms"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        state.over = Over::Help;
        assert!(screen(&mut state).contains("explain the selected source"));
        state.trouble = Some("the connection broke".into());
        assert!(screen(&mut state).contains("the connection broke"));
    }
}
