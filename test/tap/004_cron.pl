# CALL cdp.merge() as a job of a real pg_cron.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $library = `$ENV{PG_CONFIG} --pkglibdir`;
chomp $library;
plan skip_all => 'pg_cron is not installed (postgresql-NN-cron)'
  unless -e "$library/pg_cron.so";

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', join "\n",
	"cdp.test_clock = '2026-06-01 12:00:00+00'",
	"shared_preload_libraries = 'pg_cron'",
	"cron.database_name = 'postgres'",
	"cron.host = '" . $node->host . "'",
	'');
$node->start;
make_store($node, 'postgres');
my $records = fill_inbox($node, 'postgres', 100);

$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_cron;
	SELECT cron.schedule('merge', '* * * * *', 'CALL cdp.merge()')});
ok($records > 0, "$records records wait for the job");
ok( $node->poll_query_until('postgres', q{
		SELECT EXISTS (SELECT FROM cron.job_run_details WHERE status IN ('succeeded', 'failed'))}),
	'the job ran');
is( $node->safe_psql('postgres', 'SELECT status, return_message FROM cron.job_run_details ORDER BY runid LIMIT 1'),
	'succeeded|CALL', 'and succeeded');
is( $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM cdp.inbox), (SELECT count(*) FROM cdp.todo),
			(SELECT count(*) > 0 FROM cdp.unified_profile),
			(SELECT state FROM cdp.run ORDER BY run_id LIMIT 1)}),
	'0|0|t|done', 'the records became profiles');

$node->stop;
done_testing();
