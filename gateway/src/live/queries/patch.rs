//! The JSON Patch (RFC 6902) that leads from one answer to the next. Comparing lists place by place, as libraries do, finds every item of
//! a page changed when a new one comes first. So items that both lists have in the same order are left alone (their longest common
//! subsequence), and what is between them is compared, removed or added.

use json_patch::jsonptr::{PointerBuf, Token};
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

/// The most pairs of items that are compared to find those in common. Pages are shorter; other lists are then replaced.
const MOST_PAIRS: usize = 250_000;

/// Returns a patch from `before` to `now`.
pub(super) fn between(before: &Value, now: &Value) -> Patch {
    let mut found = Found {
        path: PointerBuf::new(),
        operations: Vec::new(),
    };
    found.compare(before, now);
    Patch(found.operations)
}

struct Found {
    path: PointerBuf,
    operations: Vec<PatchOperation>,
}

impl Found {
    fn compare(&mut self, before: &Value, now: &Value) {
        match (before, now) {
            (Value::Object(old), Value::Object(new)) if old.keys().eq(new.keys()) => {
                for ((name, old), new) in old.iter().zip(new.values()) {
                    self.within(name.as_str(), |found| found.compare(old, new));
                }
            }
            (Value::Array(old), Value::Array(new)) if old.len() * new.len() <= MOST_PAIRS => {
                self.lists(old, new);
            }
            _ if before == now => {}
            _ => self
                .operations
                .push(PatchOperation::Replace(ReplaceOperation {
                    path: self.path.clone(),
                    value: now.clone(),
                })),
        }
    }

    fn within<'a>(&mut self, token: impl Into<Token<'a>>, work: impl FnOnce(&mut Self)) {
        self.path.push_back(token);
        work(self);
        self.path.pop_back();
    }

    /// Goes through both lists. What it has gone through is already as in `new`, so places are those of `new`.
    fn lists(&mut self, old: &[Value], new: &[Value]) {
        let mut place = 0;
        let mut gone = 0;
        for (i, j) in in_common(old, new).chain([(old.len(), new.len())]) {
            let (before, now) = (&old[gone..i], &new[place..j]);
            for (old, new) in before.iter().zip(now) {
                self.within(place, |found| found.compare(old, new));
                place += 1;
            }
            for _ in now.len()..before.len() {
                self.within(place, |found| {
                    let path = found.path.clone();
                    let remove = PatchOperation::Remove(RemoveOperation { path });
                    found.operations.push(remove);
                });
            }
            for value in now.iter().skip(before.len()) {
                self.within(place, |found| {
                    let (path, value) = (found.path.clone(), value.clone());
                    let add = PatchOperation::Add(AddOperation { path, value });
                    found.operations.push(add);
                });
                place += 1;
            }
            (gone, place) = (i + 1, j + 1);
        }
    }
}

/// Returns the places of the items in common, in both lists.
fn in_common(old: &[Value], new: &[Value]) -> impl Iterator<Item = (usize, usize)> + use<> {
    let width = new.len() + 1;
    // How many items the rests of both lists have in common.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let mut are_equal = vec![false; old.len() * new.len()];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let is_equal = old[i] == new[j];
            are_equal[i * new.len() + j] = is_equal;
            common[i * width + j] = match is_equal {
                true => common[(i + 1) * width + j + 1] + 1,
                false => common[(i + 1) * width + j].max(common[i * width + j + 1]),
            };
        }
    }
    let (most, long) = (old.len(), new.len());
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        while i < most && j < long {
            if are_equal[i * long + j] {
                (i, j) = (i + 1, j + 1);
                return Some((i - 1, j - 1));
            }
            match common[(i + 1) * width + j] >= common[i * width + j + 1] {
                true => i += 1,
                false => j += 1,
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            (0..4_i32).prop_map(Value::from),
            "[ab~/]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 40, 6, |inner| {
            let fields = proptest::collection::btree_map("[xyz/~]", inner.clone(), 0..3);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Value::from),
                fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_patched_is_what_is_now((before, now) in (values(), values())) {
            let patch = between(&before, &now);
            let sent = serde_json::to_string(&patch).expect("JSON");
            let patch: Patch = serde_json::from_str(&sent).expect("a patch");
            let mut patched = before;
            json_patch::patch(&mut patched, &patch).expect("it applies");
            prop_assert_eq!(patched, now);
        }
    }

    #[test]
    fn a_new_first_item_moves_the_others_and_changes_none() {
        let page = |ids: std::ops::Range<u32>| {
            let nodes: Vec<_> = ids.map(|id| json!({ "id": id, "name": "N" })).collect();
            json!({ "customers": { "nodes": nodes } })
        };
        let patch = between(&page(1..21), &page(0..20));
        assert_eq!(
            serde_json::to_value(&patch).expect("JSON"),
            json!([
                { "op": "add", "path": "/customers/nodes/0", "value": { "id": 0, "name": "N" } },
                { "op": "remove", "path": "/customers/nodes/20" },
            ])
        );
    }

    #[test]
    fn a_changed_field_of_an_item_is_all_that_is_sent() {
        let [before, now] = [1, 2].map(|n| json!({ "list": [{ "id": 1, "n": n }, { "id": 2 }] }));
        assert_eq!(
            serde_json::to_value(between(&before, &now)).expect("JSON"),
            json!([{ "op": "replace", "path": "/list/0/n", "value": 2 }])
        );
        assert!(between(&now, &now).0.is_empty());
    }
}
