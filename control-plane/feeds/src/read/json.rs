//! JSON (RFC 8259) read item by item, never as a whole.
//!
//! Every byte passes a guard that counts lines, nesting and the length of strings, so that neither the parser nor
//! anybody behind it grows with what a stranger writes.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::marker::PhantomData;
use std::rc::Rc;

use serde::de::{Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny};
use serde::de::{MapAccess, SeqAccess, Visitor};

use crate::collect::Mark;
use crate::limits::Limits;
use crate::read::Loose;
use crate::refusal::{Place, Refusal, Stop, Why};

/// So many keys beside the list are remembered.
const SIDE_KEYS_MAX: usize = 32;

/// A document that is read once.
pub(crate) struct Json<R: Read> {
    reader: serde_json::Deserializer<serde_json::de::IoRead<Guard<R>>>,
    line: Rc<Cell<u64>>,
}

impl<R: Read> Json<R> {
    pub fn new(reader: R, limits: &Limits) -> Self {
        let line = Rc::new(Cell::new(1));
        let guard = Guard {
            inner: BufReader::with_capacity(64 << 10, reader),
            line: Rc::clone(&line),
            depth: 0,
            string: None,
            escaped: false,
            limits: *limits,
        };
        Self { reader: serde_json::Deserializer::from_reader(guard), line }
    }

    /// The line that is being read; to be asked from inside a seed.
    pub fn line(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.line)
    }

    /// Reads the whole document with `seed`. What `seed` leaves in `own` is the error that counts.
    pub fn run<'de, S: DeserializeSeed<'de>>(
        mut self,
        feed: &str,
        seed: S,
        own: &Cell<Option<Refusal>>,
    ) -> Result<S::Value, Refusal> {
        let result = seed.deserialize(&mut self.reader).and_then(|value| self.reader.end().map(|()| value));
        result.map_err(|error| {
            own.take().unwrap_or_else(|| {
                let place = Place::Line(error.line().max(1) as u64);
                let why =
                    if error.is_io() { io::Error::from(error).into() } else { Why::Json(error.to_string()) };
                Refusal { feed: feed.to_owned(), place, why }
            })
        })
    }
}

/// Counts and limits what passes.
struct Guard<R> {
    inner: BufReader<R>,
    line: Rc<Cell<u64>>,
    depth: usize,
    /// Bytes of the string that has begun.
    string: Option<usize>,
    escaped: bool,
    limits: Limits,
}

impl<R: Read> Read for Guard<R> {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        for &byte in &buf[..read] {
            self.see(byte)?;
        }
        Ok(read)
    }
}

impl<R> Guard<R> {
    #[inline]
    fn see(&mut self, byte: u8) -> io::Result<()> {
        if byte == b'\n' {
            self.line.set(self.line.get() + 1);
        }
        match &mut self.string {
            Some(_) if byte == b'"' && !self.escaped => self.string = None,
            Some(length) => {
                self.escaped = byte == b'\\' && !self.escaped;
                *length += 1;
                if *length > self.limits.string {
                    return Err(Stop::String(self.limits.string).into());
                }
            }
            None => match byte {
                b'"' => self.string = Some(0),
                b'[' | b'{' => {
                    self.depth += 1;
                    if self.depth > self.limits.depth {
                        return Err(Stop::Depth(self.limits.depth).into());
                    }
                }
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            },
        }
        Ok(())
    }
}

/// What a document says beside its lists.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// Whether any of the lists was there.
    pub found: bool,
    scalars: Vec<(String, Loose)>,
}

impl Side {
    /// The scalar under `key` at the top.
    pub fn get(&self, key: &str) -> Option<&Loose> {
        self.scalars.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// Calls `each` for every item of the lists that stand under `keys` at the top of a document, or, where the
/// document is a list itself, of that (its key is then empty).
pub(crate) fn list_of<T: DeserializeOwned, R: Read>(
    json: Json<R>,
    feed: &str,
    keys: &[&'static str],
    mut each: impl FnMut(&'static str, T, Mark<'_>) -> Result<(), Refusal>,
) -> Result<Side, Refusal> {
    let own = Cell::new(None);
    let top = Top { keys, each: &mut each, own: &own, line: json.line(), of: PhantomData };
    json.run(feed, top, &own)
}

struct Top<'a, T, F> {
    keys: &'a [&'static str],
    each: &'a mut F,
    own: &'a Cell<Option<Refusal>>,
    line: Rc<Cell<u64>>,
    of: PhantomData<T>,
}

impl<'de, T, F> DeserializeSeed<'de> for Top<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(&'static str, T, Mark<'_>) -> Result<(), Refusal>,
{
    type Value = Side;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Side, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, F> Visitor<'de> for Top<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(&'static str, T, Mark<'_>) -> Result<(), Refusal>,
{
    type Value = Side;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_unit<E>(self) -> Result<Side, E> {
        Ok(Side { found: true, ..Side::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, seq: A) -> Result<Side, A::Error> {
        items(&mut self, "", seq)?;
        Ok(Side { found: true, ..Side::default() })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Side, A::Error> {
        let mut side = Side::default();
        while let Some(name) = map.next_key::<String>()? {
            if let Some(&key) = self.keys.iter().find(|key| **key == name) {
                side.found = true;
                map.next_value_seed(List { key, top: &mut self })?;
            } else if side.scalars.len() < SIDE_KEYS_MAX {
                let value = map.next_value()?;
                side.scalars.push((name, value));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(side)
    }
}

/// One list; `null` is an empty one.
struct List<'a, 'b, T, F> {
    key: &'static str,
    top: &'a mut Top<'b, T, F>,
}

impl<'de, T, F> DeserializeSeed<'de> for List<'_, '_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(&'static str, T, Mark<'_>) -> Result<(), Refusal>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, F> Visitor<'de> for List<'_, '_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(&'static str, T, Mark<'_>) -> Result<(), Refusal>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list under `{}`", self.key)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        items(self.top, self.key, seq)
    }
}

fn items<'de, T, F, A>(top: &mut Top<'_, T, F>, key: &'static str, mut seq: A) -> Result<(), A::Error>
where
    T: Deserialize<'de>,
    F: FnMut(&'static str, T, Mark<'_>) -> Result<(), Refusal>,
    A: SeqAccess<'de>,
{
    let pointer = if key.is_empty() { String::new() } else { format!("/{key}") };
    let mut number = 0;
    while let Some(item) = seq.next_element::<T>()? {
        let mark = Mark { line: top.line.get(), item: Some((&pointer, number)) };
        if let Err(refusal) = (top.each)(key, item, mark) {
            top.own.set(Some(refusal));
            return Err(A::Error::custom("stopped"));
        }
        number += 1;
    }
    Ok(())
}
