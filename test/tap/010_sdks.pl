# The SDKs of Segment and RudderStack for node post to a receiver that does
# nothing but cdp.ingest_batch(): their users end up as one profile each, with
# what they did, and a batch that is sent again counts once.
use strict;
use warnings;

use CdpNode;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $scripts = abs_path(dirname(__FILE__) . '/sdk');
my $output;

my $why_not = why_no_node('@segment/analytics-node', '@rudderstack/rudder-sdk-node', 'pg');
plan skip_all => $why_not if $why_not;
my $folder = node_folder();

my $node = PostgreSQL::Test::Cluster->new('sdks');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION cdp;
	SELECT cdp.setup(time_zone => 'Europe/Berlin', default_region => 'DE', currency => 'EUR');
	SELECT cdp.add_source('segment'), cdp.add_source('rudderstack');
	CREATE ROLE collector LOGIN;
	SELECT cdp.grant_role('collector', 'ingest')});

# The receiver names its port; the visitors' scripts end when all is sent.
my $port = '';
my $log = "$folder/receiver.log";
my $receiver = IPC::Run::start([ 'sh', '-c', 'cd "$0" && exec node "$1" "$2" "$3"', $folder,
		"$scripts/receiver.mjs", $node->host, $node->port ],
	'>', \$port, '2>', $log, IPC::Run::timeout(180));
$receiver->pump until $port =~ /\n/ || !$receiver->pumpable;
chomp $port;
ok(run_in_folder(60, \$output, 'node', "$scripts/visitors.mjs", $port), 'the visitors came and went')
  or diag $output;
my $waiting = q{SELECT count(*) >= 48 FROM cdp.message};
ok($node->poll_query_until('postgres', $waiting), 'all that they did has arrived');
$receiver->kill_kill;
# What came while another call had not committed yet waits for the merge run.
$node->safe_psql('postgres', 'CALL cdp.merge()');
note slurp_file($log);

foreach my $sdk ('segment', 'rudderstack')
{
	is( $node->safe_psql('postgres', qq{
			SELECT sum(stored), sum(duplicates) > 0, sum(rejected), sum(without_key)
			FROM cdp.ingest_count WHERE source = '$sdk'}),
		'24|t|0|0', "$sdk: every call is stored once, what came twice is a repeat");
	is( $node->safe_psql('postgres', qq{
			SELECT n, count(DISTINCT cdp.find_profile(type, value))
			FROM generate_series(1, 3) AS n, LATERAL (VALUES
				('anonymous_id', '$sdk-cookie-' || n), ('anonymous_id', '$sdk-former-cookie-' || n),
				('user_id', '$sdk-user-' || n), ('device_id', '$sdk-device-' || n),
				('email', 'visitor' || n || '\@$sdk.example')) AS known (type, value)
			GROUP BY n ORDER BY n}),
		"1|1\n2|1\n3|1", "$sdk: cookies, device, account and e-mail of a user are one profile");
	is( $node->safe_psql('postgres', qq{
			SELECT profile.email, profile.name, profile.city, profile.country, profile.account_id,
				profile.events, profile.orders, profile.revenue
			FROM cdp.profile('user_id', '$sdk-user-2') AS profile}),
		"visitor2\@$sdk.example|Vera Visitor 2|Köln|DE|$sdk-company|5|1|27.0000",
		"$sdk: the profile has what was sent");
	is( $node->safe_psql('postgres', qq{
			SELECT name, amount, currency, properties - 'products'
			FROM cdp.profile_event
			WHERE profile_id = cdp.find_profile('user_id', '$sdk-user-1')
			ORDER BY name COLLATE "C"}),
		join("\n",
			qq{order|26.0000|EUR|{"total": 26, "currency": "EUR", "order_id": "$sdk-order-1"}},
			'page_view|||{"url": "https://shop.example/", "name": "Home", "path": "/", "title": "Home"}',
			'product_view|||{"price": 12.5, "campaign": {"name": "spring", "source": "mail"}, "category": "kitchen", "product_id": "mug"}',
			'screen_view|||{"name": "Cart"}',
			'search|||{"query": "mug"}'),
		"$sdk: events have the names and properties one can rely on");
	is( $node->safe_psql('postgres', qq{
			SELECT name, extract(epoch FROM cdp.clock() - occurred_at) BETWEEN 3600 AND 3900
			FROM cdp.profile_event
			WHERE profile_id = cdp.find_profile('user_id', '$sdk-user-1') AND name IN ('order', 'search')
			ORDER BY name}),
		"order|t\nsearch|f", "$sdk: events have their own time");
}
is($node->safe_psql('postgres', 'SELECT reason, field FROM cdp.ingest_warning'), '', 'nobody is warned of anything');

$node->stop;
done_testing();
