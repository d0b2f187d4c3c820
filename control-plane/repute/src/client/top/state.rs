//! What `repute top` shows and how keys change it. No terminal here.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::widgets::TableState;
use repute_proto::v1;

use super::Look;
use crate::client::explain;
use crate::client::score::Sort;

/// What is to be done after a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing but drawing.
    Go,
    /// Look again now.
    Look,
    /// Ask for an explanation of this source.
    Explain(String),
    /// End.
    Quit,
}

/// What lies over the list.
#[derive(Clone, PartialEq, Debug)]
pub enum Over {
    Nothing,
    Help,
    /// An explanation as text, from this line on.
    Explanation(String, u16),
}

/// The list, the selected source, and what lies over them.
#[derive(Debug)]
pub struct State {
    pub look: Look,
    pub over: Over,
    /// Why the last look failed.
    pub trouble: Option<String>,
    pub table: TableState,
    sort: Sort,
}

impl State {
    pub fn new(sort: Sort) -> Self {
        let table = TableState::default().with_selected(0);
        Self { look: Look::default(), over: Over::Nothing, trouble: None, table, sort }
    }

    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Takes a new look; the same source stays selected while it is in the list.
    pub fn take(&mut self, look: anyhow::Result<Look>) {
        match look {
            Err(error) => self.trouble = Some(format!("{error:#}")),
            Ok(look) => {
                let selected = self.selected().map(|row| row.source.clone());
                self.look = look;
                self.trouble = None;
                let again = self.look.rows.iter().position(|row| Some(&row.source) == selected.as_ref());
                self.select(again.or(self.table.selected()).unwrap_or(0));
            }
        }
    }

    pub fn explained(&mut self, explanation: anyhow::Result<v1::Explanation>) {
        match explanation {
            Ok(explanation) => self.over = Over::Explanation(explain::human(&explanation), 0),
            Err(error) => self.trouble = Some(format!("{error:#}")),
        }
    }

    fn selected(&self) -> Option<&v1::SourceRow> {
        self.look.rows.get(self.table.selected()?)
    }

    fn select(&mut self, at: usize) {
        self.table.select(Some(at.min(self.look.rows.len().saturating_sub(1))));
    }

    fn sort_by(&mut self, sort: Sort) -> Step {
        self.sort = sort;
        sort.sort(&mut self.look.rows);
        Step::Look
    }

    /// Scrolls what lies over the list, or takes it away.
    fn key_over(&mut self, code: KeyCode) {
        match (&mut self.over, code) {
            (Over::Explanation(text, from), KeyCode::Down | KeyCode::Char('j')) => {
                let last = text.lines().count().saturating_sub(1);
                *from = from.saturating_add(1).min(u16::try_from(last).unwrap_or(u16::MAX));
            }
            (Over::Explanation(_, from), KeyCode::Up | KeyCode::Char('k')) => *from = from.saturating_sub(1),
            (over, _) => *over = Over::Nothing,
        }
    }

    /// What a key does. With something over the list any key but q, and those that scroll, takes it away.
    pub fn key(&mut self, key: KeyEvent) -> Step {
        let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        if interrupt || key.code == KeyCode::Char('q') {
            return Step::Quit;
        }
        if self.over != Over::Nothing {
            self.key_over(key.code);
            return Step::Go;
        }
        let at = self.table.selected().unwrap_or(0);
        match key.code {
            KeyCode::Char('s') => return self.sort_by(Sort::Score),
            KeyCode::Char('r') => return self.sort_by(Sort::Rate),
            KeyCode::Char('t') => return self.sort_by(Sort::Treatment),
            KeyCode::Char('?' | 'h') => self.over = Over::Help,
            KeyCode::Down | KeyCode::Char('j') => self.select(at + 1),
            KeyCode::Up | KeyCode::Char('k') => self.select(at.saturating_sub(1)),
            KeyCode::PageDown => self.select(at + 20),
            KeyCode::PageUp => self.select(at.saturating_sub(20)),
            KeyCode::Home => self.select(0),
            KeyCode::End => self.select(usize::MAX),
            KeyCode::Enter => {
                if let Some(row) = self.selected() {
                    return Step::Explain(row.source.clone());
                }
            }
            _ => {}
        }
        Step::Go
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(sources: &[(&str, u32, f32)]) -> Look {
        let row = |&(source, score, packets_per_s): &(&str, u32, f32)| v1::SourceRow {
            source: source.into(),
            score,
            packets_per_s,
            ..Default::default()
        };
        Look { rows: sources.iter().map(row).collect(), ..Look::default() }
    }

    fn press(state: &mut State, code: KeyCode) -> Step {
        state.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn the_selected_source_stays_selected() {
        let mut state = State::new(Sort::Score);
        state.take(Ok(look(&[("a", 1, 1.0), ("b", 2, 2.0), ("c", 3, 3.0)])));
        press(&mut state, KeyCode::Down);
        state.take(Ok(look(&[("x", 0, 1.0), ("a", 1, 1.0), ("b", 2, 2.0)])));
        assert_eq!(press(&mut state, KeyCode::Enter), Step::Explain("b".into()));
        press(&mut state, KeyCode::End);
        press(&mut state, KeyCode::Down);
        state.take(Ok(look(&[("y", 0, 1.0)])));
        assert_eq!(press(&mut state, KeyCode::Enter), Step::Explain("y".into()));
        state.take(Ok(look(&[])));
        assert_eq!(press(&mut state, KeyCode::Enter), Step::Go);
    }

    #[test]
    fn keys_sort_help_and_quit() {
        let mut state = State::new(Sort::Score);
        state.take(Ok(look(&[("a", 1, 1.0), ("b", 2, 2.0)])));
        assert_eq!(press(&mut state, KeyCode::Char('r')), Step::Look);
        assert_eq!((state.sort(), state.look.rows[0].source.as_str()), (Sort::Rate, "b"));
        press(&mut state, KeyCode::Char('?'));
        assert_eq!(state.over, Over::Help);
        assert_eq!(press(&mut state, KeyCode::Enter), Step::Go);
        assert_eq!(state.over, Over::Nothing);
        assert_eq!(press(&mut state, KeyCode::Char('q')), Step::Quit);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(state.key(interrupt), Step::Quit);
    }

    #[test]
    fn explanations_scroll_and_go() {
        let mut state = State::new(Sort::Score);
        state.over = Over::Explanation("a\nb\nc".into(), 0);
        for (code, from) in [(KeyCode::Up, 0), (KeyCode::Down, 1), (KeyCode::Down, 2), (KeyCode::Down, 2)] {
            press(&mut state, code);
            assert_eq!(state.over, Over::Explanation("a\nb\nc".into(), from));
        }
        press(&mut state, KeyCode::Enter);
        assert_eq!(state.over, Over::Nothing);
    }

    #[test]
    fn trouble_keeps_the_last_picture() {
        let mut state = State::new(Sort::Score);
        state.take(Ok(look(&[("a", 1, 1.0)])));
        state.take(Err(anyhow::anyhow!("gone")));
        assert_eq!((state.look.rows.len(), state.trouble.as_deref()), (1, Some("gone")));
    }
}
