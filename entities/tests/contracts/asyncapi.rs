//! The AsyncAPI document: where events can be had, and what they look like there.

use serde_json::{Map, Value, json};

use crate::{Components, Published};

const WEBHOOK: &str = "signal.completed";

/// What all events have, whatever their type.
pub(crate) fn envelope() -> Value {
    let whole = json!({ "type": "integer", "minimum": 0 });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let described = |schema: &Value, description: &str| {
        let mut schema = schema.clone();
        schema["description"] = description.into();
        schema
    };
    json!({
        "description": "What every event has, whatever its type.",
        "type": "object",
        "properties": {
            "position": described(&whole, "The place among all events: 1, 2, 3, … without gaps."),
            "previous": described(&whole, "The position of the event before it in its part; 0 if there is none. A reader that has \
                not read that one has missed something."),
            "event_id": described(&uuid, "The id of the event. Readers recognize repeats by it."),
            "part": {
                "description": "The part that the stream belongs to.",
                "type": "integer",
                "minimum": 0,
                "maximum": events::PARTS - 1,
            },
            "stream_id": described(&uuid, "The id of the stream, which is that of the object."),
            "version": described(&whole, "The place within the stream: 1, 2, 3, … without gaps."),
            "meta": {
                "description": "Who and what caused the event.",
                "type": "object",
                "properties": {
                    "actor": {
                        "description": "The id of a user, `anonymous`, or the name of a process.",
                        "type": "string",
                    },
                    "correlation_id": {
                        "description": "Identifies everything that one request led to.",
                        "type": "string",
                    },
                    "causation_id": described(&uuid, "The id of the event that caused this one."),
                    "traceparent": {
                        "description": "The W3C trace context of the request.",
                        "type": "string",
                    },
                    "idempotency_key": {
                        "description": "The idempotency key of the request.",
                        "type": "string",
                    },
                },
                "required": ["actor"],
            },
            "occurred_at": {
                "description": "When the event happened, by the clock of the process that recorded it.",
                "type": "string",
                "format": "date-time",
            },
            "follows": {
                "description": "The proof of the event at the position before it: the last part of a cursor, as a number.",
                "type": "integer",
                "minimum": 0,
                "maximum": u32::MAX,
            },
        },
        "required": ["position", "previous", "event_id", "part", "stream_id", "version", "meta", "occurred_at"],
    })
}

