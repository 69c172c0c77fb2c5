# Two merge runs at once: one works, the other says so, or waits if asked to.
use strict;
use warnings;

use CdpStore;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('flight');
make_store($node, 'shop');
fill_inbox($node, 'shop', 300);

my ($first_out, $third_out) = ('', '');
my $first = start_run('CALL cdp.merge(batch => 100)', \$first_out);
ok( wait_until($node, 'shop',
		"SELECT EXISTS (SELECT FROM cdp.run WHERE state = 'running' AND done > 0)"),
	'the first run is under way and others see its progress');

my ($status, $out, $err) = $node->psql('shop', 'CALL cdp.merge()');
is($status, 0, 'a second run is no error');
like($err, qr/NOTICE:  another cdp run is under way/, 'but says that it does nothing');
like($err, qr/HINT:  .*wait => true/, 'and how to wait');
is( $node->safe_psql('shop', "SELECT count(*) FROM cdp.run"),
	'1', 'and leaves no row in cdp.run');

my $third = start_run('CALL cdp.merge(wait => true)', \$third_out);
ok($first->finish, 'the first run finishes');
ok($third->finish, 'the one that waited then runs');
like($first_out, qr/NOTICE:  ingest: /, 'the first did the work');
unlike($third_out, qr/NOTICE:  ingest: /, 'none was left for the other');
is( $node->safe_psql('shop', "SELECT string_agg(state, ',') FROM cdp.run"),
	'done,done', 'both are done');

# A failed CALL gives its lock back though its session lives on.
($status, $out, $err) = $node->psql('shop', q{
	SET statement_timeout = '1ms';
	CALL cdp.merge();
	RESET statement_timeout;
	SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'},
	on_error_stop => 0);
is($out, '0', 'a cancelled run holds no lock');

# In a transaction block it could not commit.
($status, $out, $err) = $node->psql('shop', 'BEGIN; CALL cdp.merge(); COMMIT');
like($err, qr/cannot run inside a transaction block/, 'refused in a transaction block');

$node->stop;
done_testing();

sub start_run
{
	my ($command, $output) = @_;

	return IPC::Run::start(
		[ 'psql', '-X', '-d', $node->connstr('shop'), '-c', $command ],
		'>', $output, '2>', $output);
}
