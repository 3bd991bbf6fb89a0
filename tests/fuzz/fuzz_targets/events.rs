//! The target `events` of `gateway::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gateway::fuzz::run("events", data));
