//! Looking for a text everywhere: in every column of every table, in the files of SQLite, in all keys and values of Redis, in
//! the archive, and in what the API answers.

use std::path::Path;

use sea_orm::DatabaseConnection;
use tests::redis::Redis;
use tests::{Setup, database};

use super::archiving;

/// Counts the keys and values that have the text.
const IN_REDIS: &str = "local found = 0
    local function look(value)
        if type(value) == 'table' then
            for _, part in ipairs(value) do look(part) end
        elseif string.find(tostring(value), ARGV[1], 1, true) then
            found = found + 1
        end
    end
    local reads = {
        string = function(key) return redis.call('GET', key) end,
        list = function(key) return redis.call('LRANGE', key, 0, -1) end,
        set = function(key) return redis.call('SMEMBERS', key) end,
        zset = function(key) return redis.call('ZRANGE', key, 0, -1) end,
        hash = function(key) return redis.call('HGETALL', key) end,
        stream = function(key) return redis.call('XRANGE', key, '-', '+') end,
    }
    for _, key in ipairs(redis.call('KEYS', '*')) do
        look(key)
        look(reads[redis.call('TYPE', key).ok](key))
    end
    return found";

/// Where the text is found, of all that is stored.
pub async fn find(
    setup: &Setup,
    database: &DatabaseConnection,
    redis: Option<&Redis>,
    archive: &Path,
    text: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for table in tables(database).await {
        let rows = match database::is_postgres(database) {
            true => format!("select row_to_json(t)::text as text from \"{table}\" t"),
            false => continue,
        };
        let rows = database::texts(database, &rows).await;
        let with = rows.iter().filter(|row| row.contains(text));
        found.extend(with.map(|row| format!("{table}: {row}")));
    }
    if !database::is_postgres(database) {
        for name in ["millrace.db", "millrace.db-wal", "millrace.db-shm"] {
            let bytes = std::fs::read(setup.directory.join(name)).unwrap_or_default();
            let at = bytes
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            found.extend(at.map(|at| {
                let around = &bytes[at.saturating_sub(60)..bytes.len().min(at + 60)];
                format!("{name} at {at}: {}", String::from_utf8_lossy(around))
            }));
        }
    }
    if let Some(redis) = redis {
        let keys = redis.run_script(IN_REDIS, &[text]);
        if keys > 0 {
            found.push(format!("{keys} times in Redis"));
        }
    }
    let lines = archiving::lines_of_all(archive).into_iter();
    found.extend(
        lines
            .filter(|line| line.contains(text))
            .map(|line| format!("archive: {line}")),
    );
    found
}

async fn tables(database: &DatabaseConnection) -> Vec<String> {
    let sql = match database::is_postgres(database) {
        true => "select tablename::text as text from pg_tables where schemaname = 'public'",
        false => "select name as text from sqlite_master where type = 'table'",
    };
    database::texts(database, sql).await
}
