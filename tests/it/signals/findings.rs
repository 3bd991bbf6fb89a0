//! What processors find, compared with models that are written down as simply as can be, and computed from all values of a
//! source in the order of their numbers.

use serde_json::{Value, json};
use tests::Setup;
use tests::signals::{await_end, finding, submit};

/// Mean and sample deviation by their definitions.
fn mean_and_deviation(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (
        (!values.is_empty()).then_some(mean),
        (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
    )
}

/// Slope and explained variance of the line of least squares, from the correlation.
fn line(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let numbers: Vec<f64> = (0..values.len()).map(|number| number as f64).collect();
    let (Some(mean_x), Some(deviation_x)) = mean_and_deviation(&numbers) else {
        return (None, None);
    };
    let (Some(mean_y), Some(deviation_y)) = mean_and_deviation(values) else {
        return (None, None);
    };
    let pairs = numbers.iter().zip(values);
    let products: f64 = pairs.map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let covariance = products / (values.len() as f64 - 1.0);
    let slope = covariance / deviation_x.powi(2);
    let fit = (deviation_y > 0.0).then(|| (covariance / deviation_x / deviation_y).powi(2));
    (Some(slope), fit)
}

/// Mean and deviation by Welford's recurrence, from the first value on: what must be found to the last bit.
fn welford(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let (mut mean, mut squares) = (0.0, 0.0);
    for (before, value) in values.iter().enumerate() {
        let difference = value - mean;
        mean += difference / (before + 1) as f64;
        squares += difference * (value - mean);
    }
    let deviation = || (squares / (values.len() - 1) as f64).sqrt();
    (
        (!values.is_empty()).then_some(mean),
        (values.len() > 1).then(deviation),
    )
}

/// Within what rounding can do to values that are so far from zero, measured by how they deviate. Sums of squares would be
/// off by the square of that.
#[track_caller]
fn near(found: &Value, expected: Option<f64>, values: &[f64], what: &str) {
    let deviation = mean_and_deviation(values).1.unwrap_or(0.0).max(1e-9);
    let largest = values
        .iter()
        .fold(1.0_f64, |largest, it| largest.max(it.abs()));
    match (found.as_f64(), expected) {
        (None, None) => assert!(found.is_null(), "{what}: {found}"),
        (Some(found), Some(expected)) => {
            let most = found.abs().max(expected.abs()).max(1e-6);
            let bound = 1e-13 * (largest / deviation).max(1.0) * most;
            let is_near = (found - expected).abs() <= bound;
            assert!(is_near, "{what}: {found}, not {expected} (+- {bound})");
        }
        _ => panic!("{what}: {found}, not {expected:?}"),
    }
}

fn level(value: f64) -> &'static str {
    match value {
        ..50.0 => "normal",
        50.0..80.0 => "elevated",
        80.0..95.0 => "high",
        _ => "critical",
    }
}

/// One after the other, at once, and with more values than the window of the trend has; with values that are
/// far from zero, where sums of squares lose their digits.
async fn findings_are_exact(setup: Setup) {
    let app = setup.start_many(2, 2, &[]);
    let clients = app.clients();
    let offset = 1e6;
    let value_of = |source: &str, number: usize| match source {
        "calm" => offset + [0.0, 0.25, -0.25, 0.5, -0.5][number % 5],
        "rising" => number as f64 * 2.5 + [0.0, 1.0, -1.0][number % 3],
        _ => [70.0, 96.0, 49.5, 80.0, 12.0][number % 5],
    };
    let at_once = (0..60).map(|number| {
        let (source, client) = (
            ["calm", "wild"][number % 2],
            &clients[number % clients.len()],
        );
        async move { submit(client, source, value_of(source, number / 2)).await }
    });
    let in_turn = async {
        let mut submitted = Vec::new();
        for number in 0..30 {
            let client = &clients[number % clients.len()];
            submitted.push(submit(client, "rising", value_of("rising", number)).await);
        }
        submitted
    };
    let (mut submitted, rising) = futures::join!(futures::future::join_all(at_once), in_turn);
    submitted.extend(rising);
    // An outlier at the end, which everybody must have seen the others of.
    submitted.push(submit(&clients[0], "calm", offset + 40.0).await);
    let mut signals = Vec::new();
    for signal in &submitted {
        signals.push(await_end(&clients[0], &signal["id"]).await);
    }
    for source in ["calm", "rising", "wild"] {
        let mut of_source: Vec<_> = signals.iter().filter(|it| it["source"] == source).collect();
        of_source.sort_by_key(|signal| signal["number"].as_i64());
        let values: Vec<f64> = of_source
            .iter()
            .map(|it| it["value"].as_f64().expect("one"))
            .collect();
        for (place, signal) in of_source.iter().enumerate() {
            let (value, before) = (values[place], &values[..place]);
            let (mean, deviation) = welford(before);
            let z_score = mean
                .zip(deviation.filter(|it| *it > 0.0))
                .map(|(mean, deviation)| (value - mean) / deviation);
            let found = finding(signal, "STATISTICS");
            assert_eq!(found["count"], place, "{signal}");
            assert_eq!(found["mean"], json!(mean), "{signal}");
            assert_eq!(found["deviation"], json!(deviation), "{signal}");
            assert_eq!(found["zScore"], json!(z_score), "{signal}");
            let (mean, deviation) = mean_and_deviation(before);
            near(&found["mean"], mean, before, "mean");
            near(&found["deviation"], deviation, before, "deviation");
            assert_eq!(
                found["isAnomaly"],
                z_score.is_some_and(|it| it.abs() > 3.0),
                "{signal}"
            );

            let found = finding(signal, "TREND");
            let window = &values[(place + 1).saturating_sub(20)..=place];
            let (slope, fit) = line(window);
            assert_eq!(found["trendCount"], window.len());
            near(&found["slope"], slope, window, "slope");
            near(&found["fit"], fit, window, "fit");
            let direction = match (slope, fit) {
                (Some(slope), Some(fit)) if fit >= 0.5 && slope > 0.0 => "RISING",
                (Some(slope), Some(fit)) if fit >= 0.5 && slope < 0.0 => "FALLING",
                _ => "FLAT",
            };
            assert_eq!(found["direction"], direction, "{signal}");

            let found = finding(signal, "LEVELS");
            let previous = place.checked_sub(1).map(|place| level(values[place]));
            assert_eq!(found["level"], level(value));
            assert_eq!(found["previousLevel"], json!(previous));
            assert_eq!(
                found["isChange"],
                previous.is_some_and(|it| it != level(value))
            );
        }
        let last = of_source.last().expect("a signal");
        match source {
            "calm" => assert_eq!(finding(last, "STATISTICS")["isAnomaly"], true, "{last}"),
            "rising" => assert_eq!(finding(last, "TREND")["direction"], "RISING", "{last}"),
            _ => {}
        }
    }
}

/// The levels are the operator's.
async fn levels_are_configured(mut setup: Setup) {
    setup
        .settings
        .set("MILLRACE_SIGNAL_LEVELS", "cool=-10, warm=20.5");
    let app = setup.start();
    for (value, expected) in [
        (-10.5, "normal"),
        (-10.0, "cool"),
        (20.5, "warm"),
        (1e100, "warm"),
    ] {
        let id = submit(app.client(), "room", value).await["id"].clone();
        let ended = await_end(app.client(), &id).await;
        assert_eq!(finding(&ended, "LEVELS")["level"], expected, "{value}");
    }
}

tests::both_ways!(findings_are_exact, levels_are_configured);
