# Views and tables are read as their users read them: over JDBC, over ODBC, by
# node's pg and by PostGraphile.  Each column comes with a type that a tool knows
# what to do with, and each value whole: what the reader printed is what psql
# prints.  A reader whose packages are not there skips, and says why.
#
# What is read is whatever the catalogue says that a role of any kind may read.
#
# README's charts are read as well, and compared with sums made here.
use strict;
use warnings;

use CdpNode;
use CdpStore;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Scalar::Util qw(looks_like_number);
use Test::More;

my $readers = abs_path(dirname(__FILE__) . '/readers');
my $folder = PostgreSQL::Test::Utils::tempdir();
my $driver = '/usr/share/java/postgresql.jar';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# For each reader: a column's type -> what the reader must call it, and the SQL
# expression whose text the reader must print; psql's text where there is none.
# Those of "arrays" and "json" are JSON, and compared as JSON.
my $instant = q{to_char(%1$s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')};
my $part = q{nullif(extract(%2$s FROM %1$s), 0)};
my %types = (
	'JDBC' => {
		'bigint' => [ qr/^BIGINT (int8|bigserial)$/ ],
		'integer' => [ qr/^INTEGER (int4|serial)$/ ],
		'text' => [ qr/^VARCHAR text$/ ],
		'numeric' => [ qr/^NUMERIC numeric$/ ],
		'double precision' => [ qr/^DOUBLE float8$/ ],
		'boolean' => [ qr/^(BIT|BOOLEAN) bool$/ ],
		'date' => [ qr/^DATE date$/ ],
		'timestamp with time zone' => [ qr/^TIMESTAMP(_WITH_TIMEZONE)? timestamptz$/ ],
		'interval' => [ qr/^OTHER interval$/ ],
		'jsonb' => [ qr/^OTHER jsonb$/ ],
		'uuid' => [ qr/^OTHER uuid$/ ],
		'bytea' => [ qr/^BINARY bytea$/ ],
		'cdp.predicate' => [ qr/^OTHER "cdp"."predicate"$/ ],
		'arrays' => [ qr/^ARRAY _(text|int8|numeric|bytea)$/, 'to_json(%s::text[])' ],
	},
	'ODBC' => {
		'bigint' => [ qr/^BIGINT$/ ],
		'integer' => [ qr/^INTEGER$/ ],
		'text' => [ qr/^LONGVARCHAR$/ ],
		'numeric' => [ qr/^NUMERIC$/ ],
		'double precision' => [ qr/^DOUBLE$/ ],
		'boolean' => [ qr/^BIT$/, '%s::integer' ],
		'date' => [ qr/^DATE$/ ],
		'timestamp with time zone' => [ qr/^TIMESTAMP$/,
			q{CASE %1$s WHEN 'infinity' THEN '9999-12-31 23:59:59' WHEN '-infinity' THEN '9999-01-01 00:00:00 BC'
				ELSE (%1$s AT TIME ZONE 'UTC')::text END} ],
		'interval' => [ qr/^VARCHAR$/ ],
		'jsonb' => [ qr/^LONGVARCHAR$/ ],
		'uuid' => [ qr/^GUID$/, 'upper(%s::text)' ],
		'bytea' => [ qr/^VARBINARY$/, q{encode(%s, 'hex')} ],
		'cdp.predicate' => [ qr/^LONGVARCHAR$/ ],
		'arrays' => [ qr/^(LONG)?VARCHAR$/ ],
	},
	'pg of node' => {
		'bigint' => [ qr/^(string)?$/ ],
		'integer' => [ qr/^(number)?$/ ],
		'text' => [ qr/^(string)?$/ ],
		'numeric' => [ qr/^(string)?$/ ],
		'double precision' => [ qr/^(number)?$/ ],
		'boolean' => [ qr/^(boolean)?$/ ],
		'date' => [ qr/^(Date)?$/, q{to_char(%s, 'YYYY-MM-DD"T00:00:00.000Z"')} ],
		'timestamp with time zone' => [ qr/^(Date)? ?(number)?$/,
			qq{CASE %1\$s WHEN 'infinity' THEN 'Infinity' WHEN '-infinity' THEN '-Infinity' ELSE $instant END} ],
		'interval' => [ qr/^(PostgresInterval)?$/, 'CASE WHEN %1$s IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('
			  . join(', ', map { "'${_}s', " . sprintf($part, '%1$s', $_) } qw(year month day hour minute))
			  . q{, 'seconds', nullif(trunc(extract(second FROM %1$s)), 0),
				'milliseconds', nullif(extract(milliseconds FROM %1$s) %% 1000, 0))) END} ],
		'jsonb' => [ qr/^((Object|Array|string|number|boolean) ?)*$/ ],
		'uuid' => [ qr/^(string)?$/ ],
		'bytea' => [ qr/^(Buffer)?$/ ],
		'cdp.predicate' => [ qr/^(string)?$/ ],
		'arrays' => [ qr/^(Array)?$/, 'to_json(%s::text[])' ],
	},
	'PostGraphile' => {
		'bigint' => [ qr/^BigInt$/ ],
		'integer' => [ qr/^Int$/ ],
		'text' => [ qr/^String$/ ],
		'numeric' => [ qr/^BigFloat$/ ],
		'double precision' => [ qr/^Float$/ ],
		'boolean' => [ qr/^Boolean$/ ],
		'date' => [ qr/^Date$/ ],
		'timestamp with time zone' => [ qr/^Datetime$/, q{to_json(%s) #>> '{}'} ],
		'interval' => [ qr/^Interval$/, 'CASE WHEN %1$s IS NOT NULL THEN jsonb_build_object('
			  . join(', ', map { "'${_}s', extract($_ FROM %1\$s)" } qw(year month day hour minute second)) . ') END' ],
		'jsonb' => [ qr/^JSON$/ ],
		'uuid' => [ qr/^UUID$/ ],
		'bytea' => [ qr/^String$/ ],
		'cdp.predicate' => [ qr/^String$/ ],
		'arrays' => [ qr/^\[(String|BigInt|BigFloat)\]$/, 'to_json(%s::text[])' ],
	});
# What JavaScript reads of JSON it prints in its own manner.
my %json_types = (
	'JDBC' => qr/\[\]$/,
	'ODBC' => qr/^$/,
	'pg of node' => qr/\[\]$|^jsonb$|^interval$/,
	'PostGraphile' => qr/\[\]$|^jsonb$|^interval$/);

my $node = new_server('readers', "listen_addresses = '127.0.0.1'", 'fsync = off', 'jit = off');
make_store($node, 'postgres');
fill_inbox($node, 'postgres', 60);
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "$readers/store.sql" ],
	'the store is made');

