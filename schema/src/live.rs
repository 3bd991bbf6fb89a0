//! The directive `@live`, as clients see it in the schema. The gateway reads it off the document, and executes the query again when an
//! event has changed its answer; the executor never meets it.

use std::borrow::Cow;

use async_graphql::{
    ContextDirective, CustomDirective, CustomDirectiveFactory, ServerError, ServerResult,
    parser::types::Directive,
    registry::{__DirectiveLocation, Deprecation, MetaDirective, MetaInputValue, Registry},
};

const NAME: &str = "live";

pub(crate) struct Live;

impl CustomDirectiveFactory for Live {
    fn name(&self) -> Cow<'static, str> {
        NAME.into()
    }

    fn register(&self, registry: &mut Registry) {
        let arguments = [
            argument("if", "Boolean", "true", "Whether the query is live."),
            argument(
                "throttle",
                "Int",
                "100",
                "The shortest time between two answers in milliseconds, from 10 to 60,000.",
            ),
            argument(
                "patch",
                "Boolean",
                "false",
                "Whether answers after the first are sent as JSON Patch (RFC 6902), where that is shorter.",
            ),
        ];
        let description = "Keeps a query open, over a socket or an event stream: its answer is sent, and sent again whenever an event \
            changed it. An answer is never older than one before it. `throttle` is the shortest time between two answers in \
            milliseconds, from 10 to 60,000. With `patch`, answers after the first are JSON Patches (RFC 6902) where these are shorter. \
            Sent as an ordinary request, the query is answered once.";
        registry.add_directive(MetaDirective {
            name: NAME.to_owned(),
            description: Some(description.to_owned()),
            locations: vec![__DirectiveLocation::QUERY],
            args: arguments
                .into_iter()
                .map(|it| (it.name.clone(), it))
                .collect(),
            is_repeatable: false,
            visible: None,
            composable: None,
        });
    }

    fn create(
        &self,
        _: &ContextDirective<'_>,
        _: &Directive,
    ) -> ServerResult<Box<dyn CustomDirective>> {
        let message = "@live is for operations that are planned";
        Err(ServerError::new(message, None))
    }
}

fn argument(name: &str, ty: &str, default: &str, description: &str) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        ty: ty.to_owned(),
        deprecation: Deprecation::NoDeprecated,
        default_value: Some(default.to_owned()),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}
