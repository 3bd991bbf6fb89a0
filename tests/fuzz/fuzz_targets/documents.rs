//! The target `documents` of `gateway::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gateway::fuzz::run("documents", data));
