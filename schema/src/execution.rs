//! Executes planned operations. `Schema::execute` takes a document by value, checks it once more and takes it apart: for a small
//! query that is as much work as the execution. Plans are checked already, and shared by requests, so their selections are
//! resolved where they are. Introspection and subscriptions are left to `Schema`. Called by `MillraceSchema`, and by the test that
//! compares answers with those of graphql-js.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock, PoisonError},
};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, IntrospectionMode, ObjectType, OutputType,
    Positioned, QueryEnv, QueryEnvInner, Request, Response, SDLExportOptions, Schema,
    SchemaBuilder, SchemaEnv, ServerResult, SubscriptionType, ValidationMode, Value,
    extensions::Extensions,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType,
        Selection, SelectionSet,
    },
    registry::Registry,
    resolver_utils::{resolve_container, resolve_container_serial},
};
use async_trait::async_trait;
use events::trace;
use futures::{FutureExt, StreamExt, stream::BoxStream};

use crate::traced::Traced;

/// A schema for documents that are planned.
pub struct Planned<Q, M, S> {
    schema: Schema<Root<Q>, M, S>,
    inside: Option<Inside>,
    query: Q,
    mutation: M,
}

/// What an execution needs of its schema, which only shows it to resolvers.
#[derive(Clone)]
struct Inside {
    env: SchemaEnv,
    extensions: Extensions,
}

/// The root of queries. The first field that it resolves tells the inside of its schema, and is null.
pub struct Root<Q> {
    query: Q,
    inside: Arc<OnceLock<Inside>>,
}

impl<Q, M, S> Planned<Q, M, S>
where
    Q: ObjectType + Default + 'static,
    M: ObjectType + Default + 'static,
    S: SubscriptionType + Default + 'static,
{
    /// Builds the schema, after `complete` has added to it.
    pub fn build(
        complete: impl FnOnce(SchemaBuilder<Root<Q>, M, S>) -> SchemaBuilder<Root<Q>, M, S>,
    ) -> Self {
        let inside = Arc::new(OnceLock::new());
        let root = Root {
            query: Q::default(),
            inside: inside.clone(),
        };
        // Documents are checked and priced before they get here.
        let builder = Schema::build(root, M::default(), S::default())
            .limit_recursive_depth(usize::MAX)
            .validation_mode(ValidationMode::Fast);
        let schema = complete(builder).finish();
        // The first field of all, whatever its name is.
        let _ = schema.execute("{ inside }").now_or_never();
        Self {
            schema,
            inside: inside.get().cloned(),
            query: Q::default(),
            mutation: M::default(),
        }
    }

    /// Returns the schema's text.
    pub fn sdl(&self) -> String {
        let options = SDLExportOptions::new().include_specified_by();
        self.schema.sdl_with_options(options)
    }

    /// Executes the query or the mutation of this document for a request.
    pub async fn execute(
        &self,
        mut request: Request,
        document: &Arc<ExecutableDocument>,
    ) -> Response {
        if let Some((inside, operation)) = self.inside.as_ref().zip(operation(document)) {
            let roots = (&self.query, &self.mutation);
            return execute(inside, roots, operation, request).await;
        }
        request.set_parsed_query(ExecutableDocument::clone(document));
        Box::pin(self.schema.execute(request)).await
    }

    /// Executes a subscription; returns a response for each of its events.
    pub fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        self.schema.execute_stream(request).boxed()
    }

    /// Returns whether the operation of this document is executed where it is.
    pub fn is_executed_in_place(&self, document: &ExecutableDocument) -> bool {
        self.inside.is_some() && operation(document).is_some()
    }
}

#[async_trait]
impl<Q: ObjectType> ContainerType for Root<Q> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let mut is_first = false;
        self.inside.get_or_init(|| {
            is_first = true;
            Inside {
                env: ctx.schema_env.clone(),
                extensions: ctx.query_env.extensions.clone(),
            }
        });
        match is_first {
            true => Ok(None),
            false => self.query.resolve_field(ctx).await,
        }
    }
}

#[async_trait]
impl<Q: ObjectType> OutputType for Root<Q> {
    fn type_name() -> Cow<'static, str> {
        Q::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Q::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container(ctx, self).await
    }
}

impl<Q: ObjectType> ObjectType for Root<Q> {}

/// Returns the document's operation, if it can be executed here.
fn operation(document: &ExecutableDocument) -> Option<&OperationDefinition> {
    let DocumentOperations::Single(operation) = &document.operations else {
        return None;
    };
    let operation = &operation.node;
    let mut selected = operation.selection_set.node.items.iter();
    let are_ours = selected.all(|selection| match &selection.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            name == "__typename" || !name.starts_with("__")
        }
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    });
    let is_ours =
        are_ours && document.fragments.is_empty() && operation.ty != OperationType::Subscription;
    is_ours.then_some(operation)
}

/// Executes an operation that `operation` returned.
async fn execute(
    inside: &Inside,
    (query, mutation): (&impl ObjectType, &impl ObjectType),
    operation: &OperationDefinition,
    request: Request,
) -> Response {
    let env = QueryEnv::new(QueryEnvInner {
        extensions: inside.extensions.clone(),
        variables: request.variables,
        operation_name: None,
        operation: Positioned::new(frame(operation), operation.selection_set.pos),
        fragments: Default::default(),
        uploads: Vec::new(),
        session_data: Arc::default(),
        query_data: Arc::new(request.data),
        http_headers: Default::default(),
        introspection_mode: IntrospectionMode::Enabled,
        errors: Default::default(),
    });
    let ctx = env.create_context(&inside.env, None, &operation.selection_set, None);
    let resolved = match (operation.ty, trace::is_detailed()) {
        (OperationType::Mutation, false) => resolve_container_serial(&ctx, mutation).await,
        (OperationType::Mutation, true) => resolve_container_serial(&ctx, &Traced(mutation)).await,
        (_, false) => resolve_container(&ctx, query).await,
        (_, true) => resolve_container(&ctx, &Traced(query)).await,
    };
    let mut response =
        resolved.map_or_else(|error| Response::from_errors(vec![error]), Response::new);
    let mut errors = env.errors.lock().unwrap_or_else(PoisonError::into_inner);
    response.errors.append(&mut errors);
    response
}

/// Returns the operation without its selection: all that a context looks up in it are the definitions of variables.
fn frame(operation: &OperationDefinition) -> OperationDefinition {
    OperationDefinition {
        ty: operation.ty,
        variable_definitions: operation.variable_definitions.clone(),
        directives: Vec::new(),
        selection_set: Positioned::new(
            SelectionSet { items: Vec::new() },
            operation.selection_set.pos,
        ),
    }
}
