-- Students by family name, and customers by country.
create index student_family_name on student (family_key, id);
create index customer_country on customer (country, created_at, id);
