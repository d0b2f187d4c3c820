//! `repute explain`: why a source gets what it gets.

use std::fmt::Write;

use clap::Args;
use repute_proto::v1;

use super::connect::{Connection, refused};
use super::crowd::{measure, senders};
use super::feed::terms;
use super::output::Output;
use super::past::{self, Past};
use super::service;
use super::table::Table;
use super::treatment::{details, name};
use super::units::{measured, ms_ago, ms_until, short, span, wrapped};

/// Explain why a source gets what it gets: factors, evidence, rule, treatment, policy
#[derive(Args, Debug)]
pub struct Explain {
    /// Address or prefix, such as 192.0.2.7 or 2001:db8:0:1::/64
    source: String,
    #[command(flatten)]
    past: Past,
}

/// Runs the subcommand.
pub async fn run(args: &Explain, connection: &Connection, output: Output) -> anyhow::Result<()> {
    if args.past.is_asked_for() {
        return past::run(&args.past, &args.source, connection, output).await;
    }
    let explanation = ask(connection, &args.source).await?;
    output.one(&explanation, human)
}

/// What is said of everything that a policy in shadow mode judges.
const SHADOW: &str = "The policy is in shadow mode: nothing of this is done, and every packet is forwarded.";

/// Asks for an explanation.
pub async fn ask(connection: &Connection, source: &str) -> anyhow::Result<v1::Explanation> {
    let asked = v1::ExplainRequest { source: source.to_owned() };
    Ok(connection.scores().explain(asked).await.map_err(refused)?.into_inner())
}

/// A sentence, the factors, and the rest. Writing to a `String` cannot fail.
pub fn human(explained: &v1::Explanation) -> String {
    let mut out = wrapped(&sentence(explained), 80);
    if explained.shadow {
        let _ = write!(out, "\n\n{}", wrapped(SHADOW, 80));
    }
    for held in &explained.held_up {
        let _ = write!(out, "\n\n{}", wrapped(&held_up(held), 80));
    }
    if let Some(narrowed) = narrowed(explained) {
        let _ = write!(out, "\n\n{}", wrapped(&narrowed, 80));
    }
    out.push_str("\n\n");
    out.push_str(&factors(&explained.terms).render());
    out.push('\n');
    for (name, value) in facts(explained) {
        let _ = writeln!(out, "{name:<10} {value}");
    }
    out
}

/// Which part of what the source sends gets its treatment, where that is not for all of it.
fn narrowed(explained: &v1::Explanation) -> Option<String> {
    explained.treatment.as_ref().filter(|treatment| treatment.excess_only)?;
    let rest = name(explained.rest.as_ref());
    Some(match &explained.excess {
        Some(excess) => format!("Only this gets it: {}. What else it sends gets: {rest}.", excess.text),
        None => "All that it sends gets it: nothing tells what part of that made it suspicious.".to_owned(),
    })
}

/// Who stands where, gets what, and why, in one sentence.
fn sentence(explained: &v1::Explanation) -> String {
    let treatment = name(explained.treatment.as_ref());
    format!(
        "{} is {} (score {} of 10000): {treatment}, because {}.",
        explained.source,
        explained.band().name(),
        explained.score,
        because(explained)
    )
}

fn because(explained: &v1::Explanation) -> String {
    if matches!(explained.rule_kind(), v1::RuleKind::Allowed | v1::RuleKind::Listed | v1::RuleKind::Stranger)
    {
        return explained.rule.clone();
    }
    // The terms of E13's formula are parts of a good score, not reasons against the source.
    let against =
        explained.terms.iter().filter(|term| term.part > 0.0 && explained.model != "egress-interval");
    let causes: Vec<_> =
        against.take(3).map(|term| format!("{} ({})", term.factor, evidence(term))).collect();
    match causes.as_slice() {
        [] if explained.target > explained.score => {
            let met = if explained.begins.is_some() { ", or of those around it when it came" } else { "" };
            format!("of what it did before{met}; the factors alone would give {} now", explained.target)
        }
        [] => explained.rule.clone(),
        [one] => format!("of {one}"),
        [first @ .., last] => format!("of {} and {last}", first.join(", ")),
    }
}

