//! The admin listener of a process, as Prometheus and operators use it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::http::{Connection, Response};
use crate::process::Process;
use crate::waiting::SOON;

/// The admin listener of one process.
pub struct Admin(pub SocketAddr);

/// What a scrape showed.
#[derive(Debug, Default)]
pub struct Scrape {
    /// The types, by the names of metrics.
    pub types: BTreeMap<String, String>,
    /// The samples, by name and labels as they are written.
    pub samples: BTreeMap<String, f64>,
}

impl Admin {
    /// Finds the listener of a process that was started with one.
    pub fn of(process: &mut Process) -> Self {
        let line = process.await_line("/metrics", SOON);
        let address = line.split("http://").nth(1).expect("an address");
        let address = address.trim_end_matches("/metrics");
        Self(address.parse().expect("an address"))
    }

    pub async fn get(&self, path: &str, headers: &str) -> Response {
        self.send("GET", path, headers, "").await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Response {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {length}\r\n{headers}\r\n{body}",
            self.0
        );
        let mut connection = Connection::open(self.0).await.expect("it is open");
        connection
            .send(request.as_bytes())
            .await
            .expect("an answer")
    }

    /// Scrapes the metrics in Prometheus' text format.
    pub async fn scrape(&self) -> Scrape {
        let answer = self.get("/metrics", "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Scrape::parse(&answer.text())
    }
}

impl Scrape {
    fn parse(text: &str) -> Self {
        let mut scrape = Self::default();
        for line in text.lines() {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                let (name, kind) = described.split_once(' ').expect("a type");
                scrape.types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let value = value.parse().expect("a number");
                scrape.samples.insert(series.to_owned(), value);
            }
        }
        scrape
    }

    /// Returns the sum of all series of this name whose labels have all of these.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let series = self.samples.iter().filter(|(series, _)| {
            let (of, rest) = series.split_once('{').unwrap_or((series, ""));
            of == name && labels.iter().all(|label| rest.contains(label))
        });
        series.map(|(_, value)| value).sum()
    }

    /// Returns the names of the labels of a metric, but for that of buckets.
    pub fn labels(&self, name: &str) -> Vec<String> {
        let of = |series: &&String| {
            let known = series.split('{').next().unwrap_or_default();
            known == name || known == format!("{name}_count")
        };
        let series = self.samples.keys().find(of);
        let labels = series
            .and_then(|it| it.split_once('{'))
            .map_or("", |it| it.1);
        let labels = labels.trim_end_matches('}').split("\",");
        let names = labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}
