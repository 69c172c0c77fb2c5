# Sources that are not ours: a foreign table on another server, which is stopped
# in the middle, and a CSV file through a staging table and a mapping.
use strict;
use warnings;

use CdpStore;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('sources');
plan skip_all => 'the extension postgres_fdw is not installed'
  if $node->safe_psql('postgres',
	"SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'") eq '0';
$node->safe_psql('postgres', q{
	CREATE EXTENSION cdp;
	SELECT cdp.setup(currency => 'EUR', starter => false)});

# The other server: customers that change.
my $shop = PostgreSQL::Test::Cluster->new('shop');
$shop->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$shop->start;
$shop->safe_psql('postgres', q{
	CREATE TABLE customer (no integer PRIMARY KEY, mail text, city text, changed timestamptz);
	INSERT INTO customer
	SELECT n, 'c' || n || '@example.com', 'Bonn', '2026-05-01'::timestamptz + n * interval '1 minute'
	FROM generate_series(1, 1000) AS n});
my ($host, $port) = ($shop->host, $shop->port);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION postgres_fdw;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw
		OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop;
	CREATE SCHEMA shop;
	IMPORT FOREIGN SCHEMA public FROM SERVER shop INTO shop;
	CREATE TABLE here (no integer, mail text);
	INSERT INTO here VALUES (1, 'here-1\@example.com')});
$node->safe_psql('postgres', q{
	SELECT cdp.add_table_source('shop', 'shop.customer', key => 'no', watermark => 'changed',
		mapping => '{"identifiers": {"crm_id": "$.no", "email": "$.mail"}, "at": "$.changed", "traits": {"city": "$.city"}}');
	SELECT cdp.add_table_source('here', 'public.here', key => 'no',
		mapping => '{"identifiers": {"email": "$.mail"}, "event": "seen"}')});

# Backfill, in batches, its progress in cdp.run.
merge(batch => 300, phases => q{'{ingest}'});
is(counts('shop'), '1000|1000|0|0', 'all that is there is taken');
is( $node->safe_psql('postgres',
		"SELECT phase, done, total FROM cdp.run"),
	'ingest|1001|1001', 'the run told how far it was');
is(cities(), 'Bonn 1000', 'values are right');

# Changes are picked up, each once.
$shop->safe_psql('postgres',
	"UPDATE customer SET city = 'Köln', changed = '2026-05-02' WHERE no <= 10");
merge();
is(cities(), 'Bonn 990, Köln 10', 'changed rows come again');
my $stored = $node->safe_psql('postgres',
	"SELECT sum(stored) FROM cdp.ingest_count WHERE source = 'shop'");
is($stored, '1010', 'and only they');

# The server goes away while a run reads from it: the run's session has its
# connection, so what it hears is that the other server shuts down, and
# postgres_fdw lets no transaction commit whose connection broke.  The source
# fails, and the run goes on with the other one.
$shop->safe_psql('postgres', q{
	UPDATE customer SET city = 'Ulm', changed = '2026-05-03'::timestamptz + no * interval '1 second' WHERE no > 500;
	CREATE FUNCTION slow(no integer) RETURNS integer LANGUAGE sql VOLATILE AS
		'SELECT no FROM pg_sleep(CASE WHEN no = 900 THEN 600 ELSE 0 END)';
	ALTER TABLE customer RENAME TO kept});
my $here = 1;
# slow when rows are read, and when they are counted
my @slow = (
	'CREATE OR REPLACE VIEW customer AS SELECT slow(no) AS no, mail, city, changed FROM kept',
	'CREATE OR REPLACE VIEW customer AS SELECT no, mail, city, changed FROM kept WHERE slow(no) > 0');
my ($run, $err);
for my $view (@slow)
{
	my $when = $view eq $slow[0] ? 'read' : 'counted';

	start_slow_run($view);
	$shop->stop('fast');
	ok($run->finish, "$when while its server stops: the run ends well") or diag($err);
	like(error_of('shop'), qr/SQLSTATE (57P01|08)/, 'the source shows the error');
	is(counts('here'), "$here|$here|0|0", 'the other source goes on');
	is( $node->safe_psql('postgres', 'SELECT state FROM cdp.run ORDER BY run_id DESC LIMIT 1'),
		'done', 'and so the run is done');
	merge();
	like(error_of('shop'), qr/SQLSTATE 08/, 'the next run cannot connect, and the source shows it');
	$shop->start;

	# It cancels what the run asked.
	start_slow_run($view);
	$shop->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
	ok($run->finish, "$when until its server cancels: the run ends well") or diag($err);
	like(error_of('shop'), qr/SQLSTATE 57014/, 'the source shows the error');
	is(counts('here'), "$here|$here|0|0", 'the other source goes on');

	# The run itself is cancelled.
	start_slow_run($view);
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM cdp.run_log WHERE state = 'running'");
	ok(!$run->finish, "$when until the run is cancelled: it fails");
	like($err, qr/ERROR:  canceling statement due to user request/, 'and says why');
	is( $node->safe_psql('postgres', 'SELECT state, error FROM cdp.run ORDER BY run_id DESC LIMIT 1'),
		'failed|ingest: canceling statement due to user request (SQLSTATE 57014)', 'and cdp.run, too');
	is(counts('here'), ($here - 1) . '|' . ($here - 1) . '|0|0', 'nothing else was read');
}

