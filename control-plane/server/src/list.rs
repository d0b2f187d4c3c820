//! Lists of sources, page by page and worker by worker.

use std::fmt;
use std::str::FromStr;

use repute_model::{Command, Filter, SourceRow};

use crate::post::Answer;
use crate::{Hub, HubError};

/// Rows of a page at most.
pub const PAGE_MAX: u16 = 256;

/// Where a list goes on. Its text form is opaque to callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PageToken {
    worker: u16,
    cursor: u32,
}

impl fmt::Display for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.worker, self.cursor)
    }
}

impl FromStr for PageToken {
    type Err = HubError;

    /// Reads what `Display` wrote; the empty text is the beginning.
    fn from_str(text: &str) -> Result<Self, HubError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let bad = || HubError::PageToken(text.chars().take(40).collect());
        let (worker, cursor) = text.split_once('-').ok_or_else(bad)?;
        Ok(Self { worker: worker.parse().map_err(|_| bad())?, cursor: cursor.parse().map_err(|_| bad())? })
    }
}

/// Some sources, and where the list goes on.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// The rows, in the order of one worker's table.
    pub rows: Vec<SourceRow>,
    /// The next page; `None` = this was the last.
    pub next: Option<PageToken>,
}

impl Hub {
    /// One page of the sources that pass `filter`: at most `max_rows`, clamped to 1..=[`PAGE_MAX`].
    ///
    /// A page may be short or empty and still have a next one. Sources that come or go meanwhile may be
    /// missed; none is reported twice unless it was given up and came back.
    ///
    /// # Errors
    /// A token of no worker, or a worker that is busy or lags.
    pub async fn list(&self, filter: Filter, from: PageToken, max_rows: u16) -> Result<Page, HubError> {
        let PageToken { worker, cursor } = from;
        if worker >= self.workers() {
            return Err(HubError::PageToken(from.to_string()));
        }
        let limit = max_rows.clamp(1, PAGE_MAX);
        let command = move |token| Command::List { token, cursor, limit, filter };
        let Answer::Page(rows, next) = self.ask(worker, command).await? else { return Err(HubError::Gone) };
        let here = next.map(|cursor| PageToken { worker, cursor });
        let there =
            || Some(PageToken { worker: worker + 1, cursor: 0 }).filter(|t| t.worker < self.workers());
        Ok(Page { rows, next: here.or_else(there) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_their_text() {
        let token = PageToken { worker: 3, cursor: 70_000 };
        assert_eq!(token.to_string().parse::<PageToken>().unwrap(), token);
        assert_eq!("".parse::<PageToken>().unwrap(), PageToken::default());
        for bad in ["x", "1", "1-", "-1", "70000-1", "1-5000000000"] {
            assert!(bad.parse::<PageToken>().is_err(), "{bad}");
        }
    }
}
