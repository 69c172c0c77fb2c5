# pg_dump and restore of a store, with all that its owner added to it, give an
# equal store that goes on working.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('dump');
make_store($node, 'original');
fill_inbox($node, 'original', 300);
$node->safe_psql('original', 'CALL cdp.merge()');

# What an owner adds: an index, a column, statistics, a trigger, a grant, a
# comment, a changed built-in row, a view of their own over ours.
$node->safe_psql('original', q{
	CREATE ROLE analyst;
	CREATE INDEX event_amount_idx ON cdp.event (amount) WHERE amount > 100;
	CREATE INDEX profile_city_idx ON cdp.profile_current ((traits ->> 'city'));
	CREATE STATISTICS event_stats ON name, source_id FROM cdp.event;
	ALTER TABLE cdp.source ADD COLUMN cost_centre text DEFAULT 'marketing';
	ALTER TABLE cdp.profile_current SET (fillfactor = 80);
	COMMENT ON COLUMN cdp.source.cost_centre IS 'ours';
	GRANT USAGE ON SCHEMA cdp TO analyst;
	GRANT SELECT ON cdp.unified_profile TO analyst;
	GRANT SELECT (profile_id) ON cdp.profile_current TO analyst;
	UPDATE cdp.setting SET value = 'Europe/Paris' WHERE name = 'time_zone';
	UPDATE cdp.identifier_type SET max_per_profile = 7 WHERE type = 'email';
	CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER note AFTER INSERT ON cdp.reject FOR EACH ROW EXECUTE FUNCTION public.note();
	CREATE VIEW public.best AS SELECT profile_id, revenue, segments
		FROM cdp.unified_profile WHERE revenue > 200;
});

my $dump = $node->backup_dir . '/store.dump';
mkdir $node->backup_dir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('original') ],
	'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ],
	'pg_restore');

is( digest($node, 'restored', 'exact_digest()'),
	digest($node, 'original', 'exact_digest()'),
	'every table has the same rows');
is(definitions('restored'), definitions('original'),
	'every object has the same definition');
is( $node->safe_psql('restored', 'SELECT count(*) > 0, sum(revenue) > 0 FROM public.best'),
	't|t', 'a view over the store answers');

# Sequences, doors and plans go on: the same further records, the same result.
foreach my $database ('original', 'restored')
{
	$node->safe_psql($database, q{
		INSERT INTO cdp.inbox (source, record) SELECT 'web', format(
			'{"type": "identify", "messageId": "after-%s", "anonymousId": "after-%s", "userId": "u-%s", "timestamp": "2026-05-31T10:00:00Z", "traits": {"email": "after.%s@example.com"}}',
			n, n, 100000 + n, n) FROM generate_series(1, 50) AS n});
	$node->safe_psql($database, 'CALL cdp.merge()');
}
is( digest($node, 'restored', 'canonical_digest()'),
	digest($node, 'original', 'canonical_digest()'),
	'both go on in the same way');
is($node->safe_psql('restored', 'SELECT count(*) FROM cdp.todo'), '0', 'nothing is pending');

$node->safe_psql('restored', 'CALL cdp.rebuild()');
is( digest($node, 'restored', 'canonical_digest()'),
	digest($node, 'original', 'canonical_digest()'),
	'rebuild after restore changes nothing');

$node->stop;
done_testing();

# The schema as pg_dump writes it, without its random restriction key.
sub definitions
{
	my ($database) = @_;
	my ($out, $err) = run_command([ 'pg_dump', '-s', $node->connstr($database) ]);

	$out =~ s/^\\(un)?restrict .*$//mg;
	return $out;
}
