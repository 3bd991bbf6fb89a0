-- Positions are given at append: no transaction has an id.
select 1;
