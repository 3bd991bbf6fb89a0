//! The final table: medians over the rounds, and the gateway's as a multiple of each peer's.

use std::collections::BTreeMap;

const OWN: &str = "millrace";

pub struct Summary {
    stolen_before: u64,
    peers: Vec<&'static str>,
    figures: Vec<String>,
    values: BTreeMap<(String, &'static str), Vec<f64>>,
}

/// Returns a percentile of sorted microseconds, in milliseconds.
pub fn percentile(sorted: &[u32], percent: f64) -> f64 {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.clamp(1, sorted.len().max(1)) - 1)
        .map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}

impl Summary {
    /// Returns a table of the gateway and these peers.
    pub fn new(peers: Vec<&'static str>) -> Self {
        Self {
            stolen_before: stolen_seconds(),
            peers,
            figures: Vec::new(),
            values: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, server: &'static str, figure: &str, value: f64) {
        if !self.figures.iter().any(|known| known == figure) {
            self.figures.push(figure.to_owned());
        }
        self.values
            .entry((figure.to_owned(), server))
            .or_default()
            .push(value);
    }

    pub fn print(&self, rounds: usize, seconds: u64) {
        let stolen = stolen_seconds() - self.stolen_before;
        println!(
            "Medians of {rounds} rounds of {seconds} s, servers by turns. The host took {stolen} s of CPU away meanwhile."
        );
        let mut head = format!("| {:<18} | {OWN:>10} |", "");
        let mut rule = format!("| {0:-<18} | {0:-<9}: |", "");
        for peer in &self.peers {
            head += &format!(" {peer:>10} | {:>5} |", "ratio");
            rule += &format!(" {0:-<9}: | {0:-<4}: |", "");
        }
        println!("{head}\n{rule}");
        for figure in &self.figures {
            let own = self.median(figure, OWN);
            let mut row = format!("| {figure:<18} | {:>10} |", show(own));
            for peer in &self.peers {
                let theirs = self.median(figure, peer);
                row += &format!(" {:>10} | {:>5} |", show(theirs), show(own / theirs));
            }
            println!("{row}");
        }
    }

    fn median(&self, figure: &str, server: &'static str) -> f64 {
        let mut values = self
            .values
            .get(&(figure.to_owned(), server))
            .cloned()
            .unwrap_or_default();
        values.sort_by(f64::total_cmp);
        match values.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => values[count / 2],
            count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
        }
    }
}

fn show(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

/// Returns the processor time that the host gave to others since this machine started, in seconds: a high value spoils the
/// figures.
fn stolen_seconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(8)?.parse::<u64>().ok());
    ticks.unwrap_or(0) / 100
}
