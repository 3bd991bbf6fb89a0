//! What the standard settings come to, and what is refused.

use super::*;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn named() -> TracingSettings {
    TracingSettings {
        otlp_endpoint: text("http://collector:4318/"),
        ..TracingSettings::default()
    }
}

fn planned(settings: &TracingSettings) -> Plan {
    let plan = settings.plan().expect("settings");
    plan.expect("traces")
}

#[test]
fn there_are_traces_if_a_collector_is_named() {
    let nothing = TracingSettings::default();
    assert!(nothing.plan().expect("settings").is_none());
    assert_eq!(
        planned(&named()).endpoint,
        "http://collector:4318/v1/traces"
    );
    let grpc = TracingSettings {
        otlp_protocol: text("grpc"),
        ..named()
    };
    assert_eq!(planned(&grpc).endpoint, "http://collector:4318/");
    let of_traces = TracingSettings {
        otlp_traces_endpoint: text("https://other:1/path?key=a"),
        otlp_traces_protocol: text(""),
        ..named()
    };
    let of_traces = planned(&of_traces);
    assert_eq!(of_traces.endpoint, "https://other:1/path?key=a");
    assert_eq!(of_traces.origin(), "https://other:1", "what is logged");
    for off in [
        TracingSettings {
            traces_exporter: text("none"),
            ..named()
        },
        TracingSettings {
            otel_sdk_disabled: text("TRUE"),
            ..named()
        },
        TracingSettings {
            otlp_endpoint: text(" "),
            ..named()
        },
    ] {
        assert!(off.plan().expect("settings").is_none(), "{off:?}");
    }
}

#[test]
fn what_is_meant_is_read() {
    let settings = TracingSettings {
        otlp_timeout: text("1000"),
        otlp_traces_timeout: text("250"),
        otlp_headers: Some(Secret::new("Api-Key=a%20b, other=c".to_owned())),
        resource_attributes: text("service.name=ignored,zone=a%2Cb"),
        service_name: text("gateway"),
        traces_sampler: text("traceidratio"),
        traces_sampler_arg: text("0.25"),
        ..named()
    };
    let plan = planned(&settings);
    assert_eq!(plan.limit, Duration::from_millis(250));
    assert_eq!(plan.headers["api-key"], "a b");
    assert!(plan.headers["api-key"].is_sensitive());
    assert_eq!(plan.sampler, Sampler::new(false, 0.25));
    let attributes = [("zone", "a,b"), ("service.name", "gateway")];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(plan.attributes, attributes);
    let sampler = planned(&named()).sampler;
    assert_eq!(sampler, Sampler::new(true, 1.0));
}

#[test]
fn what_is_wrong_is_said_without_secrets() {
    let refused = |settings: TracingSettings| settings.plan().err().expect("a refusal");
    let of = |change: fn(&mut TracingSettings)| {
        let mut settings = named();
        change(&mut settings);
        refused(settings)
    };
    for (message, part) in [
        (
            of(|it| it.otlp_endpoint = text("collector:4318")),
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (of(|it| it.otlp_endpoint = text("http://a:b@c")), "password"),
        (of(|it| it.otlp_protocol = text("http/json")), "grpc"),
        (
            of(|it| it.otlp_timeout = text("10s")),
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        ),
        (
            of(|it| it.traces_sampler = text("jaeger_remote")),
            "parentbased_",
        ),
        (
            of(|it| {
                it.traces_sampler = text("parentbased_traceidratio");
                it.traces_sampler_arg = text("1.5");
            }),
            "OTEL_TRACES_SAMPLER_ARG",
        ),
        (of(|it| it.traces_exporter = text("zipkin")), "otlp or none"),
        (
            of(|it| it.otel_sdk_disabled = text("yes")),
            "OTEL_SDK_DISABLED",
        ),
        (
            of(|it| it.trace_queue = text("0")),
            "OTEL_BSP_MAX_QUEUE_SIZE",
        ),
        (
            of(|it| it.resource_attributes = text("zone")),
            "OTEL_RESOURCE_ATTRIBUTES",
        ),
    ] {
        assert!(message.contains(part), "{message}");
    }
    let message = of(|it| it.otlp_headers = Some(Secret::new("a-secret".to_owned())));
    assert!(!message.contains("a-secret"), "{message}");
    for url in [
        "ftp://c/?key=a-secret",
        "/a-secret",
        "http://a-secret:b@c",
        "http://c/ a-secret",
    ] {
        let settings = TracingSettings {
            otlp_endpoint: text(url),
            ..named()
        };
        let message = refused(settings);
        assert!(!message.contains("a-secret"), "{message}");
    }
    let message = of(|it| it.otlp_headers = Some(Secret::new("a b=a-secret".to_owned())));
    assert!(!message.contains("a-secret"), "{message}");
}