my @tables = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', q{
	SELECT relname, string_agg(attname || ':' || format_type(atttypid, NULL), '|' ORDER BY attnum)
	FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
	WHERE relnamespace = 'cdp'::regnamespace AND relkind IN ('r', 'p', 'v')
		AND has_table_privilege('tool', pg_class.oid, 'SELECT')
	GROUP BY relname ORDER BY relname});
my @names = map { $_->[0] } @tables;
is( $node->safe_psql('postgres', q{
		SELECT relname FROM pg_class
		WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'v' AND relname !~ '^_'
			AND NOT has_table_privilege('tool', oid, 'SELECT')}),
	'', 'each public view is there for somebody');
is( $node->safe_psql('postgres', q{
		SELECT relname FROM pg_class
		WHERE relnamespace = 'cdp'::regnamespace AND relkind = 'v' AND relname !~ '^_'
			AND query_to_xml(format('SELECT 1 AS one FROM cdp.%I LIMIT 1', relname), true, true, '')::text = ''}),
	'model_feature', 'each has rows to read, but for that of models that need more people');
is( $node->safe_psql('postgres', q{
		SELECT max(length(properties::text)) > 8190, bool_or(properties::text ~ '🙂'), max(amount) > 98765432109876
		FROM cdp.profile_event;
		SELECT max(length(segments::text)) > 255, bool_or(name ~ '🙂') FROM cdp.unified_profile;
		SELECT bool_or(description ~ E'\\n') FROM cdp.purpose;
		SELECT bool_or(valid_from = '-infinity'), bool_or(valid_to = 'infinity') FROM cdp.catalog}),
	"t|t|t\nt|t\nt\nt|t", 'and values that readers are known to spoil');

SKIP:
{
	my $modules;

	skip 'JDBC: there is no java that runs source files', 3
	  unless run_in_folder(30, \$modules, 'java', '--list-modules') && $modules =~ /jdk\.compiler/;
	skip 'JDBC: libpostgresql-jdbc-java is not installed', 3 unless -e $driver;
	compare('JDBC', 'java', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Duser.timezone=UTC', '-cp', $driver,
		"$readers/Reader.java", 'jdbc:postgresql://127.0.0.1:' . $node->port . '/postgres?user=tool');
}

