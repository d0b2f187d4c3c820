//! Connections by source: nobody takes all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use repute_model::Source;

/// How many connections each source has. Never more rows than there are connections.
#[derive(Clone, Debug)]
pub struct Seats {
    taken: Arc<Mutex<HashMap<Source, usize>>>,
    each: usize,
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    source: Source,
}

impl Seats {
    /// So many for each source.
    pub fn new(each: usize) -> Self {
        Self { taken: Arc::default(), each }
    }

    /// A place for one more connection, where the source has one left.
    pub fn take(&self, source: Source) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = taken.entry(source).or_default();
        if *mine >= self.each {
            return None;
        }
        *mine += 1;
        Some(Seat { seats: self.clone(), source })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = taken.get_mut(&self.source) {
            *mine -= 1;
            if *mine == 0 {
                taken.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_and_they_are_free_again() {
        let seats = Seats::new(2);
        let (one, other): (Source, Source) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
        let held = [seats.take(one).unwrap(), seats.take(one).unwrap()];
        assert!(seats.take(one).is_none() && seats.take(other).is_some());
        let [first, _second] = held;
        drop(first);
        assert!(seats.take(one).is_some());
        assert_eq!(seats.taken.lock().unwrap().len(), 1);
    }
}
