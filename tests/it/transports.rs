//! What transports add to operations: streams that are resumed and shared, documents that are named, and compression. The clients of the
//! tests `javascript` are the proof that others understand it; these tests are about what clients do not show.

mod compression;
mod documents;
mod single;
mod streams;
