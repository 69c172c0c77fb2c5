# Somebody is erased, and later an older dump is restored: with the list of
# erasures that was kept outside, they are erased again; one who had been merged
# with them by mistake, and was parted before, stays.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('replay');
make_store($node, 'original');
fill_inbox($node, 'original', 300);
$node->safe_psql('original', 'CALL cdp.merge()');
$node->safe_psql('original', q{
	SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "ann", "anonymousId": "ann-cookie", "timestamp": "2026-05-01T10:00:00Z", "properties": {"note": "ann wrote"}}');
	SELECT cdp.ingest('web', '{"type": "track", "event": "order", "anonymousId": "carl-cookie", "timestamp": "2026-05-01T10:00:00Z"}');
	SELECT cdp.decide('user_id:ann', 'anonymous_id:carl-cookie', 'always', 'looks the same')});
$node->safe_psql('original', 'CALL cdp.merge()');
# In the dump a number is dora's, and an older record that waits gives it to emil.
$node->safe_psql('original', q{
	SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "dora", "externalIds": [{"type": "crm_id", "id": "number-of-both"}], "timestamp": "2026-05-02T10:00:00Z"}')});
$node->safe_psql('original', q{
	BEGIN ISOLATION LEVEL REPEATABLE READ;
	SELECT cdp.ingest('web', '{"type": "track", "event": "order", "userId": "emil", "externalIds": [{"type": "crm_id", "id": "number-of-both"}], "timestamp": "2026-05-01T10:00:00Z"}');
	COMMIT});

my $dump = $node->backup_dir . '/older.dump';
mkdir $node->backup_dir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('original') ], 'dump before');

$node->safe_psql('original', q{
	SELECT cdp.undecide('user_id:ann', 'anonymous_id:carl-cookie', 'they are two');
	SELECT cdp.erase_subject(cdp.find_profile('user_id', 'ann'), 'asked');
	CALL cdp.merge();
	SELECT cdp.erase_subject(cdp.find_profile('user_id', 'emil'), 'asked', 'anonymise')});
my $list = $node->backup_dir . '/erasures.csv';
$node->safe_psql('original', "COPY (TABLE cdp.erasure) TO '$list' (FORMAT csv)");

$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ],
	'restore');
is( $node->safe_psql('restored',
		q{SELECT count(*) > 0 FROM (SELECT * FROM cdp.find_value('ann-cookie')
			UNION ALL SELECT * FROM cdp.find_value('ann wrote')) AS found}),
	't', 'she is back');

# Twice: what is there already is left alone.
foreach my $again (1 .. 2)
{
	$node->safe_psql('restored', "COPY cdp.erasure FROM '$list' (FORMAT csv)");
	$node->safe_psql('restored', 'CALL cdp.replay_erasures()');
}
is( $node->safe_psql('restored',
		q{SELECT count(*) FROM (SELECT * FROM cdp.find_value('ann-cookie')
			UNION ALL SELECT * FROM cdp.find_value('ann wrote')) AS found}),
	'0', 'and gone again');
is( $node->safe_psql('restored',
		q{SELECT count(*), (SELECT ok FROM cdp.verify_identity()) FROM cdp.identifier WHERE value = 'carl-cookie'}),
	'1|t', 'who was merged with her then is not');
is( $node->safe_psql('restored',
		q{SELECT string_agg(value, ' ' ORDER BY value) FROM cdp.identifier WHERE value IN ('dora', 'emil', 'number-of-both')}),
	'dora', 'nor is who was parted from the erased by what waited');
is( $node->safe_psql('restored',
		q{SELECT outcome FROM cdp.ingest_batch('web', '[{"type": "identify", "userId": "ann"}]')}),
	'rejected', 'and she does not come back');
$node->safe_psql('restored', 'CALL cdp.merge()');
$node->safe_psql('original', 'CALL cdp.merge()');
is( digest($node, 'restored', 'canonical_digest()') =~ /event/ ? 1 : 0, 1, 'the store works');
is( $node->safe_psql('restored', 'SELECT count(*) FROM cdp.event'),
	$node->safe_psql('original', 'SELECT count(*) FROM cdp.event'),
	'both stores have the same events');
is( $node->safe_psql('restored', 'SELECT count(*) FROM cdp.event WHERE set_id = 0'),
	'1', 'what became of them then became of them again, whatever the setting says');

# Beside another key nothing could be told, so nothing is done.
$node->safe_psql('restored', q{UPDATE cdp.secret_key SET key = cdp._random_key()});
my ($code, $out, $err) = $node->psql('restored', 'CALL cdp.replay_erasures()');
like($err, qr/secret key of the store is missing or not its own/, 'another key is refused');

done_testing();
