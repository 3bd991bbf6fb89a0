//! The scalar of files that are sent with a request. Its values are bytes, which only the gateway puts among the variables, from a multipart
//! request: neither JSON nor a document can have such a value. Unlike the library's own, it has no texts that stand for files.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use bytes::Bytes;

pub(crate) struct Upload(pub(crate) Bytes);

/// A file of a multipart request. Requests in JSON, and documents, cannot have one.
#[Scalar(
    specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec/blob/v2.0.0/readme.md"
)]
impl ScalarType for Upload {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Binary(bytes) => Ok(Self(bytes)),
            _ => Err(InputValueError::custom("expected a file")),
        }
    }

    fn to_value(&self) -> Value {
        Value::Binary(self.0.clone())
    }
}
