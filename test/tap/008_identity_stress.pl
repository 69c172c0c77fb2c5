# Eight clients ingest a crowd whose records collide, one call a transaction,
# singly, in batches, slowly and above READ COMMITTED, beside merge runs, a
# rebuild, and two stewards who do whatever can be done.  Afterwards: no
# deadlock, no failed transaction, nothing lost, the partition is a rebuild's to
# the last id, and the store says what one says that got the same messages in a
# single batch and then the stewards' judgements.
#
# CDP_STRESS_SECONDS is how long the clients work (20); CDP_TEST_SEED repeats
# what they choose, though not how they meet.
use strict;
use warnings;

use CdpStore;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{CDP_STRESS_SECONDS} || 20;
my $seed = $ENV{CDP_TEST_SEED} || time;
my $messages = 40000;
my $crowd = abs_path(dirname(__FILE__) . '/../data/identity_stress.sql');
note "$seconds seconds, seed $seed (set CDP_TEST_SEED to repeat)";

my $node = new_server('stress', 'deadlock_timeout = 50ms', 'max_connections = 40',
	'synchronous_commit = off', 'fsync = off');
make_crowd('crowd');

my @clients = (
	start_clients('single', 4, q{SELECT stress.single(:r);}),
	start_clients('batch', 2, q{
\set n random(2, 60)
SELECT stress.batch(:r, :n, :messages);}),
	# holds the merger's lock, or what others wait for
	start_clients('slow', 1, q{
BEGIN;
SELECT stress.single(:r);
\sleep 15 ms
COMMIT;}),
	start_clients('strict', 1, q{
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT stress.single(:r);
COMMIT;}, '--max-tries=1000'),
	start_clients('merge', 1, q{
\set batch random(100, 2000)
\if random(1, 4) = 1
CALL cdp.merge(batch => :batch);
\else
CALL cdp.merge(batch => :batch, phases => ARRAY['stitch']);
\endif
\sleep 50 ms}),
	start_clients('rebuild', 1, q{
\set pause :seconds * 400
\sleep :pause ms
CALL cdp.rebuild(wait => true);}),
	start_clients('steward', 2, q{
SELECT stress.steward(:r);
\sleep 150 ms}));
foreach my $client (@clients)
{
	my ($name, $run, $out, $err) = @$client;
	ok($run->finish, "$name: every transaction succeeds")
	  or diag(grep { !/^pgbench: .*(client|progress)/ } $$err);
	like($$out, qr/^number of failed transactions: 0 /m, "$name: none gives up");
	note join ', ', $name, $$out =~ /^(number of transactions actually processed.*|latency average.*)$/mg;
}

# What is left takes one run.
$node->safe_psql('crowd', 'CALL cdp.merge()');
note $node->safe_psql('crowd', q{
	SELECT (SELECT count(*) FROM stress.sent) || ' messages sent, ' ||
		(SELECT count(*) FROM cdp.identifier_set) || ' sets, ' ||
		(SELECT count(*) FROM cdp.identifier) || ' identifiers (' ||
		(SELECT count(*) FROM cdp.identifier WHERE shared) || ' shared), ' ||
		(SELECT count(*) FROM cdp.profile WHERE root = profile_id) || ' live profiles, ' ||
		(SELECT count(*) FROM cdp.identity_log WHERE change = 'merge') || ' merges, ' ||
		(SELECT count(*) FROM cdp.identity_log WHERE change = 'split') || ' splits, ' ||
		(SELECT count(*) FROM cdp.conflict) || ' conflicts, ' ||
		(SELECT count(*) FROM cdp.steward_action) || ' actions of stewards, ' ||
		(SELECT count(*) FROM cdp.decision WHERE withdrawn_by IS NULL) || ' decisions that hold, ' ||
		(SELECT count(*) FROM cdp.identifier_set WHERE retracted) || ' sets retracted'});
is($node->safe_psql('crowd', 'SELECT count(*) FROM cdp.todo'), '0', 'nothing is pending');
is($node->safe_psql('crowd', 'SELECT misplaced, wrongly_shared, pending, ok FROM cdp.verify_identity()'),
	'0|0|0|t', 'the partition is the one that the evidence says');
is($node->safe_psql('crowd', 'SELECT stress.lost()'), '0', 'every message has its set');
is($node->safe_psql('crowd', 'SELECT count(DISTINCT r) - (SELECT sum(records) FROM cdp.identifier_set) FROM stress.sent'),
	'0', 'and each message is counted once');