SKIP:
{
	my $output;

	skip 'ODBC: unixodbc-dev is not installed', 4
	  unless run_in_folder(30, \$output, 'gcc', '-o', "$folder/reader", "$readers/reader.c", '-lodbc');
	skip 'ODBC: odbc-postgresql is not installed', 4
	  unless run_in_folder(30, \$output, 'grep', '-q', 'PostgreSQL Unicode', '/etc/odbcinst.ini');

	my $connection = 'DRIVER={PostgreSQL Unicode};UID=tool;DATABASE=postgres;SERVER=' . $node->host . ';PORT=' . $node->port;
	compare('ODBC', "$folder/reader", "$connection;UnknownsAsLongVarchar=1;BoolsAsChar=0");
	# why README says so
	my (undef, $said) = run_command([ "$folder/reader", $connection, 'next_action_rule' ]);
	like($said, qr/^next_action_rule, column 0: 01004/, 'ODBC: without that option what is longer than 255 is cut');
}

SKIP:
{
	my $why_not = why_no_node('pg', 'postgraphile-core@4', 'graphql@15');

	skip "node: $why_not", 6 if $why_not;
	compare('pg of node', 'node', "$readers/reader.mjs", $node->host, $node->port);
	compare('PostGraphile', 'node', "$readers/graphql.mjs", $node->host, $node->port);
}

charts();

$node->stop;
done_testing();

