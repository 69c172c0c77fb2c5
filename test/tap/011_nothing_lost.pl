# Nothing lost: records of every kind, good and bad, are loaded by several
# sessions, some of whose transactions roll back, while merge runs go on that
# are cancelled, time out, and are killed with their backend or the server.
# Each transaction notes in public.sent what it loads.  In the end every row
# that was committed is stored, a duplicate, or rejected, record by record.
# Then the rejects are tried again beside merge runs, and killed there, too.
use strict;
use warnings;

use CdpStore;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{CDP_TEST_SEED} // time;
srand $seed;
note "seed $seed (set CDP_TEST_SEED to repeat)";

my $node = new_server('lost', 'restart_after_crash = on', 'max_connections = 40');
my $tag = 0;
make_store($node, 'shop');
$node->safe_psql('shop', q{
	CREATE TABLE public.sent (tag text, source text, record text, key text, reason text)});

foreach my $round (qw(cancel backend timeout server backend cancel server none))
{
	my @others = map { start_psql(load_script()) } 1 .. 3;

	disturb($round, \@others, map { start_psql(merge_script($round)) } 1 .. 3);
}
cmp_ok($node->safe_psql('shop', "SELECT count(*) FROM cdp.run WHERE state <> 'done'"), '>=', 3,
	'runs were disturbed');
$node->safe_psql('shop', 'CALL cdp.merge()');
add_up('after the loads');

# The unknown source becomes known.
$node->safe_psql('shop', q{
	SELECT cdp.add_source('nowhere');
	UPDATE public.sent SET reason = NULL WHERE reason = 'unknown_source'});
foreach my $round (qw(backend cancel server none))
{
	disturb($round, [ start_psql("CALL cdp.retry_rejects();\n" x 3) ],
		map { start_psql(merge_script($round)) } 1 .. 2);
}
$node->safe_psql('shop', "CALL cdp.retry_rejects('nowhere')");
$node->safe_psql('shop', 'CALL cdp.merge()');
add_up('after the rejects were tried again');

my $digest = digest($node, 'shop', 'canonical_digest()');
$node->safe_psql('shop', 'CALL cdp.rebuild()');
is(digest($node, 'shop', 'canonical_digest()'), $digest, 'a rebuild changes nothing');

$node->stop;
done_testing();

