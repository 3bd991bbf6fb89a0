//! Values: what is the same and what is none, on both databases: addresses, names, texts, what a search finds, lists of
//! alternatives. And what reading costs others.

mod addresses;
mod alternatives;
mod legacy;
mod names;
mod searching;
mod turns;
