//! MaxMind DB files: good ones answer what their sources say, damaged ones are refused, and nothing panics.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use common::{corpus, files};
use repute_feeds::geo::{Atlas, Country, Database, GeoError, Pick, Selection};
use repute_feeds::{Limits, Terms};
use repute_model::{Listing, Width};
use serde_json::Value;

/// The first address of a network as MaxMind's sources write it.
fn address(network: &str) -> IpAddr {
    network.split('/').next().unwrap().parse().unwrap()
}

/// Every network of a source with its record.
fn rows(source: &Value) -> Vec<(IpAddr, &Value)> {
    let maps = source.as_array().unwrap().iter().flat_map(|map| map.as_object().unwrap());
    maps.map(|(network, record)| (address(network), record)).collect()
}

#[test]
fn damaged_files_are_refused() {
    let Some(folder) = corpus("geo/bad") else { return };
    for file in files(&folder) {
        let error = Database::open(&file).unwrap_err();
        println!("{error}");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
}

#[test]
fn good_files_answer_or_say_that_they_are_about_something_else() {
    let Some(folder) = corpus("geo") else { return };
    let mut good = 0;
    for file in files(&folder) {
        match Database::open(&file) {
            Ok(database) => {
                good += 1;
                println!("{}: {} of {}", file.display(), database.kind(), database.built_s());
            }
            Err(error) => {
                println!("{error}");
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                assert!(matches!(error, GeoError::Foreign { .. }), "{error}");
                assert!(!["Country", "City", "ASN"].iter().any(|kind| name.contains(kind)), "{error}");
            }
        }
    }
    assert!(good >= 5);
}

#[test]
fn answers_are_what_the_sources_say() {
    let Some(folder) = corpus("geo") else { return };
    let atlas =
        Atlas::open(&["GeoLite2-Country-Test.mmdb", "GeoLite2-ASN-Test.mmdb"].map(|f| folder.join(f)))
            .unwrap();
    let source = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join("source").join(name)).unwrap()).unwrap()
    };
    let (countries, networks) = (source("GeoLite2-Country-Test.json"), source("GeoLite2-ASN-Test.json"));
    for (address, record) in rows(&countries) {
        let code = ["country", "registered_country"].iter().find_map(|key| record[*key]["iso_code"].as_str());
        let found = atlas.find(address).country.map(|country| country.to_string());
        assert_eq!(found.as_deref(), code, "{address}");
    }
    for (address, record) in rows(&networks) {
        let found = atlas.find(address);
        assert_eq!(found.asn.map(u64::from), record["autonomous_system_number"].as_u64(), "{address}");
        assert_eq!(found.organisation.as_deref(), record["autonomous_system_organization"].as_str());
    }
}

#[test]
fn workers_are_told_what_people_are() {
    let Some(folder) = corpus("geo") else { return };
    let open = |files: &[&str]| {
        Atlas::open(&files.iter().map(|file| folder.join(file)).collect::<Vec<_>>()).unwrap()
    };
    let atlas = open(&["GeoLite2-Country-Test.mmdb", "GeoLite2-ASN-Test.mmdb"]);
    let homes = atlas.homes().unwrap();
    let source = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join("source").join(name)).unwrap()).unwrap()
    };
    let (countries, networks) = (source("GeoLite2-Country-Test.json"), source("GeoLite2-ASN-Test.json"));
    let mut both = 0;
    for (address, _) in rows(&countries).into_iter().chain(rows(&networks)) {
        let (found, home) = (atlas.find(address), homes.of(address.into()));
        assert_eq!(home.system.map(u32::from), found.asn, "{address}");
        assert_eq!(home.country.is_some(), found.asn.is_some() && found.country.is_some(), "{address}");
        both += u32::from(home.country.is_some());
    }
    assert!(both > 0);
    let without = open(&["GeoLite2-Country-Test.mmdb"]).homes().unwrap();
    assert!(without.is_empty(), "no database names AS numbers");
}

#[test]
fn a_damaged_file_never_replaces_a_good_one() {
    let Some(folder) = corpus("geo") else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("country.mmdb");
    let replace = |by: &str| {
        let beside = dir.path().join("new");
        fs::copy(folder.join(by), &beside).unwrap();
        fs::rename(&beside, &file).unwrap();
    };
    replace("GeoLite2-Country-Test.mmdb");
    let atlas = Atlas::open(&[&file]).unwrap();
    assert!(atlas.is_current(&[&file]) && !atlas.is_current::<&str>(&[]));
    let address: IpAddr = "2.125.160.216".parse().unwrap();
    let before = atlas.find(address);
    assert!(before.country.is_some());
    replace("bad/cyclic-data-structure.mmdb");
    assert!(!atlas.is_current(&[&file]));
    Atlas::open(&[&file]).unwrap_err();
    assert_eq!(atlas.find(address), before);
    replace("GeoLite2-Country-Test.mmdb");
    assert_eq!(Atlas::open(&[&file]).unwrap().find(address), before);
}

