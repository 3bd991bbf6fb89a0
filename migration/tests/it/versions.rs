//! Versions before and after this one on the same database.

use migration::{Migrator, MigratorTrait, SchemaError, check, migrate};
use sea_orm_migration::sea_orm::ConnectionTrait;

use crate::places::{Way, connect, empty};

async fn a_newer_schema_is_used_until_it_shuts_this_version_out(way: Way) {
    let url = empty(way);
    migrate(&url).await.expect("a new database");
    let connection = connect(&url).await;
    for newer in [
        "insert into seaql_migrations values ('m9001_later', 0)",
        "create table later (id int)",
        "alter table customer add column later text",
        "alter table event add column later int default 1",
    ] {
        connection.execute_unprepared(newer).await.expect("newer");
    }
    check(&connection).await.expect("it only adds");
    assert_eq!(migrate(&url).await.expect("nothing to do").len(), 0);

    let out = "update schema_compatibility set lowest = 9001";
    connection.execute_unprepared(out).await.expect("shut out");
    for refused in [check(&connection).await, migrate(&url).await.map(|_| ())] {
        let error = refused.expect_err("it is shut out");
        assert!(
            matches!(error, SchemaError::TooNew { lowest: 9001, .. }),
            "{error}"
        );
    }
}

/// A newer version applied its migrations, but not all of those that this one knows: the rest is applied.
async fn what_is_missing_in_the_middle_is_applied(way: Way) {
    let url = empty(way);
    let connection = connect(&url).await;
    let all = u32::try_from(Migrator::migrations().len()).expect("a number");
    Migrator::up(&connection, Some(all - 1))
        .await
        .expect("all but one");
    let newer = "insert into seaql_migrations values ('m9001_later', 0)";
    connection.execute_unprepared(newer).await.expect("newer");
    let refused = check(&connection).await.expect_err("one is missing");
    assert!(matches!(refused, SchemaError::NotMigrated(_)), "{refused}");
    connection.close().await.expect("closed");
    assert_eq!(migrate(&url).await.expect("the last").len(), 1);
    check(&connect(&url).await).await.expect("up to date");
}

/// A check neither needs nor leaves anything.
async fn an_empty_database_is_not_touched_by_a_look(way: Way) {
    let connection = connect(&empty(way)).await;
    for _ in 0..2 {
        let refused = check(&connection).await.expect_err("there is nothing");
        assert!(
            matches!(&refused, SchemaError::NotMigrated(names) if names.len() == Migrator::migrations().len()),
            "{refused}"
        );
    }
    let table = "create table seaql_migrations (id int)";
    let made = connection.execute_unprepared(table).await;
    made.expect("nobody made it before");
}

/// One of them migrates, and the others find it done.
async fn many_at_once(way: Way) {
    for _ in 0..3 {
        let url = empty(way);
        let all = futures::future::join_all((0..4).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { migrate(&url).await })
        }));
        let mut applied = 0;
        for one in all.await {
            let names = one.expect("no panic").expect("it succeeds");
            applied += names.len();
        }
        assert_eq!(applied, Migrator::migrations().len());
        check(&connect(&url).await).await.expect("up to date");
    }
}

macro_rules! both_ways {
    ($($test:ident),*) => { $(mod $test {
        use crate::places::Way;

        #[tokio::test(flavor = "multi_thread")]
        async fn embedded() {
            super::$test(Way::Embedded).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn distributed() {
            super::$test(Way::Distributed).await;
        }
    })* };
}

both_ways!(
    a_newer_schema_is_used_until_it_shuts_this_version_out,
    what_is_missing_in_the_middle_is_applied,
    an_empty_database_is_not_touched_by_a_look,
    many_at_once
);
