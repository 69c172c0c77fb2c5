# Random queries over everything in schema cdp, run by a role without any rights
# and by a reader: the server lives, nothing of the store changes, and nothing
# personal comes back, in rows, notices or errors.
#
# sqlsmith writes the queries; it knows the schema as the owner does, so that
# they name what these roles may not touch.  CDP_RANDOM_QUERIES is how many (100
# by default; some ten thousand make a soak), CDP_TEST_SEED repeats a run.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'sqlsmith is not installed' if system('sqlsmith --version >/dev/null 2>&1') != 0;
my $queries = $ENV{CDP_RANDOM_QUERIES} || 100;
my $seed = $ENV{CDP_TEST_SEED} // time % 1000000;
note "$queries queries, seed $seed (set CDP_TEST_SEED to repeat)";

my $node = new_server('random', 'fsync = off');
my $mark = 'zqmark';
make_store($node, 'shop');
$node->safe_psql('shop', qq{
	CREATE ROLE reader LOGIN;
	CREATE ROLE nobody LOGIN;
	GRANT USAGE ON SCHEMA cdp TO nobody;
	SELECT cdp.grant_role('reader', 'reader');
	SELECT cdp.ingest_batch('web', jsonb_agg(jsonb_build_object('userId', '$mark' || n, 'messageId', n, 'type', 'identify',
		'traits', jsonb_build_object('email', '$mark' || n || '\@example.com', 'first_name', '$mark', 'city', '$mark'))))
	FROM generate_series(1, 20) AS n;
	SELECT cdp.ingest_batch('web', jsonb_agg(jsonb_build_object('userId', '$mark' || n, 'messageId', 'o' || n, 'type', 'track', 'event', 'search',
		'timestamp', '2026-05-20T10:00:00Z', 'properties', jsonb_build_object('query', '$mark'))))
	FROM generate_series(1, 20) AS n;
	CALL cdp.merge()});
my $before = digest($node, 'shop', 'canonical_digest()');

my $folder = PostgreSQL::Test::Utils::tempdir();
my ($made) = run_command([ 'sqlsmith', '--target=' . $node->connstr('shop'), "--seed=$seed",
		"--max-queries=$queries", '--dry-run', '--exclude-catalog' ]);
my @queries = split /;\n/, $made;
cmp_ok(scalar(@queries), '>', $queries / 2, 'queries were made');
append_to_file("$folder/queries.sql", "SET statement_timeout = '2s';\n" . join '', map { "$_;\n" } @queries);

foreach my $role ('nobody', 'reader')
{
	my ($out, $err) = run_command([ 'psql', '-X', '-A', '-t', '-U', $role, '-d', $node->connstr('shop'), '-f', "$folder/queries.sql" ]);
	my $denied = () = $err =~ /permission denied/g;
	cmp_ok($denied, '>', 0, "$role was denied something ($denied times)");
	unlike($out, qr/\Q$mark\E/, "$role read nothing personal");
	unlike($err, qr/\Q$mark\E/, "no message told $role anything personal");
	unlike($err, qr/server closed the connection|terminated abnormally/, "$role did not end the server");
}
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no process died');
is(digest($node, 'shop', 'canonical_digest()'), $before, 'nothing has changed');

# The net holds: the owner does find it, and so would the test.
my ($found) = run_command([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('shop'), '-c', 'SELECT * FROM cdp.unified_profile' ]);
like($found, qr/\Q$mark\E/, 'the owner reads what is personal');

$node->stop;
done_testing();