# The queries of README's charts, by one who may read figures, against counts of
# rows that psql lists.
sub charts
{
	my ($section) = slurp_file("$readers/../../../README.md") =~ /^### Charts\n(.*?)^##? /ms;
	my (undef, $funnel, $retention, $rfm, $value, $calibration, $sizes) =
	  map { [ rows_of($_, /^CREATE/ ? 'NONE' : 'analyst') ] } $section =~ /^```sql\n(.*?)^```/gms;

	is(scalar(@$funnel), 3, 'the funnel has a bar for each step');
	is_deeply($retention, [ retention_by_hand() ], 'retention of cohorts is what counting by hand gives');
	cmp_ok(scalar(@$retention), '>', 20, 'of which there are some');
	my %cells = map { my ($recency, @counts) = split /\|/; map { ("$recency|" . ($_ + 1) => $counts[$_]) } 0 .. 4 } @$rfm;
	my %customers;
	$customers{$_}++ foreach rows_of('SELECT recency, frequency FROM cdp.rfm');
	is_deeply({ map { $_ => $cells{$_} } grep { $cells{$_} } keys %cells }, \%customers, 'the RFM grid counts every customer');
	my @counts;
	$counts[ int($_ / 50) ]++ foreach rows_of('SELECT clv_365d FROM cdp.profile_metric WHERE clv_365d IS NOT NULL');
	is_deeply($value, [ map { $_ * 50 . '|' . ($counts[$_] // 0) } 0 .. $#counts ], 'so does the histogram of values');
	is(scalar(@$calibration), 10, 'calibration has ten bands');
	is_deeply($sizes, [ rows_of("SELECT as_of, segment, size FROM cdp.segment_history WHERE segment = 'abandoned_cart' ORDER BY as_of") ],
		'sizes of segments are as recorded');
	return;
}

sub rows_of
{
	my ($query, $role) = @_;

	return split /\n/, $node->safe_psql('postgres', 'SET ROLE ' . ($role // 'NONE') . "; SET TIME ZONE 'Europe/Berlin'; $query");
}

# Each cohort's buyers by months since its first, for a year or until now.
sub retention_by_hand
{
	my (%months, %cells, %size);
	my $month_now = 2026 * 12 + 5;

	foreach (rows_of('SELECT profile_id, occurred_at FROM cdp.profile_order'))
	{
		my ($profile, $year, $month) = /^(\d+)\|(\d+)-(\d+)/;
		$months{$profile}{ $year * 12 + $month - 1 } = 1;
	}
	foreach my $bought (values %months)
	{
		my ($first) = sort { $a <=> $b } keys %$bought;
		$size{$first}++;
		$cells{$first}{ $_ - $first }++ foreach keys %$bought;
	}
	return map {
		my $first = $_;
		my $time = sprintf '%d-%02d-01 00:00:00+0%d', int($first / 12), $first % 12 + 1, $first % 12 > 2 && $first % 12 < 10 ? 2 : 1;
		map {
			my $buyers = $cells{$first}{$_} // 0;
			"$time|$_|$size{$first}|$buyers|" . sprintf('%.1f', int((2000 * $buyers + $size{$first}) / (2 * $size{$first})) / 10)
		} grep { $_ <= 12 && $first + $_ <= $month_now } 0 .. 12
	} sort { $a <=> $b } keys %size;
}

# Run a reader over all tables, and compare what it prints with the catalogue
# and with psql.
sub compare
{
	my ($reader, @command) = @_;
	local $ENV{TZ} = 'UTC';
	my ($got, $said) = ('', '');
	my $done = eval {
		IPC::Run::run([ 'sh', '-c', 'cd "$0" && exec "$@"', node_folder(), @command, @names ],
			'>', \$got, '2>', \$said, IPC::Run::timeout(300));
	};

	ok($done, "$reader reads every table") or diag(substr $said, 0, 2000);
	my %printed = by_table($got);
	my %wanted = by_table($node->safe_psql('postgres', join "\n",
			"SET TIME ZONE 'UTC'; SET datestyle = 'ISO';", map { query_of($reader, @$_) } @tables));
	my (@types, @values);
	foreach my $table (@tables)
	{
		my ($name, @columns) = map { [ split /:/ ] } @$table;
		my ($types, @rows) = split /\n/, $printed{ $name->[0] } // '[]';
		push @types, wrong_types($reader, $name->[0], $json->decode($types), @columns);
		push @values, wrong_values($reader, $name->[0], \@rows, $wanted{ $name->[0] }, @columns);
	}
	is(join("\n", @types), '', "$reader: each column has a type that a tool understands");
	is(join("\n", splice @values, 0, 10), '', "$reader: each value is what psql prints");
	return;
}

# The name that %types has for a type.
sub kind_of
{
	my ($type) = @_;

	return $type =~ /\[\]$/ ? 'arrays' : $type;
}

sub wrong_types
{
	my ($reader, $table, $found, @columns) = @_;
	my @wrong;

	push @wrong, "$table: " . @$found . ' columns of ' . @columns unless @$found == @columns;
	foreach my $i (0 .. $#columns)
	{
		my ($name, $type) = @{ $columns[$i] };
		my $wanted = $types{$reader}{ kind_of($type) };
		my $is = $found->[$i] // 'nothing';
		push @wrong, "$table.$name, $type, is $is" unless $wanted && $is =~ $wanted->[0];
	}
	return @wrong;
}

# What was printed behind each line "@TABLE".
sub by_table
{
	my ($printed) = @_;

	return map { /^(\w+)\n?(.*)/s } grep { length } split /^@/m, $printed;
}

# What psql is asked for: each row as a reader should print it.
sub query_of
{
	my ($reader, $table, @columns) = @_;
	my @values = map {
		my ($name, $type) = split /:/;
		my $expression = $types{$reader}{ kind_of($type) }[1] // '%s::text';
		'coalesce(to_json((' . sprintf($expression, qq{"$name"}) . q{)::text)::text, 'null')};
	} @columns;

	return "\\echo \@$table\nSELECT " . join(q{ || ',' || }, @values) . " FROM cdp.$table;";
}

# Rows that only one of both printed; in any order, for views have none.
sub wrong_values
{
	my ($reader, $table, $rows, $wanted, @columns) = @_;
	my %count;

	$count{$_}++ foreach split /\n/, $wanted // '';
	$count{$_}-- foreach map { /^\[(.*)\]$/ } @$rows;
	my %left;
	foreach my $row (grep { $count{$_} != 0 } keys %count)
	{
		my $same = same_row($reader, $json->decode("[$row]"), @columns);
		$left{$same} += $count{$row};
	}
	return map { ($left{$_} > 0 ? "$table, only psql: " : "$table, only $reader: ") . substr($_, 0, 1000) }
	  sort grep { $left{$_} != 0 } keys %left;
}

# One text for all ways to write the same row.
sub same_row
{
	my ($reader, $row, @columns) = @_;

	foreach my $i (grep { defined $row->[$_] } 0 .. $#columns)
	{
		my $type = $columns[$i][1];
		if ($type eq 'double precision')
		{
			$row->[$i] = sprintf '%.17g', $row->[$i];
		}
		elsif ($type =~ $json_types{$reader})
		{
			$row->[$i] = $json->encode(plain(decode_text($row->[$i])));
		}
	}
	return $json->encode($row);
}

# JSON within a text: characters, not bytes.
sub decode_text
{
	my ($text) = @_;
	my $value = eval { JSON::PP->new->allow_nonref->decode($text) };

	# a string of jsonb comes from JavaScript as it is
	return defined $value || $text eq 'null' ? $value : $text;
}

# Numbers and texts of numbers as a double has them, which is what JavaScript has.
sub plain
{
	my ($value) = @_;

	return { map { $_ => plain($value->{$_}) } keys %$value } if ref $value eq 'HASH';
	return [ map { plain($_) } @$value ] if ref $value eq 'ARRAY';
	return defined $value && !ref $value && looks_like_number($value) ? sprintf('%.15g', $value) : $value;
}
