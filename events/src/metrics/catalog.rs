//! The metrics of a process. A test holds what processes serve of it, and the documents, together.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, prometheus_text, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Metric, Registry, Unit},
};

use super::Labels;

/// The name of a metric, and what it is.
pub struct Name {
    /// Without its unit, and without what Prometheus expects of counters: both are added.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its unit, if the name has one.
    pub unit: Option<Unit>,
}

/// Returns the name of a metric without a unit.
pub const fn name(name: &'static str, help: &'static str) -> Name {
    Name {
        name,
        help,
        unit: None,
    }
}

/// Returns the name of a metric in seconds.
pub const fn seconds(name: &'static str, help: &'static str) -> Name {
    Name {
        name,
        help,
        unit: Some(Unit::Seconds),
    }
}

/// Returns the name of a metric in bytes.
pub const fn bytes(name: &'static str, help: &'static str) -> Name {
    Name {
        name,
        help,
        unit: Some(Unit::Bytes),
    }
}

/// All metrics of a process.
#[derive(Default)]
pub struct Catalog(Registry);

impl Catalog {
    /// Enters a metric.
    pub fn add<M: Metric + Clone>(&mut self, name: Name, metric: &M) {
        let Name { name, help, unit } = name;
        let (registry, metric) = (&mut self.0, metric.clone());
        match unit {
            Some(unit) => registry.register_with_unit(name, help, unit, metric),
            None => registry.register(name, help, metric),
        }
    }

    /// Enters a gauge whose series are read when it is scraped. Reading must not wait for anything.
    pub fn read_gauge<R>(&mut self, name: Name, read: R)
    where
        R: Fn() -> Vec<(Labels, f64)> + Send + Sync + 'static,
    {
        self.read(MetricType::Gauge, name, Box::new(read));
    }

    /// Enters a counter whose series are read when it is scraped. Reading must not wait for anything.
    pub fn read_counter<R>(&mut self, name: Name, read: R)
    where
        R: Fn() -> Vec<(Labels, f64)> + Send + Sync + 'static,
    {
        self.read(MetricType::Counter, name, Box::new(read));
    }

    fn read(&mut self, kind: MetricType, name: Name, read: Read) {
        let reading = Reading { kind, name, read };
        self.0.register_collector(Box::new(reading));
    }

    /// Returns the values as text: of OpenMetrics, or of Prometheus.
    ///
    /// # Errors
    /// When a value cannot be written.
    pub fn encode(&self, is_open_metrics: bool) -> Result<String, fmt::Error> {
        let mut answer = String::new();
        match is_open_metrics {
            true => text::encode(&mut answer, &self.0)?,
            false => prometheus_text::encode(&mut answer, &self.0)?,
        }
        Ok(answer)
    }
}

type Read = Box<dyn Fn() -> Vec<(Labels, f64)> + Send + Sync>;

/// A metric that is read when it is scraped.
struct Reading {
    kind: MetricType,
    name: Name,
    read: Read,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.name)
    }
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let series = (self.read)();
        if series.is_empty() {
            return Ok(());
        }
        let Name { name, help, unit } = &self.name;
        // The library ends the help of other metrics so.
        let help = format!("{help}.");
        let mut family = encoder.encode_descriptor(name, &help, unit.as_ref(), self.kind)?;
        for (labels, value) in series {
            let encoder = family.encode_family(&labels)?;
            match self.kind {
                MetricType::Counter => ConstCounter::new(value).encode(encoder)?,
                _ => ConstGauge::new(value).encode(encoder)?,
            }
        }
        Ok(())
    }
}
