//! What is wrong with a config: every mistake with its place, shown the way rustc shows errors.
//!
//! The reader and the checks collect [`Diagnostic`]s in [`Findings`]; [`Diagnostics`] joins them with
//! the text and goes to whoever asked: a terminal, the API, a log.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How many mistakes are kept; the rest is counted.
pub const DIAGNOSTICS_MAX: usize = 200;

/// One mistake. Spans are byte ranges of the config text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    span: Range<usize>,
    message: String,
    label: String,
    help: Option<String>,
    also: Option<(Range<usize>, String)>,
}

impl Diagnostic {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: String::new(), help: None, also: None }
    }

    /// What stands at the place itself.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The way out.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A second place that has to do with it.
    pub(crate) fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.also = Some((span, label.into()));
        self
    }

    /// What is wrong, in one line without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The way out, where there is one to name.
    pub fn way_out(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The bytes of the text that are at fault.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// Mistakes as they are found, bounded.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) items: Vec<Diagnostic>,
    pub(crate) more: usize,
}

impl Findings {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.items.len() < DIAGNOSTICS_MAX {
            self.items.push(diagnostic);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// Every mistake in one config text, in the order of the text; never empty.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", self.render(&Renderer::plain()))]
pub struct Diagnostics {
    name: String,
    text: String,
    items: Vec<Diagnostic>,
    more: usize,
}

impl Diagnostics {
    pub(crate) fn new(name: &str, text: &str, mut findings: Findings) -> Self {
        findings.items.sort_by_key(|d| (d.span.start, d.span.end));
        Self { name: name.to_owned(), text: text.to_owned(), items: findings.items, more: findings.more }
    }

    /// The mistakes, at most [`DIAGNOSTICS_MAX`].
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// How many more there are than [`items`](Self::items) holds.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Where a mistake begins: line and column (in characters), both counted from 1.
    pub fn position(&self, diagnostic: &Diagnostic) -> (usize, usize) {
        let before = &self.text[..clamp(&self.text, diagnostic.span.start)];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The report for a terminal with colours; `Display` gives the same without.
    pub fn coloured(&self) -> impl fmt::Display {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut out = String::new();
        for item in &self.items {
            out.push_str(&self.render_one(item, renderer));
            out.push_str("\n\n");
        }
        let total = self.items.len() + self.more;
        let count = if total == 1 { "1 error".to_owned() } else { format!("{total} errors") };
        let more = if self.more > 0 { format!(" (and {} more not shown)", self.more) } else { String::new() };
        out.push_str(&format!("{}: {count}{more}", self.name));
        out
    }

    fn render_one(&self, item: &Diagnostic, renderer: &Renderer) -> String {
        let primary = self.shown(&item.span);
        let also = item.also.as_ref().map(|(span, label)| (self.shown(span), label));
        // Only the lines that matter: the renderer walks all of its source for every message.
        let other = also.as_ref().map_or(primary.clone(), |(span, _)| span.clone());
        let window = self.lines(primary.start.min(other.start)..primary.end.max(other.end));
        let within = |span: Range<usize>| span.start - window.start..span.end - window.start;
        let first_line = self.text[..window.start].matches('\n').count() + 1;
        let primary = AnnotationKind::Primary.span(within(primary)).label(item.label.as_str());
        let mut snippet = Snippet::source(&self.text[window.clone()])
            .path(self.name.as_str())
            .line_start(first_line)
            .annotation(primary);
        if let Some((span, label)) = also {
            snippet = snippet.annotation(AnnotationKind::Context.span(within(span)).label(label.as_str()));
        }
        let mut group = Level::ERROR.primary_title(item.message.as_str()).element(snippet);
        if let Some(help) = &item.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }

    /// The span's first line, inside the text and on character boundaries.
    fn shown(&self, span: &Range<usize>) -> Range<usize> {
        let start = clamp(&self.text, span.start);
        let end = clamp(&self.text, span.end).max(start);
        let line_end = self.text[start..end].find(['\n', '\r']).map_or(end, |i| start + i);
        start..line_end
    }

    /// The whole lines around a span.
    fn lines(&self, span: Range<usize>) -> Range<usize> {
        let start = self.text[..span.start].rfind('\n').map_or(0, |i| i + 1);
        let end = self.text[span.end..].find('\n').map_or(self.text.len(), |i| span.end + i);
        start..end
    }
}

/// The nearest character boundary at or before `at`, inside `text`.
fn clamp(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}
