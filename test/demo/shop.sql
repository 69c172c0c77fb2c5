-- shop.sql: make the records of the demo shop in shop.record; psql -v people=N.
SET client_min_messages = warning;
\o /dev/null
\ir people.sql
\ir behaviour.sql
\ir records.sql
\ir junk.sql
\o
RESET search_path;
RESET client_min_messages;
