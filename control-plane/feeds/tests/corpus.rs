//! Real files of the world: every one is imported, with the counts that an independent reading gives, or refused with
//! place and reason.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use common::{corpus, files};
use repute_feeds::{
    Categories, Format, Import, Limits, Place, Reason, Refusal, Terms, detect_and_import, import,
};
use repute_model::Width;
use serde_json::Value;

/// Hosts are told apart, so that counts can be compared.
fn terms(feed: &str) -> Terms<'_> {
    let limits = Limits { width: Width::INSIDE, ..Limits::default() };
    Terms {
        limits,
        ..Terms::new(feed, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000))
    }
}

fn read(path: &Path) -> Result<(Format, Import), Refusal> {
    let name = path.file_name().unwrap().to_string_lossy();
    detect_and_import(File::open(path).unwrap(), &terms(&name))
}

fn whole(prefix: repute_model::Prefix) -> String {
    prefix.to_string()
}

#[test]
fn every_file_is_imported_or_refused() {
    let mut read_any = false;
    for folder in [
        "ip",
        "ip_edge",
        "csv",
        "crowdsec",
        "misp",
        "misp_warninglists",
        "stix",
        "suricata_datasets",
        "domains",
    ] {
        let Some(folder) = corpus(&format!("feeds/{folder}")) else { continue };
        for file in files(&folder) {
            read_any = true;
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            match read(&file) {
                Ok((format, import)) => {
                    println!(
                        "{name}: {}: {} entries{}",
                        format.name(),
                        import.entries().len(),
                        import.skipped
                    );
                    assert!(import.entries().windows(2).all(|pair| pair[0].prefix < pair[1].prefix));
                }
                Err(refusal) => {
                    println!("{refusal}");
                    assert!(refusal.to_string().starts_with(&format!("feed `{name}`")), "{refusal}");
                }
            }
            // In any other format too: refused or read, but answered.
            for format in Format::ALL {
                let _ = import(format, File::open(&file).unwrap(), &terms(&name));
            }
        }
    }
    assert!(read_any || corpus("feeds").is_none());
}

#[test]
fn plain_lists_hold_what_their_lines_say() {
    let Some(folder) = corpus("feeds/ip") else { return };
    for name in ["ipsum_level3.txt", "ipsum_level8.txt"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let expected: BTreeSet<IpAddr> = text.lines().map(|line| line.parse().unwrap()).collect();
        let (format, import) = read(&folder.join(name)).unwrap();
        assert_eq!((format, import.records), (Format::List, text.lines().count() as u64));
        let found: BTreeSet<IpAddr> =
            import.entries().iter().map(|entry| entry.prefix.first().to_ip()).collect();
        assert_eq!(found, expected);
        assert_eq!(import.skipped.total(), 0);
    }
}

