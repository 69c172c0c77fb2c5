# CdpStore.pm: stores with the demo shop's records, for TAP tests.
package CdpStore;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use Test::More;

our @EXPORT = qw(new_server make_store fill_inbox digest same_canonically wait_until);

my $test_folder = abs_path(dirname(__FILE__) . '/..');

# A server on which the demo's end is now.  @conf are further settings.
sub new_server
{
	my ($name, @conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', join "\n",
		"cdp.test_clock = '2026-06-01 12:00:00+00'",
		"timezone = 'UTC'",
		"autovacuum_naptime = 1h",
		"max_wal_size = '1GB'",
		@conf, '');
	$node->start;
	return $node;
}

# A database with an empty store and the demo's sources.
sub make_store
{
	my ($node, $database) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database")
	  if $database ne 'postgres';
	run_file($node, $database, 'demo/setup.sql');
	return;
}

# The records of a shop of so many people go into the inbox.
sub fill_inbox
{
	my ($node, $database, $people) = @_;

	run_file($node, $database, 'demo/shop.sql', '-v', "people=$people");
	$node->safe_psql($database, q{
		INSERT INTO cdp.inbox (source, record)
		SELECT source, line FROM shop.record ORDER BY at, line COLLATE "C";
		SET client_min_messages = warning;
		DROP SCHEMA shop CASCADE});
	return $node->safe_psql($database, 'SELECT count(*) FROM cdp.inbox');
}

sub run_file
{
	my ($node, $database, $file, @options) = @_;

	$node->command_ok(
		[
			'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null',
			@options, '-d', $node->connstr($database), '-f', "$test_folder/$file"
		],
		"$file in $database");
	return;
}

# digest($node, $database, 'canonical_digest()'): lines "table|rows|digest".
sub digest
{
	my ($node, $database, $call) = @_;

	return $node->safe_psql($database,
		"\\i $test_folder/data/digest.sql\nSELECT * FROM pg_temp.$call");
}

# Do two stores say the same?  If not, show where they differ.
sub same_canonically
{
	my ($node, $database, $digest, $other, $title) = @_;

	return 1 if is(digest($node, $database, 'canonical_digest()'), $digest, $title);
	my %digest = map { /^(\w+)\|(.*)$/ } split /\n/, $digest;
	my %found = map { /^(\w+)\|(.*)$/ } split /\n/, digest($node, $database, 'canonical_digest()');
	foreach my $part (grep { $found{$_} ne $digest{$_} } sort keys %found)
	{
		my @rows = map {
			[ split /\n/, $node->safe_psql($_,
					"\\i $test_folder/data/digest.sql\nSELECT * FROM pg_temp.canonical_rows('$part')") ]
		} $database, $other;
		my %count;
		$count{$_}++ foreach @{ $rows[0] };
		$count{$_}-- foreach @{ $rows[1] };
		my @different = sort grep { $count{$_} != 0 } keys %count;
		diag(scalar(@different) . " rows of $part differ");
		diag(($count{$_} > 0 ? "only in $database: " : "only in $other: ") . $_)
		  foreach splice @different, 0, 6;
	}
	return 0;
}

# Ask until the answer is 't'; false after about a minute.
sub wait_until
{
	my ($node, $database, $query) = @_;

	for (1 .. 6000)
	{
		my ($status, $answer) = $node->psql($database, $query);
		return 1 if $status == 0 && $answer eq 't';
		select undef, undef, undef, 0.01;
	}
	return 0;
}

1;
