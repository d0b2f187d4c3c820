//! MaxMind DB files: good ones answer what their sources say, damaged ones are refused, and nothing panics.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::{fs, thread};

use common::{corpus, files};
use repute_feeds::geo::{Atlas, Database, GeoError};
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
    let address: IpAddr = "2.125.160.216".parse().unwrap();
    let before = atlas.find(address);
    assert!(before.country.is_some());
    thread::scope(|scope| {
        let reader = scope.spawn(|| (0..20_000).all(|_| atlas.find(address) == before));
        replace("bad/cyclic-data-structure.mmdb");
        atlas.reload().unwrap_err();
        replace("GeoLite2-Country-Test.mmdb");
        atlas.reload().unwrap();
        assert!(reader.join().unwrap());
    });
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
        }
    };
    for at in (0..good.len()).step_by(97) {
        probe(&good[..at]);
        let mut flipped = good.clone();
        flipped[at] ^= 0xff;
        probe(&flipped);
    }
}
