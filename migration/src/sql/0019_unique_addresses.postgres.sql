-- An address is unique in whatever way it is written. The names begin like those of the indexes on `email_key`, by which
-- versions before recognize an address that is taken.
create unique index customer_email_address on customer (coalesce(address_key, email_key)) where deleted_at is null;
create unique index app_user_email_address on app_user (coalesce(address_key, email_key));
create unique index student_email_address on student (coalesce(address_key, email_key)) where deleted_at is null;
