//! The data that response policy zones answer with.
//!
//! Built by importers, read by the DNS stages. Always holds: a set is what one owner of the zone has, in the order of
//! the zone file; names in data are not compressed.

use std::collections::BTreeMap;

/// The record type of an alias (RFC 1035, 3.3.12).
const CNAME: u16 = 5;
/// What an alias begins with that is completed with the name that was asked for.
const ASTERISK: &[u8] = b"\x01*";
/// Bytes of the longest name.
const NAME_MAX: usize = 255;

/// Sets of records, flat.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LocalData {
    /// Where each set ends in `records`.
    ends: Box<[u32]>,
    records: Box<[Packed]>,
    data: Box<[u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Packed {
    ttl: u32,
    at: u32,
    len: u16,
    kind: u16,
}

/// A record of a zone's own data; its owner is the name that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalRecord<'a> {
    /// Its type.
    pub kind: u16,
    /// Seconds that it may be kept.
    pub ttl: u32,
    /// Its data, names without compression; the target of an alias may begin with an asterisk ([`target`](Self::target)).
    pub data: &'a [u8],
}

impl LocalData {
    /// What is answered to a query for type `kind` with the set: the records of that type, or the alias. Nothing = there
    /// is no such data.
    pub fn records(&self, set: u32, kind: u16) -> impl Iterator<Item = LocalRecord<'_>> {
        let all = self.set(set);
        all.filter(move |record| record.kind == kind || record.kind == CNAME || kind == ANY)
    }

    /// All records of the set.
    pub fn set(&self, set: u32) -> impl Iterator<Item = LocalRecord<'_>> {
        let at = set as usize;
        let from = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let to = self.ends.get(at).copied().unwrap_or(from);
        let records = self.records.get(from as usize..to as usize).unwrap_or_default();
        records.iter().map(|packed| LocalRecord {
            kind: packed.kind,
            ttl: packed.ttl,
            data: self
                .data
                .get(packed.at as usize..)
                .and_then(|data| data.get(..packed.len.into()))
                .unwrap_or_default(),
        })
    }

    /// What it occupies beside itself, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.ends) + size_of_val(&*self.records) + self.data.len()
    }
}

/// The type that asks for all types (RFC 1035, 3.2.3).
const ANY: u16 = 255;

impl<'a> LocalRecord<'a> {
    /// Where an alias leads that is given for `name`: an asterisk at its begin is replaced by `name`, which thereby is seen
    /// by the server of the rest. `None` = it is no alias, or the name would be too long.
    pub fn target<'b>(&self, name: &'b [u8], into: &'b mut [u8; NAME_MAX]) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        if self.kind != CNAME {
            return None;
        }
        let Some(rest) = self.data.strip_prefix(ASTERISK) else { return Some(self.data) };
        let name = name.strip_suffix(&[0])?;
        let whole = into.get_mut(..name.len() + rest.len())?;
        let (begin, end) = whole.split_at_mut(name.len());
        begin.copy_from_slice(name);
        end.copy_from_slice(rest);
        Some(whole)
    }
}

/// Gathers sets; equal ones are kept once.
#[derive(Debug, Default)]
pub struct LocalDataBuilder {
    known: BTreeMap<Vec<(u16, u32, Vec<u8>)>, u32>,
}

impl LocalDataBuilder {
    /// The number of a set of records: type, TTL, data. `None` where data is longer than a record takes, or all together
    /// is more than 4 GiB.
    pub fn add(&mut self, set: Vec<(u16, u32, Vec<u8>)>) -> Option<u32> {
        if set.iter().any(|(_, _, data)| data.len() > usize::from(u16::MAX)) {
            return None;
        }
        let next = u32::try_from(self.known.len()).ok()?;
        Some(*self.known.entry(set).or_insert(next))
    }

    /// All sets. `None` where they are more than 32 bits number.
    pub fn finish(self) -> Option<LocalData> {
        let mut sets: Vec<_> = self.known.into_iter().collect();
        sets.sort_unstable_by_key(|(_, number)| *number);
        let (mut ends, mut records, mut data) = (Vec::with_capacity(sets.len()), Vec::new(), Vec::new());
        for (set, _) in sets {
            for (kind, ttl, bytes) in set {
                let at = u32::try_from(data.len()).ok()?;
                records.push(Packed { ttl, at, len: u16::try_from(bytes.len()).ok()?, kind });
                data.extend_from_slice(&bytes);
            }
            ends.push(u32::try_from(records.len()).ok()?);
        }
        Some(LocalData { ends: ends.into(), records: records.into(), data: data.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_found_by_number_and_kept_once() {
        let mut builder = LocalDataBuilder::default();
        let address = |last| (1, 60, vec![192, 0, 2, last]);
        assert_eq!(builder.add(vec![address(2), (16, 5, b"\x02hi".to_vec())]), Some(0));
        assert_eq!(builder.add(vec![address(1)]), Some(1));
        assert_eq!(builder.add(vec![address(2), (16, 5, b"\x02hi".to_vec())]), Some(0));
        assert_eq!(builder.add(vec![(5, 60, b"\x01a\0".to_vec())]), Some(2));
        assert_eq!(builder.add(vec![(16, 60, vec![0; 70_000])]), None);
        let data = builder.finish().unwrap();
        let found =
            |set, kind| data.records(set, kind).map(|record| record.data.to_vec()).collect::<Vec<_>>();
        assert_eq!(found(0, 1), [[192, 0, 2, 2]]);
        assert_eq!(found(0, 16), [b"\x02hi"]);
        assert_eq!(found(0, 28), [[0; 0]; 0]);
        assert_eq!(found(0, ANY).len(), 2);
        assert_eq!(found(1, 1), [[192, 0, 2, 1]]);
        assert_eq!(found(2, 28), [b"\x01a\0"]);
        assert_eq!(found(3, 1), [[0; 0]; 0]);
    }

    #[test]
    fn an_asterisk_is_replaced_by_what_was_asked_for() {
        let mut into = [0; NAME_MAX];
        let alias = |data| LocalRecord { kind: CNAME, ttl: 1, data };
        assert_eq!(alias(b"\x01a\0").target(b"\x01x\0", &mut into), Some(&b"\x01a\0"[..]));
        assert_eq!(alias(b"\x01*\x01a\0").target(b"\x01x\0", &mut into), Some(&b"\x01x\x01a\0"[..]));
        let long: Vec<u8> = [b"\x01x".repeat(127), vec![0]].concat();
        assert_eq!(alias(b"\x01*\x01a\0").target(&long, &mut into), None);
        assert_eq!(LocalRecord { kind: 1, ttl: 1, data: &[1; 4] }.target(b"\x01x\0", &mut into), None);
    }
}
