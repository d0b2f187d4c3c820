//! How likely a domain name was made by a machine: a domain generation algorithm, or a tunnel through DNS.
//!
//! Asked by the DNS factors for names on the wire and by `repute dns names` for names in files. A logistic
//! regression over character n-grams ([`features`]), trained by `benches/names` and built in; `data/names.md` is its
//! card. Always holds: no allocation and no system call after it was read; one pass over the name; the same
//! name gives the same number on every machine.
//!
//! **What is scored.** The *own* label of a name is the one left of its public suffix: what somebody registered.
//! Algorithms make those up, and it counts in full. Labels left of it were made up by the owner, and machines of good
//! owners do so too (`d111111abcdef8.cloudfront.net`): one that looks random is doubted, the less the more random
//! bytes the name carries, and not at all from `TUNNEL` bytes on, which is what tunnels need. Names of one label
//! (browsers probe with random ones) and names of addresses (below `arpa`) are never suspicious.

pub mod features;
mod table;

pub use table::{TableError, Weights};

use features::{COUNTS, counts, grams, weight_of_grams};
use repute_model::DomainName;

/// The model that was trained on the corpus.
const BUILT_IN: &[u8] = include_bytes!("../data/names.model");

/// Random-looking bytes in front of the own label that good owners still have: an id of 20 digits.
const ID: f32 = 20.0;
/// Random-looking bytes in front of the own label from which a name counts as a tunnel's.
const TUNNEL: f32 = 56.0;
/// How much a random-looking label in front of the own one is doubted at first, in log-odds.
const DOUBT: f32 = 9.0;
/// What such a label can say at most, in log-odds: however odd it looks, the doubt is larger.
const BELOW_MAX: f32 = 5.0;

/// Second-level labels that belong to the public suffix below a country (as `co.uk`): the generic ones that
/// most registries chose. Others are taken for the own label, which does no harm: they are words.
const CATEGORIES: [&[u8]; 14] = [
    b"ac", b"co", b"com", b"edu", b"go", b"gob", b"gov", b"mil", b"ne", b"net", b"nom", b"or", b"org",
    b"gouv",
];

/// Under these a machine names itself and its neighbours.
const HOME: [&[u8]; 3] = [b"localhost", b"local", b"localdomain"];

/// Scores domain names.
#[derive(Clone, Debug)]
pub struct NameModel {
    weights: Weights,
}

impl NameModel {
    /// The model that is built in.
    ///
    /// # Errors
    /// Never in a build whose tests pass: the file is part of the program.
    pub fn built_in() -> Result<Self, TableError> {
        Weights::from_bytes(BUILT_IN).map(Self::new)
    }

    /// A model of these weights.
    pub fn new(weights: Weights) -> Self {
        Self { weights }
    }

    /// How likely a machine made up this name: 0..=1. Labels come from the most specific to the top, without
    /// the root, in any case and of any bytes.
    pub fn probability<'a, L>(&self, labels: L) -> f32
    where
        L: ExactSizeIterator<Item = &'a [u8]> + Clone,
    {
        logistic(self.log_odds(labels))
    }

    fn log_odds<'a, L>(&self, labels: L) -> f32
    where
        L: ExactSizeIterator<Item = &'a [u8]> + Clone,
    {
        let Some(own) = own_index(labels.clone()) else { return f32::NEG_INFINITY };
        if labels.clone().last().is_some_and(|top| top.eq_ignore_ascii_case(b"arpa")) {
            return f32::NEG_INFINITY;
        }
        let (mut highest, mut random, mut below) = (f32::NEG_INFINITY, 0, f32::NEG_INFINITY);
        for (i, label) in labels.take(own + 1).enumerate() {
            let odds = self.label(label);
            if i == own {
                highest = odds;
            } else if odds > 0.0 {
                random += label.len();
                below = below.max(odds);
            }
        }
        let sure = ((random as f32 - ID) / (TUNNEL - ID)).clamp(0.0, 1.0);
        highest.max(below.min(BELOW_MAX) - DOUBT * (1.0 - sure))
    }

    /// The log-odds that a label was made up by a machine, wherever it stands.
    pub fn label(&self, label: &[u8]) -> f32 {
        let mut sum = 0_i32;
        grams(label, |index| sum += i32::from(self.weights.grams.get(index).copied().unwrap_or(0)));
        let seen: [f32; COUNTS] = counts(label);
        let counted: f32 = seen.iter().zip(&self.weights.counts).map(|(count, weight)| count * weight).sum();
        sum as f32 * self.weights.step * weight_of_grams(label) + counted
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.weights.grams.len()
    }
}

/// How many labels at the end are the public suffix: one, or two below a country that has categories.
fn suffix_len<'a>(labels: impl ExactSizeIterator<Item = &'a [u8]>) -> usize {
    let count = labels.len();
    let mut ends = labels.skip(count.saturating_sub(2));
    match (ends.next(), ends.next()) {
        (Some(second), Some(top)) if count > 2 && top.len() == 2 => {
            1 + usize::from(CATEGORIES.iter().any(|category| category.eq_ignore_ascii_case(second)))
        }
        _ => 1,
    }
}

/// The label of a name that the model takes for the registered one, if there is any.
pub fn own_label<'a, L>(mut labels: L) -> Option<&'a [u8]>
where
    L: ExactSizeIterator<Item = &'a [u8]> + Clone,
{
    let at = own_index(labels.clone())?;
    labels.nth(at)
}

/// Where the label stands that the model takes for the registered one, counted from the most specific.
pub fn own_index<'a>(labels: impl ExactSizeIterator<Item = &'a [u8]>) -> Option<usize> {
    let count = labels.len();
    count.checked_sub(suffix_len(labels) + 1)
}

/// Whether a name, or what a wildcard stands below, is one that all kinds of people ask for, so that it says nothing about
/// who does: the root, a public suffix, what reverse look-ups go through, a machine's own name or network (RFC 6761,
/// RFC 6762).
pub fn is_everybodys(name: &DomainName) -> bool {
    let rest: Vec<&[u8]> = name.labels().skip(usize::from(name.is_wildcard())).collect();
    let Some(&top) = rest.last() else { return true };
    // Whatever stands right below a public suffix is somebody's own.
    let below: Vec<&[u8]> = [&b"x"[..]].into_iter().chain(rest.iter().copied()).collect();
    let suffix = own_index(below.into_iter()).is_none_or(|own| own == 0);
    suffix || (top == b"arpa" && rest.len() <= 2) || HOME.contains(&top)
}

/// 1 / (1 + e^−x), of plain arithmetic so that every machine computes the same bits; off by less than 10⁻⁵.
fn logistic(x: f32) -> f32 {
    let binary = (-x).clamp(-30.0, 30.0) * std::f32::consts::LOG2_E;
    let (whole, part) = (binary.floor(), binary - binary.floor());
    // 2^part by its series, then the exponent by its bits.
    let series =
        [1.540_35e-4, 1.333_36e-3, 9.618_13e-3, 5.550_41e-2, 0.240_226_5, std::f32::consts::LN_2, 1.0];
    let power = series.into_iter().fold(0.0, |sum, factor| sum * part + factor);
    1.0 / (1.0 + power * f32::from_bits(((whole as i32 + 127) as u32) << 23))
}

#[cfg(test)]
#[path = "names/tests.rs"]
mod tests;
