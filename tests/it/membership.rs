//! Chats under load: whatever joins, leaves, messages, reconnects and kills come together, members lose no message, get each
//! once and in order, and nobody hears what was said after they had gone.

mod ear;
mod interleavings;
mod killed;
