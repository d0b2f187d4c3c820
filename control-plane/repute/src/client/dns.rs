//! `repute dns top`, `cache`, `explain` and `honeypot`: who asks what, what is kept, what is made of a name.

use std::fmt::Write;

use clap::{Args, Subcommand};
use domain::base::iana::{Rcode, Rtype};
use repute_proto::v1;

use super::connect::{Connection, refused};
use super::honeypot;
use super::output::Output;
use super::table::{Cell, Table};
use super::units::{short, span};

/// What needs a server.
#[derive(Subcommand, Debug)]
#[expect(missing_docs, reason = "clap shows what stands at each variant's arguments")]
pub enum Dns {
    Top(Top),
    /// Show what every worker's cache keeps, and what it has done since the start
    Cache,
    Explain(Explain),
    Honeypot(honeypot::Honeypot),
}

/// Show who asks most, and below which domains, in the last eight to sixteen seconds
#[derive(Args, Debug)]
pub struct Top {
    /// Rows of each kind at most, 1 to 100
    #[arg(long, value_name = "ROWS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Explain what is made of a name: policy zones, honeypots, attacks, the name model, the caches
#[derive(Args, Debug)]
pub struct Explain {
    /// The name, as in zone files
    name: String,
    /// The type that is asked for: A, AAAA, TXT, TYPE65280
    #[arg(long = "type", value_name = "TYPE", default_value = "A", value_parser = kind)]
    kind: u16,
    /// Who would ask: zones may have rules about it
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    client: String,
}

fn kind(text: &str) -> Result<u16, String> {
    let found = text.to_ascii_uppercase().parse::<Rtype>();
    found.map(Rtype::to_int).map_err(|_| "no type; write A, AAAA, MX, TXT, or TYPE and its number".to_owned())
}

/// Runs the subcommand.
pub async fn run(command: &Dns, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let mut client = connection.dns();
    match command {
        Dns::Top(Top { limit }) => {
            let asked = v1::DnsTopRequest { max_rows: *limit };
            output.one(&client.top(asked).await.map_err(refused)?.into_inner(), top)
        }
        Dns::Cache => {
            let answer = client.cache(v1::DnsCacheRequest {}).await.map_err(refused)?.into_inner();
            output.one(&answer, |answer| caches(&answer.workers).render())
        }
        Dns::Honeypot(args) => honeypot::run(args, connection, output).await,
        Dns::Explain(Explain { name, kind, client: from }) => {
            let (name, from) = (name.clone(), from.clone());
            let asked = v1::ExplainNameRequest { name, r#type: (*kind).into(), client: from };
            output.one(&client.explain(asked).await.map_err(refused)?.into_inner(), explained)
        }
    }
}

fn percent(share: f32) -> String {
    format!("{:.0}%", share * 100.0)
}

fn top(top: &v1::DnsTopResponse) -> String {
    if top.requesters.is_empty() && top.domains.is_empty() {
        return "nobody asks\n".to_owned();
    }
    let mut requesters = Table::new(["<REQUESTER", ">QUERIES/S", ">NXDOMAIN", "<BAND", ">SCORE"]);
    for row in &top.requesters {
        let (band, score) = match row.band() {
            v1::Band::Unspecified => (Cell::from("stranger"), Cell::from("")),
            band => (Cell::band(band), row.score.into()),
        };
        let asks = short(row.queries_per_s.into());
        requesters.row([(&row.source).into(), asks.into(), percent(row.nxdomain).into(), band, score]);
    }
    let mut domains = Table::new(["<DOMAIN", ">QUERIES/S", ">NXDOMAIN"]);
    for row in &top.domains {
        let asks = short(row.queries_per_s.into());
        domains.row([(&row.name).into(), asks.into(), percent(row.nxdomain).into()]);
    }
    format!("{}\n{}", requesters.render(), domains.render())
}

fn caches(workers: &[v1::DnsWorkerCache]) -> Table {
    let header = [
        ">WORKER",
        ">ANSWERS",
        ">OF",
        ">BYTES",
        ">OF",
        ">HITS",
        ">STALE",
        ">MISSES",
        ">HIT RATIO",
        ">GIVEN UP",
    ];
    let mut table = Table::new(header);
    for cache in workers {
        let given = cache.hits + cache.stale;
        let ratio = percent(given as f32 / (given + cache.misses).max(1) as f32);
        let counts =
            [cache.answers, cache.answers_max, cache.bytes, cache.bytes_max, cache.hits, cache.stale];
        let [answers, answers_max, bytes, bytes_max, hits, stale] = counts.map(|count| short(count as f64));
        table.row([
            cache.worker.into(),
            answers.into(),
            answers_max.into(),
            bytes.into(),
            bytes_max.into(),
            hits.into(),
            stale.into(),
            short(cache.misses as f64).into(),
            ratio.into(),
            short((cache.evicted + cache.expired) as f64).into(),
        ]);
    }
    table
}

/// Writing to a `String` cannot fail.
fn explained(found: &v1::NameExplanation) -> String {
    let mut out = format!("{} {}\n", found.name, Rtype::from_int(found.r#type as u16));
    for rule in &found.zones {
        let _ = writeln!(out, "zone {}: {} ({}), {}", rule.zone, rule.owner, rule.trigger, rule.effect);
    }
    let ruling = match found.ruling.as_str() {
        "nothing" => "no policy zone says anything of it",
        "at-answer" => "policy zones decide by the answer: its aliases and addresses",
        effect => effect,
    };
    let _ = match found.zones.first().filter(|rule| rule.effect == found.ruling) {
        Some(first) => writeln!(out, "a query that would go on gets {ruling}, by zone {}", first.zone),
        None => writeln!(out, "{ruling}"),
    };
    if found.honeypot {
        let lists = found.honeypot_lists.join(", ");
        let _ = writeln!(out, "a honeypot by {lists}: asking for it costs reputation");
    }
    let attacked =
        if found.attacked { "; its domain is under attack by names that do not exist" } else { "" };
    let exists = if found.exists { "known to exist" } else { "not known to exist" };
    let _ = writeln!(out, "{exists}{attacked}");
    let _ = writeln!(out, "made up by an algorithm: {}", percent(found.made_up));
    for kept in &found.kept {
        let _ = writeln!(out, "{}", self::kept(kept));
    }
    if found.kept.is_empty() {
        out.push_str("no cache has an answer\n");
    }
    out
}

fn kept(kept: &v1::KeptAnswer) -> String {
    let with = if kept.dnssec { " with DNSSEC records" } else { "" };
    let left = match kept.left_s {
        0 => "only while the server is silent".to_owned(),
        left => format!("for another {}", span(u64::from(left) * 1000)),
    };
    let ruled = kept.ruled.as_ref().map_or_else(String::new, |rule| {
        format!("; zone {} makes {} of it, by {}", rule.zone, rule.effect, rule.trigger)
    });
    let (rcode, age) = (Rcode::checked_from_int(kept.rcode as u8), span(u64::from(kept.age_s) * 1000));
    let rcode = rcode.map_or_else(|| kept.rcode.to_string(), |rcode| rcode.to_string());
    format!(
        "cache of worker {}: {rcode}{with}, {} bytes, {age} old, given {left}{ruled}",
        kept.worker, kept.bytes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_by_name_and_number() {
        assert_eq!([kind("a"), kind("AAAA"), kind("type65280")], [Ok(1), Ok(28), Ok(65_280)]);
        assert!(kind("nonsense").is_err());
    }

    #[test]
    fn a_name_is_explained_in_words() {
        let rule = v1::ZoneRule {
            zone: "rpz".into(),
            trigger: "qname".into(),
            owner: "*.bad.example".into(),
            effect: "nxdomain".into(),
        };
        let kept = v1::KeptAnswer { worker: 1, rcode: 3, age_s: 61, left_s: 0, ..Default::default() };
        let found = v1::NameExplanation {
            name: "www.bad.example".into(),
            r#type: 28,
            zones: vec![rule],
            ruling: "nxdomain".into(),
            honeypot: true,
            honeypot_lists: vec!["config".into(), "live: *.bad.example (sandbox)".into()],
            made_up: 0.25,
            kept: vec![kept],
            ..Default::default()
        };
        let text = explained(&found);
        for line in [
            "www.bad.example AAAA\n",
            "zone rpz: *.bad.example (qname), nxdomain\n",
            "gets nxdomain, by zone rpz\n",
            "a honeypot by config, live: *.bad.example (sandbox): asking for it costs reputation\n",
            "not known to exist\n",
            "made up by an algorithm: 25%\n",
            "cache of worker 1: NXDOMAIN, 0 bytes, ",
            "given only while the server is silent\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
