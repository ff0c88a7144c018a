-- The login that serves: it owns nothing and bypasses nothing. Run once by psql, when the database is made.
\getenv serving_password SPOKE_SERVING_PASSWORD
create role spoke_serving login password :'serving_password'
  nosuperuser nobypassrls nocreatedb nocreaterole noreplication noinherit;