fn select(atlas: &Atlas, picks: &[Pick], max: usize) -> Result<repute_feeds::Import, GeoError> {
    let selection = Selection(picks.iter().map(|pick| (*pick, 60)).collect());
    let width = Width { v4: 32, v6: 128 };
    let limits = Limits { entries: max, width, ..Limits::default() };
    let terms = Terms { limits, ..Terms::new("places", std::time::UNIX_EPOCH) };
    atlas.select(&selection, &terms)
}

#[test]
fn a_selection_holds_what_the_sources_say_and_nothing_else() {
    let Some(folder) = corpus("geo") else { return };
    let files = ["GeoLite2-Country-Test.mmdb", "GeoLite2-ASN-Test.mmdb"].map(|file| folder.join(file));
    let atlas = Atlas::open(&files).unwrap();
    let gb = Pick::Country(Country::new("GB").unwrap());
    let asn = Pick::Network(1221);
    let import = select(&atlas, &[gb, asn], 10_000).unwrap();
    let source = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join("source").join(name)).unwrap()).unwrap()
    };
    let (countries, networks) = (source("GeoLite2-Country-Test.json"), source("GeoLite2-ASN-Test.json"));
    let mut inside = [0, 0];
    for (address, _) in rows(&countries).into_iter().chain(rows(&networks)) {
        let found = atlas.find(address);
        let expected =
            [found.country.map(Pick::Country) == Some(gb), found.asn.map(Pick::Network) == Some(asn)];
        let named = import.entries().iter().filter(|entry| entry.prefix.contains(address.into()));
        let notes: Vec<&str> = named.map(|entry| import.note(entry.note)).collect();
        assert_eq!(notes.contains(&"country GB"), expected[0], "{address}");
        assert_eq!(notes.contains(&"AS1221"), expected[1], "{address}");
        (0..2).for_each(|n| inside[n] += u32::from(expected[n]));
    }
    assert!(inside.iter().all(|count| *count > 0), "{inside:?}");
    assert!(import.entries().iter().all(|entry| entry.says == Listing::Deny(60)));
    println!("{} networks make {} prefixes", import.records, import.entries().len());
    assert!(import.entries().len() as u64 <= import.records);
}

#[test]
fn selections_that_cannot_be_say_what_is_too_much() {
    let Some(folder) = corpus("geo") else { return };
    let atlas = Atlas::open(&[folder.join("GeoLite2-Country-Test.mmdb")]).unwrap();
    let picks = ["GB", "US"].map(|code| Pick::Country(Country::new(code).unwrap()));
    let error = select(&atlas, &picks, 3).unwrap_err().to_string();
    assert!(error.contains("more than 3 prefixes") && error.contains("by country "), "{error}");
    let error = select(&atlas, &[Pick::Network(1)], 9).unwrap_err().to_string();
    assert!(error.contains("AS numbers are selected"), "{error}");
    // A country of which the file knows nothing is no mistake.
    let nobody = Pick::Country(Country::new("BV").unwrap());
    assert!(select(&atlas, &[nobody], 9).unwrap().entries().is_empty());
}

/// Cut anywhere, with any byte turned over: refused, or answering without a panic.
#[test]
fn any_damage_is_survived() {
    let Some(folder) = corpus("geo") else { return };
    let good = fs::read(folder.join("GeoLite2-ASN-Test.mmdb")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("damaged.mmdb");
    let probe = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        if let Ok(database) = Database::open(&file) {
            for n in 0..64_u32 {
                database.find(Ipv4Addr::from_bits(n << 26).into());
                database.find(Ipv6Addr::from_bits(u128::from(n) << 122).into());
            }
            if let Ok(atlas) = Atlas::open(&[&file]) {
                // Refused or answered.
                let _ = select(&atlas, &[Pick::Network(1221)], 1000);
            }
        }
    };
    for at in (0..good.len()).step_by(97) {
        probe(&good[..at]);
        let mut flipped = good.clone();
        flipped[at] ^= 0xff;
        probe(&flipped);
    }
}
