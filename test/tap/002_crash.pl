# Kill backends and servers with signal 9 in the middle of merge runs, and of a
# steward's work: what was committed stays, the run shows as interrupted, the
# next one finishes, and the result is that of a run that nobody disturbed.
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
# So that there are links to refuse: those who have a second cookie are two.
my $limit = q{UPDATE cdp.identifier_type SET max_per_profile = 1 WHERE type = 'anonymous_id'};
make_store($node, 'whole');
$node->safe_psql('whole', $limit);
my $records = fill_inbox($node, 'whole', $people);
$node->safe_psql('whole', 'CALL cdp.merge()');
cmp_ok($node->safe_psql('whole', 'SELECT count(*) FROM cdp.conflict'), '>', 20, 'links are refused');
my $decisions = decide_about($people / 9);
$node->safe_psql('whole', $decisions);
settle('whole');

make_store($node, 'broken');
$node->safe_psql('broken', $limit);
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

# Whatever is left takes one run; then the steward.
$node->safe_psql('broken', 'CALL cdp.merge()');
my @parts = halves($decisions);
interrupt_steward('backend', $parts[0]);
interrupt_steward('server', $parts[1]);
$node->safe_psql('broken', $decisions);
settle('broken');
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

	kill_one($victim, $pid);
	$run->finish;
	wait_until($node, 'broken', 'SELECT true');
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

# What parted keeps its scores until they are due again; here they are.
sub settle
{
	my ($database) = @_;

	$node->safe_psql($database, $_) foreach 'CALL cdp.merge()', 'SELECT cdp.refresh_scores()', 'CALL cdp.merge()';
	return;
}

# Kill 9 a backend, or the server with all of its processes: one that outlived
# it would hold the memory that the next server wants.
sub kill_one
{
	my ($victim, $pid) = @_;

	if ($victim eq 'backend')
	{
		kill 9, $pid;
		return;
	}
	my @processes = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity');
	$node->kill9;
	kill 9, @processes;
	for (1 .. 1000)
	{
		last unless kill 0, @processes;
		select undef, undef, undef, 0.01;
	}
	$node->start;
	return;
}

# A steward parts this many customers' strongest identifier from their weakest.
sub decide_about
{
	my ($count) = @_;

	return $node->safe_psql('whole', qq{
		SELECT string_agg(format('SELECT cdp.decide(%L, %L, ''never'', ''a test'');', ids[1], ids[cardinality(ids)]), E'\\n')
		FROM (SELECT array_agg(type || ':' || coalesce(nullif(own.scope, '') || '/', '') || value
				ORDER BY priority, type, value) AS ids
			FROM cdp.profile_identifier AS own JOIN cdp.identifier_type USING (type)
			GROUP BY profile_id HAVING count(*) > 2
			ORDER BY min(type || value) LIMIT $count) AS customer});
}

# Every other line, and the rest: what one steward finishes leaves work for the next.
sub halves
{
	my @lines = split /\n/, shift;

	return map { my $half = $_; join "\n", @lines[ grep { $_ % 2 == $half } 0 .. $#lines ] } 0, 1;
}

# Kill a steward at work: an action is there with all that follows, or not.
sub interrupt_steward
{
	my ($victim, $work) = @_;
	my $out = '';
	my $file = PostgreSQL::Test::Utils::tempdir() . '/steward.sql';
	my $made = $node->safe_psql('broken', 'SELECT count(*) FROM cdp.decision');

	$work =~ s/$/\nSELECT pg_sleep(0.005);/mg;
	append_to_file($file, "SET application_name = 'steward';\n$work\n");
	my $run = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('broken'), '-f', $file ],
		'>', \$out, '2>', \$out);

	wait_until($node, 'broken', "SELECT count(*) > $made FROM cdp.decision");
	select undef, undef, undef, rand 0.2;
	my $pid = $node->safe_psql('broken', "SELECT pid FROM pg_stat_activity WHERE application_name = 'steward'");
	my $seen = $node->safe_psql('broken', 'SELECT count(*) FROM cdp.decision');
	kill_one($victim, $pid) if $pid ne '';
	$run->finish;
	wait_until($node, 'broken', 'SELECT true');
	my $after = $node->safe_psql('broken', 'SELECT count(*) FROM cdp.decision');
	note "$victim killed beside a steward: decisions before $made, seen $seen, after $after";
	cmp_ok($after, '>=', $seen, "$victim killed beside a steward: decisions stay");
	is($node->safe_psql('broken', 'SELECT count(*) FROM cdp.steward_action'), $after, 'each is one action');
	is($node->safe_psql('broken', 'SELECT ok FROM cdp.verify_identity()'), 't', 'and profiles follow them');
	return;
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
