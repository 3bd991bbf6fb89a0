//! A histogram that is counted without a lock, as every delivery to every client is. A scrape in the middle of an observation may
//! see it in a bucket and not yet in the sum; count and buckets agree, because the count is the sum of the buckets.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;

/// The upper bounds of times, in nanoseconds: from what is found in memory to what somebody has to look into.
const TIMES: [u64; 16] = [
    100 * MICROSECOND,
    250 * MICROSECOND,
    500 * MICROSECOND,
    MILLISECOND,
    MILLISECOND * 5 / 2,
    5 * MILLISECOND,
    10 * MILLISECOND,
    25 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    SECOND * 5 / 2,
    10 * SECOND,
    30 * SECOND,
];
/// The upper bounds of sizes.
const SIZES: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// A histogram; clones are the same.
#[derive(Clone)]
pub struct Histogram(Arc<Inner>);

struct Inner {
    bounds: &'static [u64],
    /// How many of the values' units are one of the metric's.
    scale: f64,
    /// One for each bound, and one for what is above.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// Creates a histogram of times, in seconds.
    pub fn of_times() -> Self {
        Self::new(&TIMES, SECOND as f64)
    }

    /// Creates a histogram of numbers.
    pub fn of_sizes() -> Self {
        Self::new(&SIZES, 1.0)
    }

    fn new(bounds: &'static [u64], scale: f64) -> Self {
        Self(Arc::new(Inner {
            bounds,
            scale,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }))
    }

    /// Counts a time.
    pub fn observe(&self, time: Duration) {
        self.count(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a number.
    pub fn observe_size(&self, size: usize) {
        self.count(size as u64);
    }

    fn count(&self, value: u64) {
        let bucket = self.0.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.0.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.fetch_add(value, Ordering::Relaxed);
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Histogram({} bounds)", self.0.bounds.len())
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Inner {
            bounds,
            scale,
            buckets,
            sum,
        } = &*self.0;
        let bounds = bounds.iter().map(|bound| *bound as f64 / scale);
        let counts = buckets.iter().map(|it| it.load(Ordering::Relaxed));
        let buckets: Vec<_> = bounds.chain([f64::INFINITY]).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = sum.load(Ordering::Relaxed) as f64 / scale;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::{Registry, Unit};

    use super::*;

    #[test]
    fn bounds_are_inclusive_and_buckets_add_up() {
        let times = Histogram::of_times();
        for time in [
            Duration::from_millis(1),
            Duration::from_nanos(1_000_001),
            Duration::ZERO,
            Duration::from_secs(3600),
        ] {
            times.observe(time);
        }
        let mut registry = Registry::default();
        registry.register_with_unit("t", "times", Unit::Seconds, times);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        for expected in [
            "t_seconds_count 4\n",
            "t_seconds_bucket{le=\"0.0001\"} 1\n",
            "t_seconds_bucket{le=\"0.001\"} 2\n",
            "t_seconds_bucket{le=\"0.0025\"} 3\n",
            "t_seconds_bucket{le=\"30.0\"} 3\n",
            "t_seconds_bucket{le=\"+Inf\"} 4\n",
            "t_seconds_sum 3600.002000001\n",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let sizes = Histogram::of_sizes();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|size| sizes.observe_size(size % 3)));
            }
        });
        let counted = sizes.0.buckets.iter().map(|it| it.load(Ordering::Relaxed));
        assert_eq!(counted.sum::<u64>(), 40_000);
    }
}
