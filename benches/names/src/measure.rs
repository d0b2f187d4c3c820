//! How well scores tell names apart.
//!
//! Called by the card and the tests. Always holds: ties count half.

/// What a set of scores is worth.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// Area under the ROC curve.
    pub area: f64,
    /// The share of algorithms' names that is found where one benign name in a hundred is taken for one.
    pub found: f64,
}

/// Measures the scores of algorithms' names against those of benign ones.
pub fn measure(made: &[f32], benign: &[f32]) -> Measured {
    let mut sorted = benign.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let limit = sorted.get(benign.len() / 100).copied().unwrap_or(f32::MAX);
    let found = made.iter().filter(|score| **score > limit).count();
    Measured { area: area(made, benign), found: found as f64 / made.len().max(1) as f64 }
}

/// The area under the ROC curve: how likely the name of an algorithm scores above a benign one. 0.5 if one side is
/// empty.
pub fn area(made: &[f32], benign: &[f32]) -> f64 {
    if made.is_empty() || benign.is_empty() {
        return 0.5;
    }
    let mut sorted = benign.to_vec();
    sorted.sort_by(f32::total_cmp);
    let below = |score: f32| {
        let less = sorted.partition_point(|other| *other < score);
        let equal = sorted.partition_point(|other| *other <= score) - less;
        less as f64 + equal as f64 / 2.0
    };
    made.iter().map(|&score| below(score)).sum::<f64>() / (made.len() as f64 * benign.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas() {
        assert_eq!(area(&[0.9, 0.8], &[0.1, 0.2]), 1.0);
        assert_eq!(area(&[0.1], &[0.1]), 0.5);
        assert_eq!(area(&[0.3, 0.1], &[0.2]), 0.5);
        assert_eq!(area(&[], &[0.2]), 0.5);
    }

    #[test]
    fn one_in_a_hundred() {
        let benign: Vec<f32> = (0..100).map(|i| i as f32 / 100.0).collect();
        assert_eq!(measure(&[0.985, 0.975, 0.5, 2.0], &benign).found, 0.5);
    }
}
