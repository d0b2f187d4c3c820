//! From spanned TOML to config structs: one pass that finds every wrong key and value at once.
//!
//! A section starts as its defaults and each key of the file is laid over it ([`Overlay`]); what has
//! no parts is read whole ([`Scalar`]). The [`Reader`] remembers where every key stood, so that checks
//! across keys can point at them later.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Findings};
use crate::nearest::nearest;

/// A value of the file with its place.
pub(crate) type Node<'i> = Spanned<DeValue<'i>>;

/// A value without parts that are configured on their own.
pub(crate) trait Scalar: Sized {
    /// Reads the value, or reports why it is none.
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self>;
}

/// A setting that has a value already, over which the file's is laid.
pub(crate) trait Overlay {
    /// Takes over what the file says and reports what it cannot.
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader);
}

impl<T: Scalar> Overlay for T {
    fn overlay(&mut self, node: &Node<'_>, reader: &mut Reader) {
        if let Some(value) = T::read(node, reader) {
            *self = value;
        }
    }
}

impl<T: Scalar> Scalar for Option<T> {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        T::read(node, reader).map(Some)
    }
}

impl<T: Scalar> Scalar for Vec<T> {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let Some(array) = node.get_ref().as_array() else {
            reader.expected(node, "a list");
            return None;
        };
        let read = |(i, node)| reader.inside(&format!("[{i}]"), node, T::read);
        Some(array.iter().enumerate().filter_map(read).collect())
    }
}

impl Scalar for bool {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let value = node.get_ref().as_bool();
        if value.is_none() {
            reader.expected(node, "`true` or `false`");
        }
        value
    }
}

/// Where every key of the file stood, by its dotted path.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, Range<usize>>);

impl Places {
    /// Whether the file has this key.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The place of a key, or of the nearest table around it; the start of the file at last.
    pub(crate) fn of(&self, path: &str) -> Range<usize> {
        let mut path = path;
        loop {
            if let Some(span) = self.0.get(path) {
                return span.clone();
            }
            match path.rfind(['.', '[']) {
                Some(dot) => path = &path[..dot],
                None => return 0..0,
            }
        }
    }

    /// Every key that begins with `prefix`, with its place.
    pub(crate) fn under(&self, prefix: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
        let from = self.0.range(prefix.to_owned()..);
        from.take_while(move |(path, _)| path.starts_with(prefix)).map(|(p, span)| (p.as_str(), span.clone()))
    }
}

/// The state of one pass over a file.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    path: String,
    pub(crate) places: Places,
    pub(crate) findings: Findings,
    broken: Vec<String>,
}

