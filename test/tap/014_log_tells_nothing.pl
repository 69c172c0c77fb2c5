# Nothing personal in the server log at its default settings, however calls
# fail: bad identifiers and records, values of the wrong type, constraints and
# triggers of the user's own, deadlocks, cancelled and timed out statements, by
# every door that takes a value.
#
# Values come from a table, as they come as parameters from clients: the text of
# a statement that failed is in the log, and what a client writes into it is not
# ours to hide.  Each value has a mark, which is looked for in the end.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('log', 'fsync = off', 'deadlock_timeout = 200ms');
make_store($node, 'shop');
my $mark = 'zqmark';

# What goes through the doors, by COPY, which is not logged.
my $values = PostgreSQL::Test::Utils::tempdir() . '/values';
append_to_file($values, join '', map { "$_\n" }
	  "$mark\@\@example.com", "$mark\@example.com", "$mark", "+43 $mark", "${mark}1\@example.com", "email:$mark\@\@x",
	"email:$mark\@example.com", "user_id:$mark", "email:$mark/$mark", "$mark'; --", "$mark" x 400);
my $records = PostgreSQL::Test::Utils::tempdir() . '/records';
append_to_file($records, join '', map { "$_\n" }
	  qq({"userId": "$mark"), qq("$mark"), qq(["$mark"]), qq($mark), qq({"type": "$mark", "userId": "$mark"}),
	qq({"type": "track", "userId": "$mark"}), qq({"type": "track", "event": "x", "userId": {"a": "$mark"}}),
	qq({"type": "identify", "userId": "$mark", "timestamp": "$mark"}),
	qq({"type": "identify", "userId": "$mark", "traits": {"email": "$mark\@\@x", "phone": "$mark", "birth_date": "$mark", "latitude": "$mark"}}),
	qq({"type": "identify", "userId": "$mark", "traits": "$mark"}), qq({"type": "identify", "anonymousId": "$mark", "traits": {"age": "$mark"}}),
	qq({"type": "identify", "userId": "$mark", "consent": {"purpose": "marketing", "channel": "email", "state": "$mark", "evidence": "$mark"}}),
	qq({"type": "track", "event": "order", "userId": "$mark", "properties": {"total": "$mark", "currency": "$mark", "order_id": "$mark"}}),
	qq({"type": "track", "event": "poison", "userId": "$mark", "properties": {"name": "$mark"}}),
	qq({"type": "track", "event": "trigger", "userId": "$mark", "properties": {"name": "$mark"}}),
	qq({"type": "identify", "userId": "n\\u0000$mark"}), qq({"type": "identify", "userId": "\\ud800$mark"}),
	qq({"type": "identify", "userId": "$mark", "traits": {"email": "$mark\@example.com"}}));
$node->safe_psql('shop', qq{
	CREATE TABLE public.value (value text);
	CREATE TABLE public.record (n integer GENERATED ALWAYS AS IDENTITY, record text);
	\\copy public.value FROM '$values' (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
	\\copy public.record (record) FROM '$records' (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')
	SELECT cdp.add_trait('age', 'number');
	ALTER TABLE cdp.event ADD CONSTRAINT no_poison CHECK (name <> 'poison');
	CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		RETURN (NEW.properties ->> 'name')::integer;
	END
	\$\$;
	CREATE TRIGGER refuse BEFORE INSERT ON cdp.event FOR EACH ROW WHEN (NEW.name = 'trigger') EXECUTE FUNCTION public.refuse()});

# Every door with every value, one statement each, most of which fail.  What is
# no JSON cannot be passed, and what a constraint or trigger of one's own says to a
# call is as its owner wrote it; in bulk both are the store's to handle.
my @calls = map { my $call = $_; map { sprintf $call, "(SELECT value FROM public.value OFFSET $_ LIMIT 1)" } 0 .. 10 } (
	map({ my $type = $_;
			map { sprintf $_, $type } ("SELECT cdp.record_consent('%s', %%s, 'marketing', 'email', 'granted')",
				"SELECT cdp.suppress('%s', %%s)", "SELECT cdp.unsuppress('%s', %%s)", "SELECT * FROM cdp.profile('%s', %%s)",
				"SELECT cdp.find_profile('%s', %%s)", "SELECT cdp.block_value('%s', %%s)", "SELECT cdp.unblock_value('%s', %%s)",
				"SELECT cdp.match_key('google', '%s', %%s)") } 'email', 'phone', 'device_id', 'user_id'),
	"SELECT * FROM cdp.explain_identity(%1\$s, %1\$s)", "SELECT cdp.identity_at(%s, now())", "SELECT * FROM cdp.identity_history(%s)",
	"SELECT cdp.decide(%s, 'user_id:nobody', 'always', 'x')", "SELECT cdp.undecide(%s, 'user_id:nobody', 'x')",
	"SELECT cdp.unmerge(1, ARRAY[%s], 'x')", "SELECT cdp.pin_trait(1, 'birth_date', to_jsonb(%s), 'x')",
	"SELECT cdp.pin_trait(1, 'age', to_jsonb(%s), 'x')", "SELECT * FROM cdp.search_text(%s)",
	"SELECT * FROM cdp.preview_rules(jsonb_build_object('block', jsonb_build_array(jsonb_build_object('type', 'email', 'value', %s))))",
	"SELECT cdp.ingest('web', to_jsonb(%s))", "SELECT cdp.ingest_batch('web', jsonb_build_array(%s))");
my $script = join '', map { "$_;\n" } @calls,
  map({ my $n = $_; ("SELECT cdp.ingest('web', (SELECT record::jsonb FROM public.record WHERE n = $n))",
		"SELECT cdp.ingest_batch('web', (SELECT jsonb_build_array(record::jsonb) FROM public.record WHERE n = $n AND record LIKE '{%}'))",
		"SELECT * FROM cdp.preview_mapping('web', NULL, ARRAY[(SELECT record FROM public.record WHERE n = $n)])") } 2, 3, 5 .. 13, 18);
my ($status, $out, $err) = $node->psql('shop', $script, on_error_stop => 0);
my $failed = () = $err =~ /ERROR:/g;
cmp_ok($failed, '>', 100, 'calls failed');

# In bulk, poison and all.
$node->safe_psql('shop', q{INSERT INTO cdp.inbox (source, record) SELECT 'web', record FROM public.record;
	CALL cdp.merge()});
cmp_ok($node->safe_psql('shop', 'SELECT count(*) FROM cdp.reject'), '>', 10, 'records were rejected');

# Two transactions in each other's way, and one that waits too long.
sub by_values
{
	my @offsets = @_;
	return map { "SELECT cdp.ingest('web', (SELECT jsonb_build_object('userId', 'd' || '$_' || value) FROM public.value OFFSET 2 LIMIT 1));" } @offsets;
}
my @sessions = map {
	my ($first, $second) = by_values(@$_);
	my $file = "$values.$_->[0].sql";
	append_to_file($file, "BEGIN; $first SELECT pg_sleep(2); $second COMMIT;");
	IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('shop'), '-f', $file ], '>', \my $told, '2>', \my $warned)
} ([ 1, 2 ], [ 2, 1 ]);
$_->finish foreach @sessions;
like(slurp_file($node->logfile), qr/deadlock detected/, 'there was a deadlock');
my ($blocking) = by_values(3);
append_to_file("$values.blocking.sql", "BEGIN; $blocking SELECT pg_sleep(4);");
my $holder = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('shop'), '-f', "$values.blocking.sql" ], '>', \my $told, '2>', \my $warned);
ok(wait_until($node, 'shop', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)' OR wait_event = 'PgSleep'"), 'a session holds');
$node->psql('shop', "SET statement_timeout = '300ms'; $blocking");
$holder->finish;
like(slurp_file($node->logfile), qr/canceling statement due to statement timeout/, 'a statement was cancelled');

# The net holds: what a client writes into its statement is found.
my $before = slurp_file($node->logfile);
$node->psql('shop', "SELECT cdp.suppress('email', '${mark}control\@\@x')");
my $after = slurp_file($node->logfile);
like($after, qr/${mark}control/, 'a marked value in the log would be found');
my @found = grep { /\Q$mark\E/i } split /\n/, $before;
is(scalar(@found), 0, 'no value is in the log') or diag(join "\n", map { substr $_, 0, 300 } @found > 25 ? @found[0 .. 24] : @found);

$node->stop;
done_testing();
