//! Limits, resolution and subscription roots, against the whole of `Documents::prepare`.
