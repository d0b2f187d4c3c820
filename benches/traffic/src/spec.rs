//! Parameters as text, `key=value,key=value`: how flags of the program and tests describe a component.
//!
//! Every component's parameter struct implements [`Parameters`]; what a key accepts is said once, in its `set`,
//! and every refusal names flag, key, value and what would be accepted.

use std::ops::RangeInclusive;

/// Why a description was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The value does not fit its key.
    #[error("--{flag} {key}={value}: expected {expected}")]
    Value {
        /// The flag without its dashes.
        flag: &'static str,
        /// The key.
        key: String,
        /// What was given.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// No such key.
    #[error("--{flag} {key}=…: unknown key; known are {known}")]
    Key {
        /// The flag without its dashes.
        flag: &'static str,
        /// What was given.
        key: String,
        /// The keys there are.
        known: &'static str,
    },
    /// Not of the form `key=value`.
    #[error("--{flag} {text}: expected key=value pairs separated by commas; known keys are {known}")]
    Form {
        /// The flag without its dashes.
        flag: &'static str,
        /// What was given.
        text: String,
        /// The keys there are.
        known: &'static str,
    },
}

/// The parameters of one component.
pub trait Parameters: Default {
    /// Name of the flag that describes it, without dashes.
    const FLAG: &'static str;
    /// Its keys, for messages.
    const KEYS: &'static str;

    /// Takes one value.
    ///
    /// # Errors
    /// When the key is unknown or the value out of its range.
    fn set(&mut self, value: &Value<'_>) -> Result<(), SpecError>;

    /// Whether the values go together.
    ///
    /// # Errors
    /// When they do not.
    fn check(&self) -> Result<(), SpecError> {
        Ok(())
    }
}

/// Reads a description; keys that it leaves out keep their defaults.
///
/// # Errors
/// At the first pair that is not understood.
pub fn parse<P: Parameters>(text: &str) -> Result<P, SpecError> {
    let mut parameters = P::default();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| SpecError::Form {
            flag: P::FLAG,
            text: pair.to_owned(),
            known: P::KEYS,
        })?;
        parameters.set(&Value { flag: P::FLAG, known: P::KEYS, key: key.trim(), text: value.trim() })?;
    }
    parameters.check()?;
    Ok(parameters)
}

/// One `key=value` pair on its way into a parameter.
#[derive(Debug)]
pub struct Value<'a> {
    flag: &'static str,
    known: &'static str,
    /// The key, for the component to match on.
    pub key: &'a str,
    text: &'a str,
}

impl Value<'_> {
    /// A whole number in this range.
    ///
    /// # Errors
    /// When it is not one.
    pub fn count(&self, range: RangeInclusive<u32>) -> Result<u32, SpecError> {
        let fits = self.text.parse().ok().filter(|number| range.contains(number));
        fits.ok_or_else(|| self.refuse(&format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// Whether the value is this word.
    pub fn is(&self, word: &str) -> bool {
        self.text == word
    }

    /// A port, 1..=65535.
    ///
    /// # Errors
    /// When it is not one.
    pub fn port(&self) -> Result<u16, SpecError> {
        Ok(self.count(1..=65_535)? as u16)
    }

    /// The last number of a protected address, 1..=254.
    ///
    /// # Errors
    /// When it is not one.
    pub fn number(&self) -> Result<u8, SpecError> {
        Ok(self.count(1..=254)? as u8)
    }

    /// Events per second, 0.01..=1 000 000.
    ///
    /// # Errors
    /// When it is not one.
    pub fn rate(&self) -> Result<f64, SpecError> {
        self.real(0.01..=1_000_000.0, "a rate per second from 0.01 to 1000000")
    }

    /// A share, 0..=1.
    ///
    /// # Errors
    /// When it is not one.
    pub fn share(&self) -> Result<f64, SpecError> {
        self.real(0.0..=1.0, "a share from 0 to 1")
    }

    /// A span of time in microseconds, up to a day.
    ///
    /// # Errors
    /// When it is not one.
    pub fn time(&self) -> Result<u64, SpecError> {
        duration(self.text).map_err(|expected| self.refuse(expected))
    }

    /// One of these names.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, SpecError> {
        let found = choices.iter().find(|(name, _)| *name == self.text).map(|&(_, choice)| choice);
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        found.ok_or_else(|| self.refuse(&format!("one of {}", names.join(", "))))
    }

    /// A name for reports and label files: letters, digits, `-`, `_`, `.`; at most 40.
    ///
    /// # Errors
    /// When it is not one.
    pub fn name(&self) -> Result<String, SpecError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fits = (1..=40).contains(&self.text.len()) && self.text.chars().all(allowed) && self.text != "-";
        if fits {
            Ok(self.text.to_owned())
        } else {
            Err(self.refuse("1 to 40 letters, digits, '-', '_' or '.'"))
        }
    }

    /// The error for a key that the component does not have.
    pub fn unknown(&self) -> SpecError {
        SpecError::Key { flag: self.flag, key: self.key.to_owned(), known: self.known }
    }

    fn real(&self, range: RangeInclusive<f64>, expected: &str) -> Result<f64, SpecError> {
        let fits = self.text.parse().ok().filter(|number| range.contains(number));
        fits.ok_or_else(|| self.refuse(expected))
    }

    fn refuse(&self, expected: &str) -> SpecError {
        SpecError::Value {
            flag: self.flag,
            key: self.key.to_owned(),
            value: self.text.to_owned(),
            expected: expected.to_owned(),
        }
    }
}

/// A span of time as text (`250us`, `20ms`, `1.5s`, `2m`) in microseconds.
///
/// # Errors
/// With what is expected, when it is not one or exceeds a day.
pub fn duration(text: &str) -> Result<u64, &'static str> {
    const EXPECTED: &str = "a time up to a day with its unit, such as 500us, 20ms, 10s or 2m";
    const DAY_US: f64 = 86_400e6;
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(EXPECTED)?;
    let scale = match &text[split..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "m" | "min" => 60e6,
        _ => return Err(EXPECTED),
    };
    let us = text[..split].parse::<f64>().map_err(|_| EXPECTED)? * scale;
    if (0.0..=DAY_US).contains(&us) { Ok(us.round() as u64) } else { Err(EXPECTED) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Scan;

    #[test]
    fn times_need_a_unit_and_an_end() {
        assert_eq!(duration("1.5s"), Ok(1_500_000));
        assert_eq!(duration("20ms"), Ok(20_000));
        assert_eq!(duration("2m"), Ok(120_000_000));
        for bad in ["", "10", "s", "-1s", "10h", "1e9s", "NaNs"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refusals_name_flag_key_value_and_the_way_out() {
        let refusal = |text| parse::<Scan>(text).unwrap_err().to_string();
        assert_eq!(refusal("rate=fast"), "--scan rate=fast: expected a rate per second from 0.01 to 1000000");
        assert_eq!(refusal("kind=diagonal"), "--scan kind=diagonal: expected one of horizontal, vertical");
        assert!(refusal("speed=1").starts_with("--scan speed=…: unknown key; known are kind,"));
        assert!(refusal("rate").contains("expected key=value pairs"));
    }

    #[test]
    fn pairs_left_out_keep_their_defaults() {
        let scan: Scan = parse("rate=20,start=3s").unwrap();
        assert_eq!(scan, Scan { rate: 20.0, start_us: 3_000_000, ..Scan::default() });
    }
}
