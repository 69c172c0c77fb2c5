# One poison record stops nothing: a record that raises where nobody thought
# that one could, here by a user's constraint and by a user's trigger, is found
# by halves and rejected whole; all others are stored.
#
# CDP_POISON_RECORDS is how many there are (100000).
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $records = $ENV{CDP_POISON_RECORDS} || 100000;
my $seed = $ENV{CDP_TEST_SEED} // time;
srand $seed;
note "$records records, seed $seed (set CDP_TEST_SEED to repeat)";

my $node = new_server('poison', 'fsync = off');
my ($first, $second) = map { 1 + int rand $records / 2 } 1 .. 2;
$second += int($records / 2);
make_store($node, 'shop');
$node->safe_psql('shop', qq{
	ALTER TABLE cdp.event ADD CONSTRAINT trap CHECK (properties ->> 'n' <> '$first');
	CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		PERFORM 1 / (CASE WHEN new.properties ->> 'n' = '$second' THEN 0 ELSE 1 END);
		RETURN new;
	END
	\$\$;
	CREATE TRIGGER trap BEFORE INSERT ON cdp.event FOR EACH ROW EXECUTE FUNCTION public.trap();
	INSERT INTO cdp.inbox (source, record)
	SELECT 'web', format('{"type":"track","event":"x","messageId":"%s","userId":"u%s","properties":{"n":%s}}', n, n % 1000, n)
	FROM generate_series(1, $records) AS n});

$node->safe_psql('shop', "CALL cdp.merge(phases => '{ingest}')");
is($node->safe_psql('shop', q{SELECT record::jsonb -> 'properties' ->> 'n', reason, message FROM cdp.reject ORDER BY reject_id}),
	qq{$first|internal_error|new row for relation "event_202606" violates check constraint "trap" (SQLSTATE 23514)
$second|internal_error|division by zero (SQLSTATE 22012)},
	'the poison is rejected');
is($node->safe_psql('shop', "SELECT count(DISTINCT properties ->> 'n'), count(*) FROM cdp.event"),
	join('|', ($records - 2) x 2), 'everything else is stored');
is($node->safe_psql('shop', 'SELECT sum(records), sum(stored), sum(duplicates), sum(rejected) FROM cdp.ingest_count'),
	join('|', $records, $records - 2, 0, 2), 'and counted');
is($node->safe_psql('shop', 'SELECT count(*) FROM cdp.inbox'), '0', 'nothing waits');

# The cause is mended.
$node->safe_psql('shop', q{
	ALTER TABLE cdp.event DROP CONSTRAINT trap;
	DROP TRIGGER trap ON cdp.event;
	CALL cdp.retry_rejects();
	CALL cdp.merge(phases => '{ingest}')});
is($node->safe_psql('shop', "SELECT count(DISTINCT properties ->> 'n'), count(*), (SELECT count(*) FROM cdp.reject) FROM cdp.event"),
	"$records|$records|0", 'then the poison is a record like any other');

$node->stop;
done_testing();
