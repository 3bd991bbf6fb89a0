-- What lists are filtered by most: where something stands, newest first.
create index customer_status on customer (status, created_at, id);
create index student_status on student (status, created_at, id);
create index app_user_role on app_user (role, created_at, id);
