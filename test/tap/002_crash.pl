# Kill backends and servers with signal 9 in the middle of merge runs: what
# was committed stays, the run shows as interrupted, the next one finishes,
# and the result is that of a run that nobody disturbed.
use strict;
use warnings;

use CdpStore;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $people = 900;
my $seed = $ENV{CDP_TEST_SEED} // time;
srand $seed;
note "seed $seed (set CDP_TEST_SEED to repeat)";

my $node = new_server('crash', 'restart_after_crash = on');
make_store($node, 'whole');
my $records = fill_inbox($node, 'whole', $people);
$node->safe_psql('whole', 'CALL cdp.merge()');

make_store($node, 'broken');
fill_inbox($node, 'broken', $people);

my $rounds = 0;
foreach my $round (
	[ 'backend', 'ingest' ], [ 'server', 'ingest' ], [ 'backend', 'ingest' ],
	[ 'backend', 'stitch' ], [ 'server', 'timeline' ], [ 'backend', 'profile' ],
	[ 'server', 'profile' ])
{
	$rounds += interrupt_run(@$round);
}
cmp_ok($rounds, '>=', 3, "$rounds runs were interrupted");

# Whatever is left takes one run.
$node->safe_psql('broken', 'CALL cdp.merge()');
is($node->safe_psql('broken', 'SELECT count(*) FROM cdp.todo'), '0', 'nothing is pending');
is( $node->safe_psql('broken', 'SELECT state FROM cdp.run ORDER BY run_id DESC LIMIT 1'),
	'done', 'the last run finished');
my $whole = digest($node, 'whole', 'canonical_digest()');
same_canonically($node, 'broken', $whole, 'whole', 'the result is that of an undisturbed run');
$node->safe_psql('broken', 'CALL cdp.rebuild()');
same_canonically($node, 'broken', $whole, 'whole', 'so is that of a rebuild');

$node->stop;
done_testing();

# Start a run of small batches, kill it somewhere in or after that phase, and
# look at what is left.  False if the run was over before it could be killed.
sub interrupt_run
{
	my ($victim, $phase) = @_;
	my $batch = 5 + int rand 15;
	my $before = state_of();
	my $last_run = $node->safe_psql('broken', 'SELECT coalesce(max(run_id), 0) FROM cdp.run');
	my $out = '';
	my $run = IPC::Run::start(
		[ 'psql', '-X', '-q', '-d', $node->connstr('broken'), '-c', "CALL cdp.merge(batch => $batch)" ],
		'>', \$out, '2>', \$out);

	my $started = wait_until($node, 'broken',
		"SELECT (SELECT state <> 'running' OR phase = '$phase' AND done > 0
			FROM cdp.run WHERE run_id > $last_run ORDER BY run_id DESC LIMIT 1)");
	select undef, undef, undef, rand($phase eq 'ingest' ? 0.4 : 0.1);
	my $pid = $node->safe_psql('broken',
		"SELECT pid FROM cdp.run_log WHERE state = 'running' ORDER BY run_id DESC LIMIT 1");
	if (!$started || $pid eq '')
	{
		$run->finish;
		return 0;
	}
	my $seen = state_of();

	if ($victim eq 'server')
	{
		# All of its processes: one that outlived it would hold the memory
		# that the next server wants.
		my @processes = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity');
		$node->kill9;
		kill 9, @processes;
		$run->finish;
		for (1 .. 1000)
		{
			last unless kill 0, @processes;
			select undef, undef, undef, 0.01;
		}
		$node->start;
	}
	else
	{
		kill 9, $pid;
		$run->finish;
		wait_until($node, 'broken', 'SELECT true');
	}
	my $after = state_of();
	my $state = $node->safe_psql('broken', 'SELECT state FROM cdp.run ORDER BY run_id DESC LIMIT 1');
	return 0 if $state eq 'done';	# it ended in the moment of the kill
	note "$victim killed, $phase in batches of $batch: before $before->{text}, seen $seen->{text}, after $after->{text}";
	cmp_ok($after->{waiting}, '<=', $seen->{waiting}, "$victim killed in $phase: taken records stay taken");
	cmp_ok($after->{ended}, '>=', $seen->{ended}, 'and what they became is there');
	is($state, 'interrupted', 'the run shows as interrupted');
	is($node->safe_psql('broken', half_done()), '0', 'no event without its identifier set');
	return 1;
}

# How many records wait, and how many ended as events or rejects.
sub state_of
{
	my ($waiting, $ended) = split /\|/, $node->safe_psql('broken', q{
		SELECT (SELECT count(*) FROM cdp.inbox),
			(SELECT count(*) FROM cdp.event) + (SELECT count(*) FROM cdp.reject)});

	return { waiting => $waiting, ended => $ended, text => "$waiting waiting, $ended ended" };
}

sub half_done
{
	return q{SELECT count(*) FROM cdp.event
		WHERE NOT EXISTS (SELECT FROM cdp.identifier_set AS set WHERE set.set_id = event.set_id)};
}