/// Where the source has no standing to send, why, and what it has to do.
fn held_up(held: &v1::HeldUp) -> String {
    let numbers = held.numbers.as_ref().map_or_else(
        || "it is about to end".to_owned(),
        |numbers| {
            let senders = numbers.senders.as_ref().map(|senders| format!("; {}", self::senders(senders)));
            measure(numbers) + &senders.unwrap_or_default()
        },
    );
    format!("To {}, which is in flood ({}: {numbers}), {}.", held.crowd, held.flood, held.becomes)
}

/// `31 connections`; units that explain a scale come in brackets.
fn evidence(term: &v1::Term) -> String {
    let value = measured(term.evidence);
    let unit = term.unit.split(", ").next().unwrap_or_default();
    if unit.contains('=') { format!("{value} ({unit})") } else { format!("{value} {unit}") }
}

fn factors(terms: &[v1::Term]) -> Table {
    let mut table = Table::new(["<FACTOR", "<EVIDENCE", ">VALUE", ">WEIGHT", ">PART"]);
    for term in terms {
        table.row([
            (&term.factor).into(),
            evidence(term).into(),
            format!("{:.2}", term.value).into(),
            measured(term.weight).into(),
            format!("{:.3}", term.part).into(),
        ]);
    }
    table
}

fn facts(explained: &v1::Explanation) -> Vec<(&'static str, String)> {
    let treatment = name(explained.treatment.as_ref()).to_owned();
    let mut facts = vec![("rule", explained.rule.clone()), ("treatment", treatment)];
    facts.extend(explained.treatment.iter().flat_map(details));
    facts.extend([
        ("policy", format!("version {}", explained.policy_version)),
        ("model", format!("{}; the factors alone would give {} now", explained.model, explained.target)),
        ("suspicion", format!("{:.1} of 100", explained.suspicion)),
    ]);
    if let Some(score) = explained.begins {
        facts.push((
            "shadow",
            format!("a new source in its place begins at {score}: those around it stand badly"),
        ));
    }
    for listed in &explained.listed {
        facts.push(("feed", format!("{}: {}, {}", listed.feed, listed.prefix, terms(listed))));
    }
    if let Some(place) = place(explained) {
        facts.push(("place", place));
    }
    facts.extend(explained.system.as_ref().map(|system| ("system", in_system(system))));
    facts.extend(explained.lured.iter().map(|one| ("honeypot", lured(one))));
    for v1::Opinion { service, confidence, note, error } in &explained.opinions {
        let says = if error.is_empty() { format!("bad to {confidence} % {note}") } else { error.clone() };
        facts.push(("look-up", format!("{service}: {}", says.trim_end())));
    }
    for taken in &explained.taken {
        let v1::Taken { name, points, why, until_unix_ms, .. } = taken;
        let left = span(ms_until(*until_unix_ms));
        facts.push(("taken", format!("{points} points by {name}: {why}; counts for another {left}")));
    }
    for v1::Given { name, points, why, until_unix_ms } in &explained.given {
        let left = span(ms_until(*until_unix_ms));
        facts.push(("given", format!("{points} points by {name}: {why}; counts for another {left}")));
    }
    facts.extend(explained.pairs.iter().map(|pair| ("service", in_service(pair))));
    if let Some(over_all) = explained.service_standing.filter(|_| explained.pairs.len() > 1) {
        facts.push(("over all", format!("score {} of 10000", over_all.score)));
    }
    let Some(ago) = explained.last_seen_ms_ago else {
        facts.push(("seen", format!("no entry at worker {}", explained.worker)));
        return facts;
    };
    let (packets, bytes) = (explained.baseline_packets_per_s, explained.baseline_bytes_per_s);
    facts.push(("baseline", format!("{} packets/s, {} bytes/s", short(packets), short(bytes))));
    facts.extend(explained.at_this_hour.as_ref().map(|hour| ("hour", at_this_hour(hour))));
    facts.push(("mitigated", format!("{} so far, fading", explained.mitigations)));
    facts.push(("seen", format!("{} ago by worker {}", span(ago), explained.worker)));
    facts
}

/// How the source stands in one of its services, and why.
fn in_service(pair: &v1::PairStanding) -> String {
    let score = pair.standing.unwrap_or_default();
    format!(
        "{}: score {} of 10000 (baseline {:.2}, deviation {:.2}, destinations {:.2}, criticality {:.2}); {} bytes/s, usual {}",
        service::name(&pair.service),
        score.score,
        score.baseline,
        score.deviation,
        score.destinations,
        score.criticality,
        short(pair.bytes_per_s.into()),
        short(pair.usual_bytes_per_s.into()),
    )
}

