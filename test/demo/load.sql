-- load.sql: COPY the files in and merge, showing the commands.
\echo 'Bean & Leaf sells coffee and tea. Six systems know its customers, each in part:'
\echo 'web shop, app, till, two CRMs, and segments bought from a data broker. This is cdp'
\echo 'making one customer base of them. (Two years of data; "now" is 1 June 2026, 12:00 UTC.)'
\echo
\echo '=# SET cdp.source = ''web'';'
\echo '=# \\copy cdp.inbox(record) FROM ''web.jsonl'' WITH (FORMAT csv, QUOTE E''\\x01'', DELIMITER E''\\x02'')'
\echo '   ... likewise app, till, crm_north, crm_south, dmp'
SET cdp.source = 'web';
\copy cdp.inbox(record) FROM 'web.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'app';
\copy cdp.inbox(record) FROM 'app.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'till';
\copy cdp.inbox(record) FROM 'till.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'crm_north';
\copy cdp.inbox(record) FROM 'crm_north.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'crm_south';
\copy cdp.inbox(record) FROM 'crm_south.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
SET cdp.source = 'dmp';
\copy cdp.inbox(record) FROM 'dmp.jsonl' WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')
\echo '=# CALL cdp.merge();'
CALL cdp.merge();
