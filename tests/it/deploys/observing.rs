//! Alerts and dashboards. `promtool` holds rules to their unit tests, and every expression to the language; every alert has its section in
//! the page for operators; and every metric that is asked for is one that Millrace has, by the page that lists them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tests::programs::{checker, repository};
use tests::{guard, recipe::finish};

use super::text;

const RULES: &str = "deploy/prometheus/millrace.rules.yml";
const DASHBOARD: &str = "deploy/grafana/dashboards/millrace.json";

fn read(path: &str) -> String {
    let read = std::fs::read_to_string(repository().join(path));
    read.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn promtool(arguments: &[&str], file: PathBuf) {
    let mut command = Command::new(checker("promtool", "prometheus"));
    let output = finish(command.args(arguments).arg(file));
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
}

/// What the dashboard asks Prometheus for.
fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = list(&dashboard["panels"]);
    let targets = panels.iter().flat_map(|panel| list(&panel["targets"]));
    let annotations = list(&dashboard["annotations"]["list"]);
    let expressions = targets.chain(annotations).map(|target| {
        let expression = target["expr"].as_str().expect("an expression");
        expression
            .replace("$__rate_interval", "5m")
            .replace("$__interval", "1m")
    });
    expressions.collect()
}

#[test]
fn rules_do_what_their_tests_say() {
    promtool(&["check", "rules"], repository().join(RULES));
    let folder = repository().join("deploy/prometheus");
    promtool(&["check", "config"], folder.join("prometheus.yml"));
    promtool(&["test", "rules"], folder.join("millrace.rules.test.yml"));
}

#[test]
fn dashboards_ask_what_prometheus_understands() {
    let expressions = expressions();
    assert!(expressions.len() > 50, "only {}", expressions.len());
    let rules: Vec<Value> = expressions
        .iter()
        .enumerate()
        .map(
            |(index, expression)| json!({ "record": format!("asked:{index}"), "expr": expression }),
        )
        .collect();
    // JSON is YAML.
    let rules = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let file = guard::new_directory("dashboard").join("rules.yml");
    std::fs::write(&file, rules.to_string()).expect("a file");
    promtool(&["check", "rules"], file);
}

#[test]
fn every_alert_has_a_section_that_says_what_to_do() {
    let (rules, page) = (read(RULES), read("docs/operating/alerts.md"));
    let tests = read("deploy/prometheus/millrace.rules.test.yml");
    let alerts = |text: &str, mark: &str| -> BTreeSet<String> {
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(mark));
        lines.map(str::to_owned).collect()
    };
    let alerting = alerts(&rules, "- alert: ");
    assert!(alerting.len() >= 20, "{alerting:?}");
    assert_eq!(alerting, alerts(&page, "### "));
    for alert in alerting {
        let section = format!("docs/operating/alerts.md#{}", alert.to_lowercase());
        assert!(
            rules.contains(&format!("runbook: {section}\n")),
            "{section}"
        );
        let fires = format!("runbook: {section}\n");
        assert!(tests.contains(&fires), "no test has {alert} fire");
    }
}

#[test]
fn every_metric_is_one_that_there_is() {
    let page = read("docs/operating/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let known: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    let mut used = 0;
    for text in [read(RULES), expressions().join(" ")] {
        let words = text.split(|letter| !is_letter(letter));
        let is_metric = |word: &&str| {
            ["millrace_", "process_"]
                .iter()
                .any(|it| word.starts_with(it))
        };
        for metric in words.filter(is_metric) {
            let parts = ["_bucket", "_sum", "_count"];
            let whole = parts.iter().find_map(|part| metric.strip_suffix(part));
            let is_known = [Some(metric), whole]
                .into_iter()
                .flatten()
                .any(|name| known.contains(name));
            assert!(is_known, "{metric} is not in docs/operating/metrics.md");
            used += 1;
        }
    }
    assert!(used > 80, "only {used} metrics are asked for");
}
