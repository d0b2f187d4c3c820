//! Several workers at one address.

use super::*;

/// Two workers, and what they send.
struct Crew {
    workers: Vec<Worker<Frame>>,
    ports: Vec<Ports>,
    now: u64,
}

impl Crew {
    fn new() -> Self {
        let (board, owners) = (PoolBoard::shared(), Owners::Hash { workers: 2 });
        let workers =
            (0..2).zip(mesh(2, 256)).zip(crowd_mesh(2, 4096, 7)).map(|((number, peers), crowds)| {
                let (mailbox, _handle) = mailbox(16, 256);
                let policy = Box::new(policy(&text("")));
                let alone = Setup::alone(policy, LIMITS, 7, &PAIR, mailbox, Published::shared());
                let (team, endpoint) = (Team { owners: owners.clone(), peers }, setup(number, 2, &board));
                Worker::new(Setup { team: Some(team), crowds, endpoint: Some(endpoint), ..alone })
            });
        let workers: Vec<_> = workers.collect();
        let ports = workers.iter().map(|_| Ports { kept: Some(Vec::new()), ..Ports::default() }).collect();
        Self { workers, ports, now: 0 }
    }

    /// Everything arrives at one worker; what both send, in the end.
    fn turn(&mut self, at: usize, arrivals: Vec<(u8, Frame)>) -> Vec<(usize, u8, Frame)> {
        self.now += 1;
        let mut arrivals = Some(arrivals);
        for round in 0..4 {
            for (number, (worker, ports)) in self.workers.iter_mut().zip(&mut self.ports).enumerate() {
                let mut batch = Batch::new();
                while worker.take_handed(&mut batch) > 0 {
                    worker.breathe(Tick(self.now), &mut batch, ports);
                }
                let due =
                    if round == 0 && number == at { arrivals.take().unwrap_or_default() } else { Vec::new() };
                let mut batch: Batch<Frame> = due.into_iter().collect();
                worker.breathe(Tick(self.now), &mut batch, ports);
                assert!(worker.account().is_conserved());
            }
        }
        let sent = self.ports.iter_mut().enumerate().flat_map(|(number, ports)| {
            ports
                .kept
                .replace(Vec::new())
                .unwrap()
                .into_iter()
                .map(move |(port, frame)| (number, port, frame))
        });
        sent.collect()
    }
}

/// Whatever arrives where: who asks for neighbours is told, who owns a client gets the answers to its queries.
#[test]
fn workers_share_what_one_of_them_finds_out_and_answers_find_their_owner() {
    let mut crew = Crew::new();
    let answers = |sent: Vec<(usize, u8, Frame)>| -> Vec<(u8, Frame)> {
        let reply = |(number, port, frame): (usize, u8, Frame)| {
            assert_eq!((number, port), (0, INSIDE), "the first worker alone asks");
            let parsed = parsed(&frame);
            if let Some(asked) = Resolution::read(&frame.bytes, &parsed) {
                return raw(&asked.reply(mac(asked.target())));
            }
            match Neighbour::read(&frame.bytes, &parsed) {
                Some(Neighbour::Solicitation { target, .. }) => {
                    raw(&Neighbour::read(&frame.bytes, &parsed).unwrap().advertise(mac(target)).unwrap())
                }
                _ => says(&frame, &answer(message(&frame), NOERROR, 0)),
            }
        };
        sent.into_iter().map(|sent| (INSIDE, reply(sent))).collect()
    };
    // Everything that comes back arrives at the other worker.
    (0..6).fold(Vec::new(), |arrivals, _| answers(crew.turn(1, arrivals)));
    let mut asked = [0, 0];
    for n in 0..40u16 {
        let client: Ip = [198, 51, 100, n as u8];
        let frame = udp_of((client, 4000), (SERVICE, 53), &query(n, &format!("h{n}.example"), A, None));
        let sent = crew.turn(usize::from(n % 2), vec![(OUTSIDE, frame)]);
        let queries: Vec<_> = sent
            .into_iter()
            .filter(|(_, _, frame)| parsed(frame).payload_len > 17 && parsed(frame).l4 == L4::Udp)
            .collect();
        let [(number, INSIDE, frame)] = &queries[..] else { panic!("{queries:?}") };
        let source = Source::of(address(client), Width::OUTSIDE).unwrap();
        assert_eq!(*number, usize::from(owner(source, 2)));
        asked[*number] += 1;
        let back = crew
            .turn(usize::from(n / 2 % 2), vec![(INSIDE, says(frame, &answer(message(frame), NOERROR, 1)))]);
        let back: Vec<_> = back.into_iter().filter(|(_, port, _)| *port == OUTSIDE).collect();
        let [(by, _, frame)] = &back[..] else { panic!("{back:?}") };
        assert_eq!((by, parsed(frame).dst, id_of(frame)), (number, address(client), n));
    }
    assert!(asked.iter().all(|&queries| queries > 5), "{asked:?}");
    assert!(crew.workers.iter().all(|worker| worker.account().misowned == 0));
}
