//! Numbers with a unit: durations, rates and sizes, exact to their base unit.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::read::{Node, Reader, Scalar, listed};

/// One kind of quantity: its units, ascending, each with its worth in base units.
pub trait Kind {
    /// What it is called in messages.
    const NAME: &'static str;
    /// An example for messages.
    const EXAMPLE: &'static str;
    /// Units that are written out, ascending; the first is the base unit.
    const UNITS: &'static [(&'static str, u64)];
    /// Further units that are understood.
    const ALSO: &'static [(&'static str, u64)] = &[];
}

/// The kinds of quantities.
pub mod kind {
    use super::Kind;

    macro_rules! kinds {
        ($($(#[doc = $doc:literal])+ $name:ident: $label:literal, $example:literal, $units:expr $(, $also:expr)?;)+) => {
            $($(#[doc = $doc])+
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
            pub struct $name;

            impl Kind for $name {
                const NAME: &'static str = $label;
                const EXAMPLE: &'static str = $example;
                const UNITS: &'static [(&'static str, u64)] = $units;
                $(const ALSO: &'static [(&'static str, u64)] = $also;)?
            })+
        };
    }

    kinds! {
        /// Time in milliseconds.
        Time: "a duration", "500ms",
            &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        /// Packets per second.
        Packets: "a packet rate", "100pps",
            &[("pps", 1), ("kpps", 1_000), ("Mpps", 1_000_000)];
        /// Bits per second on the wire.
        Bits: "a bit rate", "10Mbps",
            &[("bps", 1), ("kbps", 1_000), ("Mbps", 1_000_000), ("Gbps", 1_000_000_000)],
            &[("B/s", 8), ("kB/s", 8_000), ("MB/s", 8_000_000), ("GB/s", 8_000_000_000)];
        /// Bytes.
        Bytes: "a size", "64KiB",
            &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    }
}

/// A quantity `MIN..=MAX` in base units of its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Quantity<K, const MIN: u64, const MAX: u64>(u64, PhantomData<K>);

/// A duration, `MIN..=MAX` ms.
pub type Duration<const MIN: u64, const MAX: u64> = Quantity<kind::Time, MIN, MAX>;
/// A packet rate, 1 to 4 000 000 000 packets per second.
pub type PacketRate = Quantity<kind::Packets, 1, 4_000_000_000>;
/// A bit rate, 8 bit/s (one byte) to 1 Tbit/s.
pub type BitRate = Quantity<kind::Bits, 8, 1_000_000_000_000>;
/// A size, `MIN..=MAX` bytes.
pub type Size<const MIN: u64, const MAX: u64> = Quantity<kind::Bytes, MIN, MAX>;

impl<K: Kind, const MIN: u64, const MAX: u64> Quantity<K, MIN, MAX> {
    /// The quantity nearest to `value` base units in the range.
    pub const fn new(value: u64) -> Self {
        let value = if value < MIN { MIN } else { value };
        Self(if value > MAX { MAX } else { value }, PhantomData)
    }

    /// The quantity in base units: ms, packets per second, bits per second, bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    fn range() -> String {
        format!("from {} to {}", Self::new(MIN), Self::new(MAX))
    }
}

impl<K: Kind, const MIN: u64, const MAX: u64> fmt::Display for Quantity<K, MIN, MAX> {
    /// In the largest unit that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole =
            K::UNITS.iter().rev().find(|(_, worth)| self.0 >= *worth && self.0.is_multiple_of(*worth));
        match whole.or(K::UNITS.first()) {
            Some((unit, worth)) => write!(f, "{}{unit}", self.0 / worth),
            None => self.0.fmt(f),
        }
    }
}

impl<K: Kind, const MIN: u64, const MAX: u64> Serialize for Quantity<K, MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<K: Kind, const MIN: u64, const MAX: u64> Scalar for Quantity<K, MIN, MAX> {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = reader.text(node, &format!("{} as text, such as \"{}\"", K::NAME, K::EXAMPLE))?;
        let Some(value) = parse::<K>(text) else {
            let units = listed(K::UNITS.iter().chain(K::ALSO).map(|(unit, _)| *unit));
            let help = format!("write a number and one of the units {units}, such as \"{}\"", K::EXAMPLE);
            reader.reject(node, format!("not {}", K::NAME), Some(help));
            return None;
        };
        if !(MIN..=MAX).contains(&value) {
            reader.reject(node, format!("must be {}", Self::range()), None);
            return None;
        }
        Some(Self(value, PhantomData))
    }
}

/// Base units of `12ms` or `2.5Gbps`; `None` for another unit or less than a base unit of precision.
fn parse<K: Kind>(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let (_, worth) = K::UNITS.iter().chain(K::ALSO).find(|(name, _)| *name == unit.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.ends_with('.') || fraction.len() > 9 {
        return None;
    }
    let scale = 10u128.pow(fraction.len() as u32);
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let base = digits.checked_mul(u128::from(*worth)).filter(|_| !whole.is_empty())?;
    if base.is_multiple_of(scale) { u64::try_from(base / scale).ok() } else { None }
}

impl<K: Kind, const MIN: u64, const MAX: u64> JsonSchema for Quantity<K, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Quantity_{}_{MIN}_{MAX}", K::EXAMPLE).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let units: Vec<_> = K::UNITS.iter().chain(K::ALSO).map(|(unit, _)| *unit).collect();
        json_schema!({
            "type": "string",
            "title": format!("{} {}", K::NAME, Self::range()),
            "pattern": format!("^[0-9]+([.][0-9]{{1,9}})? *({})$", units.join("|")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::kind::{Bits, Bytes, Packets, Time};
    use super::*;

    #[test]
    fn units_are_exact() {
        assert_eq!(parse::<Time>("10m"), Some(600_000));
        assert_eq!(parse::<Time>("1.5s"), Some(1_500));
        assert_eq!(parse::<Packets>("2kpps"), Some(2_000));
        assert_eq!(parse::<Bits>("2.5Gbps"), Some(2_500_000_000));
        assert_eq!(parse::<Bits>("1MB/s"), Some(8_000_000));
        assert_eq!(parse::<Bytes>("64 KiB"), Some(65_536));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "10", "ms", "10 parsecs", "1.2.3s", ".5s", "5.s", "0.5ms", "-1s", "1e3s", "9s9"] {
            assert_eq!(parse::<Time>(text), None, "{text}");
        }
        assert_eq!(parse::<Bytes>("99999999999999999999GiB"), None);
    }

    #[test]
    fn every_value_has_one_spelling() {
        for (value, text) in [(0, "0ms"), (90_000, "90s"), (60_000, "1m"), (1_001, "1001ms")] {
            let duration = Duration::<0, 100_000>::new(value);
            assert_eq!(duration.to_string(), text);
            assert_eq!(parse::<Time>(text), Some(value));
        }
        assert_eq!(BitRate::new(10_000_000).to_string(), "10Mbps");
    }
}