impl Reader {
    /// The dotted path of the value being read, as people should see it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Keeps a mistake in the value at hand.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.broken.push(self.path.clone());
        self.findings.push(diagnostic);
    }

    /// Keeps a mistake in what stands at `place`, read before, with what to do about it.
    pub(crate) fn report_at(&mut self, place: &str, message: String, label: &str) {
        let found = Diagnostic::new(self.places.of(place), message);
        self.findings.push(found.label(label));
    }

    /// Whether everything at and below `path` could be read: only then may checks trust it.
    pub(crate) fn sound(&self, path: &str) -> bool {
        let below = |broken: &String| {
            broken.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        !self.broken.iter().any(below)
    }

    /// What `read` made, unless it had something to report.
    pub(crate) fn whole<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let before = self.broken.len();
        let value = read(self);
        (self.broken.len() == before).then_some(value)
    }

    /// Reports that the value at hand is not what is expected here.
    pub(crate) fn expected(&mut self, node: &Node<'_>, expected: &str) {
        self.reject(node, format!("expected {expected}, found {}", found(node.get_ref())), None);
    }

    /// Reports that the value at hand has the right type and yet will not do.
    pub(crate) fn reject(&mut self, node: &Node<'_>, label: String, help: Option<String>) {
        let mut diagnostic =
            Diagnostic::new(node.span(), format!("bad value for `{}`", self.path)).label(label);
        if let Some(help) = help {
            diagnostic = diagnostic.help(help);
        }
        self.report(diagnostic);
    }

    /// The text of a string, or a report of what was expected.
    pub(crate) fn text<'a>(&mut self, node: &'a Node<'_>, expected: &str) -> Option<&'a str> {
        let text = node.get_ref().as_str();
        if text.is_none() {
            self.expected(node, expected);
        }
        text
    }

    /// Runs `read` one step deeper: below a key, or (`[3]`) at an item of a list.
    pub(crate) fn inside<R>(
        &mut self,
        step: &str,
        node: &Node<'_>,
        read: impl FnOnce(&Node<'_>, &mut Self) -> R,
    ) -> R {
        let above = self.path.len();
        if above > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        self.places.0.insert(self.path.clone(), node.span());
        let result = read(node, self);
        self.path.truncate(above);
        result
    }

    /// The table at hand, or a report.
    pub(crate) fn table<'a, 'i>(&mut self, node: &'a Node<'i>) -> Option<&'a DeTable<'i>> {
        let table = node.get_ref().as_table();
        if table.is_none() {
            self.expected(node, "a table");
        }
        table
    }

    /// Reads the known keys of a table by `read`, reports unknown ones and required ones that are missing.
    pub(crate) fn keys(
        &mut self,
        node: &Node<'_>,
        known: &[&str],
        required: &[&str],
        mut read: impl FnMut(&mut Self, &str, &Node<'_>),
    ) {
        let Some(table) = self.table(node) else { return };
        for (key, value) in table {
            if known.contains(&key.get_ref().as_ref()) {
                let key = key.get_ref();
                self.inside(key, value, |value, reader| read(reader, key, value));
            } else {
                self.unknown(key.get_ref(), key.span(), known);
            }
        }
        for key in required.iter().filter(|key| !table.contains_key(**key)) {
            let message = format!("`{}` needs `{key}`", self.path);
            self.report(Diagnostic::new(node.span(), message).label(format!("`{key}` is missing")));
        }
    }

    fn unknown(&mut self, key: &str, span: Range<usize>, known: &[&str]) {
        let place = if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
        let label = nearest(key, known.iter().copied())
            .map_or("not a key here".to_owned(), |near| format!("did you mean `{near}`?"));
        let diagnostic = Diagnostic::new(span, format!("unknown key `{}`{place}", key.escape_debug()))
            .label(label)
            .help(format!("known keys are {}", listed(known.iter().copied())));
        self.report(diagnostic);
    }
}

/// `a`, `b`, `c`: the words of a help text.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Makes a struct readable: every field is a key of the same name. With `fn NAME of` it becomes a
/// method, for structs that have something to do before their keys are read; with `keys of` it reads one key at a time,
/// for structs that share a table with another one.
macro_rules! table {
    ($name:ident { $($key:ident),+ $(,)? } $(requires $($must:literal),+)?) => {
        impl crate::read::Overlay for $name {
            fn overlay(&mut self, node: &crate::read::Node<'_>, reader: &mut crate::read::Reader) {
                self.overlay_keys(node, reader);
            }
        }

        crate::read::table!(fn overlay_keys of $name { $($key),+ } $(requires $($must),+)?);
    };
    (fn $method:ident of $name:ident { $($key:ident),+ $(,)? } $(requires $($must:literal),+)?) => {
        crate::read::table!(keys of $name { $($key),+ });

        impl $name {
            fn $method(&mut self, node: &crate::read::Node<'_>, reader: &mut crate::read::Reader) {
                let required: &[&str] = &[$($($must),+)?];
                reader.keys(node, Self::KEYS, required, |reader, key, value| self.overlay_key(key, value, reader));
            }
        }
    };
    (keys of $name:ident { $($key:ident),+ $(,)? }) => {
        impl $name {
            pub(crate) const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

            pub(crate) fn overlay_key(
                &mut self,
                key: &str,
                value: &crate::read::Node<'_>,
                reader: &mut crate::read::Reader,
            ) {
                // No `..`: a field that is not a key here does not compile.
                let Self { $($key),+ } = self;
                match key {
                    $(stringify!($key) => crate::read::Overlay::overlay($key, value, reader),)+
                    _ => {}
                }
            }
        }
    };
}
pub(crate) use table;
