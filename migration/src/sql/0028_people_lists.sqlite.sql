-- Students by family name, and customers by country. The last is empty when all names are split, which each start looks at.
create index student_family_name on student (family_key, id);
create index customer_country on customer (country, created_at, id);
create index student_unsplit on student (id) where given_name is null and family_name is null;
