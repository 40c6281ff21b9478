//! When two batches are the same.

use serde_json::Value;

/// How the records of a batch compare.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// As a list, and not as a multiset.
    pub ordered: bool,
    /// How far numbers may lie apart, relative to the expected one.
    pub tolerance: f64,
}

impl Rule {
    /// Whether a batch is as expected.
    pub fn holds(self, got: &[Value], expected: &[Value]) -> bool {
        if got.len() != expected.len() {
            return false;
        }
        if self.ordered {
            return got.iter().zip(expected).all(|(got, expected)| self.same(got, expected));
        }
        let mut left: Vec<_> = got.iter().collect();
        expected.iter().all(|expected| {
            let place = left.iter().position(|got| self.same(got, expected));
            place.map(|place| left.swap_remove(place)).is_some()
        })
    }

    fn same(self, got: &Value, expected: &Value) -> bool {
        match (got, expected) {
            (Value::Array(got), Value::Array(expected)) => {
                let mut both = got.iter().zip(expected);
                got.len() == expected.len() && both.all(|(got, expected)| self.same(got, expected))
            }
            // `1` and `1.0` are one number, which JSON writes in two ways.
            (Value::Number(got), Value::Number(expected)) if got != expected => {
                let (Some(got), Some(expected)) = (got.as_f64(), expected.as_f64()) else { return false };
                (got - expected).abs() <= self.tolerance * expected.abs()
            }
            (got, expected) => got == expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_bags_and_tolerance() {
        let holds = |ordered, tolerance, got: Value, expected: Value| {
            let items = |value: &Value| value.as_array().expect("a batch").clone();
            Rule { ordered, tolerance }.holds(&items(&got), &items(&expected))
        };
        assert!(holds(true, 0.0, json!([1, ["a", null]]), json!([1, ["a", null]])));
        assert!(holds(true, 0.0, json!([1.0]), json!([1])));
        assert!(!holds(true, 0.0, json!([1, 2]), json!([2, 1])));
        assert!(holds(false, 0.0, json!([1, 2, 1]), json!([1, 1, 2])));
        assert!(!holds(false, 0.0, json!([1, 2, 2]), json!([1, 1, 2])), "duplicates count");
        assert!(!holds(false, 0.0, json!([1, 1]), json!([1])));
        assert!(holds(false, 1e-3, json!([[1, 2.001]]), json!([[1, 2.0]])));
        assert!(!holds(false, 1e-3, json!([2.01]), json!([2.0])));
    }
}