/// A honeypot that the source has asked for, and who has it as one.
fn lured(lured: &v1::Lured) -> String {
    let v1::Lured { name, lists, times, last_unix_ms, counted } = lured;
    let lists = if lists.is_empty() { "in no list any more".to_owned() } else { lists.join(", ") };
    let counts = if *counted { "" } else { ", which counts against nobody" };
    let times = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
    format!("{name} ({lists}), {times}, {} ago{counts}", span(ms_ago(*last_unix_ms)))
}

/// What is usual at this hour of the week, and what the source sends.
fn at_this_hour(hour: &v1::AtThisHour) -> String {
    let rates = |packets: f32, bytes: f32| {
        format!("{} packets/s, {} bytes/s", short(packets.into()), short(bytes.into()))
    };
    let usual = rates(hour.usual_packets_per_s, hour.usual_bytes_per_s);
    format!("{} UTC: usual {usual}; now {}", hour.hour, rates(hour.packets_per_s, hour.bytes_per_s))
}

/// What is asked for from its autonomous system, and how far names that fail are spread there.
fn in_system(look: &v1::SystemLook) -> String {
    let v1::SystemLook { number, networks, random, failed, spread, countries, is_learnt } = look;
    let spread = spread.unwrap_or_default();
    let usual = match is_learnt {
        true => format!("usual: {:.0} %", 100.0 * spread.usual),
        false => "what is usual is not known yet".to_owned(),
    };
    let within = countries.filter(|countries| countries.of > 1).map(|countries| {
        format!(
            ", and for {} of {} countries (usual: {:.0} %)",
            countries.asking,
            countries.of,
            100.0 * countries.usual
        )
    });
    format!(
        "AS{number}: of {networks} networks {random} asked last for a random name, {failed} for one that does not exist; \
         at one domain names fail for {} of them ({usual}){}",
        spread.asking,
        within.unwrap_or_default()
    )
}