/// The first address of an address or a network, whatever bits are set behind its length.
fn network(text: &str) -> IpAddr {
    let (ip, len) =
        text.split_once('/').map_or((text, None), |(ip, len)| (ip, Some(len.parse::<u32>().unwrap())));
    match ip.parse().unwrap() {
        IpAddr::V4(v4) => {
            let behind = 32 - len.unwrap_or(32);
            IpAddr::from((u32::from(v4) >> behind << behind).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let behind = 128 - len.unwrap_or(128);
            IpAddr::from((u128::from(v6) >> behind << behind).to_be_bytes())
        }
    }
}

#[test]
fn suricata_lists_hold_what_their_fields_say() {
    let Some(folder) = corpus("feeds/ip") else { return };
    let text = fs::read_to_string(folder.join("scirius-iprep.list")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let addresses: BTreeSet<IpAddr> =
        rows.clone().map(|row| network(row.split(',').next().unwrap())).collect();
    let categories = File::open(folder.join("scirius-categories.txt")).unwrap();
    let categories = Categories::read(categories, "categories").unwrap();
    let terms = Terms { categories: Some(&categories), ..terms("scirius") };
    let file = File::open(folder.join("scirius-iprep.list")).unwrap();
    let import = import(Format::SuricataIprep, file, &terms).unwrap();
    assert_eq!(import.records, rows.count() as u64);
    assert_eq!(import.entries().len(), addresses.len());
    let four = import.entries().iter().find(|entry| whole(entry.prefix) == "4.4.4.4/32").unwrap();
    assert_eq!(import.note(four.note), "2402000");
}

#[test]
fn warninglists_hold_their_lists() {
    let Some(folder) = corpus("feeds/misp_warninglists") else { return };
    for file in files(&folder) {
        let json: Value = serde_json::from_reader(File::open(&file).unwrap()).unwrap();
        let list: Vec<&str> =
            json["list"].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
        match (json["type"].as_str().unwrap(), read(&file)) {
            ("cidr", Ok((format, import))) => {
                assert_eq!((format, import.records), (Format::MispWarninglist, list.len() as u64));
                let skipped = import.skipped.total();
                assert_eq!(import.entries().len() as u64 + import.duplicates + skipped, list.len() as u64);
                assert_eq!(import.skipped.count(Reason::Unreadable), 0, "{}", file.display());
            }
            ("cidr", Err(refusal)) => panic!("{refusal}"),
            (kind, result) => {
                let refusal = result.unwrap_err().to_string();
                let named = refusal.contains(&format!("`{kind}`"));
                assert!(named || refusal.contains("a name, a file or an AS"), "{refusal}");
            }
        }
    }
}

#[test]
fn bundles_hold_the_addresses_of_their_indicators() {
    let Some(folder) = corpus("feeds/stix") else { return };
    for file in files(&folder) {
        let json: Value = serde_json::from_reader(File::open(&file).unwrap()).unwrap();
        let mut expected = BTreeSet::new();
        for object in json["objects"].as_array().unwrap() {
            let pattern = object["pattern"].as_str().unwrap_or_default();
            if object["type"] == "indicator" && !pattern.contains(" AND ") {
                let parts = pattern.split("ipv4-addr:value = '").skip(1);
                expected.extend(parts.map(|part| format!("{}/32", part.split('\'').next().unwrap())));
            }
        }
        match read(&file) {
            Ok((format, import)) => {
                assert_eq!(format, Format::Stix);
                let found: BTreeSet<String> =
                    import.entries().iter().map(|entry| whole(entry.prefix)).collect();
                assert_eq!(found, expected, "{}", file.display());
            }
            Err(refusal) => assert!(expected.is_empty(), "{refusal}"),
        }
    }
}

#[test]
fn what_is_no_feed_is_refused_where_it_is_wrong() {
    let Some(folder) = corpus("feeds") else { return };
    let refused = |path: &str, format: Option<Format>| {
        let file = File::open(folder.join(path)).unwrap();
        let terms = terms("f");
        let result = match format {
            Some(format) => import(format, file, &terms).map(|_| ()),
            None => detect_and_import(file, &terms).map(|_| ()),
        };
        result.unwrap_err()
    };
    let csv = refused("csv/slips_iocs.csv", Some(Format::List));
    assert_eq!(csv.place, Place::Line(5), "{csv}");
    let hosts = refused("domains/hagezi_hosts_doh-vpn-proxy-bypass.txt", None).to_string();
    assert!(hosts.contains("line 12"), "{hosts}");
    let names = refused("domains/hagezi_domains_fake.txt", None).to_string();
    assert!(names.contains("about a name, a file or an AS, not an address, the first at line 11"), "{names}");
    let table = refused("csv/slips_iocs.csv", None);
    assert_eq!(table.place, Place::Line(5), "{table}");
    let alerts = refused("crowdsec/alert_bulk.json", None).to_string();
    assert!(alerts.contains("line 1: is a list of CrowdSec alerts"), "{alerts}");
    let zero = refused("ip_edge/tests_iprep-08-bug-6834-any-cidr_iprep.list", None).to_string();
    assert!(zero.contains("without confidence (score 0), the first at line 1"), "{zero}");
}