pub(crate) fn document(published: &[Published], mut components: Components) -> Value {
    let of_signals = published.iter().map(|it| &it.contract);
    let of_signals = of_signals.filter(|it| it.stream == entities::signals::STREAM);
    let version = of_signals.map(|it| it.version).max().expect("signals");
    components.add(
        "SignalCompletedWebhook",
        &entities::signals::webhook_schema(),
        version,
    );

    let mut messages: Map<String, Value> = published
        .iter()
        .map(|it| (it.name.clone(), message(it)))
        .collect();
    let in_log: Map<String, Value> = published
        .iter()
        .map(|it| (it.name.clone(), message_reference(&it.name)))
        .collect();
    messages.insert("SignalCompletedWebhook".to_owned(), webhook_message());
    messages.insert("LoggedEvent".to_owned(), logged_event_message());

    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Millrace events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every mutation of Millrace is an event. The shape of a published event never changes: another shape is \
                another schema version, and the name of its message ends with it.",
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "redis": {
                "host": "redis.example.com:6379",
                "protocol": "redis",
                "description": "The Redis that the processes share: `REDIS_URL`.",
            },
            "gateway": {
                "host": "127.0.0.1:8080",
                "protocol": "ws",
                "description": "A gateway, by the protocol `graphql-transport-ws`.",
            },
            "receiver": {
                "host": "receiver.example.com",
                "protocol": "https",
                "description": "The receiver of webhooks: `MILLRACE_WEBHOOK_URL`.",
            },
        },
        "channels": {
            "log": {
                "title": "The log",
                "description": "All events, each in the Redis Stream of its part. The id of an entry is `<position>-0`, and its field \
                    `event` is the message. The entries of a stream are in order, and each is there once. What was trimmed, and what a \
                    Redis that was emptied has not got back yet, is in the log; the subscription `eventLog` reads it from there.",
                "address": "{prefix}:{epoch}:part:{part}",
                "parameters": {
                    "prefix": { "description": "`--redis-prefix`, which is in braces in a Redis Cluster.", "default": "millrace" },
                    "epoch": {
                        "description": "The epoch of the log, in braces: the first part of any cursor.",
                        "examples": ["{4f2a91c0}"],
                    },
                    "part": {
                        "description": "The part of the stream.",
                        "enum": (0..events::PARTS).map(|part| part.to_string()).collect::<Vec<_>>(),
                    },
                },
                "servers": [{ "$ref": "#/servers/redis" }],
                "messages": in_log,
            },
            "webhook": {
                "title": "The webhook",
                "description": "A POST to the configured receiver when a signal has ended, by the Standard Webhooks specification. It \
                    is repeated until it is acknowledged.",
                "address": null,
                "servers": [{ "$ref": "#/servers/receiver" }],
                "messages": { "SignalCompletedWebhook": message_reference("SignalCompletedWebhook") },
            },
            "eventLog": {
                "title": "The subscription `eventLog`",
                "description": "The same events over GraphQL, from any cursor on, for administrators. The document selects the fields; \
                    `schema/schema.graphql` has them all.",
                "address": "/graphql",
                "servers": [{ "$ref": "#/servers/gateway" }],
                "messages": { "LoggedEvent": message_reference("LoggedEvent") },
            },
        },
        "operations": {
            "appendEvents": {
                "action": "send",
                "channel": { "$ref": "#/channels/log" },
                "summary": "The relay adds each event.",
            },
            "notifyOfSignals": {
                "action": "send",
                "channel": { "$ref": "#/channels/webhook" },
                "summary": "The handler `signal_webhook` tells of each signal that has ended.",
                "bindings": { "http": { "method": "POST", "bindingVersion": "0.3.0" } },
            },
            "pushEvents": {
                "action": "send",
                "channel": { "$ref": "#/channels/eventLog" },
                "summary": "A gateway sends each event that the subscription asks for.",
            },
        },
        "components": { "messages": messages, "schemas": components.into_schemas() },
    })
}

fn message_reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{name}") })
}

fn message(event: &Published) -> Value {
    let contract = &event.contract;
    json!({
        "name": contract.event_type,
        "title": format!("{}, version {}", contract.event_type, contract.version),
        "summary": contract.meaning,
        "tags": [{ "name": contract.stream }],
        "payload": Components::reference(&event.name),
    })
}

fn webhook_message() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "name": WEBHOOK,
        "title": "A signal has ended",
        "summary": "A signal was completed, or ended partially at its deadline.",
        "headers": {
            "type": "object",
            "properties": {
                "webhook-id": text("The id of the message, the same for every attempt. Receivers recognize repeats by it."),
                "webhook-timestamp": text("When this attempt was made, in seconds since 1970."),
                "webhook-signature": text("A signature by each key: `v1,` and HMAC-SHA256 of id, timestamp and body, in base64."),
            },
            "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
        },
        "payload": Components::reference("SignalCompletedWebhook"),
    })
}

fn logged_event_message() -> Value {
    json!({
        "name": "LoggedEvent",
        "title": "An event, over GraphQL",
        "summary": "The payload of a message `next` of the subscription `eventLog`.",
        "payload": {
            "type": "object",
            "properties": {
                "data": {
                    "type": "object",
                    "properties": {
                        "eventLog": {
                            "description": "The fields of `LoggedEvent` that the document selects. `data` is that of the message of \
                                this type and version in the channel `log`, and null where it is withheld.",
                            "type": "object",
                        },
                    },
                },
                "extensions": {
                    "type": "object",
                    "properties": {
                        "cursor": { "type": "string", "description": "Where to resume: `after` of the next subscription." },
                    },
                },
            },
        },
    })
}
