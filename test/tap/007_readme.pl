# README's SQL blocks run, in order, in one session; where a block is followed
# by a block without a language, that is what it prints; followed by a block of
# mermaid, it prints one value, and that is the block.
#
# A block that begins with "```sql skip" is shown only (what needs another
# server, a cloud, ...).  README's COPY finds a file web.jsonl.
use strict;
use warnings;

use CdpStore;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $readme = abs_path(dirname(__FILE__) . '/../..') . '/README.md';
plan skip_all => 'there is no README.md' unless -e $readme;

my @blocks = blocks_of(slurp_file($readme));
cmp_ok(scalar(@blocks), '>', 0, 'README.md has SQL blocks');

my $library = `$ENV{PG_CONFIG} --pkglibdir`;
chomp $library;
my @cron = -e "$library/pg_cron.so"
  ? ("shared_preload_libraries = 'pg_cron'", "cron.database_name = 'readme'")
  : ();
my $node = new_server('readme', "cdp.test_clock = '2026-11-05 12:00:00+00'", @cron);
$node->safe_psql('postgres', 'CREATE DATABASE readme');

my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/web.jsonl",
	'{"type": "page", "messageId": "readme-1", "anonymousId": "c-readme", "timestamp": "2026-05-30T10:00:00Z"}' . "\n");
append_to_file("$folder/readme.sql", join '',
	map { "\\echo \@\@$_\n" . script_of($blocks[$_]) } 0 .. $#blocks);

chdir $folder;
my ($out, $err) = run_command(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('readme'), '-f', 'readme.sql' ]);
chdir '/';
my (undef, %printed) = split /^\@\@(\d+)\n/m, $out;

foreach my $number (0 .. $#blocks)
{
	my $block = $blocks[$number];
	my $title = "block at line $block->{line}";

	if (!exists $printed{ $number + 1 } && $number < $#blocks || $number == $#blocks && $err =~ /ERROR/)
	{
		fail("$title runs");
		diag($err);
		last;
	}
	pass("$title runs");
	is(tidy($printed{$number}), tidy($block->{output}), "$title prints what README says")
	  if defined $block->{output};
}

$node->stop;
done_testing();

# The SQL blocks of a page, each with its line and the output shown below it.
sub blocks_of
{
	my ($page) = @_;
	my (@found, $kind, $text, $start);
	my $line = 0;

	foreach (split /\n/, $page)
	{
		$line++;
		if (!defined $kind && /^```(.*)$/)
		{
			($kind, $text, $start) = ($1, '', $line);
		}
		elsif (defined $kind && /^```$/)
		{
			push @found, { kind => $kind, text => $text, line => $start, last => $line };
			undef $kind;
		}
		elsif (defined $kind)
		{
			$text .= "$_\n";
		}
	}

	my @sql;
	foreach my $block (@found)
	{
		if ($block->{kind} eq 'sql')
		{
			push @sql, { sql => $block->{text}, line => $block->{line}, last => $block->{last} };
		}
		elsif ($block->{kind} =~ /^(mermaid)?$/ && @sql && $block->{line} - $sql[-1]{last} <= 2)
		{
			$sql[-1]{output} = $block->{text};
			$sql[-1]{is_value} = $block->{kind} eq 'mermaid';
		}
	}
	return @sql;
}

# What psql is given for a block; a value is printed as it is.
sub script_of
{
	my ($block) = @_;

	return "$block->{sql}\n" unless $block->{is_value};
	return "\\pset format unaligned\n\\pset tuples_only on\n$block->{sql}\n"
	  . "\\pset format aligned\n\\pset tuples_only off\n";
}

# Without trailing blanks and blank lines at the ends.
sub tidy
{
	my ($text) = @_;

	$text =~ s/[ \t]+$//mg;
	$text =~ s/\A\n+//;
	$text =~ s/\n*\z/\n/;
	return $text;
}