/// Country and autonomous system, as far as they are known.
fn place(explained: &v1::Explanation) -> Option<String> {
    let country = Some(explained.country.clone()).filter(|country| !country.is_empty());
    let system = (explained.asn > 0).then(|| format!("AS{} {}", explained.asn, explained.organisation));
    let parts: Vec<_> = country.into_iter().chain(system).collect();
    (!parts.is_empty()).then(|| parts.join(", ").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation() -> v1::Explanation {
        let term = |factor: &str, evidence, unit: &str, part| v1::Term {
            factor: factor.into(),
            evidence,
            unit: unit.into(),
            value: 1.0,
            weight: 0.8,
            part,
            help: String::new(),
        };
        v1::Explanation {
            source: "192.0.2.7".into(),
            tracked: true,
            score: 812,
            band: v1::Band::Malicious.into(),
            model: "weighted-sum".into(),
            terms: vec![
                term("syn-ack", 31.0, "connections", 0.8),
                term("feed", 0.5, "confidence, 1 = certain", 0.1),
                term("volume", 0.0, "deviation from the mean, 1 = as much again", 0.0),
            ],
            rule_kind: v1::RuleKind::Band.into(),
            rule: "the treatment of band malicious".into(),
            treatment: Some(v1::Treatment { text: "drop".into(), drop: true, ..Default::default() }),
            last_seen_ms_ago: Some(2100),
            ..Default::default()
        }
    }

    #[test]
    fn the_sentence_comes_first() {
        let text = human(&explanation());
        let sentence = "192.0.2.7 is malicious (score 812 of 10000): drop, because of syn-ack (31 connections) \
                        and feed (0.50 confidence).";
        assert_eq!(text.split("\n\n").next().map(|s| s.replace('\n', " ")).as_deref(), Some(sentence));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("2 s ago by worker 0"), "{text}");
    }

    #[test]
    fn the_hour_is_told_with_what_is_usual() {
        let at_this_hour = v1::AtThisHour {
            hour: "Tue 03:00".into(),
            usual_packets_per_s: 9_000.0,
            usual_bytes_per_s: 9e6,
            packets_per_s: 120.0,
            bytes_per_s: 130e3,
        };
        let text = human(&v1::Explanation { at_this_hour: Some(at_this_hour), ..explanation() });
        let line =
            "hour       Tue 03:00 UTC: usual 9k packets/s, 9M bytes/s; now 120 packets/s, 130k bytes/s";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn the_system_is_told_with_its_number_and_the_evidence() {
        let spread = |asking, of, usual| Some(v1::Spreading { asking, of, usual });
        let system = v1::SystemLook {
            number: 64_500,
            networks: 48,
            random: 40,
            failed: 31,
            spread: spread(44, 48, 0.08),
            countries: spread(1, 1, 0.0),
            is_learnt: true,
        };
        let told = |system: v1::SystemLook| human(&v1::Explanation { system: Some(system), ..explanation() });
        let line = "system     AS64500: of 48 networks 40 asked last for a random name, 31 for one that does not exist; at \
                    one domain names fail for 44 of them (usual: 8 %)\n";
        assert!(told(system).contains(line), "{}", told(system));
        let wide = told(v1::SystemLook { countries: spread(5, 6, 0.2), is_learnt: false, ..system });
        assert!(
            wide.contains(
                "of them (what is usual is not known yet), and for 5 of 6 countries (usual: 20 %)\n"
            )
        );
    }

    #[test]
    fn measures_with_numbers_have_lines_of_their_own() {
        let treatment = v1::Treatment {
            text: "queue+queue-new".into(),
            queue: Some(v1::Meter { packets_per_s: Some(50), ..Default::default() }),
            queue_new: Some(20),
            ..Default::default()
        };
        let text = human(&v1::Explanation { treatment: Some(treatment), ..explanation() });
        let from = text.find("treatment  ").unwrap();
        let lines: Vec<_> = text[from..].lines().take(4).collect();
        assert_eq!(lines[..2], ["treatment  queue+queue-new", "queue      what is above 50 packets/s waits"]);
        assert!(lines[2].starts_with("queue-new  new connections wait: 20/s"), "{text}");
        assert!(lines[3].starts_with("policy     version"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn who_is_narrowed_is_told_what_is_let_through() {
        let treatment =
            v1::Treatment { text: "meter+excess-only".into(), excess_only: true, ..Default::default() };
        let excess = v1::Excess { text: "UDP traffic to port 4444".into(), ..Default::default() };
        let rest = v1::Treatment { text: "log".into(), log: true, ..Default::default() };
        let explained = v1::Explanation { treatment: Some(treatment), rest: Some(rest), ..explanation() };
        let part = human(&v1::Explanation { excess: Some(excess), ..explained.clone() });
        assert!(
            part.contains("Only this gets it: UDP traffic to port 4444. What else it sends gets: log."),
            "{part}"
        );
        assert!(human(&explained).contains("All that it sends gets it"));
        assert!(!human(&explanation()).contains("gets it"));
    }

    #[test]
    fn who_is_held_up_is_told_where_and_what_to_do() {
        let numbers = v1::CrowdNumbers { excess: 24.0, limit: 12.0, per_s: 300.0, ..Default::default() };
        let held = |numbers| v1::HeldUp {
            crowd: "10.0.0.80/32".into(),
            flood: "syn".into(),
            numbers,
            becomes: "its SYN is withheld: it has to send the SYN again".into(),
        };
        let held_up = vec![held(Some(numbers)), held(None)];
        let text = human(&v1::Explanation { held_up, ..explanation() }).replace('\n', " ");
        let expected = "To 10.0.0.80/32, which is in flood (syn: 300/s, 0/s completed, excess 24 of 12), its SYN is \
                        withheld: it has to send the SYN again.";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("(syn: it is about to end)"), "{text}");
    }

    #[test]
    fn shadow_mode_is_told_before_anything_else() {
        let text = human(&v1::Explanation { shadow: true, ..explanation() }).replace('\n', " ");
        assert!(text.contains(&format!("confidence).  {SHADOW}")), "{text}");
        assert!(!human(&explanation()).contains("shadow"));
    }

    #[test]
    fn other_reasons_have_their_own_words() {
        let past = v1::Explanation { terms: Vec::new(), target: 7500, ..explanation() };
        assert!(sentence(&past).contains("because of what it did before"), "{}", sentence(&past));
        let rule = "an allow list names it: everything passes".to_owned();
        let listed = v1::Explanation { rule_kind: v1::RuleKind::Allowed.into(), rule, ..explanation() };
        assert!(sentence(&listed).ends_with("because an allow list names it: everything passes."));
    }
}