is($node->safe_psql('postgres', 'SELECT sum(deadlocks) FROM pg_stat_database'), '0', 'no deadlock');
my $log = slurp_file($node->logfile);
unlike($log, qr/deadlock detected/, 'nor does the log know of one');
my @errors = grep { !/could not serialize access/ } $log =~ /ERROR: .*/g;
is(scalar(@errors), 0, 'the log has no error') or diag(join "\n", @errors[0 .. ($#errors > 9 ? 9 : $#errors)]);

# scores are as of when they were made, which a rebuild does anew; 005_rebuild.pl
# compares them with the clock stopped
my $exact = q{exact_digest('{run_log,profile_score}', '{as_of,statement_at,updated_at,created_at,since,at,run_id,found_at,folded,tried_at,scored_at}')};
my $increments = digest($node, 'crowd', $exact);
$node->safe_psql('crowd', 'CALL cdp.rebuild()');
is(digest($node, 'crowd', $exact), $increments, 'a rebuild changes no row and no id');

# The same messages, decisions and rules, all at once.
make_crowd('at_once');
$node->safe_psql('at_once', "CREATE TABLE stress.inbox (source text, record text, r bigint)");
copy_rows('crowd', 'at_once', 'SELECT DISTINCT source, stress.record(r, ids), r FROM stress.sent', 'stress.inbox');
$node->safe_psql('at_once', q{
	INSERT INTO cdp.inbox (source, record) SELECT source, record FROM stress.inbox ORDER BY md5(r::text)});
$node->safe_psql('at_once', 'CALL cdp.merge(batch => 1000000)');
copy_judgements();
$node->safe_psql('at_once', 'CALL cdp.merge()');
$node->safe_psql($_, 'ANALYZE') foreach 'crowd', 'at_once';
is($node->safe_psql('at_once', conflicts()), $node->safe_psql('crowd', conflicts()),
	'a store that got it all in one batch refuses the same links');
same_canonically($node, 'crowd', digest($node, 'at_once', 'canonical_digest()'), 'at_once',
	'and says the same of every profile');

$node->stop;
done_testing();

sub make_crowd
{
	my ($database) = @_;

	make_store($node, $database);
	# records are of any age, and none is to be refused for it
	$node->safe_psql($database, 'UPDATE cdp.source SET retention = NULL');
	$node->safe_psql($database, "\\i $crowd");
	return;
}

# pgbench in the background with a script that may use :r, a message.
sub start_clients
{
	my ($name, $count, $script, @options) = @_;
	my ($out, $err) = ('', '');
	my $file = PostgreSQL::Test::Utils::tempdir() . "/$name.sql";

	append_to_file($file, "\\set r random(1, :messages)\n$script\n");
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my $run = IPC::Run::start(
		[
			'pgbench', '-n', '-c', $count, '-T', $seconds, '-f', $file,
			'--random-seed=' . ($seed + length $name), '-D', "messages=$messages", '-D', "seconds=$seconds",
			@options, $node->connstr('crowd')
		],
		'>', \$out, '2>', \$err);
	return [ $name, $run, \$out, \$err ];
}

sub copy_rows
{
	my ($from, $to, $query, $table) = @_;
	my $rows = $node->safe_psql($from, "COPY ($query) TO STDOUT");

	$node->safe_psql($to, "COPY $table FROM STDIN;\n$rows\n\\.\n");
	return;
}

# What stewards left: decisions, retracted sets, rules.  Nothing can be decided
# about a value without evidence, so the decisions come first.
sub copy_judgements
{
	my $source = q{(SELECT name FROM cdp.source WHERE source.source_id = identifier_set.source_id)};
	my $set = q{(SELECT array_agg(id ORDER BY id) FROM stress.known WHERE identifier_id = ANY (identifiers))};

	foreach my $query (
		q{SELECT format('SELECT cdp.decide(%L, %L, %L, ''the same'')', a.id, b.id, verdict)
			FROM cdp.decision JOIN stress.known AS a ON a.identifier_id = identifier_a
			JOIN stress.known AS b ON b.identifier_id = identifier_b
			WHERE withdrawn_by IS NULL},
		qq{SELECT format(\$\$SELECT cdp.retract(set_id, 'the same') FROM cdp.identifier_set
			WHERE $source = %L AND $set = %L\$\$, $source, $set)
			FROM cdp.identifier_set WHERE retracted},
		q{SELECT format('SELECT cdp.block_value(%L, %L, %L, %L)', type, value, reason, pattern)
			FROM cdp.blocked_value},
		q{SELECT format('UPDATE cdp.identifier_type SET max_per_profile = %L WHERE type = %L',
			max_per_profile, type) FROM cdp.identifier_type})
	{
		my $commands = $node->safe_psql('crowd', "SELECT string_agg(command, E';\n') FROM ($query) AS made (command)");
		$node->safe_psql('at_once', $commands) if $commands ne '';
	}
	return;
}

sub conflicts
{
	return q{SELECT rule, least(a.id, b.id), greatest(a.id, b.id)
		FROM cdp.refused_link JOIN stress.known AS a ON a.identifier_id = identifier_a
		JOIN stress.known AS b ON b.identifier_id = identifier_b ORDER BY 2, 3};
}
