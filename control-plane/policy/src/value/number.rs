//! Plain numbers that carry their range in their type.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use toml::de::DeValue;

use crate::read::{Node, Reader, Scalar};

/// A whole number `MIN..=MAX`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Int<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Int<MIN, MAX> {
    /// The number nearest to `value` in the range.
    pub const fn new(value: u64) -> Self {
        Self(if value < MIN {
            MIN
        } else if value > MAX {
            MAX
        } else {
            value
        })
    }

    /// The number, `MIN..=MAX`.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Int<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64> Scalar for Int<MIN, MAX> {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let Some(number) = node.get_ref().as_integer() else {
            reader.expected(node, &format!("a whole number from {MIN} to {MAX}"));
            return None;
        };
        let value = u64::from_str_radix(number.as_str(), number.radix()).ok();
        let value = value.filter(|value| (MIN..=MAX).contains(value));
        if value.is_none() {
            reader.reject(node, format!("must be from {MIN} to {MAX}"), None);
        }
        value.map(Self)
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Int<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Int_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A finite number `MIN..=MAX`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Number<const MIN: u64, const MAX: u64>(f64);

/// A share, a probability, a score on the scale 0..1.
pub type Share = Number<0, 1>;

impl<const MIN: u64, const MAX: u64> Number<MIN, MAX> {
    /// The number nearest to `value` in the range; NaN becomes `MIN`.
    pub const fn new(value: f64) -> Self {
        if value.is_nan() { Self(MIN as f64) } else { Self(value.clamp(MIN as f64, MAX as f64)) }
    }

    /// The number, `MIN..=MAX`.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Number<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: u64, const MAX: u64> Scalar for Number<MIN, MAX> {
    fn read(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let value: Option<f64> = match node.get_ref() {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => {
                i128::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64)
            }
            _ => {
                reader.expected(node, &format!("a number from {MIN} to {MAX}"));
                return None;
            }
        };
        let value = value.filter(|value| (MIN as f64..=MAX as f64).contains(value));
        if value.is_none() {
            reader.reject(node, format!("must be from {MIN} to {MAX}"), None);
        }
        // Adding zero turns −0 into 0: one number, one spelling.
        value.map(|value| Self(value + 0.0))
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Number<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Number_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": MIN, "maximum": MAX })
    }
}
