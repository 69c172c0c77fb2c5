-- load_store.sql: the store that load.sh and growth.sh fill.
SET client_min_messages = warning;
CREATE EXTENSION cdp;
SELECT cdp.setup(currency => 'EUR'), cdp.add_source('web'), cdp.add_source('mail'),
	cdp.add_source('crm', priority => 200) \g /dev/null
\ir load_records.sql
