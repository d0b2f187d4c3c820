//! `repute service`: how services do, and their sources there.

use std::fmt::Write;

use clap::Subcommand;
use repute_proto::v1;

use super::connect::{Connection, refused};
use super::output::{Output, json_line, text};
use super::score::{Sort, best, table};
use super::table::Table;
use super::units::short;
use super::week::week;

/// Sources of a service that `show` lists for people.
const SHOWN: usize = 20;

/// How services do over their sources
#[derive(Subcommand, Debug)]
pub enum Service {
    /// List all services: sources by band, score, volume against what is usual
    List,
    /// Show one service with what makes its score, and its sources, the worst first
    Show {
        /// Its name in the config
        name: String,
    },
}

/// Runs the subcommand.
pub async fn run(args: Service, connection: &Connection, output: Output) -> anyhow::Result<()> {
    let service = match &args {
        Service::Show { name } => name.clone(),
        Service::List => String::new(),
    };
    let asked = v1::ListServicesRequest { service };
    let services = connection.services().list(asked).await.map_err(refused)?.into_inner().services;
    let Service::Show { name } = args else {
        return match output {
            Output::Human => text(&listed(&services)),
            Output::Json => services.iter().try_for_each(json_line),
        };
    };
    let found = services.iter().find(|one| one.service == name && !name.is_empty());
    let found =
        found.ok_or_else(|| anyhow::anyhow!("no service `{name}`; `repute service list` names them"))?;
    if output == Output::Json {
        return output.one(found, |_| String::new());
    }
    let asked = v1::ListScoresRequest { service: name, ..v1::ListScoresRequest::default() };
    let (rows, seen) = best(connection, asked, Sort::Standing, SHOWN).await?;
    text(&format!("{}\n{}", shown(found), table(&rows).render()))?;
    if seen > rows.len() as u64 {
        eprintln!("{} of {seen} sources; `repute score list --service` shows more", rows.len());
    }
    Ok(())
}

/// What a service is called for people.
pub fn name(service: &str) -> &str {
    if service.is_empty() { "(no service)" } else { service }
}

fn listed(services: &[v1::ServiceStanding]) -> String {
    if services.is_empty() {
        return "the config in force has no services, or workers have not counted yet\n".to_owned();
    }
    let mut table =
        Table::new(["<SERVICE", ">SCORE", ">CRIT", ">SOURCES", ">LIMITED", ">BIT/S", ">USUAL", "<OWNER"]);
    for one in services {
        let count = |names: &[&str]| -> u64 {
            one.sources.iter().filter(|count| names.contains(&&*count.name)).map(|count| count.count).sum()
        };
        let all: u64 = one.sources.iter().map(|count| count.count).sum();
        table.row([
            name(&one.service).into(),
            one.standing.map_or_else(|| "-".to_owned(), |standing| standing.score.to_string()).into(),
            format!("{:.2}", one.criticality).into(),
            all.into(),
            count(&["poor", "malicious"]).into(),
            short(one.bytes_per_s as f64 * 8.0).into(),
            short(one.usual_bytes_per_s as f64 * 8.0).into(),
            (&one.owner).into(),
        ]);
    }
    table.render()
}

/// One service in lines. Writing to a `String` cannot fail.
fn shown(one: &v1::ServiceStanding) -> String {
    let mut out = format!("{}: ", one.service);
    match &one.standing {
        Some(standing) => {
            let _ = writeln!(out, "score {} of 10000 over its sources\n", standing.score);
            out.push_str(&parts(standing).render());
        }
        None => out.push_str("no sources\n"),
    }
    let bands: Vec<_> = one.sources.iter().map(|count| format!("{} {}", count.count, count.name)).collect();
    let _ = writeln!(out, "\nsources    {}", bands.join(", "));
    let (volume, usual) = (one.bytes_per_s as f64, one.usual_bytes_per_s as f64);
    let _ = writeln!(out, "volume     {} bytes/s, usual {}", short(volume), short(usual));
    if let Some(hour) = &one.hour {
        let _ = writeln!(out, "hour       {}", this_hour(hour));
    }
    if !one.owner.is_empty() {
        let _ = writeln!(out, "owner      {}", one.owner);
    }
    for effect in &one.shadow {
        let _ =
            writeln!(out, "shadow     {} packets, {} bytes {}", effect.packets, effect.bytes, effect.name);
    }
    let week = week(&one.week);
    if !week.is_empty() {
        let _ = write!(out, "\n{week}");
    }
    out
}

/// What is usual for one source at this hour of the week.
fn this_hour(hour: &v1::HourOfWeek) -> String {
    let v1::HourOfWeek { hour, weeks, known, packets_per_s, bytes_per_s } = hour;
    if !known {
        return format!("{hour} UTC: seen in {weeks} weeks, too few to say what is usual");
    }
    let (packets, bytes) = (short((*packets_per_s).into()), short((*bytes_per_s).into()));
    format!("{hour} UTC: usual for a source {packets} packets/s, {bytes} bytes/s ({weeks} weeks)")
}

/// What makes a score.
fn parts(standing: &v1::ServiceScore) -> Table {
    let v1::ServiceScore { baseline, deviation, destinations, criticality, .. } = *standing;
    let mut table = Table::new(["<PART", ">VALUE"]);
    for (part, value) in [
        ("baseline", baseline),
        ("deviation", deviation),
        ("destinations", destinations),
        ("criticality", criticality),
    ] {
        table.row([part.into(), format!("{value:.2}").into()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_told_with_what_makes_its_score() {
        let standing = v1::ServiceScore {
            score: 8850,
            baseline: 1.0,
            deviation: 0.8,
            destinations: 0.6,
            criticality: 0.9,
        };
        let count = |name: &str, count| v1::Count { name: name.into(), count, ..Default::default() };
        let one = v1::ServiceStanding {
            service: "database".into(),
            criticality: 0.9,
            owner: "team-data".into(),
            hour: Some(v1::HourOfWeek {
                hour: "Tue 03:00".into(),
                weeks: 5,
                known: true,
                packets_per_s: 9_000.0,
                bytes_per_s: 9e6,
            }),
            sources: vec![count("good", 7), count("poor", 2)],
            standing: Some(standing),
            bytes_per_s: 1_000_000,
            ..Default::default()
        };
        let text = shown(&one);
        assert!(text.contains("score 8850") && text.contains("deviation      0.80"), "{text}");
        assert!(text.contains("sources    7 good, 2 poor") && text.contains("team-data"), "{text}");
        assert!(
            text.contains("hour       Tue 03:00 UTC: usual for a source 9k packets/s, 9M bytes/s"),
            "{text}"
        );
        let young = v1::HourOfWeek { hour: "Tue 03:00".into(), weeks: 1, ..Default::default() };
        assert!(this_hour(&young).contains("too few"));
        let text = listed(&[one, v1::ServiceStanding::default()]);
        assert!(text.contains("database") && text.contains("(no service)"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(listed(&[]).contains("no services"));
    }
}
