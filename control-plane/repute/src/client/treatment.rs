//! What a source gets, in words: the names in lists, the numbers where one source is explained.

use repute_proto::v1;

use super::units::short;

/// `pass`, or the names of what applies joined by `+`.
pub fn name(treatment: Option<&v1::Treatment>) -> &str {
    treatment.map_or("pass", |treatment| treatment.text.as_str())
}

/// The same in at most `width` characters: what does not fit is left out at the front, where the soft ones are.
pub fn fitted(treatment: Option<&v1::Treatment>, width: usize) -> String {
    let name = name(treatment);
    if name.chars().count() <= width {
        return name.to_owned();
    }
    let tails = name.match_indices('+').map(|(at, _)| &name[at + 1..]);
    let tail = tails.into_iter().find(|tail| tail.chars().count() < width);
    format!("…{}", tail.unwrap_or_default())
}

/// An order: the hardest measure counts most.
pub fn hardness(treatment: Option<&v1::Treatment>) -> u16 {
    let Some(treatment) = treatment else { return 0 };
    let softest_first = [
        treatment.log,
        treatment.mirror.is_some(),
        treatment.inspect,
        treatment.soften.is_some(),
        treatment.queue_new.is_some(),
        treatment.queue.is_some(),
        treatment.block_new,
        treatment.meter.is_some(),
        treatment.reset,
        treatment.drop,
    ];
    softest_first.iter().rev().fold(0, |bits, &on| bits << 1 | u16::from(on))
}

/// The measures that have numbers, each with a sentence.
pub fn details(treatment: &v1::Treatment) -> Vec<(&'static str, String)> {
    let mirror = treatment.mirror.map(|sampling| ("mirror", copied(sampling)));
    let soften = treatment.soften.map(|soften| ("soften", begun(soften)));
    let meter = treatment.meter.map(|meter| ("meter", format!("what is above {} is dropped", rates(meter))));
    let queue = treatment.queue.map(|queue| ("queue", format!("what is above {} waits", rates(queue))));
    let queue_new = treatment.queue_new.map(|rate| {
        let rate = short(rate.into());
        ("queue-new", format!("new connections wait: {rate}/s begin, of all in this band, by worker"))
    });
    [mirror, soften, meter, queue, queue_new].into_iter().flatten().collect()
}

fn rates(meter: v1::Meter) -> String {
    let packets = meter.packets_per_s.map(|rate| format!("{} packets/s", short(rate.into())));
    let bytes = meter.bytes_per_s.map(|rate| format!("{} bytes/s", short(rate as f64)));
    [packets, bytes].into_iter().flatten().collect::<Vec<_>>().join(" or ")
}

fn begun(soften: v1::Soften) -> String {
    let v1::Soften { segments, mss, round_trips } = soften;
    format!("connections begin with {segments} segments of {mss} bytes for {round_trips} round trips")
}

fn copied(sampling: v1::Sampling) -> String {
    match (sampling.one_in, sampling.first) {
        (0 | 1, _) => "every packet is copied".to_owned(),
        (one_in, 0) => format!("1 packet in {one_in} is copied"),
        (one_in, first) => format!("1 packet in {one_in} is copied, and the first {first} of every window"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(packets: u32, bytes: Option<u64>) -> Option<v1::Meter> {
        Some(v1::Meter { packets_per_s: Some(packets), bytes_per_s: bytes, ..Default::default() })
    }

    #[test]
    fn numbers_are_said_in_sentences() {
        let mut treatment = v1::Treatment {
            mirror: Some(v1::Sampling { one_in: 1000, first: 10 }),
            soften: Some(v1::Soften { segments: 4, mss: 1220, round_trips: 3 }),
            meter: meter(100, Some(1_250_000)),
            queue: meter(50, None),
            queue_new: Some(20),
            ..Default::default()
        };
        let said = details(&treatment);
        assert_eq!(
            said.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["mirror", "soften", "meter", "queue", "queue-new"]
        );
        assert_eq!(said[0].1, "1 packet in 1000 is copied, and the first 10 of every window");
        assert_eq!(said[1].1, "connections begin with 4 segments of 1220 bytes for 3 round trips");
        assert_eq!(said[2].1, "what is above 100 packets/s or 1.2M bytes/s is dropped");
        assert_eq!(said[3].1, "what is above 50 packets/s waits");
        assert_eq!(said[4].1, "new connections wait: 20/s begin, of all in this band, by worker");
        treatment.mirror = Some(v1::Sampling { one_in: 1, first: 0 });
        assert_eq!(details(&treatment)[0].1, "every packet is copied");
        assert_eq!(details(&v1::Treatment { drop: true, ..Default::default() }), []);
    }

    #[test]
    fn the_hard_end_is_kept() {
        let named = |text: &str| v1::Treatment { text: text.into(), ..Default::default() };
        for (text, width, fits) in [
            ("log+meter+block-new", 19, "log+meter+block-new"),
            ("log+mirror+meter+queue+queue-new", 19, "…queue+queue-new"),
            ("log+mirror", 7, "…mirror"),
            ("log+queue-new", 4, "…"),
        ] {
            assert_eq!(fitted(Some(&named(text)), width), fits);
        }
        assert_eq!((name(None), fitted(None, 19).as_str()), ("pass", "pass"));
    }

    #[test]
    fn harder_measures_come_later() {
        let softest_first = [
            v1::Treatment::default(),
            v1::Treatment { log: true, ..Default::default() },
            v1::Treatment { mirror: Some(v1::Sampling::default()), ..Default::default() },
            v1::Treatment { inspect: true, ..Default::default() },
            v1::Treatment { soften: Some(v1::Soften::default()), ..Default::default() },
            v1::Treatment { queue_new: Some(1), ..Default::default() },
            v1::Treatment { queue: meter(1, None), queue_new: Some(1), ..Default::default() },
            v1::Treatment { block_new: true, ..Default::default() },
            v1::Treatment { meter: meter(1, None), ..Default::default() },
            v1::Treatment { reset: true, ..Default::default() },
            v1::Treatment { drop: true, ..Default::default() },
        ];
        assert!(softest_first.array_windows().all(|[a, b]| hardness(Some(a)) < hardness(Some(b))));
        assert_eq!(hardness(None), 0);
    }
}
