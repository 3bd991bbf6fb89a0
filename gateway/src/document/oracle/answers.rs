//! Compares answers: the same data in the same order, nulls in the same places, and the same errors. When several fields fail below
//! one that becomes null, graphql-js reports the first; the gateway reports all.

use async_graphql::{PathSegment, Variables};
use futures::executor::block_on;
use serde_json::Value;

use super::world::{Count, world};
use super::{Oracle, assert_none};
use crate::document::plan::plan_of;
use crate::document::{Documents, Typing};
use crate::errors::code_of;
use crate::limits::Limits;
use crate::params::Params;
use crate::request_id::RequestId;

#[test]
fn answers_are_those_of_graphql_js() {
    let world = world();
    let sdl = world.sdl();
    let typing = Typing::of(&sdl).expect("a schema");
    let limits = Limits {
        max_complexity: 1_000_000,
        ..Limits::default()
    };
    let documents = Documents::new(limits, typing, true);
    let (mut differing, mut compared, mut failing, mut in_place) = (Vec::new(), 0, 0, 0);
    for line in Oracle::start("execute", &sdl, 3_000) {
        let document = line["document"].as_str().expect("a document");
        let params = Params {
            query: document.to_owned(),
            variables: Variables::from_json(line["variables"].clone()),
            ..Params::default()
        };
        let expected = Answer::of_graphql_js(&line);
        let ours = match documents.prepare(params, None, &RequestId::generate()) {
            Err(errors) if code_of(&errors[0]) == Some("LIMIT_EXCEEDED") => continue,
            Err(errors) => Err(errors[0].message.clone()),
            Ok(prepared) => {
                let plan = plan_of(&prepared.request).cloned().expect("a plan");
                let request = prepared.request.data(Count::default());
                in_place += usize::from(world.is_executed_in_place(plan.document()));
                let mut answer = block_on(world.execute(request, plan.document()));
                plan.complete(&mut answer);
                Ok(Answer::of(&answer))
            }
        };
        compared += 1;
        failing += usize::from(!expected.paths.is_empty());
        let is_same = match &ours {
            Err(_) => !expected.executed,
            Ok(ours) => expected.executed && ours.tells(&expected),
        };
        if !is_same {
            let (seed, variables) = (&line["seed"], &line["variables"]);
            differing.push(format!(
                "{seed}: {document}\n   with {variables}\n   graphql-js: {expected:?}\n   here: {ours:?}"
            ));
        }
    }
    assert_none(&differing, compared);
    assert!(failing > compared / 10, "{failing} of {compared} failed");
    assert!(in_place > compared / 2, "{in_place} of {compared} in place");
}

#[derive(Debug)]
struct Answer {
    executed: bool,
    data: String,
    paths: Vec<Vec<Value>>,
}

impl Answer {
    fn of_graphql_js(line: &Value) -> Self {
        let paths = line["paths"].as_array().into_iter().flatten();
        Self {
            executed: line["executed"] == true,
            data: line["data"].as_str().unwrap_or_default().to_owned(),
            paths: paths.filter_map(|path| path.as_array().cloned()).collect(),
        }
    }

    fn of(answer: &async_graphql::Response) -> Self {
        let paths = answer.errors.iter().map(|error| {
            let path = error.path.iter().map(|segment| match segment {
                PathSegment::Field(name) => name.as_str().into(),
                PathSegment::Index(index) => (*index).into(),
            });
            path.collect()
        });
        Self {
            executed: true,
            data: serde_json::to_string(&answer.data).expect("JSON"),
            paths: paths.collect(),
        }
    }

    fn tells(&self, expected: &Self) -> bool {
        let data: Value = serde_json::from_str(&self.data).expect("JSON");
        self.data == expected.data
            && expected.paths.iter().all(|path| self.paths.contains(path))
            && self.paths.iter().all(|path| leads_to_null(&data, path))
    }
}

fn leads_to_null(data: &Value, path: &[Value]) -> bool {
    let mut at = data;
    for step in path {
        at = match step {
            _ if at.is_null() => return true,
            Value::String(name) => &at[name.as_str()],
            step => &at[step.as_u64().unwrap_or_default() as usize],
        };
    }
    at.is_null()
}
