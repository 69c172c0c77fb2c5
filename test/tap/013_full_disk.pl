# A full disk: the store's database lies in a tablespace on a small disk
# (CDP_SMALL_DISK, a folder on a file system of some 48 MB, which test/run.sh
# mounts), its inbox elsewhere.  Runs and a call meet the end of the disk.  They
# raise, what was committed stays whole, and once there is room again the next
# run brings every record to its end.
use strict;
use warnings;

use CdpStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $disk = $ENV{CDP_SMALL_DISK} // '';
plan skip_all => 'no small disk: CDP_SMALL_DISK names none'
  if $disk eq '';

my $records = 20000;
my $ballast = "$disk/ballast";
my $node = new_server('disk');
mkdir "$disk/space" or die "cannot make $disk/space: $!";
$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$disk/space'");
make_store($node, 'shop');
$node->safe_psql('postgres', 'ALTER DATABASE shop SET TABLESPACE small');

# One record in ten repeats the message before it, one in fifty names nobody.
$node->safe_psql('shop', qq{
	ALTER TABLE cdp.inbox SET TABLESPACE pg_default;
	CREATE TABLE public.sent TABLESPACE pg_default AS
	SELECT n, CASE WHEN n % 50 = 5 THEN 'rejected' WHEN n % 10 = 1 AND n > 1 THEN 'duplicate'
		ELSE 'stored' END AS becomes
	FROM generate_series(1, $records) AS n;
	INSERT INTO cdp.inbox (source, record)
	SELECT 'web', jsonb_build_object('type', 'track', 'event', 'note',
			'messageId', 'm' || n - (becomes = 'duplicate')::integer,
			'timestamp', '2026-05-01'::timestamptz + n * interval '1 second',
			'properties', jsonb_build_object('tag', n, 'note', md5(n::text) || md5('a' || n)))
		|| CASE becomes WHEN 'rejected' THEN '{}' ELSE jsonb_build_object('userId', 'u' || n % 2000) END
	FROM public.sent ORDER BY n});

leave_free(4);
my $taken = 0;
foreach my $which ('the first run', 'the second run')
{
	my ($status, undef, $err) = merge();

	isnt($status, 0, "$which fails");
	like($err, qr/ERROR:  .*No space left on device/, "$which says why");
	is( $node->safe_psql('shop', q{
			SELECT state, error ~ '^ingest: .*No space left on device \(SQLSTATE 53100\)$'
			FROM cdp.run ORDER BY run_id DESC LIMIT 1}),
		'failed|t', "$which shows as failed, with the error");
	nothing_is_half_done($which);
	my $now = $node->safe_psql('shop', 'SELECT sum(records) FROM cdp.ingest_count');
	cmp_ok($now, '>=', $taken || 1, "$which keeps the batches that it committed");
	cmp_ok($now, '<', $records, "$which leaves the others to come");
	$taken = $now;
}

# A call whose event needs more than is left.
my $call = q{
	SELECT cdp.ingest('web', jsonb_build_object('type', 'track', 'event', 'call',
		'messageId', 'call', 'userId', 'caller', 'properties', jsonb_build_object('note',
			(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 30000) AS n)))) > 0};
leave_free(0);
my ($status, undef, $err) = $node->psql('shop', $call);
isnt($status, 0, 'a call fails');
like($err, qr/ERROR:  .*No space left on device/, 'the call says why');
nothing_is_half_done('the call');
is($node->safe_psql('shop', "SELECT count(*) FROM cdp.event WHERE name = 'call'"), '0',
	'its event is not there');

# Room is made.
unlink $ballast or die "cannot delete $ballast: $!";
($status, undef, $err) = merge();
is($status, 0, 'the run after that finishes') or diag $err;
is($node->safe_psql('shop', $call), 't', 'and the call, too');
is($node->safe_psql('shop', 'SELECT (SELECT count(*) FROM cdp.inbox), (SELECT count(*) FROM cdp.todo)'),
	'0|0', 'nothing waits');
is( $node->safe_psql('shop', q{
		SELECT count(*) FROM (
			SELECT n, becomes FROM public.sent WHERE becomes <> 'duplicate'
			EXCEPT ALL (
				SELECT (properties ->> 'tag')::integer, 'stored' FROM cdp.event WHERE name = 'note'
				UNION ALL
				SELECT (record::jsonb #>> '{properties,tag}')::integer, 'rejected' FROM cdp.reject)) AS missing}),
	'0', 'each record is stored or rejected as it must be');
is( $node->safe_psql('shop', q{
		SELECT sum(stored), sum(duplicates), sum(rejected) FROM cdp.ingest_count}),
	$node->safe_psql('shop', q{
		SELECT count(*) FILTER (WHERE becomes = 'stored') + 1, count(*) FILTER (WHERE becomes = 'duplicate'),
			count(*) FILTER (WHERE becomes = 'rejected') FROM public.sent}),
	'once, and all are counted');
nothing_is_half_done('all of it');
is($node->safe_psql('shop', 'SELECT ok FROM cdp.verify_identity()'), 't', 'identity is verified');
my $digest = digest($node, 'shop', 'canonical_digest()');
$node->safe_psql('shop', 'SELECT cdp.rebuild_profiles()');
is(digest($node, 'shop', 'canonical_digest()'), $digest, 'rebuilding the profiles changes nothing');

$node->stop;
done_testing();

sub merge
{
	return $node->psql('shop', 'CALL cdp.merge(batch => 1000)');
}

# Fill the disk but for so many MB.
sub leave_free
{
	my ($megabytes) = @_;
	my $block = "\0" x 65536;

	open my $out, '>>', $ballast or die "cannot write $ballast: $!";
	while (free_kilobytes() > $megabytes * 1024)
	{
		last unless defined syswrite $out, $block;
	}
	close $out;
	return;
}

sub free_kilobytes
{
	return (split ' ', (split /\n/, `df -Pk "$disk"`)[1])[3];
}

# Each accepted message has its event and its place in the ledger, and what was
# taken out of the inbox is what was counted.
sub nothing_is_half_done
{
	my ($when) = @_;

	is( $node->safe_psql('shop', q{
			SELECT events = stored, messages = stored, rejects = rejected,
				taken + (SELECT count(*) FROM cdp.inbox) - (SELECT count(*) FROM cdp.event WHERE name = 'call')
					= (SELECT count(*) FROM public.sent)
			FROM (SELECT sum(records) AS taken, sum(stored) AS stored, sum(rejected) AS rejected
					FROM cdp.ingest_count) AS counted,
				(SELECT count(*) AS events FROM cdp.event) AS event,
				(SELECT count(*) AS messages FROM cdp.message) AS message,
				(SELECT count(*) AS rejects FROM cdp.reject) AS reject}),
		't|t|t|t', "$when: nothing is half done");
	return;
}
