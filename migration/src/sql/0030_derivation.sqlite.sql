-- The newest migration that rows were converted for, to the last of them: see `entities/src/rekeying.rs`. A process may end between a
-- migration and that.
create table derivation (migration text not null);
