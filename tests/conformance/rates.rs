//! How fast a job takes in records: Spark's estimator, and the limit that is set.

use serde_json::Value;
use streaming_runtime::{
    Engine, Pid,
    connect::{channel, collect},
    millis,
    prelude::*,
};

use super::{
    compare::Rule,
    run::{case, items},
};

/// `pid`: the estimator is asked with the times and numbers of each batch.
pub fn pid(id: &str) {
    let case = case(id);
    let params = &case["params"];
    let number = |value: &Value| value.as_f64().expect("the case gives a number");
    let pid = Pid {
        proportional: number(&params["proportional"]),
        integral: number(&params["integral"]),
        derivative: number(&params["derivative"]),
        min_rate: number(&params["min_rate"]),
        initial_rate: None,
    };
    let estimator = pid.estimator(millis(params["batch_interval_ms"].as_u64().expect("the case gives it")));
    if !case["expected_error"].is_null() {
        let error = estimator.expect_err("the settings are out of range");
        assert_eq!(error.code(), "start.config", "{id}: {error}");
        return;
    }
    let mut estimator = estimator.expect("the settings are in range");
    let mut rates = Vec::new();
    for batch in items(&case["inputs"][0]) {
        let elements = batch[1].as_i64().expect("a number of records is whole");
        let rate = estimator.compute(number(&batch[0]), elements, number(&batch[2]), number(&batch[3]));
        rates.push(Value::from(rate));
    }
    let rule = Rule { ordered: true, tolerance: number(&case["tolerance"]) };
    let expected = items(&case["expected"]);
    assert!(rule.holds(&rates, expected), "{id}\n     got {rates:?}\nexpected {expected:?}");
}

stream!(
    #[batch(secs(1))]
    fn copy<numbers: Source<i64>, out: Sink<i64>>() {
        numbers.to(out);
    }
);

/// `rate_limiter`: a rate that is asked for, and the one that a source then has.
pub fn rate_limiter(id: &str) {
    let case = case(id);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio starts");
    let _inside = runtime.enter();
    for (update, expected) in items(&case["steps"]).iter().zip(items(&case["expected"])) {
        let mut engine = Engine::new().backpressure(Pid { initial_rate: update.as_f64(), ..Pid::default() });
        if let Some(most) = case["params"]["max_rate"].as_f64() {
            engine = engine.max_rate(most);
        }
        let (_sender, numbers) = channel(1);
        let job = engine.start(copy::Ports { numbers, out: collect().0 }).expect("it starts");
        assert_eq!(job.rates(), [("numbers", expected.as_f64())], "{id}");
    }
}