# One record: its source, text, key (undef: it has none) and why it must be
# rejected (undef: it must not).
sub make_record
{
	my $id = ++$tag;
	my $message = 'm' . int rand 300;
	my $note = qq{"userId":"u$id","properties":{"tag":"$id"}};
	my $track = qq{"type":"track","event":"Note $id",$note};
	my ($text, $key, $reason, $source) = ('', $message, undef, rand() < 0.5 ? 'web' : 'till');
	my @forms = (
		sub { $text = qq({"messageId":"$message",$track}) },
		sub { $text = qq({"messageId":"$message","type":"page",$note}) },
		sub { $text = qq({"messageId":"$message","type":"identify","userId":"u$id","traits":{"tag":"$id"}}) },
		sub { $text = qq({"timestamp":"2026-05-0@{[1 + $id % 9]}T01:02:03Z",$track}); $key = "time $id" },
		sub { $text = qq({$track}); $key = undef },
		sub { $text = qq({"messageId":"$message",$track); $reason = 'malformed_json' },
		sub { $text = qq({"messageId":"$message",$track,"a":"\\u0000"}); $reason = 'zero_character' },
		sub { $text = qq({$track,"a":") . 'x' x 1100000 . '"}'; $reason = 'too_large' },
		sub { $text = qq({$track,"a":) . '[' x 200 . ']' x 200 . '}'; $reason = 'too_deep' },
		sub { $text = qq({"messageId":"$message","timestamp":"yesterday",$track}); $reason = 'invalid_time' },
		sub { $text = qq({"messageId":"$message","timestamp":"1969-01-01",$track}); $reason = 'time_out_of_range' },
		sub { $text = qq({"messageId":"$message","event":"x","tag":"$id"}); $reason = 'no_identifier' },
		sub { $text = qq({"messageId":"$message",$track}); ($source, $reason) = ('nowhere', 'unknown_source') },
		sub { $text = qq({$track}); ($source, $reason) = (undef, 'no_source') },
		sub { $text = undef; $reason = 'empty_record' });
	my $form = rand() < 0.6 ? int rand 3 : int rand @forms;

	# large ones are rare
	$form = 0 if $form == 7 && rand() < 0.9;
	$forms[$form]->();
	return [ $id, $source, $text, $key, $reason ];
}

# Transactions of COPY, one in four of which rolls back.
sub load_script
{
	my $script = '';
	my @known;

	for (1 .. 15)
	{
		my @records = map { make_record() } 1 .. 20;
		push @known, grep { defined $_->[3] && $_->[3] =~ /^m/ } @records;
		# exact duplicates, in this transaction and of former ones
		push @records, map { $known[ rand @known ] } 1 .. 4 if @known;
		my @lines = map { [ map { copy_text($_) } @$_ ] } @records;
		$script .= "BEGIN;\nCOPY cdp.inbox (source, record) FROM stdin;\n"
		  . join('', map { "$_->[1]\t$_->[2]\n" } @lines) . "\\.\n"
		  . "COPY public.sent FROM stdin;\n"
		  . join('', map { join("\t", @$_) . "\n" } @lines) . "\\.\n"
		  . (rand() < 0.25 ? "ROLLBACK;\n" : "COMMIT;\n");
	}
	return $script;
}

sub copy_text
{
	my ($value) = @_;

	return '\\N' unless defined $value;
	$value =~ s/\\/\\\\/g;
	return $value;
}

sub merge_script
{
	my ($round) = @_;
	my $limit = $round eq 'timeout' ? "SET statement_timeout = '60ms';\n" : '';

	return $limit . join '', map { sprintf "CALL cdp.merge(batch => %d);\n", 5 + rand 60 } 1 .. 30;
}

# psql in the background; errors are what this test is about.
sub start_psql
{
	my ($script) = @_;
	my $out = '';
	my $file = PostgreSQL::Test::Utils::tempdir() . '/script' . ++$tag . '.sql';

	append_to_file($file, $script);
	return IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('shop'), '-f', $file ],
		'>', \$out, '2>', \$out);
}

# Do that to merge runs while the others work, then wait for all of them.
sub disturb
{
	my ($how, $others, @mergers) = @_;
	my $pid = "SELECT pid FROM cdp.run_log WHERE state = 'running' ORDER BY run_id DESC LIMIT 1";

	for (1 .. ($how =~ /cancel|backend/ ? 3 : 1))
	{
		wait_for_run(@mergers);
		select undef, undef, undef, rand 0.2;
		if ($how eq 'cancel')
		{
			$node->safe_psql('shop', "SELECT pg_cancel_backend(($pid))");
		}
		elsif ($how eq 'backend')
		{
			my $victim = $node->safe_psql('shop', $pid);
			kill 9, $victim if $victim ne '';
			wait_until($node, 'shop', 'SELECT true');
		}
		elsif ($how eq 'server')
		{
			my @processes = split /\n/, $node->safe_psql('shop', 'SELECT pid FROM pg_stat_activity');
			$node->kill9;
			kill 9, @processes;
			for (1 .. 1000)
			{
				last unless kill 0, @processes;
				select undef, undef, undef, 0.01;
			}
			$node->start;
		}
	}
	$_->finish foreach @$others, @mergers;
	ok(wait_until($node, 'shop', 'SELECT true'), "$how: the server is there");
	return;
}

# Until a run is under way, so that there is one to disturb, or none will be: the
# mergers may be through, or all have lost their connections to what was done
# before.
sub wait_for_run
{
	my (@mergers) = @_;

	while (grep { is_alive($_) } @mergers)
	{
		my ($status, $answer) = $node->psql('shop',
			q{SELECT EXISTS (SELECT FROM cdp.run WHERE state = 'running' AND done > 0)});
		return if $status == 0 && $answer eq 't';
		select undef, undef, undef, 0.01;
	}
	return;
}

# Whether a psql goes on.  Its output is read, for it is gone when that has ended.
sub is_alive
{
	my ($run) = @_;

	$run->pump_nb if $run->pumpable;
	return $run->pumpable;
}

# Which records are in the store, which are rejected, and are those the right ones?
sub stands_for_all
{
	my ($when) = @_;
	my $stored = q{
		SELECT source.name AS source, event.properties ->> 'tag' AS tag
		FROM cdp.event JOIN cdp.source USING (source_id)
		UNION ALL
		SELECT source.name, value #>> '{}'
		FROM cdp.trait_observation JOIN cdp.source USING (source_id)
		WHERE trait_observation.name = 'tag'};
	my $keys = q{SELECT DISTINCT source, coalesce(key, 'none ' || tag) FROM public.sent WHERE reason IS NULL};
	my $key_of = qq{SELECT source, (SELECT DISTINCT coalesce(key, 'none ' || tag) FROM public.sent
			WHERE sent.tag = stored.tag AND sent.source = stored.source AND reason IS NULL)
		FROM ($stored) AS stored};

	is($node->safe_psql('shop', "($key_of EXCEPT ALL $keys) UNION ALL ($keys EXCEPT ALL $key_of)"), '',
		"$when: of each key one record is stored, and nothing else");
	my $rejects = 'SELECT source, record, reason FROM cdp.reject';
	my $bad = 'SELECT source, record, reason FROM public.sent WHERE reason IS NOT NULL';
	is( $node->safe_psql('shop', "SELECT count(*) FROM (($rejects EXCEPT ALL $bad) UNION ALL ($bad EXCEPT ALL $rejects)) AS other"),
		'0', "$when: each bad record is rejected for its reason, as it was sent");
	is($node->safe_psql('shop', 'SELECT (SELECT count(*) FROM cdp.inbox), (SELECT count(*) FROM cdp.todo)'),
		'0|0', "$when: nothing waits");
	is($node->safe_psql('shop', 'SELECT ok FROM cdp.verify_identity()'), 't', "$when: identity is verified");
	return;
}

sub add_up
{
	my ($when) = @_;

	stands_for_all($when);
	note $node->safe_psql('shop', 'SELECT reason, count(*) FROM public.sent GROUP BY 1 ORDER BY 1');
	cmp_ok($node->safe_psql('shop', 'SELECT count(*) FROM public.sent'), '>', 1000, "$when: enough was loaded");
	is( $node->safe_psql('shop', q{
		SELECT source, sum(records), sum(stored), sum(duplicates), sum(rejected), sum(without_key)
		FROM cdp.ingest_count GROUP BY 1 ORDER BY 1}),
		$node->safe_psql('shop', q{
		SELECT CASE WHEN reason IS DISTINCT FROM 'unknown_source' THEN source END AS counted, count(*), count(*) FILTER (WHERE fine AND n = 1),
			count(*) FILTER (WHERE fine AND n > 1), count(*) FILTER (WHERE NOT fine),
			count(*) FILTER (WHERE fine AND key IS NULL)
		FROM (SELECT source, key, reason, reason IS NULL AS fine,
				row_number() OVER (PARTITION BY source, reason IS NULL, coalesce(key, 'none ' || tag)) AS n
			FROM public.sent) AS sent GROUP BY 1 ORDER BY 1}),
		"$when: all are counted");
	return;
}