# It comes back, and the next run catches up.
$shop->safe_psql('postgres', q{
	DROP VIEW customer;
	ALTER TABLE kept RENAME TO customer});
merge();
is(error_of('shop'), '', 'the error is gone');
is(cities(), 'Bonn 490, Köln 10, Ulm 500', 'nothing is lost');
is( $node->safe_psql('postgres', q{
		SELECT sum(stored), sum(rejected), sum(records) = sum(stored + duplicates + rejected)
		FROM cdp.ingest_count WHERE source = 'shop'}),
	'1510|0|t', 'nor doubled');
is( $node->safe_psql('postgres', 'SELECT count(*) FROM cdp.unified_profile'),
	'1007', 'one profile a customer');

# A CSV file: quotes, line breaks in fields, umlauts, empty fields, bad rows.
my $file = PostgreSQL::Test::Utils::tempdir() . '/till.csv';
append_to_file($file, <<'CSV');
email,total,placed,note
ann@example.com,"1234.50",2026-05-01T10:00:00Z,"says ""yes"", and
goes on"
"jörg@example.com",20,2026-05-01 12:00,"Grüße aus Köln; C:\new"
bob@example.com,,2026-05-02,
,7,2026-05-02,nobody
cem@example.com,7,yesterday,"no time"
dan@example.com,seven,2026-05-03,"no number"
CSV
$node->safe_psql('postgres', q{
	CREATE TABLE till_csv (email text, total text, placed text, note text,
		line bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)});
$node->safe_psql('postgres',
	"\\copy till_csv(email, total, placed, note) FROM '$file' WITH (FORMAT csv, HEADER)");
$node->safe_psql('postgres', q{
	SELECT cdp.add_table_source('till', 'public.till_csv', key => 'line',
		mapping => '{"identifiers": {"email": "$.email"}, "at": "$.placed", "event": "order",
			"amount": "$.total", "properties": {"note": "$.note"}}')});
is( $node->safe_psql('postgres', q{
		SELECT string_agg(record || ' ' || problem, '; ') FROM (
			SELECT record, becomes AS problem
			FROM cdp.preview_mapping('till') WHERE part IN ('reject', 'warning') ORDER BY 1) AS shown}),
	'4 no_identifier; 5 invalid_time; 6 invalid_amount', 'the preview tells what will be');
merge();
is(counts('till'), '6|4|0|2', 'each row ends as one of stored and rejected');
is( $node->safe_psql('postgres', q{SELECT string_agg(reason, ', ' ORDER BY reason) FROM cdp.reject}),
	'invalid_time, no_identifier', 'the bad ones with a reason');
is( $node->safe_psql('postgres', q{
		SELECT identifier.value, amount, to_char(occurred_at, 'MM-DD HH24:MI'), properties ->> 'note'
		FROM cdp.event JOIN cdp.source USING (source_id)
			JOIN cdp.identifier_set_member USING (set_id) JOIN cdp.identifier USING (identifier_id)
		WHERE source.name = 'till' ORDER BY message_id::integer}),
	"ann\@example.com|1234.5000|05-01 10:00|says \"yes\", and\ngoes on\n"
	. "j\xc3\xb6rg\@example.com|20.0000|05-01 12:00|Gr\xc3\xbc\xc3\x9fe aus K\xc3\xb6ln; C:\\new\n"
	. "bob\@example.com||05-02 00:00|\n"
	. "dan\@example.com||05-03 00:00|no number",
	'values are right');

$shop->stop;
$node->stop;
done_testing();

sub merge
{
	my (%options) = @_;

	$node->safe_psql('postgres',
		"CALL cdp.merge(" . join(', ', map { "$_ => $options{$_}" } keys %options) . ")");
	return;
}

# A run that reads from the other server, where it finds no end.  The other
# source has one more row by then.
sub start_slow_run
{
	my ($view) = @_;

	$here++;
	$node->safe_psql('postgres', "INSERT INTO here VALUES ($here, 'here-$here\@example.com')");
	$shop->safe_psql('postgres', $view);
	$err = '';
	$run = IPC::Run::start(
		[ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', 'CALL cdp.merge(batch => 100)' ],
		'>', '/dev/null', '2>', \$err);
	ok( wait_until($shop, 'postgres',
			"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')"),
		'a run reads from the other server');
	return;
}

sub counts
{
	my ($source) = @_;

	return $node->safe_psql('postgres', qq{
		SELECT sum(records), sum(stored), sum(duplicates), sum(rejected)
		FROM cdp.ingest_count WHERE source = '$source'});
}

sub error_of
{
	my ($source) = @_;

	return $node->safe_psql('postgres', qq{
		SELECT error FROM cdp.table_source JOIN cdp.source USING (source_id)
		WHERE name = '$source'});
}

# How many customers live where.
sub cities
{
	return $node->safe_psql('postgres', q{
		SELECT string_agg(city || ' ' || profiles, ', ' ORDER BY city)
		FROM (SELECT trim('"' FROM value::text) AS city, count(*) AS profiles
			FROM cdp.trait_observation WHERE name = 'city' GROUP BY 1) AS lives});
}
